"""Every error of the tree in the contract's shape: status, four keys, and whether and when to try again."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import BudgetSpent, GatewayError, MethodNotAllowed, Overloaded, RateLimited, UpstreamRefused
from proxy.limiter import Reservation
from proxy.wire.errors import dump_openai_error, dump_openai_stream_error, error_headers

TYPES = {
    400: {"invalid_request_error"},
    401: {"authentication_error"},
    403: {"permission_error"},
    404: {"invalid_request_error"},
    409: {"invalid_request_error"},
    405: {"invalid_request_error"},
    406: {"invalid_request_error"},
    408: {"invalid_request_error"},
    412: {"invalid_request_error"},
    413: {"invalid_request_error"},
    415: {"invalid_request_error"},
    422: {"invalid_request_error"},
    429: {"rate_limit_error", "insufficient_quota"},
    499: {"invalid_request_error"},
    500: {"api_error"},
    502: {"api_error"},
    503: {"api_error"},
    504: {"api_error", "invalid_request_error"},  # the latter: only a cached answer was wanted
}


def _classes(parent: type[GatewayError] = GatewayError) -> Iterator[type[GatewayError]]:
    yield parent
    for child in parent.__subclasses__():
        if child.__module__.startswith("proxy."):
            yield from _classes(child)


def _create(kind: type[GatewayError]) -> GatewayError:
    if kind is MethodNotAllowed:
        return MethodNotAllowed("POST")
    if kind is RateLimited:
        return RateLimited(retry_after_s=1.5, reservation=Reservation())
    if kind is BudgetSpent:
        return BudgetSpent(retry_after_s=60, reservation=Reservation(), details={"limit": "daily", "spent_nano_usd": 5})
    if kind is UpstreamRefused:
        return UpstreamRefused(422, "no")
    return kind()


ERRORS = [pytest.param(_create(kind), id=kind.__name__) for kind in dict.fromkeys(_classes())]


@pytest.mark.parametrize("error", ERRORS)
def test_the_body_has_all_four_keys(error):
    body = json.loads(dump_openai_error(error))

    assert set(body) == {"error"}
    assert set(body["error"]) - {"details"} == {"message", "type", "param", "code"}
    assert isinstance(body["error"]["message"], str)
    assert body["error"]["message"]
    assert body["error"]["type"] in TYPES[error.http_status]
    assert body["error"]["param"] is None
    assert body["error"]["code"] is None or isinstance(body["error"]["code"], str)


@pytest.mark.parametrize("error", ERRORS)
def test_the_stream_frame_is_an_error_and_then_the_end_mark(error):
    first, last, rest = dump_openai_stream_error(error).split(b"\n\n")
    frame = json.loads(first.removeprefix(b"data: "))

    assert set(frame) == {"error", "choices"}
    assert set(frame["error"]) == {"message", "type", "param", "code"}
    assert frame["choices"] == [{"index": 0, "delta": {}, "finish_reason": "error"}]
    assert (last, rest) == (b"data: [DONE]", b"")


@pytest.mark.parametrize("error", ERRORS)
def test_the_headers_say_what_is_known_and_no_more(error):
    names = [name for name, _ in error_headers(error)]

    assert (b"x-should-retry" in names) == (error.is_retryable is not None)
    assert (b"retry-after" in names) == (b"retry-after-ms" in names) == (error.retry_after_s is not None)
    assert (b"allow" in names) == isinstance(error, MethodNotAllowed)
    assert len(names) == len(set(names))


def test_every_code_is_in_the_closed_set_of_its_class():
    codes = {kind.code for kind in _classes()}

    assert all(code.replace("_", "").isalpha() for code in codes)


@pytest.mark.parametrize("text", ['quote " and \\', "line\nbreak\n\ndata: [DONE]\n\n", "\x00", "🔑ü", "</script>"])
def test_a_message_breaks_no_frame(text):
    error = GatewayError(text, param=text)

    assert json.loads(dump_openai_error(error))["error"]["message"] == text
    frames = dump_openai_stream_error(error).split(b"\n\n")
    assert len(frames) == 3
    assert json.loads(frames[0].removeprefix(b"data: "))["error"]["param"] == text


@given(st.floats(min_value=0, max_value=1e6))
def test_who_waits_as_long_as_said_has_waited_long_enough(seconds):
    headers = dict(error_headers(Overloaded(retry_after_s=seconds)))

    assert int(headers[b"retry-after"]) >= seconds
    assert int(headers[b"retry-after-ms"]) / 1000 >= seconds * (1 - 1e-12)
    assert int(headers[b"retry-after"]) <= max(1, math.ceil(seconds))
    assert int(headers[b"retry-after-ms"]) <= max(1, math.ceil(seconds * 1000))


def test_an_upstream_s_refusal_keeps_its_own_words():
    error = UpstreamRefused(400, "too long", error_type="invalid_request_error", param="messages", upstream_code="context_length_exceeded")

    assert json.loads(dump_openai_error(error)) == {
        "error": {"message": "too long", "type": "invalid_request_error", "param": "messages", "code": "context_length_exceeded"}
    }
    assert error.code == "upstream_refused"  # the metric's label stays in the closed set, whatever an upstream writes


def test_an_upstream_s_429_is_a_rate_limit():
    error = UpstreamRefused(429, "slow down", retry_after_s=7)

    assert (error.http_status, error.type, error.code) == (429, "rate_limit_error", "rate_limit_exceeded")
    assert dict(error_headers(error))[b"retry-after"] == b"7"
