"""Runs the simulator under uvicorn: binds the port, says where it listens in one line of JSON, stops cleanly on SIGTERM and Ctrl-C."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator

import uvicorn

from proxy.simulator.app import Simulator

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8081
_BACKLOG = 2048


class SimulatorServer(uvicorn.Server):
    """Uvicorn that breaks off running answers when it stops, and for which a stop that was asked for is a success."""

    def __init__(self, simulator: Simulator, *, timeout_graceful_shutdown: int = 1) -> None:
        config = uvicorn.Config(
            simulator,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=timeout_graceful_shutdown,
            backlog=_BACKLOG,
        )
        super().__init__(config)
        self._simulator = simulator

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._simulator.stop()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals as uvicorn does, but without raising them again at the end: the process would die of what it just obeyed."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def serve(host: str = DEFAULT_HOST, port: int = DEFAULT_PORT, required_key: str | None = None) -> None:
    """
    Run the simulator until SIGTERM or SIGINT; port 0 takes a free one.

    Writes one line of JSON to standard output when it listens: `{"event": "simulator.started", "base_url": ..., "port": ..., "pid": ...}`.
    Errors: OSError where the port cannot be bound.
    """
    listener = open_listener(host, port)
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    _announce(host, listener.getsockname()[1])
    SimulatorServer(Simulator(required_key)).run(sockets=[listener])


def open_listener(host: str, port: int) -> socket.socket:
    """Return a listening socket. Connections wait in it until the server is up. Errors: OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)


def _announce(host: str, port: int) -> None:
    name = f"[{host}]" if ":" in host else host
    line = {"event": "simulator.started", "base_url": f"http://{name}:{port}", "host": host, "port": port, "pid": os.getpid()}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _is_news(record: logging.LogRecord) -> bool:
    # An answer that is cut on purpose ends in this complaint, each time.
    return "without completing response" not in record.getMessage() and "without starting response" not in record.getMessage()
