"""
Every setting of the product, read once from the environment.

Rules: a setting is declared here, typed, with its unit in its name; a secret may come from `<NAME>_FILE`; docs/reference/settings.md
is generated from this table (`manage.py reference`), so a setting without a sentence cannot exist.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from django.core.exceptions import ImproperlyConfigured

Kind = Literal["str", "int", "float", "bool", "list", "path"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable of the environment: its type, what holds without it, and a sentence for the operator."""

    name: str
    kind: Kind
    default: Any
    help: str
    is_secret: bool = False


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "DATABASE_URL",
        "str",
        "",
        "PostgreSQL 15 or later, `postgres://user:password@host/name`.",
        True,
    ),
    Setting(
        "DATABASE_BEHIND_POOLER",
        "bool",
        False,
        "A pooler in transaction mode, such as PgBouncer, stands before the databases: the statement timeout is then the role's.",
    ),
    Setting("DATABASE_POOL_MIN_COUNT", "int", 5, "Connections that a worker keeps open to each database; a command keeps one."),
    Setting("DATABASE_POOL_MAX_COUNT", "int", 20, "Most connections of a worker to each database. Workers of an embedded one share 80."),
    Setting("DATABASE_POOL_IDLE_S", "float", 60.0, "How long a connection beyond the least stays open without work."),
    Setting("DATABASE_POOL_LIFETIME_S", "float", 1800.0, "Age at which a connection is replaced."),
    Setting("DATABASE_POOL_TIMEOUT_S", "float", 3.0, "How long a request waits for a connection before it is answered 503."),
    Setting("DATABASE_STATEMENT_TIMEOUT_S", "float", 10.0, "How long a statement of a worker may run; 0: as long as it takes."),
    Setting(
        "DATABASE_REPLICA_URLS",
        "list",
        [],
        "Streaming replicas of DATABASE_URL, which answer lists and reports of workspaces that did not just write. Unset: none.",
        True,
    ),
    Setting(
        "DATABASE_SHARD_URLS",
        "list",
        [],
        "Databases that items, signals and usage are spread over by workspace; order and number decide where. Unset: all in DATABASE_URL.",
        True,
    ),
    Setting("REDIS_URL", "str", "", "Redis or Valkey 7 or later with `noeviction`.", True),
    Setting("CACHE_REDIS_URL", "str", "", "Redis or Valkey for cached answers, with `allkeys-lru`. Unset: the one of REDIS_URL.", True),
    Setting("GATEWAY_DATA_DIR", "path", "var", "Folder for what must survive a restart: spool, snapshot, embedded stores, logs."),
    Setting("GATEWAY_MODELS_DIR", "str", "", "Folder of the local embedding models. Unset: `models` in the data folder."),
    Setting("GATEWAY_ROLE", "str", "all", "What this process serves: `all`, `proxy` (the data plane) or `console` (admin and REST)."),
    Setting("SECRET_KEY", "str", "", "Django's signing key. Unset: the one that `manage.py up` keeps in the data folder.", True),
    Setting("GATEWAY_KEY_PEPPER", "str", "", "Server half of the API key digest. Changing it invalidates every API key.", True),
    Setting(
        "GATEWAY_ENCRYPTION_KEYS",
        "list",
        [],
        "`id:base64` pairs of 32-byte keys that encrypt credentials at rest; the first encrypts, all decrypt.",
        True,
    ),
    Setting("DEBUG", "bool", False, "Django's debug pages. Never in production."),
    Setting("ALLOWED_HOSTS", "list", ["*"], "Host names that the console answers to. Set it in production."),
    Setting("CSRF_TRUSTED_ORIGINS", "list", [], "Origins that may post to the console when it is behind a TLS proxy."),
    Setting("GATEWAY_HTTPS_ONLY", "bool", False, "The console is reached over TLS only: secure cookies, HSTS and redirects."),
    Setting("SQL_ECHO", "bool", False, "Log every query of the control plane with its duration."),
    Setting("LOG_LEVEL", "str", "INFO", "Lowest level that is logged."),
    Setting("GATEWAY_TRUSTED_PROXIES", "list", [], "Networks whose `X-Forwarded-For` is believed."),
    Setting("GATEWAY_ALLOW_PRIVATE_UPSTREAMS", "list", [], "Private networks that upstreams may live in; `manage.py up` allows loopback."),
    Setting("GATEWAY_API_DOCS", "bool", True, "Serve the description of the REST API at `/api/schema` and its page at `/api/docs`."),
    Setting("GATEWAY_CORS_ORIGINS", "list", [], "Origins whose pages may call the APIs from a browser; `*`: all. Unset: none."),
    Setting("GATEWAY_BODY_LIMIT_BYTES", "int", 32 * 1024 * 1024, "Largest request body."),
    Setting("GATEWAY_JSON_DEPTH_COUNT", "int", 64, "Deepest nesting of a JSON body."),
    Setting("GATEWAY_CONCURRENCY_COUNT", "int", 1000, "Requests in flight per worker; more are answered 503."),
    Setting(
        "GATEWAY_KEY_CACHE_COUNT",
        "int",
        10_000,
        "API keys that a worker remembers, and as many unknown ones.",
    ),
    Setting("GATEWAY_REPLY_CACHE_BYTES", "int", 64 * 1024 * 1024, "Memory of a worker for cached answers; Redis has them for all workers."),
    Setting("GATEWAY_REST_CACHE_BYTES", "int", 32 * 1024 * 1024, "Memory of a worker for cached answers of /api; Redis has them for all."),
    Setting("GATEWAY_KEY_CACHE_TTL_S", "float", 300.0, "How long a worker remembers a known API key."),
    Setting("GATEWAY_KEY_NEGATIVE_TTL_S", "float", 10.0, "How long a worker remembers that an API key is unknown."),
    Setting("GATEWAY_REVISION_POLL_S", "float", 2.0, "How often a worker asks PostgreSQL for changes besides listening to Redis."),
    Setting("GATEWAY_KEEPALIVE_S", "float", 15.0, "Silence on a stream after which a keepalive comment is sent."),
    Setting("GATEWAY_SLOW_OVERHEAD_MS", "float", 100.0, "Gateway time above which a request is logged as `slow_request`."),
    Setting("GATEWAY_SLOW_TOTAL_MS", "float", 2000.0, "Total time above which a request is logged as `slow_request`."),
    Setting("GATEWAY_USAGE_RETENTION_DAYS", "int", 90, "Days that usage records are kept; rollups stay."),
    Setting("GATEWAY_SIGNAL_RETENTION_DAYS", "int", 90, "Days that signals are kept, and how old one may be that is sent."),
    Setting(
        "GATEWAY_TIMESCALE",
        "str",
        "auto",
        "How signals are kept: `auto` (TimescaleDB where PostgreSQL has it when the tables are made), `on` (or not at all), `off`.",
    ),
    Setting("GATEWAY_SPOOL_FILE_BYTES", "int", 4 * 1024 * 1024, "Size at which a worker starts a new spool file."),
    Setting("GATEWAY_BIND", "str", "127.0.0.1:8000", "Address that `manage.py serve` listens on."),
    Setting("GATEWAY_WORKERS", "int", 0, "Worker processes; 0: one per core, at most 4."),
    Setting("GATEWAY_DRAIN_S", "float", 30.0, "How long a stopping worker lets running streams finish."),
    Setting("GATEWAY_DRAIN_DELAY_S", "float", 0.0, "How long `/readyz` is false before a stopping worker closes its port."),
    Setting("GATEWAY_MAX_REQUESTS", "int", 0, "Requests after which a worker is replaced; 0: never."),
    Setting("GATEWAY_MAX_REQUESTS_JITTER", "int", 0, "Spread of that number between workers; 0: a tenth of it."),
    Setting("GATEWAY_HEAD_LIMIT_BYTES", "int", 65_536, "Largest request line and headers."),
    Setting("GATEWAY_HEAD_TIMEOUT_S", "float", 5.0, "How long a request's line and headers may take to arrive."),
    Setting("GATEWAY_BODY_TIMEOUT_S", "float", 60.0, "How long a request's body may take to arrive."),
    Setting("GATEWAY_WRITE_TIMEOUT_S", "float", 30.0, "How long a peer may take nothing of its answer before it is dropped."),
    Setting("GATEWAY_IDLE_CONNECTION_S", "int", 75, "How long a kept-alive connection may stay without a request."),
    Setting("GATEWAY_CANCEL_GRACE_S", "float", 5.0, "Time that streams have for their error frame once the drain is over."),
    Setting("GATEWAY_WORKER_TIMEOUT_S", "int", 60, "How long a worker's event loop may stand still before it is replaced."),
    Setting("GATEWAY_WS_DEFLATE", "bool", False, "Compress WebSocket messages: less traffic for 40 KB and 4 us a chunk more."),
    Setting("GATEWAY_WS_MESSAGE_LIMIT_BYTES", "int", 32 * 1024 * 1024, "Largest WebSocket message."),
    Setting("GATEWAY_WS_AUTH_TIMEOUT_S", "float", 5.0, "How long a WebSocket may be open before it names its API key."),
    Setting("GATEWAY_WS_IDLE_TIMEOUT_S", "float", 300.0, "How long a WebSocket may stay open without a message or a running request."),
    Setting("GATEWAY_WS_IN_FLIGHT_COUNT", "int", 32, "Requests that may run at once on one WebSocket."),
    Setting("GATEWAY_WS_PING_INTERVAL_S", "float", 20.0, "Time between pings on a WebSocket."),
    Setting("GATEWAY_WS_PING_TIMEOUT_S", "float", 20.0, "How long a pong may take."),
)
_BY_NAME = {setting.name: setting for setting in SETTINGS}


def read(name: str) -> Any:
    """
    Return the value of a declared setting, from `<NAME>`, from the file that `<NAME>_FILE` names, or its default.

    An empty value is none. Space around a value is not part of it: editors and `echo` end a file with a newline.
    Errors: KeyError for a name that is not declared; ImproperlyConfigured for a value of the wrong type and a file that cannot be read.
    """
    setting = _BY_NAME[name]
    text = os.environ.get(name, "").strip() or _read_file(f"{name}_FILE")
    if not text:
        return Path(setting.default) if setting.kind == "path" else setting.default
    try:
        return _PARSERS[setting.kind](text)
    except (ValueError, KeyError):
        raise ImproperlyConfigured(f"{name}={text} is not usable. Set {_EXPECTED[setting.kind]}.") from None


def _read_file(name: str) -> str:
    path = os.environ.get(name, "")
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(f"{name}={path} cannot be read: {error}") from error


def _parse_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    return value


def _parse_bool(text: str) -> bool:
    return {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}[text.lower()]


def _parse_list(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


_PARSERS: dict[Kind, Callable[[str], Any]] = {
    "str": str,
    "int": int,
    "float": _parse_float,
    "bool": _parse_bool,
    "list": _parse_list,
    "path": Path,
}
_EXPECTED = {"int": "a whole number", "float": "a number", "bool": "true or false"}
