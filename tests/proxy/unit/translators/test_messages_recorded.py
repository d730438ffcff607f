"""Recorded exchanges with Anthropic: every request is read, every answer and stream understood."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from proxy.errors import Untranslatable
from proxy.snapshot import Target
from proxy.translators.clients.messages import CODEC as CLIENT
from proxy.translators.conversation import Conversation, Part
from proxy.translators.direct_count_tokens import DIRECT as DIRECT_COUNT
from proxy.translators.direct_messages import DIRECT
from proxy.translators.providers.anthropic import CODEC as PROVIDER
from proxy.translators.translated import TranslatedStream
from proxy.wire.messages import parse_count_tokens_request, parse_messages_request
from proxy.wire.upstream_error import UpstreamErrorDetail
from tests.proxy.messages_help import BACKEND, asked, parse_events
from tests.proxy.pieces import cut_at
from tests.proxy.recorded import recorded_exchanges

EXCHANGES = [exchange for exchange in recorded_exchanges() if exchange["host"] == "api.anthropic.com"]
MESSAGES = [exchange for exchange in EXCHANGES if exchange["path"] == "/v1/messages"]
COUNTS = [exchange for exchange in EXCHANGES if exchange["path"] == "/v1/messages/count_tokens"]
WHOLE = [exchange for exchange in MESSAGES if exchange["status"] == 200 and isinstance(exchange["response"], dict)]
STREAMS = [exchange for exchange in MESSAGES if isinstance(exchange["response"], str)]
TRANSLATED_COUNT = 34
# What cannot be told to another provider: tools that Anthropic runs or finds itself, and what they left in the conversation.
REFUSED = {"tools": 28, "messages": 18, "container": 1, "mcp_servers": 1}


def _ids(exchanges: list[dict[str, Any]]) -> list[str]:
    return [f"{at}-{exchange['name'][:60]}" for at, exchange in enumerate(exchanges)]


def _dump(value: Any) -> bytes:
    return json.dumps(value).encode()


def test_the_recording_holds_its_exchanges():
    assert (len(MESSAGES), len(COUNTS), len(WHOLE), len(STREAMS)) == (82, 3, 69, 12)


@pytest.mark.parametrize("exchange", MESSAGES, ids=_ids(MESSAGES))
def test_a_request_passes_as_it_was_written(exchange):
    request = parse_messages_request(_dump(exchange["request"]), 64, exchange["query"])

    call = DIRECT.translate_request(request, Target("claude", "other"), BACKEND, [])

    assert call.path == f"/messages?{exchange['query']}"
    assert json.loads(call.body) == exchange["request"] | {"model": "other"}
    assert request.is_stream is exchange["request"].get("stream", False)


def _refused_param(exchange: dict[str, Any]) -> str:
    """Return the top-level field that another provider has no word for, empty for none."""
    try:
        CLIENT.parse_conversation(parse_messages_request(_dump(exchange["request"]), 64))
    except Untranslatable as error:
        return (error.param or "?").partition("[")[0]
    return ""


def test_requests_are_translated_or_refused_by_name():
    assert Counter(map(_refused_param, MESSAGES)) == REFUSED | {"": TRANSLATED_COUNT}


TRANSLATED = [exchange for exchange in MESSAGES if not _refused_param(exchange)]


@pytest.mark.parametrize("exchange", TRANSLATED, ids=_ids(TRANSLATED))
def test_a_request_that_is_translated_says_the_same(exchange):
    conversation = CLIENT.parse_conversation(parse_messages_request(_dump(exchange["request"]), 64))

    call = PROVIDER.dump_request(conversation, Target("claude", conversation.model), BACKEND)

    again = CLIENT.parse_conversation(parse_messages_request(call.body, 64))
    assert _said(again) == _said(conversation)
    assert (again.tools, again.tool_choice, again.reasoning) == (conversation.tools, conversation.tool_choice, conversation.reasoning)


def _said(conversation: Conversation) -> list[tuple[str, Part]]:
    """Return who said what; where one message of a role ends and the next begins says nothing."""
    return [(message.role, part) for message in conversation.messages for part in message.parts]


@pytest.mark.parametrize("exchange", WHOLE, ids=_ids(WHOLE))
def test_an_answer_is_understood(exchange):
    body = _dump(exchange["response"])
    usage = exchange["response"]["usage"]

    passed = DIRECT.translate_reply(body, asked())
    reply = PROVIDER.parse_reply(body)
    shown = json.loads(CLIENT.dump_reply(reply, asked()))

    assert passed.body == body
    assert passed.usage == reply.usage
    assert reply.usage is not None
    assert (reply.usage.fresh_input_tokens, reply.usage.output_tokens) == (usage["input_tokens"], usage["output_tokens"])
    assert reply.usage.cache_read_tokens == usage["cache_read_input_tokens"]
    assert reply.usage.cache_write_5m_tokens + reply.usage.cache_write_1h_tokens == usage["cache_creation_input_tokens"]
    assert (shown["id"], shown["stop_reason"]) == (exchange["response"]["id"], exchange["response"]["stop_reason"])
    kinds = {"thinking", "redacted_thinking", "tool_use"}
    assert [_core(block) for block in shown["content"] if block["type"] in kinds] == [
        _core(block) for block in exchange["response"]["content"] if block["type"] in kinds
    ]
    assert _text(shown) == _text(exchange["response"])


def _core(block: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in block.items() if name != "caller"}


def _text(answer: dict[str, Any]) -> str:
    return "".join(block["text"] for block in answer["content"] if block["type"] == "text")


@pytest.mark.parametrize("size", [7, 1000, 1_000_000])
@pytest.mark.parametrize("exchange", STREAMS, ids=_ids(STREAMS))
def test_a_stream_is_understood(exchange, size):
    whole = exchange["response"].encode()
    pieces = cut_at(whole, range(size, len(whole), size))
    direct = DIRECT.begin_stream(asked())
    translated = TranslatedStream(CLIENT, PROVIDER, asked())

    passed = b"".join([direct.feed(piece) for piece in pieces]) + direct.close() + direct.tail
    shown = b"".join([translated.feed(piece) for piece in pieces]) + translated.close() + translated.tail

    assert passed == whole
    assert direct.usage == translated.usage
    assert direct.usage is not None
    last = [fields for name, fields in parse_events(_unpadded(whole)) if name == "message_delta"][-1]["usage"]
    assert (direct.usage.fresh_input_tokens, direct.usage.output_tokens) == (last["input_tokens"], last["output_tokens"])
    assert _streamed_text(shown) == _streamed_text(whole)
    assert parse_events(shown)[-2][1]["usage"]["output_tokens"] == last["output_tokens"]


def _unpadded(stream: bytes) -> bytes:
    return stream.replace(b"\r\n", b"\n")


def _streamed_text(stream: bytes) -> str:
    deltas = [fields["delta"] for name, fields in parse_events(_unpadded(stream)) if name == "content_block_delta"]
    return "".join(delta.get("text", "") + delta.get("thinking", "") + delta.get("signature", "") for delta in deltas)


def test_errors_are_read():
    errors = [PROVIDER.parse_error(exchange["status"], _dump(exchange["response"])) for exchange in EXCHANGES if exchange["status"] != 200]

    assert errors == [
        UpstreamErrorDetail("model: claude-does-not-exist", "not_found_error", error_class="not_found"),
        UpstreamErrorDetail(
            "This model does not support effort level 'xhigh'. Supported levels: high, low, max, medium.", "invalid_request_error"
        ),
    ]


def test_token_counts_pass():
    for exchange in COUNTS:
        request = parse_count_tokens_request(_dump(exchange["request"]), 64, exchange["query"])
        call = DIRECT_COUNT.translate_request(request, Target("claude", request.model), BACKEND, [])
        assert json.loads(call.body) == exchange["request"]
        if exchange["status"] == 200:
            assert DIRECT_COUNT.translate_reply(_dump(exchange["response"]), request).usage is None
