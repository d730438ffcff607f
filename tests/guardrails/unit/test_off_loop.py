"""What runs in the thread beside the event loop."""

from __future__ import annotations

import asyncio
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from guardrails.engine.off_loop import SWITCH_INTERVAL_S, run_in_thread
from guardrails.engine.stream import TextStream
from guardrails.engine.stream_policy import StreamPolicy
from tests.guardrails.stream_samples import RULES


async def test_the_caller_gets_the_answer_of_another_thread() -> None:
    assert await run_in_thread(threading.get_ident) != threading.get_ident()


async def test_the_caller_gets_the_error() -> None:
    with pytest.raises(ZeroDivisionError):
        await run_in_thread(divmod, 1, 0)


async def test_who_is_cancelled_waits_until_the_call_has_ended() -> None:
    began, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        began.set()
        may_end.wait(10)
        ended.set()
        raise ValueError

    task = asyncio.create_task(run_in_thread(work))
    await asyncio.to_thread(began.wait, 10)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    is_waiting = not task.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert is_waiting
    assert ended.is_set()


async def test_the_interpreter_switches_sooner_once_the_thread_runs() -> None:
    await run_in_thread(int)

    assert sys.getswitchinterval() == pytest.approx(SWITCH_INTERVAL_S)


def test_streams_of_one_policy_may_be_read_in_several_threads() -> None:
    policy = StreamPolicy(RULES)
    text = "The card is 4111 1111 1111 1111 and the key sk-abcdefghijklmnopqrstuvwx. " * 20

    def read(size: int) -> str:
        stream = TextStream(policy)
        sent = "".join(stream.feed(text[at : at + size]) for at in range(0, len(text), size))
        return sent + stream.close()

    with ThreadPoolExecutor(4) as pool:
        answers = set(pool.map(read, [1, 3, 16, 400] * 6))

    assert len(answers) == 1
