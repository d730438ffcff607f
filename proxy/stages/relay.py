"""
Pass a stream on, event by event, as it comes.

Rules: nothing goes out before the first content, so that an upstream that fails before it can still be answered with a status. The
usage that we asked for is taken out again when the client did not. An end without the end mark is a failure, never a success.
Once content flows and an event holds nothing we act on, its bytes pass untouched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from proxy.errors import GatewayError, UpstreamBroken
from proxy.exchange import Sink
from proxy.ports import UpstreamFailure, UpstreamResponse
from proxy.stages.forward import as_gateway_error
from proxy.wire.openai import ChatRequest, StreamEvent, Usage, parse_chunk
from proxy.wire.sse import DONE, SseSplitter, event_data, split_events

KEEPALIVE = b": keepalive\n\n"


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


def _is_plain(block: bytes) -> bool:
    """Tell whether a block of events holds nothing we act on; a frame that was cut off does not end with a brace."""
    if b'"usage"' in block or b"[DONE]" in block or b'"error"' in block:
        return False
    return block.count(b"}\n\n") == block.count(b"\n\n")


class StreamRelay:
    """One stream on its way from the upstream to the client. `usage` is what the upstream counted, None until it said so."""

    def __init__(
        self,
        response: UpstreamResponse,
        request: ChatRequest,
        sink: Sink,
        *,
        start: Callable[[], Awaitable[None]],
        on_content: Callable[[], None],
        keepalive_s: float | None,
    ) -> None:
        self.usage: Usage | None = None
        self.has_content = False
        self._response = response
        self._is_usage_wanted = request.is_usage_wanted
        self._sink = sink
        self._start = start
        self._on_content = on_content
        self._keepalive = Keepalive(keepalive_s, self._send_keepalive) if keepalive_s else None
        self._starting = asyncio.Lock()
        self._is_started = False

    async def run(self) -> bytes:
        """
        Pass everything on up to the end mark and return what is still to be sent, the end mark included.

        Errors: UpstreamError and its kinds: with a status while `sink.is_started` is false, as a frame after that.
        """
        splitter = SseSplitter()
        held: list[bytes] = []
        try:
            while True:
                data = await self._response.read()
                if not data:
                    raise UpstreamBroken("The provider closed the stream before its end.")
                block = splitter.feed_block(data)
                if not block:
                    continue
                if self._keepalive is not None:
                    self._keepalive.touch()
                if self.has_content and _is_plain(block):
                    await self._sink.write(block)
                    continue
                is_done = self._take_events(block, held)
                if is_done:
                    await self._ensure_started()
                    return b"".join(held) + b"data: [DONE]\n\n"
                if self.has_content and held:
                    await self._ensure_started()
                    await self._sink.write(b"".join(held))
                    held.clear()
        except UpstreamFailure as failure:
            raise as_gateway_error(failure) from failure
        except ValueError as error:
            raise UpstreamBroken("The provider sent something that is no chat stream.") from error
        finally:
            self._response.abort()
            if self._keepalive is not None:
                self._keepalive.stop()

    def _take_events(self, block: bytes, held: list[bytes]) -> bool:
        """Put what the client may see into `held`; return whether the end mark came. Errors: GatewayError, ValueError."""
        for event in split_events(block):
            data = event_data(event)
            if data is None:
                continue  # a comment: ours keep the stream alive, the upstream's say nothing
            if data.startswith(DONE):
                return True
            chunk = parse_chunk(data)
            if chunk.error is not None:
                raise _stream_error(chunk)
            if chunk.usage is not None:
                self.usage = chunk.usage
            if chunk.is_usage_only and not self._is_usage_wanted:
                continue
            held.append(event)
            if chunk.has_content and not self.has_content:
                self.has_content = True
                self._response.mark_started()
                self._on_content()
        return False

    async def _ensure_started(self) -> None:
        async with self._starting:
            if not self._is_started:
                self._is_started = True  # and not the sink's word: it never starts for a client that left
                await self._start()

    async def _send_keepalive(self) -> None:
        await self._ensure_started()
        await self._sink.write(KEEPALIVE)


def _stream_error(chunk: StreamEvent) -> GatewayError:
    detail = chunk.error
    return UpstreamBroken(f"The provider reported an error: {detail.message}" if detail else None)
