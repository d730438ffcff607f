"""What OpenAI's Responses endpoint remembers, thinks and counts."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.simulator.app import Simulator
from proxy.simulator.response_store import ResponseStore, StoredResponse
from proxy.simulator.testing import Called, call

PATH = "/v1/responses"
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOLS = [{"type": "function", "name": "get_weather", "parameters": PARAMETERS}]


async def create(
    app: Simulator | None = None, text: Any = "Repeat: one two", *, headers: dict[str, str] | None = None, **fields: Any
) -> Called:
    return await call(app or Simulator(), "POST", PATH, {"model": "sim-fast", "input": text} | fields, headers)


async def get(app: Simulator, response_id: str, rest: str = "") -> Called:
    return await call(app, "GET", f"{PATH}/{response_id}{rest}")


async def cancel(app: Simulator, response_id: str) -> Called:
    return await call(app, "POST", f"{PATH}/{response_id}/cancel")


async def test_response_is_remembered_as_it_was_sent():
    app = Simulator()
    made = (await create(app)).json()

    assert (await get(app, made["id"])).json() == made


async def test_streamed_response_is_remembered_too():
    app = Simulator()
    events = (await create(app, stream=True)).events()

    assert (await get(app, events[0]["response"]["id"])).json() == events[-1]["response"]


async def test_response_that_is_not_stored_is_not_found():
    app = Simulator()
    made = (await create(app, store=False)).json()

    missing = await get(app, made["id"])
    assert made["store"] is False
    assert missing.status == 404
    assert missing.json()["error"] == {
        "message": f"Response with id '{made['id']}' not found.",
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }


async def test_deleted_response_is_gone_for_all_purposes():
    app = Simulator()
    name = (await create(app)).json()["id"]

    deleted = await call(app, "DELETE", f"{PATH}/{name}")

    assert deleted.json() == {"id": name, "object": "response", "deleted": True}
    assert (await get(app, name)).status == 404
    assert (await get(app, name, "/input_items")).status == 404
    assert (await call(app, "DELETE", f"{PATH}/{name}")).status == 404
    assert (await create(app, previous_response_id=name)).status == 400


async def test_next_response_knows_what_was_said_before():
    app = Simulator()
    first = (await create(app)).json()
    second = (await create(app, "What is a cache?", previous_response_id=first["id"])).json()
    alone = (await create(app, "What is a cache?")).json()

    assert second["previous_response_id"] == first["id"]
    assert second["usage"]["input_tokens"] > alone["usage"]["input_tokens"]


async def test_unknown_previous_response_is_a_bad_request():
    called = await create(previous_response_id="resp_unknown")

    assert called.status == 400
    assert called.json()["error"] == {
        "message": "Previous response with id 'resp_unknown' not found.",
        "type": "invalid_request_error",
        "param": "previous_response_id",
        "code": "previous_response_not_found",
    }


async def test_function_output_may_answer_the_call_of_the_previous_response():
    app = Simulator()
    called = (await create(app, "How is it?", model="sim-tools", tools=TOOLS, parallel_tool_calls=False)).json()
    output = {"type": "function_call_output", "call_id": called["output"][0]["call_id"], "output": "12 C"}

    answered = await create(app, [output], model="sim-tools", tools=TOOLS, previous_response_id=called["id"])
    alone = await create(app, [output])
    unanswered = await create(app, "And now?", previous_response_id=called["id"])

    assert answered.json()["output"][0]["type"] == "message"
    assert [alone.status, unanswered.status] == [400, 400]


async def test_input_items_are_listed_newest_first_with_pages():
    app = Simulator()
    said = [{"role": "user", "content": f"Number {n}"} for n in range(3)]
    name = (await create(app, said)).json()["id"]

    newest = (await get(app, name, "/input_items?limit=2")).json()
    rest = (await get(app, name, f"/input_items?limit=2&after={newest['last_id']}")).json()
    oldest = (await get(app, name, "/input_items?order=asc")).json()

    assert [item["content"] for item in newest["data"]] == [[{"type": "input_text", "text": f"Number {n}"}] for n in (2, 1)]
    assert (newest["object"], newest["has_more"], rest["has_more"]) == ("list", True, False)
    assert [item["content"][0]["text"] for item in rest["data"]] == ["Number 0"]
    assert [item["content"][0]["text"] for item in oldest["data"]] == ["Number 0", "Number 1", "Number 2"]
    assert oldest["data"][0] | {"id": "msg_0"} == {
        "id": "msg_0",
        "type": "message",
        "role": "user",
        "status": "completed",
        "content": [{"type": "input_text", "text": "Number 0"}],
    }


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=many"])
async def test_senseless_limit_is_a_bad_request(query):
    app = Simulator()
    name = (await create(app)).json()["id"]

    assert (await get(app, name, f"/input_items?{query}")).status == 400


async def test_background_response_is_pending_until_its_time_and_then_complete():
    app = Simulator()
    slow = (await create(app, background=True, headers={"x-sim-delay-ms": "60000"})).json()
    fast = (await create(app, background=True)).json()

    assert [slow["status"], slow["output"]] == ["queued", []]
    assert (await get(app, slow["id"])).json()["status"] == "in_progress"
    finished = (await get(app, fast["id"])).json()
    assert (finished["status"], finished["background"]) == ("completed", True)


async def test_cancelled_response_stays_cancelled_and_a_complete_one_complete():
    app = Simulator()
    slow = (await create(app, background=True, model="sim-hang")).json()["id"]
    fast = (await create(app, background=True)).json()["id"]

    statuses = [(await cancel(app, name)).json()["status"] for name in (slow, slow, fast)]

    assert statuses == ["cancelled", "cancelled", "completed"]
    assert (await get(app, slow)).json()["status"] == "cancelled"


async def test_response_that_was_waited_for_cannot_be_cancelled():
    app = Simulator()
    called = await cancel(app, (await create(app)).json()["id"])

    assert (called.status, called.json()["error"]["message"]) == (400, "Cannot cancel a synchronous response.")


async def test_background_needs_the_store():
    assert (await create(background=True, store=False)).status == 400


async def test_background_stream_can_be_read_again_from_any_event():
    app = Simulator()
    events = (await create(app, background=True, stream=True)).events()
    name = events[0]["response"]["id"]

    again = await get(app, name, "?stream=true&starting_after=3")

    assert again.headers["content-type"].startswith("text/event-stream")
    assert again.events() == events[4:]
    assert (await get(app, (await create(app)).json()["id"], "?stream=true")).status == 400


async def test_failed_response_is_remembered_as_failed():
    app = Simulator()
    events = (await create(app, model="sim-error-in-stream", stream=True)).events()

    assert (await get(app, events[0]["response"]["id"])).json()["status"] == "failed"


async def test_input_tokens_are_what_a_response_is_charged_for():
    counted = await call(Simulator(), "POST", f"{PATH}/input_tokens", {"model": "sim-fast", "input": "Repeat: one two"})
    made = (await create()).json()

    assert counted.json() == {"object": "response.input_tokens", "input_tokens": made["usage"]["input_tokens"]}


async def test_reasoning_is_an_item_with_a_summary_where_one_is_asked_for():
    with_summary = (await create(reasoning={"effort": "low", "summary": "auto"})).json()
    without = (await create(reasoning={"effort": "high"}, include=["reasoning.encrypted_content"])).json()
    off = (await create(reasoning={"effort": "none"})).json()

    item, message = with_summary["output"]
    assert (item["type"], message["type"]) == ("reasoning", "message")
    assert item["summary"][0]["type"] == "summary_text"
    assert with_summary["usage"]["output_tokens_details"] == {"reasoning_tokens": 16}
    assert with_summary["usage"]["output_tokens"] == 18
    assert without["output"][0]["summary"] == []
    assert without["output"][0]["encrypted_content"]
    assert "encrypted_content" not in item
    assert without["usage"]["output_tokens_details"] == {"reasoning_tokens": 64}
    assert [each["type"] for each in off["output"]] == ["message"]


async def test_streamed_reasoning_has_its_own_events_before_the_message():
    events = (await create(reasoning={"effort": "minimal", "summary": "auto"}, stream=True)).events()

    kinds = [event["type"].removeprefix("response.") for event in events]
    assert kinds == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        *["reasoning_summary_text.delta"] * 8,
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    summary = "".join(event["delta"] for event in events if event["type"] == "response.reasoning_summary_text.delta")
    assert events[-1]["response"]["output"][0]["summary"] == [{"type": "summary_text", "text": summary}]


async def test_response_that_only_thought_is_incomplete_and_has_no_message():
    made = (await create(reasoning={"effort": "high"}, max_output_tokens=5)).json()

    assert (made["status"], made["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert [item["type"] for item in made["output"]] == ["reasoning"]
    assert made["usage"]["output_tokens"] == 5


async def test_filtered_response_is_incomplete_for_that_reason():
    made = (await create(text="Tell me about caches", model="sim-filtered")).json()

    assert made["incomplete_details"] == {"reason": "content_filter"}


async def test_logprobs_come_with_the_text_and_with_each_delta():
    options: dict[str, Any] = {"include": ["message.output_text.logprobs"], "top_logprobs": 2}
    whole, streamed = await create(**options), await create(**options, stream=True)

    entries = whole.json()["output"][0]["content"][0]["logprobs"]
    deltas = [event["logprobs"] for event in streamed.events() if event["type"] == "response.output_text.delta"]
    assert [each["token"] for each in entries] == ["one", " two"]
    assert [len(each["top_logprobs"]) for each in entries] == [2, 2]
    assert deltas == [[each] for each in entries]


async def test_cached_part_of_the_prompt_is_told():
    usage = (await create(text="sim-cached " * 20)).json()["usage"]

    assert usage["input_tokens_details"]["cached_tokens"] == usage["input_tokens"] * 3 // 4


@pytest.mark.parametrize(
    "fields", [{"reasoning": {"effort": "heroic"}}, {"top_logprobs": 21}, {"text": {"format": {"type": "yaml"}}}, {"input": []}]
)
async def test_bad_options_are_refused(fields):
    assert (await create(**fields)).status == 400


def stored(text: str) -> StoredResponse:
    return StoredResponse({"text": text}, {}, ())


def test_store_forgets_the_oldest_beyond_its_count():
    store = ResponseStore(max_count=2)
    for name in ("a", "b", "c"):
        store.put(name, stored(name))

    assert [store.find(name) is not None for name in ("a", "b", "c")] == [False, True, True]


def test_store_forgets_the_oldest_beyond_its_bytes_and_counts_a_rewritten_one_once():
    store = ResponseStore(max_bytes=100)
    for _ in range(5):
        store.put("a", stored("x" * 40))
    store.put("b", stored("x" * 20))
    assert store.find("a") is not None

    store.put("c", stored("x" * 40))

    assert [store.find(name) is not None for name in ("a", "b", "c")] == [False, True, True]


def test_store_does_not_keep_what_is_larger_than_itself():
    store = ResponseStore(max_bytes=100)

    store.put("a", stored("x" * 200))

    assert store.find("a") is None
    assert not store.remove("a")
