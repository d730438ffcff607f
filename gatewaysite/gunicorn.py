"""
The configuration of gunicorn: `gunicorn --config python:gatewaysite.gunicorn`, which is what `manage.py serve` becomes.

Names in lower case are gunicorn's settings and hooks (https://docs.gunicorn.org/en/stable/settings.html); numbers come from
`ServerLimits`. Not used on purpose: `max_requests` (the worker stops accepting before a replacement runs; see
`gatewaysite/server/crew.py`) and the control socket (it lies in the user's home, so two installations share it).
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import logging
import math
import os
import signal
import sys
from pathlib import Path
from typing import Any

from gatewaysite.logs import log_dict_config
from gatewaysite.server.crew import Crew, release_signals
from gatewaysite.server.limits import ServerLimits

_PR_SET_PDEATHSIG = 1
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the heartbeat file there is opened by mkstemp and unlinked at once
_libc = ctypes.CDLL(None, use_errno=True)
_limits = ServerLimits.from_environ(os.environ)


def _metrics_folder() -> Path | None:
    name = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(name) if name else None


def _log_config() -> dict[str, Any]:
    level = os.environ.get("LOG_LEVEL", "INFO").upper()
    config = log_dict_config(level=level)
    # gunicorn cuts its logger off from the root, where the one handler of the product is; the settings clear all others.
    config["loggers"]["gunicorn.error"] = {"level": level, "propagate": True}
    return config


wsgi_app = "gatewaysite.asgi:application"
bind = list(_limits.bind)
workers = _limits.worker_count
worker_class = "gatewaysite.server.worker.GatewayWorker"
preload_app = True  # 23 instead of 46 MB a worker
keepalive = _limits.idle_connection_s
timeout = _limits.worker_timeout_s  # how long an event loop may stand still
graceful_timeout = math.ceil(_limits.stop_s)
control_socket_disable = True
worker_tmp_dir = str(_SHARED_MEMORY) if os.access(_SHARED_MEMORY, os.W_OK) else None  # a slow disk would stop the heartbeat
logconfig_dict = _log_config()
logging.captureWarnings(True)  # warnings become lines of JSON like all others
accesslog = None

if (_folder := _metrics_folder()) is not None:
    _folder.mkdir(parents=True, exist_ok=True)  # before the application is loaded: prometheus_client opens files on import


def on_starting(server: Any) -> None:
    """Before the first fork: forget the metrics of earlier runs, unless an older master still serves (USR2)."""
    Crew(server).take_over()
    folder = _metrics_folder()
    if folder is None or server.master_pid:
        return
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("*.db"):
        stale.unlink(missing_ok=True)


def when_ready(server: Any) -> None:
    gc.collect()
    gc.freeze()  # what the application loaded stays in pages that the workers share


def post_fork(server: Any, worker: Any) -> None:
    """
    In the worker, first of all: end with the master, whatever kills it.

    Guarantee: a worker never outlives its master by more than its drain; otherwise it would keep the port.
    """
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    release_signals()
    gc.set_threshold(20_000, 20, 20)  # requests leave few cycles; looking for them after each 700 objects costs 2 % and p99
    if os.getppid() != server.pid:  # it died before the kernel knew what we asked for
        sys.exit(0)


def child_exit(server: Any, worker: Any) -> None:
    """In the master, after a worker is gone: its live gauges count no longer. An error here would end the master."""
    if _metrics_folder() is None:
        return
    from prometheus_client.multiprocess import mark_process_dead  # reads its folder from the environment when imported

    with contextlib.suppress(OSError):
        mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
