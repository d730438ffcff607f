"""Newline-delimited JSON: the same whole, byte by byte and cut anywhere."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.ndjson import NdjsonDecoder
from tests.proxy.pieces import byte_by_byte, draw_pieces, unhurried

STREAM = b'{"a": 1}\n\n \r\n{"b": "\\n\\r"}\r\n[1,\r2]\n"\xff"\n'
LINES = [b'{"a": 1}', b'{"b": "\\n\\r"}', b"[1,\r2]", b'"\xff"']


def decode(pieces: list[bytes]) -> list[bytes]:
    decoder = NdjsonDecoder()
    return [line for piece in pieces for line in decoder.feed(piece)] + decoder.close()


@unhurried
@given(st.data())
def test_lines_are_the_same_whole_byte_by_byte_and_cut_anywhere(data):
    assert decode([STREAM]) == LINES
    assert decode(byte_by_byte(STREAM)) == LINES
    assert decode(draw_pieces(data, STREAM)) == LINES


@unhurried
@given(st.lists(st.sampled_from([b"\n", b"\r", b" ", b"{}", b"\xff", b"x"])), st.data())
def test_any_bytes_read_the_same_however_they_are_cut(tokens, data):
    stream = b"".join(tokens)

    expected = [line.strip(b" \r") for line in stream.split(b"\n") if line.strip(b" \r")]
    assert decode(draw_pieces(data, stream)) == expected


def test_line_is_returned_by_the_piece_that_ends_it():
    decoder = NdjsonDecoder()

    assert [decoder.feed(piece) for piece in (b'{"a"', b":1}", b'\n{"b":2}\n{', b"}\n")] == [[], [], [b'{"a":1}', b'{"b":2}'], [b"{}"]]


@pytest.mark.parametrize(("rest", "lines"), [(b"", []), (b" \r", []), (b'{"done":true}', [b'{"done":true}']), (b'{"cut', [b'{"cut'])])
def test_end_returns_the_line_without_its_end_once(rest, lines):
    decoder = NdjsonDecoder()

    assert decoder.feed(b"{}\n" + rest) == [b"{}"]
    assert decoder.close() == lines
    assert decoder.close() == []


@pytest.mark.parametrize("pieces", [lambda stream: [stream], byte_by_byte])
def test_line_may_reach_its_limit_and_not_exceed_it(pieces):
    for size, is_refused in ((100, False), (101, True)):
        decoder = NdjsonDecoder(line_limit_bytes=100)
        stream = b"{}\n" * 200 + b"x" * size + b"\n"
        if is_refused:
            with pytest.raises(ValueError, match="a line is too long"):
                [decoder.feed(piece) for piece in pieces(stream)]
        else:
            assert sum(len(decoder.feed(piece)) for piece in pieces(stream)) == 201


@pytest.mark.parametrize("size", [1, 1000, 10_000_000])
def test_endless_line_is_refused_in_linear_time(size):
    decoder = NdjsonDecoder()
    piece = b"x" * size

    started_s = time.process_time()
    with pytest.raises(ValueError, match="a line is too long"):
        for _ in range(0, 10_000_000, size):
            decoder.feed(piece)

    assert time.process_time() - started_s < 20
