"""
What the pipeline needs of a pair (client's dialect, provider): one `Translation` for each, without state, shared by all requests.

Two kinds exist: `direct_*.py`, where both sides speak the same dialect and bytes pass, and `translated.py`, which puts a client's codec
(`clients/`) and a provider's codec (`providers/`) together over the neutral form in `conversation.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import msgspec

from proxy.errors import GatewayError
from proxy.snapshot import Backend, Target
from proxy.translators.conversation import Conversation, Reply, StreamEvent
from proxy.wire.model_request import ModelRequest
from proxy.wire.upstream_error import UpstreamErrorDetail
from proxy.wire.usage import Usage

Headers = list[tuple[bytes, bytes]]


class UpstreamCall(msgspec.Struct, frozen=True, gc=False):
    """What is sent to a backend, relative to its endpoint."""

    path: str
    headers: Headers
    body: bytes
    method: str = "POST"


class TranslatedReply(msgspec.Struct, frozen=True, gc=False):
    """A whole answer as the client may see it. `usage` is None when the provider counted nothing."""

    body: bytes
    usage: Usage | None


class StreamTranslation(Protocol):
    """
    One stream on its way back. Fed with the upstream's bytes as they come, it returns what the client may see of them.

    `has_content`: something that a reader would see (or a tool call) has come; before that the caller holds everything back.
    `is_done`: the provider's own end mark has come. `tail` is then what must still be sent, the client's end mark included.
    `usage` is what the provider counted so far, None until it said so. `content_bytes` is how much text has come, for an estimate.
    """

    has_content: bool
    is_done: bool
    tail: bytes
    usage: Usage | None
    content_bytes: int

    def feed(self, data: bytes) -> bytes:
        """Errors: GatewayError for an error the upstream reports, ValueError for what is no such stream."""

    def close(self) -> bytes:
        """
        Say that the upstream's body ended cleanly; return what is left for the client before `tail`.

        Errors: UpstreamBroken when the end mark had not come: success is never made up.
        """

    def fail(self, error: GatewayError) -> bytes:
        """Return what ends a stream that had begun, in the client's dialect: the error, and the end mark where there is one."""


@runtime_checkable
class WeighedStream(Protocol):
    """A stream that says when its next piece may take long to read: `feed` and `close` are then called in a thread."""

    @property
    def is_heavy(self) -> bool: ...


class Translation(Protocol):
    """How one client dialect is spoken with one provider."""

    def translate_request(self, request: ModelRequest, target: Target, backend: Backend, passed_headers: Headers) -> UpstreamCall:
        """Errors: Untranslatable, which names the parameter."""

    def translate_reply(self, body: bytes, request: ModelRequest) -> TranslatedReply:
        """Errors: ValueError for what is no answer of that provider; GatewayError for an error inside of a 200."""

    def begin_stream(self, request: ModelRequest) -> StreamTranslation: ...

    def parse_error(self, status: int, body: bytes) -> UpstreamErrorDetail | None:
        """Return what an error body of the provider says, None when it cannot be read."""


# --- the two halves of a translation over the neutral form --------------------------------------------------------------------------


class ProviderStream(Protocol):
    """Reads a provider's stream into neutral events, whatever its framing."""

    def feed(self, data: bytes) -> Sequence[StreamEvent]:
        """Errors: ValueError for what is no such stream."""

    def close(self) -> Sequence[StreamEvent]:
        """Say that the body ended; for providers whose end is the end of the body this returns `Ended`."""


class ProviderCodec(Protocol):
    """How a provider is asked and understood. `name` is the provider's, for errors."""

    name: str

    def dump_request(self, conversation: Conversation, target: Target, backend: Backend) -> UpstreamCall:
        """Return the whole call, credential included. Errors: Untranslatable."""

    def parse_reply(self, body: bytes) -> Reply:
        """Errors: ValueError; UpstreamBroken for an error inside of a 200."""

    def begin_stream(self) -> ProviderStream: ...

    def parse_error(self, status: int, body: bytes) -> UpstreamErrorDetail | None: ...


class ClientStream(Protocol):
    """Writes neutral events as the client's stream."""

    def feed(self, events: Sequence[StreamEvent]) -> bytes:
        """Return the client's bytes for all events but `Ended` and `Failed`, which the caller handles."""

    def end(self) -> bytes:
        """Return the closing bytes: what announces the usage, if the client asked, and the end mark."""

    def fail(self, error: GatewayError) -> bytes:
        """See `StreamTranslation.fail`."""


class ClientCodec(Protocol):
    """How a client's dialect is read into the neutral form and answered."""

    def parse_conversation(self, request: ModelRequest) -> Conversation:
        """Errors: BadRequest, Untranslatable."""

    def dump_reply(self, reply: Reply, request: ModelRequest) -> bytes: ...

    def begin_stream(self, request: ModelRequest) -> ClientStream: ...
