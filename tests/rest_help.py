"""The REST API as a program with an API key sees it, through Django's test client."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse
from django.test import Client

from apikeys.models import ApiKey
from apikeys.public import CreatedKey, Limit, Workspace, add_key

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

    def patch(self, path: str, **changes: Any) -> HttpResponse:
        return self.client.patch(path, json.dumps(changes), content_type="application/json", headers=self.headers)


def make_program(workspace: Workspace, name: str, *, limits: tuple[Limit, ...] = (), **fields: Any) -> Program:
    """Return somebody with a key of all permissions, unless `fields` say otherwise."""
    key = ApiKey(workspace=workspace, name=name, **({"permissions": list(ALL)} | fields))
    return Program(add_key(key, limits=limits))


def check_error(answer: HttpResponse, status: int, kind: str, code: str, param: str | None = None) -> str:
    """Check an answer against the contract's error and return its message."""
    assert answer.status_code == status, answer.content
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"] == answer.headers["request-id"]
    assert set(answer.json()) == {"error"}
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["type"], error["code"], error["param"]) == (kind, code, param), error
    message: str = error["message"]
    assert message
    return message


def check_refused(answer: HttpResponse, param: str | None = None) -> None:
    check_error(answer, 403, "permission_error", "permission_missing", param)
