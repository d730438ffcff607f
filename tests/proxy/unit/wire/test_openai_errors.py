"""What providers of OpenAI's dialects say when they refuse."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.openai_error import describe_error, parse_openai_error
from proxy.wire.upstream_error import UpstreamErrorDetail
from tests.proxy.recorded import recorded_exchanges

Detail = UpstreamErrorDetail


def _parse(status: int, body: Any) -> UpstreamErrorDetail | None:
    return parse_openai_error(status, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"error": {"message": "m", "type": "t", "param": "p", "code": "c"}}, Detail("m", "t", "p", "c")),
        ({"error": {"message": "m", "code": 418}}, Detail("m", code="418")),
        ({"error": {"message": "m", "inner": {"x": 1}}, "more": 1}, Detail("m")),
        ({"error": {"message": "m", "type": 5, "param": ["p"], "code": {"c": 1}}}, Detail("m")),
        ({"error": "m"}, Detail("m")),
        ({"error": {"message": "m", "metadata": {"raw": "said so"}}}, Detail("m: said so")),
        ({"error": {"message": "m", "metadata": {"raw": {"a": 1}}}}, Detail("m")),
        ({"object": "error", "message": "m", "type": "t", "code": 3051}, Detail("m", "t", code="3051")),
        ({"message": {"detail": [{"msg": "no"}]}, "type": "t"}, Detail('{"detail":[{"msg":"no"}]}', "t")),
        ({"detail": "m"}, Detail("m")),
        ({"detail": [{"loc": ["body"], "msg": "m"}]}, Detail('[{"loc":["body"],"msg":"m"}]')),
        ({"error": {"message": ""}}, None),
        ({"error": ""}, None),
        ({"error": {}}, None),
        ({"error": None}, None),
        ({"error": 5}, None),
        ({}, None),
    ],
)
def test_an_error_is_read_whatever_its_shape(body, detail):
    assert _parse(400, body) == detail


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"5", b"{", b"<html>Bad Gateway</html>", b"\xff", b"[" * 1_000_000])
def test_a_body_that_is_no_error_says_nothing(body):
    assert parse_openai_error(400, body) is None


def test_a_long_message_is_cut():
    detail = _parse(400, {"error": {"message": "x" * 100_000}})

    assert detail is not None
    assert len(detail.message) == 4000


@pytest.mark.parametrize(
    ("status", "error", "error_class"),
    [
        (400, {"message": "m", "code": "context_length_exceeded"}, "context_length"),
        (
            400,
            {"message": "This model's maximum context length is 4096 tokens. However, you asked for 5000.", "code": 400},
            "context_length",
        ),
        (400, {"message": "Prompt contains 40960 tokens, too large for model with 32768 maximum context length"}, "context_length"),
        (413, {"message": "Please reduce the length of the messages or completion."}, "context_length"),
        (400, {"message": "m", "type": "exceed_context_size_error"}, "context_length"),
        (400, {"message": "The response was filtered.", "code": "content_filter", "type": None}, "content_policy"),
        (400, {"message": "m", "code": "content_policy_violation"}, "content_policy"),
        (429, {"message": "m", "type": "insufficient_quota", "code": "insufficient_quota"}, "quota"),
        (402, {"message": "Insufficient Balance"}, "quota"),
        (429, {"message": "Rate limit reached", "type": "tokens", "code": "rate_limit_exceeded"}, "rate_limit"),
        (429, {"message": "m"}, "rate_limit"),
        (0, {"message": "Provider returned error", "code": 429}, "rate_limit"),
        (503, {"message": "m"}, "overloaded"),
        (500, {"message": "m", "type": "overloaded_error"}, "overloaded"),
        (404, {"message": "m", "code": "model_not_found"}, "not_found"),
        (404, {"message": "m", "code": "DeploymentNotFound"}, "not_found"),
        (400, {"message": "Invalid value for 'temperature'.", "code": "invalid_value"}, ""),
        (500, {"message": "the context window of our database broke"}, ""),
        (401, {"message": "m", "code": "invalid_api_key"}, ""),
    ],
)
def test_what_can_be_acted_on_has_a_class(status, error, error_class):
    detail = _parse(status, {"error": error})

    assert detail is not None
    assert detail.error_class == error_class


def test_what_a_client_is_told_names_the_class():
    assert describe_error(Detail("slow down", error_class="rate_limit")) == "The provider reported an error (rate_limit): slow down"
    assert describe_error(Detail("boom")) == "The provider reported an error: boom"


def test_every_recorded_error_is_read():
    errors = {
        f"{exchange['name']}": _parse(exchange["status"], exchange["response"])
        for exchange in recorded_exchanges()
        if exchange["path"].endswith("/chat/completions") and exchange["status"] >= 400
    }

    assert {name: None if detail is None else (detail.code, detail.param, detail.error_class) for name, detail in errors.items()} == {
        "test_tool_use_failed_error#0": ("tool_use_failed", None, ""),
        "test_openai_o1_mini_system_role[developer]#0": ("unsupported_value", "messages[0].role", ""),
        "test_openai_web_search_tool_model_not_supported#0": (None, "web_search_options", ""),
        "test_openrouter_errors_raised#0": ("429", None, "rate_limit"),
        "test_openrouter_errors_raised#1": ("429", None, "rate_limit"),
        "test_openrouter_errors_raised#2": ("429", None, "rate_limit"),
    }
    assert "temporarily rate-limited upstream" in errors["test_openrouter_errors_raised#0"].message


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["message", "type", "code", "raw"]), inner, max_size=3),
    max_leaves=6,
)


@given(st.integers(0, 599), st.dictionaries(st.sampled_from(["error", "message", "detail", "type", "param", "code", "metadata"]), _json))
def test_no_error_of_any_shape_is_an_exception(status, body):
    detail = _parse(status, body)

    assert detail is None or detail.message
