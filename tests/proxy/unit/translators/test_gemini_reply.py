"""Gemini's whole answers."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import GatewayError, UpstreamBroken
from proxy.translators.conversation import Choice, Logprob, Reasoning, Reply, Text, ToolCall
from proxy.translators.providers.gemini import CODEC
from proxy.wire.usage import COUNT_MAX, Usage
from tests.proxy.pieces import unhurried
from tests.proxy.provider_help import like
from tests.proxy.recorded import recorded_exchanges

USAGE = {"promptTokenCount": 10, "candidatesTokenCount": 4, "totalTokenCount": 14}
EVERYTHING = {
    "candidates": [
        {
            "content": {
                "parts": [
                    {"text": "Hm.", "thought": True, "thoughtSignature": "s"},
                    {"functionCall": {"name": "now", "args": {"a": 1}, "id": "1"}},
                ],
                "role": "model",
            },
            "finishReason": "STOP",
            "finishMessage": "done",
            "index": 0,
            "logprobsResult": {
                "chosenCandidates": [{"token": "a", "logProbability": -0.5}],
                "topCandidates": [{"candidates": [{"token": "a", "logProbability": -0.5}]}],
            },
        }
    ],
    "promptFeedback": {"blockReason": "SAFETY"},
    "usageMetadata": USAGE | {"promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 5}]},
    "responseId": "r",
    "createTime": "2026-02-15T07:50:37.854117Z",
    "error": {"code": 500, "message": "broken", "status": "INTERNAL", "details": [{"reason": "x"}]},
}


def read(*parts: Any, reason: str | None = "STOP", **more: Any) -> Reply:
    candidate = {"content": {"parts": parts, "role": "model"}, "index": 0} | ({"finishReason": reason} if reason else {})
    return CODEC.parse_reply(msgspec.json.encode({"candidates": [candidate], "responseId": "r", "usageMetadata": USAGE} | more))


def choice(*parts: Any, reason: str | None = "STOP", **more: Any) -> Choice:
    (only,) = read(*parts, reason=reason, **more).choices
    return only


def count(**usage: Any) -> Usage | None:
    return read({"text": "a"}, usageMetadata=usage).usage


def test_text_with_its_id_usage_and_time():
    reply = read({"text": "Hello"}, {"text": " there"}, createTime="2026-02-15T07:50:37.854117Z")

    assert reply == Reply("r", (Choice((Text("Hello there"),), "stop"),), Usage(10, 4), 1771141837)


def test_answer_without_an_id_gets_one_of_its_own():
    one, other = (read({"text": "a"}, responseId=None).id for _ in range(2))

    assert one.startswith("chatcmpl-")
    assert one != other


def test_function_calls_become_tool_calls_with_ids_of_their_own_where_gemini_gives_none():
    first, second, third = choice(
        {"functionCall": {"name": "weather", "args": {"city": "Pa ris", "days": 12345678901234567890, "x": 1.0}}, "thoughtSignature": "s"},
        {"functionCall": {"name": "now", "id": "given", "args": {}}},
        {"functionCall": {"name": "now"}},
    ).parts

    assert isinstance(first, ToolCall)
    assert isinstance(third, ToolCall)
    assert first == ToolCall(first.id, "weather", '{"city":"Pa ris","days":12345678901234567890,"x":1.0}', "gemini:s")
    assert second == ToolCall("given", "now", "{}")
    assert third == ToolCall(third.id, "now", "{}")
    assert len({first.id, third.id}) == 2
    assert first.id.startswith("call_")


def test_arguments_are_passed_on_without_blanks_and_otherwise_as_they_were_written():
    body = b'{"candidates": [{"content": {"parts": [{"functionCall": {"id": "1", "name": "f", "args": {\n "n": 1.50,\n "t": "a b" }}}]},'
    body += b'"finishReason": "STOP"}], "responseId": "r"}'

    assert CODEC.parse_reply(body) == Reply("r", (Choice((ToolCall("1", "f", '{"n":1.50,"t":"a b"}'),), "tool_calls"),), None)


def test_thoughts_come_with_the_seal_of_the_part_behind_them():
    assert choice({"text": "Hm.", "thought": True}, {"text": " So."}, {"text": "Paris", "thoughtSignature": "s"}) == Choice(
        (Reasoning("Hm."), Text(" So."), Reasoning(signature="gemini:s"), Text("Paris")), "stop"
    )
    assert choice({"text": "Hm.", "thought": True}, {"text": "Paris", "thoughtSignature": "s"}) == Choice(
        (Reasoning("Hm.", "gemini:s"), Text("Paris")), "stop"
    )
    assert choice(
        {"text": "Hm.", "thought": True},
        {"functionCall": {"id": "1", "name": "now"}, "thoughtSignature": "s"},
        {"text": "", "thoughtSignature": "t"},
    ) == Choice((Reasoning("Hm."), ToolCall("1", "now", "{}", "gemini:s"), Reasoning(signature="gemini:t")), "tool_calls")


def test_seals_over_thoughts_that_are_not_shown_leave_no_trace_in_a_text():
    assert choice({"text": "Paris", "thoughtSignature": "s"}, {"text": "", "thoughtSignature": "t"}) == Choice((Text("Paris"),), "stop")


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        *((reason, "content_filter") for reason in ("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR")),
    ],
)
def test_reasons_to_stop(reason, expected):
    assert choice({"text": "a"}, reason=reason).stop_reason == expected
    assert choice(reason=reason) == Choice((), expected)


def test_a_cut_off_call_is_no_finished_one():
    assert choice({"functionCall": {"name": "now"}}, reason="MAX_TOKENS").stop_reason == "length"


@pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "OTHER", "UNEXPECTED_TOOL_CALL", "SOMETHING_NEW"])
def test_a_reason_that_means_a_failure_is_raised(reason):
    with pytest.raises(UpstreamBroken, match=reason):
        read({"text": "a"}, reason=reason)


@pytest.mark.parametrize("candidates", [None, []])
def test_a_blocked_prompt_is_an_answer_that_was_filtered(candidates):
    body = {"candidates": candidates, "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "responseId": "r"}
    body["usageMetadata"] = {"promptTokenCount": 7, "totalTokenCount": 7}

    assert CODEC.parse_reply(msgspec.json.encode(body)) == Reply("r", (Choice((), "content_filter"),), Usage(7))


def test_several_candidates_are_several_choices():
    candidates = [
        {"content": {"parts": [{"text": "b"}]}, "finishReason": "MAX_TOKENS", "index": 1},
        {"content": {"parts": [{"functionCall": {"name": "now", "id": "1"}}]}, "finishReason": "STOP"},
    ]

    reply = read(candidates=candidates)

    assert reply.choices == (Choice((ToolCall("1", "now", "{}"),), "tool_calls"), Choice((Text("b"),), "length"))


def test_logprobs_with_the_likeliest_others():
    result = {
        "chosenCandidates": [{"token": "He", "logProbability": -0.5}, {"token": "llo", "logProbability": -1}],
        "topCandidates": [{"candidates": [{"token": "He", "logProbability": -0.5}, {"token": "Yo", "logProbability": "-Infinity"}]}],
    }
    candidate = {"content": {"parts": [{"text": "Hel"}, {"text": "lo"}]}, "finishReason": "STOP", "logprobsResult": result}

    (only,) = read(candidates=[candidate]).choices

    assert only.parts == (Text("Hello"),)
    assert only.logprobs == (Logprob("He", -0.5, (("He", -0.5), ("Yo", -9999.0))), Logprob("llo", -1.0))


@pytest.mark.parametrize("part", [{"inlineData": {"mimeType": "image/png", "data": "aGk="}}, {"fileData": {"fileUri": "gs://a/b"}}])
def test_an_answer_in_pictures_is_refused_in_clear_words(part):
    with pytest.raises(UpstreamBroken, match="answered with media"):
        read({"text": "Look:"}, part)


def test_traces_of_googles_own_tools_are_passed_over():
    parts = [{"executableCode": {"code": "1"}}, {"codeExecutionResult": {"output": "1"}}, {"toolCall": {}}, {}, {"text": "One."}]

    assert choice(*parts) == Choice((Text("One."),), "stop")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"candidates": []}',
        b'{"candidates": [{"content": {"parts": [{"text": "a"}]}}]}',
        b'{"candidates": [{"content": {"parts": [{"text": 1}]}, "finishReason": "STOP"}]}',
        b'{"candidates": [{"content": {"parts": [{"functionCall": {"args": []}}]}, "finishReason": "STOP"}]}',
        b'{"candidates": [{"content": {"parts": [{"text": "\xff"}]}, "finishReason": "STOP"}]}',
        b'{"choices": []}',
        b"[" * 10_000,
    ],
)
def test_what_is_no_whole_answer_is_refused(body):
    with pytest.raises(ValueError):
        CODEC.parse_reply(body)


def test_an_error_in_the_place_of_an_answer_is_raised():
    with pytest.raises(UpstreamBroken, match="overloaded"):
        CODEC.parse_reply(b'{"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}')


# --- counts -----------------------------------------------------------------------------------------------------------------------


def test_thoughts_and_what_tools_read_stand_beside_the_others():
    usage = count(promptTokenCount=32, candidatesTokenCount=20, thoughtsTokenCount=37, toolUsePromptTokenCount=4610, totalTokenCount=4699)

    assert usage == Usage(fresh_input_tokens=4642, text_output_tokens=20, reasoning_tokens=37)
    assert usage.total_tokens == 4699


def test_cached_and_heard_tokens_are_taken_out_of_the_prompt_once():
    usage = count(
        promptTokenCount=17_713,
        cachedContentTokenCount=17_379,
        candidatesTokenCount=100,
        promptTokensDetails=[{"modality": "TEXT", "tokenCount": 16}, {"modality": "AUDIO", "tokenCount": 1917}],
        cacheTokensDetails=[{"modality": "AUDIO", "tokenCount": 1881}],
        candidatesTokensDetails=[{"modality": "AUDIO", "tokenCount": 30}],
    )

    assert usage == Usage(
        fresh_input_tokens=298, cache_read_tokens=17_379, audio_input_tokens=36, text_output_tokens=70, audio_output_tokens=30
    )
    assert usage.input_tokens == 17_713


def test_senseless_counts_stay_within_what_a_record_holds():
    usage = count(promptTokenCount=2**80, cachedContentTokenCount=2**90, candidatesTokenCount=-3, toolUsePromptTokenCount=2**40)

    assert usage == Usage(fresh_input_tokens=COUNT_MAX, cache_read_tokens=COUNT_MAX)


# --- recorded traffic ---------------------------------------------------------------------------------------------------------------

RECORDED = {
    f"{exchange['set']}/{exchange['name']}": exchange
    for exchange in recorded_exchanges()
    if exchange["path"].endswith(":generateContent") and "googleapis.com" in exchange["host"]
}


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_answer_is_read_whole(name):
    body = RECORDED[name]["response"]

    reply = CODEC.parse_reply(msgspec.json.encode(body))

    said = [candidate.get("content", {}).get("parts", []) for candidate in body["candidates"]]
    assert reply.id == body.get("responseId", reply.id) != ""
    assert reply.usage is not None
    assert reply.usage.total_tokens == body["usageMetadata"]["totalTokenCount"]
    assert [_texts(choice, Text) for choice in reply.choices] == [
        "".join(part.get("text", "") for part in parts if not part.get("thought")) for parts in said
    ]
    assert [_texts(choice, Reasoning) for choice in reply.choices] == [
        "".join(part.get("text", "") for part in parts if part.get("thought")) for parts in said
    ]
    assert [
        [(part.name, msgspec.json.decode(part.arguments)) for part in choice.parts if isinstance(part, ToolCall)]
        for choice in reply.choices
    ] == [[(part["functionCall"]["name"], part["functionCall"]["args"]) for part in parts if "functionCall" in part] for parts in said]


def _texts(choice: Choice, kind: type[Text | Reasoning]) -> str:
    return "".join(part.text for part in choice.parts if isinstance(part, kind))


def test_the_recording_holds_its_answers():
    assert len(RECORDED) == 73


# --- anything ---------------------------------------------------------------------------------------------------------------------


@unhurried
@given(like(EVERYTHING) | st.binary(max_size=40))
def test_any_body_is_an_answer_or_an_error_we_know(body):
    try:
        reply = CODEC.parse_reply(body if isinstance(body, bytes) else msgspec.json.encode(body))
    except (GatewayError, ValueError):
        return

    assert reply.id
    assert reply.choices
