"""
`SQL_ECHO=true`: every query of the control plane in the log, with its duration.

Rules: the text with its placeholders only. Parameters hold digests and sealed credentials, so they are never logged; Django's own
query log fills them in.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import structlog

log = structlog.get_logger(__name__)


def echo_queries(*, connection: Any, **signal: Any) -> None:
    """Receive `connection_created`."""
    if _log_query not in connection.execute_wrappers:
        connection.execute_wrappers.append(_log_query)


def _log_query(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    started_at = time.perf_counter()
    try:
        return execute(sql, params, many, context)
    finally:
        log.info("query", sql=str(sql), duration_ms=round((time.perf_counter() - started_at) * 1e3, 3))
