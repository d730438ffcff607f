"""What a request refers to, and what is kept of an answer."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import BadRequest, PreviousResponseNotFound
from proxy.response_state import (
    Resolved,
    StoredResponse,
    expand_previous,
    keep_on_backend,
    read_items,
    resolve_state,
    response_in_tail,
    to_store,
)
from proxy.snapshot import Target
from proxy.testing import MemoryResponses
from proxy.translators.clients.responses import CODEC
from proxy.translators.conversation import Message, Reasoning, Text, ToolCall, ToolResult
from tests.proxy.pieces import unhurried
from tests.proxy.responses_help import (
    AZURE,
    BACKEND,
    CHAT_ONLY,
    COMPLETED,
    HELLO,
    SIMULATOR,
    asked,
    call_item,
    event,
    message_item,
    response,
)

ACME, OTHER = "acme", "other"
USER = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello!"}]}


def _body(*output, **fields) -> bytes:
    return json.dumps(response(*output, **fields)).encode()


def _input(request):
    return json.loads(bytes(request.fields["input"]))


async def _kept(store, request, *output, response_id="resp_1", backend=CHAT_ONLY, workspace=ACME):
    stored = to_store(request, _body(*output, id=response_id), backend)
    assert stored is not None
    await store.put(workspace, stored, 60)
    return stored


# --- what is kept ---------------------------------------------------------------------------------------------------------------


def test_an_answer_is_kept_whole_where_nobody_else_keeps_it():
    body = _body(message_item("Hi."), call_item())

    stored = to_store(asked(instructions="Be brief."), body, CHAT_ONLY)

    assert stored is not None
    assert replace(stored, input=b"") == StoredResponse("resp_1", "gpt", "", b"", body, ("msg_1", "fc_1"))
    assert json.loads(stored.input) == [{"role": "user", "type": "message", "content": [{"type": "input_text", "text": "Hello!"}]}]


@pytest.mark.parametrize("backend", [BACKEND, AZURE, SIMULATOR])
def test_of_what_a_provider_keeps_only_the_owner_is_kept(backend):
    stored = to_store(asked(input=[USER]), _body(message_item()), backend)

    assert stored == StoredResponse("resp_1", "gpt", backend.name, item_ids=("msg_1",))


def test_what_a_provider_does_in_the_background_is_its_own():
    assert to_store(asked(background=True), _body(status="queued", usage=None), BACKEND) == StoredResponse("resp_1", "gpt", "main")


@pytest.mark.parametrize("backend", [BACKEND, CHAT_ONLY])
def test_who_wants_nothing_kept_is_obeyed(backend):
    assert to_store(asked(store=False), _body(message_item()), backend) is None


@pytest.mark.parametrize(
    "body", [b"", b"x", b"{}", b'{"id":5}', _body(status="failed"), _body(status="in_progress"), b'{"id":"r","output":5}']
)
def test_what_is_no_answer_is_not_kept(body):
    assert to_store(asked(), body, CHAT_ONLY) is None


def test_store_may_be_null():
    assert to_store(asked(store=None), _body(message_item()), CHAT_ONLY) is not None


def test_the_answer_of_a_stream_is_in_its_tail():
    assert json.loads(response_in_tail(COMPLETED) or b"") == response(message_item("Hello!"))
    assert json.loads(response_in_tail(b"".join(HELLO) + b"data: [DONE]\n\n") or b"") == response(message_item("Hello!"))
    assert json.loads(response_in_tail(event("response.incomplete", response={"id": "r"})) or b"") == {"id": "r"}


@pytest.mark.parametrize(
    "tail", [b"", b"data: [DONE]\n\n", event("response.failed", response=response()), b"event: response.completed\ndata: x\n\n"]
)
def test_a_tail_without_an_answer_has_none(tail):
    assert response_in_tail(tail) is None


# --- what is referred to --------------------------------------------------------------------------------------------------------


async def test_a_request_without_references_stays_as_it_is():
    request = asked(input=[USER, {"role": "user", "content": 'What is an "item_reference"?'}])

    assert await resolve_state(request, ACME, MemoryResponses()) == Resolved(request)


async def test_a_conversation_goes_on_from_what_was_kept():
    store = MemoryResponses()
    await _kept(store, asked(instructions="Be brief."), message_item("Hi."), call_item("c1"))

    resolved = await resolve_state(
        asked(previous_response_id="resp_1", input=[{"type": "function_call_output", "call_id": "c1", "output": "4"}]), ACME, store
    )

    assert resolved.backend == ""
    assert resolved.request.previous_response_id == "resp_1"
    assert "previous_response_id" not in resolved.request.fields
    assert CODEC.parse_conversation(resolved.request).messages == (
        Message("user", (Text("Hello!"),)),
        Message("assistant", (Text("Hi."), ToolCall("c1", "look_up", "{}"))),
        Message("user", (ToolResult("c1", (Text("4"),), "look_up"),)),
    )


async def test_items_lose_the_ids_that_only_we_know():
    store = MemoryResponses()
    reasoning = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "seal"}
    await _kept(store, asked(), reasoning, message_item("Hi."))

    resolved = await resolve_state(asked(previous_response_id="resp_1"), ACME, store)

    assert [set(item) & {"id", "status"} for item in _input(resolved.request)] == [set()] * 4
    assert CODEC.parse_conversation(resolved.request).messages[1].parts[0] == Reasoning(signature="seal")


async def test_a_chain_holds_all_that_came_before_and_each_answer_says_what_it_went_on_from():
    store = MemoryResponses()
    previous: dict[str, str] = {}
    for number in range(4):
        request = asked(input=f"Q{number}", instructions=f"I{number}", **previous)
        request = (await resolve_state(request, ACME, store)).request
        await _kept(store, request, message_item(f"A{number}"), response_id=f"resp_{number}")
        previous = {"previous_response_id": f"resp_{number}"}

    resolved = await resolve_state(asked(input="Q4", **previous), ACME, store)

    texts = [part.text for message in CODEC.parse_conversation(resolved.request).messages for part in message.parts]
    assert texts == ["Q0", "A0", "Q1", "A1", "Q2", "A2", "Q3", "A3", "Q4"]
    stream = CODEC.begin_stream(resolved.request)
    assert b'"previous_response_id":"resp_3"' in stream.end()


async def test_an_input_may_be_left_out():
    store = MemoryResponses()
    await _kept(store, asked(), message_item("Hi."))

    resolved = await resolve_state(asked(previous_response_id="resp_1", input=None), ACME, store)

    assert len(_input(resolved.request)) == 2


async def test_what_a_provider_keeps_stays_with_its_backend():
    store = MemoryResponses()
    await _kept(store, asked(), message_item("Hi."), backend=BACKEND)
    request = asked(previous_response_id="resp_1")

    assert await resolve_state(request, ACME, store) == Resolved(request, "main")


@pytest.mark.parametrize("backend", [BACKEND, CHAT_ONLY])
async def test_another_workspaces_response_is_as_unknown_as_any(backend):
    store = MemoryResponses()
    await _kept(store, asked(), message_item("Hi."), backend=backend)
    errors = []

    for workspace, response_id in ((OTHER, "resp_1"), (ACME, "resp_x")):
        with pytest.raises(PreviousResponseNotFound) as caught:
            await resolve_state(asked(previous_response_id=response_id), workspace, store)
        errors.append(
            (caught.value.http_status, caught.value.code, caught.value.param, caught.value.public_message.replace(response_id, "ID"))
        )

    assert errors == [(400, "previous_response_not_found", "previous_response_id", "Previous response with id 'ID' not found.")] * 2


async def test_what_was_too_large_says_so():
    store = MemoryResponses()
    await store.put(ACME, StoredResponse("resp_1", "gpt", is_too_large=True), 60)

    with pytest.raises(PreviousResponseNotFound, match="too large"):
        await resolve_state(asked(previous_response_id="resp_1"), ACME, store)


REFERENCE = {"type": "item_reference", "id": "msg_1"}


async def test_a_reference_is_replaced_by_the_item():
    store = MemoryResponses()
    await _kept(store, asked(), message_item("Hi."))

    resolved = await resolve_state(asked(input=[USER, REFERENCE, USER]), ACME, store)

    assert resolved.backend == ""
    assert [item["role"] for item in _input(resolved.request)] == ["user", "assistant", "user"]
    assert CODEC.parse_conversation(resolved.request).messages[1] == Message("assistant", (Text("Hi."),))


async def test_a_reference_to_what_a_provider_keeps_stays_and_binds():
    store = MemoryResponses()
    await _kept(store, asked(), message_item("Hi."), backend=BACKEND)
    request = asked(input=[REFERENCE, USER])

    assert await resolve_state(request, ACME, store) == Resolved(request, "main")


@pytest.mark.parametrize("backend", [BACKEND, CHAT_ONLY])
async def test_a_reference_into_another_workspace_is_as_unknown_as_any(backend):
    store = MemoryResponses()
    await _kept(store, asked(), message_item("Hi."), backend=backend)
    messages = []

    for workspace, item_id in ((OTHER, "msg_1"), (ACME, "msg_x")):
        with pytest.raises(BadRequest) as caught:
            await resolve_state(asked(input=[REFERENCE | {"id": item_id}]), workspace, store)
        messages.append(caught.value.public_message.replace(item_id, "ID"))

    assert messages == ["Item with id 'ID' not found."] * 2


async def test_a_reference_to_a_deleted_response_is_not_found():
    store = MemoryResponses()
    await _kept(store, asked(), message_item("Hi."))
    await store.delete(ACME, "resp_1")

    with pytest.raises(BadRequest, match="not found"):
        await resolve_state(asked(input=[REFERENCE]), ACME, store)


async def test_what_two_backends_keep_cannot_be_put_together():
    store = MemoryResponses()
    await _kept(store, asked(), message_item("Hi."), backend=BACKEND)
    await _kept(store, asked(), message_item("Ho.", "msg_2"), response_id="resp_2", backend=AZURE)

    with pytest.raises(BadRequest, match="different backends"):
        await resolve_state(asked(previous_response_id="resp_2", input=[REFERENCE]), ACME, store)


def test_only_the_backend_that_keeps_it_is_asked():
    targets = (Target("main", "a"), Target("azure", "b"), Target("main", "c"))

    assert keep_on_backend(targets, "") == targets
    assert keep_on_backend(targets, "main") == (targets[0], targets[2])
    with pytest.raises(BadRequest) as caught:
        keep_on_backend(targets, "gone")
    assert caught.value.param == "previous_response_id"


_items = st.lists(
    st.dictionaries(
        st.sampled_from(["type", "id", "role", "content"]),
        st.sampled_from(["item_reference", "msg_1", "user", "x"]) | st.integers() | st.none() | st.lists(st.none(), max_size=1),
    ),
    max_size=4,
)


@given(_items, _items)
@unhurried
def test_any_items_are_kept_and_put_in_front(earlier, output):
    stored = to_store(asked(input=earlier), _body(*output), CHAT_ONLY)

    assert stored is not None
    expanded = expand_previous(asked(input=[USER]), stored)
    assert _input(expanded)[: len(earlier)] == earlier
    assert len(read_items(expanded)) == len(earlier) + len(output) + 1
