"""
Neutral events as a stream in Anthropic's dialect.

Rules: blocks come one after the other, each with its start, deltas and stop, because that is how clients read them. A provider may
mix the arguments of parallel tool calls: then the first call goes on until it is whole, and what comes of the others waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec

from proxy.errors import GatewayError
from proxy.translators.clients.messages_reply import STOP_REASONS, create_message_id, dump_usage, is_json_object, start_message
from proxy.translators.conversation import (
    ArgumentsDelta,
    ReasoningDelta,
    RefusalDelta,
    Started,
    Stopped,
    StreamEvent,
    TextDelta,
    ToolCallStarted,
    UsageCounted,
)
from proxy.wire.errors import dump_anthropic_stream_error
from proxy.wire.sse import encode_event
from proxy.wire.usage import Usage

_encode: Final = msgspec.json.Encoder().encode
_STOP: Final = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
_BlockKind = Literal["", "text", "thinking", "redacted_thinking", "tool_use"]


def _dump(kind: str, **fields: Any) -> bytes:
    return encode_event(_encode({"type": kind, **fields}), kind.encode())


class _Call:
    """A tool call that has begun: what came of its arguments, and whether its block has been opened or closed."""

    __slots__ = ("arguments", "id", "is_closed", "name", "signature")

    def __init__(self, event: ToolCallStarted) -> None:
        self.id = event.id
        self.name = event.name
        self.signature = event.signature
        self.arguments: list[str] = []
        self.is_closed = False

    def is_whole(self) -> bool:
        return bool(self.arguments) and self.arguments[-1].rstrip().endswith("}") and is_json_object("".join(self.arguments))


class MessagesWriter:
    """See `ClientStream`."""

    __slots__ = (
        "_block",
        "_calls",
        "_current",
        "_has_refused",
        "_id",
        "_index",
        "_is_begun",
        "_model",
        "_out",
        "_stopped",
        "_usage",
        "_waiting",
    )

    def __init__(self, model: str) -> None:
        self._model = model
        self._id = ""
        self._is_begun = False
        self._block: _BlockKind = ""
        self._index = -1
        self._calls: dict[int, _Call] = {}
        self._current: _Call | None = None  # the call whose block is open
        self._waiting: list[_Call] = []
        self._usage: Usage | None = None
        self._stopped: Stopped | None = None
        self._has_refused = False
        self._out: list[bytes] = []

    def feed(self, events: Sequence[StreamEvent]) -> bytes:
        for event in events:
            self._take(event)
        self._begin()
        return self._flush()

    def end(self) -> bytes:
        self._begin()
        self._close_all()
        reason = sequence = None
        if self._stopped is not None:
            is_refusal = self._has_refused and self._stopped.reason == "stop"
            reason = "refusal" if is_refusal else STOP_REASONS[self._stopped.reason]
            sequence = self._stopped.stop_sequence
        delta = {"stop_reason": reason, "stop_sequence": sequence}
        self._out.append(_dump("message_delta", delta=delta, usage=dump_usage(self._usage or Usage())))
        self._out.append(_STOP)
        return self._flush()

    def fail(self, error: GatewayError) -> bytes:
        return dump_anthropic_stream_error(error, "")

    def _flush(self) -> bytes:
        sent = b"".join(self._out)
        self._out.clear()
        return sent

    def _take(self, event: StreamEvent) -> None:
        if isinstance(event, Started):
            self._id = event.id
            return
        if isinstance(event, UsageCounted):
            self._usage = event.usage
            return
        self._begin()
        if isinstance(event, TextDelta | RefusalDelta):
            self._has_refused |= isinstance(event, RefusalDelta)
            self._write_text("text", event.text)
        elif isinstance(event, ReasoningDelta):
            self._write_reasoning(event)
        elif isinstance(event, ToolCallStarted):
            self._start_call(event)
        elif isinstance(event, ArgumentsDelta):
            self._write_arguments(event)
        elif isinstance(event, Stopped):
            self._stopped = event
            self._close_all()

    def _begin(self) -> None:
        """Open the message: only now, so that a count that comes with the provider's first event is in it."""
        if not self._is_begun:
            self._is_begun = True
            self._out.append(_dump("message_start", message=start_message(self._id or create_message_id(), self._model, self._usage)))

    def _open(self, kind: _BlockKind, **block: Any) -> None:
        self._index += 1
        self._block = kind
        self._out.append(_dump("content_block_start", index=self._index, content_block={"type": kind, **block}))

    def _close(self) -> None:
        if self._block:
            self._block = ""
            self._out.append(_dump("content_block_stop", index=self._index))
        if self._current is not None:
            self._current.is_closed = True
            self._current = None

    def _write_delta(self, kind: bytes, name: bytes, text: str) -> None:
        self._out.append(
            b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"%b","%b":%b}}\n\n'
            % (self._index, kind, name, _encode(text))
        )

    def _write_text(self, kind: Literal["text", "thinking"], text: str) -> None:
        if not text:
            return
        if self._block != kind:
            self._close_all()
            if kind == "text":
                self._open("text", text="")
            else:
                self._open("thinking", thinking="", signature="")
        self._write_delta(b"text_delta" if kind == "text" else b"thinking_delta", kind.encode(), text)

    def _write_reasoning(self, event: ReasoningDelta) -> None:
        self._write_text("thinking", event.text)
        if event.signature:
            if self._block != "thinking":
                self._close_all()
                self._open("thinking", thinking="", signature="")
            self._write_signature(event.signature)
        if event.redacted:
            self._close_all()
            self._open("redacted_thinking", data=event.redacted)
            self._close()

    def _write_signature(self, signature: str) -> None:
        self._write_delta(b"signature_delta", b"signature", signature)
        self._close()

    def _start_call(self, event: ToolCallStarted) -> None:
        call = self._calls[event.index] = _Call(event)
        if self._current is None or (not self._waiting and self._current.is_whole()):
            self._close()
            self._open_call(call)
        else:
            self._waiting.append(call)

    def _open_call(self, call: _Call) -> None:
        if call.signature:  # a tool_use has no place for it: it stands in front, in a block of its own
            self._open("thinking", thinking="", signature="")
            self._write_signature(call.signature)
        self._current = call
        self._open("tool_use", id=call.id, name=call.name, input={})
        if call.arguments:
            self._write_delta(b"input_json_delta", b"partial_json", "".join(call.arguments))

    def _write_arguments(self, event: ArgumentsDelta) -> None:
        call = self._calls.get(event.index)
        if call is None or call.is_closed:
            raise ValueError("arguments without a tool call that is open")
        if not event.text:
            return
        call.arguments.append(event.text)
        if call is not self._current:
            return
        self._write_delta(b"input_json_delta", b"partial_json", event.text)
        while self._waiting and self._current is not None and self._current.is_whole():
            self._close()
            self._open_call(self._waiting.pop(0))

    def _close_all(self) -> None:
        """Close what is open, and write what still waits: nothing more comes of it."""
        self._close()
        for call in self._waiting:
            self._open_call(call)
            self._close()
        self._waiting.clear()
