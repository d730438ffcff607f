"""Turn Ctrl-C, SIGTERM and a closed terminal into something a start and a main loop can wait for."""

from __future__ import annotations

import queue
import signal
from types import FrameType, TracebackType
from typing import Any, Self

_WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """
    While entered, count the signals that ask us to end.

    Rules: main thread only. While `raises` is true the first signal raises KeyboardInterrupt wherever we are, so that a long start can be
    broken off; later ones never raise, so that the clean-up runs to its end and only looks at `count` to hurry.
    """

    def __init__(self) -> None:
        self.raises = True
        self.count = 0
        self._arrived: queue.SimpleQueue[int] = queue.SimpleQueue()  # its put() is safe inside a signal handler
        self._former: dict[signal.Signals, Any] = {}

    def wait(self, timeout_s: float) -> bool:
        """Return True as soon as a signal arrives that no earlier call has returned for, False after `timeout_s`."""
        try:
            self._arrived.get(timeout=timeout_s)
        except queue.Empty:
            return False
        return True

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        self._arrived.put(number)
        if self.raises and self.count == 1:
            raise KeyboardInterrupt

    def __enter__(self) -> Self:
        for number in _WATCHED:
            if number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue  # started with nohup
            self._former[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, former in self._former.items():
            signal.signal(number, former)
