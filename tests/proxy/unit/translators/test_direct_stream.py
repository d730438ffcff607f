"""Streams between a client and a provider of the same dialect, however the network cuts them."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import UpstreamBroken, UpstreamTimeout
from proxy.translators.direct_stream import DirectStream
from proxy.wire.usage import Usage
from tests.proxy.chat_help import DONE, HELLO, ROLE, STOP, USAGE, WORLD, delta, event, parse_frames, usage_chunk
from tests.proxy.pieces import byte_by_byte, draw_pieces, unhurried
from tests.proxy.recorded import recorded_exchanges

WHOLE = ROLE + HELLO + WORLD + STOP + USAGE + DONE
WITHOUT_USAGE = ROLE + HELLO + WORLD + STOP + DONE
BREAK = b"\r\n\r\n"


def _feed(pieces, is_usage_wanted=False) -> tuple[bytes, DirectStream]:
    """Return all that a client gets, up to the end mark, and the stream."""
    stream = DirectStream(is_usage_wanted)
    sent = b""
    for piece in pieces:
        sent += stream.feed(piece)
        if stream.is_done:
            break
    else:
        sent += stream.close()
    return sent + stream.tail, stream


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("cut", [byte_by_byte, lambda stream: [stream], lambda stream: stream.splitlines(keepends=True)])
def test_the_client_gets_the_same_however_the_network_cuts_it(cut, ending):
    sent, stream = _feed(cut(WHOLE.replace(b"\n", ending)))

    assert sent.replace(b"\r\n", b"\n") == WITHOUT_USAGE
    assert (stream.has_content, stream.usage) == (True, Usage(5, 3))


@unhurried
@given(st.data(), st.booleans())
def test_the_client_gets_the_same_cut_anywhere(data, is_usage_wanted):
    spoken = delta(content='usage "usage" [DONE] "error" \n\n')
    whole = b"".join([ROLE, b": ping\n\n", HELLO, spoken, WORLD, STOP, USAGE, DONE])

    sent, _ = _feed(draw_pieces(data, whole), is_usage_wanted)

    expected = b"".join([ROLE, HELLO, spoken, WORLD, STOP, *([USAGE] if is_usage_wanted else []), DONE])
    assert parse_frames(sent) == parse_frames(expected)


def test_usage_that_the_client_wanted_stays():
    assert _feed([ROLE, HELLO, STOP, USAGE, DONE], is_usage_wanted=True)[0] == ROLE + HELLO + STOP + USAGE + DONE


def test_content_is_told_when_it_comes():
    stream = DirectStream(False)

    assert stream.feed(ROLE) == ROLE
    assert not stream.has_content
    assert stream.feed(HELLO) == HELLO
    assert stream.has_content


def test_what_comes_with_the_end_mark_leaves_with_it():
    stream = DirectStream(False)
    stream.feed(ROLE + HELLO)

    assert stream.feed(WORLD + STOP + USAGE + DONE + HELLO) == b""
    assert stream.is_done
    assert stream.tail == WORLD + STOP + DONE


def test_a_block_that_needs_no_look_passes_as_it_is():
    stream = DirectStream(False)
    stream.feed(ROLE + HELLO)
    block = b'data:  {"choices":[], "odd" : 1.0}\n\nevent: x\nid: 7\ndata: {"usage":null}\n\n'

    assert stream.feed(block) is block


def test_usage_beside_choices_stays_and_is_counted():
    last = event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 9, "completion_tokens": 2}})

    sent, stream = _feed([ROLE, HELLO, last, DONE])

    assert sent == ROLE + HELLO + last + DONE
    assert stream.usage == Usage(9, 2)


def test_the_last_usage_counts():
    _, stream = _feed([ROLE, HELLO, usage_chunk(5, 1), WORLD, usage_chunk(5, 2), STOP, usage_chunk(5, 3, cached=4), DONE])

    assert stream.usage == Usage(1, 3, cache_read_tokens=4)


def test_azure_s_verdict_on_the_prompt_is_no_content_and_passes():
    verdict = event({"id": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]})
    stream = DirectStream(False)

    assert stream.feed(verdict) == verdict
    assert (stream.has_content, stream.usage) == (False, None)


def test_openai_s_verdict_behind_the_usage_passes():
    verdict = event({"choices": [], "usage": None, "moderation": {"input": {}}})

    assert _feed([ROLE, HELLO, STOP, USAGE, verdict, DONE])[0] == ROLE + HELLO + STOP + verdict + DONE


@pytest.mark.parametrize("held", [[ROLE], [ROLE, HELLO]])
@pytest.mark.parametrize(
    "failure",
    [
        event({"error": {"message": "overloaded", "type": "server_error", "code": "overloaded"}}),
        b"event: error\n" + event({"error": {"message": "overloaded", "status_code": 503}}),
        event({"id": "g", "error": {"message": "overloaded"}, "choices": [{"index": 0, "delta": {}, "finish_reason": "error"}]}),
        event({"choices": [{"index": 0, "delta": {}, "error": {"message": "overloaded"}, "finish_reason": "error"}]}),
    ],
)
def test_an_error_in_the_stream_is_the_provider_s(held, failure):
    with pytest.raises(UpstreamBroken, match=r"The provider reported an error( \(overloaded\))?: overloaded$"):
        _feed([*held, failure, DONE])


@pytest.mark.parametrize("pieces", [[], [ROLE], [ROLE, HELLO], [ROLE, HELLO, STOP], [ROLE, HELLO, STOP, b"data: [DO"], [b": ping\n\n"]])
def test_a_stream_without_its_end_mark_failed(pieces):
    with pytest.raises(UpstreamBroken, match="before its end"):
        _feed(pieces)


@pytest.mark.parametrize("mark", [b"data: [DONE]", b"data: [DONE]\n", b"data:[DONE]\r\n"])
def test_an_end_mark_without_its_empty_line_is_one(mark):
    assert _feed([ROLE, HELLO, STOP, mark])[0] == ROLE + HELLO + STOP + DONE


@pytest.mark.parametrize(
    ("held", "data"),
    [
        ([ROLE], b"data: <html>\n\n"),
        ([ROLE], b'data: {"choices": 5}\n\n'),
        ([ROLE], b'data: {"choices": [], "usage": {"prompt_tokens": "x"}}\n\n'),
        ([ROLE, HELLO], b"data: <html>\n\n"),
        ([ROLE, HELLO], b'data: {"choices": [{"delta": {"content": "cut o\n\n'),
        ([ROLE, HELLO], b'data: {"choices": [], "usage": {"prompt_tokens": "x"}}\n\n'),
    ],
)
def test_what_is_no_chunk_is_a_value_error(held, data):
    with pytest.raises(ValueError, match="not a chunk"):
        _feed([*held, data, DONE])


def test_a_failure_ends_the_stream_with_the_error_and_the_mark():
    frames = parse_frames(DirectStream(False).fail(UpstreamTimeout()))

    assert frames[0]["error"]["code"] == "timeout"
    assert frames[1:] == ["[DONE]"]


def test_the_text_that_has_come_is_measured():
    text = "All in all, "
    chunk = delta(content=text)
    read, unread = DirectStream(False), DirectStream(False)
    for _ in range(50):
        read.feed(chunk.replace(b"\n\n", b'\n: "error"\n\n'))  # which is looked into
        unread.feed(chunk)

    assert read.content_bytes == 50 * len(text)
    assert unread.content_bytes == 50 * len(text)


def test_every_recorded_stream_passes():
    ended = {}
    for exchange in recorded_exchanges():
        if "/chat/completions" not in exchange["path"] or not (exchange["content_type"] or "").startswith("text/event-stream"):
            continue
        whole = exchange["response"].encode()
        for pieces in ([whole], byte_by_byte(whole), whole.splitlines(keepends=True)):
            if "event: error" in exchange["response"]:
                with pytest.raises(UpstreamBroken, match="Tool c"):
                    _feed(pieces)
                continue
            sent, stream = _feed(pieces, is_usage_wanted=True)
            assert parse_frames(sent) == parse_frames(whole)
            assert stream.usage is not None
            ended[exchange["name"]] = stream.usage
    assert ended["test_groq_model_web_search_tool_stream#0"] == Usage(5003, 359)
    assert ended["test_mistral_model_thinking_part_iter#0"] == Usage(10, 232)
    assert len(ended) == 11


_lines = st.sampled_from(
    [
        ROLE,
        HELLO,
        STOP,
        USAGE,
        DONE,
        b"\n",
        b"\r\n",
        b"\r",
        b": x\n\n",
        b"data:",
        b"data: \n\n",
        b"event: error\n",
        b'{"choices":[',
        b"\xef\xbb\xbf",
    ]
)


@unhurried
@given(st.lists(_lines | st.binary(max_size=12), max_size=12))
def test_no_bytes_end_in_another_exception(pieces):
    with contextlib.suppress(ValueError, UpstreamBroken):
        _feed(pieces)


@given(st.data())
def test_a_stream_with_a_few_bytes_changed_ends_in_no_other_exception(data):
    whole = bytearray(WHOLE)
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=4)):
        whole[at] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ValueError, UpstreamBroken):
        sent, stream = _feed([bytes(whole)])
        assert stream.is_done
        assert sent.endswith(DONE)


def test_a_deeply_nested_chunk_is_a_value_error():
    with pytest.raises(ValueError, match="chunk"):
        _feed([ROLE + HELLO, b'data: {"error": ' + b"[" * 100_000 + b"\n\n"])


def test_json_of_a_chunk_may_span_lines():
    chunk = json.dumps({"choices": [{"index": 0, "delta": {"content": "x"}}]}, indent=1).encode()
    lines = b"".join(b"data: " + line + b"\n" for line in chunk.split(b"\n")) + b"\n"

    assert _feed([lines + DONE])[0] == lines + DONE
