"""Passing events on as they came: the same whole, byte by byte and cut anywhere; nothing is lost, moved or invented."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.sse import SseSplitter, event_data, split_events
from tests.proxy.pieces import byte_by_byte, draw_pieces, unhurried

EVENTS = [
    b'data: {"a": 1}\n\n',
    b": a comment\n\n",
    b"data: one\ndata: two\n\n",
    b"event: ping\nid: 7\ndata: x\n\n",
    b"data:no space\n\n",
    b"data:  two spaces\n\n",
    b"data\n\n",
    b"data: \n\n",
    b'data: {"text": "\xc3\xbc \\n\\n not an end"}\n\n',
    b"data: [DONE]\n\n",
]
CRLF = [event.replace(b"\n", b"\r\n") for event in EVENTS]
CR = [event.replace(b"\n", b"\r") for event in EVENTS]
DATA = [b'{"a": 1}', None, b"one\ntwo", b"x", b"no space", b" two spaces", b"", b"", b'{"text": "\xc3\xbc \\n\\n not an end"}', b"[DONE]"]
BOM = b"\xef\xbb\xbf"
EMPTY_LINE = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)")

styles = pytest.mark.parametrize("events", [EVENTS, CRLF, CR], ids=["LF", "CRLF", "CR"])


def _feed(pieces) -> tuple[list[bytes], SseSplitter]:
    splitter = SseSplitter()
    events: list[bytes] = []
    for piece in pieces:
        events += split_events(splitter.feed_block(piece))
    return events, splitter


@styles
def test_fed_whole(events):
    found, splitter = _feed([b"".join(events)])

    assert found == events
    assert [event_data(event) for event in found] == DATA
    assert not splitter.has_rest


@styles
def test_fed_byte_by_byte(events):
    found, splitter = _feed(byte_by_byte(b"".join(events)))

    assert found == events
    assert not splitter.has_rest


@styles
def test_whole_event_comes_out_with_the_piece_that_ends_it(events):
    splitter = SseSplitter()

    assert [splitter.feed_block(event) for event in events] == events


@unhurried
@given(st.lists(st.sampled_from(EVENTS + CRLF), max_size=12), st.data())
def test_fed_in_any_pieces(events, data):
    found, splitter = _feed(draw_pieces(data, b"".join(events)))

    assert found == events
    assert not splitter.has_rest


@unhurried
@given(st.lists(st.sampled_from([b"\n", b"\r", b"\r\n", b"data: a", b": b", BOM, b"\xff\0"]) | st.binary(max_size=30), max_size=20))
def test_no_byte_is_lost_or_moved_whatever_comes(pieces):
    splitter = SseSplitter()

    blocks = [splitter.feed_block(piece) for piece in pieces]

    stream, out, rest = b"".join(pieces), b"".join(blocks), splitter.take_rest()
    assert out + rest == stream.removeprefix(BOM)
    assert all(block.endswith((b"\n\n", b"\n\r\n", b"\n\r", b"\r\r", b"\r\r\n")) for block in blocks if block)
    held = EMPTY_LINE.search(rest)
    assert held is None or (rest.endswith(b"\n\r") and held.end() == len(rest))  # half of a CR LF, perhaps


@pytest.mark.parametrize("pieces", [[BOM + EVENTS[0]], byte_by_byte(BOM + EVENTS[0]), [BOM, EVENTS[0]], [BOM[:2], BOM[2:] + EVENTS[0]]])
def test_byte_order_mark_is_dropped_once_and_only_in_front(pieces):
    splitter = SseSplitter()

    assert b"".join(splitter.feed_block(piece) for piece in pieces) == EVENTS[0]
    assert splitter.feed_block(BOM + EVENTS[0]) == BOM + EVENTS[0]


@pytest.mark.parametrize("start", [b"\xef", b"\xef\xbb", b"\xef\xbbdata: a", b"\xef\xef\xbb\xbf"])
def test_what_only_begins_like_a_byte_order_mark_stays(start):
    splitter = SseSplitter()

    assert b"".join(splitter.feed_block(piece) for piece in byte_by_byte(start + b"\n\n")) == start + b"\n\n"


@unhurried
@given(st.binary(max_size=200))
def test_split_events_cuts_and_changes_nothing(block):
    assert b"".join(split_events(block)) == block


@pytest.mark.parametrize("rest", [b"d", b"data: cut off", b"data: one line\n", b"data: [DONE]", b"data: one\r"])
def test_an_event_without_its_end_stays_inside(rest):
    found, splitter = _feed([EVENTS[0] + rest])

    assert found == [EVENTS[0]]
    assert splitter.has_rest


@pytest.mark.parametrize("rest", [b"", b"\n", b"\r\n", b" \n"])
def test_white_space_at_the_end_is_no_event_that_was_cut_off(rest):
    _, splitter = _feed([EVENTS[0] + rest])

    assert not splitter.has_rest


@pytest.mark.parametrize("size", [1, 7, 101])
def test_line_over_the_limit_is_refused_however_it_arrives(size):
    splitter = SseSplitter(line_limit_bytes=100, event_limit_bytes=1000)

    assert splitter.feed_block(b"data: one\nx") == b""
    with pytest.raises(ValueError, match="a line is too long"):
        for _ in range(0, 101, size):
            splitter.feed_block(b"x" * size)


@pytest.mark.parametrize("size", [1, 7, 95])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_event_over_the_limit_is_refused_however_it_arrives(size, end):
    splitter = SseSplitter(line_limit_bytes=100, event_limit_bytes=1000)

    with pytest.raises(ValueError, match="an event is too long"):
        for at in range(1100):
            splitter.feed_block(b"x" * size + (end if at % (100 // size) == 0 else b""))


def test_events_below_the_limit_may_be_any_number():
    splitter = SseSplitter(line_limit_bytes=100)

    for _ in range(50):
        assert splitter.feed_block(b"data: " + b"x" * 90) == b""
        assert splitter.feed_block(b"\n\n") != b""


@pytest.mark.parametrize(
    ("event", "data"),
    [
        (b"data: a\r\n\r\n", b"a"),
        (b"data: a\r\ndata: b\r\n\r\n", b"a\nb"),
        (b"data: a\rdata: b\r\r", b"a\nb"),
        (b"data: a\rdata: b\n\n", b"a\nb"),
        (b"\ndata: a\r\r", b"a"),
        (b"data: a\ndata: b\n", b"a\nb"),
        (b"data: a", b"a"),
        (b"id: 1\n\n", None),
        (b": data: not\n\n", None),
        (b"xdata: not\n\n", None),
        (b"data : not\n\n", None),
        (b"database\n\n", None),
        (b"\n\n", None),
        (b"", None),
        (b"data: a\n: comment\ndata: b\n\n", b"a\nb"),
    ],
)
def test_event_data(event, data):
    assert event_data(event) == data
