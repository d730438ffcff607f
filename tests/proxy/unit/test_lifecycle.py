from __future__ import annotations

import asyncio

from proxy.lifecycle import Lifecycle


def test_a_new_lifecycle_is_neither_ready_nor_draining():
    lifecycle = Lifecycle()

    assert (lifecycle.is_ready, lifecycle.is_draining, lifecycle.active_streams) == (False, False, 0)


def test_a_process_that_is_about_to_stop_is_not_ready_again_and_not_yet_draining():
    lifecycle = Lifecycle()

    lifecycle.mark_ready()
    was_ready = lifecycle.is_ready
    lifecycle.mark_unready()
    lifecycle.mark_ready()

    assert (was_ready, lifecycle.is_ready, lifecycle.is_draining) == (True, False, False)


def test_a_draining_process_is_not_ready_and_does_not_become_ready_again():
    lifecycle = Lifecycle()
    lifecycle.mark_ready()

    lifecycle.start_drain()
    lifecycle.start_drain()
    lifecycle.mark_ready()

    assert (lifecycle.is_ready, lifecycle.is_draining) == (False, True)


async def test_waiting_without_streams_returns_at_once():
    assert await Lifecycle().wait_until_no_streams(0) is True


async def test_waiting_ends_with_the_last_stream_and_not_with_the_first():
    lifecycle = Lifecycle()
    lifecycle.stream_started()
    lifecycle.stream_started()
    waiter = asyncio.create_task(lifecycle.wait_until_no_streams(30))
    await asyncio.sleep(0)

    lifecycle.stream_ended()
    await asyncio.sleep(0)
    was_done = waiter.done()
    lifecycle.stream_ended()

    assert (was_done, await waiter) == (False, True)


async def test_a_stream_that_starts_while_another_ends_is_waited_for():
    lifecycle = Lifecycle()
    lifecycle.stream_started()
    waiter = asyncio.create_task(lifecycle.wait_until_no_streams(30))
    await asyncio.sleep(0)

    lifecycle.stream_ended()
    lifecycle.stream_started()
    await asyncio.sleep(0.01)

    assert not waiter.done()
    lifecycle.stream_ended()
    assert await waiter is True


async def test_waiting_gives_up_after_its_time_and_says_so():
    lifecycle = Lifecycle()
    lifecycle.stream_started()

    assert await lifecycle.wait_until_no_streams(0.01) is False
    assert lifecycle.active_streams == 1
