"""Lists of items: every filter against what Python says, every order walked to its end and back, cursors that nobody makes up."""

from __future__ import annotations

import base64
import datetime as dt
import random
import urllib.parse
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from django.contrib.auth.models import User

from items import domain
from items.choices import Priority, Status
from items.models import Item
from items.rest.items_queries import ORDERS
from items.rest.items_serializers import SHOWN, ItemOut
from tests.rest_help import Program, check_invalid

pytestmark = pytest.mark.django_db

_START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
_HOUR = dt.timedelta(hours=1)
_RANKS = {"low": 0, "medium": 1, "high": 2, "critical": 3}


@pytest.fixture
def items(acme, charlie) -> list[Item]:
    """Forty items of acme with many ties, and as many of somebody else."""
    people = [User.objects.create_user("erin"), User.objects.create_user("frank"), None]
    source = random.Random(4)
    made = []
    for workspace in (acme, charlie.key.workspace):
        rows = [
            {
                "title": source.choice(["Renew", "renew", "Äpfel", "Call, back", "Zoo", "Call"]),
                "description": source.choice(["the quick fox", "lazy dogs", "quick dogs"]),
                "category": source.choice(["legal", "sales", ""]),
                "priority": source.choice(Priority.values),
                "status": source.choice(Status.values),
                "tags": source.sample(["a", "b", "c"], source.randrange(4)),
                "assignee_id": person.pk if (person := source.choice(people)) else None,
                "due_at": source.choice([None, _START, _START + _HOUR, _START + 2 * _HOUR]),
            }
            for _ in range(40)
        ]
        made.append(domain.create_items(workspace.pk, rows))
        for item in made[-1]:
            item.created_at, item.updated_at = (_START + source.randrange(5) * _HOUR for _ in range(2))
        Item.objects.bulk_update(made[-1], ["created_at", "updated_at"])
    return list(Item.objects.select_related("assignee").filter(workspace=acme))


def _ids(program: Program, **query: Any) -> list[str]:
    answer = program.get("/api/items", {"limit": 200} | query)
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["data"]]


FILTERS: list[tuple[dict[str, Any], Callable[[Item], Any]]] = [
    ({}, lambda item: True),
    ({"category": "legal"}, lambda item: item.category == "legal"),
    ({"category": "legal, sales"}, lambda item: item.category in {"legal", "sales"}),
    ({"category": ""}, lambda item: not item.category),
    ({"priority": "high,critical"}, lambda item: item.priority in {"high", "critical"}),
    ({"status": "new"}, lambda item: item.status == "new"),
    ({"status": "new,in_progress,done"}, lambda item: item.status in {"new", "in_progress", "done"}),
    ({"assignee": "erin"}, lambda item: item.assignee and item.assignee.username == "erin"),
    ({"assignee": "erin,frank"}, lambda item: item.assignee is not None),
    ({"is_assigned": "false"}, lambda item: item.assignee is None),
    ({"is_assigned": "true"}, lambda item: item.assignee is not None),
    ({"tags": "a"}, lambda item: "a" in item.tags),
    ({"tags": "a,b"}, lambda item: {"a", "b"} & set(item.tags)),
    ({"tags_all": "a,b"}, lambda item: {"a", "b"} <= set(item.tags)),
    ({"tags": "c", "tags_all": "a"}, lambda item: {"a", "c"} <= set(item.tags)),
    ({"tags": "none"}, lambda item: False),
    ({"q": "fox"}, lambda item: "fox" in item.description),
    ({"q": "dog"}, lambda item: "dogs" in item.description),
    ({"q": "renew -lazy"}, lambda item: item.title.lower() == "renew" and "lazy" not in item.description),
    ({"q": '"quick dogs" or "quick fox"'}, lambda item: "quick" in item.description),
    ({"created_after": "2026-03-01T02:00:00Z"}, lambda item: item.created_at >= _START + 2 * _HOUR),
    ({"created_before": "2026-03-01T02:00:00Z"}, lambda item: item.created_at < _START + 2 * _HOUR),
    (
        {"updated_after": "2026-03-01T01:00:00+00:00", "updated_before": "2026-03-01T03:00"},
        lambda item: _START + _HOUR <= item.updated_at < _START + 3 * _HOUR,
    ),
    ({"due_after": "2026-03-01T01:00:00Z"}, lambda item: item.due_at is not None and item.due_at >= _START + _HOUR),
    ({"due_before": "2026-03-01T01:00:00Z"}, lambda item: item.due_at is not None and item.due_at < _START + _HOUR),
    (
        {"status": "new,review", "tags": "a", "q": "quick", "category": "legal"},
        lambda item: item.status in {"new", "review"} and "a" in item.tags and "quick" in item.description and item.category == "legal",
    ),
]


@pytest.mark.parametrize(("query", "fits"), FILTERS)
def test_a_filter_keeps_what_fits_it(alice, items, query, fits):
    assert set(_ids(alice, **query)) == {str(item.pk) for item in items if fits(item)}


def _expected(items: list[Item], ordering: str) -> list[str]:
    """Return the ids in order; titles compare as the database compares them."""
    if ordering.lstrip("-") == "title":
        sign = ordering[: -len("title")]
        return [
            str(pk) for pk in Item.objects.filter(workspace=items[0].workspace).order_by(ordering, f"{sign}id").values_list("pk", flat=True)
        ]
    name = ordering.lstrip("-")

    def key(item: Item) -> tuple[Any, int]:
        return (_RANKS[item.priority] if name == "priority" else getattr(item, name), item.pk.int)

    with_value = sorted((item for item in items if getattr(item, name) is not None), key=key, reverse=ordering.startswith("-"))
    without = sorted(
        (item for item in items if getattr(item, name) is None), key=lambda item: item.pk.int, reverse=ordering.startswith("-")
    )
    return [str(item.pk) for item in with_value + without]


@pytest.mark.parametrize("ordering", [order.name for order in ORDERS])
@pytest.mark.parametrize("limit", [3, 40])
def test_every_order_is_walked_to_its_end_and_back(alice, items, ordering, limit):
    expected = _expected(items, ordering)

    pages, path = [], f"/api/items?ordering={ordering}&limit={limit}"
    while path:
        pages.append(alice.get(path).json())
        path = pages[-1]["next"]
    back, path = [], pages[-1]["previous"]
    while path:
        page = alice.get(path).json()
        back[:0] = [row["id"] for row in page["data"]]
        path = page["previous"]

    assert [row["id"] for page in pages for row in page["data"]] == expected
    assert back == expected[: len(expected) - len(pages[-1]["data"])]
    assert pages[0]["previous"] is None


def test_rows_that_come_meanwhile_move_nothing(alice, acme, items):
    first = alice.get("/api/items?limit=10").json()
    domain.create_items(acme.pk, [{"title": "later"}])

    second = alice.get(first["next"]).json()

    assert [row["id"] for row in first["data"] + second["data"]] == _expected(items, "-created_at")[:20]
    assert [row["title"] for row in alice.get(second["previous"]).json()["data"]] == [row["title"] for row in first["data"]]


def test_a_page_keeps_its_filters(alice, items):
    rows, path = [], "/api/items?status=new,done&tags=a&limit=2&fields=id"
    while path:
        page = alice.get(path).json()
        rows += [row["id"] for row in page["data"]]
        path = page["next"]

    assert len(rows) == len(set(rows))
    assert set(rows) == {str(item.pk) for item in items if item.status in {"new", "done"} and "a" in item.tags}


def test_only_the_fields_that_were_asked_for_come(alice, items):
    for wanted in ("id", "title,assignee", "object", ",".join(SHOWN)):
        page = alice.get("/api/items", {"fields": wanted, "ordering": "due_at", "limit": 5}).json()
        assert {tuple(row) for row in page["data"]} == {tuple(wanted.split(","))}
        assert page["next"]


def test_a_list_says_what_the_serializer_says(alice, items):
    shown = alice.get("/api/items?limit=200").json()["data"]

    by_id = {str(item.pk): item for item in items}
    serialized = ItemOut([by_id[row["id"]] for row in shown], many=True).data
    assert msgspec.json.decode(msgspec.json.encode(serialized, enc_hook=str)) == shown
    assert tuple(shown[0]) == SHOWN


def test_a_list_asks_as_often_for_many_rows_as_for_few(alice, acme, grows_not):
    def add(number: int) -> None:
        assignee = User.objects.create_user(f"user-{number}")
        domain.create_items(acme.pk, [{"title": f"{number}", "assignee_id": assignee.pk}])

    grows_not(alice, "/api/items", add)


def test_the_check_of_growing_queries_can_fail(alice, acme, grows_not, monkeypatch):
    def describe_each(rows, shown=SHOWN):
        return [{"n": User.objects.filter(pk=row["assignee_id"]).count()} for row in rows]

    monkeypatch.setattr("items.rest.items.describe_rows", describe_each)

    with pytest.raises(AssertionError, match="asks 4 times for 2 rows and 22 times for 20"):
        grows_not(alice, "/api/items", lambda number: domain.create_items(acme.pk, [{"title": "x"}]))


# --- what is refused --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"stauts": "new"}, "stauts"),
        ({"title": "x"}, "title"),
        ({"status": "lost"}, "status"),
        ({"status": ""}, "status"),
        ({"status": "new;done"}, "status"),
        ({"priority": "urgent"}, "priority"),
        ({"assignee": "nobody"}, "assignee"),
        ({"assignee": ""}, "assignee"),
        ({"is_assigned": "perhaps"}, "is_assigned"),
        ({"tags": ""}, "tags"),
        ({"tags": "a,,b"}, "tags"),
        ({"tags_all": ","}, "tags_all"),
        ({"tags": ",".join(map(str, range(51)))}, "tags"),
        ({"tags": "x" * 5000}, "tags"),
        ({"q": ""}, "q"),
        ({"q": "x" * 501}, "q"),
        ({"q": "a\x00b"}, "q"),
        ({"category": "a\x00b"}, "category"),
        ({"created_after": "yesterday"}, "created_after"),
        ({"created_before": "1000-01-01"}, "created_before"),
        ({"due_before": "99999-01-01"}, "due_before"),
        ({"updated_after": "2026-13-01"}, "updated_after"),
        ({"ordering": "price"}, "ordering"),
        ({"ordering": "--title"}, "ordering"),
        ({"ordering": "title;drop"}, "ordering"),
        ({"fields": "id,secret"}, "fields"),
        ({"fields": ""}, "fields"),
        ({"limit": "0"}, "limit"),
        ({"limit": "201"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"workspace": "none"}, "workspace"),
        ({"workspace": "a b"}, "workspace"),
    ],
)
def test_a_query_that_cannot_be_is_refused_with_its_parameter(alice, query, param):
    check_invalid(alice.get("/api/items", query), param)


def _cursor(program: Program, query: str = "limit=1") -> str:
    path = program.get(f"/api/items?{query}").json()["next"]
    return urllib.parse.parse_qs(urllib.parse.urlsplit(path).query)["after"][0]


def test_a_cursor_that_somebody_changed_is_none(alice, items):
    cursor = _cursor(alice)
    sealed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    changed = [bytes([*sealed[:at], sealed[at] ^ 1, *sealed[at + 1 :]]) for at in range(len(sealed))]
    made_up = [b"", sealed[:12], sealed[:-1], sealed + b" ", b"\x00" * 12 + b'["-created_at",1,"' + str(items[0].pk).encode() + b'"]']

    for wrong in changed + made_up:
        text = base64.urlsafe_b64encode(wrong).rstrip(b"=").decode()
        for name in ("after", "before"):
            check_invalid(alice.get("/api/items", {name: text}), name)
    for text in ("x", "é", "\x00", "%", "=" * 3000, cursor + "=", cursor + "A", f" {cursor}"):
        check_invalid(alice.get("/api/items", {"after": text}), "after")


def test_a_cursor_is_for_the_order_it_was_given_for(alice, items):
    check_invalid(alice.get("/api/items", {"after": _cursor(alice), "ordering": "title"}), "after")
    check_invalid(alice.get("/api/items", {"before": _cursor(alice, "limit=1&ordering=due_at")}), "before")
    check_invalid(alice.get("/api/items", {"before": _cursor(alice), "after": _cursor(alice)}), "before")


def test_a_cursor_of_another_workspace_shows_nothing_of_it(alice, charlie, items):
    shown = charlie.get("/api/items", {"after": _cursor(alice), "limit": 200}).json()["data"]

    assert shown
    assert {row["workspace_id"] for row in shown} == {str(charlie.key.workspace_id)}
