"""The worker's end of the spool: whole lines or none, a lock for as long as it lives, a new file when one is full."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.adapters import spool as module
from proxy.adapters.spool import SpoolWriter
from proxy.wire.spool import Closed
from tests.proxy.spool_help import ended, read_lines, spool_files, started

BIG = 1 << 30
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data" / "spool"


def _writer(folder, max_bytes=BIG):
    writer = SpoolWriter(folder, max_bytes)
    writer.start()
    return writer


def _is_locked(path):
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_a_line_is_on_disk_when_the_call_returns(folder):
    writer = _writer(folder)
    line = started()

    writer.started(line)
    (path,) = spool_files(folder)
    assert read_lines(path) == [line]
    writer.ended(ended(line))
    assert read_lines(path) == [line, ended(line)]

    writer.stop()


def test_folder_and_files_are_for_their_owner_only(folder):
    writer = _writer(folder)
    (path,) = spool_files(folder)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    writer.stop()


def test_a_file_is_locked_as_long_as_its_worker_lives(folder):
    writer = _writer(folder)
    (path,) = spool_files(folder)

    assert _is_locked(path)
    writer.stop()
    assert not _is_locked(path)


def test_a_killed_worker_leaves_its_file_unlocked_and_whole(folder):
    code = """
import os, pathlib, sys
from proxy.adapters.spool import SpoolWriter
from tests.proxy.spool_help import started
writer = SpoolWriter(pathlib.Path(sys.argv[1]), 1 << 30)
writer.start()
writer.started(started(model="killed"))
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", code, str(folder)], check=False, cwd=ROOT)

    (path,) = spool_files(folder)
    assert not _is_locked(path)
    assert [line.model for line in read_lines(path)] == ["killed"]


def test_a_worker_that_stops_with_nothing_open_closes_its_file(folder):
    writer = _writer(folder)
    line = started()
    writer.started(line)
    writer.ended(ended(line))

    writer.stop()
    writer.stop()

    (path,) = spool_files(folder)
    assert read_lines(path)[-1] == Closed()


def test_a_worker_that_stops_with_a_request_open_leaves_it_to_the_shipper(folder):
    writer = _writer(folder)
    writer.started(started())

    writer.stop()

    (path,) = spool_files(folder)
    assert Closed() not in read_lines(path)


def test_a_stopped_writer_takes_no_more(folder):
    writer = _writer(folder)
    writer.stop()

    with pytest.raises(OSError):
        writer.started(started())


def test_a_full_file_is_closed_and_the_open_requests_go_on_in_the_next(folder):
    writer = _writer(folder, max_bytes=2000)
    open_line = started(model="open")
    writer.started(open_line)
    while len(spool_files(folder)) == 1:
        line = started()
        writer.started(line)
        writer.ended(ended(line))

    first, second = spool_files(folder)
    assert first.stat().st_size < 3000
    assert read_lines(first)[0] == open_line
    assert read_lines(first)[-1] == Closed()
    assert not _is_locked(first)
    assert read_lines(second) == [open_line]
    assert _is_locked(second)
    writer.ended(ended(open_line))
    assert writer.open_count == 0
    writer.stop()
    assert read_lines(second) == [open_line, ended(open_line), Closed()]


def test_files_sort_by_the_time_they_were_begun(folder):
    writer = _writer(folder, max_bytes=1)
    lines = [started(model=str(number)) for number in range(12)]
    for line in lines:
        writer.started(line)
        writer.ended(ended(line))

    models = [line.model for path in spool_files(folder) for line in read_lines(path) if not isinstance(line, Closed)]
    assert models == [str(number) for number in range(12) for _ in range(2)]
    writer.stop()


# --- a disk that takes no more ----------------------------------------------------------------------------------------------------


class FullDisk:
    """`os.write` on a disk with so many bytes left."""

    def __init__(self, monkeypatch):
        self.room_bytes = BIG
        self._write = os.write
        monkeypatch.setattr(module.os, "write", self)

    def __call__(self, descriptor, data):
        if not self.room_bytes:
            raise OSError(28, "No space left on device")
        taken = data[: self.room_bytes]
        self.room_bytes -= len(taken)
        return self._write(descriptor, taken)


@pytest.mark.parametrize("room_bytes", [0, 1, 10, 50, 10_000])
def test_a_line_that_did_not_fit_is_none_and_the_next_stands_alone(folder, monkeypatch, room_bytes):
    writer = _writer(folder)
    (path,) = spool_files(folder)
    disk = FullDisk(monkeypatch)
    before, torn, after = started(model="before"), started(model="torn"), started(model="after")
    writer.started(before)
    disk.room_bytes = min(room_bytes, len(module.dump_line(torn)) - 1)  # up to all but the newline

    with pytest.raises(OSError):
        writer.started(torn)
    with pytest.raises(OSError):
        writer.started(torn)
    disk.room_bytes = BIG
    writer.started(after)
    writer.ended(ended(after))

    assert read_lines(path) == [before, after, ended(after)]
    assert writer.open_count == 1
    writer.stop()


def test_no_room_for_the_next_file_fails_no_request_and_the_old_one_goes_on(folder, monkeypatch):
    writer = _writer(folder, max_bytes=600)
    (path,) = spool_files(folder)
    open_line, ending = started(model="open"), started(model="ending" * 30)
    writer.started(open_line)
    disk = FullDisk(monkeypatch)
    writer.started(ending)
    disk.room_bytes = len(module.dump_line(ended(ending))) + 5  # the next file's first line is cut off

    writer.ended(ended(ending))

    assert spool_files(folder) == [path]
    assert _is_locked(path)
    disk.room_bytes = BIG
    writer.ended(ended(open_line))
    assert Closed() not in read_lines(path)
    while len(spool_files(folder)) == 1:
        line = started()
        writer.started(line)
        writer.ended(ended(line))
    assert read_lines(path)[-1] == Closed()
    writer.stop()


def test_no_room_for_the_last_line_of_a_full_file_leaves_it_the_only_one(folder, monkeypatch):
    writer = _writer(folder, max_bytes=600)
    (path,) = spool_files(folder)
    open_line, ending = started(model="open"), started(model="ending" * 30)
    writer.started(open_line)
    writer.started(ending)
    disk = FullDisk(monkeypatch)
    disk.room_bytes = len(module.dump_line(ended(ending))) + len(module.dump_line(open_line)) + 3  # `Closed` is cut off

    writer.ended(ended(ending))
    disk.room_bytes = BIG
    writer.ended(ended(open_line))

    assert [line for line in read_lines(path) if not isinstance(line, Closed)] == [open_line, ending, ended(ending), ended(open_line)]
    writer.stop()


def test_a_folder_that_cannot_be_written_is_an_error_at_the_start(tmp_path):
    (tmp_path / "spool").write_text("not a folder")

    with pytest.raises(OSError):
        SpoolWriter(tmp_path / "spool", BIG).start()
