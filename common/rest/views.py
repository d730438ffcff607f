"""The base of every REST view: bodies in and out, ids of requests, nothing kept by caches on the way."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, ClassVar

from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.ids import create_uuid7
from common.rest.callers import KeyCaller
from common.rest.formats import JsonParser, JsonRenderer
from common.rest.replicas import read_nearby
from common.rest.scope import REQUEST_ID


class ApiView(APIView):
    """
    JSON in, JSON out; whatever is raised becomes the contract's error (`gatewaysite/rest/errors.py`).

    `cached_as` names the resource whose changes (`freshness.py`) make the answers to a GET out of date; empty: they are not kept. What
    is kept may depend on the workspace, the key's permissions, path, query and `accept`, and on nothing else.
    Guarantee: every answer has `x-request-id` and `request-id`.
    """

    cached_as: ClassVar[str] = ""

    http_method_names = ("get", "post", "put", "patch", "delete", "head")
    parser_classes = (JsonParser,)
    renderer_classes: Sequence[type[BaseRenderer]] = (JsonRenderer,)
    request_id: uuid.UUID

    def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Request:
        given = getattr(request, "scope", {}).get(REQUEST_ID)
        self.request_id = uuid.UUID(given) if given else create_uuid7()
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        caller: object = request.user
        if request.method in {"GET", "HEAD"} and isinstance(caller, KeyCaller) and (get := getattr(self, "get", None)):
            self.get = self.head = read_nearby(get, caller.workspace_id)  # the base calls it by this name

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        final = super().finalize_response(request, response, *args, **kwargs)
        for name in ("x-request-id", "request-id"):
            final.headers[name] = str(self.request_id)
        final.headers["cache-control"] = "no-store"
        return final


def list_of(rows: list[Any], **more: Any) -> Response:
    """Return rows in the envelope that all lists have."""
    return Response({"object": "list", "data": rows} | more)
