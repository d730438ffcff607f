"""Anthropic's streams as neutral events; a whole message is read as the events it would have been."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from proxy.translators.arguments import read_arguments
from proxy.translators.conversation import (
    ArgumentsDelta,
    Ended,
    Failed,
    ReasoningDelta,
    RefusalDelta,
    Started,
    Stopped,
    StopReason,
    StreamEvent,
    TextDelta,
    ToolCallStarted,
    UsageCounted,
)
from proxy.translators.ids import create_call_id, create_reply_id
from proxy.wire.messages_reply import Block, Delta, Event, Message, UsageBody, count_usage, error_detail, merge_usage, parse_event
from proxy.wire.sse import SseDecoder

_STOP_REASONS: Final[dict[str, StopReason]] = {
    "end_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_calls",
    "refusal": "refusal",
    "pause_turn": "pause",
}


class AnthropicStream:
    """See `ProviderStream`. Blocks of tools that Anthropic runs itself are passed over: no translated request asks for one."""

    __slots__ = ("_arguments", "_call_index", "_calls", "_counted", "_decoder")

    def __init__(self) -> None:
        self._decoder = SseDecoder()
        self._counted: UsageBody | None = None
        self._call_index = -1
        self._calls: dict[int, int] = {}  # the index of the call whose block is open, by that of its block
        self._arguments: dict[int, str] = {}  # what its start said of the arguments; deltas stand in its place

    def feed(self, data: bytes) -> Sequence[StreamEvent]:
        return [event for sent in self._decoder.feed(data) for event in self._read(parse_event(sent.data))]

    def close(self) -> Sequence[StreamEvent]:
        try:
            return [event for sent in self._decoder.close() for event in self._read(parse_event(sent.data))]
        except ValueError:
            return []  # the stream was cut in the middle of an event, so its end mark is missing too

    def read_message(self, message: Message) -> Iterator[StreamEvent]:
        """Return the events of a whole message, or of the error in its place. Errors: ValueError for one that has not ended."""
        if message.type == "error":
            yield Failed(error_detail(message.error))
            return
        if not message.stop_reason:
            raise ValueError("a message without its end")
        yield from self._start(message)
        for index, block in enumerate(message.content or ()):
            yield from self._start_block(index, block)
            yield from self._stop_block(index)
        yield from self._stop(
            Delta("", stop_reason=message.stop_reason, stop_sequence=message.stop_sequence, stop_details=message.stop_details)
        )
        yield Ended()

    def _read(self, event: Event) -> Iterator[StreamEvent]:
        kind = event.type
        if kind == "content_block_delta":
            if event.delta is None:
                raise ValueError("a delta without what it adds")
            yield from self._read_delta(event.index, event.delta)
        elif kind == "content_block_start":
            if event.content_block is None:
                raise ValueError("a block without its start")
            yield from self._start_block(event.index, event.content_block)
        elif kind == "content_block_stop":
            yield from self._stop_block(event.index)
        elif kind == "message_start":
            if event.message is None:
                raise ValueError("a stream without its message")
            yield from self._start(event.message)
        elif kind == "message_delta":
            yield from self._count(event.usage)
            if event.delta is not None:
                yield from self._stop(event.delta)
        elif kind == "message_stop":
            yield Ended()
        elif kind == "error":
            yield Failed(error_detail(event.error))

    def _start(self, message: Message) -> Iterator[StreamEvent]:
        yield Started(message.id or create_reply_id())
        yield from self._count(message.usage)

    def _count(self, body: UsageBody | None) -> Iterator[StreamEvent]:
        self._counted = merge_usage(self._counted, body)
        if body is not None and (usage := count_usage(self._counted)) is not None:
            yield UsageCounted(usage)

    def _start_block(self, index: int, block: Block) -> Iterator[StreamEvent]:
        if block.type == "text":
            if block.text:
                yield TextDelta(block.text)
        elif block.type == "thinking":
            if block.thinking or block.signature:
                yield ReasoningDelta(block.thinking or "", block.signature or "")
        elif block.type == "redacted_thinking":
            if block.data:
                yield ReasoningDelta(redacted=block.data)
        elif block.type == "tool_use":
            self._call_index += 1
            self._calls[index] = self._call_index
            self._arguments[index] = read_arguments(block.input)
            yield ToolCallStarted(self._call_index, block.id or create_call_id(), block.name or "")

    def _read_delta(self, index: int, delta: Delta) -> Iterator[StreamEvent]:
        if delta.type == "text_delta":
            if delta.text:
                yield TextDelta(delta.text)
        elif delta.type == "thinking_delta":
            if delta.thinking:
                yield ReasoningDelta(delta.thinking)
        elif delta.type == "signature_delta":
            if delta.signature:
                yield ReasoningDelta(signature=delta.signature)
        elif delta.type == "input_json_delta" and delta.partial_json and index in self._calls:
            self._arguments.pop(index, None)
            yield ArgumentsDelta(self._calls[index], delta.partial_json)

    def _stop_block(self, index: int) -> Iterator[StreamEvent]:
        call = self._calls.pop(index, None)
        arguments = self._arguments.pop(index, None)
        if call is not None and arguments is not None:  # without a delta, such as of a tool that takes no arguments
            yield ArgumentsDelta(call, arguments)

    def _stop(self, delta: Delta) -> Iterator[StreamEvent]:
        if not delta.stop_reason:
            return
        if delta.stop_reason == "refusal" and delta.stop_details is not None and delta.stop_details.explanation:
            yield RefusalDelta(delta.stop_details.explanation)
        # A reason that is not known yet still says that the answer is whole.
        yield Stopped(_STOP_REASONS.get(delta.stop_reason, "stop"), delta.stop_sequence)
