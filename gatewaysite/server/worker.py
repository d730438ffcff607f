"""gunicorn's worker class: uvicorn with our protocols, our server and our place in the crew."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from typing import Any

from gunicorn.arbiter import Arbiter
from uvicorn_worker import UvicornWorker

from gatewaysite.server.berth import Berth
from gatewaysite.server.drain import DrainServer
from gatewaysite.server.limits import ServerLimits
from gatewaysite.server.protocol import GuardedHttp
from gatewaysite.server.websocket import GuardedWebSocket

_BOOT_RETRY_S = 1.0
_EXIT_TO_TRY_AGAIN = 1


class GatewayWorker(UvicornWorker):  # type: ignore[misc]  # gunicorn and uvicorn-worker are not typed
    """
    One worker process. The object is made in the master before the fork.

    `proxy_headers` is off because the application reads `X-Forwarded-For` itself, against its own list of trusted proxies.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.limits = ServerLimits.from_environ(os.environ)
        self.CONFIG_KWARGS = self._config_kwargs(self.limits)
        super().__init__(*args, **kwargs)
        self.berth = Berth()
        self._log_through_root()

    @staticmethod
    def _config_kwargs(limits: ServerLimits) -> dict[str, Any]:
        return {
            "loop": "uvloop",
            "http": GuardedHttp,
            "ws": GuardedWebSocket,
            "ws_max_size": limits.ws_message_limit_bytes,
            "ws_per_message_deflate": limits.ws_deflate,
            "ws_ping_interval": limits.ws_ping_interval_s,
            "ws_ping_timeout": limits.ws_ping_timeout_s,
            "lifespan": "on",
            "interface": "asgi3",
            "access_log": False,
            "proxy_headers": False,
            "server_header": False,
        }

    @staticmethod
    def _log_through_root() -> None:
        # uvicorn-worker copied the handlers of gunicorn's logger and cut the way to the root, where our one handler is.
        log = logging.getLogger("uvicorn.error")
        log.handlers = []
        log.propagate = True
        log.setLevel(logging.WARNING)
        log.addFilter(_is_no_cancellation)

    async def _serve(self) -> None:
        self.config.app = self.wsgi
        server = DrainServer(self.config, self.limits, self.berth, self.ppid)
        # gunicorn sends SIGQUIT for a quick stop; uvicorn-worker's handler sets a flag that uvicorn never reads.
        asyncio.get_running_loop().add_signal_handler(signal.SIGQUIT, server.quit)
        # uvloop detaches a plain socket when it closes it; gunicorn's wrapper it would close a second time, which may hit
        # whatever got the same file descriptor in between.
        sockets = [listener.sock for listener in self.sockets]
        try:
            await server.serve(sockets=sockets)
        except SystemExit:
            if server.started:
                raise
        if not server.started:
            self._fail_to_boot()

    def _fail_to_boot(self) -> None:
        """
        Exit so that the master stops, if this is one of its first workers, or tries again.

        gunicorn stops all workers when one does not boot. At the start that shows a wrong configuration; later it would turn
        a store that is away for a moment, just when a worker is replaced, into an outage.
        """
        if self.age <= self.cfg.workers:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)
        time.sleep(_BOOT_RETRY_S)
        sys.exit(_EXIT_TO_TRY_AGAIN)


def _is_no_cancellation(record: logging.LogRecord) -> bool:
    """Drop the traceback that uvicorn logs for every handler we cancel; `DrainServer` logs how many there were."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))
