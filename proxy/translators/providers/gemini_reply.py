"""
Gemini's answers, whole ones and the pieces of a stream, which have the same shape, as neutral events.

Rules: the traces of Google's own tools (`executableCode`, `toolCall` and their results) say nothing to the client and are passed over;
an answer in pictures or sounds is an error, because no client's dialect here has a place for it.
Source: https://ai.google.dev/api/generate-content
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

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
from proxy.translators.providers.gemini_errors import GoogleError, read_error
from proxy.translators.providers.gemini_signatures import mark_signature
from proxy.translators.providers.gemini_usage import UsageMetadata, read_usage
from proxy.wire.bad_request import UNREADABLE
from proxy.wire.sse import SseDecoder
from proxy.wire.timestamps import parse_timestamp_s
from proxy.wire.upstream_error import UpstreamErrorDetail

_STOPS: Final[dict[str, StopReason]] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    **dict.fromkeys(
        (
            "SAFETY",
            "RECITATION",
            "LANGUAGE",
            "BLOCKLIST",
            "PROHIBITED_CONTENT",
            "SPII",
            "MODEL_ARMOR",
            "IMAGE_SAFETY",
            "IMAGE_PROHIBITED_CONTENT",
            "IMAGE_RECITATION",
        ),
        "content_filter",
    ),
}
_UNSET: Final = frozenset({"", "FINISH_REASON_UNSPECIFIED", "BLOCKED_REASON_UNSPECIFIED"})
_LEAST_LOGPROB: Final = -9999.0  # what OpenAI writes for minus infinity, which JSON has no number for


class _FunctionCall(msgspec.Struct):
    name: str = ""
    id: str | None = None
    args: msgspec.Raw = msgspec.Raw(b"{}")


class _Part(msgspec.Struct, rename="camel"):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: _FunctionCall | None = None
    inline_data: Any = None
    file_data: Any = None


class _Content(msgspec.Struct):
    parts: list[_Part] | None = None


class _Token(msgspec.Struct, rename="camel"):
    token: str = ""
    log_probability: float | str = 0.0


class _TopTokens(msgspec.Struct):
    candidates: list[_Token] | None = None


class _LogprobsResult(msgspec.Struct, rename="camel"):
    chosen_candidates: list[_Token] | None = None
    top_candidates: list[_TopTokens] | None = None


class _Candidate(msgspec.Struct, rename="camel"):
    index: int | None = None
    content: _Content | None = None
    finish_reason: str | None = None
    finish_message: str | None = None
    logprobs_result: _LogprobsResult | None = None


class _PromptFeedback(msgspec.Struct, rename="camel"):
    block_reason: str | None = None


class _Answer(msgspec.Struct, rename="camel"):
    candidates: list[_Candidate] | None = None
    prompt_feedback: _PromptFeedback | None = None
    usage_metadata: UsageMetadata | None = None
    response_id: str | None = None
    create_time: str | None = None
    error: GoogleError | None = None


_decoder: Final = msgspec.json.Decoder(_Answer)


def parse_reply(body: bytes) -> Reply:
    """Errors: ValueError for what is no answer; UpstreamBroken for an error in it, or an answer that cannot be passed on."""
    answer = _decode(body)
    reader = _AnswerReader()
    return fold_reply([*reader.read(answer), *reader.end()], parse_timestamp_s(answer.create_time))


class GeminiStream:
    """
    See `ProviderStream`. Gemini has no end mark: the answer is whole when the body ends cleanly behind a reason to stop.

    The reason is told at the end, because some models write one into every piece.
    """

    __slots__ = ("_decoder", "_reader")

    def __init__(self) -> None:
        self._decoder = SseDecoder()
        self._reader = _AnswerReader()

    def feed(self, data: bytes) -> Sequence[StreamEvent]:
        events: list[StreamEvent] = []
        for event in self._decoder.feed(data):
            events += self._reader.read(_decode(event.data))
        return events

    def close(self) -> Sequence[StreamEvent]:
        events: list[StreamEvent] = []
        for event in self._decoder.close():
            events += self._reader.read(_decode(event.data))
        return [*events, *self._reader.end()]


def _decode(data: bytes) -> _Answer:
    try:
        return _decoder.decode(data)
    except UNREADABLE as error:
        raise ValueError("not an answer of Gemini") from error


class _ChoiceSoFar:
    __slots__ = ("calls_count", "has_thoughts", "reason")

    def __init__(self) -> None:
        self.calls_count = 0
        self.has_thoughts = False
        self.reason = ""


class _AnswerReader:
    """Turns the pieces of one answer into events, in their order."""

    __slots__ = ("_choices", "_failure", "_is_blocked", "_is_started")

    def __init__(self) -> None:
        self._choices: dict[int, _ChoiceSoFar] = {}
        self._is_started = False
        self._is_blocked = False
        self._failure: Failed | None = None

    def read(self, answer: _Answer) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        if self._failure is not None:
            return events
        if not self._is_started:
            self._is_started = True
            events.append(Started(answer.response_id or create_reply_id()))
        if answer.error is not None:
            self._failure = Failed(read_error(answer.error))
        feedback = answer.prompt_feedback
        self._is_blocked |= feedback is not None and (feedback.block_reason or "") not in _UNSET
        for candidate in answer.candidates or ():
            self._read_candidate(candidate, events)
        self._read_usage(answer.usage_metadata, events)
        if self._failure is not None:
            events.append(self._failure)
        return events

    def end(self) -> list[StreamEvent]:
        """Return why each choice ended and `Ended`; nothing where one of them has no end."""
        choices = sorted(self._choices.items())
        if self._failure is not None or not all(choice.reason for _, choice in choices):
            return []
        if choices:
            return [*(Stopped(_stop_reason(choice), None, index) for index, choice in choices), Ended()]
        return [Stopped("content_filter"), Ended()] if self._is_blocked else []

    def _read_candidate(self, candidate: _Candidate, events: list[StreamEvent]) -> None:
        index = candidate.index or 0
        choice = self._choices.setdefault(index, _ChoiceSoFar())
        logprobs = _read_logprobs(candidate.logprobs_result)
        for part in (candidate.content and candidate.content.parts) or ():
            if part.inline_data is not None or part.file_data is not None:
                self._fail(UpstreamErrorDetail("the model answered with media, which cannot be translated."))
                return
            if part.text and not part.thought:
                _read_seal(part, choice, index, events)
                events.append(TextDelta(part.text, index, logprobs))
                logprobs = None
            else:
                _read_other(part, choice, index, events)
        if logprobs is not None:
            events.append(TextDelta("", index, logprobs))
        self._read_end(candidate, choice)

    def _read_end(self, candidate: _Candidate, choice: _ChoiceSoFar) -> None:
        reason = candidate.finish_reason or ""
        if reason in _UNSET:
            return
        choice.reason = reason
        if reason not in _STOPS:
            told = f": {candidate.finish_message}" if candidate.finish_message else "."
            self._fail(UpstreamErrorDetail(f"the model stopped with {reason}{told}", code=reason))

    def _read_usage(self, usage: UsageMetadata | None, events: list[StreamEvent]) -> None:
        """Early pieces of some models count the prompt alone; that is no usage of what was already said."""
        if usage is None:
            return
        is_at_end = self._is_blocked or any(choice.reason for choice in self._choices.values())
        if is_at_end or usage.candidates_token_count is not None or usage.thoughts_token_count is not None:
            events.append(UsageCounted(read_usage(usage)))

    def _fail(self, detail: UpstreamErrorDetail) -> None:
        self._failure = self._failure or Failed(detail)


def _read_other(part: _Part, choice: _ChoiceSoFar, index: int, events: list[StreamEvent]) -> None:
    """Read a part without text to show: thoughts, a call with its own seal, or the seal alone, in an empty text."""
    if part.thought:
        choice.has_thoughts = True
        events.append(ReasoningDelta(part.text or "", mark_signature(part.thought_signature), choice=index))
    elif part.function_call is not None:
        events += _read_call(part.function_call, part.thought_signature, choice, index)
    elif part.text is not None:
        _read_seal(part, choice, index, events)


def _read_seal(part: _Part, choice: _ChoiceSoFar, index: int, events: list[StreamEvent]) -> None:
    """The seal over thoughts comes with the text behind them. Who did not ask for thoughts expects no trace of them."""
    if part.thought_signature and choice.has_thoughts:
        events.append(ReasoningDelta(signature=mark_signature(part.thought_signature), choice=index))


def _read_call(call: _FunctionCall, signature: str | None, choice: _ChoiceSoFar, index: int) -> tuple[StreamEvent, StreamEvent]:
    number = choice.calls_count
    choice.calls_count += 1
    started = ToolCallStarted(number, call.id or create_call_id(), call.name, index, mark_signature(signature))
    return started, ArgumentsDelta(number, read_arguments(call.args), index)


def _read_logprobs(result: _LogprobsResult | None) -> tuple[Logprob, ...] | None:
    if result is None or result.chosen_candidates is None:
        return None
    tops = result.top_candidates or []
    return tuple(
        Logprob(chosen.token, _logprob(chosen), _read_top(tops[at]) if at < len(tops) else ())
        for at, chosen in enumerate(result.chosen_candidates)
    )


def _read_top(top: _TopTokens) -> tuple[tuple[str, float], ...]:
    return tuple((candidate.token, _logprob(candidate)) for candidate in top.candidates or ())


def _logprob(token: _Token) -> float:
    """Google writes what is no finite number as text: "-Infinity"."""
    value = float(token.log_probability)
    return value if math.isfinite(value) else _LEAST_LOGPROB


def _stop_reason(choice: _ChoiceSoFar) -> StopReason:
    reason = _STOPS[choice.reason]
    return "tool_calls" if reason == "stop" and choice.calls_count else reason
