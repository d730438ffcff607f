"""Two workspaces over the whole route table of `/api`: alice never sees, reaches or changes what is bob's."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.apps import apps

from apikeys.models import ApiKeySecret
from apikeys.public import Permission, create_workspace
from tests.rest_help import Endpoint, Program, check_error, make_program, rest_endpoints
from tests.rest_table import ADDERS, OWN_CHANNEL, TABLE, Makes, Public, Reaches, Shows

pytestmark = pytest.mark.django_db

_ENDPOINTS = rest_endpoints()
_NAME = "bobs-secret"
_WITHOUT_WORKSPACE = {"guardrails-check"}
"""Endpoints of no workspace's rows, which do not know the word."""


@pytest.fixture
def alice() -> Program:
    return make_program(create_workspace("acme", "Acme"), "alice", permissions=Permission.values)


@pytest.fixture
def bob() -> Program:
    return make_program(create_workspace("other", "Other"), _NAME, permissions=Permission.values)


@pytest.fixture
def ids(bob) -> dict[str, Any]:
    """Bob has a row of everything. Returns the parameters of paths that lead to them."""
    found: dict[str, Any] = {}
    for add in ADDERS.values():
        found |= add(bob, 0)
    return found


def _cases(kind: type) -> list[Any]:
    found = [endpoint for endpoint in _ENDPOINTS if isinstance(TABLE.get((endpoint.name, endpoint.method)), kind)]
    return [pytest.param(endpoint, TABLE[endpoint.name, endpoint.method], id=f"{endpoint.method} {endpoint.path}") for endpoint in found]


def _has_marks(bob: Program, ids: dict[str, Any], body: bytes) -> bool:
    marks = {_NAME, str(bob.key.pk), str(bob.key.workspace_id), *map(str, ids.values())}
    return any(mark in body.decode() for mark in marks)


def _rows_of(bob: Program) -> list[Any]:
    """Return all that is stored of bob's workspace."""
    workspace_id = bob.key.workspace_id
    rows = [list(ApiKeySecret.objects.filter(api_key__workspace_id=workspace_id).order_by("pk").values())]
    for model in apps.get_models():
        if any(field.attname == "workspace_id" for field in model._meta.concrete_fields):
            rows.append(list(model._base_manager.filter(workspace_id=workspace_id).order_by("pk").values()))
    return rows


def _path(endpoint: Endpoint, ids: dict[str, Any]) -> str:
    return re.sub(r"<\w+:(\w+)>", lambda found: str(ids[found[1]]), endpoint.path)


def test_the_table_has_every_route_and_no_other():
    assert {(endpoint.name, endpoint.method) for endpoint in _ENDPOINTS} == set(TABLE)
    assert all(isinstance(TABLE[each.name, each.method], Reaches) for each in _ENDPOINTS if "<" in each.path)


@pytest.mark.parametrize(("endpoint", "case"), _cases(Shows))
def test_a_list_has_nothing_of_another_workspace(alice, bob, ids, endpoint, case):
    query = dict(case.query)
    own, other = bob.get(endpoint.path, query), alice.get(endpoint.path, query)

    assert (own.status_code, other.status_code) == (200, 200)
    assert _has_marks(bob, ids, own.getvalue())
    assert not _has_marks(bob, ids, other.getvalue())


@pytest.mark.parametrize(("endpoint", "case"), _cases(Shows))
def test_no_list_can_be_asked_for_another_workspace(alice, bob, ids, endpoint, case):
    for query in ({"workspace": "other"}, {"workspace_id": str(bob.key.workspace_id)}):
        answer = alice.get(endpoint.path, dict(case.query) | query)
        if answer.status_code != 200:
            check_error(answer, 400, "invalid_request_error", "invalid_request", *query)
        assert not _has_marks(bob, ids, answer.getvalue())


@pytest.mark.parametrize(("endpoint", "case"), _cases(Reaches))
def test_what_belongs_to_another_workspace_does_not_exist_and_stays_as_it_is(alice, bob, ids, endpoint, case):
    before = _rows_of(bob)

    answer = alice.send(endpoint.method, _path(endpoint, ids), case.body(ids))

    assert answer.status_code == 404, answer.content
    assert answer.json()["error"]["code"] == "not_found"
    assert _NAME not in answer.content.decode()
    assert _rows_of(bob) == before
    assert bob.send(endpoint.method, _path(endpoint, ids), case.body(ids)).status_code in {200, 201, 204}  # so it was there


@pytest.mark.parametrize(("endpoint", "case"), _cases(Makes))
def test_what_is_made_is_the_callers_own(alice, bob, ids, endpoint, case):
    alice.post("/api/signals/channels", {"name": OWN_CHANNEL})
    before = _rows_of(bob)

    answer = alice.send(endpoint.method, endpoint.path, case.body, content_type=case.content_type)

    assert answer.status_code in {200, 201}, answer.content
    assert not _has_marks(bob, ids, answer.content)
    body, query = (case.body | {"workspace": "other"}, "") if case.names_workspace_in_body else (case.body, "?workspace=other")
    refused = alice.send(endpoint.method, endpoint.path + query, body, content_type=case.content_type)
    if endpoint.name not in _WITHOUT_WORKSPACE:
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "workspace")
    assert not _has_marks(bob, ids, refused.content)
    assert _rows_of(bob) == before


@pytest.mark.parametrize(("endpoint", "case"), _cases(Public))
def test_what_is_public_has_nothing_of_anybody(client, bob, ids, endpoint, case):
    assert not _has_marks(bob, ids, client.get(endpoint.path).getvalue())
