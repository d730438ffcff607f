"""
What a chat completion says, whole or chunk by chunk, as stream events.

Rules: whole answers and chunks are read by the same lines. Why a choice ended is told at the end mark, because vendors say more after it.
Seals over reasoning are left out: a provider of this dialect takes none back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from proxy.errors import UpstreamBroken
from proxy.translators.conversation import (
    ArgumentsDelta,
    Ended,
    Failed,
    ReasoningDelta,
    RefusalDelta,
    Started,
    Stopped,
    StreamEvent,
    TextDelta,
    ToolCallStarted,
    UsageCounted,
)
from proxy.translators.ids import create_call_id, create_reply_id
from proxy.translators.providers.openai_shapes import (
    FAILURES,
    Answer,
    Call,
    Choice,
    Content,
    Function,
    read_logprobs,
    read_stop,
    split_content,
)
from proxy.wire.bad_request import UNREADABLE
from proxy.wire.openai_error import describe_error, parse_stream_error, read_choice_error
from proxy.wire.openai_usage import read_usage
from proxy.wire.sse import DONE, SseSplitter, event_data, split_events

_decoder: Final = msgspec.json.Decoder(Answer)
_NO_CONTENT: Final = Content()
_NO_FUNCTION: Final = Function()


def parse_answer(body: bytes) -> Answer:
    """Errors: ValueError for what is no chat completion; UpstreamBroken for an error in the place of one."""
    answer = _decode(body)
    if answer.error:
        raise UpstreamBroken(describe_error(parse_stream_error(body)))
    if not answer.choices:
        raise ValueError("a chat completion without choices")
    return answer


def _decode(data: bytes) -> Answer:
    try:
        return _decoder.decode(data)
    except UNREADABLE as error:
        raise ValueError("not a chat completion") from error


class OpenAIStream:
    """See `ProviderStream`."""

    __slots__ = ("_choices", "_is_ended", "_is_started", "_splitter")

    def __init__(self) -> None:
        self._splitter = SseSplitter()
        self._is_started = False
        self._is_ended = False
        self._choices: dict[int, _ChoiceReader] = {}

    def feed(self, data: bytes) -> Sequence[StreamEvent]:
        block = self._splitter.feed_block(data)
        return self._read_block(block) if block and not self._is_ended else ()

    def close(self) -> Sequence[StreamEvent]:
        """The end mark may come without its empty line: that is an end all the same."""
        rest = event_data(self._splitter.take_rest())
        if rest is None or self._is_ended or not rest.startswith(DONE):
            return ()
        return self._end()

    def read_whole(self, answer: Answer) -> Sequence[StreamEvent]:
        """Return the events of a whole answer."""
        events: list[StreamEvent] = []
        self._read(answer, events)
        return events if self._is_ended else [*events, *self._end()]

    def _read_block(self, block: bytes) -> Sequence[StreamEvent]:
        events: list[StreamEvent] = []
        for event in split_events(block):
            data = event_data(event)
            if not data:
                continue
            if data.startswith(DONE):
                events += self._end()
                break
            answer = _decode(data)
            if answer.error:
                events.append(Failed(parse_stream_error(data)))
                self._is_ended = True
            else:
                self._read(answer, events)
            if self._is_ended:
                break
        return events

    def _read(self, answer: Answer, events: list[StreamEvent]) -> None:
        if answer.choices is None:
            raise ValueError("a chunk without choices")
        if not self._is_started and (answer.choices or answer.id):  # Azure begins with a chunk that has neither
            self._is_started = True
            events.append(Started(answer.id or create_reply_id()))
        for choice in answer.choices:
            if choice.error or choice.finish_reason in FAILURES:
                events.append(Failed(read_choice_error(choice.error)))
                self._is_ended = True
                return
            reader = self._choices.get(choice.index)
            if reader is None:
                reader = self._choices[choice.index] = _ChoiceReader(choice.index)
            reader.read(choice, events)
        usage = read_usage(answer.usage or (answer.x_groq.usage if answer.x_groq else None))
        if usage is not None and self._is_started:
            events.append(UsageCounted(usage))

    def _end(self) -> list[StreamEvent]:
        if not self._is_started:
            raise ValueError("a stream without a chunk")
        self._is_ended = True
        return [*(self._choices[index].stop() for index in sorted(self._choices)), Ended()]


class _ToolCall:
    """A call that is being written; until its name is known, what comes of its arguments waits."""

    __slots__ = ("id", "is_named", "number", "waiting")

    def __init__(self, number: int) -> None:
        self.number = number
        self.id = ""
        self.is_named = False
        self.waiting: list[str] = []


class _ChoiceReader:
    """One of the answers."""

    __slots__ = ("_by_index", "_calls", "_has_refusal", "_index", "_last")

    def __init__(self, index: int) -> None:
        self._index = index
        self._last = Choice(index)
        self._has_refusal = False
        self._calls: list[_ToolCall] = []
        self._by_index: dict[int, _ToolCall] = {}  # the provider's index, which some vendors begin at 1 or use twice

    def read(self, choice: Choice, events: list[StreamEvent]) -> None:
        content = choice.delta or choice.message or _NO_CONTENT
        thought, text = split_content(content)
        if thought:
            events.append(ReasoningDelta(thought, choice=self._index))
        logprobs = read_logprobs(choice.logprobs)
        if text or logprobs:
            events.append(TextDelta(text, self._index, logprobs))
        if content.refusal:
            self._has_refusal = True
            events.append(RefusalDelta(content.refusal, self._index))
        for call in content.tool_calls or ():
            self._read_call(call, choice.message is not None, events)
        if choice.finish_reason is not None and self._last.finish_reason is None:
            self._last = choice

    def stop(self) -> Stopped:
        """Errors: ValueError for a tool call that was never named."""
        if not all(call.is_named for call in self._calls):
            raise ValueError("a tool call without a name")
        reason, stop_sequence = read_stop(self._last, bool(self._calls), self._has_refusal)
        return Stopped(reason, stop_sequence, self._index)

    def _read_call(self, piece: Call, is_whole: bool, events: list[StreamEvent]) -> None:
        function = piece.function or _NO_FUNCTION
        call = None if is_whole else self._find(piece, function)
        if call is None:
            call = _ToolCall(len(self._calls))
            self._calls.append(call)
            if piece.index is not None:
                self._by_index[piece.index] = call
        call.id = call.id or piece.id or ""
        text = function.arguments or ("{}" if is_whole else "")
        if text:
            call.waiting.append(text)
        if function.name and not call.is_named:
            call.is_named = True
            events.append(ToolCallStarted(call.number, call.id or create_call_id(), function.name, self._index))
        if call.is_named and call.waiting:
            events.append(ArgumentsDelta(call.number, "".join(call.waiting), self._index))
            call.waiting.clear()

    def _find(self, piece: Call, function: Function) -> _ToolCall | None:
        """
        Return the call that a piece belongs to, None for a new one.

        Google gives every call the index 0, others none at all: a name with another id, or without index and id, begins a new call.
        """
        known = self._by_index.get(piece.index) if piece.index is not None else (self._calls[-1] if self._calls else None)
        if known is None or not (function.name and known.is_named):
            return known
        is_other = piece.id != known.id if piece.id else piece.index is None
        return None if is_other else known
