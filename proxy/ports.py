"""
The small interfaces that the stages of the pipeline need; `proxy/adapters/` makes them real, `proxy/testing.py` fakes them.

Rules: no I/O here, no Django, nothing from `adapters`. A port has as few methods as its callers use.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Headers = Sequence[tuple[bytes, bytes]]

Phase = Literal["resolve", "connect", "send", "head", "body"]
FailureKind = Literal["refused", "unreachable", "timeout", "reset", "eof", "tls", "protocol", "too_large", "blocked", "dns"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a backend listens: `scheme://host:port` and the path in front of every call (no trailing slash)."""

    scheme: Literal["http", "https"]
    host: str
    port: int
    path: str = ""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """
    The four timers of an upstream call, in seconds.

    `first_token_s` runs from the moment the request is sent until `UpstreamResponse.mark_started()`; after that `idle_s`
    bounds each wait for bytes. `total_s` bounds everything, connecting included.
    """

    connect_s: float = 2.0
    first_token_s: float = 30.0
    idle_s: float = 60.0
    total_s: float = 600.0


class UpstreamFailure(Exception):
    """
    An upstream call that gave no complete answer.

    `phase` says how far it came, `kind` what happened, `timer` which of the four timers ended it (`kind == "timeout"`).
    `is_sent` is true once any byte of the request may have reached the upstream, so a repeat may be charged twice.
    """

    def __init__(
        self,
        phase: Phase,
        kind: FailureKind,
        *,
        is_sent: bool,
        timer: Literal["connect", "first_token", "idle", "total"] | None = None,
        detail: str = "",
    ) -> None:
        super().__init__(f"{phase}: {kind}{f' ({timer})' if timer else ''}{f': {detail}' if detail else ''}")
        self.phase = phase
        self.kind = kind
        self.timer = timer
        self.is_sent = is_sent
        self.detail = detail


class UpstreamResponse(Protocol):
    """The answer of an upstream whose head has arrived; its body is read piece by piece."""

    status: int
    headers: Headers
    """Names in lower case, in the order they came."""

    def mark_started(self) -> None:
        """Say that the first content arrived: the idle timer replaces the first-token timer."""

    async def read(self) -> bytes:
        """
        Return the bytes that arrived since the last call, waiting for some; `b""` once, at the clean end of the body.

        Errors: UpstreamFailure (phase `body`), also for an end that its framing does not call complete; what a streamed body of the
        request raised that was still being sent.
        """

    async def read_all(self, limit_bytes: int) -> bytes:
        """Return the whole body. Errors: UpstreamFailure, kind `too_large` above `limit_bytes`."""

    def abort(self) -> None:
        """Close the upstream connection now unless the body is complete. May be called any number of times."""


class Upstream(Protocol):
    """One guarded way out: every byte the gateway sends to a provider goes through it."""

    async def send(
        self,
        endpoint: Endpoint,
        method: str,
        path: str,
        headers: Headers,
        body: bytes | AsyncIterator[bytes],
        timeouts: Timeouts,
        *,
        body_length: int | None = None,
    ) -> UpstreamResponse:
        """
        Send one request to `endpoint.path + path`, its query included, and wait for the head of its answer.

        `host` and the framing of the body are added here. A body that is an iterator is sent as it comes: with `content-length` if
        `body_length` (bytes) is given, else in chunks. It is asked for the next piece when the upstream took the last one; its silence
        counts for the total timer alone. A complete answer, or the head of one of 400 or above, ends the sending. The iterator is
        closed in the end, and may go on until the answer is read. A cancelled call closes its connection at once, in every phase.
        Errors: UpstreamFailure. ValueError for a streamed body that is not as long as `body_length`; what its iterator raises. Both
        abort the connection.
        Guarantee: a streamed body is sent once, never repeated.
        """
