"""Many items in one call: all or none, and what is wrong with each."""

from __future__ import annotations

import uuid

import pytest
from django.contrib.auth.models import User

from items import domain
from items.models import Item
from tests.proxy.integration.query_count import counted_queries
from tests.rest_help import check_error, check_invalid

pytestmark = pytest.mark.django_db

_BULK = "/api/items/bulk"


@pytest.fixture
def items(acme) -> list[Item]:
    return domain.create_items(acme.pk, [{"title": f"{number}", "tags": ["old"]} for number in range(3)])


def _stored() -> list[dict]:
    return list(Item.objects.order_by("title", "pk").values())


def _without_savepoints(queries: list[str]) -> list[str]:
    return [query for query in queries if "SAVEPOINT" not in query]


def test_a_thousand_items_are_made_at_once_and_come_back_in_order(alice, acme):
    erin = User.objects.create_user("erin")
    rows = [{"title": f"{number}", "tags": ["x"], "assignee": "erin" if number % 2 else None} for number in range(1000)]

    with counted_queries() as queries:
        answer = alice.post(_BULK, {"items": rows})

    assert answer.status_code == 201, answer.content
    shown = answer.json()["data"]
    assert [(row["title"], row["status"], row["assignee"]) for row in shown] == [(row["title"], "new", row["assignee"]) for row in rows]
    assert Item.objects.filter(workspace=acme, status="new").count() == 1000
    assert Item.objects.filter(assignee=erin).count() == 500
    assert len(_without_savepoints(queries)) == 4, queries  # the key, the account's id, the rows, the account's name


def test_many_items_are_changed_at_once_with_as_many_queries_as_few(alice, acme):
    items = domain.create_items(acme.pk, [{"title": f"{number}", "description": "stays"} for number in range(1000)])
    User.objects.create_user("erin")

    with counted_queries() as queries:
        answer = alice.send(
            "PATCH", _BULK, {"items": [{"id": str(item.pk), "status": "done", "assignee": "erin"} for item in reversed(items)]}
        )

    assert answer.status_code == 200, answer.content
    assert [(row["id"], row["status"], row["assignee"], row["version"], row["description"]) for row in answer.json()["data"]] == [
        (str(item.pk), "done", "erin", 2, "stays") for item in reversed(items)
    ]
    assert len(_without_savepoints(queries)) == 5, queries
    stored = {item.pk: item for item in Item.objects.all()}
    assert all(stored[item.pk].created_at == item.created_at and stored[item.pk].updated_at > item.updated_at for item in items)
    assert answer.json()["data"][0] == alice.get(f"/api/items/{items[-1].pk}").json()


def test_each_row_is_changed_by_what_it_says(alice, items):
    rows = [{"id": str(items[0].pk), "title": "new"}, {"id": str(items[1].pk), "tags": [], "due_at": "2026-12-01", "version": 1}]

    assert alice.send("PATCH", _BULK, {"items": rows}).status_code == 200

    assert [(item["title"], item["tags"], item["due_at"] is None, item["version"]) for item in _stored()] == [
        ("1", [], False, 2),
        ("2", ["old"], True, 1),
        ("new", ["old"], True, 2),
    ]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "items"),
        ({"items": []}, "items"),
        ({"items": None}, "items"),
        ({"items": {}}, "items"),
        ({"items": "x"}, "items"),
        ({"items": [{"title": "x"}] * 1001}, "items"),
        ({"items": [{"title": "x"}], "rows": []}, "rows"),
        ({"items": [{"title": "x"}], "workspace": "other"}, "workspace"),
    ],
)
def test_a_body_that_is_no_list_of_rows_is_refused(alice, charlie, items, method, body, param):
    before = _stored()
    if param == "workspace" and method == "PATCH":
        body = {"items": [{"id": str(items[0].pk)}], "workspace": "other"}

    check_invalid(alice.send(method, _BULK, body), param)

    assert _stored() == before


def test_one_wrong_row_of_a_thousand_and_nothing_is_made(alice):
    rows = [{"title": "x"} for _ in range(1000)]
    rows[998] = {"title": "x", "tags": ["y" * 10_240]}

    answer = alice.post(_BULK, {"items": rows})

    check_invalid(answer, "items.998.tags.0", has_rows=True)
    assert [(row["index"], row["param"]) for row in answer.json()["errors"]] == [(998, "tags.0")]
    assert not Item.objects.exists()


def test_every_wrong_row_is_told_with_each_of_its_fields(alice):
    rows = [
        {"title": "fine"},
        {"title": 5, "due_at": "soon"},
        "text",
        {"title": "x", "assignee": "nobody"},
        {"title": "x", "colour": "red"},
        {"title": "x", "status": "done"},
        {"title": "a\x00"},
        None,
    ]

    answer = alice.post(_BULK, {"items": rows})

    check_invalid(answer, "items.1.title", has_rows=True)
    told = [(row["index"], row["param"]) for row in answer.json()["errors"]]
    assert told == [(1, "title"), (1, "due_at"), (2, None), (3, "assignee"), (4, "colour"), (5, "status"), (6, "title"), (7, None)]
    assert all(row["message"] and row.keys() == {"index", "param", "message"} for row in answer.json()["errors"])
    assert not Item.objects.exists()


def test_wrong_changes_are_told_and_change_nothing(alice, items):
    ids = [str(item.pk) for item in items]
    rows = [
        {"title": "fine", "id": ids[0]},
        {"title": "x"},
        {"id": "no-id", "title": "x"},
        {"id": ids[1], "title": "x"},
        {"id": ids[1].upper(), "title": "y"},
        {"id": ids[2], "title": "", "version": 0},
        {"id": ids[2], "version": "1"},
        {"id": 5},
    ]
    before = _stored()

    answer = alice.send("PATCH", _BULK, {"items": rows})

    check_invalid(answer, "items.1.id", has_rows=True)
    told = {(row["index"], row["param"]) for row in answer.json()["errors"]}
    assert told == {(1, "id"), (2, "id"), (3, "id"), (4, "id"), (5, "title"), (5, "version"), (6, "version"), (7, "id")}
    assert _stored() == before


def test_items_that_are_not_there_are_told_and_nothing_changes(alice, charlie, items):
    theirs = domain.create_items(charlie.key.workspace_id, [{"title": "secret"}])[0]
    before = _stored()
    rows = [{"id": str(each), "title": "mine"} for each in (items[0].pk, theirs.pk, uuid.uuid4())]

    answer = alice.send("PATCH", _BULK, {"items": rows})

    check_error(answer, 404, "invalid_request_error", "not_found", "items.1.id", has_rows=True)
    assert [row["index"] for row in answer.json()["errors"]] == [1, 2]
    assert len({row["message"] for row in answer.json()["errors"]}) == 1
    assert "secret" not in answer.content.decode()
    assert _stored() == before


def test_items_that_changed_meanwhile_are_told_and_nothing_changes(alice, items):
    alice.send("PATCH", f"/api/items/{items[1].pk}", {"title": "changed"})
    before = _stored()

    answer = alice.send("PATCH", _BULK, {"items": [{"id": str(item.pk), "title": "mine", "version": 1} for item in items]})

    check_error(answer, 412, "invalid_request_error", "version_mismatch", "items.1.version", has_rows=True)
    assert [row["index"] for row in answer.json()["errors"]] == [1]
    assert _stored() == before


def test_a_body_of_four_megabytes_is_read_and_a_larger_one_is_not(alice):
    large = {"items": [{"title": "x", "description": "y" * 19_000} for _ in range(200)]}

    assert alice.post(_BULK, large).status_code == 201
    too_large = alice.send("POST", _BULK, b" " * (4 * 1024 * 1024) + b"{}")
    check_error(too_large, 413, "invalid_request_error", "request_too_large")
    check_error(alice.post("/api/items", {"title": "x" * 1_100_000}), 413, "invalid_request_error", "request_too_large")
