"""
The embedded Valkey: started under us on a Unix socket, with an append-only file written out every second.

Rules: the caller holds the lock of the data folder and calls from the main thread. Without that lock two Valkeys would write one file:
unlike PostgreSQL the second one starts, and takes the socket over.
"""

from __future__ import annotations

import signal
import socket
import time
from pathlib import Path

from gatewaysite.services.binaries import find_valkey
from gatewaysite.services.child import LoggedChild
from gatewaysite.services.errors import ServiceError
from gatewaysite.services.paths import DataDir

_READY_POLL_S = 0.005
_READY_TIMEOUT_S = 120.0  # a big append-only file is read before the first answer
_REPLY_TIMEOUT_S = 5.0
_ORPHAN_TIMEOUT_S = 15.0
_STOP_STEPS = ((signal.SIGTERM, 20.0),)


class Valkey:
    """Valkey on the folder of one installation."""

    def __init__(self, data_dir: DataDir) -> None:
        self._data_dir = data_dir
        self._log = data_dir.logs / "valkey.log"
        self._child: LoggedChild | None = None

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    def is_running(self) -> bool:
        return self._child is not None and self._child.is_running()

    def launch(self, *, fsync: bool = True) -> None:
        """
        Start the server. Without `fsync` a crash of the machine may lose more than the last second.

        Errors: ServiceError when another Valkey answers on our socket and does not stop.
        """
        _end_orphan(self._data_dir.valkey_socket)
        place = ["--port", "0", "--unixsocket", str(self._data_dir.valkey_socket), "--unixsocketperm", "700"]
        keep = ["--save", "", "--appendonly", "yes", "--appendfsync", "everysec" if fsync else "no"]
        # The folder is the working directory and not an argument: Valkey reads its arguments as lines of a configuration file.
        argv = [str(find_valkey()), *place, *keep, "--maxmemory-policy", "noeviction", "--daemonize", "no"]
        self._child = LoggedChild("Valkey", argv, log=self._log, death_signal=signal.SIGTERM, cwd=self._data_dir.valkey)

    def wait_ready(self) -> None:
        """
        Return when the server has read its file and answers PING.

        Errors: ServiceError with the end of the log when the server ended or took more than 120 s.
        Cost: about 40 ms with a small file.
        """
        started_at = time.monotonic()
        while not (_call(self._data_dir.valkey_socket, b"PING") or b"").startswith(b"+PONG"):
            if not self.is_running():
                raise self._failure("ended while starting")
            if time.monotonic() - started_at > _READY_TIMEOUT_S:
                raise self._failure(f"was not ready after {_READY_TIMEOUT_S:.0f} s")
            time.sleep(_READY_POLL_S)

    def stop(self) -> None:
        """Stop after the append-only file is on disk. Without a running server does nothing."""
        if self._child is not None:
            self._child.end(_STOP_STEPS)
            self._child = None

    def _failure(self, what: str) -> ServiceError:
        if self._child is None:
            return ServiceError(f"Valkey {what}.")
        failure = self._child.failure(what)
        self.stop()
        return failure


def _call(path: Path, command: bytes) -> bytes | None:
    """Send one command and return the first bytes of its answer: None when nobody listens, empty when nobody answers in time."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_REPLY_TIMEOUT_S)
        try:
            connection.connect(str(path))
            connection.sendall(command + b"\r\n")
            return connection.recv(256)
        except TimeoutError:
            return b""
        except OSError:
            return None


def _end_orphan(path: Path) -> None:
    """End a server whose parent was killed, then remove its socket, so that any answer on it from now on is ours."""
    deadline = time.monotonic() + _ORPHAN_TIMEOUT_S
    while _call(path, b"PING") is not None:
        _call(path, b"SHUTDOWN")
        if time.monotonic() > deadline:
            raise ServiceError(f"Another Valkey listens on {path} and does not stop. End it and start again.")
        time.sleep(_READY_POLL_S)
    path.unlink(missing_ok=True)
