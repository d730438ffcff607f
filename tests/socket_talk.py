"""WebSockets of an installation, as a client of the `websockets` package has them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.http_talk import PATIENCE_S, bearer


@contextmanager
def open_socket(port: int, key: str | None = None, path: str = "/ws/v1/stream", **options: Any) -> Iterator[ClientConnection]:
    """Open a WebSocket, with the key in the header if there is one."""
    if key is not None:
        options["additional_headers"] = bearer(key)
    with connect(f"ws://127.0.0.1:{port}{path}", open_timeout=PATIENCE_S, close_timeout=PATIENCE_S, proxy=None, **options) as socket:
        yield socket


def say(socket: ClientConnection, **message: Any) -> None:
    socket.send(json.dumps(message))


def hear(socket: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(socket.recv(PATIENCE_S))
    return message
