"""One `up` per data folder."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from gatewaysite.services.errors import LockHeldError
from gatewaysite.services.lock import DataLock
from gatewaysite.services.paths import DataDir


@pytest.fixture
def data_dir(tmp_path):
    return DataDir(tmp_path)


def test_acquire_names_the_process_that_holds_the_lock(data_dir):
    with DataLock(data_dir), pytest.raises(LockHeldError) as caught:
        DataLock(data_dir).acquire()

    assert caught.value.pid == os.getpid()
    assert str(caught.value) == (
        f"{data_dir.root} is in use by process {os.getpid()}. Stop that one (Ctrl-C, or `kill {os.getpid()}`), "
        "or give this one a folder of its own with --data-dir."
    )


def test_acquire_names_no_process_when_the_holder_has_not_written_yet(data_dir):
    with DataLock(data_dir):
        data_dir.lock.write_text("")
        with pytest.raises(LockHeldError, match="another process") as caught:
            DataLock(data_dir).acquire()

    assert caught.value.pid is None


def test_release_lets_the_next_one_in_and_may_be_called_twice(data_dir):
    lock = DataLock(data_dir)
    lock.acquire()

    lock.release()
    lock.release()

    with DataLock(data_dir):
        assert data_dir.lock.read_text() == f"{os.getpid()}\n"


def test_lock_of_a_killed_process_is_free_although_its_child_lives(data_dir):
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD_AND_LEAVE_A_CHILD, str(data_dir.root)], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LockHeldError) as caught:
            DataLock(data_dir).acquire()
        assert caught.value.pid == holder.pid

        holder.kill()
        holder.wait()

        with DataLock(data_dir):
            pass
    finally:
        holder.kill()
        holder.communicate()


_HOLD_AND_LEAVE_A_CHILD = """
import subprocess, sys, time
from pathlib import Path
from gatewaysite.services.lock import DataLock
from gatewaysite.services.paths import DataDir

DataLock(DataDir(Path(sys.argv[1]))).acquire()
subprocess.Popen(["cat"], stdin=sys.stdin, stdout=subprocess.DEVNULL)
print("held", flush=True)
time.sleep(60)
"""
