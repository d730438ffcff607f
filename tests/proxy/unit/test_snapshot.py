"""The snapshot: frozen, dumped and parsed without loss, and refused when it is damaged or of another format."""

from __future__ import annotations

import dataclasses

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.secret import Secret
from proxy import snapshot as module
from proxy.ports import Endpoint, Timeouts
from proxy.snapshot import Backend, LimitRule, Route, Snapshot, SnapshotHolder, Target, dump_snapshot, parse_snapshot
from proxy.testing import create_price, create_snapshot

ENDPOINT = Endpoint("https", "api.example", 443, "/v1")
FULL = Snapshot(
    revision=12,
    key_change_number=34,
    backends={"main": Backend("main", "openai", ENDPOINT, Timeouts(1.0, 2.0, 3.0, 4.0), Secret("sk-ü"), True)},
    routes={
        "gpt": Route(
            "gpt",
            (Target("main", "gpt-1", 3, (create_price(1, 2, 3, 1.5), create_price(4, 5, 6, 2.5))), Target("main", "gpt-2", 0)),
            created_at_s=5,
        )
    },
    limits=(
        LimitRule("1", "all", "global", "requests", 150, 1, 300),
        LimitRule("2", "one", "key", "requests", 1, 60, 1, False, "w", "gpt"),
    ),
)


def test_what_is_dumped_is_parsed_again():
    parsed = parse_snapshot(dump_snapshot(FULL))

    assert parsed == FULL
    assert parsed.backends["main"].credential == Secret("sk-ü")
    assert isinstance(parsed.backends["main"].credential, Secret)


def test_a_snapshot_in_use_dumps_the_same():
    fresh = dump_snapshot(FULL)
    used = parse_snapshot(fresh)
    _ = used.limits_by_id, used.limits_by_scope, used.routes["gpt"].cumulative_weights, used.backends["main"].whole_answer_timeouts

    assert dump_snapshot(used) == fresh
    assert parse_snapshot(dump_snapshot(used)) == FULL


def test_it_shows_no_credential():
    assert "sk-" not in repr(FULL)
    assert "sk-" not in str(FULL.backends)


@pytest.mark.parametrize(
    "damage", [lambda dump: b"", lambda dump: dump[:-1], lambda dump: dump + b"\0", lambda dump: b"\xff" + dump[1:], lambda dump: b"{}"]
)
def test_a_damaged_dump_is_a_value_error(damage):
    with pytest.raises(ValueError, match="snapshot"):
        parse_snapshot(damage(dump_snapshot(FULL)))


@given(st.binary(max_size=100))
def test_garbage_is_a_value_error(garbage):
    with pytest.raises(ValueError):
        parse_snapshot(garbage)


def test_a_dump_of_another_format_is_refused(monkeypatch):
    monkeypatch.setattr(module, "FORMAT_VERSION", module.FORMAT_VERSION + 1)
    newer = dump_snapshot(FULL)
    monkeypatch.undo()

    with pytest.raises(ValueError, match="of format"):
        parse_snapshot(newer)


def test_a_dump_that_lacks_a_field_is_refused():
    values = msgspec.msgpack.decode(dump_snapshot(FULL))
    del values["snapshot"]["backends"]["main"]["endpoint"]

    with pytest.raises(ValueError, match="unreadable"):
        parse_snapshot(msgspec.msgpack.encode(values))


def test_it_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        FULL.revision = 13  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        FULL.routes["gpt"].model = "x"  # type: ignore[misc]


def test_limits_are_found_by_scope_and_by_id():
    assert {scope: [rule.name for rule in rules] for scope, rules in FULL.limits_by_scope.items()} == {"global": ["all"], "key": ["one"]}
    assert FULL.limits_by_id["2"].name == "one"


def test_the_price_that_began_last_holds():
    target = FULL.routes["gpt"].targets[0]

    assert [price and price.effective_at for price in map(target.price_at, (1.4, 1.5, 2.4, 2.5, 99.0))] == [None, 1.5, 1.5, 2.5, 2.5]
    assert Target("main", "gpt").price_at(5.0) is None


def test_a_holder_begins_empty_and_swaps():
    holder = SnapshotHolder()
    assert holder.current is None

    holder.current = create_snapshot()

    assert holder.current.revision == 7
