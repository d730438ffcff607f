"""
Fakes for the ports of the pipeline, and a gateway made of them. Shipped with the product so that every test uses the same ones.

Rules: a fake keeps the promises of its port; PostgreSQL and Valkey are never faked, so nothing here stands in for their adapters.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import math
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import cast

from apikeys.hotpath import Principal, create_key_text, digest_key
from proxy.errors import Overloaded
from proxy.exchange import Headers
from proxy.gateway import Gateway
from proxy.idempotency import IdempotencyPlace, Running, StoredAnswer
from proxy.key_directory import KeyDirectory
from proxy.limiter import SLOTS_EXPIRE_S, Ask, CounterUnavailable, Grant, Limiter, SlotGrant, Subject, Unknown, WindowShape
from proxy.limiter.calendar import window_bounds
from proxy.ports import Endpoint, Timeouts, UpstreamFailure
from proxy.ports import Headers as PortHeaders
from proxy.response_state import StoredResponse
from proxy.snapshot import Backend, LimitRule, Price, Route, Snapshot, SnapshotHolder, Target
from proxy.stages.look_up import CachedReply
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
    """All of it, also when it was streamed."""
    timeouts: Timeouts
    is_streamed: bool = False
    body_length: int | None = None
    """What was announced for a streamed body; None for chunks."""


@dataclass
class FakeUpstream:
    """
    An `Upstream` that answers with what was queued, in order, and remembers what it was sent.

    It takes a streamed body to its end before it answers; a body that fails was sent nowhere.
    """

    answers: list[FakeResponse | UpstreamFailure | float] = field(default_factory=list)
    sent: list[SentRequest] = field(default_factory=list)

    def answer(self, body: bytes | Sequence[Piece], status: int = 200, headers: PortHeaders = ()) -> FakeResponse:
        response = FakeResponse(status, headers, [body] if isinstance(body, bytes) else body)
        self.answers.append(response)
        return response

    async def send(
        self,
        endpoint: Endpoint,
        method: str,
        path: str,
        headers: PortHeaders,
        body: bytes | AsyncIterator[bytes],
        timeouts: Timeouts,
        *,
        body_length: int | None = None,
    ) -> FakeResponse:
        is_streamed = not isinstance(body, bytes)
        taken = body if isinstance(body, bytes) else await _take_body(body, body_length)
        self.sent.append(SentRequest(endpoint, method, path, tuple(headers), taken, timeouts, is_streamed, body_length))
        while self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, FakeResponse):
                return answer
            if isinstance(answer, UpstreamFailure):
                raise answer
            await asyncio.sleep(answer)
        raise AssertionError("no answer was queued")


async def _take_body(body: AsyncIterator[bytes], length: int | None) -> bytes:
    taken = b"".join([piece async for piece in body])
    if length is not None and len(taken) != length:
        raise ValueError(f"a streamed body of {len(taken)} bytes was announced with {length}")
    return taken


@dataclass
class MemorySink:
    """A `Sink` that keeps the answer. `leave()` is the client hanging up."""

    status: int = 0
    headers: Headers = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=list)
    is_started: bool = False
    is_gone: bool = False
    is_ended: bool = False
    _on_leave: Callable[[], None] | None = None

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    def header(self, name: str) -> str | None:
        return {key.decode(): value.decode() for key, value in self.headers}.get(name)

    def watch(self, *, is_cancelling: bool, is_late: bool, on_leave: Callable[[], None] | None = None) -> None:
        owner = asyncio.current_task()
        self._on_leave = on_leave or (cast("Callable[[], None]", owner.cancel) if is_cancelling and owner is not None else None)

    def leave(self) -> None:
        self.is_gone = True
        if self._on_leave is not None:
            self._on_leave()

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
class MemoryRecords:
    """A `RequestRecords` that reads a `MemorySpool`. `error` is what every question fails with."""

    spool: MemorySpool
    error: Exception | None = None

    async def find(self, request_id: uuid.UUID) -> Ended | Started | None:
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        lines: list[Ended | Started] = [*self.spool.ends, *self.spool.starts]
        return next((line for line in lines if line.request_id == str(request_id)), None)


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
    """
    A `SharedCounter` within this process: the same rules as the one in Redis, on a clock of the test's choice, which is unix time, too.

    `error` is what every question fails with; a counter that is not available (`is_available`) is not even asked. One that `is_slow`
    does what it was asked, and says so when nobody waits any more.
    """

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.windows: dict[bytes, tuple[str, float, float]] = {}
        self.slots: dict[bytes, dict[str, tuple[int, float]]] = {}
        self.calls_count = 0
        self.is_available = True
        self.is_slow = False
        self.error: BaseException | None = None
        self._late: list[Callable[[], None]] = []

    def forget(self) -> None:
        """Lose everything, as after FLUSHALL."""
        self.windows.clear()
        self.slots.clear()

    async def _arrive(self) -> None:
        self.calls_count += 1
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error

    def deliver_late(self) -> None:
        """Tell what was granted while `is_slow`."""
        late, self._late = self._late, []
        for tell in late:
            tell()

    async def take(self, shape: WindowShape, ask: Ask, on_late: Callable[[Grant], None] | None = None) -> Grant | Unknown:
        await self._arrive()
        answer = self._take(shape, ask)
        if not self.is_slow:
            return answer
        if on_late is not None and isinstance(answer, Grant):
            self._late.append(partial(on_late, answer))
        raise CounterUnavailable

    def _take(self, shape: WindowShape, ask: Ask) -> Grant | Unknown:
        now, rate = self._clock(), shape.amount / shape.window_s
        mark, past = window_bounds(shape.calendar, now) if shape.calendar else (now, 0.0)
        state = self.windows.get(shape.key)
        if state is None and shape.is_budget:
            return Unknown(mark if shape.calendar else now - shape.size_count / rate)
        generation, level, since = state or ("-", 0.0, mark)
        if not shape.calendar:
            level = max(0.0, level - (now - since) * rate)
        elif since < mark:
            level = 0.0
        is_current = ask.generation in {"", generation} and (not shape.calendar or ask.window_at_us in {0, round(mark * 1e6)})
        if is_current:
            level = max(0.0, level + ask.charge_count)
        room = math.floor(shape.size_count - level + 1e-6)
        admitted = ahead = 0
        while admitted < len(ask.wants) and room >= 1:
            room, level, admitted = room - ask.wants[admitted], level + ask.wants[admitted], admitted + 1
        if admitted == len(ask.wants):
            ahead = max(0, min(ask.ahead_count, room))
        room, level = room - ahead, level + ahead
        self.windows[shape.key] = (generation, level, mark)
        reset_s = past - now if shape.calendar else level / rate
        retry_s = 0.0
        if admitted < len(ask.wants):
            retry_s = reset_s if shape.calendar else (level + 1 - shape.size_count) / rate
        return Grant(admitted, ahead, room, retry_s, reset_s, generation, round(mark * 1e6) if shape.calendar else 0)

    async def restore(self, shape: WindowShape, spent_count: int, since_s: float, generation: str) -> None:
        await self._arrive()
        mark = window_bounds(shape.calendar, self._clock())[0] if shape.calendar else self._clock()
        if not shape.calendar:
            spent_count = min(spent_count, shape.size_count)
        elif mark != since_s:
            return
        self.windows.setdefault(shape.key, (generation, spent_count, mark))

    async def hold(self, key: bytes, limit_count: int, member: str, held_count: int, want_count: int, ahead_count: int) -> SlotGrant:
        await self._arrive()
        now = self._clock()
        living = {name: held for name, held in self.slots.get(key, {}).items() if held[1] > now and name != member}
        room = limit_count - held_count - sum(count for count, _ in living.values())
        admitted = max(0, min(want_count, room))
        ahead = max(0, min(ahead_count, room - admitted))
        if mine := held_count + admitted + ahead:
            living[member] = (mine, now + SLOTS_EXPIRE_S)
        self.slots[key] = living
        return SlotGrant(admitted, ahead, room - admitted - ahead)


@dataclass
class MemoryHistory:
    """A `SpendHistory` that says what it was told: by limit, 0 for others. `asked` is what it was asked."""

    spent_counts: dict[str, int] = field(default_factory=dict)
    asked: list[tuple[str, Subject, dt.datetime]] = field(default_factory=list)
    error: BaseException | None = None
    opened: asyncio.Event | None = None
    """While it is not set, nobody gets an answer."""

    async def spent(self, rule: LimitRule, subject: Subject, since_at: dt.datetime) -> int:
        self.asked.append((rule.name, subject, since_at))
        await asyncio.sleep(0)
        if self.opened is not None:
            await self.opened.wait()
        if self.error is not None:
            raise self.error
        return self.spent_counts.get(rule.name, 0)


@dataclass
class MemoryResponses:
    """A `ResponseStore` that forgets nothing and never fails."""

    responses: dict[tuple[str, str], StoredResponse] = field(default_factory=dict)

    async def put(self, workspace_id: str, stored: StoredResponse, ttl_s: int) -> None:
        self.responses[workspace_id, stored.id] = stored

    async def get(self, workspace_id: str, response_id: str) -> StoredResponse | None:
        return self.responses.get((workspace_id, response_id))

    async def find_owner(self, workspace_id: str, item_id: str) -> str | None:
        found = [stored.id for (owner, _), stored in self.responses.items() if owner == workspace_id and item_id in stored.item_ids]
        return found[0] if found else None

    async def delete(self, workspace_id: str, response_id: str) -> None:
        self.responses.pop((workspace_id, response_id), None)


@dataclass
class MemoryReplies:
    """A `SharedReplies` that forgets nothing. `ttls_s` is how long each answer was to be kept; while `opened` is not set, it hangs."""

    replies: dict[tuple[str, bytes], CachedReply] = field(default_factory=dict)
    ttls_s: dict[bytes, int] = field(default_factory=dict)
    opened: asyncio.Event | None = None
    look_ups_count: int = 0

    async def find(self, workspace_id: str, fingerprint: bytes) -> CachedReply | None:
        self.look_ups_count += 1
        if self.opened is not None:
            await self.opened.wait()
        return self.replies.get((workspace_id, fingerprint))

    def put(self, workspace_id: str, fingerprint: bytes, reply: CachedReply, ttl_s: int) -> asyncio.Future[None]:
        return asyncio.ensure_future(self._put(workspace_id, fingerprint, reply, ttl_s))

    async def _put(self, workspace_id: str, fingerprint: bytes, reply: CachedReply, ttl_s: int) -> None:
        if self.opened is not None:
            await self.opened.wait()
        self.replies[workspace_id, fingerprint] = reply
        self.ttls_s[fingerprint] = ttl_s


@dataclass
class MemoryIdempotency:
    """An `IdempotencyStore` that forgets nothing. `is_away`: it keeps no promise, as the real one without Redis."""

    kept: dict[IdempotencyPlace, Running | StoredAnswer] = field(default_factory=dict)
    is_away: bool = False

    async def claim(self, place: IdempotencyPlace, claim: Running) -> StoredAnswer | Running | None:
        await asyncio.sleep(0)
        if self.is_away:
            raise Overloaded
        found = self.kept.get(place)
        if found is None:
            self.kept[place] = claim
        return found

    async def keep(self, place: IdempotencyPlace, claim: Running, answer: StoredAnswer) -> None:
        await asyncio.sleep(0)
        if not self.is_away and self.kept.get(place, claim) == claim:
            self.kept[place] = answer

    async def release(self, place: IdempotencyPlace, claim: Running) -> None:
        await asyncio.sleep(0)
        if not self.is_away and self.kept.get(place) == claim:
            del self.kept[place]


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
        plans=LimitPlans(Limiter(counter, clock, wall_s=clock)),
        upstream=upstream,
        spool=spool,
    )
    return Bench(gateway, upstream, spool, principals, clock, counter, key)


def create_price(input_: int, cached_input: int, output: int, effective_at: float = 0.0) -> Price:
    """Return a price with no word of its own for the rarer classes. Units: nano-dollars per million tokens."""
    return Price(effective_at, input_, cached_input, output, input_, input_, output, input_, output)
