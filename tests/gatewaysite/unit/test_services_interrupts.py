"""Signals that ask us to end."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from gatewaysite.services.interrupts import Interrupts


def _send(number):
    os.kill(os.getpid(), number)


def _send_and_stay(number):
    """Another thread may be the one that is told; this one, whose handlers run, hears of it a moment later."""
    _send(number)
    time.sleep(10)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_first_signal_breaks_off_a_start(number):
    former = signal.signal(number, signal.SIG_DFL)  # under nohup the tests themselves ignore SIGHUP
    try:
        with Interrupts() as interrupts, pytest.raises(KeyboardInterrupt):
            _send_and_stay(number)
    finally:
        signal.signal(number, former)

    assert interrupts.count == 1


def test_second_signal_is_only_counted_so_that_the_clean_up_ends():
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt):
            _send_and_stay(signal.SIGINT)
        _send(signal.SIGINT)

    assert interrupts.count == 2


def test_wait_returns_at_once_for_a_signal_and_false_without_one():
    with Interrupts() as interrupts:
        interrupts.raises = False
        timer = threading.Timer(0.05, _send, [signal.SIGTERM])
        timer.start()

        assert interrupts.wait(60.0)
        assert not interrupts.wait(0.01)
        timer.join()


def test_former_handlers_come_back_and_nohup_stays_in_force():
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        before = signal.getsignal(signal.SIGINT)
        with Interrupts() as interrupts:
            _send(signal.SIGHUP)
            assert signal.getsignal(signal.SIGINT) is not before
        assert signal.getsignal(signal.SIGINT) is before
        assert interrupts.count == 0
    finally:
        signal.signal(signal.SIGHUP, former)
