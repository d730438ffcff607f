"""What a gateway understands of a Responses request and of the usage in its answer."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import BadRequest, UpstreamTimeout
from proxy.wire.responses import UsageBody, dump_stream_error, dump_usage, parse_responses_request, parse_usage
from proxy.wire.usage import COUNT_MAX, Usage
from tests.proxy.pieces import unhurried
from tests.proxy.provider_help import like
from tests.proxy.responses_help import ask, asked, parse_events

STATELESS = {"temperature": 0, "store": False}


def test_a_request_is_read():
    request = asked(stream=True, max_output_tokens=5, user="u", unknown={"a": 1})

    assert (request.operation, request.model, request.is_stream, request.is_usage_wanted) == ("responses", "gpt", True, True)
    assert (request.output_limit_tokens, request.choices_count, request.end_user) == (5, 1, "u")
    assert bytes(request.fields["unknown"]) == b'{"a": 1}'
    assert request.previous_response_id == ""


def test_the_safety_identifier_is_who_asks():
    assert asked(user="u", safety_identifier="s").end_user == "s"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"model": ""}, "model"),
        ({"input": None}, "input"),
        ({"input": 5}, "input"),
        ({"input": ["text"]}, "input[0]"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"temperature": "hot"}, "temperature"),
        ({"stream": 1}, "stream"),
        ({"stream_options": {}}, "stream_options"),
        ({"store": "no"}, "store"),
        ({"previous_response_id": 5}, "previous_response_id"),
        ({"tools": {}}, "tools"),
    ],
)
def test_a_bad_parameter_is_named(fields, param):
    with pytest.raises(BadRequest) as caught:
        parse_responses_request(ask(**fields), 64)

    assert caught.value.param == param


def test_a_missing_model_is_named():
    with pytest.raises(BadRequest, match="Missing required parameter: 'model'") as caught:
        parse_responses_request(b'{"input":"Hi"}', 64)

    assert caught.value.param == "model"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b'{"model":"\xff"}', b'{"model":"g","input":' + b"[" * 70 + b"]" * 70 + b"}"])
def test_what_is_no_request_is_refused(body):
    with pytest.raises(BadRequest):
        parse_responses_request(body, 64)


@pytest.mark.parametrize("field", [{"prompt": {"id": "p"}}, {"conversation": "c"}, {"previous_response_id": "r"}])
def test_the_input_may_be_elsewhere(field):
    body = json.dumps({"model": "gpt", **field}).encode()

    assert set(parse_responses_request(body, 64).fields) == {"model", *field}


@pytest.mark.parametrize(
    ("fields", "is_deterministic"),
    [
        (STATELESS, True),
        (STATELESS | {"tools": [{"type": "function", "name": "f"}]}, True),
        ({"temperature": 0}, False),  # it is stored, under an id of its own
        ({"temperature": 0, "store": True}, False),
        ({"store": False}, False),
        (STATELESS | {"temperature": 0.1}, False),
        (STATELESS | {"previous_response_id": "resp_1"}, False),
        (STATELESS | {"conversation": {"id": "c"}}, False),
        (STATELESS | {"prompt": {"id": "p"}}, False),
        (STATELESS | {"background": True}, False),
        (STATELESS | {"tools": [{"type": "web_search"}]}, False),
    ],
)
def test_only_what_refers_to_nothing_is_deterministic(fields, is_deterministic):
    assert asked(**fields).is_deterministic is is_deterministic


@pytest.mark.parametrize(
    ("body", "usage"),
    [
        ({}, Usage()),
        ({"input_tokens": 10, "output_tokens": 3}, Usage(fresh_input_tokens=10, text_output_tokens=3)),
        (
            {
                "input_tokens": 10,
                "input_tokens_details": {"cached_tokens": 4},
                "output_tokens": 7,
                "output_tokens_details": {"reasoning_tokens": 5},
            },
            Usage(fresh_input_tokens=6, cache_read_tokens=4, text_output_tokens=2, reasoning_tokens=5),
        ),
        (
            {"input_tokens": 10, "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 5}},
            Usage(fresh_input_tokens=3, cache_read_tokens=2, cache_write_5m_tokens=5),
        ),
        (
            {
                "input_tokens": 10,
                "input_tokens_details": {
                    "cache_write_tokens": 5,
                    "cache_write_tokens_details": {"ttl_30m_tokens": 2, "ttl_12h_tokens": 3},
                },
            },
            Usage(fresh_input_tokens=5, cache_write_5m_tokens=2, cache_write_1h_tokens=3),
        ),
        (
            {"input_tokens": 3, "input_tokens_details": {"cached_tokens": 9}, "output_tokens_details": {"reasoning_tokens": 9}},
            Usage(cache_read_tokens=3),
        ),
        ({"input_tokens": -5, "output_tokens": 2**40}, Usage(text_output_tokens=COUNT_MAX)),
    ],
)
def test_usage_is_taken_apart(body, usage):
    assert parse_usage(msgspec.convert(body, UsageBody)) == usage


def test_no_usage_is_none():
    assert parse_usage(None) is None
    assert dump_usage(None) is None


@given(st.builds(Usage, *[st.integers(0, 10**6)] * 6))
@unhurried
def test_dumped_usage_is_the_same_again(usage):
    dumped = msgspec.convert(dump_usage(usage), UsageBody)
    read = parse_usage(dumped)

    assert read is not None
    assert (read.input_tokens, read.output_tokens, read.cache_read_tokens, read.reasoning_tokens, read.fresh_input_tokens) == (
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.reasoning_tokens,
        usage.fresh_input_tokens,
    )


def test_a_stream_of_keepalives_ends_with_a_response_that_failed():
    created, failed = parse_events(dump_stream_error(UpstreamTimeout("Too late."), "req_1"))

    assert (created["type"], created["sequence_number"], created["response"]["status"]) == ("response.created", 0, "in_progress")
    assert failed == {
        "type": "response.failed",
        "sequence_number": 1,
        "response": created["response"] | {"status": "failed", "error": {"code": "timeout", "message": "Too late."}},
    }


EXAMPLE = {
    "model": "gpt",
    "input": [{"role": "user", "content": "x"}],
    "stream": True,
    "stream_options": {},
    "max_output_tokens": 5,
    "temperature": 0,
    "store": False,
    "background": False,
    "previous_response_id": "resp_1",
    "conversation": {"id": "c"},
    "tools": [{"type": "function"}],
    "user": "u",
}


@given(like(EXAMPLE))
@unhurried
def test_any_body_is_read_or_refused(body):
    try:
        request = parse_responses_request(json.dumps(body).encode(), 64)
    except BadRequest:
        return

    assert request.model == body["model"]
