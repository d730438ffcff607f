"""
Fakes for the ports of the pipeline, and a gateway made of them. Shipped with the product so that every test uses the same ones.

Rules: a fake keeps the promises of its port; PostgreSQL and Valkey are never faked, so nothing here stands in for their adapters.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from apikeys.hotpath import Principal, create_key_text, digest_key
from proxy.exchange import Headers
from proxy.key_directory import KeyDirectory
from proxy.limiter import Grant, Limiter
from proxy.pipeline import Gateway
from proxy.ports import Endpoint, Timeouts, UpstreamFailure
from proxy.ports import Headers as PortHeaders
from proxy.snapshot import Backend, LimitRule, Route, Snapshot, SnapshotHolder, Target
from proxy.stages.reserve import LimitPlans
from proxy.wire.spool import Ended, Started

PEPPER = b"pepper"
KEY_ID = str(uuid.UUID(int=1))
WORKSPACE_ID = str(uuid.UUID(int=2))

Piece = bytes | UpstreamFailure | float | asyncio.Event
"""What a fake upstream does next: send bytes, fail, or wait, so many seconds or until it is told."""


class ManualClock:
    """A clock that stands still until told."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class FakeResponse:
    """An `UpstreamResponse` that plays its pieces."""

    def __init__(self, status: int, headers: PortHeaders, pieces: Sequence[Piece]) -> None:
        self.status = status
        self.headers = headers
        self._pieces = list(pieces)
        self.is_started = False
        self.is_aborted = False

    def mark_started(self) -> None:
        self.is_started = True

    async def read(self) -> bytes:
        while self._pieces:
            piece = self._pieces.pop(0)
            if isinstance(piece, float):
                await asyncio.sleep(piece)
            elif isinstance(piece, asyncio.Event):
                await piece.wait()
            elif isinstance(piece, UpstreamFailure):
                raise piece
            else:
                return piece
        return b""

    async def read_all(self, limit_bytes: int) -> bytes:
        body = b""
        while piece := await self.read():
            body += piece
            if len(body) > limit_bytes:
                raise UpstreamFailure("body", "too_large", is_sent=True)
        return body

    def abort(self) -> None:
        self.is_aborted = True


@dataclass(frozen=True, slots=True)
class SentRequest:
    endpoint: Endpoint
    method: str
    path: str
    headers: PortHeaders
    body: bytes
    timeouts: Timeouts


@dataclass
class FakeUpstream:
    """An `Upstream` that answers with what was queued, in order, and remembers what it was sent."""

    answers: list[FakeResponse | UpstreamFailure | float] = field(default_factory=list)
    sent: list[SentRequest] = field(default_factory=list)

    def answer(self, body: bytes | Sequence[Piece], status: int = 200, headers: PortHeaders = ()) -> FakeResponse:
        response = FakeResponse(status, headers, [body] if isinstance(body, bytes) else body)
        self.answers.append(response)
        return response

    async def send(self, endpoint: Endpoint, method: str, path: str, headers: PortHeaders, body: bytes, timeouts: Timeouts) -> FakeResponse:
        self.sent.append(SentRequest(endpoint, method, path, tuple(headers), body, timeouts))
        while self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, FakeResponse):
                return answer
            if isinstance(answer, UpstreamFailure):
                raise answer
            await asyncio.sleep(answer)
        raise AssertionError("no answer was queued")


@dataclass
class MemorySink:
    """A `Sink` that keeps the answer. `leave()` is the client hanging up."""

    status: int = 0
    headers: Headers = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=list)
    is_started: bool = False
    is_gone: bool = False
    is_ended: bool = False
    _owner: asyncio.Task[object] | None = None

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    def header(self, name: str) -> str | None:
        return {key.decode(): value.decode() for key, value in self.headers}.get(name)

    def watch(self, *, is_cancelling: bool, is_late: bool) -> None:
        self._owner = asyncio.current_task() if is_cancelling else None

    def leave(self) -> None:
        self.is_gone = True
        if self._owner is not None:
            self._owner.cancel()

    async def send(self, status: int, headers: Headers, body: bytes) -> None:
        await self.start(status, headers)
        await self.end(body)

    async def start(self, status: int, headers: Headers) -> None:
        if not self.is_gone:
            self.status, self.headers, self.is_started = status, headers, True

    async def write(self, data: bytes) -> None:
        if not self.is_gone:
            self.pieces.append(data)

    async def end(self, data: bytes = b"") -> None:
        await self.write(data)
        self.is_ended = True


@dataclass
class MemorySpool:
    """A `Spool` that keeps its lines. `is_full` makes it refuse them as a full disk does."""

    starts: list[Started] = field(default_factory=list)
    ends: list[Ended] = field(default_factory=list)
    is_full: bool = False

    def started(self, line: Started) -> None:
        if self.is_full:
            raise OSError("the spool's disk is full")
        self.starts.append(line)

    def ended(self, line: Ended) -> None:
        self.ends.append(line)


@dataclass
class MemoryPrincipals:
    """A `PrincipalStore` and a `SharedPrincipals` at once; `look_ups_count` is how often it was asked as a store."""

    principals: dict[bytes, Principal] = field(default_factory=dict)
    shared: dict[bytes, Principal] = field(default_factory=dict)
    look_ups_count: int = 0
    error: Exception | None = None

    async def find_principal(self, digest: bytes) -> Principal | None:
        self.look_ups_count += 1
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return self.principals.get(digest)

    async def find(self, digest: bytes) -> Principal | None:
        return self.shared.get(digest)

    async def put(self, digest: bytes, principal: Principal) -> None:
        self.shared[digest] = principal


class MemoryCounter:
    """A `SharedCounter` within this process: the same GCRA as the one in Redis, on a clock of the test's choice."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._full_at: dict[bytes, float] = {}
        self.calls_count = 0

    async def take(self, key: bytes, interval_us: float, burst: int, want_count: int, give_back_count: float) -> Grant:
        self.calls_count += 1
        await asyncio.sleep(0)
        now, interval_s = self._clock(), interval_us / 1e6
        full_at = max(now, self._full_at.get(key, 0.0) - give_back_count * interval_s)
        room = int((now + burst * interval_s - full_at) / interval_s + 1e-6)
        granted = max(0, min(want_count, room))
        full_at += granted * interval_s
        self._full_at[key] = full_at
        retry_s = full_at + interval_s - now - burst * interval_s if granted < want_count else 0.0
        return Grant(granted, max(0, room - granted), retry_s, full_at - now)


@dataclass
class Bench:
    """A gateway made of fakes, and the fakes."""

    gateway: Gateway
    upstream: FakeUpstream
    spool: MemorySpool
    principals: MemoryPrincipals
    clock: ManualClock
    counter: MemoryCounter
    key: bytes

    def use(self, snapshot: Snapshot) -> None:
        self.gateway.snapshots.current = snapshot


def create_principal(**changes: object) -> Principal:
    principal = Principal(KEY_ID, WORKSPACE_ID, (), (), (), True, None, 0)
    return replace(principal, **changes)  # type: ignore[arg-type]  # the caller names fields


def create_snapshot(*models: str, limits: tuple[LimitRule, ...] = (), revision: int = 7) -> Snapshot:
    """Return a snapshot with one backend `main` and a route for each model."""
    backend = Backend("main", "openai_compatible", Endpoint("http", "127.0.0.1", 9, "/v1"), Timeouts())
    routes = {model: Route(model, (Target("main", model),)) for model in models or ("gpt",)}
    return Snapshot(revision=revision, backends={"main": backend}, routes=routes, limits=limits)


def create_bench(principal: Principal | None = None, snapshot: Snapshot | None = None) -> Bench:
    key = create_key_text()[0].encode()
    principals = MemoryPrincipals({digest_key(PEPPER, key): principal or create_principal()})
    clock = ManualClock()
    counter = MemoryCounter(clock)
    upstream, spool = FakeUpstream(), MemorySpool()
    gateway = Gateway(
        snapshots=SnapshotHolder(snapshot or create_snapshot()),
        keys=KeyDirectory(principals, principals, clock=clock),
        pepper=PEPPER,
        plans=LimitPlans(Limiter(counter, clock)),
        upstream=upstream,
        spool=spool,
    )
    return Bench(gateway, upstream, spool, principals, clock, counter, key)
