"""
The description of all endpoints in OpenAPI: `/api` as its views say it, `/v1` as `data_plane.yaml` does.

Rules: made once for each process, asks no database, shows nothing that depends on who asks.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml
from django.http import HttpRequest, HttpResponse
from django.views import View
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularSwaggerSplitView

_DATA_PLANE: Final = Path(__file__).with_name("data_plane.yaml")
_METHODS: Final = frozenset({"get", "post", "put", "patch", "delete"})
_ERROR: Final = {"description": "An error.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself, untyped
    """How the description names authentication by API key."""

    target_class = "gatewaysite.rest.authentication.KeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "An API key of the gateway, `gw_live_...`; also as `x-api-key`."}


def describe_what_all_share(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A hook of drf-spectacular: say of every operation what its errors look like, and that its body takes no unknown fields."""
    for path in result["paths"].values():
        for method in path.keys() & _METHODS:
            path[method]["responses"].setdefault("default", _ERROR)
            for body in path[method].get("requestBody", {}).get("content", {}).values():
                name = body["schema"]["$ref"].rpartition("/")[2]
                result["components"]["schemas"][name]["additionalProperties"] = False
    return result


def add_data_plane(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A hook of drf-spectacular: put in what no view of Django serves."""
    ours: dict[str, Any] = yaml.safe_load(_DATA_PLANE.read_text(encoding="utf-8"))
    for path in ours["paths"].values():
        for method in path.keys() & _METHODS:
            path[method].setdefault("security", [{"apiKey": []}])
            path[method]["responses"].setdefault("default", _ERROR)
    result["paths"] |= ours["paths"]
    for kind, parts in ours["components"].items():
        result["components"].setdefault(kind, {}).update(parts)
    return result


@cache
def dump_schema() -> bytes:
    """Cost: a tenth of a second, once for each process."""
    described = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]  # of drf-spectacular
    return msgspec.json.format(msgspec.json.encode(described, enc_hook=str), indent=1)


class SchemaFile(View):
    http_method_names = ("get", "head")

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(dump_schema(), content_type="application/json")


class DocsPage(SpectacularSwaggerSplitView):
    """The description to read and try in a browser. Its script comes from a URL of ours: the console's policy allows none inline."""

    authentication_classes = ()
    permission_classes = ()
    url_name = "schema"
