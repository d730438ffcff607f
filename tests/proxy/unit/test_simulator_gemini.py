"""Gemini: contents, tools, configuration, streams and errors, as Google's API has them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from proxy.simulator.app import Simulator
from proxy.simulator.testing import Called, call

USER: list[dict[str, Any]] = [{"role": "user", "parts": [{"text": "Repeat: one two three"}]}]
WEATHER = {
    "name": "get_weather",
    "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]},
}
CLOCK = {"name": "get_time", "parametersJsonSchema": {"type": "object", "properties": {"zone": {"type": "string"}}}}
TOOLS = [{"functionDeclarations": [WEATHER, CLOCK]}]
ASKED = {"role": "model", "parts": [{"functionCall": {"id": "1", "name": "get_weather", "args": {"city": "Vienna"}}}]}
TOLD = {"role": "user", "parts": [{"functionResponse": {"id": "1", "name": "get_weather", "response": {"result": "12 C"}}}]}


async def generate(model: str = "sim-fast", *, action: str = "generateContent", **fields: Any) -> Called:
    return await call(Simulator(), "POST", f"/v1beta/models/{model}:{action}", {"contents": USER} | fields)


async def stream(model: str = "sim-fast", **fields: Any) -> list[Any]:
    called = await generate(model, action="streamGenerateContent?alt=sse", **fields)
    assert called.is_complete
    return called.events()


async def candidate(model: str = "sim-fast", **fields: Any) -> Any:
    (only,) = (await generate(model, **fields)).json()["candidates"]
    return only


async def called_names(model: str = "sim-tools", **fields: Any) -> list[str]:
    parts = (await candidate(model, tools=TOOLS, **fields))["content"]["parts"]
    return [part["functionCall"]["name"] for part in parts if "functionCall" in part]


def calling(mode: str, *names: str) -> dict[str, Any]:
    return {"functionCallingConfig": {"mode": mode} | ({"allowedFunctionNames": list(names)} if names else {})}


async def test_answer_has_googles_shape():
    called = await generate()

    answer = called.json()
    assert called.headers["content-type"] == "application/json; charset=UTF-8"
    assert answer == {
        "candidates": [{"content": {"parts": [{"text": "one two three"}], "role": "model"}, "index": 0, "finishReason": "STOP"}],
        "usageMetadata": {
            "promptTokenCount": 11,
            "candidatesTokenCount": 3,
            "totalTokenCount": 14,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 11}],
            "serviceTier": "standard",
        },
        "modelVersion": "sim-fast",
        "responseId": answer["responseId"],
    }


async def test_stream_counts_up_and_ends_with_the_reason():
    called = await generate(action="streamGenerateContent?alt=sse")

    *told, last = called.events()
    assert called.headers["content-type"] == "text/event-stream"
    assert called.body.endswith(b"}\r\n\r\n")
    assert [each["candidates"][0]["content"]["parts"][0]["text"] for each in told] == ["one", " two", " three"]
    assert [each["usageMetadata"]["candidatesTokenCount"] for each in (*told, last)] == [1, 2, 3, 3]
    assert not any("finishReason" in each["candidates"][0] for each in told)
    assert last["candidates"][0] == {"content": {"parts": [{"text": ""}], "role": "model"}, "index": 0, "finishReason": "STOP"}
    assert len({each["responseId"] for each in (*told, last)}) == 1


async def test_stream_without_sse_is_one_array_of_the_same_responses():
    called = await generate(action="streamGenerateContent")

    responses = called.json()
    assert called.headers["content-type"] == "application/json; charset=UTF-8"
    assert [each["candidates"] for each in responses] == [each["candidates"] for each in await stream()]
    assert len(called.chunks) == len(responses) + 1


async def test_array_that_fails_is_still_an_array_and_ends_in_an_error():
    called = await generate("sim-error-in-stream", action="streamGenerateContent")

    assert called.json()[-1]["error"]["status"] == "INTERNAL"


async def test_token_limit_and_stop_sequence_end_the_answer():
    limited = await candidate(generationConfig={"maxOutputTokens": 2})
    stopped = await candidate(generationConfig={"stopSequences": [" three"]})

    assert (limited["content"]["parts"], limited["finishReason"]) == ([{"text": "one two"}], "MAX_TOKENS")
    assert (stopped["content"]["parts"], stopped["finishReason"]) == ([{"text": "one two"}], "STOP")


async def test_filtered_answer_ends_for_safety():
    assert (await candidate("sim-filtered", contents=[{"parts": [{"text": "Tell me about caches"}]}]))["finishReason"] == "SAFETY"


async def test_candidates_are_different_and_kept_apart_in_a_stream():
    fields: dict[str, Any] = {"contents": [{"parts": [{"text": "Tell me"}]}], "generationConfig": {"candidateCount": 2}}
    whole, streamed = await generate(**fields), await stream(**fields)

    texts = [each["content"]["parts"][0]["text"] for each in whole.json()["candidates"]]
    joined = ["", ""]
    for response in streamed:
        for each in response["candidates"]:
            joined[each["index"]] += each["content"]["parts"][0]["text"]
    assert texts == joined
    assert texts[0] != texts[1]


async def test_functions_are_called_with_arguments_that_fit_and_identifiers():
    answer = await candidate("sim-tools", tools=TOOLS)

    first, second = (part["functionCall"] for part in answer["content"]["parts"])
    assert [first["name"], second["name"]] == ["get_weather", "get_time"]
    assert isinstance(first["args"]["city"], str)
    assert first["id"] != second["id"]
    assert (answer["finishReason"], answer["finishMessage"]) == ("STOP", "Model generated function call(s).")


async def test_function_calls_of_a_stream_come_whole():
    streamed = await stream("sim-tools", tools=TOOLS)

    calls = [part["functionCall"] for each in streamed for part in each["candidates"][0]["content"]["parts"] if "functionCall" in part]
    assert [each["name"] for each in calls] == ["get_weather", "get_time"]
    assert all(isinstance(each["args"], dict) for each in calls)


async def test_calling_mode_decides_what_is_called():
    assert await called_names(toolConfig=calling("AUTO")) == ["get_weather", "get_time"]
    assert await called_names("sim-fast", toolConfig=calling("AUTO")) == []
    assert await called_names("sim-fast", toolConfig=calling("ANY")) == ["get_weather", "get_time"]
    assert await called_names("sim-fast", toolConfig=calling("ANY", "get_time")) == ["get_time"]
    assert await called_names(toolConfig=calling("NONE")) == []


async def test_call_that_is_answered_is_followed_by_words():
    answer = await candidate("sim-tools", tools=TOOLS, contents=[*USER, ASKED, TOLD])

    assert list(answer["content"]["parts"][0]) == ["text"]


async def test_call_cut_by_the_limit_is_left_out():
    answer = await candidate("sim-tools", tools=TOOLS, generationConfig={"maxOutputTokens": 9})

    assert answer["content"] == {"role": "model"}
    assert answer["finishReason"] == "MAX_TOKENS"


@pytest.mark.parametrize("field", ["responseSchema", "responseJsonSchema"])
async def test_json_fits_its_schema(field):
    schema = {"type": "object", "properties": {"name": {"type": "string"}, "count": {"type": "integer", "minimum": 3}}}
    schema |= {"required": ["name", "count"]}
    config = {"responseMimeType": "application/json", field: schema}

    text = (await candidate(generationConfig=config))["content"]["parts"][0]["text"]

    value = msgspec.json.decode(text)
    assert isinstance(value["name"], str)
    assert value["count"] >= 3


async def test_schema_in_googles_own_words_is_understood():
    schema = {
        "type": "OBJECT",
        "properties": {
            "tags": {"type": "ARRAY", "items": {"type": "STRING"}, "minItems": "2"},
            "ok": {"type": "BOOLEAN", "nullable": True},
        },
        "propertyOrdering": ["tags", "ok"],
    }
    config = {"responseMimeType": "application/json", "responseSchema": schema}

    value = msgspec.json.decode((await candidate(generationConfig=config))["content"]["parts"][0]["text"])

    assert len(value["tags"]) >= 2
    assert isinstance(value["ok"], bool)


async def test_thoughts_are_parts_when_they_are_asked_for_and_only_counted_when_not():
    shown = (await generate(generationConfig={"thinkingConfig": {"includeThoughts": True, "thinkingBudget": 20}})).json()
    hidden = (await generate(generationConfig={"thinkingConfig": {"thinkingLevel": "LOW"}})).json()
    off = (await generate(generationConfig={"thinkingConfig": {"thinkingBudget": 0}})).json()

    thought, said = shown["candidates"][0]["content"]["parts"]
    usage = shown["usageMetadata"]
    assert (thought["thought"], said) == (True, {"text": "one two three"})
    assert (usage["thoughtsTokenCount"], usage["candidatesTokenCount"]) == (20, 3)
    assert usage["totalTokenCount"] == usage["promptTokenCount"] + 23
    assert hidden["candidates"][0]["content"]["parts"] == [{"text": "one two three"}]
    assert hidden["usageMetadata"]["thoughtsTokenCount"] == 16
    assert "thoughtsTokenCount" not in off["usageMetadata"]


async def test_thoughts_of_a_stream_come_first_and_sign_the_call_that_follows():
    streamed = await stream("sim-tools", tools=TOOLS, generationConfig={"thinkingConfig": {"includeThoughts": True}})

    parts = [part for each in streamed for part in each["candidates"][0]["content"]["parts"]]
    kinds = ["thought" if part.get("thought") else "call" if "functionCall" in part else "end" for part in parts]
    assert kinds == ["thought"] * 64 + ["call", "call", "end"]
    assert ["thoughtSignature" in part for part in parts[-3:]] == [True, False, False]
    assert "candidatesTokenCount" not in streamed[0]["usageMetadata"]


async def test_logprobs_are_given_for_every_token():
    whole = await candidate(generationConfig={"responseLogprobs": True, "logprobs": 2})
    streamed = await stream(generationConfig={"responseLogprobs": True})

    result = whole["logprobsResult"]
    assert [each["token"] for each in result["chosenCandidates"]] == ["one", " two", " three"]
    assert [len(each["candidates"]) for each in result["topCandidates"]] == [2, 2, 2]
    assert result["topCandidates"][0]["candidates"][0] == result["chosenCandidates"][0]
    assert whole["avgLogprobs"] <= 0
    assert streamed[0]["candidates"][0]["logprobsResult"] == {"chosenCandidates": result["chosenCandidates"][:1]}


async def test_image_counts_and_the_cached_part_is_told():
    image = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}
    usage = (await generate(contents=[{"parts": [{"text": "sim-cached"}, image]}])).json()["usageMetadata"]

    assert usage["promptTokensDetails"][1] == {"modality": "IMAGE", "tokenCount": 85}
    assert usage["cachedContentTokenCount"] == usage["promptTokenCount"] * 3 // 4


async def test_system_instruction_is_charged():
    plain, instructed = await generate(), await generate(systemInstruction={"parts": [{"text": "Be brief."}]})

    counts = [each.json()["usageMetadata"]["promptTokenCount"] for each in (plain, instructed)]
    assert counts[1] == counts[0] + 3


async def test_names_may_be_written_with_underscores():
    called = await generate(generation_config={"max_output_tokens": "1"}, system_instruction={"parts": [{"text": "Be brief."}]})

    assert called.json()["candidates"][0]["finishReason"] == "MAX_TOKENS"


async def test_one_object_may_stand_for_a_list_of_one():
    content = {"parts": {"text": "Repeat: one"}}
    called = await generate("sim-tools", contents=content, tools={"functionDeclarations": CLOCK}, toolConfig=calling("ANY", "get_time"))

    assert called.json()["candidates"][0]["content"]["parts"][0]["functionCall"]["name"] == "get_time"


async def test_count_tokens_is_what_the_prompt_is_charged_for():
    counted = await generate(action="countTokens")
    inner = await call(
        Simulator(),
        "POST",
        "/v1beta/models/sim-fast:countTokens",
        {"generateContentRequest": {"model": "models/sim-fast", "contents": USER}},
    )

    assert counted.json() == inner.json() == {"totalTokens": 11, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 11}]}


async def test_embeddings_come_one_by_one_and_in_batches():
    one = {"model": "models/sim-embed", "content": {"parts": [{"text": "one"}]}, "outputDimensionality": 8}
    single = await call(Simulator(), "POST", "/v1beta/models/sim-embed:embedContent", one)
    batch = await call(Simulator(), "POST", "/v1beta/models/sim-embed:batchEmbedContents", {"requests": [one, one]})

    values = single.json()["embedding"]["values"]
    assert len(values) == 8
    assert batch.json() == {"embeddings": [{"values": values}, {"values": values}]}


async def test_batch_for_another_model_is_refused():
    one = {"model": "models/other", "content": {"parts": [{"text": "one"}]}}
    called = await call(Simulator(), "POST", "/v1beta/models/sim-embed:batchEmbedContents", {"requests": [one]})

    assert (called.status, called.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


async def test_both_versions_serve_and_the_header_says_whose_models_are_listed():
    google = {"x-goog-api-key": "any"}
    answered = await call(Simulator(), "POST", "/v1/models/sim-fast:generateContent", {"contents": USER}, google)
    listed = await call(Simulator(), "GET", "/v1/models", headers=google)
    shown = await call(Simulator(), "GET", "/v1beta/models/sim-embed")

    assert answered.status == 200
    assert listed.json()["models"][0]["name"] == "models/sim-chat"
    assert shown.json()["supportedGenerationMethods"] == ["embedContent", "batchEmbedContents"]


@pytest.mark.parametrize(
    "fields",
    [
        {"contents": []},
        {"contents": [{"role": "user", "parts": []}]},
        {"contents": [{"role": "user", "parts": [{}]}]},
        {"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]},
        {"contents": [*USER, ASKED]},
        {"contents": [*USER, ASKED, *USER]},
        {"contents": [TOLD]},
        {"contents": [*USER, ASKED, {"role": "user", "parts": [*TOLD["parts"], *TOLD["parts"]]}]},  # type: ignore[misc]
        {"generationConfig": {"maxOutputTokens": 0}},
        {"generationConfig": {"logprobs": 2}},
        {"generationConfig": {"responseSchema": {"type": "OBJECT"}}},
        {"generationConfig": {"responseMimeType": "text/csv"}},
        {"generationConfig": {"thinkingConfig": {"thinkingBudget": 1, "thinkingLevel": "LOW"}}},
        {"tools": TOOLS, "toolConfig": calling("SOMETIMES")},
        {"tools": TOOLS, "toolConfig": calling("AUTO", "get_time")},
        {"tools": TOOLS, "toolConfig": calling("ANY", "get_rain")},
    ],
)
async def test_bad_request_is_an_invalid_argument(fields):
    called = await generate(**fields)

    error = called.json()["error"]
    assert (called.status, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
    assert error["message"]


@pytest.mark.parametrize(
    ("fields", "name", "field"),
    [
        ({"max_tokens": 5}, "max_tokens", ""),
        ({"generationConfig": {"maxTokens": 5}}, "maxTokens", "generation_config"),
        ({"contents": [{"parts": [{"image_url": "x"}]}]}, "image_url", "contents[0].parts[0]"),
        (
            {"tools": [{"functionDeclarations": [WEATHER | {"parameters": {"type": "object", "additionalProperties": False}}]}]},
            "additionalProperties",
            "tools[0].function_declarations[0].parameters",
        ),
        (
            {"generationConfig": {"responseSchema": {"properties": {"a": {"$ref": "#/$defs/a"}}}}},
            "$ref",
            "generation_config.response_schema.properties.a",
        ),
    ],
)
async def test_name_that_google_does_not_know_is_refused_with_its_place(fields, name, field):
    called = await generate(**fields)

    at = f" at '{field}'" if field else ""
    message = f'Invalid JSON payload received. Unknown name "{name}"{at}: Cannot find field.'
    assert called.status == 400
    assert called.json()["error"] == {
        "code": 400,
        "message": message,
        "status": "INVALID_ARGUMENT",
        "details": [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{"field": field, "description": message}]}],
    }


async def test_quota_error_says_when_to_come_back():
    called = await generate("sim-429")

    error = called.json()["error"]
    assert (called.status, error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert error["details"] == [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2s"}]


async def test_wrong_key_is_an_invalid_argument_and_a_missing_one_is_denied():
    app, path = Simulator("right"), "/v1beta/models/sim-fast:generateContent"
    wrong = await call(app, "POST", path, {"contents": USER}, {"x-goog-api-key": "wrong"})
    missing = await call(app, "POST", path, {"contents": USER})
    in_query = await call(app, "POST", f"{path}?key=right", {"contents": USER})

    assert (wrong.status, wrong.json()["error"]["details"][0]["reason"]) == (400, "API_KEY_INVALID")
    assert (missing.status, missing.json()["error"]["status"]) == (403, "PERMISSION_DENIED")
    assert in_query.status == 200


async def test_unknown_model_unknown_action_and_cached_content_are_errors_of_google():
    model = await generate("sim-nothing")
    action = await generate(action="generateVideo")
    cached = await generate(cachedContent="cachedContents/x")

    assert [(each.status, each.json()["error"]["status"]) for each in (model, action, cached)] == [
        (404, "NOT_FOUND"),
        (404, "NOT_FOUND"),
        (403, "PERMISSION_DENIED"),
    ]
