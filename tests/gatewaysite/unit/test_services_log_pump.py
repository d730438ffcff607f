"""From the pipes of children into the file, whole lines only, with the errors picked out."""

from __future__ import annotations

import os
import threading

import pytest

from gatewaysite.services.log_file import RotatingFile
from gatewaysite.services.log_pump import ErrorBoard, ErrorLines, LogPump

_TRACE = b"""Traceback (most recent call last):
  File "x.py", line 1, in <module>
    boom()

ValueError: bad

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "y.py", line 2, in <module>
KeyError: 'k'
"""


def test_pick_returns_json_errors_in_both_spellings_and_no_other_json():
    block = (
        b'{"level": "info", "event": "error rate fell"}\n'
        b'{"level": "error", "event": "a"}\n'
        b'{"event":"b","level":"critical"}\n'
        b'{"level":"warning"}\n'
    )

    assert ErrorLines().pick(block) == [b'{"level": "error", "event": "a"}', b'{"event":"b","level":"critical"}']


def test_pick_returns_tracebacks_whole_and_nothing_around_them():
    block = b"starting\n" + _TRACE + b"ready\n" + b'{"level": "info"}\n'

    picked = ErrorLines().pick(block)

    assert picked == [
        b"Traceback (most recent call last):",
        b'  File "x.py", line 1, in <module>',
        b"    boom()",
        b"",
        b"ValueError: bad",
        b"Traceback (most recent call last):",
        b'  File "y.py", line 2, in <module>',
        b"KeyError: 'k'",
    ]


def test_pick_goes_on_with_a_traceback_that_two_blocks_share():
    errors = ErrorLines()
    cut = _TRACE.index(b"    boom()")
    first, second = _TRACE[:cut], _TRACE[cut:]

    assert errors.pick(first) + errors.pick(second) == ErrorLines().pick(_TRACE)


@pytest.mark.parametrize(
    ("line", "is_error"),
    [
        (b"[2026-01-01] [12] [ERROR] Worker (pid:13) was sent SIGKILL!", True),
        (b"[2026-01-01] [12] [INFO] Starting gunicorn", False),
        (b"ModuleNotFoundError: No module named 'x'", True),
        (b"CommandError: no such thing", True),
        (b"Fatal Python error: Segmentation fault", True),
        (b"no errors found", False),
    ],
)
def test_pick_judges_plain_text_by_its_level(line, is_error):
    assert ErrorLines().pick(line + b"\n") == ([line] if is_error else [])


def test_board_keeps_the_first_lines_and_counts_the_rest():
    board = ErrorBoard(limit=2)
    for number in range(5):
        board.add("gunicorn", b"error %d" % number)

    assert board.take() == ["gunicorn: error 0", "gunicorn: error 1", "(and 3 more error lines)"]
    assert board.take() == []


def test_board_cuts_very_long_lines():
    board = ErrorBoard()
    board.add("x", b"y" * 100_000)

    assert len(board.take()[0]) == len("x: ") + 2000


@pytest.fixture
def path(tmp_path):
    return tmp_path / "gateway.log"


def test_pump_carries_everything_written_before_close_also_without_a_last_line_end(path):
    pump = LogPump(RotatingFile(path), lambda name, line: None)
    pipe = pump.open_pipe("child")
    os.write(pipe, b"one\ntwo\nthr")
    os.write(pipe, b"ee\nrest")
    pump.close()
    os.close(pipe)

    assert path.read_bytes() == b"one\ntwo\nthree\nrest\n"


def test_pump_never_mixes_the_lines_of_two_children(path):
    pump = LogPump(RotatingFile(path), lambda name, line: None)

    def write(name):
        pipe = pump.open_pipe(name)
        for number in range(2000):
            line = b"%s %d\n" % (name.encode() * 40, number)
            os.write(pipe, line[:30])
            os.write(pipe, line[30:])
        os.close(pipe)

    threads = [threading.Thread(target=write, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pump.close()

    lines = path.read_bytes().splitlines()
    assert [line for line in lines if line.startswith(b"a")] == [b"%s %d" % (b"a" * 40, number) for number in range(2000)]
    assert [line for line in lines if line.startswith(b"b")] == [b"%s %d" % (b"b" * 40, number) for number in range(2000)]
    assert len(lines) == 4000


def test_pump_loses_and_tears_no_line_when_the_file_rotates(path):
    pump = LogPump(RotatingFile(path, max_bytes=64 * 1024, files=100), lambda name, line: None)
    pipe = pump.open_pipe("child")
    expected = [b'{"level": "info", "number": %d, "pad": "%s"}' % (number, b"x" * (number % 300)) for number in range(10_000)]
    with os.fdopen(pipe, "wb") as writer:
        for line in expected:
            writer.write(line + b"\n")
    pump.close()

    files = sorted(path.parent.glob("gateway.log.*"), key=lambda file: -int(file.suffix[1:]))
    assert files
    assert b"".join(file.read_bytes() for file in [*files, path]).splitlines() == expected


def test_pump_reports_errors_with_the_name_of_the_child(path):
    seen = []
    pump = LogPump(RotatingFile(path), lambda name, line: seen.append((name, line)))
    pipe = pump.open_pipe("gunicorn")
    os.write(pipe, b'{"level": "info"}\n{"level": "error"}\n')
    os.close(pipe)
    pump.close()

    assert seen == [("gunicorn", b'{"level": "error"}')]


def test_pump_passes_on_a_line_that_never_ends(path):
    pump = LogPump(RotatingFile(path), lambda name, line: None)
    pipe = pump.open_pipe("child")
    for _ in range(40):
        os.write(pipe, b"x" * 65_536)
    os.close(pipe)
    pump.close()

    assert path.read_bytes().replace(b"\n", b"") == b"x" * (40 * 65_536)
