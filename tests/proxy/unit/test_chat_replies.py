"""What an upstream says: whole answers, chunks of streams and errors, also wrong ones, and what of it counts."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.openai import StreamEvent, UpstreamErrorDetail, Usage, dump_model, dump_models, parse_chat_reply, parse_chunk, parse_error

GARBAGE = [b"", b"null", b"[]", b"5", b'"x"', b"{", b"<html>", b"\xff", b'{"choices": 5}', b'{"choices": {}}', b"[" * 1_000_000]


def _reply(usage: Any) -> bytes:
    return json.dumps({"choices": [{"index": 0}], "usage": usage}).encode()


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        (None, None),
        ({}, Usage(0, 0, 0)),
        ({"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}, Usage(5, 3, 0)),
        ({"prompt_tokens": 5, "completion_tokens": None}, Usage(5, 0, 0)),
        ({"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0}}, Usage(5, 0, 4)),
        ({"prompt_tokens": 5, "prompt_tokens_details": None}, Usage(5, 0, 0)),
        ({"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": None}}, Usage(5, 0, 0)),
        ({"prompt_tokens": -5, "completion_tokens": -3, "prompt_tokens_details": {"cached_tokens": -1}}, Usage(0, 0, 0)),
        ({"prompt_tokens": 10**30, "completion_tokens": 2**31}, Usage(2**31 - 1, 2**31 - 1, 0)),
    ],
)
def test_usage_is_what_a_record_can_hold(usage, counted):
    assert parse_chat_reply(_reply(usage)) == counted


@pytest.mark.parametrize("body", [*GARBAGE, b"{}", _reply({"prompt_tokens": "5"}), _reply({"prompt_tokens": 1.5}), _reply([])])
def test_what_is_no_chat_completion_is_a_value_error(body):
    with pytest.raises(ValueError, match="not a chat completion"):
        parse_chat_reply(body)


def _chunk(**fields: Any) -> StreamEvent:
    return parse_chunk(json.dumps(fields).encode())


@pytest.mark.parametrize(
    ("choices", "has_content"),
    [
        ([], False),
        ([{"index": 0, "delta": {"role": "assistant"}}], False),
        ([{"index": 0, "delta": {"role": "assistant", "content": ""}}], False),
        ([{"index": 0, "delta": {"role": "assistant", "content": None, "refusal": None}}], False),
        ([{"index": 0, "delta": {}}], False),
        ([{"index": 0, "delta": None}], False),
        ([{"index": 0, "delta": "x"}], False),
        ([{"index": 0}], False),
        ([{"index": 0, "delta": {"content": "x"}}], True),
        ([{"index": 0, "delta": {"content": " "}}], True),
        ([{"index": 0, "delta": {"tool_calls": [{"index": 0}]}}], True),
        ([{"index": 0, "delta": {"refusal": "no"}}], True),
        ([{"index": 0, "delta": {"reasoning_content": "hm"}}], True),
        ([{"index": 0, "delta": {}, "finish_reason": "stop"}], True),
        ([{"index": 0, "delta": {"role": "assistant"}}, {"index": 1, "delta": {"content": "x"}}], True),
    ],
)
def test_content_is_anything_but_a_role(choices, has_content):
    assert _chunk(choices=choices).has_content is has_content


def test_a_usage_only_chunk_has_no_choices():
    usage = {"prompt_tokens": 5, "completion_tokens": 3}

    assert _chunk(choices=[], usage=usage) == StreamEvent(is_usage_only=True, usage=Usage(5, 3))
    assert _chunk(choices=[], usage=None) == StreamEvent()
    assert _chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}], usage=usage) == StreamEvent(
        has_content=True, usage=Usage(5, 3)
    )


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ({"message": "overloaded"}, "overloaded"),
        ("overloaded", "overloaded"),
        ({"code": 500}, "The provider reported an error."),
        (True, "The provider reported an error."),
    ],
)
def test_a_truthy_error_is_one_whatever_its_shape(error, message):
    event = _chunk(error=error)

    assert event.error is not None
    assert event.error.message == message


@pytest.mark.parametrize("error", [None, False, 0, "", {}, []])
def test_a_false_error_is_none(error):
    assert _chunk(error=error, choices=[]).error is None


@pytest.mark.parametrize("data", [*GARBAGE, b"{}", b'{"choices": null}', b'{"choices": [5]}', b'{"choices": [{"a": ' + b"[" * 100_000])
def test_what_is_no_chunk_is_a_value_error(data):
    with pytest.raises(ValueError, match="chunk"):
        parse_chunk(data)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"error": {"message": "m", "type": "t", "param": "p", "code": "c"}}, UpstreamErrorDetail("m", "t", "p", "c")),
        ({"error": {"message": "m", "code": 429}}, UpstreamErrorDetail("m", None, None, "429")),
        ({"error": {"message": "m", "inner": {"x": 1}}, "more": 1}, UpstreamErrorDetail("m")),
        ({"error": "m"}, UpstreamErrorDetail("m")),
        ({"error": {"message": ""}}, None),
        ({"error": {}}, None),
        ({"error": None}, None),
        ({"error": 5}, None),
        ({"detail": "m"}, None),
    ],
)
def test_parse_error(body, detail):
    assert parse_error(json.dumps(body).encode()) == detail


@pytest.mark.parametrize("body", GARBAGE)
def test_a_body_that_is_no_error_says_nothing(body):
    assert parse_error(body) is None


@given(st.binary(max_size=100))
def test_no_bytes_of_an_upstream_end_in_another_exception(body):
    for parse in (parse_chat_reply, parse_chunk, parse_error):
        with contextlib.suppress(ValueError):
            parse(body)


def test_models_are_listed_as_openai_lists_them():
    gpt = {"id": "gpt", "object": "model", "created": 5, "owned_by": "gatewaysite"}

    assert json.loads(dump_models([("gpt", 5)])) == {"object": "list", "data": [gpt]}
    assert json.loads(dump_models([])) == {"object": "list", "data": []}
    assert json.loads(dump_model("gpt", 5)) == gpt
