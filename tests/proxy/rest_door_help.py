"""The door before `/api` behind the worker of `asgi_help`, with a REST application and versions that do as a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from proxy.exchange import Headers
from proxy.query_notes import QueryNotes
from proxy.rest_door.answers import AnswerCache
from proxy.rest_door.door import RestDoor
from proxy.rest_door.ports import UNKNOWN_ROUTE, RestRoute, Whole
from proxy.snapshot import LimitRule, Snapshot
from proxy.testing import Bench, create_bench
from tests.proxy.asgi_help import Pairs, Site, Talk, open_talk

JSON = (b"content-type", b"application/json")
ITEMS = "/api/items"
OLD = 61.0


def whole(body: bytes = b'{"data":[]}', status: int = 200, headers: Pairs = (), spent_s: float = 0.001) -> Whole:
    kind = [] if b"content-type" in dict(headers) else [JSON]
    return Whole(status, [*kind, *headers], body, spent_s)


def away() -> Whole:
    return whole(b'{"error":{"code":"store_unavailable"}}', 503)


@dataclass
class FakePieces:
    """A streamed answer of these pieces; an event is waited for."""

    pieces: list[bytes | asyncio.Event]
    status: int = 200
    headers: Headers = field(default_factory=lambda: [(b"content-type", b"text/csv")])
    spent_s: float = 0.001
    notes: QueryNotes = field(default_factory=QueryNotes)
    closes_count: int = 0

    async def read(self) -> bytes:
        while self.pieces:
            piece = self.pieces.pop(0)
            if isinstance(piece, bytes):
                return piece
            await piece.wait()
        return b""

    async def close(self) -> None:
        self.closes_count += 1


@dataclass
class FakeRest:
    """A `RestApplication` that answers with what `answer` says now; `gate` holds it until it is set."""

    answer: Callable[[], Any] = whole
    asked: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    gate: asyncio.Event | None = None
    is_late: bool = False

    def find_route(self, path: str) -> RestRoute:
        routes = {"items": RestRoute("/api/items", "items"), "keys": RestRoute("/api/keys")}
        return routes.get(path.split("/")[2] if path.count("/") > 1 else "", UNKNOWN_ROUTE)

    async def ask(self, scope: dict[str, Any], body: BinaryIO) -> Any:
        self.asked.append(scope)
        self.bodies.append(body.read())
        answer = self.answer()
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def is_behind(self) -> bool:
        return self.is_late


@dataclass
class FakeVersions:
    """A `VersionStore`. `current` None: nobody can say."""

    current: bytes | None = b"r:1"
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def find(self, workspace_id: str, resource: str) -> bytes | None:
        self.asked.append((workspace_id, resource))
        await asyncio.sleep(0)
        return self.current


class RestSite(Site):
    """One worker with the door. Time of its cache is `bench.clock`."""

    def __init__(self, bench: Bench | None = None, limits: Sequence[LimitRule] = (), shared: Any = None, **options: Any) -> None:
        bench = bench or create_bench()
        bench.use(Snapshot(revision=7, limits=tuple(limits)))
        super().__init__(bench, **options)
        self.rest = FakeRest()
        self.versions = FakeVersions()
        self.answers = AnswerCache(shared, now_s=bench.clock)
        self.door = RestDoor(self.application.door, self.rest, self.versions, self.answers)

    def begin(self, target: str = ITEMS, method: str = "GET", body: bytes | None = None, headers: Pairs = ()) -> Talk:
        path, _, query = target.partition("?")
        sent = [self.bearer, *headers]
        if body is not None and not {b"content-length", b"transfer-encoding"} & dict(headers).keys():
            sent.append((b"content-length", b"%d" % len(body)))
        return open_talk(self.door, method, path, body, sent, query=query.encode("latin-1"))

    async def get(self, target: str = ITEMS, **headers: str) -> Talk:
        pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        return await self.begin(target, headers=pairs).done()
