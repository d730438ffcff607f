"""Every error of the tree in Anthropic's dialect: the words and statuses its SDK has classes for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import get_args

import anthropic
import pytest
from anthropic.types.shared import ErrorType

from proxy.errors import (
    BadRequest,
    BodyTimeout,
    BudgetSpent,
    ContentFiltered,
    GatewayError,
    IdempotencyConflict,
    InternalError,
    InvalidApiKey,
    MethodNotAllowed,
    ModelNotAllowed,
    ModelNotFound,
    NoHealthyBackend,
    NotCached,
    NotFound,
    Overloaded,
    RateLimited,
    RequestTooLarge,
    UnsupportedMediaType,
    UpstreamBroken,
    UpstreamCredentialRejected,
    UpstreamRefused,
    UpstreamTimeout,
)
from proxy.limiter import Reservation
from proxy.wire.errors import anthropic_status, dump_anthropic_error, dump_anthropic_stream_error


@pytest.mark.parametrize(
    ("error", "status", "word"),
    [
        (BadRequest("no", param="x"), 400, "invalid_request_error"),
        (ContentFiltered(), 400, "invalid_request_error"),
        (InvalidApiKey(), 401, "authentication_error"),
        (ModelNotAllowed(), 403, "permission_error"),
        (ModelNotFound(), 404, "not_found_error"),
        (NotFound(), 404, "not_found_error"),
        (MethodNotAllowed("POST"), 405, "invalid_request_error"),
        (BodyTimeout(), 408, "invalid_request_error"),
        (IdempotencyConflict(), 409, "conflict_error"),
        (RequestTooLarge(), 413, "request_too_large"),
        (UnsupportedMediaType(), 415, "invalid_request_error"),
        (RateLimited(retry_after_s=1, reservation=Reservation()), 429, "rate_limit_error"),
        (BudgetSpent(retry_after_s=1, reservation=Reservation(), details={"limit": "l"}), 429, "billing_error"),
        (InternalError(), 500, "api_error"),
        (UpstreamBroken(), 502, "api_error"),
        (UpstreamCredentialRejected(), 502, "api_error"),
        (NoHealthyBackend(), 503, "api_error"),
        (Overloaded(), 529, "overloaded_error"),
        (UpstreamTimeout(), 504, "timeout_error"),
        (NotCached(), 504, "invalid_request_error"),
        (UpstreamRefused(429, "slow", error_type="tokens"), 429, "rate_limit_error"),
        (UpstreamRefused(429, "pay", error_type="insufficient_quota", upstream_code="insufficient_quota"), 429, "billing_error"),
        (UpstreamRefused(402, "pay"), 402, "billing_error"),
        (UpstreamRefused(404, "model: x", error_type="not_found_error"), 404, "not_found_error"),
        (UpstreamRefused(422, "bad", error_type="unprocessable"), 422, "invalid_request_error"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, GatewayError) else str(value),
)
def test_an_error_has_its_word_and_status(error, status, word):
    body = json.loads(dump_anthropic_error(error, "req_1"))

    assert anthropic_status(error) == status
    assert (body["type"], body["request_id"], body["error"]["type"]) == ("error", "req_1", word)
    assert body["error"]["message"] == error.public_message


def _classes(parent: type[GatewayError] = GatewayError) -> Iterator[type[GatewayError]]:
    for child in parent.__subclasses__():
        yield from _classes(child)
        if child.__module__ == "proxy.errors" and child not in {BudgetSpent, MethodNotAllowed, RateLimited, UpstreamRefused}:
            yield child


@pytest.mark.parametrize("kind", list(_classes()), ids=lambda kind: kind.__name__)
def test_every_error_of_ours_has_a_word_of_the_dialect(kind):
    body = json.loads(dump_anthropic_error(kind(), "req_1"))

    assert body["error"]["type"] in {*get_args(ErrorType), "request_too_large"}


def test_the_code_is_where_the_sdk_reads_it_and_the_parameter_beside_the_message():
    body = json.loads(dump_anthropic_error(BadRequest("no", param="tools[0]"), ""))

    assert body == {
        "type": "error",
        "error": {
            "type": "invalid_request_error",
            "message": "no",
            "param": "tools[0]",
            "details": {"error_code": "invalid_request"},
        },
    }


def test_what_an_error_carries_is_in_its_details():
    error = BudgetSpent(retry_after_s=1, reservation=Reservation(), details={"limit": "daily", "spent_nano_usd": 5})

    details = json.loads(dump_anthropic_error(error, ""))["error"]["details"]

    assert details == {"error_code": "insufficient_quota", "limit": "daily", "spent_nano_usd": 5}


def test_a_refusal_without_a_code_of_the_provider_has_no_details():
    assert json.loads(dump_anthropic_error(UpstreamRefused(400, "no"), "r"))["error"] == {"type": "invalid_request_error", "message": "no"}


def test_a_stream_ends_with_one_error_event():
    sent = dump_anthropic_stream_error(UpstreamBroken("cut"), "req_1")

    name, data = sent.removesuffix(b"\n\n").split(b"\n")
    assert name == b"event: error"
    assert json.loads(data.removeprefix(b"data: ")) == {
        "type": "error",
        "error": {"type": "api_error", "message": "cut", "details": {"error_code": "upstream_error"}},
        "request_id": "req_1",
    }


def test_the_sdk_has_a_class_for_a_busy_gateway():
    assert anthropic.OverloadedError.status_code == anthropic_status(Overloaded())
