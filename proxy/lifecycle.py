"""
Where one process of the data plane is in its life: starting, ready, draining; and how many requests it still owes an answer.

Rules: one `Lifecycle` per process, held by the ASGI application as its attribute `lifecycle`, where the server looks for it.
It decides nothing: the application answers 503 while `is_draining`, the server waits for `active_streams` to reach zero.
"""

from __future__ import annotations

import asyncio


class Lifecycle:
    """
    The state that the application and the server share.

    A stream is any request in flight that a stopping process must wait for, plain JSON included.
    Guarantee: for one event loop; nothing here is safe from another thread.
    """

    __slots__ = ("_active_streams", "_has_no_streams", "_is_draining", "_is_leaving", "_is_ready")

    def __init__(self) -> None:
        self._active_streams = 0
        self._is_ready = False
        self._is_leaving = False
        self._is_draining = False
        self._has_no_streams = asyncio.Event()  # bound to no loop until somebody waits, so it may be made before a fork
        self._has_no_streams.set()

    @property
    def is_ready(self) -> bool:
        """Whether a load balancer should send requests here (`/readyz`)."""
        return self._is_ready and not self._is_leaving

    @property
    def is_draining(self) -> bool:
        """Whether new requests are refused with 503 while running ones finish."""
        return self._is_draining

    @property
    def active_streams(self) -> int:
        return self._active_streams

    def mark_ready(self) -> None:
        self._is_ready = True

    def mark_unready(self) -> None:
        """
        Say that no new requests should be sent here, although they are still served: the first step of a stop with a delay.

        Guarantee: `mark_ready` does not undo it, so a configuration that arrives meanwhile does not call the load balancer back.
        """
        self._is_leaving = True

    def start_drain(self) -> None:
        """Refuse new requests from now on. There is no way back; may be called any number of times."""
        self._is_leaving = self._is_draining = True

    def stream_started(self) -> None:
        """Count a request in. Whoever calls this calls `stream_ended` in a `finally`."""
        self._active_streams += 1

    def stream_ended(self) -> None:
        self._active_streams -= 1
        if not self._active_streams:
            self._has_no_streams.set()

    async def wait_until_no_streams(self, timeout_s: float) -> bool:
        """Wait until no request is in flight, at most `timeout_s` seconds; return whether that was reached."""
        try:
            async with asyncio.timeout(timeout_s):
                while self._active_streams:
                    self._has_no_streams.clear()
                    await self._has_no_streams.wait()
        except TimeoutError:
            return False
        return True
