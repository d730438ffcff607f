"""The limits of the server below the application, from the environment."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass

_CORES_USED_BY_DEFAULT = 4
_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off")


class LimitError(ValueError):
    """A variable of the environment that has no usable value; the message names it and says what would be one."""


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """
    What one connection and one worker may take.

    Units: as the names say. `drain_delay_s`, `drain_s` and `cancel_grace_s` follow one another when a worker stops;
    `stop_s` is their sum with time for the application's own shutdown.
    """

    bind: tuple[str, ...] = ("127.0.0.1:8000",)
    worker_count: int = 1
    worker_timeout_s: int = 60
    max_requests: int = 0
    max_requests_jitter: int = 0
    head_limit_bytes: int = 64 * 1024
    head_timeout_s: float = 5.0
    idle_connection_s: int = 75
    write_timeout_s: float = 30.0
    drain_s: float = 30.0
    drain_delay_s: float = 0.0
    cancel_grace_s: float = 5.0
    shutdown_s: float = 3.0
    ws_deflate: bool = False
    ws_message_limit_bytes: int = 32 * 1024 * 1024
    ws_ping_interval_s: float = 20.0
    ws_ping_timeout_s: float = 20.0

    @property
    def stop_s(self) -> float:
        """Seconds from SIGTERM until a worker that still runs is killed."""
        return self.drain_delay_s + self.drain_s + self.cancel_grace_s + self.shutdown_s

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> ServerLimits:
        """
        Read every `GATEWAY_*` variable that concerns the server; an unset or empty one keeps its default.

        Errors: LimitError.
        """
        read = _Reader(environ)
        default = cls()
        max_requests = read.count("GATEWAY_MAX_REQUESTS", default.max_requests)
        return cls(
            bind=tuple(part.strip() for part in read.text("GATEWAY_BIND", ",".join(default.bind)).split(",") if part.strip()),
            worker_count=read.count("GATEWAY_WORKERS", 0) or min(len(os.sched_getaffinity(0)), _CORES_USED_BY_DEFAULT),
            worker_timeout_s=read.count("GATEWAY_WORKER_TIMEOUT_S", default.worker_timeout_s),
            max_requests=max_requests,
            max_requests_jitter=read.count("GATEWAY_MAX_REQUESTS_JITTER", max_requests // 10),
            head_limit_bytes=read.count("GATEWAY_HEAD_LIMIT_BYTES", default.head_limit_bytes, minimum=1024),
            head_timeout_s=read.seconds("GATEWAY_HEAD_TIMEOUT_S", default.head_timeout_s, is_positive=True),
            idle_connection_s=read.count("GATEWAY_IDLE_CONNECTION_S", default.idle_connection_s, minimum=1),
            write_timeout_s=read.seconds("GATEWAY_WRITE_TIMEOUT_S", default.write_timeout_s, is_positive=True),
            drain_s=read.seconds("GATEWAY_DRAIN_S", default.drain_s),
            drain_delay_s=read.seconds("GATEWAY_DRAIN_DELAY_S", default.drain_delay_s),
            cancel_grace_s=read.seconds("GATEWAY_CANCEL_GRACE_S", default.cancel_grace_s, is_positive=True),
            ws_deflate=read.flag("GATEWAY_WS_DEFLATE", default.ws_deflate),
            ws_message_limit_bytes=read.count("GATEWAY_WS_MESSAGE_LIMIT_BYTES", default.ws_message_limit_bytes, minimum=1024),
            ws_ping_interval_s=read.seconds("GATEWAY_WS_PING_INTERVAL_S", default.ws_ping_interval_s, is_positive=True),
            ws_ping_timeout_s=read.seconds("GATEWAY_WS_PING_TIMEOUT_S", default.ws_ping_timeout_s, is_positive=True),
        )


@dataclass(frozen=True, slots=True)
class _Reader:
    environ: Mapping[str, str]

    def text(self, name: str, default: str) -> str:
        return self.environ.get(name, "").strip() or default

    def count(self, name: str, default: int, *, minimum: int = 0) -> int:
        text = self.text(name, str(default))
        if not text.isascii() or not text.isdecimal() or int(text) < minimum:
            raise LimitError(f"{name}={text} is not usable. Set a whole number of {minimum} or more.")
        return int(text)

    def seconds(self, name: str, default: float, *, is_positive: bool = False) -> float:
        text = self.text(name, str(default))
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or value < 0 or (is_positive and value == 0):
            raise LimitError(f"{name}={text} is not usable. Set a number of seconds {'above' if is_positive else 'from'} 0.")
        return value

    def flag(self, name: str, default: bool) -> bool:
        text = self.text(name, str(default)).lower()
        if text not in _TRUE + _FALSE:
            raise LimitError(f"{name}={text} is not usable. Set true or false.")
        return text in _TRUE
