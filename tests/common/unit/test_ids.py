"""UUIDv7: an id that carries its own time."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import time
import uuid

from common.ids import create_uuid7, create_uuid7_text, timestamp, timestamp_ms

_RANDOM = (1 << 62) - 1


def test_create_uuid7_has_the_version_and_variant_of_the_standard():
    made = create_uuid7()

    assert made.version == 7
    assert made.variant == uuid.RFC_4122


def test_create_uuid7_carries_the_time_it_was_made_at():
    before = time.time_ns() // 1_000_000
    made = create_uuid7()
    after = time.time_ns() // 1_000_000

    assert before <= timestamp_ms(made) <= after


def test_create_uuid7_never_repeats_within_a_millisecond():
    made = {create_uuid7() for _ in range(20_000)}

    assert len(made) == 20_000


def test_later_ids_sort_behind_earlier_ones():
    first = create_uuid7()
    time.sleep(0.002)

    assert first < create_uuid7()
    assert str(first) < str(create_uuid7())


def test_timestamp_reads_the_example_of_the_standard():
    example = uuid.UUID("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")  # RFC 9562, appendix A.6

    assert timestamp_ms(example) == 1_645_557_742_000
    assert timestamp(example) == dt.datetime(2022, 2, 22, 19, 22, 22, tzinfo=dt.UTC)


def test_timestamp_keeps_every_millisecond_exactly():
    for milliseconds in (0, 1, 999, 1000, 1_700_000_000_001, 1_700_000_000_999, 4_102_444_799_999):
        made = uuid.UUID(int=(milliseconds << 80) | (7 << 76) | (2 << 62))
        at = timestamp(made)

        assert at.tzinfo is dt.UTC
        assert (at - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(milliseconds=1) == milliseconds
        assert at.microsecond % 1000 == 0


def test_the_text_of_a_new_id_is_that_of_the_object():
    texts = [create_uuid7_text() for _ in range(1000)]

    assert [str(uuid.UUID(text)) for text in texts] == texts
    assert {(uuid.UUID(text).version, uuid.UUID(text).variant) for text in texts} == {(7, uuid.RFC_4122)}
    assert len(set(texts)) == len(texts)


def test_a_forked_process_makes_ids_of_its_own():
    create_uuid7()  # so that randomness is drawn ahead
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    child = context.Process(target=lambda: sending.send([create_uuid7().int & _RANDOM for _ in range(200)]))
    child.start()
    theirs = receiving.recv()
    child.join()

    assert not set(theirs) & {create_uuid7().int & _RANDOM for _ in range(200)}
