"""What is read of Anthropic's answers: usage in classes that do not overlap, errors by what can be done about them."""

from __future__ import annotations

import json

import msgspec
import pytest

from proxy.wire.messages_reply import UsageBody, count_usage, merge_usage, parse_error, parse_event, parse_message, parse_message_head
from proxy.wire.upstream_error import UpstreamErrorDetail
from proxy.wire.usage import COUNT_MAX, Usage
from tests.proxy.messages_help import message


def _usage(**fields) -> UsageBody:
    return msgspec.convert(fields, UsageBody)


@pytest.mark.parametrize(
    ("fields", "usage"),
    [
        ({"input_tokens": 5, "output_tokens": 3}, Usage(5, 3)),
        ({"input_tokens": 5, "output_tokens": 3, "cache_read_input_tokens": 100}, Usage(5, 3, 100)),
        ({"cache_creation_input_tokens": 9}, Usage(cache_write_5m_tokens=9)),
        (
            {
                "cache_creation_input_tokens": 9,
                "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 5},
            },
            Usage(cache_write_5m_tokens=4, cache_write_1h_tokens=5),
        ),
        ({"cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 5}}, Usage(0, 0, 0, 4, 5)),
        (
            {"cache_creation_input_tokens": 3, "cache_creation": {"ephemeral_1h_input_tokens": 5}},
            Usage(cache_write_1h_tokens=3),
        ),
        ({"output_tokens": 10, "output_tokens_details": {"thinking_tokens": 4}}, Usage(text_output_tokens=6, reasoning_tokens=4)),
        ({"output_tokens": 3, "output_tokens_details": {"thinking_tokens": 4}}, Usage(reasoning_tokens=3)),
        ({"input_tokens": None, "output_tokens": -4, "cache_creation": None, "output_tokens_details": None}, Usage()),
        ({"input_tokens": 2**40}, Usage(COUNT_MAX)),
    ],
)
def test_each_token_is_counted_in_one_class(fields, usage):
    assert count_usage(_usage(**fields)) == usage


def test_nothing_counted_is_no_usage():
    assert count_usage(None) is None
    assert merge_usage(None, None) is None


def test_later_counts_of_a_stream_replace_earlier_ones_and_leave_the_rest():
    begun = _usage(input_tokens=5, output_tokens=1, cache_creation_input_tokens=9, cache_creation={"ephemeral_1h_input_tokens": 9})

    merged = merge_usage(begun, _usage(output_tokens=30, cache_creation_input_tokens=12))

    assert count_usage(merged) == Usage(5, 30, 0, 3, 9)
    assert merge_usage(begun, None) is begun


@pytest.mark.parametrize(
    ("status", "error_type", "text", "error_class"),
    [
        (400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum", "context_length"),
        (400, "invalid_request_error", "This model's maximum context length is 4096 tokens.", "context_length"),
        (400, "invalid_request_error", "input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000", "context_length"),
        (400, "invalid_request_error", "Output blocked by content filtering policy", "content_policy"),
        (400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API.", "quota"),
        (400, "invalid_request_error", "You have reached your specified API usage limits.", "quota"),
        (402, "billing_error", "Pay.", "quota"),
        (404, "not_found_error", "model: claude-9", "not_found"),
        (429, "rate_limit_error", "Slow down.", "rate_limit"),
        (429, "something_else", "Slow down.", "rate_limit"),
        (529, "overloaded_error", "Overloaded", "overloaded"),
        (503, "api_error", "Unavailable", "overloaded"),
        (400, "invalid_request_error", "max_tokens: Field required", ""),
        (500, "api_error", "Internal server error", ""),
    ],
)
def test_an_error_is_classed_by_what_can_be_done_about_it(status, error_type, text, error_class):
    body = json.dumps({"type": "error", "error": {"type": error_type, "message": text}, "request_id": "req_1"}).encode()

    assert parse_error(status, body) == UpstreamErrorDetail(text, error_type, error_class=error_class)


def test_the_code_of_an_error_is_read():
    body = json.dumps({"type": "error", "error": {"type": "x", "message": "m", "param": "p", "details": {"error_code": "c"}}}).encode()

    assert parse_error(400, body) == UpstreamErrorDetail("m", "x", "p", "c")


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"[]", b'{"error": "text"}', b'{"error": {}}', b'{"error": {"message": null}}'])
def test_what_is_no_error_of_theirs_is_none(body):
    assert parse_error(500, body) is None


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"{}", b'{"type": "completion"}', b'{"type": "message"}', b'{"type": "message", "content": 1}', b"\xff"]
)
def test_what_is_no_message_is_a_value_error(body):
    with pytest.raises(ValueError):
        parse_message(body)
    with pytest.raises(ValueError):
        parse_message_head(body)


def test_unknown_fields_and_blocks_are_passed_over():
    body = message({"type": "new_block", "x": [1]}, {"type": "text", "text": "a", "citations": [{"y": 1}]}, container={"id": "c"})

    assert [block.type for block in parse_message(json.dumps(body).encode()).content or ()] == ["new_block", "text"]


@pytest.mark.parametrize("data", [b"", b"{", b"{}", b'{"type": 5}', b"[1]", b'{"type": "x", "index": "a"}', b"\xff"])
def test_what_is_no_event_is_a_value_error(data):
    with pytest.raises(ValueError):
        parse_event(data)
