"""How the master replaces workers: told with an arbiter that only counts."""

from __future__ import annotations

import signal
from types import SimpleNamespace

from gatewaysite.server.berth import Berth, Standing
from gatewaysite.server.crew import Crew


class CountingArbiter:
    """The part of gunicorn's arbiter that `Crew` uses; its workers boot when the test says so."""

    def __init__(self, num_workers: int) -> None:
        self.num_workers = num_workers
        self.WORKERS: dict[int, SimpleNamespace] = {}
        self.age = 0
        self.blocked_while_forking: set[signal.Signals] = set()

    def spawn_worker(self) -> int:
        self.age += 1
        self.WORKERS[100 + self.age] = SimpleNamespace(age=self.age, berth=Berth())
        self.blocked_while_forking = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        return 100 + self.age

    def boot(self) -> None:
        for worker in self.WORKERS.values():
            if worker.berth.standing is Standing.BOOTING:
                worker.berth.report(Standing.SERVING, master_pid=0)

    def ask_to_leave(self, *ages: int) -> None:
        for age in ages:
            self.WORKERS[100 + age].berth.report(Standing.LEAVING, master_pid=0)

    def standings(self) -> dict[int, Standing]:
        return {worker.age: worker.berth.standing for worker in self.WORKERS.values()}


def make_crew(num_workers: int) -> tuple[Crew, CountingArbiter]:
    arbiter = CountingArbiter(num_workers)
    crew = Crew(arbiter)
    crew.take_over()
    arbiter.manage_workers()
    arbiter.boot()
    return crew, arbiter


def test_missing_workers_are_started():
    _, arbiter = make_crew(2)

    del arbiter.WORKERS[101]
    arbiter.manage_workers()

    assert arbiter.standings() == {2: Standing.SERVING, 3: Standing.BOOTING}


def test_a_leaving_worker_is_released_only_when_its_replacement_serves():
    _, arbiter = make_crew(2)

    arbiter.ask_to_leave(1)
    arbiter.manage_workers()
    arbiter.manage_workers()
    before = arbiter.standings()
    arbiter.boot()
    arbiter.manage_workers()

    assert before == {1: Standing.LEAVING, 2: Standing.SERVING, 3: Standing.BOOTING}
    assert arbiter.standings() == {1: Standing.RELEASED, 2: Standing.SERVING, 3: Standing.SERVING}


def test_workers_that_leave_together_are_replaced_one_after_the_other():
    _, arbiter = make_crew(2)
    arbiter.ask_to_leave(1, 2)
    seen = []

    for _ in range(4):
        arbiter.manage_workers()
        arbiter.boot()
        seen.append(sum(standing is not Standing.RELEASED for standing in arbiter.standings().values()))

    assert max(seen) == 3
    assert arbiter.standings() == {1: Standing.RELEASED, 2: Standing.RELEASED, 3: Standing.SERVING, 4: Standing.SERVING}


def test_a_leaving_worker_that_dies_is_replaced_once():
    _, arbiter = make_crew(2)
    arbiter.ask_to_leave(1)
    arbiter.manage_workers()

    del arbiter.WORKERS[101]
    arbiter.boot()
    arbiter.manage_workers()

    assert arbiter.standings() == {2: Standing.SERVING, 3: Standing.SERVING}


def test_one_worker_too_many_is_let_go_and_it_is_the_oldest():
    _, arbiter = make_crew(2)

    arbiter.num_workers = 1
    arbiter.manage_workers()

    assert arbiter.standings() == {1: Standing.RELEASED, 2: Standing.SERVING}


def test_a_reload_replaces_every_worker():
    _, arbiter = make_crew(2)

    arbiter.reload()
    for _ in range(4):
        arbiter.boot()
        arbiter.manage_workers()

    assert arbiter.standings() == {1: Standing.RELEASED, 2: Standing.RELEASED, 3: Standing.SERVING, 4: Standing.SERVING}


def test_stop_signals_are_held_back_while_a_worker_is_forked():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())

    _, arbiter = make_crew(1)

    assert {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT} <= arbiter.blocked_while_forking
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_a_released_worker_can_say_nothing_more():
    berth = Berth()

    berth.release()
    berth.report(Standing.SERVING, master_pid=0)

    assert berth.standing is Standing.RELEASED
