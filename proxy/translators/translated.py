"""A client's dialect to a provider that speaks another one, over the neutral form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from proxy.errors import GatewayError, UpstreamBroken
from proxy.snapshot import Backend, Target
from proxy.translators.conversation import (
    ArgumentsDelta,
    Ended,
    Failed,
    ReasoningDelta,
    RefusalDelta,
    Stopped,
    StreamEvent,
    TextDelta,
    ToolCallStarted,
    UsageCounted,
)
from proxy.translators.translation import ClientCodec, Headers, ProviderCodec, TranslatedReply, UpstreamCall
from proxy.wire.model_request import ModelRequest
from proxy.wire.upstream_error import UpstreamErrorDetail
from proxy.wire.usage import Usage


class TranslatedStream:
    """See `StreamTranslation`."""

    __slots__ = ("_client", "_provider", "content_bytes", "has_content", "is_done", "tail", "usage")

    def __init__(self, client: ClientCodec, provider: ProviderCodec, request: ModelRequest) -> None:
        self._client = client.begin_stream(request)
        self._provider = provider.begin_stream()
        self.has_content = False
        self.is_done = False
        self.tail = b""
        self.usage: Usage | None = None
        self.content_bytes = 0

    def feed(self, data: bytes) -> bytes:
        return self._take(self._provider.feed(data))

    def close(self) -> bytes:
        sent = self._take(self._provider.close())
        if not self.is_done:
            raise UpstreamBroken("The provider closed the stream before its end.")
        return sent

    def fail(self, error: GatewayError) -> bytes:
        return self._client.fail(error)

    def _take(self, events: Sequence[StreamEvent]) -> bytes:
        shown: list[StreamEvent] = []
        for event in events:
            if isinstance(event, Failed):
                raise UpstreamBroken(f"The provider reported an error: {event.detail.message}")
            if isinstance(event, Ended):
                self.is_done = True
                break
            if isinstance(event, UsageCounted):
                self.usage = event.usage
            self._measure(event)
            shown.append(event)
        sent = self._client.feed(shown) if shown else b""
        if self.is_done:
            self.tail = self._client.end()
        return sent

    def _measure(self, event: StreamEvent) -> None:
        if isinstance(event, TextDelta | ReasoningDelta | RefusalDelta | ArgumentsDelta):
            if event.text:
                self.has_content = True
                self.content_bytes += len(event.text)
        elif isinstance(event, ToolCallStarted | Stopped):
            self.has_content = True


@dataclass(frozen=True, slots=True)
class Translated:
    """See `Translation`."""

    client: ClientCodec
    provider: ProviderCodec

    def translate_request(self, request: ModelRequest, target: Target, backend: Backend, passed_headers: Headers) -> UpstreamCall:
        """`passed_headers` belong to the client's dialect, so none of them crosses."""
        conversation = replace(self.client.parse_conversation(request), model=target.upstream_model)
        return self.provider.dump_request(conversation, target, backend)

    def translate_reply(self, body: bytes, request: ModelRequest) -> TranslatedReply:
        reply = self.provider.parse_reply(body)
        return TranslatedReply(self.client.dump_reply(reply, request), reply.usage)

    def begin_stream(self, request: ModelRequest) -> TranslatedStream:
        return TranslatedStream(self.client, self.provider, request)

    def parse_error(self, status: int, body: bytes) -> UpstreamErrorDetail | None:
        return self.provider.parse_error(status, body)
