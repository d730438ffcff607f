"""Reading events as the WHATWG has it: the same whole, byte by byte and cut anywhere, and never a crash."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.sse import SseDecoder, SseEvent, encode_event
from tests.proxy.pieces import byte_by_byte, cut_at, draw_pieces, unhurried

BOM = b"\xef\xbb\xbf"
CASES: dict[str, tuple[bytes, list[SseEvent]]] = {
    "data": (b"data: a\n\n", [SseEvent(b"", b"a")]),
    "no space": (b"data:a\n\n", [SseEvent(b"", b"a")]),
    "one space of two": (b"data:  a\n\n", [SseEvent(b"", b" a")]),
    "lines are joined": (b"data: a\ndata\ndata: b\n\n", [SseEvent(b"", b"a\n\nb")]),
    "empty data": (b"data\n\ndata:\n\ndata: \n\n", [SseEvent(b"", b"")] * 3),
    "named": (b"event: ping\ndata: {}\n\n", [SseEvent(b"ping", b"{}")]),
    "name behind the data": (b"data: {}\nevent: ping\n\n", [SseEvent(b"ping", b"{}")]),
    "last name counts": (b"event: a\nevent: b\ndata: x\n\n", [SseEvent(b"b", b"x")]),
    "name is of one event": (b"event: a\n\ndata: x\n\n", [SseEvent(b"", b"x")]),
    "no data, no event": (b"event: ping\n\n: a comment\n\nid\n\n", []),
    "comments": (b": one\ndata: a\n:two\ndata: b\n\n", [SseEvent(b"", b"a\nb")]),
    "colons in the value": (b"data: a:b: c\n\n", [SseEvent(b"", b"a:b: c")]),
    "unknown fields": (b"datum: a\nDATA: b\n data: c\ndata : d\nfoo\n\n", []),
    "empty lines": (b"\n\n\ndata: a\n\n\n\n\ndata: b\n\n\n", [SseEvent(b"", b"a"), SseEvent(b"", b"b")]),
    "id stays": (
        b"data: a\n\nid: 1\ndata: b\n\ndata: c\n\nid\ndata: d\n\n",
        [SseEvent(b"", b"a"), SseEvent(b"", b"b", b"1"), SseEvent(b"", b"c", b"1"), SseEvent(b"", b"d")],
    ),
    "id with NUL": (b"id: 1\n\nid: 2\0\ndata: a\n\n", [SseEvent(b"", b"a", b"1")]),
    "no UTF-8": (
        b"data: \xff\xfe\xc3\n\nevent: \x80\ndata: \xed\xa0\x80\n\n",
        [SseEvent(b"", b"\xff\xfe\xc3"), SseEvent(b"\x80", b"\xed\xa0\x80")],
    ),
    "other line ends are none": (
        b"data: a\x0bb\x0cc\x1cd\xc2\x85e\xe2\x80\xa8f\n\n",
        [SseEvent(b"", b"a\x0bb\x0cc\x1cd\xc2\x85e\xe2\x80\xa8f")],
    ),
    "byte order mark": (BOM + b"data: a\n\n" + BOM + b"data: b\n\n", [SseEvent(b"", b"a")]),
    "done": (b'data: {"a":1}\n\ndata: [DONE]\n\n', [SseEvent(b"", b'{"a":1}'), SseEvent(b"", b"[DONE]")]),
}


def decode(pieces: list[bytes], **limits: int) -> list[SseEvent]:
    """Return all events of a stream that ended cleanly."""
    decoder = SseDecoder(**limits)
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return events + decoder.close()


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("case", CASES)
def test_stream_reads_the_same_whole_byte_by_byte_and_cut_in_two(case, end):
    stream, events = CASES[case]
    stream = stream.replace(b"\n", end)

    assert decode([stream]) == events
    assert decode(byte_by_byte(stream)) == events
    for cut in range(len(stream)):
        assert decode(cut_at(stream, [cut])) == events, cut


TOKENS = st.sampled_from(
    [
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"\r\r",
        b"\r\n\r\n",
        b"data: ",
        b"data:",
        b"data",
        b"event: e",
        b"id: 1",
        b":",
        b" ",
        b"x",
        b"\xff",
        BOM,
    ]
)


def decode_literally(stream: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """Do what the WHATWG says, in its words and order; an unfinished event counts if its stream ends."""
    stream = stream.removeprefix(BOM)
    lines, line, was_cr = [], b"", False
    for byte in byte_by_byte(stream):
        if byte == b"\n" and was_cr:
            was_cr = False
            continue
        was_cr = byte == b"\r"
        if byte in b"\r\n":
            lines.append(line)
            line = b""
        else:
            line += byte
    events: list[tuple[bytes, bytes, bytes]] = []
    data, event, last_id = b"", b"", b""
    for field in [*lines, line, b""]:
        if not field:
            if data:
                events.append((event, data.removesuffix(b"\n"), last_id))
            data, event = b"", b""
            continue
        name, value = field, b""
        if b":" in field:
            name, value = field.split(b":", 1)
            value = value.removeprefix(b" ")
        if name == b"data":
            data += value + b"\n"
        elif name == b"event":
            event = value
        elif name == b"id" and b"\0" not in value:
            last_id = value
    return events


@unhurried
@given(st.lists(TOKENS, max_size=40), st.data())
def test_any_mixture_of_line_ends_reads_as_the_standard_says_however_it_is_cut(tokens, data):
    stream = b"".join(tokens)

    found = decode(draw_pieces(data, stream))

    assert [(event.event, event.data, event.id) for event in found] == decode_literally(stream)
    assert all(event.is_complete for event in found[:-1])


@unhurried
@given(st.binary(max_size=300), st.data())
def test_any_bytes_are_read_without_a_crash_and_the_same_however_they_are_cut(stream, data):
    assert decode(draw_pieces(data, stream)) == decode([stream])


def test_event_is_returned_by_the_piece_that_ends_it():
    decoder = SseDecoder()

    assert decoder.feed(b"data: a") == []
    assert decoder.feed(b"\n") == []
    assert decoder.feed(b"\ndata: b\r\n\r\nda") == [SseEvent(b"", b"a"), SseEvent(b"", b"b")]
    assert decoder.feed(b"ta: c\r\r") == [SseEvent(b"", b"c")]
    assert decoder.feed(b"\ndata: d\r\r") == [SseEvent(b"", b"d")]  # the LF belonged to the CR before it


# The end


@pytest.mark.parametrize("end", [b"", b"\n", b"\r", b"\r\n"])
def test_end_mark_without_its_empty_line_is_returned_at_the_end(end):
    decoder = SseDecoder()

    assert decoder.feed(b"data: a\n\ndata: [DONE]" + end) == [SseEvent(b"", b"a")]
    assert decoder.close() == [SseEvent(b"", b"[DONE]", is_complete=False)]
    assert decoder.close() == []


@pytest.mark.parametrize("rest", [b"", b"\n", b"\r", b": comment", b"event: ping\n", b"id: 1", b"\xef\xbb"])
def test_end_without_data_behind_it_returns_nothing(rest):
    assert decode([b"data: a\n\n" + rest]) == [SseEvent(b"", b"a")]


def test_empty_line_whose_line_feed_never_came_is_one():
    assert decode([b"data: a\r\n\r"]) == [SseEvent(b"", b"a")]


@pytest.mark.parametrize("cut", range(1, 30))
def test_stream_cut_off_gives_its_whole_events_and_marks_the_torn_one(cut):
    stream = b"event: e\ndata: one\n\ndata: two\n\n"[:cut]

    found = decode(byte_by_byte(stream))

    assert [event for event in found if event.is_complete] == [SseEvent(b"e", b"one")] * (cut >= 20)
    assert len([event for event in found if not event.is_complete]) == (13 <= cut < 20 or cut >= 24)


# Retry


@pytest.mark.parametrize(
    ("field", "retry_ms"),
    [
        (b"retry: 3000", 3000),
        (b"retry:0", 0),
        (b"retry: 1.5", None),
        (b"retry: -1", None),
        (b"retry", None),
        (b"retry: \xb2", None),
        (b"retry: " + b"9" * 5000, None),
    ],
)
def test_retry_is_a_number_or_nothing(field, retry_ms):
    decoder = SseDecoder()

    decoder.feed(field + b"\n\n")

    assert decoder.retry_ms == retry_ms


# Limits


@pytest.mark.parametrize("pieces", [lambda stream: [stream], byte_by_byte, lambda stream: cut_at(stream, range(0, len(stream), 7))])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_line_may_reach_its_limit_and_not_exceed_it(pieces, end):
    stream = b"event: e" + end + b"data: " + b"x" * 94 + end * 2

    assert decode(pieces(stream), line_limit_bytes=100) == [SseEvent(b"e", b"x" * 94)]
    with pytest.raises(ValueError, match="a line is too long"):
        decode(pieces(stream), line_limit_bytes=99)


@pytest.mark.parametrize("pieces", [lambda stream: [stream], byte_by_byte])
def test_event_of_many_lines_has_a_limit_and_many_events_have_none(pieces):
    line = b"data: " + b"x" * 44 + b"\n"

    assert len(decode(pieces((line + b"\n") * 100), line_limit_bytes=60, event_limit_bytes=600)) == 100
    assert len(decode(pieces(line * 11 + b"\n"), line_limit_bytes=60, event_limit_bytes=600)) == 1
    with pytest.raises(ValueError, match="an event is too long"):
        decode(pieces(line * 13 + b"\n"), line_limit_bytes=60, event_limit_bytes=600)


def test_default_limit_of_a_line_is_one_megabyte():
    assert len(decode([b"data: " + b"x" * 1_000_000 + b"\n\n"])) == 1
    with pytest.raises(ValueError, match="a line is too long"):
        decode([b"data: " + b"x" * 10_000_000 + b"\n\n"])


@pytest.mark.parametrize("size", [1, 1000])
def test_endless_line_is_refused_in_linear_time(size):
    decoder = SseDecoder()
    piece = b"x" * size

    started_s = time.process_time()
    with pytest.raises(ValueError, match="a line is too long"):
        for _ in range(0, 10_000_000, size):
            decoder.feed(piece)

    assert time.process_time() - started_s < 20  # a second or so; with each byte looked at again it takes minutes


def test_endless_event_is_refused_in_linear_time():
    decoder = SseDecoder()

    started_s = time.process_time()
    with pytest.raises(ValueError, match="an event is too long"):
        for _ in range(1_000_000):
            decoder.feed(b"data: 123\n")

    assert time.process_time() - started_s < 20


# Writing


@pytest.mark.parametrize(
    ("data", "event", "written"),
    [
        (b"a", b"", b"data: a\n\n"),
        (b"", b"", b"data: \n\n"),
        (b" a", b"", b"data:  a\n\n"),
        (b"a\nb", b"", b"data: a\ndata: b\n\n"),
        (b"a\r\n\rb\n", b"e", b"event: e\ndata: a\ndata: \ndata: b\ndata: \n\n"),
        (b"{}", b"ping", b"event: ping\ndata: {}\n\n"),
    ],
)
def test_event_is_written(data, event, written):
    assert encode_event(data, event) == written


@unhurried
@given(
    st.lists(st.tuples(st.binary(max_size=40), st.binary(max_size=10).filter(lambda name: not set(name) & set(b"\r\n"))), max_size=6),
    st.data(),
)
def test_written_events_are_read_back_with_line_feeds(events, data):
    stream = b"".join(encode_event(content, name) for content, name in events)

    found = decode(draw_pieces(data, stream))

    assert [(event.event, event.data) for event in found] == [
        (name, content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")) for content, name in events
    ]
    assert all(event.is_complete for event in found)


@pytest.mark.parametrize("event", [b"a\nb", b"a\r", b"\ndata: injected"])
def test_name_that_could_end_its_line_is_refused(event):
    with pytest.raises(ValueError, match="one line"):
        encode_event(b"x", event)
