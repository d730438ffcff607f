"""
The master's half of the workers' life: in place of three methods of gunicorn's arbiter, so that replacing a worker loses nothing.

gunicorn starts a replacement when the old worker is gone, and stops a surplus worker with SIGTERM, which refuses requests on
its old connections. Here a worker that leaves first gets a replacement that serves, one worker at a time; HUP replaces all of
them so, and TTOU lets one go as gently. Rules: no request is ever handled here, and nothing here blocks.
"""

from __future__ import annotations

import signal
from typing import Any

from gatewaysite.server.berth import Standing

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
_ABLE_TO_SERVE = (Standing.SERVING, Standing.LEAVING)


class Crew:
    """The workers of one arbiter (`gunicorn.arbiter.Arbiter`)."""

    def __init__(self, arbiter: Any) -> None:
        self._arbiter = arbiter
        self._spawn_by_arbiter = arbiter.spawn_worker

    def take_over(self) -> None:
        """Stand in for the arbiter's `manage_workers`, `spawn_worker` and `reload` (SIGHUP) from now on."""
        self._arbiter.manage_workers = self.manage
        self._arbiter.spawn_worker = self.spawn
        self._arbiter.reload = self.replace_all

    def manage(self) -> None:
        """
        Start the workers that are missing, release those that may go. The arbiter calls this at least once a second.

        Guarantee: a worker that asked to leave is released only when as many others serve as there should be.
        """
        crew = self._on_board()
        while len(crew) < self._arbiter.num_workers + any(_is_leaving(worker) for worker in crew):
            self.spawn()
            crew = self._on_board()
        for worker in [worker for worker in crew if _is_leaving(worker)] or crew[:]:
            if len(crew) <= self._arbiter.num_workers or not self._can_go(worker, crew):
                break
            worker.berth.release()
            crew.remove(worker)

    def replace_all(self) -> None:
        """
        Replace every worker that serves, one after the other.

        The configuration is not read again, and new code needs a new master: the application is loaded before the fork.
        """
        for worker in self._on_board():
            worker.berth.call_back()
        self.manage()

    def spawn(self) -> Any:
        """
        Fork one worker with the stop signals held back, until `release_signals` in the child.

        A signal that came between the fork and the worker's own handlers would be swallowed by the master's handler, copied
        into the child, and the worker would outlive its master.
        """
        previous = signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
        try:
            return self._spawn_by_arbiter()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, previous)

    def _on_board(self) -> list[Any]:
        workers = (worker for worker in self._arbiter.WORKERS.values() if worker.berth.standing is not Standing.RELEASED)
        return sorted(workers, key=lambda worker: worker.age)

    def _can_go(self, worker: Any, crew: list[Any]) -> bool:
        """Whether enough others serve; a worker that was not asked for (the oldest of too many) waits for them just the same."""
        able = [other for other in crew if other is not worker and other.berth.standing in _ABLE_TO_SERVE]
        return len(able) >= int(self._arbiter.num_workers)


def _is_leaving(worker: Any) -> bool:
    return bool(worker.berth.standing is Standing.LEAVING)


def release_signals() -> None:
    """Let the signals in that `Crew.spawn` held back; until the worker has handlers of its own, they end it."""
    for number in _STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)
