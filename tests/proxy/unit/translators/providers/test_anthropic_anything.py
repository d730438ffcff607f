"""Whatever a client or Anthropic says, the codec reads or writes it, or refuses it with an error of ours."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import GatewayError
from proxy.translators.clients.messages import CODEC as CLIENT
from proxy.translators.direct_messages import DIRECT
from proxy.translators.providers.anthropic import CODEC
from proxy.translators.translated import TranslatedStream
from tests.proxy.messages_help import USAGE, asked, message
from tests.proxy.provider_help import conversations, is_asked_or_refused, like

BLOCK = {
    "type": "tool_use",
    "id": "c",
    "name": "f",
    "input": {"a": 1},
    "text": "a",
    "thinking": "b",
    "signature": "s",
    "data": "AAAA",
}
ANSWER = message(BLOCK, stop_details={"type": "refusal", "explanation": "No."}) | {"usage": USAGE | {"cache_creation": {}}}
DELTA = {"type": "text_delta", "text": "a", "thinking": "b", "signature": "s", "partial_json": "{", "stop_reason": "end_turn"}
KINDS = ["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop", "error", "x"]
DELTAS = ["text_delta", "thinking_delta", "signature_delta", "input_json_delta", "citations_delta"]
BLOCKS = ["text", "thinking", "redacted_thinking", "tool_use", "server_tool_use"]


@st.composite
def _events(draw) -> bytes:
    fields = draw(
        st.fixed_dictionaries(
            {"type": st.sampled_from(KINDS)},
            optional={
                "index": st.integers(0, 2),
                "message": like(ANSWER),
                "content_block": st.fixed_dictionaries(
                    {"type": st.sampled_from(BLOCKS)}, optional={"input": like({"a": 1}), "id": st.text()}
                ),
                "delta": st.sampled_from(DELTAS).flatmap(lambda kind: like(DELTA | {"type": kind})),
                "usage": like(USAGE),
                "error": like({"type": "x", "message": "m"}),
            },
        )
    )
    return b"event: %b\ndata: %b\n\n" % (fields["type"].encode(), json.dumps(fields).encode())


@given(conversations, st.sampled_from(["claude-opus-4-8", "claude-sonnet-4-5", "kimi"]))
def test_any_conversation_is_asked_or_refused_by_name(conversation, model):
    assert is_asked_or_refused(CODEC, replace(conversation, model=model))


@given(like(ANSWER))
def test_any_answer_is_read_or_refused(answer):
    body = json.dumps(answer).encode()
    with suppress(GatewayError, ValueError):
        CLIENT.dump_reply(CODEC.parse_reply(body), asked())
    with suppress(GatewayError, ValueError):
        DIRECT.translate_reply(body, asked())


@given(st.lists(_events(), max_size=8))
def test_any_stream_is_read_or_refused(events):
    for stream in (DIRECT.begin_stream(asked()), TranslatedStream(CLIENT, CODEC, asked())):
        with suppress(GatewayError, ValueError):
            for event in events:
                stream.feed(event)
            stream.close()


@given(like({"type": "error", "error": {"type": "x", "message": "m", "param": "p", "details": {"error_code": "c"}}}), st.integers(400, 599))
def test_any_error_is_read(body, status):
    detail = CODEC.parse_error(status, json.dumps(body).encode())

    assert detail is None or detail.message
