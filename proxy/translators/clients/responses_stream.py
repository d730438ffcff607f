"""
Neutral events as a stream of OpenAI's Responses dialect.

Rules: every event has the next `sequence_number`; an item has its `output_index` from its beginning to its end. A message or reasoning
ends where something else begins. Calls end with the stream, because their arguments may come mixed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import msgspec

from proxy.errors import GatewayError
from proxy.translators.clients.responses_items import dump_call_seal
from proxy.translators.clients.responses_reply import (
    Object,
    call_item,
    create_item_id,
    dump_logprobs,
    dump_response,
    echo_request,
    incomplete_reason,
    message_item,
    reasoning_item,
    refusal_part,
    seal_of,
    text_part,
)
from proxy.translators.conversation import (
    ArgumentsDelta,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    Started,
    Stopped,
    StopReason,
    StreamEvent,
    TextDelta,
    ToolCall,
    ToolCallStarted,
    UsageCounted,
)
from proxy.wire.model_request import ModelRequest
from proxy.wire.responses import dump_failed_start, dump_failure
from proxy.wire.sse import encode_event
from proxy.wire.usage import Usage

_encode: Final = msgspec.json.Encoder().encode
_Kind = Literal["", "text", "refusal", "reasoning"]
_PARTS: Final = frozenset({"text", "refusal"})
_DELTAS: Final = {
    "text": "response.output_text.delta",
    "refusal": "response.refusal.delta",
    "reasoning": "response.reasoning_summary_text.delta",
}
_ARGUMENTS_DELTA: Final = "response.function_call_arguments.delta"


class _Item:
    """An item of the output that has begun: where it stands, how its deltas begin, and what came of it so far."""

    __slots__ = ("call", "content", "delta_head", "id", "index", "logprobs", "pieces")

    def __init__(self, prefix: str, index: int, call: ToolCall | None = None) -> None:
        self.id = create_item_id(prefix)
        self.index = index
        self.call = call
        self.content: list[Object] = []  # the parts of a message that are whole
        self.pieces: list[str] = []  # of the part, the summary or the arguments that are being written
        self.logprobs: list[Object] = []
        self.delta_head = b""

    def where(self, kind: str) -> Object:
        """Return what names the place of a delta, or of its end."""
        place: Object = {"item_id": self.id, "output_index": self.index}
        if kind == "reasoning":
            return place | {"summary_index": 0}
        return place | {"content_index": len(self.content)} if kind in _PARTS else place

    def begin_deltas(self, kind: str, event: str) -> None:
        place = _encode({"type": event, **self.where(kind)})[:-1]
        self.delta_head = b"event: %b\ndata: %b," % (event.encode(), place)


class ResponsesWriter:
    """See `ClientStream`."""

    __slots__ = (
        "_calls",
        "_created_at_s",
        "_echo",
        "_has_content",
        "_has_refusal",
        "_id",
        "_item",
        "_kind",
        "_output",
        "_reason",
        "_sequence_number",
        "_usage",
    )

    def __init__(self, request: ModelRequest) -> None:
        self._id = create_item_id("resp")
        self._created_at_s = int(time.time())
        self._echo = echo_request(request)
        self._sequence_number = 0
        self._output: list[Object] = []  # at each index the item, empty until it is whole
        self._calls: dict[int, _Item] = {}
        self._item: _Item | None = None
        self._kind: _Kind = ""
        self._reason: StopReason = "stop"
        self._usage: Usage | None = None
        self._has_content = False
        self._has_refusal = False

    def feed(self, events: Sequence[StreamEvent]) -> bytes:
        """Errors: ValueError for arguments of a call that has not begun."""
        frames: list[bytes] = []
        for event in events:
            if isinstance(event, TextDelta):
                self._write_text(frames, event)
            elif isinstance(event, ArgumentsDelta):
                self._write_arguments(frames, event)
            elif isinstance(event, ReasoningDelta):
                self._write_reasoning(frames, event)
            elif isinstance(event, RefusalDelta):
                self._write_refusal(frames, event)
            elif isinstance(event, ToolCallStarted):
                self._begin_call(frames, event)
            else:
                self._note(frames, event)
        return b"".join(frames)

    def end(self) -> bytes:
        incomplete = incomplete_reason(self._reason, self._has_refusal)
        status = "incomplete" if incomplete else "completed"
        frames: list[bytes] = []
        self._begin(frames)
        self._close_item(frames, status=status)
        for item in self._calls.values():
            self._end_call(frames, item, status)
        response = self._response(status, usage=self._usage, incomplete=incomplete)
        frames.append(self._event(f"response.{status}", response=response))
        return b"".join(frames)

    def fail(self, error: GatewayError) -> bytes:
        """Before the first content nothing of the stream has been sent."""
        if self._has_content:
            return dump_failure(self._response("in_progress"), error, self._sequence_number)
        self._output.clear()
        return dump_failed_start(self._response("in_progress"), error)

    # --- what is written ----------------------------------------------------------------------------------------------------------

    def _note(self, frames: list[bytes], event: StreamEvent) -> None:
        if isinstance(event, Started):
            self._begin(frames)
        elif isinstance(event, Stopped):
            self._reason = event.reason
            self._has_content = True
        elif isinstance(event, UsageCounted):
            self._usage = event.usage

    def _write_text(self, frames: list[bytes], event: TextDelta) -> None:
        if not event.text and not event.logprobs:
            return
        item = self._open(frames, "text")
        if not event.logprobs:
            self._write_delta(frames, item, event.text, b',"logprobs":[]')
            return
        logprobs = dump_logprobs(event.logprobs)
        item.logprobs += logprobs
        self._write_delta(frames, item, event.text, b',"logprobs":' + _encode(logprobs))

    def _write_refusal(self, frames: list[bytes], event: RefusalDelta) -> None:
        if event.text:
            self._has_refusal = True
            self._write_delta(frames, self._open(frames, "refusal"), event.text)

    def _write_reasoning(self, frames: list[bytes], event: ReasoningDelta) -> None:
        if event.redacted:
            self._add_sealed(frames, seal_of(Reasoning(redacted=event.redacted)))
            return
        if event.text:
            self._write_delta(frames, self._open(frames, "reasoning"), event.text)
        if event.signature and self._kind == "reasoning":
            self._close_item(frames, event.signature)
        elif event.signature:
            self._add_sealed(frames, event.signature)

    def _begin_call(self, frames: list[bytes], event: ToolCallStarted) -> None:
        self._close_item(frames)
        call = ToolCall(event.id, event.name, "", event.signature)
        if event.signature:
            self._add_sealed(frames, dump_call_seal(call.id, call.signature))
        item = self._add(frames, "fc", lambda item_id: call_item(item_id, "in_progress", call), call)
        item.begin_deltas("call", _ARGUMENTS_DELTA)
        self._calls[event.index] = item
        self._has_content = True

    def _write_arguments(self, frames: list[bytes], event: ArgumentsDelta) -> None:
        item = self._calls.get(event.index)
        if item is None:
            raise ValueError("arguments without a tool call")
        if event.text:
            self._write_delta(frames, item, event.text)

    def _write_delta(self, frames: list[bytes], item: _Item, text: str, rest: bytes = b"") -> None:
        item.pieces.append(text)
        self._has_content = self._has_content or bool(text)
        frames.append(b'%b"sequence_number":%d,"delta":%b%b}\n\n' % (item.delta_head, self._sequence_number, _encode(text), rest))
        self._sequence_number += 1

    # --- how items begin and end --------------------------------------------------------------------------------------------------

    def _begin(self, frames: list[bytes]) -> None:
        if not self._sequence_number:
            frames.append(self._event("response.created", response=self._response("in_progress")))
            frames.append(self._event("response.in_progress", response=self._response("in_progress")))

    def _add(self, frames: list[bytes], prefix: str, begun: Callable[[str], Object], call: ToolCall | None = None) -> _Item:
        self._begin(frames)
        item = _Item(prefix, len(self._output), call)
        self._output.append({})
        frames.append(self._event("response.output_item.added", output_index=item.index, item=begun(item.id)))
        return item

    def _finish(self, frames: list[bytes], item: _Item, done: Object) -> None:
        self._output[item.index] = done
        frames.append(self._event("response.output_item.done", output_index=item.index, item=done))

    def _add_sealed(self, frames: list[bytes], sealed: str) -> None:
        """Write a whole reasoning item that holds nothing but a provider's seal."""
        self._close_item(frames)
        item = self._add(frames, "rs", lambda item_id: reasoning_item(item_id, "", ""))
        self._finish(frames, item, reasoning_item(item.id, "", sealed))

    def _open(self, frames: list[bytes], kind: _Kind) -> _Item:
        """Return the item that text of this kind belongs to."""
        item = self._item
        if item is not None and self._kind == kind:
            return item
        if item is not None and kind in _PARTS and self._kind in _PARTS:
            self._close_part(frames, item)
        else:
            self._close_item(frames)
            if kind == "reasoning":
                item = self._add(frames, "rs", lambda item_id: reasoning_item(item_id, "", ""))
            else:
                item = self._add(frames, "msg", lambda item_id: message_item(item_id, "in_progress", ()))
        self._item, self._kind = item, kind
        if kind == "reasoning":
            part: Object = {"type": "summary_text", "text": ""}
            frames.append(self._event("response.reasoning_summary_part.added", **item.where(kind), part=part))
        else:
            part = text_part("") if kind == "text" else refusal_part("")
            frames.append(self._event("response.content_part.added", **item.where(kind), part=part))
        item.begin_deltas(kind, _DELTAS[kind])
        return item

    def _close_part(self, frames: list[bytes], item: _Item) -> None:
        text, where = "".join(item.pieces), item.where(self._kind)
        if self._kind == "text":
            part = text_part(text, item.logprobs)
            frames.append(self._event("response.output_text.done", **where, text=text, logprobs=item.logprobs))
        else:
            part = refusal_part(text)
            frames.append(self._event("response.refusal.done", **where, refusal=text))
        frames.append(self._event("response.content_part.done", **where, part=part))
        item.content.append(part)
        item.pieces, item.logprobs = [], []

    def _close_item(self, frames: list[bytes], sealed: str = "", status: str = "completed") -> None:
        """End the message or the reasoning that is being written, if there is one."""
        item, kind = self._item, self._kind
        if item is None:
            return
        if kind == "reasoning":
            text, where = "".join(item.pieces), item.where(kind)
            part = {"type": "summary_text", "text": text}
            frames.append(self._event("response.reasoning_summary_text.done", **where, text=text))
            frames.append(self._event("response.reasoning_summary_part.done", **where, part=part))
            self._finish(frames, item, reasoning_item(item.id, text, sealed))
        else:
            self._close_part(frames, item)
            self._finish(frames, item, message_item(item.id, self._status(item, status), item.content))
        self._item, self._kind = None, ""

    def _end_call(self, frames: list[bytes], item: _Item, status: str) -> None:
        begun = item.call or ToolCall("", "", "")
        call = ToolCall(begun.id, begun.name, "".join(item.pieces))
        done = "response.function_call_arguments.done"
        frames.append(self._event(done, **item.where("call"), name=call.name, arguments=call.arguments))
        self._finish(frames, item, call_item(item.id, self._status(item, status), call))

    def _status(self, item: _Item, status: str) -> str:
        """Where an answer met its limit, its last item is what was cut short."""
        return status if item.index == len(self._output) - 1 else "completed"

    def _response(self, status: str, *, usage: Usage | None = None, incomplete: str = "") -> Object:
        output = [item for item in self._output if item]
        return dump_response(self._id, self._created_at_s, status, output, self._echo, usage, incomplete)

    def _event(self, kind: str, **fields: Any) -> bytes:
        data = _encode({"type": kind, "sequence_number": self._sequence_number, **fields})
        self._sequence_number += 1
        return encode_event(data, kind.encode())
