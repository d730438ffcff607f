"""Azure: OpenAI's endpoints under its addresses, with its errors, headers and content filter."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.simulator.app import Simulator
from proxy.simulator.testing import Called, call

DEPLOYED = "/openai/deployments/sim-fast/chat/completions"
VERSION = "?api-version=2024-10-21"
USER: list[dict[str, Any]] = [{"role": "user", "content": "Repeat: one two"}]


async def post(path: str, **body: Any) -> Called:
    return await call(Simulator(), "POST", path, body)


async def test_deployment_is_the_model_whatever_the_body_says():
    called = await post(DEPLOYED + VERSION, model="sim-500", messages=USER)

    answer = called.json()
    assert (answer["model"], answer["choices"][0]["message"]["content"]) == ("sim-fast", "one two")
    assert answer["choices"][0]["content_filter_results"]["hate"] == {"filtered": False, "severity": "safe"}
    assert answer["prompt_filter_results"][0]["prompt_index"] == 0
    assert "apim-request-id" in called.headers
    assert "openai-organization" not in called.headers


async def test_stream_begins_with_a_chunk_without_choices():
    called = await post(DEPLOYED + VERSION, messages=USER, stream=True)

    first, *chunks, end = called.events()
    assert (first["choices"], first["id"], first["model"]) == ([], "", "")
    assert "prompt_filter_results" in first
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks) == "one two"
    assert end == "[DONE]"


async def test_asynchronous_filter_ends_with_a_choice_without_a_delta():
    said = [{"role": "user", "content": "Repeat: one sim-async-filter"}]
    called = await post(DEPLOYED + VERSION, messages=said, stream=True)

    *_, late, end = called.events()
    assert "delta" not in late["choices"][0]
    assert late["choices"][0]["content_filter_offsets"]["check_offset"] == 44
    assert end == "[DONE]"


async def test_completions_and_embeddings_are_deployed_too():
    completed = await post(f"/openai/deployments/sim-fast/completions{VERSION}", prompt="Repeat: a b")
    embedded = await post(f"/openai/deployments/sim-embed/embeddings{VERSION}-preview", input="one", dimensions=8)

    assert completed.json()["choices"][0]["text"] == "a b"
    assert len(embedded.json()["data"][0]["embedding"]) == 8


@pytest.mark.parametrize("query", ["", "?api-version=", "?api-version=newest", "?version=2024-10-21"])
async def test_deployment_without_a_version_is_not_found(query):
    called = await post(DEPLOYED + query, messages=USER)

    assert (called.status, called.json()) == (404, {"error": {"code": "404", "message": "Resource not found"}})


@pytest.mark.parametrize("query", ["", "?api-version=preview"])
async def test_open_paths_speak_openais_shape(query):
    chatted = await post(f"/openai/v1/chat/completions{query}", model="sim-fast", messages=USER)
    responded = await post(f"/openai/v1/responses{query}", model="sim-fast", input="Repeat: one two")
    embedded = await post(f"/openai/v1/embeddings{query}", model="sim-embed", input="one")
    listed = await call(Simulator(), "GET", f"/openai/v1/models{query}")

    assert chatted.json()["choices"][0]["message"]["content"] == "one two"
    assert responded.json()["output"][0]["content"][0]["text"] == "one two"
    assert [embedded.status, listed.status] == [200, 200]


async def test_open_paths_refuse_dated_versions():
    called = await post(f"/openai/v1/chat/completions{VERSION}", model="sim-fast", messages=USER)

    assert (called.status, called.json()["error"]) == (400, {"code": "BadRequest", "message": "API version not supported"})


async def test_responses_are_remembered_under_azures_address():
    app = Simulator()
    made = (await call(app, "POST", "/openai/v1/responses", {"model": "sim-fast", "input": "Repeat: a"})).json()

    found = await call(app, "GET", f"/openai/v1/responses/{made['id']}")

    assert found.json() == made


@pytest.mark.parametrize(
    ("model", "status", "code"),
    [("sim-nothing", 404, "DeploymentNotFound"), ("sim-429", 429, "429")],
)
async def test_front_door_errors_have_a_code_and_a_message(model, status, code):
    called = await post(f"/openai/deployments/{model}/chat/completions{VERSION}", messages=USER)

    assert called.status == status
    assert list(called.json()["error"]) == ["code", "message"]
    assert called.json()["error"]["code"] == code


async def test_errors_of_the_model_are_openais():
    failed = await post(f"/openai/deployments/sim-500/chat/completions{VERSION}", messages=USER)
    refused = await post(DEPLOYED + VERSION, messages=[])

    assert list(failed.json()["error"]) == list(refused.json()["error"]) == ["message", "type", "param", "code"]


async def test_wrong_and_missing_keys_are_told_apart():
    app = Simulator("right")
    wrong = await call(app, "POST", DEPLOYED + VERSION, {"messages": USER}, {"api-key": "wrong"})
    missing = await call(app, "POST", DEPLOYED + VERSION, {"messages": USER})

    assert [each.json()["error"]["code"] for each in (wrong, missing)] == ["401", "401"]
    assert wrong.json()["error"]["message"].startswith("Access denied due to invalid subscription key")
    assert missing.json()["error"]["message"].startswith("Access denied due to missing subscription key")


async def test_unknown_path_is_azures_error():
    called = await post("/openai/v1/nothing")

    assert (called.status, called.json()["error"]["code"]) == (404, "404")
