"""Reading signals over REST: lists, single ones, the latest of each symbol, hours, channels."""

from __future__ import annotations

import datetime as dt
import json
import uuid

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework import serializers

from apikeys.public import Workspace, create_workspace
from items import signal_store
from items.models import Channel, Signal
from items.rest.signals_serializers import COLUMNS, SignalOut, describe_signals
from items.signal_hours import roll_up
from items.tasks import make_signal_days
from tests.items.signal_help import PERMISSIONS, a_signal, ago, make_sender, rows_of, store
from tests.proxy.integration.query_count import counted_queries
from tests.rest_help import Program, check_error, check_refused, make_program

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Workspace:
    return create_workspace("acme", "Acme")


@pytest.fixture
def alice(acme) -> Program:
    return make_sender(acme, channels=("momentum", "news"))


@pytest.fixture
def bob() -> Program:
    """Has signals of his own that nobody else sees."""
    other = create_workspace("other", "Other")
    program = make_sender(other, "bob", channels=("momentum", "bobs"))
    store(other, a_signal(external_id="bobs", symbol="BOB"), a_signal(external_id="shared"))
    return program


def _ids(rows) -> list[str]:
    return [row["external_id"] for row in rows]


# --- lists ------------------------------------------------------------------------------------------------------------------------


def test_the_list_has_all_that_is_kept_the_newest_first(alice, acme, bob):
    spans = {"now": {}, "day": {"hours": 30}, "week": {"days": 8}, "old": {"days": 89}, "soon": {"minutes": -4}}
    store(acme, *(a_signal(external_id=name, timestamp=ago(**span)) for name, span in spans.items()))

    assert _ids(rows_of(alice.get("/api/signals"))) == ["soon", "now", "day", "week", "old"]


def test_the_list_is_filtered_by_every_field(alice, acme, bob):
    store(
        acme,
        a_signal(external_id="a", symbol="BTC", action="buy", channel="momentum", timestamp=ago(hours=1)),
        a_signal(external_id="b", symbol="ETH", action="sell", channel="momentum", timestamp=ago(hours=2)),
        a_signal(external_id="c", symbol="ETH", action="hold", channel="news", timestamp=ago(days=3)),
    )

    expected = {
        ("symbol", "btc"): "a",
        ("symbol", "ETH"): "bc",
        ("symbol", "ETH,BTC"): "abc",
        ("symbol", "BOB"): "",
        ("action", "sell"): "b",
        ("action", "buy,hold"): "ac",
        ("channel", "news"): "c",
        ("channel", "news,momentum"): "abc",
        ("from", "24h"): "ab",
        ("to", "90m"): "bc",
    }
    found = {query: "".join(_ids(rows_of(alice.get("/api/signals", dict([query]))))) for query in expected}

    assert found == expected
    both = {"channel": "momentum", "symbol": "ETH", "action": "sell", "from": "1d", "to": "now"}
    assert _ids(rows_of(alice.get("/api/signals", both))) == ["b"]


def test_a_signal_is_found_by_its_external_id(alice, acme, bob):
    store(acme, a_signal(external_id="shared", timestamp=ago(days=40)), a_signal(external_id="shared", channel="news"))

    found = rows_of(alice.get("/api/signals", {"channel": "momentum", "external_id": "shared"}))

    assert [(row["channel"], row["external_id"]) for row in found] == [("momentum", "shared")]
    assert rows_of(alice.get("/api/signals", {"channel": "momentum", "external_id": "bobs"})) == []
    check_error(alice.get("/api/signals", {"external_id": "shared"}), 400, "invalid_request_error", "invalid_request", "channel")


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
def test_pages_hold_each_signal_once_in_both_directions(alice, acme, limit):
    moment = timezone.now() - dt.timedelta(days=2)
    same = [a_signal(timestamp=moment.isoformat()) for _ in range(4)]
    store(
        acme, *same, *(a_signal(timestamp=ago(**span)) for span in ({"hours": 1}, {"hours": 25}, {"days": 9}, {"days": 60}, {"days": 88}))
    )
    everything = _ids(rows_of(alice.get("/api/signals")))

    forward, backward, path = [], [], f"/api/signals?limit={limit}"
    while path:
        page = alice.get(path).json()
        forward += _ids(page["data"])
        path, last = page["next"], page
    while last["previous"]:
        last = alice.get(last["previous"]).json()
        backward = _ids(last["data"]) + backward

    assert forward == everything
    assert len(everything) == 9
    assert backward == everything[: len(backward)]
    assert len(backward) >= len(everything) - limit


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"symbol": "no symbol"}, "symbol"),
        ({"symbol": ""}, "symbol"),
        ({"symbol": ",".join(f"S{n}" for n in range(101))}, "symbol"),
        ({"channel": "bobs"}, "channel"),
        ({"channel": "nul\0"}, "channel"),
        ({"action": "short"}, "action"),
        ({"from": "soon"}, "from"),
        ({"from": "1h", "to": "2h"}, "from"),
        ({"limit": "0"}, "limit"),
        ({"limit": "201"}, "limit"),
        ({"after": "x"}, "after"),
        ({"colour": "red"}, "colour"),
        ({"workspace": "other"}, "workspace"),
    ],
)
def test_a_wrong_question_is_refused_by_its_field(alice, bob, query, param):
    check_error(alice.get("/api/signals", query), 400, "invalid_request_error", "invalid_request", param)


def test_a_cursor_is_taken_back_by_the_list_that_gave_it_only(alice, acme):
    store(acme, a_signal(), a_signal())
    path = alice.get("/api/signals?limit=1").json()["next"]
    cursor = path.partition("after=")[2]

    check_error(alice.get(f"/api/signals/channels?after={cursor}"), 400, "invalid_request_error", "invalid_request", "after")
    check_error(alice.get(f"/api/signals?after={cursor[:-2]}"), 400, "invalid_request_error", "invalid_request", "after")


def test_a_page_of_few_and_of_many_costs_the_same_queries(alice, acme):
    store(acme, *(a_signal(symbol=f"S{number}", channel=("momentum", "news")[number % 2]) for number in range(60)))
    counts = {}
    for path in ("/api/signals", "/api/signals/latest", "/api/signals/hourly", "/api/signals/channels"):
        for limit in (2, 50):
            with counted_queries() as queries:
                assert rows_of(alice.get(f"{path}?limit={limit}"))
            counts[path, limit] = len([query for query in queries if "items_" in query])

    assert {path: (counts[path, 2], counts[path, 50]) for path, _ in counts} == {
        "/api/signals": (2, 2),
        "/api/signals/latest": (3, 3),
        "/api/signals/hourly": (4, 4),
        "/api/signals/channels": (1, 1),
    }


def test_rows_are_what_the_serializer_describes(alice, acme):
    store(acme, a_signal(price="1.50", confidence=0.5, payload={"a": 1}), a_signal(price="0", external_id=None))
    shown = describe_signals(acme.pk, list(Signal.objects.values(*COLUMNS)))

    class Described(SignalOut):
        payload = serializers.JSONField(allow_null=True)

    assert [set(row) for row in shown] == [set(SignalOut().fields)] * 2
    described = json.loads(json.dumps(Described(shown, many=True).data, default=str))
    answered = rows_of(alice.get("/api/signals"))
    assert sorted(row["id"] for row in described) == sorted(row["id"] for row in answered)
    by_id = {row["id"]: row for row in answered}
    for row in described:
        assert row == by_id[row["id"]]


# --- one --------------------------------------------------------------------------------------------------------------------------


def test_one_signal_is_read_by_its_id_from_one_partition(alice, acme, bob):
    make_signal_days()
    stored = alice.post("/api/signals", a_signal()).json()

    with counted_queries() as queries:
        answer = alice.get(f"/api/signals/{stored['id']}")

    assert answer.json() == {name: value for name, value in stored.items() if name != "is_duplicate"}
    (query,) = [query for query in queries if 'FROM "items_signal"' in query]
    assert "ts" in query


def test_a_signal_of_another_workspace_does_not_exist(alice, bob):
    ids = [*Signal.objects.values_list("id", flat=True), uuid.uuid4(), uuid.UUID(int=0), uuid.UUID(int=2**128 - 1)]

    for signal_id in ids:
        check_error(alice.get(f"/api/signals/{signal_id}"), 404, "invalid_request_error", "not_found")


# --- the latest -------------------------------------------------------------------------------------------------------------------


def test_the_latest_of_each_symbol_is_the_newest_whatever_came_last(alice, acme, bob):
    store(
        acme,
        a_signal(external_id="b2", symbol="BTC", timestamp=ago(hours=1)),
        a_signal(external_id="e1", symbol="ETH", timestamp=ago(days=20)),
    )
    store(
        acme,
        a_signal(external_id="b1", symbol="BTC", timestamp=ago(hours=2)),
        a_signal(external_id="e0", symbol="ETH", timestamp=ago(days=30)),
    )
    store(acme, a_signal(external_id="x", symbol="XRP"))

    assert _ids(rows_of(alice.get("/api/signals/latest"))) == ["x", "b2", "e1"]
    assert _ids(rows_of(alice.get("/api/signals/latest", {"symbols": "eth,btc,BOB"}))) == ["b2", "e1"]
    first = alice.get("/api/signals/latest", {"limit": 2}).json()
    assert (_ids(first["data"]), _ids(alice.get(first["next"]).json()["data"])) == (["x", "b2"], ["e1"])


# --- hours ------------------------------------------------------------------------------------------------------------------------


def test_hours_are_counted_by_what_is_asked_for(alice, acme, bob):
    hour = timezone.now().replace(minute=0, second=0, microsecond=0) - dt.timedelta(hours=5)
    store(
        acme,
        a_signal(symbol="BTC", confidence=0.5, timestamp=(hour + dt.timedelta(minutes=1)).isoformat()),
        a_signal(symbol="BTC", confidence=1, timestamp=(hour + dt.timedelta(minutes=59)).isoformat()),
        a_signal(symbol="BTC", action="sell", timestamp=hour.isoformat()),
        a_signal(symbol="ETH", channel="news", confidence=0.25, timestamp=(hour + dt.timedelta(hours=1)).isoformat()),
    )
    early, late = hour, hour + dt.timedelta(hours=1)

    def ask(**query):
        rows = rows_of(alice.get("/api/signals/hourly", {"from": "1d"} | query))
        return [tuple(dt.datetime.fromisoformat(value) if name == "bucket" else value for name, value in row.items()) for row in rows]

    assert ask() == [
        (late, "ETH", "buy", 1, 0.25, "news"),
        (early, "BTC", "buy", 2, 0.75, "momentum"),
        (early, "BTC", "sell", 1, None, "momentum"),
    ]
    assert ask(group_by="hour") == [(late, 1, 0.25), (early, 3, 0.75)]
    assert ask(group_by="action") == [(late, "buy", 1, 0.25), (early, "buy", 2, 0.75), (early, "sell", 1, None)]
    assert ask(group_by="hour", symbol="btc") == [(early, 3, 0.75)]
    assert ask(group_by="hour", channel="news") == [(late, 1, 0.25)]
    assert ask(group_by="hour", action="sell,hold") == [(early, 1, None)]
    roll_up()
    assert ask(group_by="hour") == [(late, 1, 0.25), (early, 3, 0.75)]


def test_hours_that_do_not_fit_are_told(alice, acme):
    store(acme, *(a_signal(timestamp=ago(hours=number)) for number in range(5)))

    page = alice.get("/api/signals/hourly", {"group_by": "hour", "limit": 3, "from": "1d"}).json()
    everything = alice.get("/api/signals/hourly", {"group_by": "hour", "limit": 5, "from": "1d"}).json()

    assert (len(page["data"]), page["has_more"]) == (3, True)
    assert (page["data"], everything["has_more"]) == (everything["data"][:3], False)


def test_hours_are_asked_for_ninety_days_at_most(alice):
    check_error(alice.get("/api/signals/hourly", {"from": "91d"}), 400, "invalid_request_error", "invalid_request", "from")
    check_error(alice.get("/api/signals/hourly", {"group_by": "price"}), 400, "invalid_request_error", "invalid_request", "group_by")
    assert alice.get("/api/signals/hourly", {"from": "90d"}).status_code == 200


# --- channels ---------------------------------------------------------------------------------------------------------------------


def test_a_channel_is_made_changed_and_deleted(alice, acme):
    made = alice.post("/api/signals/channels", {"name": "fresh", "description": "New ones"})
    renamed = alice.patch("/api/signals/channels/fresh", name="stale", is_active=False)
    again = alice.patch(f"/api/signals/channels/{made.json()['id']}", description="")
    listed = [row["name"] for row in rows_of(alice.get("/api/signals/channels"))]
    deleted = alice.client.delete("/api/signals/channels/stale", headers=alice.headers)

    shown = made.json()
    assert (made.status_code, renamed.status_code, again.status_code, deleted.status_code) == (201, 200, 200, 204)
    assert shown == {
        "id": shown["id"],
        "object": "channel",
        "name": "fresh",
        "description": "New ones",
        "is_active": True,
        "created_at": shown["created_at"],
    }
    assert again.json() == shown | {"name": "stale", "description": "", "is_active": False}
    assert listed == ["momentum", "news", "stale"]
    assert set(Channel.objects.values_list("name", flat=True)) == {"momentum", "news"}


def test_a_channel_with_signals_is_not_deleted(alice, acme):
    store(acme, a_signal())

    message = check_error(
        alice.client.delete("/api/signals/channels/momentum", headers=alice.headers), 400, "invalid_request_error", "invalid_request"
    )

    assert "is_active" in message
    assert Channel.objects.filter(name="momentum").exists()


def test_a_renamed_channel_keeps_its_signals_and_their_ids(alice, acme):
    store(acme, a_signal(external_id="a"))
    alice.patch("/api/signals/channels/momentum", name="impulse")

    assert [(row["channel"], row["external_id"]) for row in rows_of(alice.get("/api/signals"))] == [("impulse", "a")]
    assert alice.post("/api/signals", a_signal(channel="impulse", external_id="a")).status_code == 200


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "two words"}, "name"),
        ({"name": "x" * 64}, "name"),
        ({"name": "momentum"}, "name"),
        ({"name": "a", "description": "x" * 201}, "description"),
        ({"name": "a", "description": 5}, "description"),
        ({"name": "a", "is_active": "perhaps"}, "is_active"),
        ({"name": "a", "colour": "red"}, "colour"),
        ({"name": "a", "workspace": "other"}, "workspace"),
    ],
)
def test_a_wrong_channel_is_refused_by_its_field(alice, bob, body, param):
    check_error(alice.post("/api/signals/channels", body), 400, "invalid_request_error", "invalid_request", param)


def test_a_channel_takes_no_name_that_another_has(alice):
    answer = alice.patch("/api/signals/channels/news", name="momentum")

    check_error(answer, 400, "invalid_request_error", "invalid_request", "name")


def test_channels_of_another_workspace_do_not_exist(alice, bob):
    theirs = Channel.objects.get(name="bobs")
    for channel in ("bobs", str(theirs.pk), "nothing", str(uuid.uuid4())):
        answers = [
            alice.patch(f"/api/signals/channels/{channel}", is_active=False),
            alice.client.delete(f"/api/signals/channels/{channel}", headers=alice.headers),
        ]
        for answer in answers:
            check_error(answer, 404, "invalid_request_error", "not_found")
    assert [row["name"] for row in rows_of(alice.get("/api/signals/channels"))] == ["momentum", "news"]
    assert Channel.objects.get(name="bobs").is_active


# --- who may ----------------------------------------------------------------------------------------------------------------------

_READS = ("/api/signals", "/api/signals/latest", "/api/signals/hourly", "/api/signals/channels")


def test_reading_needs_its_permission(acme, alice):
    store(acme, a_signal())
    charlie = make_program(acme, "charlie", permissions=["signals_write"])
    signal_id = Signal.objects.get().pk

    for path in (*_READS, f"/api/signals/{signal_id}"):
        check_refused(charlie.get(path))
        check_error(charlie.client.get(path), 401, "authentication_error", "invalid_api_key")
        assert alice.get(path).status_code == 200


def test_an_administrator_names_the_workspace(admin_client, acme, alice):
    store(acme, a_signal(external_id="a"))

    for path in _READS:
        check_error(admin_client.get(path), 400, "invalid_request_error", "invalid_request", "workspace")
        assert len(rows_of(admin_client.get(path, {"workspace": "acme"}))) >= 1


def test_a_read_only_key_cannot_write_channels(acme, alice):
    reader = make_program(acme, "reader", permissions=PERMISSIONS[:1])

    check_refused(reader.patch("/api/signals/channels/momentum", is_active=False))
    check_refused(reader.client.delete("/api/signals/channels/momentum", headers=reader.headers))


def test_a_signal_whose_channel_is_gone_is_still_shown(alice, acme):
    store(acme, a_signal())
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM items_channel WHERE name = 'momentum'")

    assert [row["channel"] for row in rows_of(alice.get("/api/signals"))] == [None]
    with pytest.raises(signal_store.ChannelMissing):
        signal_store.delete_channel(acme.pk, uuid.uuid4())
