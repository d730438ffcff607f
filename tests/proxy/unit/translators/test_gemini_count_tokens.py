"""Anthropic's token counting to Gemini."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given

from proxy.errors import GatewayError, Untranslatable, UpstreamBroken
from proxy.snapshot import Target
from proxy.translators.gemini_count_tokens import TRANSLATION
from proxy.translators.translation import TranslatedReply
from proxy.wire.messages import parse_count_tokens_request
from proxy.wire.model_request import ModelRequest
from tests.proxy.pieces import unhurried
from tests.proxy.provider_help import SECRET, create_backend, like
from tests.proxy.recorded import recorded_exchanges


def request(**fields: Any) -> ModelRequest:
    body = {"model": "claude", "messages": [{"role": "user", "content": "Hello"}]} | fields
    return parse_count_tokens_request(msgspec.json.encode(body), 64)


def translate(asked: ModelRequest) -> Any:
    passed = [(b"anthropic-version", b"2023-06-01")]
    return TRANSLATION.translate_request(asked, Target("gemini", "gemini-2.5-flash"), create_backend("gemini"), passed)


def test_the_whole_question_is_counted_and_nothing_of_the_answer():
    schema = {"type": "object", "properties": {}}

    call = translate(
        request(
            system="Be brief.",
            tools=[{"name": "now", "description": "The time.", "input_schema": schema}],
            tool_choice={"type": "any"},
            thinking={"type": "enabled", "budget_tokens": 1024},
        )
    )

    assert call.path == "/models/gemini-2.5-flash:countTokens"
    assert call.headers == [(b"content-type", b"application/json"), (b"accept", b"application/json"), (b"x-goog-api-key", SECRET.encode())]
    assert msgspec.json.decode(call.body) == {
        "generateContentRequest": {
            "model": "models/gemini-2.5-flash",
            "contents": [{"role": "user", "parts": [{"text": "Hello"}]}],
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "tools": [{"functionDeclarations": [{"name": "now", "description": "The time.", "parametersJsonSchema": schema}]}],
            "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
        }
    }


def test_what_has_no_translation_is_refused_by_its_name():
    with pytest.raises(Untranslatable) as refused:
        translate(request(mcp_servers=[{"type": "url", "url": "https://example.com", "name": "x"}]))

    assert refused.value.param == "mcp_servers"


def test_recorded_count_is_answered_in_anthropics_shape():
    (body,) = (exchange["response"] for exchange in recorded_exchanges() if exchange["path"].endswith(":countTokens"))

    assert TRANSLATION.translate_reply(msgspec.json.encode(body), request()) == TranslatedReply(b'{"input_tokens":12}', None)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"totalTokens": "12"}'])
def test_what_is_no_count_is_refused(body):
    with pytest.raises(ValueError):
        TRANSLATION.translate_reply(body, request())


def test_an_error_in_the_place_of_a_count_is_raised():
    with pytest.raises(UpstreamBroken, match="broken"):
        TRANSLATION.translate_reply(b'{"error": {"message": "broken"}}', request())


def test_a_count_does_not_stream():
    with pytest.raises(Untranslatable):
        TRANSLATION.begin_stream(request())


@unhurried
@given(like({"totalTokens": 12, "error": {"message": "broken", "details": [{"reason": "x"}]}}))
def test_any_body_is_a_count_or_an_error_we_know(body):
    try:
        reply = TRANSLATION.translate_reply(msgspec.json.encode(body), request())
    except (GatewayError, ValueError):
        return

    assert msgspec.json.decode(reply.body)["input_tokens"] >= 0
