"""Recorded streams and answers of other providers, as OpenAI's SDK reads them out of the Responses dialect."""

from __future__ import annotations

import json

import httpx2
import openai
import pytest
from openai.types.responses import Response

from proxy.errors import UpstreamBroken
from proxy.translators.clients import responses
from proxy.translators.providers import anthropic, gemini
from proxy.translators.providers import openai as openai_provider
from proxy.translators.translated import Translated
from tests.proxy.recorded import recorded_exchanges
from tests.proxy.responses_help import asked, parse_events


def _provider(path):
    if path.endswith("/chat/completions"):
        return openai_provider.CODEC
    if path.endswith("/v1/messages"):
        return anthropic.CODEC
    return gemini.CODEC if ":generateContent" in path or ":streamGenerateContent" in path else None


RECORDED = {
    f"{exchange['set']}/{exchange['name']}": exchange
    for exchange in recorded_exchanges()
    if exchange["status"] == 200 and _provider(exchange["path"]) is not None
}
STREAMS = sorted(name for name, exchange in RECORDED.items() if isinstance(exchange["response"], str))
REPLIES = sorted(RECORDED.keys() - set(STREAMS))


FAILED = {  # two that report an error, one that was cut off
    "test_groq/test_tool_use_failed_error_streaming#0",
    "test_groq/test_tool_use_failed_error_streaming_with_text#0",
    "test_openai/test_text_response#0",
}


def _accumulate(stream: bytes):
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=stream, headers={"content-type": "text/event-stream"})

    http_client = openai.DefaultHttpxClient(transport=httpx2.MockTransport(answer))
    client = openai.OpenAI(api_key="k", base_url="http://gateway.invalid/v1", http_client=http_client)
    with client, client.responses.stream(model="gpt", input="Hello!") as events:
        return list(events)[-1].response


@pytest.mark.parametrize("name", sorted(FAILED))
def test_a_recorded_failure_is_one_the_sdk_sees(name):
    exchange = RECORDED[name]
    stream = Translated(responses.CODEC, _provider(exchange["path"])).begin_stream(asked(stream=True))
    sent = b""

    with pytest.raises(UpstreamBroken) as caught:
        for frame in exchange["response"].split("\n\n"):
            sent += stream.feed(frame.encode() + b"\n\n")
        sent += stream.close()

    final = _accumulate((sent if stream.has_content else b"") + stream.fail(caught.value))
    assert (final.status, final.error.message) == ("failed", caught.value.public_message)


@pytest.mark.parametrize("name", sorted(set(STREAMS) - FAILED))
def test_a_recorded_stream_is_one_the_sdk_accumulates(name):
    exchange = RECORDED[name]
    stream = Translated(responses.CODEC, _provider(exchange["path"])).begin_stream(asked(stream=True))

    sent = stream.feed(exchange["response"].encode()) + stream.close()

    final = _accumulate(sent + stream.tail)
    assert final.status in {"completed", "incomplete"}
    assert stream.usage is None or final.usage.total_tokens == stream.usage.total_tokens
    texts = [event["delta"] for event in parse_events(sent) if event["type"] == "response.output_text.delta"]
    assert final.output_text == "".join(texts)


@pytest.mark.parametrize("name", REPLIES)
def test_a_recorded_answer_is_one_the_sdk_reads(name):
    exchange = RECORDED[name]
    translated = Translated(responses.CODEC, _provider(exchange["path"]))

    reply = translated.translate_reply(json.dumps(exchange["response"]).encode(), asked())

    final = Response.model_validate_json(reply.body)
    assert final.status in {"completed", "incomplete"}


def test_there_are_recorded_ones():
    assert len(STREAMS) > 20
    assert len(REPLIES) > 150
