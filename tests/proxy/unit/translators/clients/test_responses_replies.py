"""Whole answers in the Responses dialect."""

from __future__ import annotations

import json

import pytest
from openai.types.responses import Response

from proxy.translators.clients.responses import CODEC
from proxy.translators.conversation import (
    Choice,
    Logprob,
    Message,
    Reasoning,
    Refusal,
    Reply,
    Text,
    ToolCall,
)
from proxy.wire.usage import Usage
from tests.proxy.responses_help import asked, with_short_ids

COUNTED = Usage(fresh_input_tokens=5, cache_read_tokens=3, cache_write_5m_tokens=2, text_output_tokens=4, reasoning_tokens=1)
USAGE = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 2},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 1},
    "total_tokens": 15,
}
PARTS = (
    Reasoning("Hm.", "seal"),
    Reasoning(redacted="aGk="),
    Text("Hi."),
    Refusal("No."),
    ToolCall("c1", "look_up", '{"a":1}'),
    ToolCall("c2", "send", "", "gemini:s"),
    Text("Bye."),
)


def _dump(*parts, reason="stop", usage=COUNTED, logprobs=None, created_at_s=7, **fields):
    reply = Reply("chatcmpl-1", (Choice(parts, reason, None, logprobs),), usage, created_at_s)
    return json.loads(CODEC.dump_reply(reply, asked(**fields)))


def _part(text, **fields):
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": [], **fields}


def _call(number, call_id, name, arguments, status="completed"):
    return {"id": f"fc_{number}", "type": "function_call", "status": status, "call_id": call_id, "name": name, "arguments": arguments}


def test_an_answer_is_a_response():
    response = _dump(Text("Hi."))

    completed_at = response.pop("completed_at")
    assert completed_at >= 7
    assert with_short_ids(response) == {
        "id": "resp_1",
        "object": "response",
        "created_at": 7,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "output": [{"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [_part("Hi.")]}],
        "usage": USAGE,
        "model": "gpt",
        "background": False,
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        "service_tier": "default",
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "user": None,
    }


def test_what_was_asked_for_is_repeated():
    given = {
        "instructions": "Be brief.",
        "max_output_tokens": 50,
        "metadata": {"a": "b"},
        "parallel_tool_calls": False,
        "store": False,
        "temperature": 0,
        "tool_choice": {"type": "function", "name": "f"},
        "tools": [{"type": "function", "name": "f", "parameters": {}, "strict": True}],
        "top_p": 0.5,
        "user": "u",
    }

    response = _dump(Text("Hi."), **given, text={"format": {"type": "json_object"}}, reasoning={"effort": "low"})

    assert {name: response[name] for name in given} == given
    assert response["text"] == {"format": {"type": "json_object"}, "verbosity": "medium"}
    assert response["reasoning"] == {"effort": "low", "summary": None}


def test_every_part_has_its_item():
    assert with_short_ids(_dump(*PARTS)["output"]) == [
        {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}], "encrypted_content": "seal"},
        {"id": "rs_2", "type": "reasoning", "summary": [], "encrypted_content": "redacted:aGk="},
        {
            "id": "msg_1",
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [_part("Hi."), {"type": "refusal", "refusal": "No."}],
        },
        _call(1, "c1", "look_up", '{"a":1}'),
        {"id": "rs_3", "type": "reasoning", "summary": [], "encrypted_content": "call:c2:gemini:s"},
        _call(2, "c2", "send", ""),
        {"id": "msg_2", "type": "message", "status": "completed", "role": "assistant", "content": [_part("Bye.")]},
    ]


def test_an_answer_sent_back_is_the_same_again():
    output = _dump(*PARTS)["output"]

    conversation = CODEC.parse_conversation(asked(input=[{"role": "user", "content": "Hello!"}, *output]))

    assert conversation.messages[1:] == (Message("assistant", PARTS),)


def test_logprobs_stand_at_the_text():
    logprobs = (Logprob("Ü", -0.5, (("Ü", -0.5), ("U", -2.0))), Logprob(".", -0.1))

    response = _dump(Text("Ü."), Text("x"), logprobs=logprobs)

    assert response["output"][0]["content"] == [
        _part(
            "Ü.",
            logprobs=[
                {
                    "token": "Ü",
                    "bytes": [195, 156],
                    "logprob": -0.5,
                    "top_logprobs": [
                        {"token": "Ü", "bytes": [195, 156], "logprob": -0.5},
                        {"token": "U", "bytes": [85], "logprob": -2.0},
                    ],
                },
                {"token": ".", "bytes": [46], "logprob": -0.1, "top_logprobs": []},
            ],
        ),
        _part("x"),
    ]


@pytest.mark.parametrize(
    ("reason", "parts", "incomplete"),
    [
        ("stop", (Text("x"),), None),
        ("stop_sequence", (Text("x"),), None),
        ("tool_calls", (ToolCall("c", "f", "{}"),), None),
        ("length", (Text("x"),), "max_output_tokens"),
        ("content_filter", (Text("x"),), "content_filter"),
        ("refusal", (Text("x"),), "content_filter"),
        ("refusal", (Refusal("x"),), None),
        ("pause", (Text("x"),), "pause"),
    ],
)
def test_the_reason_to_stop_is_the_status(reason, parts, incomplete):
    response = _dump(ToolCall("c0", "f", "{}"), *parts, reason=reason)

    status = "incomplete" if incomplete else "completed"
    assert response["status"] == status
    assert response["incomplete_details"] == ({"reason": incomplete} if incomplete else None)
    assert [item["status"] for item in response["output"]] == ["completed", status]
    assert (response["completed_at"] is None) is (status == "incomplete")


def test_an_answer_of_nothing_has_no_output():
    response = _dump(reason="length", usage=None, created_at_s=0)

    assert (response["output"], response["usage"], response["status"]) == ([], None, "incomplete")
    assert response["created_at"] > 1_700_000_000


def test_a_reply_without_an_answer_is_refused():
    with pytest.raises(ValueError):
        CODEC.dump_reply(Reply("x", (), None), asked())


def test_the_sdk_reads_it():
    logprobs = (Logprob("Hi.", -0.5, (("Hi.", -0.5),)),)
    tools = [{"type": "function", "name": "look_up", "parameters": {}, "strict": True}]

    response = Response.model_validate(_dump(*PARTS, logprobs=logprobs, tools=tools, tool_choice="required"), strict=False)

    assert response.output_text == "Hi.Bye."
    assert [item.type for item in response.output] == [
        *["reasoning", "reasoning", "message", "function_call", "reasoning", "function_call", "message"]
    ]
    assert response.usage is not None
    assert response.usage.input_tokens_details.cached_tokens == 3
