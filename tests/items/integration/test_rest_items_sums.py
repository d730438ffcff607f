"""Counts of items, and all of them as one long answer."""

from __future__ import annotations

import csv
import datetime as dt
import io
import tracemalloc

import msgspec
import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from items import domain
from items.models import Item
from items.rest import items_export
from items.rest.items_serializers import SHOWN
from tests.proxy.integration.query_count import counted_queries
from tests.rest_help import Program, check_error, check_invalid

pytestmark = pytest.mark.django_db

_DAY = dt.timedelta(days=1)


@pytest.fixture
def items(acme, charlie) -> list[Item]:
    erin = User.objects.create_user("erin")
    past, future = timezone.now() - _DAY, timezone.now() + _DAY
    rows = [
        {"title": "a", "category": "legal", "priority": "high", "due_at": past, "assignee_id": erin.pk, "tags": ["x", "y"]},
        {"title": "=1+1", "category": "legal", "status": "done", "due_at": past},
        {"title": 'c "d", e\nf', "status": "archived", "due_at": past, "assignee_id": erin.pk},
        {"title": "d", "status": "review", "due_at": future, "assignee_id": erin.pk},
        {"title": "e", "status": "review", "priority": "critical", "due_at": past},
    ]
    domain.create_items(charlie.key.workspace_id, [{"title": "secret", "category": "secret", "due_at": past}])
    return domain.create_items(acme.pk, rows)


# --- counts -----------------------------------------------------------------------------------------------------------------------


def test_stats_count_by_everything_in_two_queries(alice, items):
    with counted_queries() as queries:
        counted = alice.get("/api/items/stats").json()

    assert counted == {
        "object": "item_stats",
        "items_count": 5,
        "overdue_count": 2,
        "by_status": {"new": 1, "in_progress": 0, "review": 2, "done": 1, "archived": 1},
        "by_priority": {"low": 0, "medium": 3, "high": 1, "critical": 1},
        "by_category": [
            {"category": "", "items_count": 3, "overdue_count": 1},
            {"category": "legal", "items_count": 2, "overdue_count": 1},
        ],
        "by_assignee": [
            {"assignee": "erin", "items_count": 3, "overdue_count": 1},
            {"assignee": None, "items_count": 2, "overdue_count": 1},
        ],
    }
    assert len(queries) == 3, queries  # one of them for the key


def test_stats_count_what_fits_the_filters(alice, items):
    counted = alice.get("/api/items/stats", {"status": "review,done", "q": "d or e"}).json()

    assert (counted["items_count"], counted["by_status"]["review"], counted["by_status"]["done"]) == (2, 2, 0)


def test_stats_of_nothing_are_zero(alice):
    counted = alice.get("/api/items/stats").json()

    assert (counted["items_count"], counted["overdue_count"], counted["by_category"], counted["by_assignee"]) == (0, 0, [], [])
    assert set(counted["by_status"].values()) == {0}


def test_stats_tell_the_hundred_largest_groups(alice, acme):
    domain.create_items(acme.pk, [{"title": "x", "category": f"c{number % 120:03d}"} for number in range(200)])

    groups = alice.get("/api/items/stats").json()["by_category"]

    assert [group["category"] for group in groups] == [f"c{number:03d}" for number in range(100)]


def test_stats_and_lists_refuse_the_same(alice):
    for path in ("/api/items/stats", "/api/items/export"):
        check_invalid(alice.get(path, {"status": "lost"}), "status")
        check_invalid(alice.get(path, {"limit": 5}), "limit")


# --- the export ---------------------------------------------------------------------------------------------------------------------


def _export(program: Program, **query: str) -> bytes:
    answer = program.get("/api/items/export", query)
    assert answer.status_code == 200
    return answer.getvalue()


def test_ndjson_is_what_the_list_says_the_oldest_first(alice, items):
    lines = [msgspec.json.decode(line) for line in _export(alice, format="ndjson").splitlines()]

    assert lines == alice.get("/api/items?ordering=created_at").json()["data"]
    assert len(lines) == len(items)


def test_csv_has_a_line_for_each_item_and_no_formulas(alice, items):
    rows = list(csv.reader(io.StringIO(_export(alice, format="csv").decode(), newline="")))

    assert rows[0] == list(SHOWN)
    shown = [dict(zip(SHOWN, row, strict=True)) for row in rows[1:]]
    assert [row["title"] for row in shown] == ["a", "'=1+1", 'c "d", e\nf', "d", "e"]
    assert (shown[0]["tags"], shown[0]["assignee"], shown[1]["assignee"]) == ("x, y", "erin", "")
    assert shown[0]["created_at"] == items[0].created_at.isoformat()


@pytest.mark.parametrize(
    ("query", "accept", "kind"),
    [
        ({}, "*/*", "application/x-ndjson"),
        ({}, "text/csv", "text/csv; charset=utf-8"),
        ({}, "application/x-ndjson", "application/x-ndjson"),
        ({"format": "csv"}, "application/json", "text/csv; charset=utf-8"),
        ({"format": "ndjson"}, "text/csv", "application/x-ndjson"),
    ],
)
def test_the_parameter_decides_and_without_it_the_header(alice, items, query, accept, kind):
    answer = alice.get("/api/items/export", query, accept=accept)

    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    assert answer.headers["content-disposition"] == f'attachment; filename="items.{"csv" if "csv" in kind else "ndjson"}"'
    assert answer.getvalue()


def test_an_export_has_the_fields_and_items_that_were_asked_for(alice, items):
    assert _export(alice, format="csv", fields="title,status", status="review") == b"title,status\r\nd,review\r\ne,review\r\n"
    assert _export(alice, fields="assignee", status="done") == b'{"assignee":null}\n'
    assert _export(alice, format="csv", fields="id", status="in_progress") == b"id\r\n"
    assert _export(alice, status="in_progress") == b""


def test_errors_of_an_export_are_json(alice):
    check_invalid(alice.get("/api/items/export", {"format": "xml"}), "format")
    check_invalid(alice.get("/api/items/export", {"q": "\x00"}, accept="text/csv"), "q")
    check_error(alice.get("/api/items/export", accept="image/png"), 406, "invalid_request_error", "not_acceptable")


def test_an_export_is_read_in_batches_that_lose_and_repeat_nothing(alice, acme, monkeypatch):
    monkeypatch.setattr(items_export, "_BATCH_COUNT", 7)
    items = domain.create_items(acme.pk, [{"title": f"{number}"} for number in range(21)])
    Item.objects.update(created_at=timezone.now())  # all at one moment

    with counted_queries() as queries:
        titles = [msgspec.json.decode(line)["title"] for line in _export(alice, fields="title").splitlines()]

    assert titles == [item.title for item in sorted(items, key=lambda item: item.pk)]
    assert len([query for query in queries if "items_item" in query]) == 4


def test_a_row_that_comes_while_it_is_read_does_not_disturb_it(alice, acme, monkeypatch):
    monkeypatch.setattr(items_export, "_BATCH_COUNT", 2)
    domain.create_items(acme.pk, [{"title": f"{number}"} for number in range(4)])
    parts = iter(alice.get("/api/items/export", {"fields": "title"}))

    first = next(parts)
    domain.create_items(acme.pk, [{"title": "later"}])
    Item.objects.filter(title="0").delete()

    assert [msgspec.json.decode(line)["title"] for line in (first + b"".join(parts)).splitlines()] == ["0", "1", "2", "3", "later"]


def test_an_export_takes_no_more_memory_for_more_rows(alice, acme, monkeypatch):
    monkeypatch.setattr(items_export, "_BATCH_COUNT", 50)

    def peak_bytes() -> tuple[int, int]:
        tracemalloc.start()
        sent = sum(len(part) for part in alice.get("/api/items/export"))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak, sent

    domain.create_items(acme.pk, [{"title": "x", "description": "y" * 2000} for _ in range(200)])
    peak_bytes()
    few, _ = peak_bytes()
    domain.create_items(acme.pk, [{"title": "x", "description": "y" * 2000} for _ in range(1000)])
    many, sent = peak_bytes()

    assert sent > 2_000_000
    assert many < few + 300_000
