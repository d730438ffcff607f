"""A look-up computes in a thread, and what is late was never there."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from ragcache.embeddings.pool import EmbeddingPool
from tests.ragcache.embedding_help import ToldEmbedder, minilm

LONG_S = 30.0


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Closed until it is set; open at the end of the test, so that no thread stays behind."""
    event = threading.Event()
    yield event
    event.set()


def make_pool(deadline_s: float = LONG_S, threads_count: int = 1) -> EmbeddingPool:
    return EmbeddingPool(threads_count=threads_count, deadline_s=deadline_s)


async def test_vector_comes_from_another_thread():
    threads: list[int] = []
    pool = make_pool()

    vector = await pool.embed_one(ToldEmbedder(lambda: threads.append(threading.get_ident())), "Where?")

    assert vector is not None
    assert vector.tolist() == [0.0, 1.0, 0.0]
    assert threads != [threading.get_ident()]
    pool.close()


async def test_real_model_answers_through_the_pool():
    pool = make_pool()

    vector = await pool.embed_one(minilm(), "Where is my parcel?")

    assert vector is not None
    assert vector.shape == (384,)
    pool.close()


async def test_what_is_late_is_none_and_counted(gate):
    pool = make_pool(deadline_s=0.02)

    assert await pool.embed_one(ToldEmbedder(gate.wait), "Where?") is None
    assert pool.late_count == 1
    gate.set()
    pool.close()


async def test_work_that_nobody_waits_for_any_more_is_not_begun(gate):
    pool = make_pool(deadline_s=0.02)
    embedder = ToldEmbedder(gate.wait)

    first, second = await asyncio.gather(pool.embed_one(embedder, "first"), pool.embed_one(embedder, "second"))
    gate.set()
    pool._deadline_s = LONG_S
    await pool.run(lambda: None)  # behind both

    assert (first, second, embedder.seen) == (None, None, ["first"])
    pool.close()


async def test_queue_that_is_full_answers_none_at_once(gate):
    pool = make_pool()
    waiting = [asyncio.create_task(pool.run(gate.wait)) for _ in range(5)]
    await asyncio.sleep(0)

    assert await asyncio.wait_for(pool.run(gate.wait), timeout=5) is None
    assert pool.late_count == 1
    gate.set()
    assert await asyncio.gather(*waiting) == [True] * 5
    pool.close()


async def test_pool_takes_work_again_once_the_late_work_is_done(gate):
    pool = make_pool(deadline_s=0.02)
    assert [await pool.run(gate.wait) for _ in range(7)] == [None] * 7

    gate.set()
    pool._deadline_s = LONG_S

    assert [await pool.run(str, number) for number in range(7)] == [str(number) for number in range(7)]
    assert pool.late_count == 7
    pool.close()


async def test_error_in_time_is_the_callers():
    pool = make_pool()

    with pytest.raises(ZeroDivisionError):
        await pool.run(lambda: 1 / 0)
    pool.close()


async def test_error_that_comes_late_is_nobodys(gate):
    pool = make_pool(deadline_s=0.02)

    def fail() -> None:
        gate.wait()
        raise ValueError("late")

    assert await pool.run(fail) is None
    gate.set()
    pool._deadline_s = LONG_S
    assert await pool.run(lambda: "next") == "next"  # and warnings are errors here
    pool.close()


async def test_caller_that_is_cancelled_leaves_the_pool_in_order(gate):
    pool = make_pool()
    task = asyncio.create_task(pool.run(gate.wait))
    await asyncio.sleep(0.01)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    gate.set()

    assert await pool.run(lambda: "next") == "next"
    pool.close()


async def test_caller_that_is_cancelled_takes_its_work_out_of_the_queue(gate):
    pool = make_pool()
    embedder = ToldEmbedder()
    first = asyncio.create_task(pool.run(gate.wait))
    second = asyncio.create_task(pool.embed_one(embedder, "Where?"))
    await asyncio.sleep(0.01)

    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    gate.set()

    assert await first is True
    assert await pool.run(lambda: embedder.seen) == []
    pool.close()


async def test_closed_pool_is_a_miss():
    pool = make_pool()
    pool.close()

    assert await pool.run(lambda: "anything") is None


async def test_loop_runs_on_while_a_thread_works(gate):
    pool = make_pool()
    task = asyncio.create_task(pool.run(gate.wait))

    ticks = [await asyncio.sleep(0, number) for number in range(100)]
    gate.set()

    assert (len(ticks), await task) == (100, True)
    pool.close()
