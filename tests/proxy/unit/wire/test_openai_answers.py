"""What providers of OpenAI's dialects answer: whole answers, chunks of streams and what of them counts."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import UpstreamBroken
from proxy.wire.chat_chunk import ChunkView, count_plain, view_chunk
from proxy.wire.openai import parse_answer
from proxy.wire.openai_usage import dump_usage
from proxy.wire.usage import COUNT_MAX, Usage
from tests.proxy.chat_help import DONE, HELLO, ROLE, STOP, USAGE, delta, event

GARBAGE = [b"", b"null", b"[]", b"5", b'"x"', b"{", b"<html>", b"\xff", b'{"choices": 5}', b'{"choices": {}}', b"[" * 1_000_000]


def _reply(usage: Any) -> bytes:
    return json.dumps({"choices": [{"index": 0}], "usage": usage}).encode()


# --- usage ------------------------------------------------------------------------------------------------------------------------


def _details(cached=None, written=None, heard=None, reasoning=None, spoken=None, **fields: Any) -> dict[str, Any]:
    of_input = {"cached_tokens": cached, "cache_write_tokens": written, "audio_tokens": heard}
    return fields | {
        "prompt_tokens_details": of_input,
        "completion_tokens_details": {"reasoning_tokens": reasoning, "audio_tokens": spoken},
    }


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        (None, None),
        ({}, None),
        ({"prompt_tokens": None}, None),
        ({"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}, Usage(5, 3)),
        ({"prompt_tokens": 5, "completion_tokens": None}, Usage(5)),
        ({"prompt_tokens": 5, "prompt_tokens_details": None, "completion_tokens_details": None}, Usage(5)),
        (_details(cached=4, prompt_tokens=9, completion_tokens=2), Usage(5, 2, cache_read_tokens=4)),
        (_details(written=4, cached=2, prompt_tokens=9), Usage(3, cache_read_tokens=2, cache_write_5m_tokens=4)),
        (_details(heard=6, prompt_tokens=9), Usage(3, audio_input_tokens=6)),
        (_details(reasoning=7, prompt_tokens=1, completion_tokens=10, total_tokens=11), Usage(1, 3, reasoning_tokens=7)),
        (_details(reasoning=2, spoken=5, completion_tokens=10), Usage(0, 3, reasoning_tokens=2, audio_output_tokens=5)),
        # Details that claim more than the whole:
        (_details(cached=9, written=9, heard=9, prompt_tokens=5), Usage(0, cache_read_tokens=5)),
        (_details(reasoning=9, spoken=9, prompt_tokens=5, completion_tokens=3), Usage(5, 0, reasoning_tokens=3)),
        ({"prompt_tokens": -5, "completion_tokens": -3}, Usage()),
        ({"prompt_tokens": 10**30, "completion_tokens": 2**31}, Usage(COUNT_MAX, COUNT_MAX)),
        # xAI counts reasoning beside the completion:
        (_details(reasoning=386, prompt_tokens=12, completion_tokens=1, total_tokens=399), Usage(12, 1, reasoning_tokens=386)),
        # DeepSeek's and Mistral's words for what was cached:
        ({"prompt_tokens": 9, "prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": 5}, Usage(5, cache_read_tokens=4)),
        ({"prompt_tokens": 70, "num_cached_tokens": 69, "completion_tokens": 2}, Usage(1, 2, cache_read_tokens=69)),
    ],
)
def test_usage_is_taken_apart_into_classes_that_do_not_overlap(usage, counted):
    assert parse_answer(_reply(usage)) == counted


_counts = st.none() | st.integers(-5, 40) | st.just(2**40)


@given(_counts, _counts, _counts, _counts, _counts, _counts)
def test_the_classes_add_up_to_what_the_provider_counted(prompt, completion, cached, written, heard, reasoning):
    body = _details(cached, written, heard, reasoning, prompt_tokens=prompt, completion_tokens=completion)

    counted = parse_answer(_reply(body)) or Usage()

    assert counted.input_tokens == min(max(prompt or 0, 0), COUNT_MAX)
    assert counted.output_tokens == min(max(completion or 0, 0), COUNT_MAX)


@given(
    st.builds(
        Usage,
        fresh_input_tokens=st.integers(0, 99),
        text_output_tokens=st.integers(0, 99),
        cache_read_tokens=st.integers(0, 99),
        cache_write_5m_tokens=st.integers(0, 99),
        reasoning_tokens=st.integers(0, 99),
        audio_input_tokens=st.integers(0, 99),
        audio_output_tokens=st.integers(0, 99),
    )
)
def test_usage_that_was_dumped_is_read_again(usage):
    assert parse_answer(_reply(dump_usage(usage))) == usage


def test_usage_is_dumped_as_openai_counts():
    usage = Usage(10, 5, cache_read_tokens=3, cache_write_5m_tokens=1, cache_write_1h_tokens=1, reasoning_tokens=7)

    assert dump_usage(usage) == {
        "prompt_tokens": 15,
        "completion_tokens": 12,
        "total_tokens": 27,
        "prompt_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 7},
    }


# --- whole answers ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [*GARBAGE, b"{}", _reply({"prompt_tokens": "5"}), _reply({"prompt_tokens": 1.5}), _reply([])])
def test_what_is_no_chat_completion_is_a_value_error(body):
    with pytest.raises(ValueError, match="not a chat completion"):
        parse_answer(body)


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "overloaded", "code": 502}},
        {"error": "overloaded", "choices": []},
        {"choices": [{"index": 0, "error": {"message": "overloaded", "code": 502}, "finish_reason": "error"}]},
    ],
)
def test_an_error_in_the_place_of_an_answer_is_none(body):
    with pytest.raises(UpstreamBroken, match="overloaded"):
        parse_answer(json.dumps(body).encode())


def test_an_answer_that_speaks_of_errors_is_one():
    said = {"role": "assistant", "content": '"error"', "error": None}

    assert parse_answer(json.dumps({"error": None, "choices": [{"message": said, "error": None}]}).encode()) is None


# --- chunks -----------------------------------------------------------------------------------------------------------------------


def _view(**fields: Any) -> ChunkView:
    return view_chunk(json.dumps(fields).encode())


def _choice(finish_reason: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"index": 0, "delta": fields, "finish_reason": finish_reason}


@pytest.mark.parametrize(
    ("choices", "has_content", "text_length"),
    [
        ([], False, 0),
        ([_choice()], False, 0),
        ([_choice(role="assistant")], False, 0),
        ([_choice(role="assistant", content="", refusal=None)], False, 0),
        ([_choice(role="assistant", content=None, tool_calls=[])], False, 0),
        ([{"index": 0, "delta": None}], False, 0),
        ([_choice("stop")], True, 0),
        ([_choice(content="abc")], True, 3),
        ([_choice(reasoning_content="ab", content="c")], True, 3),
        ([_choice(refusal="No.")], True, 3),
        ([_choice(content=[{"type": "thinking", "thinking": []}])], True, 0),
        ([_choice(tool_calls=[{"index": 0, "id": "x", "function": {"name": "f", "arguments": '{"a"'}}])], True, 4),
        ([_choice(role="assistant"), _choice(content="x")], True, 1),
        ([{"index": 0, "text": "abc"}], True, 3),
        ([{"index": 0, "text": ""}], False, 0),
        ([{"index": 0, "text": "", "finish_reason": "length"}], True, 0),
    ],
)
def test_content_is_anything_but_a_role(choices, has_content, text_length):
    view = _view(choices=choices)

    assert (view.has_content, view.text_length) == (has_content, text_length)


def test_a_chunk_without_choices_is_there_for_its_usage_alone():
    usage = {"prompt_tokens": 5, "completion_tokens": 3}

    assert _view(choices=[], usage=usage) == ChunkView(is_usage_only=True, usage=Usage(5, 3))
    assert _view(choices=[], usage=None) == ChunkView()
    assert _view(choices=[], usage={}) == ChunkView(is_usage_only=True)
    assert _view(choices=[_choice("stop")], usage=usage) == ChunkView(has_content=True, usage=Usage(5, 3))
    assert _view(choices=[_choice("stop")], x_groq={"id": "r", "usage": usage}) == ChunkView(has_content=True, usage=Usage(5, 3))
    assert _view(choices=[], prompt_filter_results=[{"prompt_index": 0}]) == ChunkView()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"error": {"message": "overloaded"}}, "overloaded"),
        ({"error": "overloaded"}, "overloaded"),
        ({"error": {"code": 500}}, "The provider reported an error."),
        ({"error": True}, "The provider reported an error."),
        ({"error": {"message": "gone"}, "choices": [_choice("error", content="")]}, "gone"),
        ({"choices": [_choice("error")]}, "The provider reported an error."),
        ({"choices": [_choice() | {"error": {"message": "gone", "code": 502}}]}, "gone"),
    ],
)
def test_a_truthy_error_is_one_whatever_its_shape(fields, message):
    error = _view(**fields).error

    assert error is not None
    assert error.message == message


@pytest.mark.parametrize("error", [None, False, 0, "", {}, []])
def test_a_false_error_is_none(error):
    assert _view(error=error, choices=[_choice() | {"error": error}]).error is None


@pytest.mark.parametrize("data", [*GARBAGE, b"{}", b'{"choices": null}', b'{"choices": [5]}', b'{"choices": [{"a": ' + b"[" * 100_000])
def test_what_is_no_chunk_is_a_value_error(data):
    with pytest.raises(ValueError, match="chunk"):
        view_chunk(data)


@pytest.mark.parametrize(
    ("block", "count"),
    [
        (b"", 0),
        (HELLO, 1),
        (HELLO + ROLE + STOP, 3),
        (HELLO.replace(b"\n", b"\r\n") * 2, 2),
        (event({"choices": [], "usage": None}).replace(b": null", b":null"), 1),
        (event({"choices": [], "usage": None}).replace(b": null", b":null") + USAGE, -1),
        (USAGE, -1),
        (HELLO + USAGE, -1),
        (DONE, -1),
        (HELLO + DONE, -1),
        (event({"error": {"message": "x"}}), -1),
        (b": a comment\n\n", -1),
        (HELLO + b": a comment\n\n", -1),
        (b'data: {"choices":[{"delta":{"content":"cut o\n\n', -1),
        (HELLO + b'data: {"cut o\n\n', -1),
        (delta(content="\n\n"), 1),
    ],
)
def test_only_what_holds_nothing_to_act_on_is_plain(block, count):
    assert count_plain(block) == count


@given(st.binary(max_size=100))
def test_no_bytes_of_an_upstream_end_in_another_exception(body):
    for parse in (parse_answer, view_chunk):
        with contextlib.suppress(ValueError, UpstreamBroken):
            parse(body)
