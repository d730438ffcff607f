"""Conversations as Gemini is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from proxy.errors import Untranslatable
from proxy.snapshot import Target
from proxy.translators.conversation import (
    Conversation,
    Media,
    Message,
    OutputFormat,
    Reasoning,
    ReasoningWish,
    Refusal,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from proxy.translators.providers.gemini import CODEC
from tests.proxy.pieces import unhurried
from tests.proxy.provider_help import SECRET, conversations, create_backend, dump, dump_body, is_asked_or_refused

SCHEMA = {"type": "object", "properties": {"city": {"type": ["string", "null"]}}, "additionalProperties": False}
TOOLS = (Tool("weather", "Tells the weather.", SCHEMA), Tool("now"))
DECLARED = [
    {"name": "weather", "description": "Tells the weather.", "parametersJsonSchema": SCHEMA},
    {"name": "now", "description": ""},
]
HELLO = Conversation("gemini-2.5-flash", (Message("user", (Text("Hello"),)),))
HELLO_CONTENTS = [{"role": "user", "parts": [{"text": "Hello"}]}]


def ask(*messages: Message, model: str = "gemini-2.5-flash") -> Any:
    return dump_body(CODEC, Conversation(model, messages))


def user(*parts: Any) -> Message:
    return Message("user", parts)


def assistant(*parts: Any) -> Message:
    return Message("assistant", parts)


# --- the call ---------------------------------------------------------------------------------------------------------------------


def test_call_carries_the_credential_in_a_header_only():
    call = dump(CODEC, HELLO)

    assert (call.method, call.path) == ("POST", "/models/gemini-2.5-flash:generateContent")
    assert call.headers == [
        (b"content-type", b"application/json"),
        (b"accept", b"application/json"),
        (b"x-goog-api-key", SECRET.encode()),
    ]
    assert SECRET.encode() not in call.body


def test_stream_is_asked_for_as_events():
    call = dump(CODEC, replace(HELLO, is_stream=True))

    assert call.path == "/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
    assert (b"accept", b"text/event-stream") in call.headers


def test_backend_without_a_credential_is_asked_without_one():
    call = CODEC.dump_request(HELLO, Target("gemini", "gemini-2.5-flash"), create_backend("gemini", ""))

    assert [name for name, _ in call.headers] == [b"content-type", b"accept"]


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("tunedModels/mine", "/tunedModels/mine:generateContent"),
        ("models/gemini-2.5-pro", "/models/gemini-2.5-pro:generateContent"),
        ("odd name?", "/models/odd%20name%3F:generateContent"),
    ],
)
def test_models_stand_in_the_path_as_resources(model, path):
    assert dump(CODEC, replace(HELLO, model=model)).path == path


# --- messages ---------------------------------------------------------------------------------------------------------------------


def test_system_messages_become_the_instruction_wherever_they_stand():
    body = ask(Message("system", (Text("Be brief."),)), user(Text("Hi")), Message("system", (Text("Be kind."),)))

    assert body == {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "systemInstruction": {"parts": [{"text": "Be brief."}, {"text": "Be kind."}]},
    }


def test_a_system_prompt_alone_is_asked_as_the_question():
    assert ask(Message("system", (Text("Say hello."),))) == {"contents": [{"role": "user", "parts": [{"text": "Say hello."}]}]}


def test_neighbours_of_one_role_become_one_turn():
    body = ask(user(Text("a")), user(Text("b")), assistant(Text("c")), assistant(Refusal("d")), user())

    assert body["contents"] == [
        {"role": "user", "parts": [{"text": "a"}, {"text": "b"}]},
        {"role": "model", "parts": [{"text": "c"}, {"text": "d"}]},
        {"role": "user", "parts": [{"text": ""}]},
    ]


@pytest.mark.parametrize(
    ("media", "part"),
    [
        (Media("image", "image/png", "aGk="), {"inlineData": {"mimeType": "image/png", "data": "aGk="}}),
        (Media("audio", "audio/wav", "aGk="), {"inlineData": {"mimeType": "audio/wav", "data": "aGk="}}),
        (Media("file", "application/pdf", "aGk=", name="a.pdf"), {"inlineData": {"mimeType": "application/pdf", "data": "aGk="}}),
        (
            Media("image", url="https://example.com/a/b.png?size=2", detail="low"),
            {"fileData": {"fileUri": "https://example.com/a/b.png?size=2", "mimeType": "image/png"}},
        ),
        (Media("image", url="gs://bucket/b.webp"), {"fileData": {"fileUri": "gs://bucket/b.webp", "mimeType": "image/webp"}}),
        (
            Media("file", "application/pdf", url="https://generativelanguage.googleapis.com/v1beta/files/abc"),
            {"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc", "mimeType": "application/pdf"}},
        ),
        (
            Media("file", url="https://generativelanguage.googleapis.com/v1beta/files/abc"),
            {"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc"}},
        ),
    ],
)
def test_media_go_inline_or_by_their_address(media, part):
    assert ask(user(media))["contents"][0]["parts"] == [part]


@pytest.mark.parametrize("media", [Media("image", url="http://example.com/a.png"), Media("image"), Media("file", "", "aGk=")])
def test_media_that_gemini_cannot_read_are_refused_by_the_clients_name(media):
    conversation = Conversation("gemini-2.5-flash", (user(media),), names={"messages": "input"})

    with pytest.raises(Untranslatable) as refused:
        dump(CODEC, conversation)

    assert refused.value.param == "input"


def test_parallel_calls_are_answered_in_one_turn():
    body = ask(
        user(Text("Weather?")),
        assistant(Text("Let me see."), ToolCall("1", "weather", '{"city": "Paris"}'), ToolCall("2", "now", "")),
        user(ToolResult("1", (Text("sunny"), Text("22 C")), "weather")),
        user(ToolResult("2", (Text("no clock"),), "now", is_error=True), Text("Hurry.")),
    )

    assert body["contents"][1:] == [
        {
            "role": "model",
            "parts": [
                {"text": "Let me see."},
                {"functionCall": {"id": "1", "name": "weather", "args": {"city": "Paris"}}},
                {"functionCall": {"id": "2", "name": "now", "args": {}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"id": "1", "name": "weather", "response": {"output": "sunny\n\n22 C"}}},
                {"functionResponse": {"id": "2", "name": "now", "response": {"error": "no clock"}}},
                {"text": "Hurry."},
            ],
        },
    ]


def test_images_of_a_result_go_into_it_or_beside_it_where_the_model_is_older():
    result = user(ToolResult("1", (Text("see"), Media("image", "image/png", "aGk=")), "shoot"))
    image = {"inlineData": {"mimeType": "image/png", "data": "aGk="}}

    inside = ask(result, model="gemini-3-flash-preview")["contents"][0]["parts"]
    beside = ask(result, model="gemini-2.5-flash")["contents"][0]["parts"]

    response = {"id": "1", "name": "shoot", "response": {"output": "see"}}
    assert inside == [{"functionResponse": response | {"parts": [image]}}]
    assert beside == [{"functionResponse": response}, image]


@pytest.mark.parametrize(
    "message",
    [
        assistant(ToolCall("1", "weather", "not json")),
        assistant(ToolCall("1", "weather", "[1]")),
        assistant(ToolCall("1", "weather", '{"a": 1')),
        user(ToolResult("unknown", (Text("sunny"),))),
    ],
)
def test_calls_and_results_that_gemini_has_no_form_for_are_refused(message):
    with pytest.raises(Untranslatable) as refused:
        ask(message)

    assert refused.value.param == "messages"


# --- seals ------------------------------------------------------------------------------------------------------------------------


def test_seals_of_gemini_go_back_to_the_part_behind_the_thoughts():
    body = ask(
        assistant(Reasoning("Hm.", "gemini:s1"), Text("Paris"), Reasoning("More.", "gemini:s2"), ToolCall("1", "now", "{}")),
        user(ToolResult("1", (Text("noon"),), "now")),
        assistant(ToolCall("2", "now", "{}", "gemini:s3"), Reasoning(signature="gemini:s4")),
    )

    assert body["contents"][0]["parts"] == [
        {"text": "Hm.", "thought": True},
        {"text": "Paris", "thoughtSignature": "s1"},
        {"text": "More.", "thought": True},
        {"functionCall": {"id": "1", "name": "now", "args": {}}, "thoughtSignature": "s2"},
    ]
    assert body["contents"][2]["parts"] == [
        {"functionCall": {"id": "2", "name": "now", "args": {}}, "thoughtSignature": "s3"},
        {"text": "", "thoughtSignature": "s4"},
    ]


@pytest.mark.parametrize(("model", "signature"), [("gemini-2.5-pro", None), ("gemini-3-pro-preview", "skip_thought_signature_validator")])
def test_seals_of_other_providers_stay_here(model, signature):
    calls = (ToolCall("1", "now", "{}", "theirs"), ToolCall("2", "now", "{}"))

    parts = ask(assistant(Reasoning("Hm.", "theirs"), Reasoning(redacted="sealed"), *calls), model=model)["contents"][0]["parts"]

    assert [part.get("thoughtSignature") for part in parts] == [None, signature, None]


# --- how to answer ----------------------------------------------------------------------------------------------------------------


def test_every_parameter_has_its_place():
    conversation = replace(
        HELLO,
        output_limit_tokens=100,
        temperature=0.5,
        top_p=0.9,
        top_k=40,
        stop=("END", "STOP"),
        seed=7,
        frequency_penalty=0.1,
        presence_penalty=-0.1,
        choices_count=2,
        has_logprobs=True,
        top_logprobs_count=5,
        output_format=OutputFormat("schema", SCHEMA, "weather"),
        reasoning=ReasoningWish("low", is_shown=True),
        verbosity="medium",
        end_user="alice",
        has_parallel_tool_calls=False,
    )

    assert dump_body(CODEC, conversation) == {
        "contents": HELLO_CONTENTS,
        "generationConfig": {
            "temperature": 0.5,
            "topP": 0.9,
            "topK": 40,
            "maxOutputTokens": 100,
            "stopSequences": ["END", "STOP"],
            "seed": 7,
            "frequencyPenalty": 0.1,
            "presencePenalty": -0.1,
            "candidateCount": 2,
            "responseLogprobs": True,
            "logprobs": 5,
            "thinkingConfig": {"includeThoughts": True, "thinkingBudget": 2048},
            "responseMimeType": "application/json",
            "responseJsonSchema": SCHEMA,
        },
    }


def test_what_was_not_asked_is_not_sent():
    assert dump_body(CODEC, HELLO) == {"contents": HELLO_CONTENTS}
    assert dump_body(CODEC, replace(HELLO, output_format=OutputFormat("json")))["generationConfig"] == {
        "responseMimeType": "application/json"
    }
    assert dump_body(CODEC, replace(HELLO, has_logprobs=True, top_logprobs_count=0))["generationConfig"] == {"responseLogprobs": True}


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        (None, None),
        (ToolChoice("auto"), {"mode": "AUTO"}),
        (ToolChoice("none"), {"mode": "NONE"}),
        (ToolChoice("required"), {"mode": "ANY"}),
        (ToolChoice("tool", "now"), {"mode": "ANY", "allowedFunctionNames": ["now"]}),
        (ToolChoice("required", allowed=("now",)), {"mode": "ANY", "allowedFunctionNames": ["now"]}),
    ],
)
def test_tools_are_declared_with_their_schema_and_chosen(choice, config):
    body = dump_body(CODEC, replace(HELLO, tools=TOOLS, tool_choice=choice))

    assert body["tools"] == [{"functionDeclarations": DECLARED}]
    assert body.get("toolConfig") == (None if config is None else {"functionCallingConfig": config})


def test_only_allowed_tools_are_shown_where_none_has_to_be_called():
    body = dump_body(CODEC, replace(HELLO, tools=TOOLS, tool_choice=ToolChoice("auto", allowed=("now",))))

    assert body["tools"] == [{"functionDeclarations": DECLARED[1:]}]
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "AUTO"}}


@pytest.mark.parametrize(
    ("model", "wish", "config"),
    [
        ("gemini-2.5-flash", ReasoningWish("medium"), {"thinkingBudget": 8192}),
        ("gemini-2.5-flash", ReasoningWish("xhigh"), {"thinkingBudget": 24_576}),
        ("gemini-2.5-pro", ReasoningWish("xhigh"), {"thinkingBudget": 32_768}),
        ("gemini-2.5-pro", ReasoningWish(budget_tokens=63_999, is_shown=True), {"includeThoughts": True, "thinkingBudget": 32_768}),
        ("gemini-2.5-flash", ReasoningWish("high", budget_tokens=500), {"thinkingBudget": 500}),
        ("gemini-2.5-flash", ReasoningWish("none", is_shown=True), {"thinkingBudget": 0}),
        ("gemini-2.5-flash", ReasoningWish(is_enabled=False), {"thinkingBudget": 0}),
        ("gemini-2.5-flash", ReasoningWish(is_shown=True), {"includeThoughts": True}),
        ("gemini-2.5-flash", ReasoningWish(), None),
        ("gemini-2.0-flash", ReasoningWish("none"), None),
        ("gemini-2.0-flash", ReasoningWish("low"), {"thinkingBudget": 2048}),
        ("gemini-3-flash-preview", ReasoningWish("none"), {"thinkingLevel": "MINIMAL"}),
        ("gemini-3-pro-preview", ReasoningWish("minimal"), {"thinkingLevel": "LOW"}),
        ("gemini-3.5-flash", ReasoningWish("medium", is_shown=True), {"includeThoughts": True, "thinkingLevel": "MEDIUM"}),
        ("models/gemini-4-argon", ReasoningWish(budget_tokens=10_000), {"thinkingLevel": "HIGH"}),
        ("gemini-flash-latest", ReasoningWish("xhigh"), {"thinkingLevel": "HIGH"}),
        ("gemini-3.5-flash", ReasoningWish(is_shown=True), {"includeThoughts": True}),
        ("tunedModels/mine", ReasoningWish("low"), {"thinkingBudget": 2048}),
    ],
)
def test_thinking_is_asked_as_the_model_understands_it(model, wish, config):
    body = dump_body(CODEC, replace(HELLO, model=model, reasoning=wish))

    assert body.get("generationConfig") == (None if config is None else {"thinkingConfig": config})


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"has_parallel_tool_calls": False, "tools": TOOLS}, "parallel_tool_calls"),
        ({"verbosity": "low"}, "verbosity"),
        ({"reasoning": ReasoningWish("odd")}, "reasoning_effort"),
    ],
)
def test_what_gemini_has_no_word_for_is_refused_by_the_clients_name(change, param):
    names = {"has_parallel_tool_calls": "parallel_tool_calls", "reasoning": "reasoning_effort"}

    with pytest.raises(Untranslatable) as refused:
        dump(CODEC, replace(HELLO, names=names, **change))

    assert refused.value.param == param


@unhurried
@given(conversations)
def test_any_conversation_is_asked_as_json_or_refused(conversation):
    assert is_asked_or_refused(CODEC, conversation)
