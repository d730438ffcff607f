"""Which WebSocket goes where."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

from channels.routing import URLRouter
from django.urls import path, re_path

from gatewaysite.console_sockets import Run, find_keys_of_session
from gatewaysite.env import read
from proxy.asgi_types import Receive, Scope, Send
from proxy.consumers import SocketBounds, StreamConsumer
from proxy.edge import FrontDoor

Router = Callable[[Scope, Receive, Send], Awaitable[None]]


def create_router(door: Callable[[], Awaitable[FrontDoor]], otherwise: Router, run: Run) -> Router:
    """
    Return the application of every WebSocket.

    `door` gives the worker's front door; `otherwise` takes the paths that nobody knows; `run` runs a blocking read of the console's tables.
    """
    bounds = SocketBounds(
        read("GATEWAY_WS_AUTH_TIMEOUT_S"),
        read("GATEWAY_WS_IDLE_TIMEOUT_S"),
        read("GATEWAY_WS_IN_FLIGHT_COUNT"),
    )
    stream: Any = StreamConsumer.as_asgi(door=door, bounds=bounds, find_keys=lambda scope: find_keys_of_session(scope, run))
    last: Any = otherwise
    routes: Any = [path("ws/v1/stream", stream), re_path("", last)]  # Django types views, Channels applications
    return cast("Router", URLRouter(routes))
