"""Chat and legacy completions: the shapes and the order of chunks that OpenAI's clients rely on."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.simulator.app import Simulator
from proxy.simulator.testing import Called, call
from proxy.simulator.text import count_tokens

PATH = "/v1/chat/completions"


def chat_body(content: str = "What is a rate limiter?", model: str = "sim-fast", **options: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": content}], **options}


async def chat(**options: Any) -> Called:
    return await call(Simulator(), "POST", PATH, chat_body(**options))


def contents(called: Called) -> list[str]:
    return [event["choices"][0]["delta"]["content"] for event in called.events()[1:-2] if event["choices"]]


async def test_chat_answers_one_choice_with_consistent_usage():
    called = await chat()

    answer = called.json()
    usage = answer["usage"]
    assert called.status == 200
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["choices"][0]["message"]["role"] == "assistant"
    assert usage["completion_tokens"] == count_tokens(answer["choices"][0]["message"]["content"])
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


async def test_chat_gives_the_same_answer_to_the_same_prompt_and_others_to_others():
    first, again, other = await chat(), await chat(), await chat(content="What is a cache?")

    texts = [each.json()["choices"][0]["message"]["content"] for each in (first, again, other)]
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


async def test_chat_stream_sends_role_contents_finish_and_end_mark_in_this_order():
    called = await chat(stream=True)

    *chunks, end = called.events()
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert called.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert end == "[DONE]"
    assert deltas[0] == {"role": "assistant", "content": "", "refusal": None}
    assert all(list(delta) == ["content"] for delta in deltas[1:-1])
    assert deltas[-1] == {}
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert {chunk["id"] for chunk in chunks} == {chunks[0]["id"]}
    assert not any("usage" in chunk for chunk in chunks)


async def test_chat_stream_says_what_the_whole_answer_says():
    whole, streamed = await chat(), await chat(stream=True)

    assert "".join(contents(streamed)) == whole.json()["choices"][0]["message"]["content"]


async def test_chat_stream_with_include_usage_ends_in_a_chunk_without_choices_and_has_null_before():
    whole, called = await chat(), await chat(stream=True, stream_options={"include_usage": True})

    *chunks, last, end = called.events()
    assert end == "[DONE]"
    assert last["choices"] == []
    assert last["usage"] == whole.json()["usage"]
    assert [chunk["usage"] for chunk in chunks] == [None] * len(chunks)


async def test_chat_stream_with_two_choices_keeps_them_apart():
    whole, streamed = await chat(n=2), await chat(n=2, stream=True)

    said = {0: "", 1: ""}
    for event in streamed.events()[:-1]:
        said[event["choices"][0]["index"]] += event["choices"][0]["delta"].get("content", "")
    assert [choice["message"]["content"] for choice in whole.json()["choices"]] == [said[0], said[1]]
    assert said[0] != said[1]


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
async def test_chat_stops_at_the_token_limit_and_says_length(field):
    whole, streamed = await chat(**{field: 5}), await chat(**{field: 5}, stream=True)

    assert whole.json()["choices"][0]["finish_reason"] == "length"
    assert whole.json()["usage"]["completion_tokens"] == 5
    assert len(contents(streamed)) == 5
    assert streamed.events()[-2]["choices"][0]["finish_reason"] == "length"


async def test_chat_stops_before_a_stop_sequence():
    called = await chat(content="Repeat: one two three four", stop=["four", " three"])

    assert called.json()["choices"][0] == {
        "index": 0,
        "message": {"role": "assistant", "content": "one two", "refusal": None, "annotations": []},
        "logprobs": None,
        "finish_reason": "stop",
    }


async def test_chat_reads_content_parts_and_counts_images():
    parts = [{"type": "text", "text": "Repeat: seen"}, {"type": "image_url", "image_url": {"url": "data:,"}}]

    plain = await chat(content="Repeat: seen")
    called = await call(Simulator(), "POST", PATH, {"model": "sim-fast", "messages": [{"role": "user", "content": parts}]})

    assert called.json()["choices"][0]["message"]["content"] == "seen"
    assert called.json()["usage"]["prompt_tokens"] == plain.json()["usage"]["prompt_tokens"] + 85


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b'{"model": "sim-fast"', None),
        (b"", None),
        (b"\xff\xfe", None),
        (b"[" * 100_000, None),
        ({"messages": [{"role": "user", "content": "x"}]}, "model"),
        ({"model": "sim-fast"}, "messages"),
        ({"model": "sim-fast", "messages": []}, "messages"),
        ({"model": 7, "messages": [{"role": "user", "content": "x"}]}, "model"),
        ({"model": "sim-fast", "messages": [{"content": "x"}]}, "messages[0].role"),
        ({"model": "sim-fast", "messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
        (chat_body(max_tokens=0), "max_tokens"),
        (chat_body(temperature=3), "temperature"),
        (chat_body(stream_options={"include_usage": True}), "stream_options"),
        (chat_body(response_format={"type": "yaml"}), "response_format"),
        (chat_body(response_format={"type": "json_schema", "json_schema": {"name": "x"}}), "response_format"),
        (chat_body(tool_choice="sometimes"), "tool_choice"),
        (chat_body(model="sim-embed"), "model"),
    ],
)
async def test_chat_answers_a_bad_request_with_all_four_keys_of_an_error(body, param):
    called = await call(Simulator(), "POST", PATH, body)

    error = called.json()["error"]
    assert called.status == 400
    assert list(error) == ["message", "type", "param", "code"]
    assert error["type"] == "invalid_request_error"
    assert error["param"] == param


async def test_chat_refuses_a_prompt_beyond_its_context():
    called = await chat(content="word " * 140_000)

    assert called.status == 400
    assert called.json()["error"]["code"] == "context_length_exceeded"


async def test_completions_stop_after_sixteen_tokens_by_default():
    called = await call(Simulator(), "POST", "/v1/completions", {"model": "sim-fast", "prompt": "Once upon a time"})

    answer = called.json()
    assert answer["object"] == "text_completion"
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 16


async def test_completions_answer_each_prompt_and_echo_it():
    body = {"model": "sim-fast", "prompt": ["Repeat: a b", [1, 2, 3]], "echo": True, "max_tokens": 2}
    called = await call(Simulator(), "POST", "/v1/completions", body)

    texts = [choice["text"] for choice in called.json()["choices"]]
    assert texts[0] == "Repeat: a ba b"
    assert texts[1].startswith("1 2 3")
    assert called.json()["usage"]["completion_tokens"] == 4


async def test_completions_stream_texts_then_the_reason_then_usage():
    body = {"model": "sim-fast", "prompt": "Repeat: a b", "stream": True, "stream_options": {"include_usage": True}}
    called = await call(Simulator(), "POST", "/v1/completions", body)

    *chunks, last, end = called.events()
    assert [(chunk["choices"][0]["text"], chunk["choices"][0]["finish_reason"]) for chunk in chunks] == [
        ("a", None),
        (" b", None),
        ("", "stop"),
    ]
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == 2
    assert end == "[DONE]"


async def test_models_lists_every_model_and_shows_one():
    listed = await call(Simulator(), "GET", "/v1/models")
    shown = await call(Simulator(), "GET", "/v1/models/sim-chat")
    missing = await call(Simulator(), "GET", "/v1/models/sim-nothing")

    names = [model["id"] for model in listed.json()["data"]]
    assert {"sim-chat", "sim-fast", "sim-slow", "sim-embed", "sim-429"} <= set(names)
    assert shown.json() in listed.json()["data"]
    assert missing.status == 404


async def test_unknown_path_and_wrong_method_are_errors_in_openai_shape():
    unknown = await call(Simulator(), "POST", "/v1/nothing", {})
    wrong = await call(Simulator(), "GET", PATH)

    assert (unknown.status, unknown.json()["error"]["message"]) == (404, "Invalid URL (POST /v1/nothing)")
    assert (wrong.status, wrong.headers["allow"]) == (405, "POST")
