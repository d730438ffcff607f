"""Each endpoint tells of errors, limits and silence in the dialect of its clients."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from proxy.ports import Endpoint, Timeouts, UpstreamFailure
from proxy.snapshot import Backend, LimitRule, Route, Snapshot, Target
from proxy.testing import create_bench, create_principal, create_snapshot
from tests.proxy.asgi_help import Site, check_error
from tests.proxy.chat_help import HELLO, ROLE

QUESTION = [{"role": "user", "content": "Hello!"}]


def _messages(model: str = "gpt", **fields) -> bytes:
    return json.dumps({"model": model, "max_tokens": 10, "messages": QUESTION, **fields}).encode()


def _responses(model: str = "gpt", **fields) -> bytes:
    return json.dumps({"model": model, "input": "Hello!", **fields}).encode()


def _site(provider: str = "openai", **changes) -> Site:
    backend = Backend("main", provider, Endpoint("http", "127.0.0.1", 9, "/v1"), Timeouts())
    routes = {"gpt": Route("gpt", (Target("main", "gpt"),), created_at_s=1_700_000_000), "other": Route("other", (Target("main", "gpt"),))}
    return Site(create_bench(snapshot=Snapshot(revision=7, backends={"main": backend}, routes=routes)), **changes)


def _events(body: bytes) -> list[tuple[str, dict]]:
    found = []
    for block in body.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
        if "event" in lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


async def test_messages_has_anthropic_s_errors_with_the_request_s_id():
    talk = await _site().call(path="/v1/messages", body=_messages("nothing"))

    assert talk.status == 404
    assert talk.json["type"] == "error"
    assert talk.json["error"]["type"] == "not_found_error"
    assert talk.json["request_id"] == talk.headers["request-id"] == talk.headers["x-request-id"]


async def test_a_busy_gateway_is_a_529_to_anthropic_s_clients_and_a_503_to_others():
    site = _site(concurrency_count=0)

    busy = await site.call(path="/v1/messages", body=_messages())

    assert (busy.status, busy.json["error"]["type"]) == (503, "api_error")  # refused before the path was looked at
    site.lifecycle.start_drain()


async def test_a_full_disk_is_a_529_to_anthropic_s_clients():
    site = _site()
    site.bench.spool.is_full = True

    talk = await site.call(path="/v1/messages", body=_messages())

    assert (talk.status, talk.json["error"]["type"]) == (529, "overloaded_error")
    assert talk.headers["retry-after"] == "5"


async def test_a_stream_of_messages_that_breaks_ends_with_an_error_event():
    site = _site()
    site.bench.upstream.answer([ROLE, HELLO, UpstreamFailure("body", "reset", is_sent=True)])

    talk = await site.call(path="/v1/messages", body=_messages(stream=True))

    events = _events(talk.body)
    assert (talk.status, events[0][0]) == (200, "message_start")
    assert events[-1][0] == "error"
    assert events[-1][1]["error"]["type"] == "api_error"


async def test_a_stream_of_responses_that_breaks_ends_with_a_failure_whose_number_goes_on():
    site = _site("anthropic")
    usage = {"input_tokens": 5, "output_tokens": 1}
    started = {"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "usage": usage}}
    begun = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}}
    pieces = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in (started, begun, delta)]
    site.bench.upstream.answer([*pieces, UpstreamFailure("body", "reset", is_sent=True)])

    talk = await site.call(path="/v1/responses", body=_responses(stream=True))

    events = _events(talk.body)
    assert events[-1][0] == "response.failed"
    assert [event["sequence_number"] for _, event in events] == list(range(len(events)))
    (ended,) = site.bench.spool.ends
    assert (ended.usage_source, ended.input_tokens) == ("partial", 5)
    assert ended.output_tokens >= 1


@pytest.mark.parametrize(
    ("path", "body", "comment"),
    [
        ("/v1/chat/completions", b'{"model":"gpt","stream":true,"messages":[{"role":"user","content":"x"}]}', b": keepalive\n\n"),
        ("/v1/messages", _messages(stream=True), b'event: ping\ndata: {"type": "ping"}\n\n'),
        ("/v1/responses", _responses(stream=True), b": keepalive\n\n"),
    ],
)
async def test_a_silent_stream_is_kept_open_in_its_dialect_and_then_fails_in_it(path, body, comment):
    site = _site(keepalive_s=0.02)
    site.bench.upstream.answer([0.1, UpstreamFailure("body", "reset", is_sent=True)])

    talk = await site.call(path=path, body=body)

    assert talk.status == 200
    assert talk.body.startswith(comment)
    end = talk.body.replace(comment, b"")
    assert {"/v1/chat/completions": b"[DONE]", "/v1/messages": b"event: error", "/v1/responses": b"response.failed"}[path] in end


async def test_limits_are_told_in_the_names_of_each_sdk():
    rules = (
        LimitRule("1", "all", "global", "requests", 100, 60, 100),
        LimitRule("2", "tokens", "global", "tokens", 100_000, 60, 100_000),
    )
    site = _site("anthropic")
    site.bench.use(replace(site.bench.gateway.snapshot(), limits=rules))
    reply = {"id": "msg_1", "type": "message", "role": "assistant", "content": [{"type": "text", "text": "Hi."}], "stop_reason": "end_turn"}
    for _ in range(2):
        site.bench.upstream.answer(json.dumps(reply | {"usage": {"input_tokens": 5, "output_tokens": 3}}).encode())

    theirs = await site.call(path="/v1/messages", body=_messages())
    ours = await site.ask(max_tokens=10)

    assert theirs.headers["anthropic-ratelimit-requests-limit"] == "100"
    assert theirs.headers["anthropic-ratelimit-tokens-limit"] == "100000"
    assert theirs.headers["anthropic-ratelimit-tokens-reset"].endswith("Z")
    assert int(theirs.headers["anthropic-ratelimit-tokens-remaining"]) < 100_000
    assert not any(name.startswith("x-ratelimit") for name in theirs.headers)
    assert (ours.headers["x-ratelimit-limit-requests"], ours.headers["x-ratelimit-limit-tokens"]) == ("100", "100000")


async def test_models_have_anthropic_s_shape_for_anthropic_s_sdk():
    site = _site()
    version = (b"anthropic-version", b"2023-06-01")

    listed = await site.call("GET", "/v1/models", headers=[(b"x-api-key", site.bench.key), version])
    one = await site.call("GET", "/v1/models/gpt", headers=[(b"x-api-key", site.bench.key), version])
    none = await site.call("GET", "/v1/models/nothing", headers=[(b"x-api-key", site.bench.key), version])

    assert listed.json == {
        "data": [
            {"type": "model", "id": "gpt", "display_name": "gpt", "created_at": "2023-11-14T22:13:20Z"},
            {"type": "model", "id": "other", "display_name": "other", "created_at": "1970-01-01T00:00:00Z"},
        ],
        "has_more": False,
        "first_id": "gpt",
        "last_id": "other",
    }
    assert one.json == listed.json["data"][0]
    assert (none.status, none.json["error"]["type"]) == (404, "not_found_error")


async def test_aliases_and_wildcards_lead_to_their_route():
    backend = Backend("main", "openai", Endpoint("http", "127.0.0.1", 9, "/v1"), Timeouts())
    routes = {
        "gpt-4o": Route("gpt-4o", (Target("main", "gpt-4o-2026"),), aliases=("best", "default")),
        "openai/*": Route("openai/*", (Target("main", "*"),)),
        "openai/o*": Route("openai/o*", (Target("main", "o*-latest"),)),
    }
    site = Site(create_bench(snapshot=Snapshot(revision=1, backends={"main": backend}, routes=routes)))

    for model in ("best", "openai/gpt-5", "openai/o3", "openai/", "openai/\x00"):
        site.bench.upstream.answer(b'{"choices":[]}')
        await site.ask(model=model)

    assert [json.loads(sent.body)["model"] for sent in site.bench.upstream.sent] == ["gpt-4o-2026", "gpt-5", "o3-latest"]
    listed = await site.call("GET", "/v1/models")
    assert [model["id"] for model in listed.json["data"]] == ["best", "default", "gpt-4o"]


async def test_tokens_are_counted_by_an_estimate_where_the_provider_cannot():
    site = _site("openai")

    talk = await site.call(path="/v1/messages/count_tokens", body=json.dumps({"model": "gpt", "messages": QUESTION}).encode())

    assert talk.status == 200
    assert 5 < talk.json["input_tokens"] < 50
    assert talk.headers["x-gateway-usage-source"] == "estimate"
    assert site.bench.upstream.sent == []


async def test_a_task_that_a_provider_does_not_do_is_refused_by_name():
    site = _site("anthropic")

    talk = await site.call(path="/v1/embeddings", body=b'{"model":"gpt","input":"x"}')

    check_error(talk, 400, "invalid_request_error", "unsupported_parameter", "model")


async def test_a_target_that_cannot_be_spoken_to_gives_way_to_one_that_can():
    endpoint = Endpoint("http", "127.0.0.1", 9, "/v1")
    backends = {name: Backend(name, name, endpoint, Timeouts()) for name in ("anthropic", "openai")}
    route = Route("gpt", (Target("anthropic", "claude", 1_000_000), Target("openai", "gpt", 1)))
    site = Site(create_bench(snapshot=Snapshot(revision=1, backends=backends, routes={"gpt": route})))
    site.bench.upstream.answer(b'{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}')

    talk = await site.ask(seed=7)

    assert (talk.status, talk.headers["x-gateway-backend"]) == (200, "openai")


async def test_a_key_without_the_permission_to_call_models_is_told_so():
    site = Site(create_bench(create_principal(permissions=("usage",)), create_snapshot("gpt")))

    check_error(await site.ask(), 403, "permission_error", "permission_missing")
    check_error(await site.call("GET", "/v1/models"), 403, "permission_error", "permission_missing")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"x-gateway-tags", b",".join(b"t%d" % number for number in range(20))),
        (b"x-gateway-cache", b"maybe"),
        (b"idempotency-key", b"k" * 300),
    ],
)
async def test_a_header_that_cannot_be_is_refused_by_name(name, value):
    site = _site()

    talk = await site.call(headers=[site.bearer, (name, value)])

    check_error(talk, 400, "invalid_request_error", "invalid_request", name.decode())


async def test_tags_and_the_end_user_are_recorded():
    site = _site()
    site.bench.upstream.answer(b'{"choices":[]}')

    await site.call(headers=[site.bearer, (b"x-gateway-tags", b"team=search, batch,team=search"), (b"x-gateway-end-user", b"alice")])

    (ended,) = site.bench.spool.ends
    assert (ended.tags, ended.end_user, ended.endpoint) == (("batch", "team=search"), "alice", "chat")
