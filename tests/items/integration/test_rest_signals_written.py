"""Sending signals over REST: one, many and streams; what is refused, and that a repeat is no new signal."""

from __future__ import annotations

import datetime as dt
import json
import uuid

import pytest
from django.db import OperationalError
from django.utils import timezone

from apikeys.public import Workspace, create_workspace
from common.ids import timestamp_ms
from items import signal_store
from items.models import Channel, LatestSignal, Signal, SignalKey
from items.rest import signals as views
from items.rest import signals_bodies
from tests.items.signal_help import a_signal, ago, make_sender, stream
from tests.proxy.integration.query_count import counted_queries
from tests.rest_help import Program, check_error, check_refused, make_program

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Workspace:
    return create_workspace("acme", "Acme")


@pytest.fixture
def alice(acme) -> Program:
    return make_sender(acme, channels=("momentum", "news"))


# --- one --------------------------------------------------------------------------------------------------------------------------


def test_a_signal_is_stored_and_shown_as_it_was_sent(alice):
    sent = a_signal(
        symbol="btc-usd", price=68250.5, confidence=0.82, timestamp="2026-11-21T09:30:00.123456+01:00", payload={"rsi": 31.4}
    ) | {"timestamp": (given := timezone.now() - dt.timedelta(minutes=3)).isoformat()}

    answer = alice.post("/api/signals", sent)

    shown = answer.json()
    assert answer.status_code == 201
    assert dt.datetime.fromisoformat(shown.pop("timestamp")) == given
    assert timestamp_ms(uuid.UUID(shown["id"])) == int(given.timestamp() * 1000)
    assert shown.pop("created_at") > given.isoformat()
    assert shown == {
        "id": shown["id"],
        "object": "signal",
        "channel": "momentum",
        "symbol": "BTC-USD",
        "action": "buy",
        "price": "68250.5",
        "confidence": 0.82,
        "external_id": sent["external_id"],
        "payload": {"rsi": 31.4},
        "is_duplicate": False,
    }


def test_a_signal_needs_no_more_than_channel_symbol_and_action(alice):
    answer = alice.post("/api/signals", {"channel": "momentum", "symbol": "A", "action": "hold"})

    shown = answer.json()
    assert answer.status_code == 201
    assert [shown[name] for name in ("price", "confidence", "external_id", "payload")] == [None] * 4
    assert abs(dt.datetime.fromisoformat(shown["timestamp"]) - timezone.now()) < dt.timedelta(minutes=1)


def test_a_repeat_of_an_external_id_answers_the_first_signal(alice):
    first = alice.post("/api/signals", a_signal(external_id="x-1", price=1))
    second = alice.post("/api/signals", a_signal(external_id="x-1", price=2, symbol="ETH"))
    elsewhere = alice.post("/api/signals", a_signal(external_id="x-1", channel="news"))

    assert [answer.status_code for answer in (first, second, elsewhere)] == [201, 200, 201]
    assert second.json() == first.json() | {"is_duplicate": True}
    assert Signal.objects.count() == 2


def test_signals_without_an_external_id_are_always_new(alice):
    answers = [alice.post("/api/signals", a_signal(external_id=None)).status_code for _ in range(2)]

    assert answers == [201, 201]
    assert (Signal.objects.count(), SignalKey.objects.count()) == (2, 0)


@pytest.mark.parametrize(
    ("given", "expected_s"),
    [
        (lambda now: int(now), 0),
        (lambda now: now + 0.25, 0.25),
        (lambda now: int(now) - 89 * 86_400, -89 * 86_400),
        (lambda now: now + 290, 290),
    ],
)
def test_a_timestamp_may_be_unix_time(alice, given, expected_s):
    now_s = float(int(timezone.now().timestamp()))

    answer = alice.post("/api/signals", a_signal(timestamp=given(now_s)))

    assert answer.status_code == 201
    assert dt.datetime.fromisoformat(answer.json()["timestamp"]).timestamp() == pytest.approx(now_s + expected_s)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"channel": "unknown"}, "channel"),
        ({"channel": ""}, "channel"),
        ({"channel": 7}, "channel"),
        ({"channel": "x" * 64}, "channel"),
        ({"channel": "nul\0"}, "channel"),
        ({"channel": "'; DROP TABLE items_signal; --"}, "channel"),
        ({"symbol": ""}, "symbol"),
        ({"symbol": "A" * 33}, "symbol"),
        ({"symbol": "-A"}, "symbol"),
        ({"symbol": "A B"}, "symbol"),
        ({"symbol": "A\n"}, "symbol"),
        ({"symbol": "straße"}, "symbol"),
        ({"symbol": "ſ"}, "symbol"),
        ({"symbol": None}, "symbol"),
        ({"symbol": 1}, "symbol"),
        ({"action": "short"}, "action"),
        ({"action": "BUY"}, "action"),
        ({"action": None}, "action"),
        ({"price": -1}, "price"),
        ({"price": "NaN"}, "price"),
        ({"price": "Infinity"}, "price"),
        ({"price": "1.123456789"}, "price"),
        ({"price": 1e16}, "price"),
        ({"price": "1e999999"}, "price"),
        ({"price": True}, "price"),
        ({"price": "much"}, "price"),
        ({"price": []}, "price"),
        ({"confidence": 1.01}, "confidence"),
        ({"confidence": -0.01}, "confidence"),
        ({"confidence": "0.5"}, "confidence"),
        ({"confidence": True}, "confidence"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"timestamp": "2026-02-30T00:00:00Z"}, "timestamp"),
        ({"timestamp": "0001-01-01T00:00:00+23:59"}, "timestamp"),
        ({"timestamp": "9999-12-31T23:59:59-23:59"}, "timestamp"),
        ({"timestamp": 1e30}, "timestamp"),
        ({"timestamp": -1}, "timestamp"),
        ({"timestamp": False}, "timestamp"),
        ({"payload": [1]}, "payload"),
        ({"payload": "text"}, "payload"),
        ({"payload": {"a": "x" * 16_400}}, "payload"),
        ({"payload": {"a": "nul \0"}}, "payload"),
        ({"external_id": "x" * 201}, "external_id"),
        ({"external_id": ""}, "external_id"),
        ({"external_id": "nul\0"}, "external_id"),
        ({"external_id": 5}, "external_id"),
        ({"colour": "red"}, "colour"),
        ({"workspace_id": str(uuid.uuid4())}, "workspace_id"),
    ],
)
def test_what_is_wrong_is_refused_by_its_field(alice, fields, param):
    answer = alice.post("/api/signals", a_signal(**fields))

    check_error(answer, 400, "invalid_request_error", "invalid_request", param)
    assert not Signal.objects.exists()
    assert not SignalKey.objects.exists()


def test_times_in_the_future_and_before_the_retention_are_refused_by_their_field(alice, settings):
    settings.GATEWAY_SIGNAL_RETENTION_DAYS = 10

    answers = [alice.post("/api/signals", a_signal(timestamp=moment)) for moment in (ago(minutes=-6), ago(days=10, minutes=1))]
    within = [alice.post("/api/signals", a_signal(timestamp=moment)).status_code for moment in (ago(minutes=-4), ago(days=9, hours=23))]

    messages = [check_error(answer, 400, "invalid_request_error", "invalid_request", "timestamp") for answer in answers]
    assert messages == ["This is more than 5 minutes in the future.", "This is more than 10 days ago: signals are kept no longer."]
    assert within == [201, 201]


@pytest.mark.parametrize(
    ("price", "shown"),
    [
        (0, "0"),
        ("0.00000001", "0.00000001"),
        (114.62000000000001, "114.62"),
        ("1.10000000000", "1.1"),
        ("9999999999999999.99999999",) * 2,
        (100, "100"),
        ("1e3", "1000"),
    ],
)
def test_a_price_is_exact(alice, price, shown):
    assert alice.post("/api/signals", a_signal(price=price)).json()["price"] == shown


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b'{"channel":', b'{"channel": "\xff"}', b'"text"', b'{"a":' * 3000 + b"1" + b"}" * 3000]
)
@pytest.mark.parametrize("path", ["/api/signals", "/api/signals/bulk"])
def test_a_body_that_is_no_json_object_is_refused(alice, body, path):
    answer = alice.client.post(path, body, content_type="application/json", headers=alice.headers)

    assert answer.status_code == 400, answer.content
    assert not Signal.objects.exists()


def test_text_of_sql_is_text(alice):
    text = "'; DELETE FROM items_signal; -- \\ \" $1 %s {}"

    answer = alice.post("/api/signals", a_signal(external_id=text, payload={text: [text, {"\\u0000": 1}]}))

    assert answer.status_code == 201
    assert (answer.json()["external_id"], answer.json()["payload"]) == (text, {text: [text, {"\\u0000": 1}]})


def test_an_inactive_channel_takes_nothing(alice, acme):
    Channel.objects.filter(name="news").update(is_active=False)

    message = check_error(alice.post("/api/signals", a_signal(channel="news")), 400, "invalid_request_error", "invalid_request", "channel")

    assert message == "The channel 'news' is not active."


def test_a_channel_of_another_workspace_is_none(alice):
    bob = make_sender(create_workspace("other", "Other"), "bob", channels=("secret",))

    check_error(alice.post("/api/signals", a_signal(channel="secret")), 400, "invalid_request_error", "invalid_request", "channel")
    assert bob.post("/api/signals", a_signal(channel="secret")).status_code == 201


def test_writing_needs_its_permission(acme, alice):
    reader = make_program(acme, "reader", permissions=["signals_read"])

    check_refused(reader.post("/api/signals", a_signal()))
    check_refused(reader.post("/api/signals/bulk", {"signals": [a_signal()]}))
    check_refused(stream(reader, a_signal()))
    check_refused(reader.post("/api/signals/channels", {"name": "new"}))
    assert not Signal.objects.exists()


def test_an_administrator_names_the_workspace(admin_client, acme, alice):
    body = json.dumps(a_signal())

    without = admin_client.post("/api/signals", body, content_type="application/json")
    named = admin_client.post("/api/signals?workspace=acme", body, content_type="application/json")

    check_error(without, 400, "invalid_request_error", "invalid_request", "workspace")
    assert (named.status_code, Signal.objects.get().workspace_id) == (201, acme.pk)


# --- many -------------------------------------------------------------------------------------------------------------------------


def test_many_are_stored_at_once_and_duplicates_are_told_by_their_place(alice):
    alice.post("/api/signals", a_signal(external_id="old"))
    signals = [a_signal(external_id="a"), a_signal(external_id="old"), a_signal(external_id=None), a_signal(external_id="a", price=2)]

    first = alice.post("/api/signals/bulk", {"signals": signals})
    again = alice.post("/api/signals/bulk", {"signals": signals})

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == {"object": "signal_batch", "accepted_count": 2, "duplicates_count": 2, "duplicates": [1, 3]}
    assert again.json() == {"object": "signal_batch", "accepted_count": 1, "duplicates_count": 3, "duplicates": [0, 1, 3]}
    assert Signal.objects.get(external_id="a").price is None


def test_many_are_stored_all_or_none_and_each_wrong_row_is_told(alice):
    wrong = [a_signal(action="short"), a_signal(channel="unknown"), a_signal(price=-1), {"symbol": "A"}, 5]

    answer = alice.post("/api/signals/bulk", {"signals": [a_signal(), *wrong]})
    unknown = alice.post("/api/signals/bulk", {"signals": [a_signal(), a_signal(channel="unknown")]})

    check_rows = [(row["index"], row["param"]) for row in answer.json()["errors"]]
    assert (answer.status_code, unknown.status_code) == (400, 400)
    assert check_rows == [(1, "action"), (3, "price"), (4, "channel"), (5, None)]
    assert answer.json()["error"]["param"] == "signals.1.action"
    assert unknown.json()["errors"] == [
        {"index": 1, "param": "channel", "message": "There is no channel 'unknown'. Make it first: POST /api/signals/channels."}
    ]
    assert not Signal.objects.exists()
    assert not SignalKey.objects.exists()


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"signals": []}, "signals"),
        ({"signals": {}}, "signals"),
        ({"signals": 5}, "signals"),
        ({}, "signals"),
        ({"signals": [], "x": 1}, "x"),
    ],
)
def test_a_body_that_has_no_list_of_signals_is_refused(alice, body, param):
    check_error(alice.post("/api/signals/bulk", body), 400, "invalid_request_error", "invalid_request", param)


def test_ten_thousand_are_taken_and_one_more_is_refused(alice):
    signals = [{"channel": "momentum", "symbol": f"S{number % 50}", "action": "buy"} for number in range(10_000)]

    too_many = alice.post("/api/signals/bulk", {"signals": [*signals, a_signal()]})
    taken = alice.post("/api/signals/bulk", {"signals": signals})

    check_error(too_many, 400, "invalid_request_error", "invalid_request", "signals")
    assert (taken.status_code, taken.json()["accepted_count"]) == (201, 10_000)
    assert (Signal.objects.count(), LatestSignal.objects.count()) == (10_000, 50)


def test_a_bulk_that_is_too_large_is_refused(alice, monkeypatch):
    monkeypatch.setattr(views.SignalBulk, "body_limit_bytes", 1000)

    answer = alice.post("/api/signals/bulk", {"signals": [a_signal(payload={"a": "x" * 1000})]})

    check_error(answer, 413, "invalid_request_error", "request_too_large")


def test_many_cost_as_many_queries_as_few(alice):
    counts = []
    for number in (3, 300):
        with counted_queries() as queries:
            alice.post("/api/signals/bulk", {"signals": [a_signal(symbol=f"S{each}") for each in range(number)]})
        counts.append(len([query for query in queries if "items_" in query]))

    assert counts == [2, 2]


# --- streams ----------------------------------------------------------------------------------------------------------------------


def test_a_stream_stores_what_is_right_and_tells_the_rest_by_its_line(alice, monkeypatch):
    monkeypatch.setattr(signals_bodies, "_BATCH_COUNT", 3)
    lines = [
        a_signal(external_id="a"),
        "",
        a_signal(external_id="a"),
        "{nonsense",
        b'{"channel": "\xff"}',
        a_signal(channel="unknown"),
        a_signal(symbol="?"),
        a_signal(payload={"a": "x" * 70_000}),
        a_signal(external_id="b"),
    ]

    answer = stream(alice, *lines)

    assert answer.status_code == 200
    report = answer.json()
    errors = [(error["line"], error["param"]) for error in report.pop("errors")]
    assert errors == [(4, None), (5, None), (6, "channel"), (7, "symbol"), (8, None)]
    assert report == {
        "object": "signal_stream",
        "lines_count": 9,
        "accepted_count": 2,
        "duplicates_count": 1,
        "errors_count": 5,
        "is_complete": True,
    }
    assert set(Signal.objects.values_list("external_id", flat=True)) == {"a", "b"}


def test_a_stream_tells_a_hundred_errors_and_counts_all(alice):
    report = stream(alice, *["x"] * 150).json()

    assert (len(report["errors"]), report["errors_count"], report["errors"][-1]["line"]) == (100, 150, 100)


@pytest.mark.parametrize("lines", [["\n"], [""] * 3])
def test_an_empty_stream_is_none(alice, lines):
    report = stream(alice, *lines).json()

    assert (report["accepted_count"], report["errors_count"], report["is_complete"]) == (0, 0, True)


def test_a_stream_that_breaks_off_tells_how_far_it_came_and_can_be_sent_again(alice, monkeypatch):
    monkeypatch.setattr(signals_bodies, "_BATCH_COUNT", 2)
    lines = [a_signal(external_id=f"s-{number}") for number in range(5)]
    calls = []

    def store(*args, **options):
        calls.append(args)
        if len(calls) == 2:
            raise OperationalError("gone")
        return signal_store.store_signals(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(views, "store_signals", store)
        broken = stream(alice, *lines)
    again = stream(alice, *lines)

    assert (broken.status_code, broken.json()["error"]["code"]) == (503, "store_unavailable")
    progress = broken.json()["progress"]
    assert (progress["lines_count"], progress["accepted_count"], progress["is_complete"]) == (2, 2, False)
    assert (again.json()["accepted_count"], again.json()["duplicates_count"]) == (3, 2)
    assert Signal.objects.count() == 5


def test_a_stream_that_breaks_off_before_anything_is_stored_is_a_plain_error(alice, monkeypatch):
    def store(*args, **options):
        raise OperationalError("gone")

    monkeypatch.setattr(views, "store_signals", store)

    answer = stream(alice, a_signal())

    check_error(answer, 503, "api_error", "store_unavailable")


def test_a_stream_of_another_type_is_refused(alice):
    answer = stream(alice, a_signal(), content_type="application/json")

    check_error(answer, 415, "invalid_request_error", "unsupported_media_type")


def test_lines_are_the_same_however_they_are_cut():
    lines = [b'{"a": 1}', b"", b"x" * 70_000, b'{"b": "' + b"y" * 500 + b'"}', b"last"]
    body = b"\n".join(lines)

    for size in (1, 2, 7, 1000, 65_536, 70_000, len(body)):
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        found = list(signals_bodies._number_lines(pieces))
        assert found == [(1, lines[0]), (2, b""), (3, None), (4, lines[3]), (5, b"last")], size
