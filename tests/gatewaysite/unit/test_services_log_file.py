"""The rotated log file: its size, its order, and what a full disk does to it."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from gatewaysite.services.log_file import RotatingFile, read_tail


@pytest.fixture
def path(tmp_path):
    return tmp_path / "gateway.log"


def test_write_appends_to_what_an_earlier_run_left(path):
    path.write_bytes(b"before\n")

    file = RotatingFile(path)
    file.write(b"after\n")
    file.close()

    assert path.read_bytes() == b"before\nafter\n"


def test_write_rotates_before_the_block_that_would_be_too_much(path):
    file = RotatingFile(path, max_bytes=10, files=3)
    for number in range(5):
        file.write(b"line %d\n" % number)
    file.close()

    assert [path.with_name(f"gateway.log{suffix}").read_bytes() for suffix in ("", ".1", ".2")] == [b"line 4\n", b"line 3\n", b"line 2\n"]
    assert not path.with_name("gateway.log.3").exists()


def test_write_takes_a_block_above_the_limit_whole(path):
    file = RotatingFile(path, max_bytes=10, files=2)
    file.write(b"x" * 50 + b"\n")
    file.write(b"next\n")
    file.close()

    assert path.with_name("gateway.log.1").read_bytes() == b"x" * 50 + b"\n"
    assert path.read_bytes() == b"next\n"


def test_file_is_for_its_owner_only(path):
    RotatingFile(path).close()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_write_on_a_full_disk_counts_and_says_what_is_missing(path, monkeypatch):
    file = RotatingFile(path)
    file.write(b"one\n")
    real_write = os.write

    def full(descriptor, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    file.write(b"two\n")
    file.write(b"three\n")
    monkeypatch.setattr(os, "write", real_write)
    file.write(b"four\n")
    file.close()

    assert path.read_bytes() == b"one\n\n(10 bytes of log are missing here: they could not be written)\nfour\n"


def test_write_goes_on_in_the_old_file_when_it_cannot_be_rotated(path):
    file = RotatingFile(path, max_bytes=10, files=2)
    file.write(b"line 1\n")
    path.with_name("gateway.log.1").mkdir()
    (path.with_name("gateway.log.1") / "in the way").touch()
    file.write(b"line 2\n")
    file.close()

    assert path.read_bytes() == b"line 1\nline 2\n"


@pytest.mark.parametrize(
    ("content", "tail"),
    [(b"", ""), (b"short\n", "short"), (b"first line\nsecond\nthird\n", "second\nthird")],
)
def test_read_tail_returns_whole_lines(path, content, tail):
    path.write_bytes(content)

    assert read_tail(path, max_bytes=16) == tail


@pytest.mark.parametrize(("since_byte", "tail"), [(0, "one\ntwo"), (4, "two"), (8, ""), (900, "one\ntwo")])
def test_read_tail_leaves_out_earlier_runs_unless_the_file_was_rotated(path, since_byte, tail):
    path.write_bytes(b"one\ntwo\n")

    assert read_tail(path, since_byte=since_byte) == tail


def test_read_tail_of_a_missing_file_is_empty(path):
    assert read_tail(path) == ""
