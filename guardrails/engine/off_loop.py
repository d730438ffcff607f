"""
Large texts are looked at in a thread, so that the event loop goes on.

Rules: one thread for a worker; both engines release the GIL while they scan. What is Python holds it, and each time that the loop comes
back from a socket it waits for one switch: so the interpreter is told to switch sooner than it would.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import ParamSpec, TypeVar

from guardrails.detection import Facts, TextUnit
from guardrails.engine.check import CompiledPolicy, check_all
from guardrails.inspection import Inspection

LARGE_CHARACTERS = 64 << 10
SWITCH_INTERVAL_S = 0.001
"""A fifth of the interpreter's own. It costs nothing while one thread runs, and the thread that looks a few percent."""

_NO_FACTS = Facts()
_Given = ParamSpec("_Given")
_Answer = TypeVar("_Answer")


def is_large(units: Sequence[TextUnit]) -> bool:
    """Return whether looking at the units may keep an event loop waiting for more than some milliseconds."""
    return sum(len(each.text) for each in units) > LARGE_CHARACTERS


async def check_in_thread(
    policies: Sequence[CompiledPolicy], units: Sequence[TextUnit], facts: Facts = _NO_FACTS, workspace: str = ""
) -> Inspection:
    """`check_all` off the loop. Cost: one switch of threads; large texts of one worker wait for each other."""
    return await asyncio.get_running_loop().run_in_executor(_executor(), check_all, policies, units, facts, workspace)


async def run_in_thread(call: Callable[_Given, _Answer], *given: _Given.args, **named: _Given.kwargs) -> _Answer:
    """
    Return what the call returns, off the loop.

    Errors: those of the call. Guarantee: the call has ended when this ends, also when the caller is cancelled: whatever it works on is
    the caller's again.
    """
    running = asyncio.get_running_loop().run_in_executor(_executor(), partial(call, *given, **named))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait((running,))
        running.exception()  # asked, so that nobody says it was not
        raise


@cache
def _executor() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "guardrails", initializer=sys.setswitchinterval, initargs=(SWITCH_INTERVAL_S,))
