"""Runs a coroutine test on asyncio's own loop and on uvloop: the product runs on uvloop, development servers on asyncio."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

Test = Callable[..., Coroutine[Any, Any, None]]


def on_both_loops(test: Test) -> Callable[..., None]:
    """Make a coroutine test two plain ones; what a loop reports to its exception handler fails the test."""

    @functools.wraps(test)
    def run(loop_factory: Callable[[], asyncio.AbstractEventLoop], **arguments: Any) -> None:
        reports: list[dict[str, Any]] = []
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.get_loop().set_exception_handler(lambda _loop, report: reports.append(report))
            runner.run(test(**arguments))
        assert not reports, reports

    own = list(inspect.signature(test).parameters.values())
    loop_parameter = inspect.Parameter("loop_factory", inspect.Parameter.KEYWORD_ONLY)
    run.__signature__ = inspect.Signature([*own, loop_parameter])  # type: ignore[attr-defined]
    both = pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
    marked: Callable[..., None] = both(run)
    return marked
