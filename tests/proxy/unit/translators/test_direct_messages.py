"""Anthropic's dialect passes to providers that speak it: bytes as they came, usage and ends noticed on the way."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import GatewayError, UpstreamBroken
from proxy.ports import Endpoint, Timeouts
from proxy.snapshot import Backend
from proxy.translators import direct_count_tokens
from proxy.translators.direct_messages import DIRECT, MessagesStream
from proxy.wire.messages import parse_count_tokens_request
from proxy.wire.usage import Usage
from tests.proxy.messages_help import (
    BACKEND,
    END_TURN,
    HEL,
    HELLO,
    LO,
    PING,
    START,
    STOP,
    TARGET,
    TEXT_START,
    TEXT_STOP,
    ask,
    asked,
    delta,
    event,
    message,
    message_delta,
    start_block,
)
from tests.proxy.pieces import byte_by_byte, draw_pieces

OPEN = Backend("sim", "simulator", Endpoint("http", "sim.invalid", 80, "/v1"), Timeouts())


# --- requests -------------------------------------------------------------------------------------------------------------------


def test_a_request_keeps_all_but_the_models_name():
    passed = [(b"anthropic-version", b"2026-10-21"), (b"anthropic-beta", b"a,b"), (b"openai-organization", b"o")]

    call = DIRECT.translate_request(asked("beta=true", stream=True, new_field=[1]), TARGET, BACKEND, passed)

    assert (call.method, call.path) == ("POST", "/messages?beta=true")
    assert json.loads(call.body) == json.loads(ask(stream=True, new_field=[1], model="claude-sonnet-4-5"))
    assert call.headers == [
        (b"content-type", b"application/json"),
        (b"accept", b"text/event-stream"),
        (b"anthropic-version", b"2026-10-21"),
        (b"anthropic-beta", b"a,b"),
        (b"x-api-key", b"sk-ant"),
    ]


def test_a_client_without_a_version_gets_the_one_we_know():
    call = DIRECT.translate_request(asked(), TARGET, OPEN, [])

    assert call.path == "/messages"
    assert call.headers == [
        (b"content-type", b"application/json"),
        (b"accept", b"application/json"),
        (b"anthropic-version", b"2023-06-01"),
    ]


# --- whole answers --------------------------------------------------------------------------------------------------------------


def test_an_answer_passes_and_its_usage_is_read():
    body = json.dumps(message({"type": "text", "text": "Hi."}, new_field=1), indent=1).encode()

    reply = DIRECT.translate_reply(body, asked())

    assert (reply.body, reply.usage) == (body, Usage(7, 3))


def test_an_answer_without_usage_has_none():
    assert DIRECT.translate_reply(json.dumps(message(usage=None)).encode(), asked()).usage is None


def test_an_error_with_a_status_of_success_is_the_providers_failure():
    body = json.dumps({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}).encode()

    with pytest.raises(UpstreamBroken, match="Overloaded"):
        DIRECT.translate_reply(body, asked())


@pytest.mark.parametrize("body", [b"", b"{}", b'{"choices": []}', b"<html>", b'{"type": "message"}'])
def test_what_is_no_answer_is_a_value_error(body):
    with pytest.raises(ValueError):
        DIRECT.translate_reply(body, asked())


# --- streams --------------------------------------------------------------------------------------------------------------------


def _feed(pieces) -> tuple[bytes, MessagesStream]:
    stream = DIRECT.begin_stream(asked(stream=True))
    assert isinstance(stream, MessagesStream)
    shown = b"".join([stream.feed(piece) for piece in pieces])
    return shown + stream.close(), stream


@pytest.mark.parametrize("pieces", [[b"".join(HELLO)], HELLO, byte_by_byte(b"".join(HELLO))], ids=["whole", "events", "bytes"])
def test_a_stream_passes_as_it_came(pieces):
    shown, stream = _feed(pieces)

    assert shown + stream.tail == b"".join(HELLO)
    assert stream.tail.endswith(STOP)
    assert (stream.is_done, stream.has_content) == (True, True)
    assert (stream.usage, stream.content_bytes) == (Usage(7, 3), 6)


@given(st.data())
def test_a_stream_passes_as_it_came_however_it_is_cut(data):
    crlf = data.draw(st.booleans())
    whole = b"".join(HELLO).replace(b"\n", b"\r\n" if crlf else b"\n")

    shown, stream = _feed(draw_pieces(data, whole))

    # A CR LF behind the last event may be half there when that event is told to be whole, and says nothing.
    assert (shown + stream.tail).rstrip() == whole.rstrip()
    assert (stream.usage, stream.content_bytes) == (Usage(7, 3), 6)


@pytest.mark.parametrize(
    ("sent", "has_content"),
    [
        ([START], False),
        ([START, TEXT_START, PING], False),
        ([START, start_block(0, "thinking", thinking="", signature="")], False),
        ([START, TEXT_START, HEL], True),
        ([START, delta(0, "thinking_delta", thinking="Hm")], True),
        ([START, delta(0, "input_json_delta", partial_json="{")], True),
        ([START, start_block(0, "tool_use", id="toolu_1", name="f", input={})], True),
        ([START, start_block(0, "server_tool_use", id="s", name="web_search", input={})], True),
        ([START, message_delta(None)], False),
        ([START, message_delta("end_turn")], True),
    ],
)
def test_content_is_what_a_reader_sees(sent, has_content):
    stream = DIRECT.begin_stream(asked())

    stream.feed(b"".join(sent))

    assert stream.has_content is has_content


def test_usage_is_known_before_the_last_bytes_are_shown():
    stream = DIRECT.begin_stream(asked())

    stream.feed(b"".join(HELLO[:-1]))

    assert (stream.usage, stream.is_done, stream.tail) == (Usage(7, 3), False, b"")


def test_counts_of_the_end_replace_those_of_the_start():
    _, stream = _feed([START, message_delta(input_tokens=50, cache_read_input_tokens=8), STOP])

    assert stream.usage == Usage(50, 3, 8)


def test_an_error_event_is_the_providers_failure():
    stream = DIRECT.begin_stream(asked())
    stream.feed(START + TEXT_START + HEL)

    with pytest.raises(UpstreamBroken, match="Overloaded"):
        stream.feed(event("error", error={"type": "overloaded_error", "message": "Overloaded"}))


@pytest.mark.parametrize("kept", range(1, len(HELLO)))
def test_a_stream_without_its_end_mark_is_a_failure(kept):
    with pytest.raises(UpstreamBroken):
        _feed(HELLO[: kept - 1])


def test_an_end_mark_without_its_empty_line_counts_when_the_body_ended_cleanly():
    shown, stream = _feed([b"".join(HELLO).rstrip(b"\n")])

    assert (shown + stream.tail, stream.is_done) == (b"".join(HELLO), True)


def test_a_torn_event_at_the_end_is_a_failure():
    with pytest.raises(UpstreamBroken):
        _feed([b"".join(HELLO[:-1]), STOP[:-8]])


@pytest.mark.parametrize(
    "broken",
    [
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_del\n\n',
        b"event: content_block_delta\ndata: x\n\n",
        b"data: []\n\n",
    ],
)
@pytest.mark.parametrize("before", [START, START + TEXT_START + HEL], ids=["before content", "after content"])
def test_a_malformed_event_is_a_value_error(before, broken):
    stream = DIRECT.begin_stream(asked())
    stream.feed(before)

    with pytest.raises(ValueError):
        stream.feed(broken)


def test_a_malformed_event_among_deltas_is_found():
    stream = DIRECT.begin_stream(asked())
    stream.feed(START + TEXT_START + HEL)

    with pytest.raises(ValueError):
        stream.feed(LO + b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0\n\n' + LO)


def test_unknown_events_and_comments_pass():
    extra = [b": hello\n\n", event("new_event", x=1), b"event: other\ndata: {}\n\n".replace(b"{}", b'{"type": "other"}')]

    shown, _ = _feed([START, *extra, STOP])

    assert shown == START + b"".join(extra)


def test_the_end_leaves_in_one_piece():
    stream = DIRECT.begin_stream(asked())
    stream.feed(START + TEXT_START + HEL)

    assert stream.feed(LO + TEXT_STOP + END_TURN + STOP) == b""
    assert stream.tail == LO + TEXT_STOP + END_TURN + STOP


def test_nothing_is_shown_behind_the_end_mark():
    stream = DIRECT.begin_stream(asked())

    assert stream.feed(b"".join(HELLO) + HEL) == b""
    assert stream.feed(HEL) == b""
    assert stream.close() == b""
    assert stream.tail == b"".join(HELLO)


def test_text_with_escapes_is_measured_where_it_passes_unread():
    stream = DIRECT.begin_stream(asked())
    stream.feed(START + TEXT_START + HEL)

    stream.feed(delta(0, "text_delta", text='"\\"') + delta(0, "input_json_delta", partial_json='{"text":"x"}') + TEXT_STOP + END_TURN)
    read = stream.content_bytes
    stream.feed(delta(0, "text_delta", text='"\\"') + delta(0, "input_json_delta", partial_json='{"text":"x"}'))

    assert read == 3 + 3 + 12
    assert stream.content_bytes == read + 6 + 16  # as it is escaped


def test_a_failure_is_told_in_the_dialect():
    sent = DIRECT.begin_stream(asked()).fail(UpstreamBroken("cut"))

    assert sent.startswith(b"event: error\ndata: ")


@given(st.lists(st.sampled_from([*HELLO, b": c\n\n", b"data: {}\n\n", b"data: 1\n\n", b"\r", b"\n", b"x", b"{"]) | st.binary(max_size=6)))
def test_any_bytes_are_shown_or_refused_with_an_error_of_ours(pieces):
    stream = DIRECT.begin_stream(asked())
    shown = b""
    try:
        for piece in pieces:
            shown += stream.feed(piece)
        shown += stream.close()
    except (GatewayError, ValueError):
        return

    assert stream.is_done
    assert (shown + stream.tail).rstrip(b"\r\n") in b"".join(pieces)


# --- token counts ---------------------------------------------------------------------------------------------------------------


def test_a_count_passes_both_ways():
    body = json.dumps({"model": "claude", "messages": [{"role": "user", "content": "x"}]}).encode()
    request = parse_count_tokens_request(body, 64, "beta=true")

    call = direct_count_tokens.DIRECT.translate_request(request, TARGET, BACKEND, [(b"anthropic-beta", b"a")])
    reply = direct_count_tokens.DIRECT.translate_reply(b'{"input_tokens": 12, "x": 1}', request)

    assert call.path == "/messages/count_tokens?beta=true"
    assert json.loads(call.body) == json.loads(body) | {"model": "claude-sonnet-4-5"}
    assert (b"x-api-key", b"sk-ant") in call.headers
    assert (reply.body, reply.usage) == (b'{"input_tokens": 12, "x": 1}', None)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"input_tokens": "a"}', b"[]"])
def test_what_is_no_count_is_a_value_error(body):
    with pytest.raises(ValueError):
        direct_count_tokens.DIRECT.translate_reply(body, asked())
