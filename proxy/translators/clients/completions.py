"""OpenAI's completions dialect as the client's, over models that chat: the prompt becomes what the user says."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec

from common.ids import create_uuid7
from proxy.errors import GatewayError
from proxy.translators.clients.chat_reply import finish_reason
from proxy.translators.clients.fields import read_fields
from proxy.translators.clients.objects import untranslatable
from proxy.translators.conversation import (
    Conversation,
    Message,
    Refusal,
    RefusalDelta,
    Reply,
    Started,
    Stopped,
    StreamEvent,
    Text,
    TextDelta,
    UsageCounted,
)
from proxy.translators.translation import ClientCodec
from proxy.wire.completions import OUTPUT_LIMIT_TOKENS
from proxy.wire.errors import dump_openai_stream_error
from proxy.wire.model_request import ModelRequest
from proxy.wire.openai_usage import dump_usage
from proxy.wire.usage import Usage

HINTS: Final = frozenset({"stream_options", "user"})
"""Fields that change no answer, left out where a provider has no word for them."""

_INERT: Final[dict[str, tuple[Any, ...]]] = {"best_of": (1,), "echo": (False,), "logit_bias": ({},), "suffix": ("",)}
_NAMES: Final = {"output_limit_tokens": "max_tokens", "choices_count": "n", "end_user": "user"}
_END: Final = b"data: [DONE]\n\n"
_encode: Final = msgspec.json.Encoder().encode


class _Fields(msgspec.Struct):
    model: str
    prompt: Any
    stream: bool = False
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] = OUTPUT_LIMIT_TOKENS
    n: Annotated[int, msgspec.Meta(ge=1)] = 1
    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] = []
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None


class CompletionsCodec:
    """See `ClientCodec`."""

    def parse_conversation(self, request: ModelRequest) -> Conversation:
        fields = read_fields(request, _Fields, HINTS, _INERT)
        return Conversation(
            model=fields.model,
            messages=(Message("user", (Text(_read_prompt(fields.prompt)),)),),
            is_stream=fields.stream,
            output_limit_tokens=fields.max_tokens,
            temperature=fields.temperature,
            top_p=fields.top_p,
            stop=(fields.stop,) if isinstance(fields.stop, str) else tuple(fields.stop),
            seed=fields.seed,
            frequency_penalty=fields.frequency_penalty,
            presence_penalty=fields.presence_penalty,
            choices_count=fields.n,
            end_user=request.end_user,
            names=_NAMES,
        )

    def dump_reply(self, reply: Reply, request: ModelRequest) -> bytes:
        body = _head(reply.id or _create_id(), reply.created_at_s or int(time.time()), request.model)
        body["choices"] = []
        for index, choice in enumerate(reply.choices):
            has_refusal = any(isinstance(part, Refusal) for part in choice.parts)
            text = "".join(part.text for part in choice.parts if isinstance(part, Text | Refusal))
            body["choices"].append(_dump_choice(index, text, finish_reason(choice.stop_reason, has_refusal)))
        if reply.usage is not None:
            body["usage"] = dump_usage(reply.usage)
        return _encode(body)

    def begin_stream(self, request: ModelRequest) -> CompletionsWriter:
        return CompletionsWriter(request)


class CompletionsWriter:
    """See `ClientStream`. Reasoning has no place in this dialect; a refusal is text."""

    __slots__ = ("_created_s", "_is_usage_wanted", "_model", "_prefix", "_refusing", "_usage")

    def __init__(self, request: ModelRequest) -> None:
        self._model = request.model
        self._is_usage_wanted = request.is_usage_wanted
        self._created_s = int(time.time())
        self._prefix = self._make_prefix(_create_id())
        self._refusing: set[int] = set()
        self._usage: Usage | None = None

    def feed(self, events: Sequence[StreamEvent]) -> bytes:
        return b"".join([self._write(event) for event in events])

    def end(self) -> bytes:
        if self._is_usage_wanted and self._usage is not None:
            return self._prefix + b'[],"usage":' + _encode(dump_usage(self._usage)) + b"}\n\n" + _END
        return _END

    def fail(self, error: GatewayError) -> bytes:
        return dump_openai_stream_error(error)

    def _make_prefix(self, reply_id: str) -> bytes:
        return b"data: " + _encode(_head(reply_id, self._created_s, self._model))[:-1] + b',"choices":'

    def _write(self, event: StreamEvent) -> bytes:
        if isinstance(event, TextDelta):
            return self._chunk(_dump_choice(event.choice, event.text, None)) if event.text else b""
        if isinstance(event, RefusalDelta):
            self._refusing.add(event.choice)
            return self._chunk(_dump_choice(event.choice, event.text, None))
        if isinstance(event, Stopped):
            return self._chunk(_dump_choice(event.choice, "", finish_reason(event.reason, event.choice in self._refusing)))
        if isinstance(event, Started) and event.id:
            self._prefix = self._make_prefix(event.id)
        elif isinstance(event, UsageCounted):
            self._usage = event.usage
        return b""

    def _chunk(self, choice: dict[str, Any]) -> bytes:
        return self._prefix + _encode([choice]) + b"}\n\n"


def _create_id() -> str:
    return f"cmpl-{create_uuid7().hex}"


def _head(reply_id: str, created_s: int, model: str) -> dict[str, Any]:
    return {"id": reply_id, "object": "text_completion", "created": created_s, "model": model}


def _dump_choice(index: int, text: str, reason: str | None) -> dict[str, Any]:
    return {"text": text, "index": index, "logprobs": None, "finish_reason": "stop" if reason == "tool_calls" else reason}


def _read_prompt(prompt: Any) -> str:
    """Return the one text. Errors: Untranslatable for several prompts and for tokens, which only the model's own provider can read."""
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if not isinstance(prompt, str):
        raise untranslatable("prompt")
    return prompt


CODEC: Final[ClientCodec] = CompletionsCodec()
