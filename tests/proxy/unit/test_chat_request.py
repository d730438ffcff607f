"""Chat requests: what is checked, which parameter an error names, and what the upstream gets."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import BadRequest
from proxy.wire.openai import ChatRequest, dump_chat_request, parse_chat_request

MESSAGES: list[dict[str, Any]] = [{"role": "user", "content": "Hello!"}]
MINIMAL: dict[str, Any] = {"model": "gpt", "messages": MESSAGES}


def _parse(body: Any) -> ChatRequest:
    return parse_chat_request(body if isinstance(body, bytes) else json.dumps(body).encode(), 64)


def _refusal(body: Any) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        _parse(body)
    return caught.value


def _sent(body: Any, upstream_model: str = "gpt") -> dict[str, Any]:
    """Return what an upstream gets for a request."""
    sent: dict[str, Any] = json.loads(dump_chat_request(_parse(body), upstream_model))
    return sent


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
    json.loads(dump_chat_request(request, "another"))


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


# --- what the upstream gets -------------------------------------------------------------------------------------------------------


def test_every_field_passes_as_it_was_written():
    extra = {
        "temperature": 0.30000000000000004,
        "seed": 2**80,
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        "logit_bias": {"50256": -100},
        "response_format": {"type": "json_object"},
        "metadata": {"ü": "🔑"},
        "invented_by_nobody": [None, True, {"deep": [1.0, 1e-7]}],
    }

    assert _sent(MINIMAL | extra) == MINIMAL | extra


def test_numbers_keep_their_spelling():
    body = b'{"model":"gpt","messages":[{"role":"user"}],"a":1.0,"b":1e5,"c":123456789012345678901234567890,"d":-0}'

    sent = dump_chat_request(_parse(body), "gpt")

    assert all(part in sent for part in (b'"a":1.0', b'"b":1e5', b'"c":123456789012345678901234567890', b'"d":-0'))


def test_the_upstream_gets_its_own_name_of_the_model():
    assert _sent(MINIMAL, 'org/model-7b "x"') == MINIMAL | {"model": 'org/model-7b "x"'}


@pytest.mark.parametrize("spelling", [b'"model"', b'"mod\\u0065l"', b'"\\u006dodel"'])
def test_of_a_repeated_name_the_last_value_is_checked_and_sent(spelling):
    body = b'{"model":"allowed","messages":[{"role":"user"}],' + spelling + b':"forbidden"}'

    request = _parse(body)

    assert request.model == "forbidden"
    sent = dump_chat_request(request, "forbidden")
    assert json.loads(sent)["model"] == "forbidden"
    assert sent.count(b"model") == 1
    assert b"allowed" not in sent


def test_a_repeated_name_is_wrong_when_its_last_value_is():
    assert _refusal(b'{"model":"gpt","messages":[{"role":"user"}],"stream":true,"stream":"no"}').param == "stream"
    assert not _parse(
        b'{"model":"gpt","messages":[{"role":"user"}],"stream":"no","stream":false}'.replace(b'"stream":"no",', b'"stream":true,')
    ).is_stream


def test_a_stream_always_asks_the_upstream_for_usage():
    assert _sent(MINIMAL | {"stream": True})["stream_options"] == {"include_usage": True}
    assert _sent(MINIMAL | {"stream": True, "stream_options": None})["stream_options"] == {"include_usage": True}
    assert _sent(MINIMAL | {"stream": True, "stream_options": {"include_usage": False}})["stream_options"] == {"include_usage": True}
    assert _sent(MINIMAL | {"stream": True, "stream_options": {"include_usage": True}})["stream_options"] == {"include_usage": True}


def test_other_stream_options_stay():
    options = {"include_obfuscation": False, "future": [1]}

    assert _sent(MINIMAL | {"stream": True, "stream_options": options})["stream_options"] == options | {"include_usage": True}


def test_a_whole_answer_asks_for_nothing_more():
    assert _sent(MINIMAL) == MINIMAL
