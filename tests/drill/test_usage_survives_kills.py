"""
The drill: two thousand requests while workers are killed with -9 at random and PostgreSQL is stopped and started.

Promise: every answered request has exactly one settled record, and records, ledger and rollups add up. Prints what it saw.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from tests.http_talk import wait_for
from tests.installation import Installation, frozen, new_installation
from tests.load import MIXED, Ending, Load, check_account
from tests.processes import descendants

REQUESTS_COUNT = 2_000
KILL_EVERY_S = 2.0

pytestmark = [pytest.mark.drill, pytest.mark.timeout(180)]


@pytest.fixture
def installation() -> Iterator[Installation]:
    with new_installation() as installation:
        installation.start()
        # The drill is about usage: a limit would only make it longer.
        installation.apply("{limits: [{name: global, scope: global, amount: 100000, window_s: 1, burst: 100000}]}")
        yield installation


class _Trouble:
    """Kills workers and stops PostgreSQL, each in a rhythm of its own, until told to end."""

    def __init__(self, installation: Installation, dice: random.Random) -> None:
        self._installation = installation
        self._dice = dice
        self._ending = threading.Event()
        self.kills_count = self.outages_count = 0
        self.outage_s = 0.0
        self._threads = [threading.Thread(target=self._kill_workers), threading.Thread(target=self._stop_postgres)]

    def __enter__(self) -> _Trouble:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _kill_workers(self) -> None:
        while not self._ending.wait(self._dice.uniform(0.5, 1.5) * KILL_EVERY_S):
            if workers := self._installation.workers():
                os.kill(self._dice.choice(workers), signal.SIGKILL)
                self.kills_count += 1

    def _stop_postgres(self) -> None:
        ways = [self._restart_fast, self._kill, self._keep_away, self._freeze]
        while not self._ending.wait(self._dice.uniform(3.0, 5.0)):
            began_at = time.monotonic()
            ways[self.outages_count % len(ways)]()
            wait_for(self._answers, every_s=0.05)
            self.outage_s += time.monotonic() - began_at
            self.outages_count += 1

    def _answers(self) -> bool:
        try:
            return bool(self._installation.sql("SELECT 1 AS one"))
        except Exception:  # whatever the driver says of a server on its way
            return False

    def _restart_fast(self) -> None:
        """A fast shutdown; `up` starts it again."""
        os.kill(self._installation.postgres_pid, signal.SIGINT)

    def _kill(self) -> None:
        os.kill(self._installation.postgres_pid, signal.SIGKILL)

    def _keep_away(self) -> None:
        """Gone for some seconds: `up`, which would start it again, is held."""
        assert self._installation.process is not None
        died = self._installation.postgres_pid
        with frozen(self._installation.process.pid):
            os.kill(died, signal.SIGKILL)
            self._ending.wait(3)

    def _freeze(self) -> None:
        """There, but silent."""
        pid = self._installation.postgres_pid
        with frozen(pid, *(process.pid for process in descendants(pid))):
            self._ending.wait(3)


def test_every_answered_request_has_exactly_one_settled_record(installation: Installation) -> None:
    seed = random.SystemRandom().randrange(2**32)
    key = installation.create_key()
    started_at = time.monotonic()

    load = Load(installation, key, MIXED, callers_count=12, pause_s=0.12, requests_count=REQUESTS_COUNT)
    with load, _Trouble(installation, random.Random(seed)) as trouble:
        load.join()
    seconds = time.monotonic() - started_at
    installation.wait_for_workers()
    account = check_account(load, within_s=60)

    print(
        f"\n{REQUESTS_COUNT} requests in {seconds:.0f} s, workers killed {trouble.kills_count} times,"
        f" PostgreSQL away {trouble.outages_count} times for {trouble.outage_s:.0f} s (seed {seed})\n{account}"
    )
    assert installation.manage("check_ledger").strip() == "Everything adds up."
    assert len(load.sent) == REQUESTS_COUNT
    assert trouble.kills_count >= 5
    assert trouble.outages_count >= 2
    # A killed worker takes what it was answering with it, a few requests each time; the rest must not suffer.
    assert load.count(Ending.ANSWERED) >= 0.7 * REQUESTS_COUNT
