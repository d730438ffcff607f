"""Many requests over one WebSocket: their messages, and that they do not disturb one another."""

from __future__ import annotations

import asyncio
import json

import pytest

from proxy.ports import UpstreamFailure
from tests.proxy.chat_help import DONE, HELLO, ROLE, STOP, USAGE, WORLD, answer, chat, delta
from tests.proxy.socket_help import SocketSite

STREAM = chat(stream=True, stream_options={"include_usage": True})
USED = {"input_tokens": 5, "output_tokens": 3, "fresh_input_tokens": 5, "text_output_tokens": 3}


def _chunk(data: bytes) -> object:
    return json.loads(data.removeprefix(b"data: "))


async def test_a_stream_is_started_numbered_and_completed_with_what_it_took():
    site = SocketSite()
    site.bench.upstream.answer([ROLE + HELLO, WORLD, STOP + USAGE, DONE])
    client = site.connect()

    client.create(body=STREAM)
    started, *chunks, completed = await client.ended()

    request_id = started["request_id"]
    assert started == {"type": "response.started", "id": "r1", "request_id": request_id}
    assert chunks == [
        {"type": "response.chunk", "id": "r1", "seq": seq, "data": _chunk(data)}
        for seq, data in enumerate([ROLE, HELLO, WORLD, STOP, USAGE])
    ]
    assert completed == {
        "type": "response.completed",
        "id": "r1",
        "request_id": request_id,
        "usage": USED,
        "cost_usd": "0.000000000",
    }
    assert [str(line.request_id) for line in site.bench.spool.ends] == [request_id]
    client.leave()
    await client.done()


async def test_the_chunks_are_the_events_to_the_byte():
    site = SocketSite()
    odd = b'data:  { "choices" :[{"index":0,"delta":{"content":"\\u00e9\xc3\xa9"},"finish_reason":null}] , "x":1.0}\n\n'
    site.bench.upstream.answer([ROLE, odd, STOP, DONE])
    client = site.connect()

    client.create(body=chat(stream=True))
    await client.ended()

    assert client.texts[2] == '{"type":"response.chunk","id":"r1","seq":1,"data":' + odd[7:-2].decode() + "}"


async def test_a_whole_answer_is_one_chunk():
    site = SocketSite()
    body = answer(usage={"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8})
    site.bench.upstream.answer(body)
    client = site.connect()

    client.create(endpoint="chat")
    started, chunk, completed = await client.ended()

    assert started["type"] == "response.started"
    assert chunk == {"type": "response.chunk", "id": "r1", "seq": 0, "data": json.loads(body)}
    assert completed["usage"] == USED


@pytest.mark.parametrize("endpoint", ["/v1/chat/completions", "chat/completions", "chat"])
async def test_an_endpoint_has_a_path_and_short_names(endpoint):
    site = SocketSite()
    site.bench.upstream.answer(answer())
    client = site.connect()

    client.create(endpoint=endpoint)

    assert (await client.ended())[-1]["type"] == "response.completed"


async def test_requests_run_side_by_side_and_end_in_their_own_time():
    site = SocketSite()
    go_on = asyncio.Event()
    site.bench.upstream.answer([ROLE, HELLO, go_on, WORLD, STOP, DONE])
    site.bench.upstream.answer([ROLE, WORLD, STOP, DONE])
    client = site.connect()

    client.create("slow", body=chat(stream=True))
    before = await client.until("response.chunk")
    client.create("quick", body=chat(stream=True))
    during = await client.ended("quick")
    go_on.set()
    after = await client.ended("slow")

    seqs: dict[str, list[int]] = {"slow": [], "quick": []}
    for message in [*before, *during, *after]:
        if message["type"] == "response.chunk":
            seqs[message["id"]].append(message["seq"])
    assert seqs == {"slow": [0, 1, 2, 3], "quick": [0, 1, 2]}
    assert len({line.request_id for line in site.bench.spool.ends}) == 2


async def test_comments_and_the_end_mark_are_no_chunks():
    site = SocketSite(keepalive_s=0.01)
    go_on = asyncio.Event()
    site.bench.upstream.answer([b": from the provider\n\n", ROLE, HELLO, go_on, STOP, DONE])
    client = site.connect()

    client.create(body=chat(stream=True))
    await client.until("response.chunk")
    await asyncio.sleep(0.1)
    go_on.set()
    rest = await client.ended()

    assert [message["type"] for message in rest] == ["response.chunk", "response.chunk", "response.completed"]


async def test_anthropics_pings_are_no_chunks_and_its_errors_are_in_its_own_shape():
    site = SocketSite()
    client = site.connect()

    client.create(endpoint="/v1/messages", body=b'{"model": "nothing", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}')
    [error] = await client.ended()

    assert (error["status"], error["error"]["type"]) == (404, "not_found_error")
    assert error["error"]["details"] == {"error_code": "model_not_found"}
    assert error["request_id"]


async def test_an_event_that_is_not_json_fails_its_request_and_touches_no_other():
    site = SocketSite()
    forged = delta(content="x").replace(b"\n\n", b',"id":"other"\n\n')
    site.bench.upstream.answer([ROLE, HELLO, forged, STOP, DONE])
    client = site.connect()

    client.create(body=chat(stream=True))
    error = (await client.ended())[-1]

    assert (error["type"], error["id"], error["status"]) == ("error", "r1", 502)
    assert all(message.get("id") != "other" for message in client.messages)


async def test_an_upstream_that_breaks_off_ends_the_request_with_its_error():
    site = SocketSite()
    site.bench.upstream.answer([ROLE, HELLO, UpstreamFailure("body", "closed", is_sent=True)])
    client = site.connect()

    client.create(body=chat(stream=True))
    messages = await client.ended()

    assert [message["type"] for message in messages][-2:] == ["response.chunk", "error"]
    assert messages[-1]["error"]["code"] == "upstream_error"
    assert [line.outcome for line in site.bench.spool.ends] != ["ok"]


async def test_a_refused_request_says_what_http_would():
    site = SocketSite()
    client = site.connect()

    client.create(body=chat("nothing"))
    [error] = await client.ended()

    assert error["error"] == {
        "message": "The model 'nothing' does not exist. See GET /v1/models.",
        "type": "invalid_request_error",
        "param": "model",
        "code": "model_not_found",
    }
    assert error["status"] == 404


# --- what cannot be ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"type":"nothing"}',
        '{"id":"r1"}',
        '{"type":"request.create","id":"r1"}',
        '{"type":"request.create","id":"","endpoint":"chat","body":{}}',
        '{"type":"request.create","id":5,"endpoint":"chat","body":{}}',
        '{"type":"request.create","id":"' + "x" * 65 + '","endpoint":"chat","body":{}}',
        '{"type":"request.create","id":"r1","endpoint":"chat","body":{}} trailing',
        '{"type":"auth"}',
        '{"type":"request.create","id":"r1","endpoint":"chat","body":' + "[" * 100_000 + "]" * 100_000 + "}",
    ],
    ids=lambda text: text[:40] or "empty",
)
async def test_a_message_that_cannot_be_read_is_told_so_and_the_socket_goes_on(text):
    client = SocketSite().connect()

    client.say_text(text)
    client.say(type="ping")

    error = await client.next()
    assert (error["type"], error["status"], error["error"]["code"]) == ("error", 400, "invalid_request")
    assert await client.next() == {"type": "pong"}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"endpoint": "/v1/models"}, "endpoint"),
        ({"endpoint": ""}, "endpoint"),
        ({"headers": {"x-gateway-tags": "a\r\nb"}}, "headers"),
        ({"headers": {"anthropic-beta": "名"}}, "headers"),
        ({"headers": {"bad name": "x"}}, "headers"),
        ({"headers": {"": "x"}}, "headers"),
        ({"headers": {"x": "x" * 20_000}}, "headers"),
        ({"headers": {"x-gateway-cache": "perhaps"}}, "x-gateway-cache"),
    ],
)
async def test_a_request_that_cannot_be_is_refused_by_its_id(fields, param):
    client = SocketSite().connect()

    client.create(**fields)
    [error] = await client.ended()

    assert (error["status"], error["error"]["param"]) == (400, param)


async def test_an_id_may_be_used_again_when_its_request_has_ended_and_not_before():
    site = SocketSite()
    go_on = asyncio.Event()
    site.bench.upstream.answer([ROLE, HELLO, go_on, STOP, DONE])
    site.bench.upstream.answer(answer())
    client = site.connect()

    client.create(body=chat(stream=True))
    await client.until("response.chunk")
    client.create()
    [*_, refused] = await client.until("error")
    go_on.set()
    await client.ended()
    client.create()
    again = await client.ended()

    assert refused["error"]["param"] == "id"
    assert again[-1]["type"] == "response.completed"


async def test_more_requests_than_allowed_at_once_are_refused_and_others_go_on():
    site = SocketSite(in_flight_max_count=2)
    go_on = asyncio.Event()
    for _ in range(2):
        site.bench.upstream.answer([ROLE, HELLO, go_on, STOP, DONE])
    client = site.connect()

    for number in range(3):
        client.create(f"r{number}", body=chat(stream=True))
    [*_, refused] = await client.until("error")
    go_on.set()
    ended = [*await client.until("response.completed"), *await client.until("response.completed")]

    assert (refused["id"], refused["status"]) == ("r2", 429)
    assert (refused["error"]["type"], refused["error"]["code"]) == ("rate_limit_error", "too_many_in_flight")
    assert {message["id"] for message in ended if message["type"] == "response.completed"} == {"r0", "r1"}


async def test_a_body_above_the_limit_is_refused():
    client = SocketSite(body_limit_bytes=100).connect()

    client.create(body=chat(user="x" * 100))
    [error] = await client.ended()

    assert (error["status"], error["error"]["code"]) == (413, "request_too_large")


# --- what a request may say beside its body ---------------------------------------------------------------------------------------


async def test_headers_of_a_message_do_what_http_headers_do():
    site = SocketSite()
    site.bench.upstream.answer(answer())
    client = site.connect()

    client.create(headers={"X-Gateway-Tags": "team=a", "X-Gateway-End-User": "zoë", "OpenAI-Beta": "assistants=v2", "cookie": "no"})
    await client.ended()

    [sent] = site.bench.upstream.sent
    assert (b"openai-beta", b"assistants=v2") in sent.headers
    assert b"cookie" not in dict(sent.headers)
    [line] = site.bench.spool.starts
    assert "zoë" in repr(line)
    assert "team=a" in repr(line)


# --- ends that nobody wanted ------------------------------------------------------------------------------------------------------


async def test_a_request_that_is_cancelled_ends_its_upstream_and_says_so():
    site = SocketSite()
    response = site.bench.upstream.answer([ROLE, HELLO, asyncio.Event()])
    client = site.connect()

    client.create(body=chat(stream=True))
    await client.until("response.chunk")
    client.say(type="request.cancel", id="r1")
    error = (await client.ended())[-1]

    assert (error["type"], error["status"], error["error"]["code"]) == ("error", 499, "client_gone")
    assert response.is_aborted
    assert [line.outcome for line in site.bench.spool.ends] == ["cancelled"]
    client.say(type="ping")
    assert await client.next() == {"type": "pong"}


async def test_a_request_that_is_cancelled_at_once_reaches_no_upstream():
    site = SocketSite()
    site.bench.upstream.answer([ROLE, HELLO, asyncio.Event()])
    client = site.connect()

    client.create(body=chat(stream=True))
    client.say(type="request.cancel", id="r1")
    [error] = await client.ended()

    assert error["status"] == 499
    assert site.lifecycle.active_streams == 0


async def test_cancelling_what_does_not_run_is_nothing():
    client = SocketSite().connect()

    client.say(type="request.cancel", id="r1")
    client.say(type="ping")

    assert await client.next() == {"type": "pong"}


async def test_a_client_that_leaves_ends_every_upstream_and_everything_is_settled():
    site = SocketSite()
    responses = [site.bench.upstream.answer([ROLE, HELLO, asyncio.Event()]) for _ in range(3)]
    client = site.connect()
    for number in range(3):
        client.create(f"r{number}", body=chat(stream=True))
    for _ in range(3):
        await client.until("response.chunk")

    client.leave()
    await client.done()

    assert all(response.is_aborted for response in responses)
    assert [line.outcome for line in site.bench.spool.ends] == ["cancelled"] * 3
    assert [event["status"] for event in site.logged()] == [200] * 3
    assert site.lifecycle.active_streams == 0


async def test_a_slow_reader_stops_the_reading_from_the_upstream():
    site = SocketSite()
    pieces = [ROLE, HELLO, *[delta(content=str(number)) for number in range(50)], STOP, DONE]
    response = site.bench.upstream.answer(list(pieces))
    client = site.connect()
    client.create(body=chat(stream=True))
    await client.until("response.chunk")

    client.may_read.clear()
    await asyncio.sleep(0.05)
    left = len(response._pieces)
    await asyncio.sleep(0.05)

    assert len(response._pieces) == left > 40
    client.may_read.set()
    chunks = [message for message in await client.ended() if message["type"] == "response.chunk"]
    assert [message["seq"] for message in chunks] == list(range(1, len(pieces) - 1))


async def test_each_request_is_logged_like_one_over_http():
    site = SocketSite()
    site.bench.upstream.answer(answer())
    client = site.connect()

    client.create()
    await client.ended()
    client.leave()
    await client.done()

    [event] = site.logged()
    assert (event["route"], event["method"], event["status"]) == ("/ws/v1/stream", "POST", 200)


async def test_a_stopping_worker_finishes_what_runs_and_begins_nothing():
    site = SocketSite()
    go_on = asyncio.Event()
    site.bench.upstream.answer([ROLE, HELLO, go_on, STOP, DONE])
    client = site.connect()
    client.create("old", body=chat(stream=True))
    await client.until("response.chunk")

    site.lifecycle.start_drain()
    client.create("new")
    refused = (await client.ended("new"))[-1]
    go_on.set()
    ended = (await client.ended("old"))[-1]

    client.leave()
    await client.done()

    assert (refused["status"], refused["error"]["code"], refused["retry_after_ms"]) == (503, "overloaded", 1000)
    assert ended["type"] == "response.completed"
    assert site.lifecycle.active_streams == 0


async def test_a_worker_that_waits_no_longer_says_so_and_settles():
    site = SocketSite()
    response = site.bench.upstream.answer([ROLE, HELLO, asyncio.Event()])
    client = site.connect()
    client.create(body=chat(stream=True))
    await client.until("response.chunk")

    assert client.task is not None
    client.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await client.done()

    error = (await client.ended())[-1]
    assert (error["status"], error["error"]["code"]) == (503, "overloaded")
    assert response.is_aborted
    assert len(site.bench.spool.ends) == 1
    assert site.lifecycle.active_streams == 0
