"""The official SDKs read streams under a guard: changed texts, held calls, and an answer that was stopped."""

from __future__ import annotations

from typing import Any

import anthropic
import httpx
import httpx2
import openai
import pytest

from proxy.errors import ContentFiltered
from proxy.guarding.stream import guard_stream
from tests.proxy import chat_help, messages_help, responses_help
from tests.proxy.guarding_help import BEGIN, HIDDEN, HidingGuard

CHAT = [
    chat_help.ROLE,
    *(chat_help.delta(content=text) for text in ("a se", "cret", " b se")),
    chat_help.delta(tool_calls=[{"index": 0, "id": "c", "type": "function", "function": {"name": "find", "arguments": ""}}]),
    chat_help.delta(tool_calls=[{"index": 0, "function": {"arguments": '{"a":"secret"}'}}]),
    chat_help.delta("tool_calls"),
    chat_help.DONE,
]
MESSAGES = [
    messages_help.START,
    messages_help.TEXT_START,
    *(messages_help.delta(0, "text_delta", text=text) for text in ("a se", "cret", " b se")),
    messages_help.TEXT_STOP,
    messages_help.start_block(1, "tool_use", id="t", name="find", input={}),
    messages_help.delta(1, "input_json_delta", partial_json='{"a":"sec'),
    messages_help.delta(1, "input_json_delta", partial_json='ret"}'),
    messages_help.stop_block(1),
    messages_help.message_delta("tool_use"),
    messages_help.STOP,
]
_SAID = responses_help.message_item("a secret b se")
_PLACE = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
_CALL = responses_help.call_item(arguments='{"a":"secret"}')
RESPONSES = [
    responses_help.CREATED,
    responses_help.IN_PROGRESS,
    responses_help.ITEM_ADDED,
    responses_help.event("response.content_part.added", 3, **_PLACE, part=_SAID["content"][0] | {"text": ""}),
    *(responses_help.text_delta(text, 4 + at) for at, text in enumerate(("a se", "cret", " b se"))),
    responses_help.event("response.output_text.done", 7, **_PLACE, text="a secret b se", logprobs=[]),
    responses_help.event("response.content_part.done", 8, **_PLACE, part=_SAID["content"][0]),
    responses_help.event("response.output_item.done", 9, output_index=0, item=_SAID),
    responses_help.event("response.output_item.added", 10, output_index=1, item=_CALL | {"arguments": ""}),
    responses_help.event("response.function_call_arguments.delta", 11, item_id="fc_1", output_index=1, delta='{"a":"secret"}'),
    responses_help.event("response.function_call_arguments.done", 12, item_id="fc_1", output_index=1, arguments='{"a":"secret"}'),
    responses_help.event("response.output_item.done", 13, output_index=1, item=_CALL),
    responses_help.event("response.completed", 14, response=responses_help.response(_SAID, _CALL)),
]
SAID = f"a {HIDDEN} b se"
ARGUMENTS = f'{{"a":"{HIDDEN}"}}'


def sent(operation: str, pieces: list[bytes]) -> bytes:
    """Return what a client gets, as the pipeline sends it."""
    stream = guard_stream(BEGIN[operation](), operation, HidingGuard())
    out = b""
    for piece in pieces:
        try:
            out += stream.feed(piece)
        except ContentFiltered as error:
            return out + stream.fail(error)
    return out + stream.tail


def transport(http: Any, body: bytes) -> Any:
    """Return a client of `httpx`, or of the SDK's own copy of it, that is answered with a stream."""
    headers = {"content-type": "text/event-stream"}
    return http.Client(transport=http.MockTransport(lambda _: http.Response(200, content=body, headers=headers)))


def openai_client(body: bytes) -> openai.OpenAI:
    return openai.OpenAI(api_key="k", base_url="http://gateway.invalid/v1", http_client=transport(httpx, body), max_retries=0)


def anthropic_client(body: bytes) -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key="k", base_url="http://gateway.invalid", http_client=transport(httpx2, body), max_retries=0)


def ask_chat(body: bytes) -> Any:
    with openai_client(body).chat.completions.stream(model="m", messages=[{"role": "user", "content": "Hi"}]) as stream:
        return stream.get_final_completion()


def ask_messages(body: bytes) -> Any:
    with anthropic_client(body).messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "Hi"}]) as stream:
        return stream.get_final_message()


def ask_responses(body: bytes) -> Any:
    with openai_client(body).responses.stream(model="m", input="Hi") as stream:
        return stream.get_final_response()


def test_openai_puts_a_chat_together():
    choice = ask_chat(sent("chat", CHAT)).choices[0]

    assert (choice.message.content, choice.finish_reason) == (SAID, "tool_calls")
    assert choice.message.tool_calls[0].function.arguments == ARGUMENTS


def test_openai_puts_a_response_together():
    answer = ask_responses(sent("responses", RESPONSES))

    assert answer.output_text == SAID
    assert answer.output[1].arguments == ARGUMENTS


def test_anthropic_puts_a_message_together():
    answer = ask_messages(sent("messages", MESSAGES))

    assert answer.content[0].text == SAID
    assert answer.content[1].input == {"a": HIDDEN}
    assert answer.stop_reason == "tool_use"


def test_openai_tells_of_a_chat_that_was_stopped():
    with pytest.raises(openai.APIError, match="guardrail"):
        ask_chat(sent("chat", [*CHAT[:2], chat_help.delta(content=" forbidden")]))


def test_anthropic_tells_of_a_message_that_was_stopped():
    with pytest.raises(anthropic.APIError, match="guardrail"):
        ask_messages(sent("messages", [*MESSAGES[:3], messages_help.delta(0, "text_delta", text=" forbidden")]))


def test_openai_reads_a_response_that_was_stopped():
    body = sent("responses", [*RESPONSES[:5], responses_help.text_delta(" forbidden", 5)])

    with openai_client(body).responses.stream(model="m", input="Hi") as stream:
        kinds = [event.type for event in stream]

    assert kinds[-2:] == ["response.incomplete", "response.failed"]
