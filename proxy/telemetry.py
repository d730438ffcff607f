"""
Every metric of the data plane, named once.

Rules: label values come from closed sets (routes, backends, error codes), never from what a caller wrote; label sets are bound once
and kept, because binding costs as much as counting. Names and units: docs/reference/metrics.md.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from proxy.tally import CounterTally, HistogramTally

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 5.0)
_FINE_SECONDS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, *_SECONDS)
_LONG_SECONDS: Final = (*_SECONDS, 10.0, 30.0, 60.0, 120.0)

HTTP_REQUESTS = Counter("http_requests_total", "Requests answered by the data plane.", ["route", "method", "status_code"])
REQUEST_DURATION = Histogram(
    "request_duration_seconds", "Time from the request's head to the end of its answer.", ["route"], buckets=_LONG_SECONDS
)
GATEWAY_OVERHEAD = Histogram(
    "gateway_overhead_seconds", "Time a request spent in the gateway, the upstream's taken off.", buckets=_FINE_SECONDS
)
ERRORS = Counter("errors_total", "Requests that ended in an error, by its code.", ["kind"])
RATE_LIMIT_DROPPED = Counter("rate_limit_dropped_total", "Requests refused by a limit.", ["scope", "unit"])
RATE_LIMIT_SHADOW = Counter("rate_limit_shadow_total", "Requests that a limit in shadow mode would have refused.", ["scope", "unit"])
CACHE_HITS = Counter("cache_hits_total", "Look-ups that a cache answered.", ["cache_type"])
CACHE_MISSES = Counter("cache_misses_total", "Look-ups that a cache could not answer.", ["cache_type"])
UPSTREAM_ERRORS = Counter("upstream_errors_total", "Attempts that an upstream did not answer.", ["backend", "kind"])
MODEL_LATENCY = Histogram(
    "model_latency_seconds", "Time an upstream took for its whole answer.", ["provider", "model"], buckets=_LONG_SECONDS
)
TIME_TO_FIRST_TOKEN = Histogram("time_to_first_token_seconds", "Time to the first content of a stream.", buckets=_LONG_SECONDS)
TOKENS = Counter("tokens_total", "LLM tokens, as the upstream counted them.", ["model", "direction"])
COST = Counter("cost_nano_usd_total", "Cost of answers in nano-dollars.", ["model"])
UNPRICED_REQUESTS = Counter("unpriced_requests_total", "Requests sent to a target without a price, counted as free.", ["model", "backend"])
GUARDRAIL_VERDICTS = Counter(
    "guardrail_verdicts_total", "Times a guardrail rule had something to say.", ["policy", "rule", "action", "mode", "result"]
)
GUARDRAIL_DURATION = Histogram("guardrail_duration_seconds", "Time that guardrails looked at texts.", ["phase"], buckets=_FINE_SECONDS)
ACTIVE_STREAMS = Gauge("active_streams", "Streams being answered.", multiprocess_mode="livesum")
ACTIVE_WEBSOCKETS = Gauge("active_websockets", "Open WebSockets.", multiprocess_mode="livesum")
WEBSOCKET_MESSAGES = Counter("websocket_messages_total", "Messages over WebSockets.", ["direction"])
REST_ANSWERS = Counter("rest_answers_total", "GETs under /api by how the cache answered: HIT, MISS, STALE, BYPASS.", ["cache"])
REST_DURATION = Histogram(
    "rest_duration_seconds",
    "Time to the head of answers under /api, by how the cache answered.",
    ["cache"],
    buckets=_FINE_SECONDS,
)
SNAPSHOT_REVISION = Gauge("snapshot_revision", "Revision of the configuration that a worker serves from.", multiprocess_mode="livemin")
STORE_UP = Gauge("store_up", "Whether a worker reaches a store.", ["store"], multiprocess_mode="livemin")
DATABASE_POOL_SIZE = Gauge("database_pool_size", "Connections to a database, in use or not.", ["database"], multiprocess_mode="livesum")
DATABASE_POOL_AVAILABLE = Gauge(
    "database_pool_available", "Connections to a database that nobody uses.", ["database"], multiprocess_mode="livesum"
)
DATABASE_POOL_WAITING = Gauge(
    "database_pool_waiting", "Requests that wait for a connection to a database.", ["database"], multiprocess_mode="livesum"
)
DATABASE_POOL_REQUESTS = Counter("database_pool_requests_total", "Times a connection to a database was asked for.", ["database"])
DATABASE_POOL_WAIT_SECONDS = Counter("database_pool_wait_seconds_total", "Time waited for connections to a database.", ["database"])
DATABASE_POOL_TIMEOUTS = Counter("database_pool_timeouts_total", "Times no connection to a database came in time.", ["database"])

_key_cache_hits = CounterTally(CACHE_HITS.labels("api_key"))
_key_cache_misses = CounterTally(CACHE_MISSES.labels("api_key"))
gateway_overhead = HistogramTally(GATEWAY_OVERHEAD)
time_to_first_token = HistogramTally(TIME_TO_FIRST_TOKEN)


@cache
def http_requests(route: str, method: str, status: int) -> CounterTally:
    return CounterTally(HTTP_REQUESTS.labels(route, method, str(status)))


@cache
def request_duration(route: str) -> HistogramTally:
    return HistogramTally(REQUEST_DURATION.labels(route))


@cache
def errors(kind: str) -> CounterTally:
    return CounterTally(ERRORS.labels(kind))


@cache
def upstream_errors(backend: str, kind: str) -> CounterTally:
    return CounterTally(UPSTREAM_ERRORS.labels(backend, kind))


@cache
def rate_limit_dropped(scope: str, unit: str) -> CounterTally:
    return CounterTally(RATE_LIMIT_DROPPED.labels(scope, unit))


@cache
def rate_limit_shadow(scope: str, unit: str) -> CounterTally:
    return CounterTally(RATE_LIMIT_SHADOW.labels(scope, unit))


@cache
def socket_messages(direction: str) -> CounterTally:
    return CounterTally(WEBSOCKET_MESSAGES.labels(direction))


@cache
def model_latency(provider: str, model: str) -> HistogramTally:
    return HistogramTally(MODEL_LATENCY.labels(provider, model))


@cache
def tokens(model: str, direction: str) -> CounterTally:
    return CounterTally(TOKENS.labels(model, direction))


@cache
def cost(model: str) -> CounterTally:
    return CounterTally(COST.labels(model))


@cache
def guardrail_verdicts(policy: str, rule: str, action: str, mode: str, result: str) -> CounterTally:
    return CounterTally(GUARDRAIL_VERDICTS.labels(policy, rule, action, mode, result))


@cache
def guardrail_duration(phase: str) -> HistogramTally:
    return HistogramTally(GUARDRAIL_DURATION.labels(phase))


@cache
def unpriced_requests(model: str, backend: str) -> CounterTally:
    return CounterTally(UNPRICED_REQUESTS.labels(model, backend))


@cache
def rest_answers(status: str) -> CounterTally:
    return CounterTally(REST_ANSWERS.labels(status))


@cache
def rest_duration(status: str) -> HistogramTally:
    return HistogramTally(REST_DURATION.labels(status))


def note_rest_answer(status: str, elapsed_s: float) -> None:
    """`status` is how the cache answered, empty for what is no GET."""
    if status:
        rest_answers(status).inc()
    rest_duration(status or "none").observe(elapsed_s)


def note_key_lookup(is_hit: bool) -> None:
    (_key_cache_hits if is_hit else _key_cache_misses).inc()
