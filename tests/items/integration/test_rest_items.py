"""Single items over REST: made, read, written and deleted by whoever may, at the version that they saw."""

from __future__ import annotations

import datetime as dt
import json
import uuid

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from items import domain
from items.models import Item
from tests.rest_help import check_error, check_invalid, check_refused, make_program

pytestmark = pytest.mark.django_db

_WRITTEN = {
    "title": "Renew",
    "description": "The contract.",
    "category": "legal",
    "priority": "high",
    "tags": ["q4", "contract"],
    "assignee": "erin",
    "due_at": "2026-12-01T08:30:00.000001Z",
}


@pytest.fixture
def erin() -> User:
    return User.objects.create_user("erin")


@pytest.fixture
def item(acme) -> Item:
    return domain.create_items(acme.pk, [{"title": "Renew", "tags": ["q4"]}])[0]


def _path(item: Item) -> str:
    return f"/api/items/{item.pk}"


# --- making -----------------------------------------------------------------------------------------------------------------------


def test_a_made_item_is_new_in_the_keys_workspace_and_reads_as_it_was_answered(alice, acme, erin):
    made = alice.post("/api/items", _WRITTEN)

    assert made.status_code == 201, made.content
    shown = made.json()
    assert {name: shown[name] for name in _WRITTEN} == _WRITTEN
    assert (shown["object"], shown["workspace_id"], shown["status"], shown["version"]) == ("item", str(acme.pk), "new", 1)
    assert made.headers["etag"] == '"1"'
    read = alice.get(f"/api/items/{shown['id']}")
    assert (read.json(), read.headers["etag"]) == (shown, '"1"')


def test_a_title_is_enough(alice):
    shown = alice.post("/api/items", {"title": "Renew", "status": "new"}).json()

    expected = {"description": "", "category": "", "priority": "medium", "tags": [], "assignee": None, "due_at": None, "status": "new"}
    assert {name: shown[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("2026-12-01", dt.datetime(2026, 12, 1, tzinfo=dt.UTC)),
        ("2026-12-01T10:00:00", dt.datetime(2026, 12, 1, 10, tzinfo=dt.UTC)),
        ("2026-12-01T10:00:00+02:00", dt.datetime(2026, 12, 1, 8, tzinfo=dt.UTC)),
        (None, None),
    ],
)
def test_due_at_is_a_time_a_day_or_nothing(alice, sent, stored):
    alice.post("/api/items", {"title": "x", "due_at": sent})

    assert Item.objects.get().due_at == stored


def test_texts_are_trimmed_and_tags_come_once(alice):
    shown = alice.post("/api/items", {"title": " Renew ", "tags": [" a ", "b", "a"]}).json()

    assert (shown["title"], shown["tags"]) == ("Renew", ["a", "b"])


WRONG = [
    ({}, "title"),
    ({"title": ""}, "title"),
    ({"title": "  "}, "title"),
    ({"title": None}, "title"),
    ({"title": 5}, "title"),
    ({"title": True}, "title"),
    ({"title": ["x"]}, "title"),
    ({"title": "x" * 201}, "title"),
    ({"title": "a\x00b"}, "title"),
    ({"description": "x" * 20_001}, "description"),
    ({"description": {}}, "description"),
    ({"category": "x" * 65}, "category"),
    ({"category": "a,b"}, "category"),
    ({"category": 1.5}, "category"),
    ({"priority": "urgent"}, "priority"),
    ({"priority": 3}, "priority"),
    ({"priority": ["high"]}, "priority"),
    ({"priority": None}, "priority"),
    ({"status": "lost"}, "status"),
    ({"tags": "legal"}, "tags"),
    ({"tags": {"a": 1}}, "tags"),
    ({"tags": None}, "tags"),
    ({"tags": ["ok", 5]}, "tags.1"),
    ({"tags": ["ok", ""]}, "tags.1"),
    ({"tags": ["x" * 10_240]}, "tags.0"),
    ({"tags": ["a\x00"]}, "tags.0"),
    ({"tags": ["a,b"]}, "tags"),
    ({"tags": [str(number) for number in range(51)]}, "tags"),
    ({"assignee": "nobody"}, "assignee"),
    ({"assignee": 1}, "assignee"),
    ({"assignee": ""}, "assignee"),
    ({"due_at": "soon"}, "due_at"),
    ({"due_at": "24h"}, "due_at"),
    ({"due_at": 1_793_491_200}, "due_at"),
    ({"due_at": "1999-12-31"}, "due_at"),
    ({"due_at": "2200-01-01"}, "due_at"),
    ({"due_at": "9999-12-31T23:59:59-23:59"}, "due_at"),
    ({"due_at": "2026-02-30"}, "due_at"),
    ({"version": 3}, "version"),
    ({"id": str(uuid.uuid4())}, "id"),
    ({"workspace_id": str(uuid.uuid4())}, "workspace_id"),
    ({"titel": "x"}, "titel"),
]


@pytest.mark.parametrize(("body", "param"), WRONG)
def test_what_cannot_be_is_refused_with_its_field_and_nothing_is_stored(alice, item, erin, body, param):
    whole = body if param == "title" else {"title": "x"} | body
    before = Item.objects.values().get()

    check_invalid(alice.post("/api/items", whole), param)
    check_invalid(alice.send("PUT", _path(item), whole), param)
    if body:
        check_invalid(alice.send("PATCH", _path(item), body), param)

    assert Item.objects.values().get() == before


@pytest.mark.parametrize("status", ["in_progress", "done", None, 5])
def test_a_new_item_has_no_other_status(alice, status):
    check_invalid(alice.post("/api/items", {"title": "x", "status": status}), "status")


@pytest.mark.parametrize("text", [b"\xff", b"\\ud800", b"\xed\xa0\x80"])
def test_a_text_that_is_no_unicode_is_refused_with_its_field(alice, text):
    check_invalid(alice.send("POST", "/api/items", b'{"title": "x", "tags": ["ok", "%s"]}' % text), "tags.1")


@pytest.mark.parametrize("field", ["title", "description", "category"])
@pytest.mark.parametrize("text", ["'; DROP TABLE items_item; --", "100% %s %(x)s", '"', "\\", "$$", "' OR '1'='1", "\u202e\U0001f600"])
def test_sql_is_text_like_any_other(alice, field, text):
    made = alice.post("/api/items", {"title": "x"} | {field: text}).json()

    assert made[field] == text
    assert alice.get("/api/items", {"q": text}).status_code == 200
    assert [each["id"] for each in alice.get("/api/items", {"category": made["category"]}).json()["data"]] == [made["id"]]


def test_a_tag_that_is_sql_is_found_by_it(alice):
    made = alice.post("/api/items", {"title": "x", "tags": ["'); DELETE FROM items_item; --", "{a}", '"b"']}).json()

    for tag in made["tags"]:
        assert [each["id"] for each in alice.get("/api/items", {"tags": tag}).json()["data"]] == [made["id"]]


def test_the_largest_item_is_stored_and_searched(alice):
    words = " ".join(f"{number:05d}" for number in range(3333))

    assert (
        alice.post(
            "/api/items", {"title": "x" * 200, "description": words, "tags": ["y" * 63 + str(n % 10) for n in range(10)]}
        ).status_code
        == 201
    )
    assert len(alice.get("/api/items", {"q": "03332"}).json()["data"]) == 1


# --- changing ---------------------------------------------------------------------------------------------------------------------


def test_patch_changes_what_is_sent_and_raises_the_version(alice, item, erin):
    changed = alice.send("PATCH", _path(item), {"status": "review", "assignee": "erin"})

    shown = changed.json()
    assert (shown["title"], shown["tags"], shown["status"], shown["assignee"]) == ("Renew", ["q4"], "review", "erin")
    assert (shown["version"], changed.headers["etag"]) == (2, '"2"')
    assert alice.get(_path(item)).json() == shown
    stored = Item.objects.get()
    assert (stored.created_at, stored.updated_at > item.updated_at) == (item.created_at, True)


def test_put_writes_all_and_what_is_not_sent_is_as_in_a_new_item(alice, item, erin):
    alice.send("PATCH", _path(item), {"status": "review", "assignee": "erin", "due_at": "2026-12-01", "category": "legal"})

    shown = alice.send("PUT", _path(item), {"title": "Renew", "status": "done"}).json()

    assert (shown["status"], shown["assignee"], shown["due_at"], shown["category"], shown["tags"]) == ("done", None, None, "", [])


def test_delete_removes_it_once(alice, item):
    first, second = alice.send("DELETE", _path(item)), alice.send("DELETE", _path(item))

    assert (first.status_code, first.content) == (204, b"")
    check_error(second, 404, "invalid_request_error", "not_found")
    assert not Item.objects.exists()


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("seen", ['"2"', 'W/"1"', '"1x"', '"0", "9"', '""', '"01"', '"1-gzip"'])
def test_who_saw_another_version_writes_nothing(alice, item, method, seen):
    before = Item.objects.values().get()

    answer = alice.send(method, _path(item), {"title": "mine"}, if_match=seen)

    check_error(answer, 412, "invalid_request_error", "version_mismatch", "If-Match")
    assert Item.objects.values().get() == before


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("seen", ['"1"', '"7", "1"', "*", '"1" , "2"', 'W/"5","1",'])
def test_who_saw_this_version_writes(alice, item, method, seen):
    assert alice.send(method, _path(item), {"title": "mine"}, if_match=seen).status_code in {200, 204}


@pytest.mark.parametrize("seen", ["1", "", '"1', "a, b", '"1" "2"', "**"])
def test_an_if_match_that_is_no_list_of_tags_is_refused(alice, item, seen):
    check_invalid(alice.send("PATCH", _path(item), {"title": "mine"}, if_match=seen), "If-Match")


def test_of_two_writers_who_saw_the_same_the_second_is_told(alice, item):
    tag = alice.get(_path(item)).headers["etag"]

    first = alice.send("PATCH", _path(item), {"title": "first"}, if_match=tag)
    second = alice.send("PATCH", _path(item), {"title": "second"}, if_match=tag)

    assert (first.status_code, second.status_code, Item.objects.get().title) == (200, 412, "first")


# --- whose ------------------------------------------------------------------------------------------------------------------------


def test_an_item_of_another_workspace_does_not_exist(charlie, item):
    before = Item.objects.values().get()

    for method in ("GET", "PUT", "PATCH", "DELETE"):
        for headers in ({}, {"if_match": "*"}):
            check_error(charlie.send(method, _path(item), {"title": "mine"}, **headers), 404, "invalid_request_error", "not_found")
    assert charlie.get("/api/items").json()["data"] == []
    assert Item.objects.values().get() == before


def test_a_key_names_no_other_workspace(charlie, acme, item):
    check_invalid(charlie.post("/api/items", {"title": "x", "workspace": "acme"}), "workspace")
    check_invalid(charlie.get("/api/items", {"workspace": "acme"}), "workspace")
    check_invalid(charlie.get(_path(item), {"workspace": "acme"}), "workspace")

    assert charlie.post("/api/items", {"title": "x", "workspace": "other"}).status_code == 201


def test_who_may_only_look_writes_nothing(reader, item):
    assert reader.get(_path(item)).status_code == 200
    check_refused(reader.post("/api/items", {"title": "x"}))
    check_refused(reader.post("/api/items/bulk", {"items": [{"title": "x"}]}))
    for method in ("PUT", "PATCH", "DELETE"):
        check_refused(reader.send(method, _path(item), {"title": "x"}))


def test_a_key_without_permissions_gets_nothing(acme, item):
    nobody = make_program(acme, "nobody", permissions=["inference", "usage", "keys"])

    for path in ("/api/items", _path(item), "/api/items/stats", "/api/items/export"):
        check_refused(nobody.get(path))


def test_a_person_names_the_workspace_and_needs_djangos_permissions(acme, charlie, item):
    erin = User.objects.create_user("erin", is_staff=True)
    client = Client(raise_request_exception=False)
    client.force_login(erin)

    def send(method: str, path: str, body: dict | None = None):
        return client.generic(method, path, json.dumps(body or {}), content_type="application/json")

    check_refused(client.get("/api/items?workspace=acme"))
    erin.user_permissions.add(*Permission.objects.filter(content_type__app_label="items", content_type__model="item"))
    check_invalid(client.get("/api/items"), "workspace")
    check_invalid(client.get("/api/items?workspace=none"), "workspace")
    assert [each["id"] for each in client.get("/api/items?workspace=acme").json()["data"]] == [str(item.pk)]
    assert client.get("/api/items?workspace=other").json()["data"] == []
    assert send("POST", "/api/items", {"title": "x", "workspace": "other"}).status_code == 201
    assert send("PATCH", f"{_path(item)}?workspace=acme", {"title": "y"}).status_code == 200
    check_error(send("DELETE", f"{_path(item)}?workspace=other"), 404, "invalid_request_error", "not_found")
    assert send("DELETE", f"{_path(item)}?workspace=acme").status_code == 204
    assert charlie.get("/api/items").json()["data"][0]["title"] == "x"


def test_a_write_costs_few_queries(alice, item, django_assert_max_num_queries):
    key_and_transaction = 3
    with django_assert_max_num_queries(key_and_transaction + 1):
        alice.post("/api/items", {"title": "x"})
    with django_assert_max_num_queries(key_and_transaction + 2):
        alice.send("PATCH", _path(item), {"title": "y"})
    with django_assert_max_num_queries(2):
        alice.get(_path(item))
