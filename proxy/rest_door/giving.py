"""
From a request that was let in to its answer: the one that is kept, one that another request makes just now, or a new one.

    HIT      kept, and nothing was written since; or made just now for somebody who asked the same
    MISS     made now, and kept if it can be
    BYPASS   made now: somebody writes, the client wants no kept one, Redis is away, or such answers are never kept
    STALE    kept, a write may be missing: the database is away
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO, Final, Literal, Protocol, cast

from proxy.errors import ClientGone, NotCached
from proxy.exchange import Exchange, Headers
from proxy.http_sink import HttpSink
from proxy.reply_headers import exchange_headers, limit_headers
from proxy.rest_door.answers import AnswerCache, Kept, create_answer, may_keep, vary_of
from proxy.rest_door.compression import compress_aside, is_compressible
from proxy.rest_door.ports import Pieces, RestApplication, Whole
from proxy.rest_door.questions import Question
from proxy.rest_door.turns import Turns
from proxy.rest_door.validators import coded_etag, is_known
from proxy.telemetry import note_rest_answer

CacheStatus = Literal["HIT", "MISS", "STALE", "BYPASS"]
_OURS: Final = frozenset({b"x-request-id", b"request-id", b"content-length", b"vary", b"etag"})
_BODILESS: Final = frozenset({204, 304})
_KEPT_CONTROL: Final = (b"cache-control", b"private, no-cache")


class VersionStore(Protocol):
    """Under which version answers may be kept and given: see `proxy/adapters/rest_versions.py`."""

    async def find(self, workspace_id: str, resource: str) -> bytes | None:
        """Return the version that is right since after this call, None where nobody can say."""


@dataclass(frozen=True, slots=True)
class _Made:
    """What a call brought: the answer as it is, and in the form that is kept if others may have it."""

    whole: Whole
    kept: Kept | None


class Giving:
    """
    Guarantee: what is given as HIT, MISS or BYPASS holds every write to its resource that was committed before the request came in.
    """

    def __init__(
        self, application: RestApplication, versions: VersionStore, answers: AnswerCache, revision: Callable[[], int | None]
    ) -> None:
        self._application = application
        self._versions = versions
        self._answers = answers
        self._revision = revision
        self._turns: Turns[_Made | None] = Turns()

    async def close(self) -> None:
        await self._turns.close()

    async def give(self, question: Question, exchange: Exchange, sink: HttpSink, tell: Callable[[], dict[str, Any]]) -> None:
        """Answer a GET whose answer may be kept; `tell` returns what the application is told. Errors: NotCached, ClientGone."""
        control = exchange.cache_control
        version: bytes | None = None
        if control != "no-store" and not self._application.is_behind():
            version = await self._versions.find(question.workspace_id, question.resource)
        if version is not None and control != "no-cache":
            kept = await self._answers.find(question.workspace_id, question.key, version)
            if kept is not None:
                exchange.timings.mark("look_up")
                await self._send_kept(exchange, sink, question, kept, "HIT")
                return
        exchange.timings.mark("look_up")
        if control == "only-if-cached":
            raise NotCached
        told = tell()
        made, is_shared = await self._wait_for(sink, self._turns.ask(question.key, version, partial(self._make, question, told)))
        exchange.timings.mark("upstream")
        if made is None:  # it came in pieces, which cannot be shared
            await self.pass_on(exchange, sink, told, io.BytesIO(), "")
            return
        exchange.queries = made.whole.notes
        status: CacheStatus = "BYPASS" if version is None or control else "HIT" if is_shared and made.kept is not None else "MISS"
        if made.kept is not None:
            await self._send_kept(exchange, sink, question, made.kept, status, made.whole.spent_s)
        elif is_store_away(made.whole) and (stale := self._answers.find_stale(question.key)) is not None:
            await self._send_kept(exchange, sink, question, stale, "STALE", made.whole.spent_s)
        else:
            await self._send_whole(exchange, sink, made.whole, question.coding, status)

    async def _make(self, question: Question, told: dict[str, Any], version: bytes | None) -> _Made | None:
        whole = await self._application.ask(told, io.BytesIO())
        if not isinstance(whole, Whole):
            await whole.close()
            return None
        if whole.status != 200:
            return _Made(whole, None)
        now = self._answers.now_s()
        answer = create_answer(whole, now)
        if version is not None and may_keep(whole):
            return _Made(whole, self._answers.put(question.workspace_id, question.key, version, answer))
        return _Made(whole, Kept(answer, b"", now))

    async def pass_on(self, exchange: Exchange, sink: HttpSink, told: dict[str, Any], body: BinaryIO, coding: str) -> None:
        """Answer any other request. Errors: ClientGone."""
        answer = await self._wait_for(sink, self._application.ask(told, body))
        exchange.timings.mark("upstream")
        exchange.queries = answer.notes
        if isinstance(answer, Whole):
            await self._send_whole(exchange, sink, answer, coding, "BYPASS")
        else:
            await self._send_pieces(exchange, sink, cast("Pieces", answer))

    async def _wait_for(self, sink: HttpSink, answer: Any) -> Any:
        sink.watch(is_cancelling=True, is_late=True)
        try:
            return await answer
        except asyncio.CancelledError:
            if not sink.is_gone:
                raise
            raise ClientGone from None
        finally:
            sink.stop_watching()

    # --- what is sent ---------------------------------------------------------------------------------------------------------------

    async def _send_kept(
        self, exchange: Exchange, sink: HttpSink, question: Question, kept: Kept, status: CacheStatus, spent_s: float | None = None
    ) -> None:
        answer = kept.answer
        coding = question.coding if is_compressible(kept.content_type, len(answer.body)) else ""
        etag = coded_etag(answer.etag, coding)
        own = [_KEPT_CONTROL, (b"etag", etag), (b"vary", vary_of(answer.vary))]
        if status in {"HIT", "STALE"}:
            since = answer.stored_at if status == "HIT" else kept.known_at
            own.append((b"age", b"%d" % max(0, self._answers.now_s() - since)))
        if question.if_none_match and is_known(question.if_none_match, etag):
            await self._send(exchange, sink, 304, own, b"", status, spent_s)
            return
        body = await kept.body_in(coding)
        if coding:
            own.append((b"content-encoding", coding.encode()))
        await self._send(exchange, sink, 200, [*answer.headers, *own], body, status, spent_s)

    async def _send_whole(self, exchange: Exchange, sink: HttpSink, whole: Whole, coding: str, status: CacheStatus) -> None:
        given = dict(whole.headers)
        headers = [pair for pair in whole.headers if pair[0] not in _OURS]
        vary, etag, body = given.get(b"vary", b""), given.get(b"etag"), whole.body
        if is_compressible(given.get(b"content-type", b""), len(body)) and b"content-encoding" not in given:
            vary = vary_of(vary)
            if coding:
                body = await compress_aside(body, coding)
                headers.append((b"content-encoding", coding.encode()))
                etag = coded_etag(etag, coding) if etag else None
        if vary:
            headers.append((b"vary", vary))
        if etag:
            headers.append((b"etag", etag))
        await self._send(exchange, sink, whole.status, headers, body, status, whole.spent_s)

    async def _send(
        self, exchange: Exchange, sink: HttpSink, code: int, headers: Headers, body: bytes, status: CacheStatus, spent_s: float | None
    ) -> None:
        headers += self._own_headers(exchange, status, spent_s)
        note_rest_answer(status if exchange.method == "GET" else "", exchange.timings.elapsed_s())
        if code not in _BODILESS:
            await sink.send(code, headers, body)
            return
        await sink.start(code, headers)  # without a length, which would be that of the body it stands for
        await sink.end()

    async def _send_pieces(self, exchange: Exchange, sink: HttpSink, pieces: Pieces) -> None:
        """Pass a stream on as it comes. The client that leaves ends it."""
        headers = [pair for pair in pieces.headers if pair[0] not in _OURS or pair[0] in {b"vary", b"etag"}]
        try:
            await sink.start(pieces.status, headers + self._own_headers(exchange, "BYPASS", pieces.spent_s))
            sink.watch(is_cancelling=True, is_late=False)
            while piece := await pieces.read():
                await sink.write(piece)
            await sink.end()
        except asyncio.CancelledError:
            if not sink.is_gone:
                raise
            raise ClientGone from None
        finally:
            await asyncio.shield(pieces.close())

    def _own_headers(self, exchange: Exchange, status: CacheStatus, spent_s: float | None) -> Headers:
        headers = exchange_headers(exchange, self._revision(), spent_s)
        if exchange.method == "GET":
            headers.append((b"x-cache-status", status.encode()))
        if exchange.reservation is not None:
            headers += limit_headers(exchange.reservation, exchange.dialect)
        return headers


def is_store_away(whole: Whole) -> bool:
    return whole.status == 503 and b'"store_unavailable"' in whole.body
