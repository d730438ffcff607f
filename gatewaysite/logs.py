"""
One form of log for every process: a JSON object a line on standard error, with the time in UTC.

Rules: what is logged is chosen field by field by the caller; no request, header or body is ever passed in whole.
"""

from __future__ import annotations

import logging
import logging.config
from typing import Any

import structlog
from structlog.typing import Processor

from common.secret import Secret

_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
]


def _as_text(value: object) -> str:
    return "***" if isinstance(value, Secret) else str(value)


def log_dict_config(*, level: str) -> dict[str, Any]:
    """Return the `logging.config.dictConfig` form; gunicorn's configuration uses the same one."""
    loggers: dict[str, Any] = {
        "django.request": {"level": "ERROR"},
        "asyncio": {"level": "WARNING"},
        "uvicorn.error": {"level": "WARNING"},
        "uvicorn.access": {"handlers": [], "propagate": False},
        "gunicorn.error": {"level": level},
        "gunicorn.access": {"handlers": [], "propagate": False},
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.JSONRenderer(default=_as_text),
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": loggers,
    }


def logging_config(*, level: str) -> None:
    """Set up structlog and the standard library's logging for this process."""
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(log_dict_config(level=level))
