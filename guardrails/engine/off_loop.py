"""
Large texts are looked at in a thread, so that the event loop goes on.

Rules: one thread for a worker; both engines release the GIL while they scan.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from guardrails.detection import Facts, TextUnit
from guardrails.engine.check import CompiledPolicy, check_all
from guardrails.inspection import Inspection

LARGE_CHARACTERS = 64 << 10
_NO_FACTS = Facts()


def is_large(units: Sequence[TextUnit]) -> bool:
    """Return whether looking at the units may keep an event loop waiting for more than some milliseconds."""
    return sum(len(each.text) for each in units) > LARGE_CHARACTERS


async def check_in_thread(
    policies: Sequence[CompiledPolicy], units: Sequence[TextUnit], facts: Facts = _NO_FACTS, workspace: str = ""
) -> Inspection:
    """`check_all` off the loop. Cost: one switch of threads; large texts of one worker wait for each other."""
    return await asyncio.get_running_loop().run_in_executor(_executor(), check_all, policies, units, facts, workspace)


@cache
def _executor() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "guardrails")
