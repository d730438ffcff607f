"""Usage, ledger and single requests over REST: sums that add up, pages, and nothing of anybody else's."""

from __future__ import annotations

import csv
import datetime as dt
import io
import uuid
from pathlib import Path

import msgspec
import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from apikeys import domain
from apikeys.models import Workspace
from common.ids import create_uuid7
from proxy.adapters.usage_store import store_records
from proxy.wire.spool import dump_line
from tests.proxy.integration.query_count import counted_queries
from tests.proxy.spool_help import ended, started
from tests.rest_help import Program, check_error, check_refused, make_program

pytestmark = pytest.mark.django_db

_HOUR, _DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


@pytest.fixture
def acme() -> Workspace:
    return domain.create_workspace("acme", "Acme")


@pytest.fixture
def alice(acme) -> Program:
    return make_program(acme, "alice", permissions=["usage"])


@pytest.fixture
def bob(acme) -> Program:
    """On the team, and may not read its usage."""
    return make_program(acme, "bob", permissions=["inference"])


@pytest.fixture
def charlie() -> Program:
    return make_program(domain.create_workspace("other", "Other"), "charlie", permissions=["usage"])


def _line(who: Program, at: dt.datetime | None = None, **values):
    request_id = create_uuid7()
    if at is not None:
        request_id = uuid.UUID(int=(int(at.timestamp() * 1000) << 80) | (request_id.int & ((1 << 80) - 1)))
    return ended(request_id=str(request_id), workspace_id=str(who.key.workspace_id), key_id=str(who.key.pk), **values)


def _used(who: Program, at: dt.datetime | None = None, **values) -> str:
    """Store a request and return its id."""
    line = _line(who, at, **values)
    store_records([line])
    return line.request_id


def _ago(span: dt.timedelta) -> dt.datetime:
    return timezone.now() - span


def _rows(answer) -> list[dict]:
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]


# --- sums ---------------------------------------------------------------------------------------------------------------------------


def test_without_groups_everything_is_one_row_of_exact_sums(alice):
    for cost in (7, 1_500_000_003):
        _used(alice, cost_nano_usd=cost, reasoning_tokens=2)

    assert _rows(alice.get("/api/usage")) == [
        {
            "requests_count": 2,
            "input_tokens": 10,
            "cache_read_tokens": 2,
            "cache_write_5m_tokens": 0,
            "cache_write_1h_tokens": 0,
            "audio_input_tokens": 0,
            "output_tokens": 6,
            "reasoning_tokens": 4,
            "audio_output_tokens": 0,
            "cost_nano_usd": 1_500_000_010,
            "cost_usd": "1.500000010",
        }
    ]


def test_nothing_used_is_a_row_of_zeros_and_no_groups(alice):
    assert _rows(alice.get("/api/usage"))[0]["requests_count"] == 0
    assert _rows(alice.get("/api/usage", {"group_by": "model"})) == []


def test_groups_are_the_dearest_first_and_keys_have_their_names(alice, bob):
    _used(alice, model="a", cost_nano_usd=1)
    _used(bob, model="a", cost_nano_usd=5)
    _used(bob, model="b", cost_nano_usd=9)

    rows = _rows(alice.get("/api/usage", {"group_by": "key,model"}))

    assert [(row["key_name"], row["model"], row["cost_nano_usd"]) for row in rows] == [("bob", "b", 9), ("bob", "a", 5), ("alice", "a", 1)]
    assert rows[0]["key_id"] == str(bob.key.pk)


def test_groups_of_time_are_in_order_and_other_groups_within(alice):
    day = dt.datetime.combine(_ago(3 * _DAY).date(), dt.time(), dt.UTC)
    _used(alice, day + 5 * _HOUR, outcome="error", backend="x")
    _used(alice, day + 5 * _HOUR, backend="x")
    _used(alice, day + 23 * _HOUR, backend="y")
    _used(alice, day + 25 * _HOUR, backend="y")

    by_day = _rows(alice.get("/api/usage", {"group_by": "day"}))
    by_hour = _rows(alice.get("/api/usage", {"group_by": "hour,outcome,backend"}))

    assert [(row["day"][:13], row["requests_count"]) for row in by_day] == [
        (f"{day:%Y-%m-%dT00}", 3),
        (f"{day + _DAY:%Y-%m-%dT00}", 1),
    ]
    assert [(row["hour"][:13], row["outcome"], row["backend"]) for row in by_hour] == [
        (f"{day + 5 * _HOUR:%Y-%m-%dT%H}", "error", "x"),
        (f"{day + 5 * _HOUR:%Y-%m-%dT%H}", "ok", "x"),
        (f"{day + 23 * _HOUR:%Y-%m-%dT%H}", "ok", "y"),
        (f"{day + 25 * _HOUR:%Y-%m-%dT%H}", "ok", "y"),
    ]


@pytest.mark.parametrize("group_by", [None, "day", "hour"])
def test_a_span_is_exact_to_the_minute_whatever_rollups_it_is_made_of(alice, group_by):
    start = dt.datetime.combine(_ago(4 * _DAY).date(), dt.time(10, 30), dt.UTC)
    inside = [start, start + 20 * dt.timedelta(minutes=1), start + 5 * _HOUR, start + _DAY, start + 2 * _DAY - dt.timedelta(minutes=1)]
    outside = [start - dt.timedelta(minutes=1), start + 2 * _DAY, start - _DAY]
    for at in (*inside, *outside):
        _used(alice, at)
    query = {"from": start.isoformat(), "to": (start + 2 * _DAY).isoformat()} | ({"group_by": group_by} if group_by else {})

    answer = alice.get("/api/usage", query)

    assert sum(row["requests_count"] for row in _rows(answer)) == len(inside)
    assert (answer.json()["since"], answer.json()["until"]) == (f"{start:%Y-%m-%dT%H:%M:%SZ}", f"{start + 2 * _DAY:%Y-%m-%dT%H:%M:%SZ}")


def test_a_span_that_began_long_ago_is_exact_to_the_hour_and_says_so(alice):
    start = dt.datetime.combine(_ago(20 * _DAY).date(), dt.time(10, 30), dt.UTC)
    for at in (start - 40 * dt.timedelta(minutes=1), start - 20 * dt.timedelta(minutes=1), start + _HOUR):
        _used(alice, at)

    answer = alice.get("/api/usage", {"from": start.isoformat()})

    assert _rows(answer)[0]["requests_count"] == 2
    assert answer.json()["since"] == f"{start:%Y-%m-%dT10:00:00Z}"


@pytest.mark.parametrize("groups", ["", "key", "tag", "day,model"])
def test_sums_cost_the_same_queries_however_much_was_used(alice, groups):
    counts = []
    for _ in range(2):
        for model in ("a", "b", "c"):
            _used(alice, model=model, tags=(model,))
        with counted_queries() as queries:
            alice.get("/api/usage", {"group_by": groups} if groups else {})
        counts.append(len(queries))

    assert counts[0] == counts[1] <= 6


def test_only_as_many_groups_come_as_were_asked_for(alice):
    for model in ("a", "b", "c"):
        _used(alice, model=model)

    answer = alice.get("/api/usage", {"group_by": "model", "limit": 2})

    assert ([row["model"] for row in _rows(answer)], answer.json()["has_more"]) == (["a", "b"], True)
    assert alice.get("/api/usage", {"group_by": "model", "limit": 3}).json()["has_more"] is False


# --- tags ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("span", ["3d", "30d"])
def test_a_request_counts_for_each_of_its_tags_whether_records_or_rollups_tell(alice, span):
    _used(alice, tags=("team=a", "x"), cost_nano_usd=5)
    _used(alice, tags=("team=a",), cost_nano_usd=3)
    _used(alice)
    _used(alice, tags=("x",), outcome="refused", status=429, input_tokens=0, output_tokens=0, cost_nano_usd=0)
    _used(alice, tags=("y",), outcome="refused", status=400, cost_nano_usd=1)

    rows = _rows(alice.get("/api/usage", {"from": span, "group_by": "tag"}))
    one = _rows(alice.get("/api/usage", {"from": span, "tag": "team=a", "group_by": "tag,day"}))

    assert [(row["tag"], row["requests_count"], row["cost_nano_usd"]) for row in rows] == [("team=a", 2, 8), ("x", 1, 5), ("y", 1, 1)]
    assert [(row["tag"], row["requests_count"]) for row in one] == [("team=a", 2)]
    assert _rows(alice.get("/api/usage", {"from": span, "tag": "nobody"}))[0]["requests_count"] == 0


def test_tags_by_outcome_are_known_for_a_week(alice):
    _used(alice, tags=("x",), outcome="error", status=502)

    assert [row["outcome"] for row in _rows(alice.get("/api/usage", {"from": "7d", "group_by": "tag,outcome"}))] == ["error"]
    answer = alice.get("/api/usage", {"from": "8d", "group_by": "tag,outcome"})
    check_error(answer, 400, "invalid_request_error", "invalid_request", "from")


# --- filters and formats --------------------------------------------------------------------------------------------------------------


def test_filters_keep_to_a_key_by_name_or_id_and_to_a_model(alice, bob):
    _used(alice, model="a")
    _used(bob, model="a")
    _used(bob, model="b")

    counts = [
        _rows(alice.get("/api/usage", query))[0]["requests_count"]
        for query in ({"key": "bob"}, {"key": str(bob.key.pk)}, {"model": "a"}, {"key": "bob", "model": "a"}, {"workspace": "acme"})
    ]

    assert counts == [2, 2, 2, 1, 3]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"from": "soon"}, "from"),
        ({"from": "0001-01-01"}, "from"),
        ({"from": "9999999d"}, "from"),
        ({"to": "9999-12-31T23:59:59-23:00"}, "to"),
        ({"from": "1h", "to": "2h"}, "from"),
        ({"group_by": "model,modle"}, "group_by"),
        ({"grop_by": "model"}, "grop_by"),
        ({"limit": 0}, "limit"),
        ({"limit": 10**9}, "limit"),
        ({"key": "nobody"}, "key"),
        ({"key": "a\x00"}, "key"),
        ({"workspace": "none"}, "workspace"),
    ],
)
def test_a_query_that_makes_no_sense_names_the_parameter_at_fault(alice, query, param):
    check_error(alice.get("/api/usage", query), 400, "invalid_request_error", "invalid_request", param)


@pytest.mark.parametrize("text", ["24h", "90m", "2w", "30d", "now", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00:00+02:00"])
def test_times_may_be_written_in_many_ways(alice, text):
    assert alice.get("/api/usage", {"from": text, "to": "2190-01-01"}).status_code == 200


def test_sums_come_as_csv_in_which_nothing_is_a_formula(alice):
    _used(alice, model="=1+1", cost_nano_usd=8)
    _used(alice, model="b")

    answer = alice.get("/api/usage", {"group_by": "key,model"}, accept="text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert [(row["key_name"], row["model"], row["requests_count"], row["cost_usd"]) for row in rows] == [
        ("alice", "'=1+1", "1", "0.000000008"),
        ("alice", "b", "1", "0.000000007"),
    ]
    empty = alice.get("/api/usage", {"group_by": "model", "key": "alice", "model": "none"}, accept="text/csv")
    assert empty.content.startswith(b"model,requests_count,")


# --- records and ledger -----------------------------------------------------------------------------------------------------------------


def test_records_come_newest_first_page_by_page_and_back(alice, bob):
    now = timezone.now()
    ids = [_used(who, now - number * _HOUR) for number, who in enumerate((alice, bob, alice, bob, alice))]
    same = _used(alice, now - 4 * _HOUR)

    pages = [alice.get("/api/usage/records", {"limit": 2, "from": "10d"})]
    while path := pages[-1].json()["next"]:
        pages.append(alice.get(path))
    back = alice.get(pages[-1].json()["previous"])

    found = [row["id"] for page in pages for row in _rows(page)]
    assert found[:4] == ids[:4]
    assert set(found[4:]) == {ids[4], same}
    assert [len(_rows(page)) for page in pages] == [2, 2, 2]
    assert [row["id"] for row in _rows(back)] == ids[2:4]


def test_records_are_found_by_what_came_of_them(alice, bob):
    ok = _used(alice)
    failed = _used(bob, outcome="error", status=502, error_code="upstream_error", model="b")

    def ids(**query):
        return [row["id"] for row in _rows(alice.get("/api/usage/records", query))]

    assert ids(outcome="error") == ids(status=502) == ids(error="upstream_error") == ids(model="b") == ids(key="bob") == [failed]
    assert ids() == [failed, ok]
    assert ids(to="1h") == []


def test_a_record_in_a_list_has_its_numbers_and_no_decision(alice):
    request_id = _used(alice, cost_nano_usd=12, decision=msgspec.Raw(b'{"attempts":[]}'))

    [row] = _rows(alice.get("/api/usage/records"))

    assert (row["id"], row["key_name"], row["cost_usd"], row["decision"]) == (request_id, "alice", "0.000000012", None)
    assert row["usage"]["input_tokens"] == 5


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("path", ["/api/usage/records", "/api/ledger"])
def test_a_page_costs_the_same_queries_however_long_it_is(alice, path, count):
    for _ in range(count):
        _used(alice)

    with counted_queries() as queries:
        rows = _rows(alice.get(path))

    assert len(rows) == count * (2 if path == "/api/ledger" else 1)
    assert len(queries) == 3


@pytest.mark.parametrize("cursor", ["x", "1_", "_00000000000000000000000000000000", "99999999999999999999_" + "0" * 32, "1_" + "g" * 32])
def test_a_cursor_that_is_none_is_refused(alice, cursor):
    check_error(alice.get("/api/usage/records", {"after": cursor}), 400, "invalid_request_error", "invalid_request", "after")


def test_the_ledger_shows_the_movements_of_a_request_whenever_it_was(alice):
    request_id = _used(alice, _ago(40 * _DAY), reserved_nano_usd=20, cost_nano_usd=8)
    _used(alice)

    rows = _rows(alice.get("/api/ledger", {"request": request_id}))

    assert [(row["kind"], row["reserved_nano_usd"], row["spent_nano_usd"]) for row in sorted(rows, key=lambda row: row["kind"])] == [
        ("reserve", 20, 0),
        ("settle", -20, 8),
    ]
    assert _rows(alice.get("/api/ledger", {"request": str(uuid.UUID(int=2**128 - 1))})) == []
    assert {row["kind"] for row in _rows(alice.get("/api/ledger", {"kind": "settle"}))} == {"settle"}


# --- one request --------------------------------------------------------------------------------------------------------------------


def test_a_request_is_shown_with_its_decision(alice):
    request_id = _used(alice, decision=msgspec.Raw(b'{"limits":[{"name":"small"}]}'))

    shown = alice.get(f"/api/requests/{request_id}").json()

    assert (shown["id"], shown["outcome"], shown["decision"]) == (request_id, "ok", {"limits": [{"name": "small"}]})


def test_a_request_is_shown_before_it_is_shipped(alice, settings, tmp_path: Path):
    settings.GATEWAY_SPOOL_FOLDER = tmp_path
    line = _line(alice)
    (tmp_path / "1.spool").write_bytes(dump_line(line))

    assert alice.get(f"/api/requests/{line.request_id}").json()["outcome"] == "ok"


def test_a_key_sees_its_own_requests_without_a_permission(alice, bob):
    of_bob, of_alice = _used(bob), _used(alice)

    assert bob.get(f"/api/requests/{of_bob}").status_code == 200
    assert alice.get(f"/api/requests/{of_bob}").status_code == 200
    check_error(bob.get(f"/api/requests/{of_alice}"), 404, "invalid_request_error", "not_found")


# --- somebody else's ----------------------------------------------------------------------------------------------------------------


def test_nothing_of_another_workspace_is_seen(alice, charlie):
    request_id = _used(alice, tags=("x",))

    assert _rows(charlie.get("/api/usage"))[0]["requests_count"] == 0
    for groups in ("key", "model", "tag", "hour,outcome"):
        assert _rows(charlie.get("/api/usage", {"group_by": groups})) == []
    assert _rows(charlie.get("/api/usage/records")) == []
    assert _rows(charlie.get("/api/ledger")) == []
    assert _rows(charlie.get("/api/ledger", {"request": request_id})) == []
    check_error(charlie.get(f"/api/requests/{request_id}"), 404, "invalid_request_error", "not_found")
    for path in ("/api/usage", "/api/usage/records", "/api/ledger"):
        check_error(charlie.get(path, {"workspace": "acme"}), 400, "invalid_request_error", "invalid_request", "workspace")
        for key in ("alice", str(alice.key.pk)):
            check_error(charlie.get(path, {"key": key}), 400, "invalid_request_error", "invalid_request", "key")
    assert _rows(alice.get("/api/usage"))[0]["requests_count"] == 1


def test_without_the_permission_no_usage_is_seen(bob):
    _used(bob)

    for path in ("/api/usage", "/api/usage/records", "/api/ledger"):
        check_refused(bob.get(path))


def test_a_person_sees_every_workspace_or_the_one_asked_for(alice, charlie):
    request_id = _used(alice)
    _used(charlie)
    user = User.objects.create_user("dana", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_usagerecord"))
    dana = Client(raise_request_exception=False)
    dana.force_login(user)

    assert _rows(dana.get("/api/usage"))[0]["requests_count"] == 2
    assert _rows(dana.get("/api/usage", {"workspace": "acme"}))[0]["requests_count"] == 1
    assert len(_rows(dana.get("/api/usage/records"))) == 2
    assert dana.get(f"/api/requests/{request_id}").status_code == 200
    check_refused(dana.get("/api/ledger"))


def test_a_person_without_the_permission_sees_no_request(alice, client):
    request_id = _used(alice)
    client.force_login(User.objects.create_user("erin", is_staff=True))

    check_refused(client.get(f"/api/requests/{request_id}"))


def test_a_request_that_runs_says_so(alice, settings, tmp_path: Path):
    settings.GATEWAY_SPOOL_FOLDER = tmp_path
    line = started(workspace_id=str(alice.key.workspace_id), key_id=str(alice.key.pk))
    (tmp_path / "1.spool").write_bytes(dump_line(line))

    assert alice.get(f"/api/requests/{line.request_id}").json()["outcome"] == "running"
