"""Many calls in one request."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from proxy.batch import handle_batch
from proxy.endpoints import MODEL_ENDPOINTS
from proxy.errors import BadRequest, ClientGone, InvalidApiKey, ModelNotFound, Overloaded, PermissionMissing
from proxy.exchange import Exchange
from proxy.testing import Bench, MemorySink, create_bench, create_principal
from proxy.wire.dialect import ANTHROPIC, OPENAI, Dialect
from proxy.wire.usage import Usage
from tests.proxy.chat_help import answer, chat

CHAT = "/v1/chat/completions"


@dataclass
class Fake:
    """An endpoint that does as the test says."""

    handle: Callable[..., Any]
    dialect: Dialect = OPENAI


def _entry(custom_id: str, endpoint: str = "/x", **body: Any) -> dict[str, Any]:
    return {"custom_id": custom_id, "endpoint": endpoint, "body": body}


def _exchange(bench: Bench, body: Any, **changes: Any) -> Exchange:
    body = body if isinstance(body, bytes) else json.dumps({"requests": body}).encode()
    return Exchange("/v1/batch", "POST", "127.0.0.1", bench.key, body, time.perf_counter(), **changes)


async def _ask(entries: Any, endpoints: Any, bench: Bench | None = None, sink: MemorySink | None = None, **changes: Any) -> Any:
    bench, sink = bench or create_bench(), sink or MemorySink()
    await handle_batch(bench.gateway, _exchange(bench, entries, **changes), sink, endpoints)
    assert sink.status == 200
    return json.loads(sink.body)


async def _echo(gateway, exchange, sink):
    exchange.usage, exchange.cost_nano_usd = Usage(3, 2), 1_500
    await sink.send(200, [(b"content-type", b"application/json")], exchange.body)


async def test_entries_are_answered_in_their_order_by_the_pipeline():
    bench = create_bench()
    for text in ("one", "two"):
        bench.upstream.answer(answer(text, {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}))
    sink = MemorySink()
    entries = [{"custom_id": name, "endpoint": CHAT, "body": json.loads(chat())} for name in ("a", "b")]
    entries.append(_entry("c", CHAT, **json.loads(chat("unknown"))))

    result = await _ask(entries, MODEL_ENDPOINTS, bench, sink)

    assert result["object"] == "batch"
    assert result["counts"] == {"total": 3, "succeeded": 2, "failed": 1}
    rows = [(row["custom_id"], row["status"]) for row in result["results"]]
    assert rows == [("a", 200), ("b", 200), ("c", 404)]
    assert {row["body"]["choices"][0]["message"]["content"] for row in result["results"][:2]} == {"one", "two"}
    assert result["results"][0]["usage"] == {"input_tokens": 5, "output_tokens": 3, "total_tokens": 8}
    assert result["results"][2]["body"]["error"]["code"] == "model_not_found"
    assert "usage" not in result["results"][2]
    ids = [row["request_id"] for row in result["results"]]
    assert {line.request_id for line in bench.spool.ends} == set(ids)
    assert len(set(ids)) == 3
    assert sink.header("x-request-id") not in ids
    assert sink.header("content-type") == "application/json"


async def test_all_entries_run_at_once():
    running = most = 0

    async def slow(gateway, exchange, sink):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.05)
        running -= 1
        await _echo(gateway, exchange, sink)

    result = await _ask([_entry(str(at)) for at in range(100)], {"/x": Fake(slow)})

    assert (most, result["counts"]["succeeded"]) == (100, 100)


async def test_costs_are_told_for_each_and_together():
    sink = MemorySink()

    result = await _ask([_entry("a", n=1), _entry("b")], {"/x": Fake(_echo)}, sink=sink)

    assert result["results"][0] == {
        "custom_id": "a",
        "request_id": result["results"][0]["request_id"],
        "status": 200,
        "body": {"n": 1},
        "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5},
        "cost_usd": "0.000001500",
    }
    assert sink.header("x-gateway-cost-usd") == "0.000003000"


async def test_a_failure_is_its_entrys_own_in_the_dialect_of_its_endpoint():
    async def busy(gateway, exchange, sink):
        raise Overloaded

    async def broken(gateway, exchange, sink):
        raise ZeroDivisionError("a bug")

    async def silent(gateway, exchange, sink):
        pass

    endpoints = {"/x": Fake(_echo), "/m": Fake(busy, ANTHROPIC), "/o": Fake(busy), "/b": Fake(broken), "/s": Fake(silent)}
    result = await _ask([_entry(name, f"/{name}") for name in ("m", "o", "b", "s", "x")], endpoints)

    assert [row["status"] for row in result["results"]] == [529, 503, 500, 500, 200]
    assert result["results"][0]["body"]["error"]["type"] == "overloaded_error"
    assert result["results"][0]["body"]["request_id"] == result["results"][0]["request_id"]
    assert result["results"][2]["body"]["error"]["code"] == "internal_error"
    assert "a bug" not in json.dumps(result)


@pytest.mark.parametrize("dialect", [OPENAI, ANTHROPIC])
async def test_an_entry_cannot_be_a_stream(dialect):
    result = await _ask([_entry("a", stream=True), _entry("b", stream=False)], {"/x": Fake(_echo, dialect)})

    refused, answered = result["results"]
    assert (refused["status"], refused["body"]["error"]["param"], answered["status"]) == (400, "stream", 200)
    assert refused["body"].get("type") == ("error" if dialect is ANTHROPIC else None)


@pytest.mark.parametrize("endpoint", ["/v1/models", "/v1/batch", "chat", "/v1/chat/completions/"])
async def test_an_unknown_endpoint_is_named_with_those_there_are(endpoint):
    result = await _ask([_entry("a", endpoint)], MODEL_ENDPOINTS)

    error = result["results"][0]["body"]["error"]
    assert (result["results"][0]["status"], error["param"]) == (400, "endpoint")
    assert CHAT in error["message"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"requests": []}, "requests"),
        ({"requests": [_entry(str(at)) for at in range(101)]}, "requests"),
        ({}, "requests"),
        ({"requests": [_entry("")]}, "requests[0].custom_id"),
        ({"requests": [{"custom_id": "a", "endpoint": "/x"}]}, "requests[0].body"),
        ({"requests": [_entry("a"), _entry("b"), _entry("a")]}, "requests[2].custom_id"),
        ({"requests": [{**_entry("a"), "method": "POST"}]}, "requests[0]"),
        ([], None),
        (b"{", None),
        (b'{"requests": [{"custom_id": "a", "endpoint": "/x", "body": ' + b"[" * 100 + b"]" * 100 + b"}]}", None),
    ],
)
async def test_a_batch_that_cannot_be_read_is_refused_as_a_whole(body, param):
    ran = []

    async def note(gateway, exchange, sink):
        ran.append(exchange)

    with pytest.raises(BadRequest) as caught:
        await _ask(body if isinstance(body, bytes) else json.dumps(body).encode(), {"/x": Fake(note)})

    assert caught.value.param == param
    assert not ran


async def test_a_body_that_is_no_object_is_its_endpoints_to_refuse():
    result = await _ask([{"custom_id": "a", "endpoint": CHAT, "body": [1]}], MODEL_ENDPOINTS)

    assert result["results"][0]["status"] == 400


async def test_who_may_not_ask_gets_no_answer():
    bench = create_bench()
    stranger = _exchange(bench, [_entry("a")])
    stranger.presented_key = b"gw_live_x"

    with pytest.raises(InvalidApiKey):
        await handle_batch(bench.gateway, stranger, MemorySink(), MODEL_ENDPOINTS)
    with pytest.raises(PermissionMissing):
        await _ask([_entry("a")], {}, create_bench(create_principal(permissions=frozenset())))


async def test_entries_take_over_what_the_batch_says_of_itself():
    seen: list[Exchange] = []

    async def note(gateway, exchange, sink):
        seen.append(exchange)
        await _echo(gateway, exchange, sink)

    await _ask(
        [_entry("a"), _entry("b")],
        {"/x": Fake(note)},
        tags=("team=a",),
        end_user="u",
        cache_control="no-store",
        idempotency_key="k",
        deadline_s=9.0,
        passed_headers=[(b"openai-organization", b"o")],
    )

    said = {(entry.route, entry.method, entry.tags, entry.end_user, entry.cache_control, entry.client_ip) for entry in seen}
    assert said == {("/x", "POST", ("team=a",), "u", "no-store", "127.0.0.1")}
    assert [entry.idempotency_key for entry in seen] == ["k\na", "k\nb"]
    assert all(0 < (entry.deadline_s or 0) <= 9 for entry in seen)
    assert seen[0].passed_headers == [(b"openai-organization", b"o")]


class Lasting:
    """An endpoint that runs until it is told, and notes how it ended."""

    def __init__(self, *, is_cancelling: bool = True) -> None:
        self.is_cancelling = is_cancelling
        self.may_end = asyncio.Event()
        self.running_count = 0
        self.ended: list[str] = []

    async def __call__(self, gateway: Any, exchange: Exchange, sink: Any) -> None:
        sink.watch(is_cancelling=self.is_cancelling, is_late=True)
        self.running_count += 1
        try:
            await self.may_end.wait()
            self.ended.append("gone" if sink.is_gone else "answered")
            await _echo(gateway, exchange, sink)
        except asyncio.CancelledError:
            self.ended.append("left" if sink.is_gone else "stopped")
            raise ClientGone from None
        finally:
            self.running_count -= 1


async def _begin(lasting: Lasting, sink: MemorySink, count: int = 3) -> asyncio.Task[Any]:
    task = asyncio.create_task(_ask([_entry(str(at)) for at in range(count)], {"/x": Fake(lasting)}, sink=sink))
    async with asyncio.timeout(10):
        while lasting.running_count < count:
            await asyncio.sleep(0)
    return task


async def test_a_client_that_leaves_ends_all_entries_as_left():
    lasting, sink = Lasting(), MemorySink()
    task = await _begin(lasting, sink)

    sink.leave()
    with pytest.raises(ClientGone):
        await task

    assert (lasting.ended, lasting.running_count) == (["left"] * 3, 0)


async def test_entries_that_are_read_to_their_end_are():
    lasting, sink = Lasting(is_cancelling=False), MemorySink()
    task = await _begin(lasting, sink)

    sink.leave()
    await asyncio.sleep(0.01)
    assert not task.done()
    lasting.may_end.set()
    with pytest.raises(ClientGone):
        await task

    assert lasting.ended == ["gone"] * 3


@pytest.mark.parametrize("is_cancelling", [True, False])
async def test_a_stop_ends_all_entries_as_stopped(is_cancelling):
    lasting, sink = Lasting(is_cancelling=is_cancelling), MemorySink()
    task = await _begin(lasting, sink)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (lasting.ended, lasting.running_count) == (["stopped"] * 3, 0)


async def test_an_entry_that_finds_the_client_gone_when_it_begins_to_watch_ends():
    may_watch = asyncio.Event()
    ended = []

    async def late(gateway, exchange, sink):
        await may_watch.wait()
        sink.watch(is_cancelling=True, is_late=True)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append(sink.is_gone)
            raise ClientGone from None

    sink = MemorySink()
    task = asyncio.create_task(_ask([_entry("a")], {"/x": Fake(late)}, sink=sink))
    await asyncio.sleep(0.01)
    sink.leave()
    await asyncio.sleep(0.01)
    may_watch.set()
    with pytest.raises(ClientGone):
        await task

    assert ended == [True]


async def test_answers_too_large_together_are_left_out_one_by_one(monkeypatch):
    monkeypatch.setattr("proxy.batch.ANSWERS_MAX_BYTES", 1000)

    result = await _ask([_entry("a", n="x" * 600), _entry("b", n="x" * 600)], {"/x": Fake(_echo)})

    assert [row["status"] for row in result["results"]] == [200, 413]
    assert result["results"][1]["cost_usd"] == "0.000001500", "it was paid for"


async def test_an_error_of_a_model_that_is_not_there_counts_as_failed():
    async def missing(gateway, exchange, sink):
        raise ModelNotFound

    result = await _ask([_entry("a"), _entry("b")], {"/x": Fake(missing)})

    assert result["counts"] == {"total": 2, "succeeded": 0, "failed": 2}
