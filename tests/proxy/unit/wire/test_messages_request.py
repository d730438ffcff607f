"""What the gateway reads of a request in Anthropic's dialect, and how it names what is wrong."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import BadRequest
from proxy.wire.messages import dump_messages_request, parse_count_tokens_request, parse_messages_request
from tests.proxy.messages_help import ask, asked

TOOL = {"name": "f", "input_schema": {"type": "object"}}


def test_the_least_request_is_read():
    request = asked()

    assert (request.operation, request.model, request.is_stream, request.output_limit_tokens) == ("messages", "claude", False, 100)
    assert request.is_usage_wanted
    assert not request.is_deterministic
    assert (request.end_user, request.query) == ("", "")


def test_what_meters_and_shapes_an_answer_is_read():
    request = asked(
        "beta=true", stream=True, temperature=0, max_tokens=0, metadata={"user_id": "u1"}, system=[{"type": "text", "text": "x"}]
    )

    assert (request.is_stream, request.is_deterministic, request.output_limit_tokens) == (True, True, 0)
    assert (request.end_user, request.query) == ("u1", "beta=true")


@pytest.mark.parametrize(
    "fields", [{"stream": None, "temperature": None, "metadata": None, "system": None}, {"metadata": {"user_id": None}}]
)
def test_null_is_not_set(fields):
    request = asked(**fields)

    assert (request.is_stream, request.is_deterministic, request.end_user) == (False, False, "")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"model": ""}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"system": 3}, "system"),
        ({"stream": "yes"}, "stream"),
        ({"temperature": "hot"}, "temperature"),
        ({"metadata": {"user_id": 5}}, "metadata.user_id"),
    ],
)
def test_a_bad_parameter_is_named(fields, param):
    with pytest.raises(BadRequest) as caught:
        parse_messages_request(ask(**fields), 64)

    assert _indexed(caught.value.param) == _indexed(param)


def _indexed(param):
    """msgspec does not say which item of a list it was."""
    return param.replace("[...]", "[0]")


@pytest.mark.parametrize("name", ["model", "messages", "max_tokens"])
def test_a_missing_parameter_is_named(name):
    body = json.loads(ask())
    del body[name]

    with pytest.raises(BadRequest) as caught:
        parse_messages_request(json.dumps(body).encode(), 64)

    assert (caught.value.param, caught.value.public_message) == (name, f"Missing required parameter: '{name}'.")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"model": "\xff"}', b'{"a":' * 70 + b"1" + b"}" * 70])
def test_what_is_no_request_is_refused(body):
    with pytest.raises(BadRequest):
        parse_messages_request(body, 64)
    with pytest.raises(BadRequest):
        parse_count_tokens_request(body, 64)


def test_a_count_needs_no_limit():
    body = json.dumps({"model": "claude", "messages": [{"role": "user", "content": "x"}], "tools": [TOOL]}).encode()

    request = parse_count_tokens_request(body, 64, "beta=true")

    assert (request.operation, request.model, request.is_stream, request.query) == ("count_tokens", "claude", False, "beta=true")
    assert request.output_limit_tokens is None


def test_only_the_name_of_the_model_changes_on_the_way():
    request = parse_messages_request(ask(tools=[TOOL], unknown={"a": 1.0}), 64)

    assert json.loads(dump_messages_request(request, "other")) == json.loads(ask(tools=[TOOL], unknown={"a": 1.0}, model="other"))
    assert json.loads(dump_messages_request(request, "claude")) == json.loads(ask(tools=[TOOL], unknown={"a": 1.0}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["model", "messages", "max_tokens", "system", "stream", "metadata", "x"]), JSON))
def test_any_json_is_read_or_refused_with_an_error_of_ours(body):
    for parse in (parse_messages_request, parse_count_tokens_request):
        with suppress(BadRequest):
            parse(json.dumps(body).encode(), 64)


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused_with_an_error_of_ours(body):
    with pytest.raises(BadRequest):
        parse_messages_request(body, 64)
