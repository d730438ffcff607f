"""
Pass a stream on, event by event, as it comes.

Rules: nothing goes out before the first content, so that an upstream that fails before it can still be replaced or answered with a
status. An end without the end mark is a failure, never a success. What the bytes mean, the translation knows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from guardrails.engine.off_loop import run_in_thread
from proxy.errors import UpstreamBroken, UpstreamTimeout
from proxy.exchange import Sink
from proxy.ports import UpstreamResponse
from proxy.translators.translation import StreamTranslation, WeighedStream

_SLOW_GRACE_S = 2.0


class Keepalive:
    """
    Send a comment whenever the stream was silent for `interval_s`; starts the stream when that is before its first content.

    Cost: one timer a stream, re-armed when it fires, not when something is sent.
    """

    def __init__(self, interval_s: float, send: Callable[[], Awaitable[None]]) -> None:
        self._interval_s = interval_s
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._active_at = self._loop.time()
        self._timer = self._loop.call_later(interval_s, self._fire)
        self._task: asyncio.Task[None] | None = None

    def touch(self) -> None:
        self._active_at = self._loop.time()

    def stop(self) -> None:
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _fire(self) -> None:
        silent_s = self._loop.time() - self._active_at
        if silent_s >= self._interval_s and (self._task is None or self._task.done()):
            self._task = self._loop.create_task(self._run())
            self._active_at = self._loop.time()
            silent_s = 0.0
        self._timer = self._loop.call_later(max(self._interval_s - silent_s, 0.001), self._fire)

    async def _run(self) -> None:
        await self._send()


class StreamOutlet:
    """
    The client's end of a stream: begun once, with the first content of whichever attempt has some, or with a keepalive.

    `start` sends the status and the headers.
    """

    def __init__(self, sink: Sink, start: Callable[[], Awaitable[None]], keepalive: bytes, keepalive_s: float | None) -> None:
        self._sink = sink
        self._start = start
        self._starting = asyncio.Lock()
        self._is_started = False
        self._failure: Exception | None = None
        self._comment = keepalive
        self._keepalive = Keepalive(keepalive_s, self._send_keepalive) if keepalive_s else None

    async def begin(self) -> None:
        """Whoever comes while it begins waits; what it failed with is everybody's."""
        async with self._starting:
            if self._failure is not None:
                raise self._failure
            if self._is_started:  # and not the sink's word: it never starts for a client that left
                return
            try:
                await self._start()
            except Exception as error:
                self._failure = error
                raise
            self._is_started = True

    async def write(self, data: bytes) -> None:
        """A client to whom nothing is written, because it is held back, gets keepalives."""
        if not self._is_started:
            await self.begin()
        if data:
            if self._keepalive is not None:
                self._keepalive.touch()
            await self._sink.write(data)

    def close(self) -> None:
        if self._keepalive is not None:
            self._keepalive.stop()

    async def _send_keepalive(self) -> None:
        try:
            await self.begin()
        except Exception:  # it is kept for whoever has something to write, and nobody awaits this task
            return
        await self._sink.write(self._comment)


async def relay(
    response: UpstreamResponse,
    stream: StreamTranslation,
    outlet: StreamOutlet,
    *,
    on_content: Callable[[], None],
    min_bytes_per_s: int = 0,
) -> None:
    """
    Pass everything on up to the end mark; what ends the stream is then in `stream.tail`, still to be sent.

    Errors: UpstreamFailure, ValueError and GatewayError of the translation; with `stream.has_content` false nothing of it was seen.
    UpstreamTimeout for a stream slower than `min_bytes_per_s` before its first content.
    """
    held: list[bytes] = []
    is_flowing = False
    pace = _Pace(min_bytes_per_s) if min_bytes_per_s else None
    weighed = stream if isinstance(stream, WeighedStream) else None
    try:
        while not stream.is_done:
            data = await (pace.read(response) if pace is not None else response.read())
            if weighed is not None and weighed.is_heavy:
                piece = await run_in_thread(_read, stream, data)
            else:
                piece = _read(stream, data)
            if is_flowing:
                if piece:
                    await outlet.write(piece)
            else:
                if piece:
                    held.append(piece)
                if stream.has_content:
                    is_flowing, pace = True, None
                    response.mark_started()
                    on_content()
                    await outlet.write(b"".join(held))  # also when the end mark came with it and holds all of it
            if not data and not stream.is_done:
                raise UpstreamBroken("The provider closed the stream before its end.")
        if not is_flowing:  # an answer without any content is an answer
            await outlet.write(b"".join(held))
    finally:
        response.abort()


def _read(stream: StreamTranslation, data: bytes) -> bytes:
    return stream.feed(data) if data else stream.close()


class _Pace:
    """Watches how fast a stream comes before its first content."""

    def __init__(self, min_bytes_per_s: int) -> None:
        self._min_bytes_per_s = min_bytes_per_s
        self._loop = asyncio.get_running_loop()
        self._began_at = self._loop.time()
        self._size_bytes = 0

    async def read(self, response: UpstreamResponse) -> bytes:
        """Errors: UpstreamTimeout when after the grace the stream is slower than it may be, also when nothing comes at all."""
        due_at = self._began_at + max(_SLOW_GRACE_S, self._size_bytes / self._min_bytes_per_s)
        try:
            async with asyncio.timeout_at(due_at):
                data = await response.read()
        except TimeoutError:
            raise UpstreamTimeout("The provider's stream was too slow before its first content.") from None
        self._size_bytes += len(data)
        return data
