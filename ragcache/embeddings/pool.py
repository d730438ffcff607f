"""
A few threads for what a look-up computes, and a deadline: what is not done by then was never there.

Rules: over the deadline is a miss, never an error. numpy and onnxruntime let go of the interpreter while they work, so the loop runs on.
Whoever waits too long is told before the work is done, so a queue is bounded, and work that nobody waits for is not begun.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from ragcache.embeddings.ports import Embedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEADLINE_S: Final = 0.010
THREADS_COUNT: Final = 2
_QUEUED_PER_THREAD: Final = 4
"""Four look-ups of 2 ms are what the deadline has room for: the fifth would wait in vain."""

P = ParamSpec("P")
T = TypeVar("T")


class EmbeddingPool:
    """Make one in each process, inside its loop's thread; `close` it when the worker stops."""

    def __init__(self, *, threads_count: int = THREADS_COUNT, deadline_s: float = DEADLINE_S) -> None:
        self._executor = ThreadPoolExecutor(threads_count, thread_name_prefix="look-up")
        self._deadline_s = deadline_s
        self._limit_count = threads_count * (1 + _QUEUED_PER_THREAD)
        self._lock = Lock()
        self._running_count = 0
        self._is_closed = False
        self.late_count = 0
        """Look-ups that were over the deadline, or not begun because too many were waiting."""

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """
        Return what `work` returns, None when it does not in time.

        Errors: what `work` raises in time. Cost: 0.1 ms on an idle machine, besides the work. What has begun is finished in its thread.
        """
        if self._is_closed or self._running_count >= self._limit_count:
            self.late_count += 1
            return None
        future = self._executor.submit(work, *args, **kwargs)
        with self._lock:
            self._running_count += 1
        future.add_done_callback(self._forget)
        waiting = asyncio.wrap_future(future)
        try:
            await asyncio.wait((waiting,), timeout=self._deadline_s)
        finally:
            # Nothing if it is done; else it leaves the queue if it has not begun, and an error that comes later is nobody's.
            is_late = waiting.cancel()
        if not is_late:
            return waiting.result()
        self.late_count += 1
        return None

    async def embed_one(self, embedder: Embedder, text: str) -> NDArray[np.float32] | None:
        """Return the vector of a text, None when it takes too long. Errors: as `run`."""
        return await self.run(embedder.embed_one, text)

    def close(self) -> None:
        """End the threads when their work is done; nothing that is queued begins, and what is asked from now on is late."""
        self._is_closed = True
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _forget(self, _future: Future[Any]) -> None:
        with self._lock:
            self._running_count -= 1
