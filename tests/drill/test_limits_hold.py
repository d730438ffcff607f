"""
The drill: four workers, callers at twice the limit who do not slow down, while Redis runs, hangs and is killed.

Promise: never more than the limit passes, hardly less while Redis runs, and requests go on without it. Prints allowed / limit.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from tests.http_talk import CHAT, bearer, chat, read, send
from tests.installation import Installation, frozen, new_installation
from tests.open_loop import OpenLoop

WORKERS_COUNT = 4
SECONDS = 8.0
PER_S = 100
COST_NANO_USD = 33_000  # of one answer: 8 input tokens and 53 output tokens at the simulator's prices
TOKENS = 61
SLOTS = 6
BODY = chat("sim-fast", max_tokens=53)

pytestmark = [pytest.mark.drill, pytest.mark.timeout(600)]

PROBES = [f"probe-{number}" for number in range(40)]
LIMITS = f"""
workspaces: [{{slug: drill, name: Drill}}]
limits:
  - {{name: global, scope: global, amount: 100000, window_s: 1, burst: 100000}}
  - {{name: requests, scope: key, unit: requests, amount: {PER_S}, window_s: 1}}
  - {{name: tokens, scope: key, unit: tokens, amount: {PER_S * TOKENS}, window_s: 1}}
  - {{name: money-for-ten, scope: key, unit: cost, amount_usd: 0.00033, calendar: day}}
  - {{name: one-an-hour, scope: key, amount: 1, window_s: 3600}}
  - {{name: slots, scope: key, unit: concurrency, amount: {SLOTS}}}
api_keys:
  - {{name: requests, workspace: drill, limits: [requests]}}
  - {{name: requests-hung, workspace: drill, limits: [requests]}}
  - {{name: requests-killed, workspace: drill, limits: [requests]}}
  - {{name: tokens, workspace: drill, limits: [tokens]}}
  - {{name: money, workspace: drill, limits: [money-for-ten]}}
  - {{name: slots, workspace: drill, limits: [slots]}}
""" + "".join(f"  - {{name: {name}, workspace: drill, limits: [one-an-hour]}}\n" for name in PROBES)


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    with new_installation(workers=WORKERS_COUNT) as installation:
        installation.start()
        yield installation


@pytest.fixture(scope="module")
def keys(installation: Installation) -> dict[str, str]:
    return installation.apply(LIMITS)


def _offer(
    installation: Installation, key: str, per_s: float = 2 * PER_S, seconds: float = SECONDS, sockets: Sequence[socket.socket] = ()
) -> OpenLoop:
    return OpenLoop(installation.port, key, per_s, seconds, BODY, sockets).run()


def _even_sockets(installation: Installation) -> list[socket.socket]:
    """Return connections, as many to each worker: who is quickest to accept has most of them otherwise."""
    found: list[socket.socket] = []
    for _ in range(32 // WORKERS_COUNT):
        with installation.connections() as connections:
            found += [each.sock.dup() for each in connections.values()]
    return found


def _tell(name: str, load: OpenLoop, allowed: float, limit: float) -> None:
    p50_ms, p99_ms = load.latency_s(0.5) * 1e3, load.latency_s(0.99) * 1e3
    print(f"\n{name}: {allowed:.0f} of {limit:.0f} = {allowed / limit:.4f} of the limit; p50 {p50_ms:.1f} ms, p99 {p99_ms:.1f} ms;", end="")
    print(f" {len(load.answered)} sent, {load.count(0)} failed")


@contextmanager
def _later(after_s: float, act: Callable[[], None]) -> Iterator[None]:
    """Do something while the block runs."""
    timer = threading.Timer(after_s, act)
    timer.start()
    try:
        yield
    finally:
        timer.join()


def test_of_requests_as_many_pass_as_the_limit_says(installation: Installation, keys: dict[str, str]) -> None:
    load = _offer(installation, keys["requests"])

    limit = PER_S + PER_S * load.elapsed_s
    _tell("requests", load, load.count(200), limit)
    assert load.count(200) + load.count(429) == len(load.answered)
    assert 0.97 * (PER_S + PER_S * SECONDS) - 4 <= load.count(200) <= limit + 1


def test_of_tokens_as_many_are_used_as_the_limit_says(installation: Installation, keys: dict[str, str]) -> None:
    load = _offer(installation, keys["tokens"])

    used = sum(each.total_tokens for each in load.answered)
    limit = PER_S * TOKENS * (1 + load.elapsed_s)
    _tell("tokens", load, used, limit)
    assert load.count(200) + load.count(429) == len(load.answered)
    assert 0.9 * PER_S * TOKENS * (1 + SECONDS) <= used <= limit + 2 * TOKENS


def test_two_hundred_at_once_with_money_for_ten_are_ten(installation: Installation, keys: dict[str, str]) -> None:
    load = _offer(installation, keys["money"], per_s=20_000, seconds=0.01)

    spent = sum(each.cost_nano_usd for each in load.answered)
    _tell("money, 200 at once", load, spent, 10 * COST_NANO_USD)
    assert len(load.answered) == 200
    assert 0 < spent <= 11 * COST_NANO_USD
    refused = next(each for each in load.answered if each.status == 429)
    assert b"insufficient_quota" in refused.body
    assert b"x-should-retry: false" in refused.head.lower()

    while (again := _offer(installation, keys["money"], per_s=5, seconds=0.2)).count(200):  # one after the other all of it is spent
        spent += sum(each.cost_nano_usd for each in again.answered)
    assert 10 * COST_NANO_USD <= spent <= 11 * COST_NANO_USD


def test_no_more_requests_are_in_flight_than_there_are_slots(installation: Installation, keys: dict[str, str]) -> None:
    installation.clear_simulator_log()
    load = OpenLoop(installation.port, keys["slots"], 60, 4.0, chat("sim-chat", "Answer in 5 words.")).run()

    entries = installation.simulator_log()
    begins = [dt.datetime.fromisoformat(entry["at"]).timestamp() for entry in entries]
    # The simulator is done with an answer a moment after the gateway has all of it.
    ends = [begin + entry["duration_ms"] / 1e3 - 0.01 for begin, entry in zip(begins, entries, strict=True)]
    in_flight = max(sum(begin <= at for begin in begins) - sum(end <= at for end in ends) for at in begins)
    _tell("slots, most in flight", load, in_flight, SLOTS)
    assert load.count(200) == len(entries) > SLOTS
    assert SLOTS - 1 <= in_flight <= SLOTS


def test_while_redis_hangs_never_more_than_the_limit_passes_and_requests_go_on(installation: Installation, keys: dict[str, str]) -> None:
    sockets = _even_sockets(installation)  # each worker has a share: whoever has few callers leaves some of its own
    with frozen(installation.valkey_pid):
        load = _offer(installation, keys["requests-hung"], sockets=sockets)
    limit = PER_S + PER_S * load.elapsed_s
    _tell("requests, Redis stopped", load, load.count(200), limit)
    # Until then the first calls find out. What the stage took, because the machine may have other things to do.
    calm_ms = load.stage_ms("reserve", 0.99, from_s=1.0)
    print(f"p99 of the stage reserve from the second second on: {calm_ms:.2f} ms")

    assert load.count(200) + load.count(429) == len(load.answered)
    assert 0.85 * PER_S * SECONDS <= load.count(200) <= limit + WORKERS_COUNT
    assert calm_ms <= 5
    back_s = _seconds_until_redis_counts(installation, keys)
    print(f"counted in Redis again after {back_s:.2f} s")
    assert back_s < 5


def test_while_redis_dies_and_comes_back_empty_never_more_than_the_limit_passes(installation: Installation, keys: dict[str, str]) -> None:
    with _later(SECONDS / 2, lambda: os.kill(installation.valkey_pid, signal.SIGKILL)):
        load = _offer(installation, keys["requests-killed"])
    limit = PER_S + PER_S * load.elapsed_s
    _tell("requests, Redis killed", load, load.count(200), limit)

    assert load.count(200) + load.count(429) == len(load.answered)
    # What was counted in the last second before its death may be forgotten, and is a burst at most.
    assert 0.8 * PER_S * SECONDS <= load.count(200) <= limit + PER_S + WORKERS_COUNT


def _seconds_until_redis_counts(installation: Installation, keys: dict[str, str]) -> float:
    """Return how long it takes until workers see each other's requests: without Redis each of them passes one of a limit of one."""
    began_at = time.monotonic()
    with installation.connections() as connections:
        for name in PROBES:
            statuses = [read(send(each, "POST", CHAT, BODY, bearer(keys[name]))).status for each in connections.values()]
            if statuses.count(200) == 1:
                break
            time.sleep(0.1)
    return time.monotonic() - began_at
