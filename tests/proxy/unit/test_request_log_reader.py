"""A log that nobody reads holds no request up."""

from __future__ import annotations

import json
import os
import threading
import time

from structlog.testing import capture_logs

from proxy.exchange import Exchange
from proxy.request_log import RequestLog


def _log(descriptor: int) -> RequestLog:
    return RequestLog(slow_overhead_ms=1e9, slow_total_ms=1e9, descriptor=descriptor)


def _write(log: RequestLog, count: int) -> None:
    exchange = Exchange("/v1/chat/completions", "POST", "127.0.0.1", b"", b"", time.perf_counter())
    for _ in range(count):
        log.write(exchange, 200, "", 0.001, 0.0)


async def test_a_full_pipe_blocks_nothing_and_its_lines_arrive_when_it_is_read():
    reader, writer = os.pipe()
    log = _log(writer)
    _write(log, 2000)  # several times what a pipe holds

    log.flush()

    received = bytearray()

    def read() -> None:
        while piece := os.read(reader, 65536):
            received.extend(piece)

    thread = threading.Thread(target=read)
    thread.start()
    while received.count(b"\n") < 2000:
        log.flush()
    os.close(writer)
    thread.join()
    os.close(reader)
    lines = received.decode().splitlines()
    assert len(lines) == 2000
    assert {json.loads(line)["status"] for line in lines} == {200}


async def test_what_is_too_much_to_keep_is_dropped_and_counted():
    reader, writer = os.pipe()
    log = _log(writer)
    _write(log, 30_000)
    os.set_blocking(reader, False)
    received = 0
    with capture_logs() as logs:
        while not logs:
            log.flush()
            received += _read_now(reader)
    received += _read_now(reader)
    os.close(reader)
    os.close(writer)

    assert [entry["event"] for entry in logs] == ["request_log_dropped"]
    assert logs[0]["count"] > 0
    assert logs[0]["count"] + received == 30_000


def _read_now(reader: int) -> int:
    """Return how many lines were waiting."""
    try:
        return os.read(reader, 1 << 21).count(b"\n")
    except BlockingIOError:
        return 0
