"""
OpenAI's Responses dialect to providers that speak it: openai, azure below `/openai/v1`, and the simulator.

Only the model's name changes; all other fields, items and events pass as they were written, also those nobody here has heard of.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from proxy.errors import GatewayError, Untranslatable, UpstreamBroken
from proxy.snapshot import Backend, Target
from proxy.translators.openai_family import credential_headers, upstream_path
from proxy.translators.translation import Headers, TranslatedReply, UpstreamCall
from proxy.wire.bad_request import UNREADABLE
from proxy.wire.model_request import ModelRequest
from proxy.wire.openai_error import describe_error, parse_openai_error, parse_stream_error
from proxy.wire.responses import (
    TERMINAL_EVENTS,
    LifecycleEvent,
    ResponseBody,
    begin_response,
    dump_failed_start,
    dump_failure,
    parse_usage,
)
from proxy.wire.sse import DONE, SseSplitter, event_data, split_events
from proxy.wire.upstream_error import UpstreamErrorDetail
from proxy.wire.usage import Usage

PATH: Final = "/responses"
EVENT_LIMIT_BYTES: Final = 64 * 1024 * 1024
"""One line holds the whole answer at the end, generated images included."""

_encoder: Final = msgspec.json.Encoder()
_items_decoder: Final = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_reply_decoder: Final = msgspec.json.Decoder(ResponseBody)
_lifecycle_decoder: Final = msgspec.json.Decoder(LifecycleEvent)
_OPENING_EVENTS: Final = frozenset({"response.created", "response.queued", "response.in_progress"})
_FAILURE_EVENTS: Final = frozenset({"error", "response.failed"})
_SILENT_ITEMS: Final = frozenset({"message", "reasoning"})  # they say nothing before their first delta
_REASONING: Final = b'"reasoning"'
_DELTA: Final = re.compile(rb'"delta": ?"([^"\\]*(?:\\.[^"\\]*)*)"')
_DELTA_HEADS: Final = tuple(
    f"event: response.{kind}.delta\ndata: {{".encode()
    for kind in ("output_text", "function_call_arguments", "reasoning_summary_text", "reasoning_text", "refusal")
)


class _Item(msgspec.Struct):
    type: str | None = None


class _Event(msgspec.Struct):
    """What is read of every event; loosely, since nobody knows what an event of tomorrow holds."""

    type: str | None = None
    sequence_number: Any = None
    delta: Any = None
    item: msgspec.Raw = msgspec.Raw()
    response: msgspec.Raw = msgspec.Raw()


class _Failure(msgspec.Struct):
    type: str | None = None
    error: Any = None
    response: msgspec.Raw = msgspec.Raw()


_item_decoder: Final = msgspec.json.Decoder(_Item)
_event_decoder: Final = msgspec.json.Decoder(_Event)
_failure_decoder: Final = msgspec.json.Decoder(_Failure)


def has_responses(backend: Backend) -> bool:
    """Tell whether a backend itself has the Responses endpoint."""
    if backend.provider == "azure":
        return backend.endpoint.path.endswith("/v1")
    return backend.provider in {"openai", "simulator"}


class DirectStream:
    """See `StreamTranslation`."""

    __slots__ = ("_last_block", "_opening", "_sequence_number", "_splitter", "content_bytes", "has_content", "is_done", "tail", "usage")

    def __init__(self) -> None:
        self._splitter = SseSplitter(EVENT_LIMIT_BYTES, EVENT_LIMIT_BYTES)
        self._opening = b""
        self._last_block = b""  # of plain deltas, whose numbers were not read
        self._sequence_number = -1
        self.has_content = False
        self.is_done = False
        self.tail = b""
        self.usage: Usage | None = None
        self.content_bytes = 0

    def feed(self, data: bytes) -> bytes:
        if self.is_done:
            return b""
        block = self._splitter.feed_block(data)
        if not block:
            return b""
        has_content = self.has_content
        if has_content and _is_plain(block):
            self._last_block = block
            self.content_bytes += sum(map(len, _DELTA.findall(block)))
            return block
        self._last_block = b""
        sent_length = 0
        events = split_events(block)
        for number, event in enumerate(events):
            has_content |= self._take(event)
            if self.tail:
                self.tail += b"".join(_end_marks(events[number + 1 :]))
                break
            sent_length += len(event)
        self.has_content = has_content  # not before: what was in front of an error in the same block goes nowhere
        return block[:sent_length]

    def _take(self, event: bytes) -> bool:
        """Read an event; return whether a reader would see something of it. Errors: UpstreamBroken, ValueError."""
        data = event_data(event)
        if data is None or data.startswith(DONE):
            return False
        try:
            read = _event_decoder.decode(data)
        except UNREADABLE as error:
            raise ValueError("no event of a response") from error
        kind = read.type
        if kind is None or kind in _FAILURE_EVENTS:
            raise _failure(data)
        if isinstance(read.sequence_number, int):
            self._sequence_number = read.sequence_number
        if kind.endswith(".delta"):
            if isinstance(read.delta, str):
                self.content_bytes += len(read.delta)
            return bool(read.delta)
        if kind == "response.output_item.added":
            return _is_seen(read.item)
        if kind in _OPENING_EVENTS:
            self._opening = self._opening or bytes(read.response)
        elif kind in TERMINAL_EVENTS:
            self._end(event, data)
            return True
        return False

    def _end(self, event: bytes, data: bytes) -> None:
        try:
            self.usage = parse_usage(_lifecycle_decoder.decode(data).response.usage)
        except UNREADABLE as error:
            raise ValueError("an end without a response") from error
        self.tail = event
        self.is_done = True

    def close(self) -> bytes:
        if not self.is_done:
            raise UpstreamBroken("The provider closed the stream before its end.")
        return b""

    def fail(self, error: GatewayError) -> bytes:
        """The failed response is the one that the provider began, where it did."""
        response = begin_response()
        with contextlib.suppress(*UNREADABLE):
            response |= msgspec.json.decode(self._opening, type=dict[str, Any])
        if not self.has_content:
            return dump_failed_start(response, error)
        number = max(self._sequence_number, _last_number(self._last_block))
        return dump_failure(response, error, number + 1)


def _last_number(block: bytes) -> int:
    """Return the `sequence_number` of the last event that has one, -1 without."""
    for event in reversed(split_events(block)):
        try:
            number = _event_decoder.decode(event_data(event) or b"").sequence_number
        except UNREADABLE:
            continue
        if isinstance(number, int):
            return number
    return -1


def _is_seen(item: msgspec.Raw) -> bool:
    """Tell whether an item is news from its beginning on: a call is, of a function or of a tool that the provider runs."""
    try:
        return _item_decoder.decode(item).type not in _SILENT_ITEMS
    except UNREADABLE:
        return False


def _is_plain(block: bytes) -> bool:
    """Tell whether a block holds nothing but deltas of one kind; a line end inside of an event would be escaped."""
    for head in _DELTA_HEADS:
        if block.startswith(head):
            count = block.count(b"\n\n")
            return block.count(head) == count == block.count(b"}\n\n")
    return False


def _end_marks(events: list[bytes]) -> list[bytes]:
    return [event for event in events if (event_data(event) or b"").startswith(DONE)]


def _failure(data: bytes) -> Exception:
    """Return what an event means that says an error, beside its type or within `error` or `response`, or whose type is missing."""
    try:
        read = _failure_decoder.decode(data)
    except UNREADABLE:
        return UpstreamBroken("The provider reported an error.")
    if read.type is None and not read.error:
        return ValueError("an event without a type")
    return UpstreamBroken(describe_error(parse_stream_error(bytes(read.response) or data)))


def _dump_request(request: ModelRequest, upstream_model: str) -> bytes:
    """Return the body for an upstream: its own name of the model, and of an earlier provider's items what it can read."""
    fields = request.fields
    if upstream_model != request.model:
        fields = fields | {"model": msgspec.Raw(_encoder.encode(upstream_model))}
    if request.previous_response_id:
        items = [item for item in _items_decoder.decode(fields["input"]) if "id" in item or bytes(item.get("type", b"")) != _REASONING]
        fields = fields | {"input": msgspec.Raw(_encoder.encode(items))}
    return _encoder.encode(fields)


@dataclass(frozen=True, slots=True)
class DirectResponses:
    """See `Translation`."""

    def translate_request(self, request: ModelRequest, target: Target, backend: Backend, passed_headers: Headers) -> UpstreamCall:
        if not has_responses(backend):
            raise Untranslatable("This model's backend has no Responses API; an Azure backend has one below /openai/v1.", param="model")
        headers = [
            (b"content-type", b"application/json"),
            (b"accept", b"text/event-stream" if request.is_stream else b"application/json"),
            *passed_headers,
            *credential_headers(backend),
        ]
        return UpstreamCall(upstream_path(backend, PATH, target.upstream_model), headers, _dump_request(request, target.upstream_model))

    def translate_reply(self, body: bytes, request: ModelRequest) -> TranslatedReply:
        try:
            reply = _reply_decoder.decode(body)
        except UNREADABLE as error:
            raise ValueError("not a response") from error
        if reply.status == "failed":
            raise UpstreamBroken(describe_error(parse_stream_error(body)))
        if reply.output is None:
            raise ValueError("a response without output")
        return TranslatedReply(body, parse_usage(reply.usage))

    def begin_stream(self, request: ModelRequest) -> DirectStream:
        return DirectStream()

    def parse_error(self, status: int, body: bytes) -> UpstreamErrorDetail | None:
        return parse_openai_error(status, body)


DIRECT: Final = DirectResponses()
