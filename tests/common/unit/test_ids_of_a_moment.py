"""Identifiers of another time than now."""

from __future__ import annotations

import datetime as dt
import uuid

from common.ids import create_uuid7, create_uuid7_text, find_timestamp, timestamp_ms


def test_an_identifier_of_a_moment_carries_it_and_no_two_are_the_same():
    at_ms = 1_763_717_400_123
    made = [create_uuid7(at_ms) for _ in range(200)] + [uuid.UUID(create_uuid7_text(at_ms)) for _ in range(200)]

    assert {timestamp_ms(identifier) for identifier in made} == {at_ms}
    assert {identifier.version for identifier in made} == {7}
    assert len(set(made)) == 400
    assert find_timestamp(made[0]) == dt.datetime(2025, 11, 21, 9, 30, 0, 123_000, tzinfo=dt.UTC)


def test_an_identifier_of_the_epoch_is_one():
    assert timestamp_ms(create_uuid7(0)) == 0
