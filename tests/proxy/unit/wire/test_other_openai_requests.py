"""Completions, embeddings and moderations: what is checked of a request, and what passes to a provider that speaks the dialect."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import BadRequest, UpstreamBroken
from proxy.snapshot import Target
from proxy.translators import direct_completions, direct_embeddings, direct_moderations
from proxy.translators.translation import TranslatedReply, Translation
from proxy.wire.completions import parse_completions_request
from proxy.wire.embeddings import parse_embeddings_request
from proxy.wire.model_request import ModelRequest
from proxy.wire.moderations import parse_moderations_request
from proxy.wire.usage import Usage
from tests.proxy.chat_help import DONE, event
from tests.proxy.provider_help import create_backend

PARSERS: dict[str, Callable[[bytes, int], ModelRequest]] = {
    "completions": parse_completions_request,
    "embeddings": parse_embeddings_request,
    "moderations": parse_moderations_request,
}
DIRECT: dict[str, Translation] = {
    "completions": direct_completions.DIRECT,
    "embeddings": direct_embeddings.DIRECT,
    "moderations": direct_moderations.DIRECT,
}
LEAST: dict[str, dict[str, Any]] = {
    "completions": {"model": "m", "prompt": "Once"},
    "embeddings": {"model": "m", "input": "Once"},
    "moderations": {"model": "m", "input": "Once"},
}


def _parse(operation: str, **fields: Any) -> ModelRequest:
    return PARSERS[operation](json.dumps(LEAST[operation] | fields).encode(), 64)


def _sent(operation: str, upstream_model: str, **fields: Any) -> tuple[str, Any]:
    call = DIRECT[operation].translate_request(_parse(operation, **fields), Target("b", upstream_model), create_backend("openai"), [])
    return call.path, json.loads(call.body)


@pytest.mark.parametrize(
    ("operation", "fields", "param"),
    [
        ("completions", {"model": None}, "model"),
        ("completions", {"prompt": 5}, "prompt"),
        ("completions", {"prompt": [1.5]}, "prompt[0]"),
        ("completions", {"max_tokens": -1}, "max_tokens"),
        ("completions", {"stream": 1}, "stream"),
        ("completions", {"stream_options": {}}, "stream_options"),
        ("completions", {"n": 0}, "n"),
        ("completions", {"user": 5}, "user"),
        ("embeddings", {"model": ""}, "model"),
        ("embeddings", {"input": None}, "input"),
        ("embeddings", {"input": ""}, "input"),
        ("embeddings", {"input": []}, "input"),
        ("embeddings", {"input": {"text": "x"}}, "input"),
        ("embeddings", {"input": ["x", 1]}, "input"),
        ("embeddings", {"input": [[1], ["x"]]}, "input[1][0]"),
        ("embeddings", {"dimensions": 0}, "dimensions"),
        ("moderations", {"model": 5}, "model"),
        ("moderations", {"input": None}, "input"),
        ("moderations", {"input": []}, "input"),
        ("moderations", {"input": [5]}, "input[0]"),
    ],
)
def test_a_wrong_parameter_is_named(operation, fields, param):
    with pytest.raises(BadRequest) as caught:
        _parse(operation, **fields)

    assert caught.value.param == param


@pytest.mark.parametrize("operation", ["embeddings", "moderations"])
def test_a_missing_input_is_named(operation):
    with pytest.raises(BadRequest, match="Missing required parameter: 'input'"):
        PARSERS[operation](b'{"model": "m"}', 64)


@pytest.mark.parametrize("given", ["text", ["a", "b"], [1, 2, 3], [[1, 2], [3]]])
def test_embeddings_are_made_of_text_and_of_tokens(given):
    request = _parse("embeddings", input=given, user="u")

    assert (request.operation, request.model, request.is_stream, request.is_deterministic) == ("embeddings", "m", False, True)
    assert request.end_user == "u"
    assert json.loads(bytes(request.fields["input"])) == given


def test_a_completion_is_limited_and_counted():
    request = _parse(
        "completions", stream=True, stream_options={"include_usage": True}, max_tokens=0, temperature=0, n=2, best_of=3, prompt=["a", "b"]
    )

    assert (request.operation, request.is_stream, request.is_usage_wanted) == ("completions", True, True)
    assert (request.output_limit_tokens, request.choices_count, request.is_deterministic) == (0, 6, True)
    assert _parse("completions", prompt=[1, 2, 3], n=2).choices_count == 2
    assert _parse("completions", prompt=[[1], [2], [3]]).choices_count == 3


@pytest.mark.parametrize("fields", [{"model": None}, {"model": "omni-moderation-latest"}])
def test_moderations_without_a_model_are_openai_s_own(fields):
    request = _parse("moderations", **fields)

    assert (request.operation, request.model, request.is_deterministic) == ("moderations", "omni-moderation-latest", True)
    assert _sent("moderations", "omni-moderation-latest", **fields)[1]["model"] == "omni-moderation-latest"


@pytest.mark.parametrize("operation", list(PARSERS))
def test_only_the_model_s_name_changes(operation):
    extra = {"unheard_of": [1.0, None], "user": "u"}

    assert _sent(operation, "their-name", **extra) == (f"/{operation}", LEAST[operation] | extra | {"model": "their-name"})


def test_a_stream_of_completions_asks_for_usage_and_gives_none_to_who_asked_for_none():
    assert _sent("completions", "m", stream=True)[1]["stream_options"] == {"include_usage": True}
    once = event({"choices": [{"index": 0, "text": "Once", "finish_reason": None}], "usage": None})
    usage = event({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}})

    stream = DIRECT["completions"].begin_stream(_parse("completions", stream=True))
    sent = stream.feed(once) + stream.feed(usage) + stream.feed(DONE)

    assert (sent, stream.tail, stream.usage) == (once, DONE, Usage(1, 2))
    assert stream.content_bytes == len("Once")


@pytest.mark.parametrize(
    ("operation", "body", "usage"),
    [
        ("completions", {"choices": [{"text": "x"}], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}, Usage(1, 2)),
        ("embeddings", {"data": [{"embedding": [0.5]}], "usage": {"prompt_tokens": 8, "total_tokens": 8}}, Usage(8)),
        ("embeddings", {"data": []}, None),
        ("moderations", {"results": [{"flagged": False}]}, None),
    ],
)
def test_an_answer_passes_untouched_and_is_counted(operation, body, usage):
    written = json.dumps(body, indent=1).encode()

    assert DIRECT[operation].translate_reply(written, _parse(operation)) == TranslatedReply(written, usage)


@pytest.mark.parametrize("operation", list(PARSERS))
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"<html>", b'{"data": 5, "choices": 5, "results": 5}', b"[" * 100_000])
def test_what_is_no_answer_is_a_value_error(operation, body):
    with pytest.raises(ValueError, match="not a"):
        DIRECT[operation].translate_reply(body, _parse(operation))


@pytest.mark.parametrize("operation", list(PARSERS))
def test_an_error_in_the_place_of_an_answer_is_none(operation):
    with pytest.raises(UpstreamBroken, match="overloaded"):
        DIRECT[operation].translate_reply(b'{"error": {"message": "overloaded"}}', _parse(operation))


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(
    st.sampled_from(sorted(PARSERS)),
    st.dictionaries(st.sampled_from(["model", "input", "prompt", "n", "best_of", "max_tokens", "stream", "user"]), _values, max_size=4),
)
def test_no_values_end_in_anything_but_a_request_or_a_bad_request(operation, fields):
    with contextlib.suppress(BadRequest):
        _sent(operation, "another", **fields)


@given(st.sampled_from(sorted(PARSERS)), st.binary(max_size=100))
def test_no_bytes_end_in_anything_but_a_request_or_a_bad_request(operation, body):
    with contextlib.suppress(BadRequest):
        PARSERS[operation](body, 64)
