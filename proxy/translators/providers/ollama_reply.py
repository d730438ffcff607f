"""
Ollama's answers: one JSON object, or one a line in a stream, the last of which is `done`.

Source: https://docs.ollama.com/api/chat
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from proxy.translators.arguments import read_arguments
from proxy.translators.conversation import (
    ArgumentsDelta,
    Ended,
    Failed,
    Logprob,
    ReasoningDelta,
    Reply,
    Started,
    Stopped,
    StopReason,
    StreamEvent,
    TextDelta,
    ToolCallStarted,
    UsageCounted,
)
from proxy.translators.fold import fold_reply
from proxy.translators.ids import create_call_id, create_reply_id
from proxy.translators.providers.ollama_errors import OllamaError, read_error
from proxy.wire.bad_request import UNREADABLE
from proxy.wire.ndjson import NdjsonDecoder
from proxy.wire.timestamps import parse_timestamp_s
from proxy.wire.usage import Usage, clamp_tokens

_STOPS: Final[dict[str, StopReason]] = {"stop": "stop", "length": "length", "": "stop"}  # older versions say nothing


class _Function(msgspec.Struct):
    name: str = ""
    arguments: msgspec.Raw = msgspec.Raw(b"{}")


class _ToolCall(msgspec.Struct):
    id: str | None = None
    function: _Function = msgspec.field(default_factory=_Function)


class _Message(msgspec.Struct):
    content: str | None = None
    thinking: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _TopLogprob(msgspec.Struct):
    token: str
    logprob: float


class _Logprob(msgspec.Struct):
    token: str
    logprob: float
    top_logprobs: list[_TopLogprob] | None = None


class _Answer(msgspec.Struct):
    message: _Message | None = None
    done: bool = False
    done_reason: str | None = None
    created_at: str | None = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    logprobs: list[_Logprob] | None = None
    error: OllamaError = None


_decoder: Final = msgspec.json.Decoder(_Answer)


def parse_reply(body: bytes) -> Reply:
    """Errors: ValueError for what is no answer; UpstreamBroken for an error in it."""
    answer = _decode(body)
    return fold_reply(_AnswerReader().read(answer), parse_timestamp_s(answer.created_at))


class OllamaStream:
    """See `ProviderStream`. The line that says `done` is the end mark."""

    __slots__ = ("_decoder", "_reader")

    def __init__(self) -> None:
        self._decoder = NdjsonDecoder()
        self._reader = _AnswerReader()

    def feed(self, data: bytes) -> Sequence[StreamEvent]:
        return self._read(self._decoder.feed(data))

    def close(self) -> Sequence[StreamEvent]:
        return self._read(self._decoder.close())

    def _read(self, lines: list[bytes]) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        for line in lines:
            events += self._reader.read(_decode(line))
        return events


def _decode(data: bytes) -> _Answer:
    try:
        return _decoder.decode(data)
    except UNREADABLE as error:
        raise ValueError("not an answer of Ollama") from error


class _AnswerReader:
    """Turns the pieces of one answer into events, in their order."""

    __slots__ = ("_calls_count", "_is_over", "_is_started")

    def __init__(self) -> None:
        self._calls_count = 0
        self._is_started = False
        self._is_over = False

    def read(self, answer: _Answer) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        if self._is_over:
            return events
        if answer.error:
            self._is_over = True
            return [Failed(read_error(answer.error))]
        if not self._is_started:
            self._is_started = True
            events.append(Started(create_reply_id()))
        self._read_message(answer, events)
        if answer.done:
            self._is_over = True
            self._end(answer, events)
        return events

    def _read_message(self, answer: _Answer, events: list[StreamEvent]) -> None:
        message = answer.message or _Message()
        logprobs = _read_logprobs(answer.logprobs)
        if message.thinking:
            events.append(ReasoningDelta(message.thinking))
        if message.content or logprobs is not None:
            events.append(TextDelta(message.content or "", logprobs=logprobs))
        for call in message.tool_calls or ():
            events.append(ToolCallStarted(self._calls_count, call.id or create_call_id(), call.function.name))
            events.append(ArgumentsDelta(self._calls_count, read_arguments(call.function.arguments)))
            self._calls_count += 1

    def _end(self, answer: _Answer, events: list[StreamEvent]) -> None:
        reason = _STOPS.get(answer.done_reason or "")
        if reason is None:
            raise ValueError(f"an answer that is done for an unknown reason: {answer.done_reason!r:.40}")
        if (usage := _read_usage(answer)) is not None:
            events.append(UsageCounted(usage))
        events += [Stopped("tool_calls" if reason == "stop" and self._calls_count else reason), Ended()]


def _read_usage(answer: _Answer) -> Usage | None:
    """Thoughts are counted with the text; a prompt that was read before may not be counted at all."""
    if answer.prompt_eval_count is None and answer.eval_count is None:
        return None
    return Usage(fresh_input_tokens=clamp_tokens(answer.prompt_eval_count), text_output_tokens=clamp_tokens(answer.eval_count))


def _read_logprobs(logprobs: list[_Logprob] | None) -> tuple[Logprob, ...] | None:
    if not logprobs:
        return None
    return tuple(Logprob(each.token, each.logprob, tuple((top.token, top.logprob) for top in each.top_logprobs or ())) for each in logprobs)
