"""What OpenAI's endpoints say beside the text: reasoning and cached tokens, logarithms of probabilities, moderations."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.simulator.app import Simulator
from proxy.simulator.logprobs import score
from proxy.simulator.testing import Called, call


async def chat(content: str = "Repeat: one two", model: str = "sim-fast", **fields: Any) -> Called:
    body = {"model": model, "messages": [{"role": "user", "content": content}], **fields}
    return await call(Simulator(), "POST", "/v1/chat/completions", body)


async def complete(**fields: Any) -> Called:
    return await call(Simulator(), "POST", "/v1/completions", {"model": "sim-fast", "prompt": "Repeat: one two", **fields})


async def moderate(given: Any, **fields: Any) -> Called:
    return await call(Simulator(), "POST", "/v1/moderations", {"input": given, **fields})


@pytest.mark.parametrize(("effort", "tokens"), [(None, 0), ("none", 0), ("minimal", 8), ("low", 16), ("high", 64)])
async def test_reasoning_is_hidden_and_charged(effort, tokens):
    answer = (await chat(reasoning_effort=effort)).json()

    assert answer["choices"][0]["message"]["content"] == "one two"
    assert answer["usage"]["completion_tokens_details"]["reasoning_tokens"] == tokens
    assert answer["usage"]["completion_tokens"] == tokens + 2


async def test_reasoning_uses_up_the_token_limit():
    (choice,) = (await chat(reasoning_effort="low", max_completion_tokens=10)).json()["choices"]

    assert (choice["message"]["content"], choice["finish_reason"]) == ("", "length")


async def test_unknown_effort_is_a_bad_request():
    called = await chat(reasoning_effort="heroic")

    assert (called.status, called.json()["error"]["param"]) == (400, "reasoning_effort")


async def test_reasoning_model_shows_what_it_thinks_in_a_field_of_its_own():
    whole = (await chat(model="sim-reasoning")).json()
    streamed = (await chat(model="sim-reasoning", stream=True)).events()

    deltas = [event["choices"][0]["delta"] for event in streamed[:-1]]
    thought = "".join(delta.get("reasoning_content") or "" for delta in deltas)
    assert whole["choices"][0]["message"]["reasoning_content"] == thought
    assert whole["usage"]["completion_tokens_details"]["reasoning_tokens"] == 48
    assert "".join(delta.get("content") or "" for delta in deltas) == "one two"
    assert deltas[1] == {"content": None, "reasoning_content": deltas[1]["reasoning_content"]}


async def test_cached_part_of_the_prompt_is_told_by_one_word():
    plain, known = (await chat()).json()["usage"], (await chat("sim-cached " * 20)).json()["usage"]

    assert plain["prompt_tokens_details"]["cached_tokens"] == 0
    assert known["prompt_tokens_details"]["cached_tokens"] == known["prompt_tokens"] * 3 // 4


async def test_filtered_answer_says_so():
    assert (await chat("Tell me", model="sim-filtered")).json()["choices"][0]["finish_reason"] == "content_filter"


async def test_chat_gives_logprobs_with_the_likeliest_others():
    (choice,) = (await chat(logprobs=True, top_logprobs=3)).json()["choices"]

    first, second = choice["logprobs"]["content"]
    assert [first["token"], second["token"]] == ["one", " two"]
    assert first["bytes"] == list(b"one")
    assert first["top_logprobs"][0] == {"token": "one", "logprob": first["logprob"], "bytes": list(b"one")}
    assert [each["logprob"] for each in first["top_logprobs"]] == sorted((e["logprob"] for e in first["top_logprobs"]), reverse=True)
    assert len(first["top_logprobs"]) == 3


async def test_streamed_logprobs_are_those_of_the_whole_answer():
    options: dict[str, Any] = {"logprobs": True, "top_logprobs": 1, "n": 2}
    whole, streamed = await chat("Tell me", **options), await chat("Tell me", **options, stream=True)

    entries: dict[int, list[Any]] = {0: [], 1: []}
    for event in streamed.events()[:-1]:
        for choice in event["choices"]:
            entries[choice["index"]] += (choice["logprobs"] or {"content": []})["content"]
    assert [choice["logprobs"]["content"] for choice in whole.json()["choices"]] == [entries[0], entries[1]]


async def test_logprobs_are_null_where_nobody_asked_and_beside_tool_calls():
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}}]
    plain = await chat()
    calling = await chat(model="sim-tools", tools=tools, logprobs=True, stream=True)

    assert plain.json()["choices"][0]["logprobs"] is None
    assert {event["choices"][0]["logprobs"] is None for event in calling.events()[:-1]} == {True}


@pytest.mark.parametrize("fields", [{"top_logprobs": 2}, {"logprobs": True, "top_logprobs": 21}])
async def test_top_logprobs_alone_and_too_many_are_refused(fields):
    called = await chat(**fields)

    assert (called.status, called.json()["error"]["param"]) == (400, "top_logprobs")


async def test_legacy_logprobs_are_parallel_lists_with_offsets():
    whole, streamed = await complete(logprobs=2), await complete(logprobs=0, stream=True)

    logprobs = whole.json()["choices"][0]["logprobs"]
    assert (logprobs["tokens"], logprobs["text_offset"]) == (["one", " two"], [0, 3])
    assert [len(each) for each in logprobs["top_logprobs"]] == [2, 2]
    assert len(logprobs["token_logprobs"]) == 2
    assert [event["choices"][0]["logprobs"] for event in streamed.events()[:-2]] == [
        {"tokens": ["one"], "token_logprobs": [score(("one",), 0)[0].logprob], "top_logprobs": None, "text_offset": [0]},
        {"tokens": [" two"], "token_logprobs": [score((" two",), 0)[0].logprob], "top_logprobs": None, "text_offset": [3]},
    ]


@pytest.mark.parametrize("top_count", [0, 1, 20])
def test_score_gives_as_many_as_asked_for_and_the_token_is_the_likeliest(top_count):
    (scored,) = score((" the",), top_count)

    assert len(scored.top) == top_count
    assert len({token for token, _ in scored.top}) == top_count
    assert all(logprob <= scored.logprob <= 0 for _, logprob in scored.top)
    assert [token for token, _ in scored.top[:1]] == [" the"][:top_count]


async def test_moderation_judges_each_text_by_itself():
    called = (await moderate(["What is a cache?", "This is sim-flagged."])).json()

    fine, flagged = called["results"]
    found = [name for name, is_found in flagged["categories"].items() if is_found]
    assert (called["model"], called["id"][:5]) == ("omni-moderation-latest", "modr-")
    assert (fine["flagged"], any(fine["categories"].values())) == (False, False)
    assert flagged["flagged"] is True
    assert found == ["harassment", "violence"]
    assert all(flagged["category_scores"][name] >= 0.8 for name in found)
    assert list(flagged["categories"]) == list(flagged["category_scores"]) == list(flagged["category_applied_input_types"])


async def test_moderation_of_a_message_with_an_image_is_one_result():
    parts = [{"type": "text", "text": "sim-flagged"}, {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]

    (result,) = (await moderate(parts, model="omni-moderation-2024-09-26")).json()["results"]

    assert result["flagged"] is True
    assert result["category_applied_input_types"]["violence"] == ["text", "image"]
    assert result["category_applied_input_types"]["hate"] == ["text"]


@pytest.mark.parametrize(
    ("given", "status"), [([], 400), (7, 400), ([{"type": "audio"}], 400), (["a", {"type": "text", "text": "b"}], 400)]
)
async def test_moderation_refuses_what_it_cannot_read(given, status):
    assert (await moderate(given)).status == status


async def test_moderation_behaves_as_its_model():
    assert (await moderate("x", model="sim-429")).status == 429
