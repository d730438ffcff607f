"""The headers of every answer."""

from __future__ import annotations

import math

from proxy.exchange import Exchange, Headers
from proxy.limiter import Reservation

JSON_HEADERS: Headers = [(b"content-type", b"application/json")]
STREAM_HEADERS: Headers = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]
_NANO = 1_000_000_000


def exchange_headers(exchange: Exchange, revision: int | None) -> Headers:
    """Return the request's id, the times so far and the revision of the configuration that was used."""
    request_id = str(exchange.request_id).encode()
    elapsed_s = exchange.timings.elapsed_s()
    stages = [f"{stage};dur={spent_s * 1e3:.2f}" for stage, spent_s in exchange.timings.stages_s.items()]
    stages.append(f"total;dur={elapsed_s * 1e3:.2f}")
    headers = [
        (b"x-request-id", request_id),
        (b"request-id", request_id),
        (b"x-response-time", b"%.2fms" % (elapsed_s * 1e3)),
        (b"x-process-time", b"%.6f" % elapsed_s),
        (b"server-timing", ", ".join(stages).encode()),
    ]
    if revision is not None:
        headers.append((b"x-gateway-revision", b"%d" % revision))
    return headers


def limit_headers(reservation: Reservation) -> Headers:
    """Return what the tightest limit has left, nothing when none binds."""
    if not reservation.limit_count:
        return []
    return [
        (b"x-ratelimit-limit-requests", b"%d" % reservation.limit_count),
        (b"x-ratelimit-remaining-requests", b"%d" % reservation.remaining_count),
        (b"x-ratelimit-reset-requests", format_duration(reservation.full_after_s).encode()),
    ]


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
    return (b"x-gateway-cost-usd", b"%d.%09d" % divmod(cost_nano_usd, _NANO))
