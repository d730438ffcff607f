"""
Django's synchronous chain behind ASGI: a request goes to a thread once and comes back once.

Django's own ASGI handler changes threads for every middleware and for the view, which costs more than a small view does. Here the
event loop reads the request and writes the answer, and a thread does all between.

Rules: as many requests at once as there are slots, which the console shares. A thread keeps nothing of a request: signals are sent
and connections given back as Django's handlers do.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, BinaryIO, Final, TypeVar

from django.core import signals
from django.core.handlers.asgi import ASGIRequest, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.db import connections
from django.http import HttpResponseBase, StreamingHttpResponse
from django.urls import Resolver404, resolve, set_script_prefix
from django.utils.module_loading import import_string

from common.rest.freshness import is_behind
from gatewaysite import query_watch
from proxy.exchange import Headers
from proxy.query_notes import QueryNotes
from proxy.rest_door.ports import UNKNOWN_ROUTE, RestRoute, Whole

KEYED_MIDDLEWARE: Final = ("django.middleware.security.SecurityMiddleware",)
"""What requests with an API key go through: they have no session, no cookie and no form."""
_PIECE_BYTES: Final = 64 * 1024
_PIECE_S: Final = 0.05
_Result = TypeVar("_Result")


class _Chain(BaseHandler):
    """Django's synchronous chain of the middleware that is named; its `load_middleware` knows only the settings' own."""

    def __init__(self, middleware: Sequence[str]) -> None:
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        handler = convert_exception_to_response(self._get_response)  # type: ignore[attr-defined]  # its stub leaves it out
        for path in reversed(middleware):
            instance = import_string(path)(handler)
            if hasattr(instance, "process_view"):
                self._view_middleware.insert(0, instance.process_view)
            if hasattr(instance, "process_template_response"):
                self._template_response_middleware.append(instance.process_template_response)
            if hasattr(instance, "process_exception"):
                self._exception_middleware.append(instance.process_exception)
            handler = convert_exception_to_response(instance)
        self._middleware_chain = handler


class DjangoThreads:
    """
    The `RestApplication` of a real installation.

    `slots` bounds how many requests run at once, whoever else takes some of them; `threads_count` is how many threads there are.
    Guarantee: a request that was begun runs to its end, also when its client has left, and keeps its slot until then.
    """

    def __init__(self, slots: asyncio.Semaphore, *, threads_count: int, middleware: Sequence[str] = KEYED_MIDDLEWARE) -> None:
        query_watch.install()
        self._slots = slots
        self._threads = ThreadPoolExecutor(threads_count, thread_name_prefix="rest")
        self._chain = _Chain(middleware)
        self._running: set[asyncio.Task[Any]] = set()

    def find_route(self, path: str) -> RestRoute:
        try:
            found = resolve(path)
        except Resolver404:
            return UNKNOWN_ROUTE
        prefix, _, rest = found.route.partition("/")
        words = rest.split("/")
        own = words[:2] if words[0] == "v1" else words[:1]
        if prefix != "api" or not all(word.isidentifier() for word in own):
            return UNKNOWN_ROUTE
        return RestRoute(f"/api/{'/'.join(own)}", getattr(getattr(found.func, "cls", None), "cached_as", ""))

    def is_behind(self) -> bool:
        return is_behind()

    async def ask(self, scope: dict[str, Any], body: BinaryIO) -> Whole | DjangoPieces:
        return await self.run(lambda: self._respond(scope, body))

    async def run(self, work: Callable[[], _Result]) -> _Result:
        """Run `work` in a thread once there is a slot. A caller that leaves before that takes it back; later it goes on alone."""
        has_begun = asyncio.Event()
        task = asyncio.get_running_loop().create_task(self._run(work, has_begun))
        self._running.add(task)
        task.add_done_callback(self._forget)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not has_begun.is_set():
                task.cancel()
            raise

    async def _run(self, work: Callable[[], _Result], has_begun: asyncio.Event) -> _Result:
        async with self._slots:
            has_begun.set()
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, should its caller have left

    def _respond(self, scope: dict[str, Any], body: BinaryIO) -> Whole | DjangoPieces:
        started_at = time.perf_counter()
        notes = QueryNotes()
        with query_watch.noting(notes):
            set_script_prefix(get_script_prefix(scope))
            signals.request_started.send(sender=type(self), scope=scope)
            response = self._chain.get_response(ASGIRequest(scope, body))
            if isinstance(response, StreamingHttpResponse):
                return DjangoPieces(self, response, notes, time.perf_counter() - started_at)
            try:
                return Whole(
                    response.status_code,
                    _headers(response),
                    bytes(getattr(response, "content", b"")),
                    time.perf_counter() - started_at,
                    notes,
                )
            finally:
                response.close()  # sends request_finished, which gives connections back

    async def close(self) -> None:
        """Wait for what runs, as long as it takes: a write is not cut off."""
        await asyncio.gather(*self._running, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)


class DjangoPieces:
    """
    A streamed answer, taken from Django as fast as the client takes it.

    A thread and a slot are held while pieces are made, never while the client is waited for. What makes them runs in any thread, so it
    must read in batches and hold no transaction from one to the next: connections are given back after each.
    """

    def __init__(self, threads: DjangoThreads, response: StreamingHttpResponse, notes: QueryNotes, spent_s: float) -> None:
        self.status = response.status_code
        self.headers = _headers(response)
        self.notes = notes
        self.spent_s = spent_s
        self._threads = threads
        self._response = response
        self._iterator: Iterator[bytes] = iter(response)
        self._is_over = False
        self._lock = threading.Lock()  # who is cancelled while a thread makes pieces closes what that thread still uses

    async def read(self) -> bytes:
        """Return the next pieces in one, nothing at the end. Errors: what making them raises."""
        return b"" if self._is_over else await self._threads.run(self._take)

    def _take(self) -> bytes:
        taken, size, until = [], 0, time.monotonic() + _PIECE_S
        with self._lock, query_watch.noting(self.notes), _connections_given_back():
            while size < _PIECE_BYTES and (time.monotonic() < until or not size):
                piece = next(self._iterator, None)
                if piece is None:
                    self._is_over = True
                    break
                taken.append(piece)
                size += len(piece)
        return b"".join(taken)

    async def close(self) -> None:
        await self._threads.run(self._close)

    def _close(self) -> None:
        with self._lock:
            self._response.close()


@contextmanager
def _connections_given_back() -> Iterator[None]:
    try:
        yield
    finally:
        connections.close_all()


def _headers(response: HttpResponseBase) -> Headers:
    headers = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
    return headers + [(b"set-cookie", cookie.output(header="").strip().encode("ascii")) for cookie in response.cookies.values()]
