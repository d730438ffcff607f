"""Server-sent events: the same whole, byte by byte and cut anywhere; nothing is lost, moved or invented."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.sse import SseSplitter, event_data, split_events

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
DATA = [b'{"a": 1}', None, b"one\ntwo", b"x", b"no space", b" two spaces", None, b"", b'{"text": "\xc3\xbc \\n\\n not an end"}', b"[DONE]"]


def _feed(pieces) -> tuple[list[bytes], SseSplitter]:
    splitter = SseSplitter()
    events: list[bytes] = []
    for piece in pieces:
        events += split_events(splitter.feed_block(piece))
    return events, splitter


@pytest.mark.parametrize("events", [EVENTS, CRLF], ids=["LF", "CRLF"])
def test_fed_whole(events):
    found, splitter = _feed([b"".join(events)])

    assert found == events
    assert [event_data(event) for event in found] == DATA
    assert not splitter.has_rest


@pytest.mark.parametrize("events", [EVENTS, CRLF], ids=["LF", "CRLF"])
def test_fed_byte_by_byte(events):
    stream = b"".join(events)

    found, splitter = _feed([stream[at : at + 1] for at in range(len(stream))])

    assert found == events
    assert not splitter.has_rest


@given(st.lists(st.sampled_from(EVENTS + CRLF), max_size=12), st.data())
def test_fed_in_any_pieces(events, data):
    stream = b"".join(events)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    pieces = [stream[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

    found, splitter = _feed(pieces)

    assert found == events
    assert not splitter.has_rest


@given(st.lists(st.binary(max_size=30), max_size=20))
def test_no_byte_is_lost_or_moved_whatever_comes(pieces):
    splitter = SseSplitter()

    blocks = [splitter.feed_block(piece) for piece in pieces]

    stream, out = b"".join(pieces), b"".join(blocks)
    assert stream.startswith(out)
    assert not any(end in stream[len(out) :] for end in (b"\n\n", b"\n\r\n"))
    assert all(block.endswith((b"\n\n", b"\n\r\n")) for block in blocks if block)


@given(st.binary(max_size=200))
def test_split_events_cuts_and_changes_nothing(block):
    assert b"".join(split_events(block)) == block


@pytest.mark.parametrize("rest", [b"d", b"data: cut off", b"data: one line\n", b"data: [DONE]"])
def test_an_event_without_its_end_stays_inside(rest):
    found, splitter = _feed([EVENTS[0] + rest])

    assert found == [EVENTS[0]]
    assert splitter.has_rest


@pytest.mark.parametrize("rest", [b"", b"\n", b"\r\n", b" \n"])
def test_white_space_at_the_end_is_no_event_that_was_cut_off(rest):
    _, splitter = _feed([EVENTS[0] + rest])

    assert not splitter.has_rest


def test_an_event_over_the_limit_is_refused_however_it_arrives():
    splitter = SseSplitter(limit_bytes=100)

    with pytest.raises(ValueError, match="too long"):
        for _ in range(101):
            splitter.feed_block(b"x")


def test_events_below_the_limit_may_be_any_number():
    splitter = SseSplitter(limit_bytes=100)

    for _ in range(50):
        assert splitter.feed_block(b"data: " + b"x" * 90) == b""
        assert splitter.feed_block(b"\n\n") != b""


@pytest.mark.parametrize(
    ("event", "data"),
    [
        (b"data: a\r\n\r\n", b"a"),
        (b"data: a\r\ndata: b\r\n\r\n", b"a\nb"),
        (b"id: 1\n\n", None),
        (b": data: not\n\n", None),
        (b"xdata: not\n\n", None),
        (b"data : not\n\n", None),
        (b"\n\n", None),
        (b"", None),
        (b"data: a\n: comment\ndata: b\n\n", b"a\nb"),
    ],
)
def test_event_data(event, data):
    assert event_data(event) == data
