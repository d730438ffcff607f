"""
Anthropic's Messages dialect to providers that speak it: anthropic and the simulator.

Only the model's name changes. Every other field, block and event passes as it was written, also those that nobody here knows.
"""

from __future__ import annotations

import re
from typing import Final

from proxy.errors import GatewayError, UpstreamBroken
from proxy.snapshot import Backend, Target
from proxy.translators.anthropic_family import MESSAGES_PATH, call_headers, with_query
from proxy.translators.translation import Headers, TranslatedReply, Translation, UpstreamCall
from proxy.wire.errors import dump_anthropic_stream_error
from proxy.wire.messages import dump_messages_request
from proxy.wire.messages_reply import (
    ErrorFields,
    Event,
    UsageBody,
    count_usage,
    error_detail,
    merge_usage,
    parse_error,
    parse_event,
    parse_message_head,
)
from proxy.wire.model_request import ModelRequest
from proxy.wire.sse import SseSplitter, event_data, split_events
from proxy.wire.upstream_error import UpstreamErrorDetail
from proxy.wire.usage import Usage

_DELTA: Final = b"event: content_block_delta\n"
_DELTA_END: Final = b"}\n\n"
_TEXT: Final = re.compile(rb'"(?:text|thinking|partial_json)": ?"((?:[^"\\]|\\.)*+)"')
_SILENT_BLOCKS: Final = frozenset({"text", "thinking"})  # what they hold comes in deltas


def _measure_deltas(block: bytes) -> int | None:
    """
    Return how much text is in a block of nothing but deltas, as it is escaped, None for a block that must be read.

    The data of every event has to end as JSON does: one that was torn is read, and found out.
    """
    if block.find(b"\n\n") == len(block) - 2 and (at := block.rfind(b'":"')) > 0:  # one event, whose last value is the text
        return block.rfind(b'"') - at - 3
    if block.count(_DELTA_END) == block.count(b"\n\n") == block.count(_DELTA):
        return sum(map(len, _TEXT.findall(block)))
    return None


def _reported(fields: ErrorFields | None) -> UpstreamBroken:
    return UpstreamBroken(f"The provider reported an error: {error_detail(fields).message}")


class MessagesStream:
    """
    See `StreamTranslation`. `tail` holds all events of the block that the end mark came in, so that they leave in one piece with it.

    Cost: once content flows, a piece of nothing but deltas passes without its JSON being read, at about 1 us an event.
    """

    __slots__ = ("_counted", "_splitter", "content_bytes", "has_content", "is_done", "tail", "usage")

    def __init__(self) -> None:
        self._splitter = SseSplitter()
        self._counted: UsageBody | None = None
        self.has_content = False
        self.is_done = False
        self.tail = b""
        self.usage: Usage | None = None
        self.content_bytes = 0

    def feed(self, data: bytes) -> bytes:
        if self.is_done:
            return b""
        block = self._splitter.feed_block(data)
        if self.has_content and block.startswith(_DELTA) and block.endswith(_DELTA_END):
            content_bytes = _measure_deltas(block)
            if content_bytes is not None:
                self.content_bytes += content_bytes
                return block
        return self._read(block)

    def close(self) -> bytes:
        shown = b""
        if not self.is_done and self._splitter.has_rest:  # a last event whose empty line is missing
            try:
                shown = self._read(self._splitter.take_rest().rstrip(b"\r\n") + b"\n\n")
            except ValueError as error:
                raise UpstreamBroken("The provider closed the stream in the middle of an event.") from error
        if not self.is_done:
            raise UpstreamBroken("The provider closed the stream before its end.")
        return shown

    def fail(self, error: GatewayError) -> bytes:
        return dump_anthropic_stream_error(error, "")

    def _read(self, block: bytes) -> bytes:
        shown = []
        for event in split_events(block):
            data = event_data(event)
            shown.append(event)
            if data is not None and self._take(parse_event(data)):
                self.is_done = True
                self.tail = b"".join(shown)
                return b""
        return b"".join(shown)

    def _take(self, event: Event) -> bool:
        """Return whether the event ends the stream. Errors: UpstreamBroken for an error the provider reports."""
        kind = event.type
        if kind == "content_block_delta":
            self.has_content = True
            if (delta := event.delta) is not None:
                self.content_bytes += len(delta.text or delta.thinking or delta.partial_json or "")
        elif kind == "content_block_start":
            if event.content_block is not None and event.content_block.type not in _SILENT_BLOCKS:
                self.has_content = True
        elif kind == "message_start":
            self._count(event.message.usage if event.message else None)
        elif kind == "message_delta":
            self._count(event.usage)
            if event.delta is not None and event.delta.stop_reason:
                self.has_content = True
        elif kind == "error":
            raise _reported(event.error)
        return kind == "message_stop"

    def _count(self, body: UsageBody | None) -> None:
        self._counted = merge_usage(self._counted, body)
        self.usage = count_usage(self._counted)


class DirectMessages:
    """See `Translation`."""

    def translate_request(self, request: ModelRequest, target: Target, backend: Backend, passed_headers: Headers) -> UpstreamCall:
        path = with_query(MESSAGES_PATH, request.query)
        headers = call_headers(backend, is_stream=request.is_stream, passed_headers=passed_headers)
        return UpstreamCall(path, headers, dump_messages_request(request, target.upstream_model))

    def translate_reply(self, body: bytes, request: ModelRequest) -> TranslatedReply:
        head = parse_message_head(body)
        if head.type == "error":
            raise _reported(head.error)
        return TranslatedReply(body, count_usage(head.usage))

    def begin_stream(self, request: ModelRequest) -> MessagesStream:
        return MessagesStream()

    def parse_error(self, status: int, body: bytes) -> UpstreamErrorDetail | None:
        return parse_error(status, body)


DIRECT: Final[Translation] = DirectMessages()
