"""
One event for each request in the log, written in batches so that it costs a request two microseconds.

Rules: fields are named here, one by one; no header, body or key is ever among them. A reader that stops reading stops no request:
events wait in memory, and beyond `_BACKLOG_BYTES` they are dropped and counted.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import select
import time
from functools import lru_cache

import msgspec
import structlog

from proxy.exchange import Exchange

_FLUSH_S = 0.1
_BACKLOG_BYTES = 4 * 1024 * 1024
log = structlog.get_logger(__name__)

_encoder = msgspec.json.Encoder()
_EVENT = (
    b'{"ts":"%b","level":"%b","event":"%b","request_id":"%b","method":"%b","route":%b,"status":%d,'
    b'"latency_ms":%.3f,"overhead_ms":%.3f,"client_ip":%b'
)
"""Written with one formatting: every request pays for it. Methods are of a closed set and need no escapes."""


@lru_cache(maxsize=4096)
def _dump_text(text: str) -> bytes:
    return _encoder.encode(text)


@lru_cache(maxsize=4)
def _second(seconds: int) -> bytes:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S").encode()


def _timestamp(now_s: float) -> bytes:
    seconds = int(now_s)
    return b"%b.%06dZ" % (_second(seconds), int((now_s - seconds) * 1e6))


class RequestLog:
    """
    Write `request` events to a file descriptor.

    `slow_overhead_ms` and `slow_total_ms` are the gateway's own and the whole time above which the event is a `slow_request`.
    """

    def __init__(self, *, slow_overhead_ms: float, slow_total_ms: float, descriptor: int = 2) -> None:
        self._slow_overhead_ms = slow_overhead_ms
        self._slow_total_ms = slow_total_ms
        self._descriptor = descriptor
        self._lines: list[bytes] = []
        self._size = 0
        self._dropped_count = 0
        self._timer: asyncio.TimerHandle | None = None
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)

    def write(self, exchange: Exchange, status: int, error_code: str, elapsed_s: float, upstream_s: float) -> None:
        latency_ms = elapsed_s * 1e3
        overhead_ms = latency_ms - upstream_s * 1e3
        is_slow = overhead_ms > self._slow_overhead_ms or latency_ms > self._slow_total_ms
        pieces = [
            _EVENT
            % (
                _timestamp(time.time()),
                b"warning" if is_slow else b"info",
                b"slow_request" if is_slow else b"request",
                exchange.request_id.encode(),
                exchange.method.encode(),
                _dump_text(exchange.route),
                status,
                latency_ms,
                overhead_ms,
                _dump_text(exchange.client_ip),
            )
        ]
        if exchange.backend:
            pieces.append(b',"backend":' + _dump_text(exchange.backend))
        if error_code:
            pieces.append(b',"error":' + _dump_text(error_code))
        if is_slow:
            stages_ms = {stage: round(spent_ms, 3) for stage, spent_ms in exchange.timings.stages_ms.items()}
            pieces.append(b',"stages_ms":' + _encoder.encode(stages_ms))
            if exchange.queries is not None:
                pieces.append(b"," + _encoder.encode(exchange.queries.describe())[1:-1])
        pieces.append(b"}\n")
        self._add(b"".join(pieces))

    def _add(self, line: bytes) -> None:
        if self._size + len(line) > _BACKLOG_BYTES:
            self._dropped_count += 1
            return
        self._lines.append(line)
        self._size += len(line)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_FLUSH_S, self._flush_later)

    def _flush_later(self) -> None:
        self._timer = None
        self.flush()
        if self._lines:  # nobody reads: try again, and let requests go on
            self._timer = asyncio.get_running_loop().call_later(_FLUSH_S, self._flush_later)

    def flush(self) -> None:
        """Write what the reader takes now. Whole lines, at most a pipe's atomic size at once: workers share the pipe."""
        while self._lines and self._poll.poll(0):
            count, size = 1, len(self._lines[0])
            while count < len(self._lines) and size + len(self._lines[count]) <= select.PIPE_BUF:
                size += len(self._lines[count])
                count += 1
            os.write(self._descriptor, b"".join(self._lines[:count]))
            del self._lines[:count]
            self._size -= size
        if self._dropped_count and not self._lines:
            dropped, self._dropped_count = self._dropped_count, 0
            log.error("request_log_dropped", count=dropped)
