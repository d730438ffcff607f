"""The REST API as a program with an API key sees it, through Django's test client."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver

from apikeys.models import ApiKey
from apikeys.public import CreatedKey, Limit, Workspace, add_key
from gatewaysite.rest import urls
from tests.proxy.integration.query_count import counted_queries

_FEW_COUNT, _MANY_COUNT = 2, 20
ALL = ["inference", "usage", "keys"]


@dataclass
class Program:
    """Somebody with an API key."""

    created: CreatedKey
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    @property
    def key(self) -> ApiKey:
        return self.created.api_key

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.created.secret.reveal()}"}

    def get(self, path: str, query: dict[str, Any] | None = None, **headers: str) -> HttpResponse:
        return self.client.get(path, query or {}, headers=self.headers | headers)

    def post(self, path: str, body: Any = None) -> HttpResponse:
        return self.client.post(path, json.dumps(body or {}), content_type="application/json", headers=self.headers)

    def send(self, method: str, path: str, body: Any = None, *, content_type: str = "application/json", **headers: str) -> HttpResponse:
        """Send any method; `body` is JSON, or bytes as they are. Names of headers have underscores."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.generic(method, path, content, content_type=content_type, headers=self.headers | named)

    def patch(self, path: str, **changes: Any) -> HttpResponse:
        return self.client.patch(path, json.dumps(changes), content_type="application/json", headers=self.headers)


def make_program(workspace: Workspace, name: str, *, limits: tuple[Limit, ...] = (), **fields: Any) -> Program:
    """Return somebody with a key of all permissions, unless `fields` say otherwise."""
    key = ApiKey(workspace=workspace, name=name, **({"permissions": list(ALL)} | fields))
    return Program(add_key(key, limits=limits))


def check_error(answer: HttpResponse, status: int, kind: str, code: str, param: str | None = None, *, has_rows: bool = False) -> str:
    """Check an answer against the contract's error and return its message. `has_rows`: what is wrong with each row is beside it."""
    assert answer.status_code == status, answer.content
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"] == answer.headers["request-id"]
    assert set(answer.json()) == ({"error", "errors"} if has_rows else {"error"})
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["type"], error["code"], error["param"]) == (kind, code, param), error
    message: str = error["message"]
    assert message
    return message


def check_invalid(answer: HttpResponse, param: str | None, *, has_rows: bool = False) -> str:
    return check_error(answer, 400, "invalid_request_error", "invalid_request", param, has_rows=has_rows)


def check_refused(answer: HttpResponse, param: str | None = None) -> None:
    check_error(answer, 403, "permission_error", "permission_missing", param)


@dataclass(frozen=True)
class Endpoint:
    """A path of the REST API with one of its methods; `name` is the route's, `path` may hold `<uuid:...>`."""

    name: str
    method: str
    path: str


def rest_endpoints() -> list[Endpoint]:
    """Return everything that the route table of `/api` leads to."""
    return [
        Endpoint(pattern.name, method, path)
        for path, pattern in _patterns(urls.urlpatterns, "/api/")
        if pattern.name is not None  # only what answers all other paths has none
        for method in _methods(pattern)
    ]


def _patterns(patterns: Sequence[URLPattern | URLResolver], above: str) -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        path = above + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _patterns(pattern.url_patterns, path)
        else:
            yield path, pattern


def _methods(pattern: URLPattern) -> list[str]:
    view = pattern.callback.view_class
    return [name.upper() for name in view.http_method_names if hasattr(view, name) and name not in {"head", "options"}]


def check_growth(program: Program, path: str, add_row: Callable[[int], Any], query: dict[str, Any] | None = None) -> None:
    """
    Check that a list asks the database as often for 20 rows as for 2, and shows them.

    `add_row` stores one more row that the list shows, alike in nothing that is looked up (another key, another assignee); it is told its
    number. Errors: AssertionError with the queries that came to it.
    """
    asked: list[list[str]] = []
    for first, last in ((0, _FEW_COUNT), (_FEW_COUNT, _MANY_COUNT)):
        for number in range(first, last):
            add_row(number)
        with counted_queries() as queries:
            answer = program.get(path, query)
            body = answer.getvalue()
        assert answer.status_code == 200, body
        assert body
        asked.append(list(queries))
    few, many = asked
    assert len(few) == len(many), f"{path} asks {len(few)} times for {_FEW_COUNT} rows and {len(many)} times for {_MANY_COUNT}: {many}"
