"""
How a worker and its master agree on the worker's leave, so that a replacement serves before it goes.

    worker: BOOTING -> SERVING -> LEAVING                       "I have served enough"
    worker:            SERVING ------------> RELEASED           "somebody stops me"
    master:            SERVING -> LEAVING -> RELEASED           "your replacement serves"
    master:            SERVING ------------> RELEASED           one worker too many

Rules: one byte of memory that both processes share, written in single steps. Signals carry nothing: they are merged when
several workers send them at once. SIGCHLD only makes the master look.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import signal
from enum import IntEnum


class Standing(IntEnum):
    """How far a worker is in its life."""

    BOOTING = 0
    SERVING = 1
    LEAVING = 2
    RELEASED = 3


class Berth:
    """The place of one worker. Made in the master before the fork; both processes hold it afterwards."""

    def __init__(self) -> None:
        self._byte = mmap.mmap(-1, 1)

    @property
    def standing(self) -> Standing:
        return Standing(self._byte[0])

    def report(self, standing: Standing, master_pid: int) -> None:
        """Say in the worker how far it is, and wake the master. A worker that was released is past saying anything."""
        if self.standing is Standing.RELEASED:
            return
        self._byte[0] = standing
        if os.getppid() == master_pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(master_pid, signal.SIGCHLD)

    def call_back(self) -> None:
        """Have a worker that serves replaced, in the master."""
        if self.standing is Standing.SERVING:
            self._byte[0] = Standing.LEAVING

    def release(self) -> None:
        """Let the worker go, in the master."""
        self._byte[0] = Standing.RELEASED
