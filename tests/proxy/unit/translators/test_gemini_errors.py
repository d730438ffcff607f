"""What Google's errors say."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.translators.providers.gemini import CODEC
from proxy.wire.upstream_error import UpstreamErrorDetail
from tests.proxy.pieces import unhurried
from tests.proxy.provider_help import like

QUOTA = "type.googleapis.com/google.rpc.QuotaFailure"


def quota(quota_id: str) -> list[dict[str, object]]:
    return [{"@type": "other"}, {"@type": QUOTA, "violations": [{"quotaMetric": "requests", "quotaId": quota_id}]}]


@pytest.mark.parametrize(
    ("status", "error", "error_class"),
    [
        (400, {"message": "Invalid value at 'contents[0]'", "status": "INVALID_ARGUMENT"}, ""),
        (
            400,
            {
                "message": "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
                "status": "INVALID_ARGUMENT",
            },
            "context_length",
        ),
        (
            400,
            {"message": "API key not valid.", "status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]},
            "credential",
        ),
        (404, {"message": "models/gemini-9 is not found", "status": "NOT_FOUND"}, "not_found"),
        (429, {"message": "Resource has been exhausted", "status": "RESOURCE_EXHAUSTED"}, "rate_limit"),
        (
            429,
            {"message": "You exceeded your current quota", "status": "RESOURCE_EXHAUSTED", "details": quota("RequestsPerMinutePerProject")},
            "rate_limit",
        ),
        (
            429,
            {"message": "You exceeded your current quota", "status": "RESOURCE_EXHAUSTED", "details": quota("RequestsPerDayPerProject")},
            "quota",
        ),
        (429, {"message": "Your project has exceeded its monthly spending cap.", "status": "RESOURCE_EXHAUSTED"}, "quota"),
        (503, {"message": "The model is overloaded.", "status": "UNAVAILABLE"}, "overloaded"),
        (500, {"message": "Internal error", "status": "INTERNAL"}, ""),
    ],
)
@pytest.mark.parametrize("is_list", [False, True])
def test_error_is_named_by_what_a_caller_can_do(status, error, error_class, is_list):
    body = {"error": {"code": status} | error}

    detail = CODEC.parse_error(status, msgspec.json.encode([body] if is_list else body))

    assert detail == UpstreamErrorDetail(error["message"], code=error["status"], error_class=error_class)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"error": "text"}', b'{"error": {"message": 1}}', b"\xff", b"[" * 5000])
def test_what_is_no_error_of_google_says_nothing(body):
    assert CODEC.parse_error(500, body) is None


def test_error_without_words_is_still_one():
    assert CODEC.parse_error(500, b'{"error": {}}') == UpstreamErrorDetail("The provider reported an error.")


@unhurried
@given(
    like({"error": {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED", "details": [{"violations": [{"quotaId": "PerDay"}]}]}})
    | like([{"error": {"message": "m", "status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]}}]),
    st.integers(400, 599),
)
def test_any_body_is_an_error_or_none(body, status):
    detail = CODEC.parse_error(status, msgspec.json.encode(body))

    assert detail is None or detail.message
