"""The same call made twice is answered once."""

from __future__ import annotations

import asyncio
import time

import pytest

from proxy.errors import (
    BadRequest,
    ContentFiltered,
    GatewayError,
    IdempotencyConflict,
    ModelNotFound,
    Overloaded,
    UpstreamBroken,
    UpstreamRefused,
)
from proxy.exchange import Exchange, Sink
from proxy.idempotency import IdempotencyPlace, Running, StoredAnswer, run_idempotently
from proxy.sinks import CAPTURED_MAX_BYTES
from proxy.testing import KEY_ID, WORKSPACE_ID, MemoryIdempotency, MemorySink, create_principal
from proxy.wire.dialect import ANTHROPIC, OPENAI

PLACE = IdempotencyPlace(WORKSPACE_ID, KEY_ID, "k-1")
HEADERS = [(b"content-type", b"application/json"), (b"x-gateway-backend", b"main"), (b"x-request-id", b"r"), (b"x-gateway-cost-usd", b"1")]


class Calls:
    """What is run behind the key, and how often."""

    def __init__(self, body: bytes = b'{"n":1}', error: Exception | None = None) -> None:
        self.body = body
        self.error = error
        self.count = 0
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def __call__(self, sink: Sink) -> None:
        self.count += 1
        sink.watch(is_cancelling=True, is_late=True)
        await self.may_end.wait()
        if self.error is not None:
            raise self.error
        await sink.send(200, list(HEADERS), self.body)


class Caller:
    """A client with a key, before a store."""

    def __init__(self, store: MemoryIdempotency | None = None) -> None:
        self.store = store or MemoryIdempotency()

    async def ask(self, calls: Calls, *, key="k-1", body=b"{}", path="/v1/embeddings", key_id=KEY_ID, sink=None, dialect=OPENAI):
        sink = sink or MemorySink()
        exchange = Exchange(path, "POST", "", b"", body, time.perf_counter(), dialect, idempotency_key=key)
        await run_idempotently(self.store, exchange, create_principal(key_id=key_id), sink, calls)
        return sink


async def test_the_second_call_gets_the_first_ones_answer():
    caller, calls = Caller(), Calls()

    first, second = await caller.ask(calls), await caller.ask(calls)

    assert (calls.count, first.body, second.body, second.status) == (1, b'{"n":1}', b'{"n":1}', 200)
    assert first.header("x-gateway-idempotent-replay") is None
    assert second.header("x-gateway-idempotent-replay") == "true"
    assert (second.header("content-type"), second.header("x-gateway-backend")) == ("application/json", "main")
    assert second.header("x-request-id") not in {"r", second.header("x-gateway-first-request-id")}
    assert second.header("x-gateway-cost-usd") == "0.000000000"
    assert len({name for name, _ in second.headers}) == len(second.headers)


@pytest.mark.parametrize("other", [{"key": "k-2"}, {"key_id": "other"}])
async def test_another_key_is_another_call(other):
    caller, calls = Caller(), Calls()

    await caller.ask(calls)
    await caller.ask(calls, **other)

    assert calls.count == 2


@pytest.mark.parametrize("other", [{"body": b"{ }"}, {"path": "/v1/completions"}])
@pytest.mark.parametrize("is_done", [True, False])
async def test_the_same_key_with_other_parameters_is_refused(other, is_done):
    caller, calls = Caller(), Calls()
    if not is_done:
        calls.may_end.clear()
    first = asyncio.create_task(caller.ask(calls))
    await asyncio.wait([first], timeout=None if is_done else 0.01)

    with pytest.raises(IdempotencyConflict, match="other parameters") as caught:
        await caller.ask(calls, **other)

    assert (caught.value.http_status, caught.value.is_retryable) == (409, False)
    calls.may_end.set()
    await first
    assert calls.count == 1


async def test_a_call_whose_first_is_running_is_refused_and_leaves_it_alone():
    caller, calls = Caller(), Calls()
    calls.may_end.clear()
    first = asyncio.create_task(caller.ask(calls))
    await asyncio.sleep(0.01)

    with pytest.raises(IdempotencyConflict, match="still running"):
        await caller.ask(calls)
    calls.may_end.set()

    assert (await first).body == b'{"n":1}'
    assert (await caller.ask(calls)).body == b'{"n":1}'
    assert calls.count == 1


async def test_of_many_at_once_one_runs():
    caller, calls = Caller(), Calls()

    results = await asyncio.gather(*(caller.ask(calls) for _ in range(20)), return_exceptions=True)

    assert calls.count == 1
    assert all(isinstance(result, MemorySink | IdempotencyConflict) for result in results)


@pytest.mark.parametrize(
    ("error", "status"),
    [(BadRequest("no", param="n"), 400), (ContentFiltered(), 400), (ModelNotFound(), 404), (UpstreamRefused(422, "no"), 422)],
)
@pytest.mark.parametrize("dialect", [OPENAI, ANTHROPIC])
async def test_an_error_that_a_repeat_would_meet_again_is_the_answer(error, status, dialect):
    caller, calls = Caller(), Calls(error=error)

    with pytest.raises(type(error)):
        await caller.ask(calls, dialect=dialect)
    again = await caller.ask(calls, dialect=dialect)

    first_id = again.header("x-gateway-first-request-id")
    assert (calls.count, again.status, again.body) == (1, status, dialect.dump_error(error, first_id))
    assert again.header("content-type") == "application/json"


@pytest.mark.parametrize("error", [UpstreamBroken(), Overloaded(), UpstreamRefused(429, "slow down"), ZeroDivisionError("a bug")])
async def test_an_error_that_a_retry_may_mend_gives_the_key_back(error):
    caller, calls = Caller(), Calls(error=error)
    with pytest.raises(type(error)):
        await caller.ask(calls)

    calls.error = None

    assert (await caller.ask(calls)).body == b'{"n":1}'
    assert calls.count == 2


async def test_the_answer_is_kept_before_the_client_sees_it():
    caller, calls = Caller(), Calls()
    seen = []

    class Looking(MemorySink):
        async def send(self, status, headers, body):
            seen.append(caller.store.kept[PLACE])
            await super().send(status, headers, body)

    await caller.ask(calls, sink=Looking())

    assert isinstance(seen[0], StoredAnswer)


async def test_a_client_that_leaves_gets_its_answer_when_it_comes_back():
    """The lost connection is what the key is for."""
    caller, calls, sink = Caller(), Calls(), MemorySink()
    calls.may_end.clear()
    first = asyncio.create_task(caller.ask(calls, sink=sink))
    await asyncio.sleep(0.01)

    sink.leave()
    await asyncio.sleep(0.01)
    assert not first.done()
    calls.may_end.set()
    await first

    assert not sink.pieces
    assert (await caller.ask(calls)).body == b'{"n":1}'
    assert calls.count == 1


async def test_a_stop_gives_the_key_back():
    caller, calls = Caller(), Calls()
    calls.may_end.clear()
    first = asyncio.create_task(caller.ask(calls))
    await asyncio.sleep(0.01)

    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first

    assert caller.store.kept == {}


async def test_an_answer_too_large_to_keep_is_not_asked_for_twice():
    caller, calls = Caller(), Calls(b"x" * (CAPTURED_MAX_BYTES + 1))

    assert len((await caller.ask(calls)).body) == CAPTURED_MAX_BYTES + 1
    with pytest.raises(IdempotencyConflict, match="too large"):
        await caller.ask(calls)

    assert calls.count == 1


async def test_without_the_store_nothing_is_promised_and_nothing_runs():
    caller, calls = Caller(MemoryIdempotency(is_away=True)), Calls()

    with pytest.raises(Overloaded):
        await caller.ask(calls)

    assert calls.count == 0


async def test_a_store_lost_meanwhile_costs_the_client_nothing_and_runs_nothing_twice():
    caller, calls = Caller(), Calls()
    calls.may_end.clear()
    first = asyncio.create_task(caller.ask(calls))
    await asyncio.sleep(0.01)
    caller.store.is_away = True
    calls.may_end.set()

    assert (await first).body == b'{"n":1}'
    caller.store.is_away = False
    with pytest.raises(IdempotencyConflict, match="still running"):
        await caller.ask(calls)
    assert calls.count == 1


async def test_a_claim_that_another_call_got_meanwhile_is_left_to_it():
    caller, calls = Caller(), Calls()
    calls.may_end.clear()
    first = asyncio.create_task(caller.ask(calls))
    await asyncio.sleep(0.01)
    others = caller.store.kept[PLACE] = Running(b"d", "another call")  # ours had expired
    calls.may_end.set()

    await first

    assert caller.store.kept[PLACE] == others


async def test_an_answer_that_fails_after_it_began_is_not_final():
    caller = Caller()

    async def run(sink: Sink) -> None:
        await sink.start(200, list(HEADERS))
        await sink.write(b"half")
        raise GatewayError

    exchange = Exchange("/v1/x", "POST", "", b"", b"{}", time.perf_counter(), idempotency_key="k-1")
    with pytest.raises(GatewayError):
        await run_idempotently(caller.store, exchange, create_principal(), MemorySink(), run)

    assert caller.store.kept == {}
