"""The endpoints of responses that were answered before."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.errors import BadRequest, MethodNotAllowed, NotFound
from proxy.response_state import StoredResponse, to_store
from proxy.stored_responses import StoredCall, answer_here, call_keeper, find_stored, parse_stored_call
from proxy.testing import MemoryResponses
from tests.proxy.pieces import unhurried
from tests.proxy.responses_help import AZURE, BACKEND, CHAT_ONLY, asked, call_item, message_item, response

BODY = json.dumps(response(message_item())).encode()
INPUT = [
    {"role": "user", "content": "Hello!"},
    {"role": "assistant", "content": "Hi."},
    call_item(item_id="fc_9"),
    {"type": "function_call_output", "call_id": "call_1", "output": "4"},
]


def _stored(**fields) -> StoredResponse:
    stored = to_store(asked(**fields), BODY, CHAT_ONLY)
    assert stored is not None
    return stored


async def _answer(action, stored=None, query="", store=None):
    answer = await answer_here(StoredCall("resp_1", action), stored or _stored(input=INPUT), query, "acme", store or MemoryResponses())
    return json.loads(answer)


@pytest.mark.parametrize(
    ("method", "path", "call"),
    [
        ("GET", "resp_1", StoredCall("resp_1", "get")),
        ("DELETE", "resp_1", StoredCall("resp_1", "delete")),
        ("GET", "resp_1/input_items", StoredCall("resp_1", "input_items")),
        ("POST", "resp_1/cancel", StoredCall("resp_1", "cancel")),
    ],
)
def test_what_is_wanted_is_in_the_path(method, path, call):
    assert parse_stored_call(method, path) == call


@pytest.mark.parametrize("path", ["", "/", "resp_1/", "resp_1/new", "resp_1/cancel/x", "compact", "input_tokens", "/cancel"])
def test_other_paths_are_not_found(path):
    with pytest.raises(NotFound):
        parse_stored_call("GET", path)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("POST", "resp_1", "GET, DELETE"), ("GET", "resp_1/cancel", "POST"), ("POST", "resp_1/input_items", "GET")],
)
def test_other_methods_are_not_allowed(method, path, allowed):
    with pytest.raises(MethodNotAllowed) as caught:
        parse_stored_call(method, path)

    assert caught.value.allowed == allowed


async def test_another_workspaces_response_is_as_unknown_as_any():
    store = MemoryResponses()
    await store.put("acme", _stored(), 60)
    await store.put("acme", StoredResponse("resp_2", "gpt", is_too_large=True), 60)
    errors = []

    for workspace, response_id in (("other", "resp_1"), ("acme", "resp_x"), ("acme", "resp_2")):
        with pytest.raises(NotFound) as caught:
            await find_stored(StoredCall(response_id, "get"), workspace, store)
        errors.append(
            (caught.value.http_status, caught.value.code, caught.value.param, caught.value.public_message.replace(response_id, "ID"))
        )

    assert errors == [(404, "not_found", None, "Response with id 'ID' not found.")] * 3
    assert await find_stored(StoredCall("resp_1", "get"), "acme", store) == _stored()


async def test_a_kept_response_is_what_the_client_got():
    assert await _answer("get", query="include=x&stream=false") == response(message_item())


async def test_a_kept_response_is_not_streamed_again():
    with pytest.raises(BadRequest) as caught:
        await _answer("get", query="stream=true")

    assert caught.value.param == "stream"


async def test_a_deleted_response_is_gone():
    store = MemoryResponses()
    await store.put("acme", _stored(), 60)

    assert await _answer("delete", store=store) == {"id": "resp_1", "object": "response", "deleted": True}
    with pytest.raises(NotFound):
        await find_stored(StoredCall("resp_1", "get"), "acme", store)


async def test_what_was_answered_at_once_cannot_be_cancelled():
    with pytest.raises(BadRequest, match="Cannot cancel a synchronous response"):
        await _answer("cancel")


async def test_input_items_are_listed_as_items():
    page = await _answer("input_items", query="order=asc")

    ids = [item.pop("id") for item in page["data"]]
    assert page == {
        "object": "list",
        "data": [
            {"type": "message", "status": "completed", "role": "user", "content": [{"type": "input_text", "text": "Hello!"}]},
            {"type": "message", "status": "completed", "role": "assistant", "content": [{"type": "output_text", "text": "Hi."}]},
            {name: value for name, value in call_item().items() if name != "id"},
            {"type": "function_call_output", "status": "completed", "call_id": "call_1", "output": "4"},
        ],
        "first_id": ids[0],
        "last_id": ids[-1],
        "has_more": False,
    }
    assert [made.split("_")[0] for made in ids] == ["msg", "msg", "fc", "fco"]
    assert ids[2] == "fc_9"
    assert len(set(ids)) == 4


async def test_input_items_are_paged_from_the_last_by_default():
    everything = (await _answer("input_items"))["data"]
    first = await _answer("input_items", query="limit=3")
    second = await _answer("input_items", query=f"limit=3&after={first['last_id']}")

    assert [item["type"] for item in everything] == ["function_call_output", "function_call", "message", "message"]
    assert (first["data"] + second["data"], first["has_more"], second["has_more"]) == (everything, True, False)


async def test_no_input_items_are_an_empty_page():
    page = await _answer("input_items", stored=StoredResponse("resp_1", "gpt", body=BODY))

    assert page == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}


@pytest.mark.parametrize(
    ("query", "param"),
    [("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("order=up", "order"), ("after=msg_x", "after")],
)
async def test_a_bad_page_is_named(query, param):
    with pytest.raises(BadRequest) as caught:
        await _answer("input_items", query=query)

    assert caught.value.param == param


@pytest.mark.parametrize(
    ("call", "query", "method", "path"),
    [
        (StoredCall("resp_1", "get"), "", "GET", "/responses/resp_1"),
        (
            StoredCall("resp_1", "get"),
            "include%5B%5D=reasoning.encrypted_content&stream=true&starting_after=3&api_key=x",
            "GET",
            "/responses/resp_1?include%5B%5D=reasoning.encrypted_content&stream=true&starting_after=3",
        ),
        (StoredCall("resp_1", "delete"), "", "DELETE", "/responses/resp_1"),
        (StoredCall("resp_1", "cancel"), "", "POST", "/responses/resp_1/cancel"),
        (StoredCall("resp_1", "input_items"), "limit=3&order=asc", "GET", "/responses/resp_1/input_items?limit=3&order=asc"),
        (StoredCall("../files?x", "get"), "", "GET", "/responses/..%2Ffiles%3Fx"),
    ],
)
def test_what_a_provider_keeps_is_asked_for_there(call, query, method, path):
    sent = call_keeper(call, BACKEND, query)

    assert (sent.method, sent.path, sent.body) == (method, path, b"")
    assert sent.headers == [(b"accept", b"application/json"), (b"authorization", b"Bearer sk-openai")]
    assert call_keeper(call, AZURE, query).path == path
    assert (b"api-key", b"az-key") in call_keeper(call, AZURE, query).headers


_values = st.sampled_from(["message", "user", "x", ""]) | st.integers() | st.none() | st.lists(st.none(), max_size=1)


@given(
    st.lists(st.dictionaries(st.sampled_from(["type", "id", "role", "content", "status"]), _values), max_size=4),
    st.sampled_from(["", "order=asc", "limit=1", "after=x", "limit=%00", "limit=²", "after="]),
)
@example([{"type": [None], "id": []}], "after=x")
@unhurried
async def test_any_items_are_listed(items, query):
    try:
        page = await _answer("input_items", stored=_stored(input=items), query=query)
    except BadRequest:
        return

    assert len(page["data"]) <= len(items)
