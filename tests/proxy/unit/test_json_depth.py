"""Guards on a JSON body: too deep is refused before a parser sees it, in time that grows with the body and not faster."""

from __future__ import annotations

import json
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import BadRequest
from proxy.wire.json_body import check_depth, check_utf8


def _nested(levels_count: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    return opening * levels_count + closing * levels_count


def _is_refused(body: bytes, limit: int = 64) -> bool:
    try:
        check_depth(body, limit)
    except BadRequest:
        return True
    return False


@pytest.mark.parametrize("kinds", [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]")])
def test_the_limit_itself_passes_and_one_more_does_not(kinds):
    step = kinds[0].count(b"[") + kinds[0].count(b"{")

    assert not _is_refused(_nested(64 // step, *kinds))
    assert _is_refused(_nested(64 // step + 1, *kinds))


def test_siblings_do_not_add_up():
    assert not _is_refused(b"[" + b",".join([_nested(63)] * 1000) + b"]")
    assert _is_refused(b"[" + b",".join([_nested(63)] * 1000 + [_nested(64)]) + b"]")


@pytest.mark.parametrize(
    "text",
    [b"[" * 1000, b"{[" * 500, b'\\"' + b"[" * 1000, b"\\\\\\\\", b'\\\\\\"' + b"{" * 1000, b"\n[" * 1000, b"\xff[" * 1000],
)
def test_brackets_inside_strings_do_not_count(text):
    assert not _is_refused(b'{"a": "' + text + b'"}')


def test_a_string_that_ends_in_a_backslash_hides_nothing_behind_it():
    assert _is_refused(b'["\\\\", ' + _nested(64) + b"]")


@pytest.mark.parametrize("body", [b"[" * 1000, b"]" * 1000, b"}{" * 1000, b'["' + b"[" * 1000, b'"' * 1001, b"[" * 70 + b'"\\'])
def test_what_is_no_json_is_left_to_the_parser(body):
    assert not _is_refused(body)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.sampled_from('\\"[]{}aü\n/'), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=60,
)


def _depth(value) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


@pytest.mark.parametrize("piece_bytes", [1, 2, 7, 1 << 20])
def test_it_agrees_with_a_parser_on_every_json(piece_bytes, monkeypatch):
    monkeypatch.setattr("proxy.wire.json_body._PIECE_BYTES", piece_bytes)

    @given(_json, st.integers(1, 8), st.booleans())
    def check(value, limit, is_ascii):
        body = json.dumps(value, ensure_ascii=is_ascii).encode()

        assert _is_refused(body, limit) == (_depth(value) > limit)

    check()


@pytest.mark.parametrize(
    "body",
    [
        b'["' + b"x" * 4_000_000 + b'"' + b",[]" * 100 + b"]",
        b"[" * 65 + b'"' + b'\\"' * 500_000,
        b"[" * 65 + b'"' + b"\\\\" * 500_000,
        b"[" * 65 + b'""' * 3_000_000,
        b'["[",' * 1_000_000,
        b"[" * 1_000_000,
        b"[],{}" * 200_000,
    ],
    ids=[
        "a long string",
        "escaped quotes without end",
        "backslashes without end",
        "empty strings",
        "short strings",
        "openings",
        "siblings",
    ],
)
def test_large_bodies_cost_neither_seconds_nor_many_times_their_size(body):
    tracemalloc.start()
    started_at = time.process_time()
    check_depth(body, 64)
    seconds = time.process_time() - started_at
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert seconds < 3  # a search that goes back costs minutes here
    assert peak < 3 * len(body) + 100 * 2**20


@pytest.mark.parametrize("text", ["", "plain", "ü", "🔑", "\x00", "\ud7ff\ue000"])
def test_utf8_passes(text):
    check_utf8(text.encode())


@pytest.mark.parametrize("body", [b"\xff", b"a\xc3", b"\xc3(", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf5\x80\x80\x80", "{}".encode("utf-16")])
def test_other_bytes_are_refused_with_their_place(body):
    with pytest.raises(BadRequest, match=r"the byte at \d+ fits no character"):
        check_utf8(body)
