"""The headers of every answer."""

from __future__ import annotations

import datetime as dt
import math
from functools import lru_cache

from common.money import dump_usd
from proxy.exchange import CacheResult, Exchange, Headers
from proxy.limiter import Reservation
from proxy.wire.dialect import Dialect

JSON_HEADERS: Headers = [(b"content-type", b"application/json")]
STREAM_HEADERS: Headers = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]
_EVENT_STREAM = b"text/event-stream"
_YEAR_S = 366 * 86_400


def reply_headers(content_type: bytes) -> Headers:
    """Return the headers that an answer of this type has whoever gave it."""
    return list(STREAM_HEADERS) if content_type.startswith(_EVENT_STREAM) else [(b"content-type", content_type)]


def exchange_headers(exchange: Exchange, revision: int | None, process_s: float | None = None) -> Headers:
    """
    Return the request's id, the times so far and the revision of the configuration that was used.

    `process_s` is what it took to make the answer, where that is known apart from the time it waited.
    """
    request_id = exchange.request_id.encode()
    elapsed_s = exchange.timings.elapsed_s()
    spent = exchange.timings.stages_ms
    elapsed_ms = elapsed_s * 1e3
    headers = [
        (b"x-request-id", request_id),
        (b"request-id", request_id),
        (b"x-response-time", b"%.2fms" % elapsed_ms),
        (b"x-process-time", b"%.6f" % (elapsed_s if process_s is None else process_s)),
        (b"server-timing", _timing_form(tuple(spent)) % (*spent.values(), elapsed_ms)),
    ]
    if revision is not None:
        headers.append((b"x-gateway-revision", b"%d" % revision))
    return headers


@lru_cache(maxsize=256)
def _timing_form(stages: tuple[str, ...]) -> bytes:
    return b", ".join([b"%b;dur=%%.2f" % stage.encode() for stage in (*stages, "total")])


def limit_headers(reservation: Reservation, dialect: Dialect) -> Headers:
    """Return what the tightest limits of requests and of tokens have left, nothing where none binds."""
    headers: Headers = []
    name = _anthropic_limit if dialect.name == "anthropic" else _openai_limit
    requests, tokens = reservation.show()
    if requests[0]:
        headers += name(b"requests", *requests)
    if tokens[0]:
        headers += name(b"tokens", *tokens)
    return headers


_OPENAI_LIMITS = {
    unit: tuple(b"x-ratelimit-%b-%b" % (what, unit) for what in (b"limit", b"remaining", b"reset")) for unit in (b"requests", b"tokens")
}


def _openai_limit(unit: bytes, limit_count: int, remaining_count: int, full_after_s: float) -> Headers:
    limit, remaining, reset = _OPENAI_LIMITS[unit]
    return [(limit, b"%d" % limit_count), (remaining, b"%d" % remaining_count), (reset, format_duration(full_after_s).encode())]


def _anthropic_limit(unit: bytes, limit_count: int, remaining_count: int, full_after_s: float) -> Headers:
    full_at = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=min(math.ceil(full_after_s), _YEAR_S))
    prefix = b"anthropic-ratelimit-" + unit
    return [
        (prefix + b"-limit", b"%d" % limit_count),
        (prefix + b"-remaining", b"%d" % remaining_count),
        (prefix + b"-reset", full_at.strftime("%Y-%m-%dT%H:%M:%SZ").encode()),
    ]


def cache_headers(result: CacheResult) -> Headers:
    """Return how the cache answered, nothing when it was not asked."""
    return [(b"x-cache", result.encode())] if result else []


def format_duration(seconds: float) -> str:
    """Return a duration as OpenAI writes it: `12ms`, `1s`, `6m0s`, `1h0m0s`."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    whole = math.ceil(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes}m{left}s"
    return f"{minutes}m{left}s" if minutes else f"{left}s"


def attempt_headers(backend: str, attempts_count: int) -> Headers:
    return [(b"x-gateway-backend", backend.encode()), (b"x-gateway-attempts", b"%d" % attempts_count)]


def cost_header(cost_nano_usd: int) -> tuple[bytes, bytes]:
    return (b"x-gateway-cost-usd", dump_usd(cost_nano_usd).encode())
