"""One call of an official SDK in each dialect, over any transport: what a client gets, or how its SDK fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import anthropic
import httpx2
import openai
from anthropic.types.beta import BetaMessage, BetaMessageTokensCount, BetaRawMessageStreamEvent
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent

Json = dict[str, Any]
KEY = "key"
_URL: Final = "http://gateway.test"
_HELLO: Final = {"role": "user", "content": "Hello!"}


@dataclass(frozen=True)
class SdkError:
    """How an SDK fails; `status` is 0 for a failure within a stream."""

    kind: str
    status: int
    message: str
    type: str | None
    code: Any
    param: str | None


def _openai(transport: httpx2.AsyncBaseTransport, key: str) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(api_key=key, base_url=f"{_URL}/v1", max_retries=0, http_client=httpx2.AsyncClient(transport=transport))


def _anthropic(transport: httpx2.AsyncBaseTransport, key: str) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(api_key=key, base_url=_URL, max_retries=0, http_client=httpx2.AsyncClient(transport=transport))


async def call(transport: httpx2.AsyncBaseTransport, dialect: str, body: Json, key: str = KEY) -> Json | list[Json] | SdkError:
    """Send a body as it is and return the SDK's object, or the events of a stream, as JSON."""
    try:
        found = await _call(transport, dialect, body, key)
        return [event.model_dump(warnings=False) async for event in found] if body.get("stream") else found.model_dump(warnings=False)
    except (openai.APIError, anthropic.APIError) as error:
        return _as_error(error)


async def _call(transport: httpx2.AsyncBaseTransport, dialect: str, body: Json, key: str) -> Any:
    is_stream = bool(body.get("stream"))
    if dialect == "chat":
        stream_class: Any = openai.AsyncStream[ChatCompletionChunk]
        return await _openai(transport, key).post(
            "/chat/completions", cast_to=ChatCompletion, body=body, stream=is_stream, stream_cls=stream_class
        )
    if dialect == "responses":
        stream_class = openai.AsyncStream[ResponseStreamEvent]
        return await _openai(transport, key).post("/responses", cast_to=Response, body=body, stream=is_stream, stream_cls=stream_class)
    client = _anthropic(transport, key)
    if dialect == "count_tokens":
        return await client.post("/v1/messages/count_tokens?beta=true", cast_to=BetaMessageTokensCount, body=body)
    stream_class = anthropic.AsyncStream[BetaRawMessageStreamEvent]
    return await client.post("/v1/messages?beta=true", cast_to=BetaMessage, body=body, stream=is_stream, stream_cls=stream_class)


def _as_error(error: openai.APIError | anthropic.APIError) -> SdkError:
    inner = error.body.get("error", error.body) if isinstance(error.body, dict) else {}
    return SdkError(
        type(error).__name__,
        getattr(error, "status_code", 0),
        inner.get("message"),
        inner.get("type"),
        inner.get("code"),
        inner.get("param"),
    )


async def ask(transport: httpx2.AsyncBaseTransport, dialect: str, model: str, *, is_stream: bool, key: str = KEY) -> Json | SdkError:
    """Ask a short question with the SDK's own method, of a stream the one that accumulates, and return the whole answer."""
    try:
        return (await _ask(transport, dialect, model, is_stream, key)).model_dump(warnings=False)
    except (openai.APIError, anthropic.APIError) as error:
        return _as_error(error)


async def _ask(transport: httpx2.AsyncBaseTransport, dialect: str, model: str, is_stream: bool, key: str) -> Any:
    if dialect == "chat":
        chat = _openai(transport, key).chat.completions
        if not is_stream:
            return await chat.create(model=model, messages=[_HELLO])
        async with chat.stream(model=model, messages=[_HELLO], stream_options={"include_usage": True}) as chunks:
            return await chunks.get_final_completion()
    if dialect == "responses":
        responses = _openai(transport, key).responses
        if not is_stream:
            return await responses.create(model=model, input="Hello!")
        async with responses.stream(model=model, input="Hello!") as events:
            return [event async for event in events][-1].response
    messages = _anthropic(transport, key).beta.messages
    if not is_stream:
        return await messages.create(model=model, messages=[_HELLO], max_tokens=1000)
    async with messages.stream(model=model, messages=[_HELLO], max_tokens=1000) as events:
        return await events.get_final_message()
