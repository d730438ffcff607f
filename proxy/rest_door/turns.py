"""
Identical questions share one call: one runs, and who comes meanwhile shares the next.

An answer holds all that was committed before its call began, so whoever asked before that may have it. Who comes while a call runs
may have that one's answer only if nothing was written since, which the version says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

_Answer = TypeVar("_Answer")
Call = Callable[[bytes | None], Awaitable[_Answer]]
"""Makes the call; told the version that its answer may be kept under, None for none."""


class _Turn(Generic[_Answer]):
    __slots__ = ("call", "future", "version", "waiters_count")

    def __init__(self, version: bytes | None, call: Call[_Answer]) -> None:
        self.version = version
        self.call = call
        self.future: asyncio.Future[_Answer] = asyncio.get_running_loop().create_future()
        self.waiters_count = 0


class Turns(Generic[_Answer]):
    """
    The calls of this worker. A call whose callers all left runs to its end; one that has not begun does not begin.

    Guarantee: at most one call runs and one waits for each question. An answer was read after each of its callers asked, or nothing was
    written between.
    """

    def __init__(self) -> None:
        self._running: dict[bytes, _Turn[_Answer]] = {}
        self._next: dict[bytes, _Turn[_Answer]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, question: bytes, version: bytes | None, call: Call[_Answer]) -> tuple[_Answer, bool]:
        """Return the answer to `question`, and whether it was asked for by somebody else first. Errors: what the call fails with."""
        turn = self._find(question, version, call)
        is_shared = turn.waiters_count > 0
        turn.waiters_count += 1
        try:
            return await asyncio.shield(turn.future), is_shared  # one caller that leaves does not take the answer from the others
        finally:
            turn.waiters_count -= 1

    def _find(self, question: bytes, version: bytes | None, call: Call[_Answer]) -> _Turn[_Answer]:
        running = self._running.get(question)
        if running is None:
            turn = _Turn(version, call)
            self._begin(question, turn)
            return turn
        if version is not None and running.version == version:
            return running
        waiting = self._next.get(question)
        if waiting is None:
            waiting = self._next[question] = _Turn(version, call)
        elif version is not None:
            waiting.version = version  # was read later, and before the call as well
        return waiting

    def _begin(self, question: bytes, turn: _Turn[_Answer]) -> None:
        self._running[question] = turn
        task = asyncio.get_running_loop().create_task(self._run(question, turn))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, question: bytes, turn: _Turn[_Answer]) -> None:
        try:
            turn.future.set_result(await turn.call(turn.version))
        except asyncio.CancelledError:
            turn.future.cancel()
            raise
        except Exception as error:  # the callers' to report: nobody awaits this task
            turn.future.set_exception(error)
            turn.future.exception()  # looked at, should they all have left
        finally:
            del self._running[question]
            following = self._next.pop(question, None)
            if following is not None and following.waiters_count:
                self._begin(question, following)

    async def close(self) -> None:
        """Cancel every call and wait until each has ended."""
        self._next.clear()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
