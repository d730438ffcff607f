"""Chat requests: what is checked, which parameter an error names, and what of them the gateway goes by."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import BadRequest
from proxy.snapshot import Target
from proxy.translators.direct_chat import DIRECT
from proxy.wire.model_request import ModelRequest
from proxy.wire.openai import parse_chat_request
from tests.proxy.provider_help import create_backend

MESSAGES: list[dict[str, Any]] = [{"role": "user", "content": "Hello!"}]
MINIMAL: dict[str, Any] = {"model": "gpt", "messages": MESSAGES}


def _parse(body: Any) -> ModelRequest:
    return parse_chat_request(body if isinstance(body, bytes) else json.dumps(body).encode(), 64)


def _refusal(body: Any) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        _parse(body)
    return caught.value


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"model": None}, "model"),
    ({"model": 5}, "model"),
    ({"model": ""}, "model"),
    ({"model": "x" * 201}, "model"),
    ({"model": ["gpt"]}, "model"),
    ({"messages": None}, "messages"),
    ({"messages": "Hello!"}, "messages"),
    ({"messages": {}}, "messages"),
    ({"messages": []}, "messages"),
    ({"messages": ["Hello!"]}, "messages[0]"),
    ({"messages": [None]}, "messages[0]"),
    ({"messages": [*MESSAGES, {"content": "x"}]}, "messages[1].role"),
    ({"messages": [{"role": 5, "content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "", "content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": {"text": "x"}}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": ["x"]}]}, "messages[0].content[0]"),
    ({"stream": "true"}, "stream"),
    ({"stream": 1}, "stream"),
    ({"stream": True, "stream_options": []}, "stream_options"),
    ({"stream": True, "stream_options": {"include_usage": "yes"}}, "stream_options.include_usage"),
    ({"stream_options": {"include_usage": True}}, "stream_options"),
    ({"stream": False, "stream_options": {}}, "stream_options"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"max_tokens": -1}, "max_tokens"),
    ({"max_tokens": 1.5}, "max_tokens"),
    ({"max_tokens": "5"}, "max_tokens"),
    ({"max_tokens": True}, "max_tokens"),
    ({"max_completion_tokens": []}, "max_completion_tokens"),
    ({"n": 0}, "n"),
    ({"n": "2"}, "n"),
    ({"temperature": "hot"}, "temperature"),
    ({"temperature": []}, "temperature"),
    ({"top_p": "0.5"}, "top_p"),
    ({"user": 5}, "user"),
    ({"user": {"id": 5}}, "user"),
    ({"safety_identifier": 5}, "safety_identifier"),
]


@pytest.mark.parametrize(("changes", "param"), WRONG)
def test_a_wrong_parameter_is_named(changes, param):
    error = _refusal(MINIMAL | changes)

    assert error.param == param
    assert error.http_status == 400


@pytest.mark.parametrize("name", ["model", "messages"])
def test_a_missing_parameter_is_named(name):
    error = _refusal({other: value for other, value in MINIMAL.items() if other != name})

    assert (error.param, error.public_message) == (name, f"Missing required parameter: '{name}'.")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"nonsense",
        b"[]",
        b"null",
        b'"text"',
        b"5",
        b'{"model":"gpt","messages":[{"role":"user"}]} trailing',
        b'{"model":"gpt",}',
        b"{'model':'gpt'}",
        b'{"model":"gpt","messages":[{"role":"user"}],"x":NaN}',
        b'{"model":"gpt","messages":[{"role":"user"}],"x":Infinity}',
        b'{"model":"gpt","messages":[{"role":"user"}],"temperature":NaN}',
        b'{"model":"gpt","messages":[{"role":"user"}],"temperature":1e999}',
        b'{"model":"gpt","messages":[{"role":"user"}],"n":1e999}',
        b'{"model":"gpt","messages":[{"role":"user"}],"max_tokens":' + b"9" * 5000 + b"}",
        b'{"model":"gpt","messages":[{"role":"user"}],"x":01}',
        b'{"model":"\\ud800","messages":[{"role":"user"}]}',
        b'{"model":"gpt","messages":[{"role":"user","content":"\xff"}]}',
        b'{"model":"gpt","messages":[{"role":"user"}],"metadata":{"a":"\xff"}}',
        b'{"model":"gpt","messages":[{"role":"user"}],"\xff":1}',
        '{"model":"gpt","messages":[{"role":"user"}]}'.encode("utf-16"),
        b"\xef\xbb\xbf" + b'{"model":"gpt","messages":[{"role":"user"}]}',
        b'{"a":' * 1_000_000,
        b'{"model":"gpt","x":' + b"[" * 1_000_000,
        b'{"model":"gpt","messages":' + b"[" * 65 + b"]" * 65 + b"}",
    ],
)
def test_what_is_no_valid_json_of_ours_is_a_bad_request(body):
    error = _refusal(body)

    assert error.http_status == 400
    assert len(error.public_message) < 400


@given(st.binary(max_size=200))
def test_no_bytes_end_in_anything_but_a_request_or_a_bad_request(body):
    with contextlib.suppress(BadRequest):
        _parse(body)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from([name for changes, _ in WRONG for name in changes] + ["tools", "seed"]), _values, max_size=8))
def test_no_values_end_in_anything_but_a_request_or_a_bad_request(changes):
    try:
        request = _parse(MINIMAL | changes)
    except BadRequest:
        return
    json.loads(DIRECT.translate_request(request, Target("main", "another"), create_backend("openai"), []).body)


def test_the_nesting_limit_counts_the_body_itself():
    _parse(json.dumps(MINIMAL)[:-1].encode() + b',"x":' + b"[" * 63 + b"]" * 63 + b"}")

    assert "nested deeper than 64" in _refusal(json.dumps(MINIMAL)[:-1].encode() + b',"x":' + b"[" * 64 + b"]" * 64 + b"}").public_message


def test_null_means_absent():
    request = _parse(MINIMAL | dict.fromkeys(["stream", "stream_options", "max_tokens", "n", "temperature", "top_p", "user"]))

    assert (request.is_stream, request.is_usage_wanted) == (False, False)


@pytest.mark.parametrize(
    ("fields", "is_wanted"),
    [
        ({}, False),
        ({"stream_options": {}}, False),
        ({"stream_options": {"include_usage": False}}, False),
        ({"stream_options": {"include_usage": True}}, True),
    ],
)
def test_usage_is_wanted_when_asked_for(fields, is_wanted):
    assert _parse(MINIMAL | {"stream": True} | fields).is_usage_wanted is is_wanted


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, (None, 1, False, "")),
        ({"max_tokens": 7, "n": 3, "temperature": 0, "user": "u"}, (7, 3, True, "u")),
        ({"max_completion_tokens": 5, "temperature": 0.0, "safety_identifier": "s"}, (5, 1, True, "s")),
        ({"max_tokens": 7, "max_completion_tokens": 5, "user": "u", "safety_identifier": "s"}, (5, 1, False, "u")),
        ({"temperature": -0.0}, (None, 1, True, "")),
        ({"temperature": 1e-9, "seed": 1}, (None, 1, False, "")),
    ],
)
def test_what_limits_and_shapes_an_answer_is_read(fields, expected):
    request = _parse(MINIMAL | fields)

    assert (request.output_limit_tokens, request.choices_count, request.is_deterministic, request.end_user) == expected


def test_every_field_is_kept_as_it_was_written():
    request = _parse(b'{"model":"gpt", "messages": [{"role":"user"}], "x": {"a" : 1.0}, "model":"gpt-2"}')

    assert request.operation == "chat"
    assert request.model == "gpt-2"
    assert {name: bytes(raw) for name, raw in request.fields.items()} == {
        "model": b'"gpt-2"',
        "messages": b'[{"role":"user"}]',
        "x": b'{"a" : 1.0}',
    }
