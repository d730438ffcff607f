"""
Answers of the REST API that were given and are still true, in the worker (level 1) and in Redis for all workers (level 2).

Rules: an answer is found under the version it was kept under, or not at all; there is one for each question in level 1, the newest.
A cache that fails is empty.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from proxy.rest_door.compression import compress_aside
from proxy.rest_door.ports import Whole
from proxy.rest_door.validators import create_etag

TTL_S: Final = 300
STALE_S: Final = 60.0
LEVEL_1_BYTES: Final = 32 * 1024 * 1024
ANSWER_LIMIT_BYTES: Final = 1024 * 1024
_OVERHEAD_BYTES: Final = 1200
_NOT_KEPT: Final = frozenset(
    {b"x-request-id", b"request-id", b"cache-control", b"etag", b"content-length", b"date", b"age", b"vary", b"set-cookie"}
)


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """An answer of 200 to a GET, as all who may ask the same question get it. `stored_at` is unix time in seconds."""

    headers: list[tuple[bytes, bytes]]
    vary: bytes
    etag: bytes
    body: bytes
    stored_at: float

    @property
    def content_type(self) -> bytes:
        return next((value for name, value in self.headers if name == b"content-type"), b"")


def create_answer(whole: Whole, now_s: float) -> Answer:
    """Return what of an answer is the same for all who ask; a tag that the application gave it stays."""
    given = dict(whole.headers)
    headers = [(name, value) for name, value in whole.headers if name not in _NOT_KEPT]
    return Answer(headers, given.get(b"vary", b""), given.get(b"etag") or create_etag(whole.body), whole.body, now_s)


def may_keep(whole: Whole) -> bool:
    return whole.status == 200 and len(whole.body) <= ANSWER_LIMIT_BYTES and all(name != b"set-cookie" for name, _ in whole.headers)


class Kept:
    """An answer in the worker, with the codings that somebody asked for. `known_at` is when it was last known to be true."""

    __slots__ = ("_bodies", "answer", "content_type", "known_at", "size_bytes", "version")

    def __init__(self, answer: Answer, version: bytes, known_at: float) -> None:
        self.answer = answer
        self.version = version
        self.known_at = known_at
        self.content_type = answer.content_type
        self._bodies: dict[str, bytes] = {}
        self.size_bytes = len(answer.body) + _OVERHEAD_BYTES

    async def body_in(self, coding: str) -> bytes:
        """Return the body in a coding, as it is for none. Cost: of the first who asks."""
        if not coding:
            return self.answer.body
        body = self._bodies.get(coding)
        if body is None:
            body = await compress_aside(self.answer.body, coding)
            if coding not in self._bodies:
                self._bodies[coding] = body
                self.size_bytes += len(body)
        return body


class SharedAnswers(Protocol):
    """Level 2. What cannot be read or written is not there."""

    async def find(self, workspace_id: str, question: bytes, version: bytes) -> Answer | None: ...

    def put(self, workspace_id: str, question: bytes, version: bytes, answer: Answer) -> None:
        """Send an answer there and wait for nothing."""


class AnswerCache:
    """
    Both levels.

    Units: `limit_bytes` bounds level 1, bodies in all codings and our own bookkeeping; what was used least recently goes first.
    Cost: level 1 takes 1 us and waits for nothing.
    """

    def __init__(self, shared: SharedAnswers | None, limit_bytes: int = LEVEL_1_BYTES, now_s: Callable[[], float] = time.time) -> None:
        self._shared = shared
        self._limit_bytes = limit_bytes
        self.now_s = now_s
        self._kept: OrderedDict[bytes, tuple[Kept, int]] = OrderedDict()
        self.size_bytes = 0

    async def find(self, workspace_id: str, question: bytes, version: bytes) -> Kept | None:
        now = self.now_s()
        found = self._kept.get(question)
        if found is not None and found[0].version == version:
            kept, counted_bytes = found
            if now - kept.answer.stored_at < TTL_S:
                kept.known_at = now
                self._kept.move_to_end(question)
                if kept.size_bytes != counted_bytes:  # somebody asked for another coding
                    self._put(question, kept)
                return kept
        if self._shared is None:
            return None
        answer = await self._shared.find(workspace_id, question, version)
        if answer is None or not 0 <= now - answer.stored_at < TTL_S:
            return None
        kept = Kept(answer, version, now)
        self._put(question, kept)
        return kept

    def find_stale(self, question: bytes) -> Kept | None:
        """Return what was true within the last `STALE_S`, for when nobody can say what is true now."""
        found = self._kept.get(question)
        return found[0] if found is not None and self.now_s() - found[0].known_at <= STALE_S else None

    def put(self, workspace_id: str, question: bytes, version: bytes, answer: Answer) -> Kept:
        kept = Kept(answer, version, self.now_s())
        self._put(question, kept)
        if self._shared is not None:
            self._shared.put(workspace_id, question, version, answer)
        return kept

    def _put(self, question: bytes, kept: Kept) -> None:
        old = self._kept.pop(question, None)
        if old is not None:
            self.size_bytes -= old[1]
        if kept.size_bytes > self._limit_bytes:
            return
        self._kept[question] = (kept, kept.size_bytes)
        self.size_bytes += kept.size_bytes
        while self.size_bytes > self._limit_bytes:
            _, (_, dropped_bytes) = self._kept.popitem(last=False)
            self.size_bytes -= dropped_bytes


def vary_of(given: bytes) -> bytes:
    """Return the `vary` of an answer that comes in several codings."""
    return given + b", accept-encoding" if given else b"accept-encoding"
