"""One request and its answer on their way through the pipeline: who asked what, where the answer goes, and when each stage ended."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from apikeys.hotpath import Principal
from common.ids import create_uuid7_text
from proxy.errors import GatewayError
from proxy.limiter import Reservation
from proxy.query_notes import QueryNotes
from proxy.wire.dialect import OPENAI, Dialect
from proxy.wire.usage import Usage

Headers = list[tuple[bytes, bytes]]


class Sink(Protocol):
    """Where an answer goes: an HTTP response, or one stream of a WebSocket."""

    @property
    def is_started(self) -> bool:
        """Whether the status has gone out, so that nothing can be taken back."""

    @property
    def is_gone(self) -> bool:
        """Whether the client has left; what is written then goes nowhere."""

    def watch(self, *, is_cancelling: bool, is_late: bool, on_leave: Callable[[], None] | None = None) -> None:
        """
        Notice when the client leaves, and cancel the task that called this if `is_cancelling`; `on_leave` is called instead, if given.

        `is_late`: begin only when the answer takes longer than most, because watching costs as much as a stage.
        """

    async def send(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole answer."""

    async def start(self, status: int, headers: Headers) -> None:
        """Begin a stream."""

    async def write(self, data: bytes) -> None: ...

    async def end(self, data: bytes = b"") -> None:
        """Send the last piece of a stream; a stream that was not begun is begun with nothing but the piece."""


class Timings:
    """
    How long each stage took, for `server-timing`, the decision and the request's log event. Units: `stages_ms` in milliseconds.

    Cost: 0.2 us a mark.
    """

    __slots__ = ("_marked_at", "_started_at", "stages_ms")

    def __init__(self, started_at: float) -> None:
        self._started_at = started_at
        self._marked_at = started_at
        self.stages_ms: dict[str, float] = {}

    def mark(self, stage: str) -> None:
        """Say that `stage` ended now; a stage that is marked again has the time since the last mark added."""
        now = time.perf_counter()
        stages = self.stages_ms
        stages[stage] = stages.get(stage, 0.0) + (now - self._marked_at) * 1e3
        self._marked_at = now

    def elapsed_s(self) -> float:
        return time.perf_counter() - self._started_at

    @property
    def upstream_s(self) -> float:
        """The time that was the upstream's; the rest is ours."""
        return self.stages_ms.get("upstream", 0.0) / 1e3


CacheControl = Literal["", "no-cache", "no-store", "only-if-cached"]
CacheResult = Literal["", "HIT", "MISS", "SEMANTIC", "STALE", "COALESCED", "BYPASS"]


@dataclass(slots=True)
class Attempt:
    """One call to a backend. `result` is the status it answered with, or how it failed. Units: milliseconds since the request began."""

    backend: str
    provider: str
    upstream_model: str
    started_ms: float
    result: str = ""
    ended_ms: float = 0.0


@dataclass(slots=True)
class Exchange:
    """
    What every stage may know of the request.

    `passed_headers` are those that may cross to an upstream, `query` the part of the query that may. `deadline_s` is the caller's own
    patience, None for ours. `tags`, `end_user`, `cache_control` and `idempotency_key` come from headers. `endpoint` is the operation
    that is asked for, whatever way it came. `find_principal` says who calls where no key was presented.

    What is filled in on the way, for the answer's headers, the record and the log: the reservation, the cache's answer and why,
    the candidates (backend, upstream model, weight), the guards' verdicts, the attempts, the usage and its cost, of a REST request what
    it asked the database. `dump_stream_error` ends a stream that has begun, in the shape that the stream has by then.
    """

    route: str
    method: str
    client_ip: str
    presented_key: bytes
    body: bytes
    started_at: float
    dialect: Dialect = OPENAI
    deadline_s: float | None = None
    passed_headers: Headers = field(default_factory=list)
    query: str = ""
    tags: tuple[str, ...] = ()
    end_user: str = ""
    cache_control: CacheControl = ""
    idempotency_key: str = ""
    endpoint: str = ""
    request_id: str = field(default_factory=create_uuid7_text)
    timings: Timings = field(init=False)
    reservation: Reservation | None = None
    cache: CacheResult = ""
    cache_reason: str = ""
    candidates: tuple[tuple[str, str, int], ...] = ()
    verdicts: list[dict[str, Any]] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    usage: Usage | None = None
    cost_nano_usd: int = 0
    queries: QueryNotes | None = None
    find_principal: Callable[[], Awaitable[Principal]] | None = None
    dump_stream_error: Callable[[GatewayError], bytes] | None = None

    def __post_init__(self) -> None:
        self.timings = Timings(self.started_at)

    @property
    def backend(self) -> str:
        """The backend that was tried last, empty for none."""
        return self.attempts[-1].backend if self.attempts else ""

    def left_s(self) -> float | None:
        """Return what is left of the caller's patience, None when it has no end."""
        return None if self.deadline_s is None else self.deadline_s - self.timings.elapsed_s()
