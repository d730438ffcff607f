"""The cache, coalescing and idempotency keys through the whole pipeline: who is answered with what, recorded how and charged what."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest

from proxy.endpoints import MODEL_ENDPOINTS
from proxy.errors import ClientGone, GatewayError, IdempotencyConflict, NotCached, UpstreamBroken
from proxy.exchange import Exchange
from proxy.reply_cache import TwoLevelCache
from proxy.snapshot import LimitRule, Price
from proxy.testing import Bench, MemoryIdempotency, MemorySink, create_bench, create_snapshot
from tests.proxy.chat_help import DONE, HELLO, ROLE, STOP, USAGE, WORLD, answer, chat

CHAT = MODEL_ENDPOINTS["/v1/chat/completions"]
TOLD = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}
STREAM = [ROLE, HELLO, WORLD, STOP, USAGE, DONE]


def _bench(**route: Any) -> Bench:
    """A gateway whose route caches and has a price, and a limit that can be looked at."""
    limit = LimitRule("all", "all", "global", "requests", 1000, 3600, 1000)
    snapshot = create_snapshot(limits=(limit,))
    price = Price(0, *[1_000_000] * 8)
    found = snapshot.routes["gpt"]
    found = replace(found, targets=(replace(found.targets[0], prices=(price,)),), **{"exact_cache_ttl_s": 60} | route)
    bench = create_bench(snapshot=replace(snapshot, routes={"gpt": found}))
    clock = bench.clock
    bench.gateway = replace(bench.gateway, replies=TwoLevelCache(None, now_s=clock), idempotency=MemoryIdempotency(), now_s=clock)
    return bench


class Asked:
    """One request through the pipeline."""

    def __init__(self, bench: Bench, body: bytes | None = None, **changes: Any) -> None:
        self.sink = MemorySink()
        body = chat(temperature=0) if body is None else body
        self.exchange = Exchange(CHAT.route, "POST", "10.0.0.1", bench.key, body, time.perf_counter(), **changes)
        self.task = asyncio.create_task(CHAT.handle(bench.gateway, self.exchange, self.sink))

    async def done(self) -> Asked:
        async with asyncio.timeout(10):
            await self.task
        return self

    @property
    def cache(self) -> str | None:
        return self.sink.header("x-cache")


async def _ask(bench: Bench, body: bytes | None = None, **changes: Any) -> Asked:
    return await Asked(bench, body, **changes).done()


def _ends(bench: Bench) -> list[tuple[str, int, int]]:
    return [(line.outcome, line.status, line.cost_nano_usd) for line in bench.spool.ends]


def _check_nothing_is_reserved(asked: list[Asked]) -> None:
    for each in asked:
        assert each.exchange.reservation is not None
        assert each.exchange.reservation._is_over


async def _spin() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


# --- the cache ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fields", "upstream"), [({}, answer("Hi.", TOLD)), ({"stream": True}, STREAM)])
async def test_the_second_answer_comes_from_the_cache_and_is_free(fields, upstream):
    bench = _bench()
    bench.upstream.answer(upstream)

    first = await _ask(bench, chat(temperature=0, **fields))
    bench.clock.advance(7)
    second = await _ask(bench, chat(temperature=0, **fields))

    assert (first.cache, second.cache, second.sink.header("age")) == ("MISS", "HIT", "7")
    assert second.sink.body == first.sink.body
    assert second.sink.header("content-type") == first.sink.header("content-type")
    assert _ends(bench) == [("ok", 200, 8), ("ok", 200, 0)]
    assert len(bench.upstream.sent) == 1


@pytest.mark.parametrize("other", [{"model": "gpt", "temperature": 0, "n": 2}, {"temperature": 0, "max_tokens": 5}])
async def test_another_request_is_a_miss(other):
    bench = _bench()
    for _ in range(2):
        bench.upstream.answer(answer())
    await _ask(bench)

    assert (await _ask(bench, chat(**other))).cache == "MISS"


async def test_an_answer_is_asked_for_again_when_its_time_is_over():
    bench = _bench(exact_cache_ttl_s=10)
    for text in ("old", "new"):
        bench.upstream.answer(answer(text))
    await _ask(bench)
    bench.clock.advance(10)

    assert b"new" in (await _ask(bench)).sink.body


async def test_what_the_caller_says_of_the_cache_holds():
    bench = _bench()
    for text in ("one", "two", "three"):
        bench.upstream.answer(answer(text))
    with pytest.raises(NotCached):
        await _ask(bench, cache_control="only-if-cached")

    assert b"one" in (await _ask(bench, cache_control="no-store")).sink.body
    assert b"two" in (await _ask(bench)).sink.body, "no-store left nothing behind"
    assert b"three" in (await _ask(bench, cache_control="no-cache")).sink.body
    assert b"three" in (await _ask(bench, cache_control="only-if-cached")).sink.body, "no-cache renewed it"


async def test_a_failed_stream_is_not_kept():
    bench = _bench()
    bench.upstream.answer([ROLE, HELLO])
    bench.upstream.answer(STREAM)
    body = chat(temperature=0, stream=True)
    with pytest.raises(UpstreamBroken):
        await _ask(bench, body)

    assert (await _ask(bench, body)).cache == "MISS"


# --- coalescing --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_stream", [False, True])
async def test_many_at_once_are_one_call_one_cost_and_a_record_each(is_stream):
    bench = _bench()
    may_answer = asyncio.Event()
    bench.upstream.answer([may_answer, *(STREAM if is_stream else [answer("Hi.", TOLD)])])
    body = chat(temperature=0, stream=is_stream)
    asked = [Asked(bench, body) for _ in range(20)]
    await _spin()
    may_answer.set()

    for each in asked:
        await each.done()

    assert len(bench.upstream.sent) == 1
    assert len({each.sink.body for each in asked}) == 1
    assert sorted(str(each.cache) for each in asked) == ["COALESCED"] * 19 + ["MISS"]
    assert sorted(_ends(bench)) == [("ok", 200, 0)] * 19 + [("ok", 200, 8)]
    assert len({line.request_id for line in bench.spool.ends}) == 20
    _check_nothing_is_reserved(asked)


async def test_the_first_client_leaves_and_still_pays_for_what_others_get():
    bench = _bench()
    may_answer = asyncio.Event()
    bench.upstream.answer([may_answer, answer("Hi.", TOLD)])
    first, second = Asked(bench), Asked(bench)
    await _spin()

    first.sink.leave()
    await _spin()
    may_answer.set()
    await second.done()
    await first.done()

    assert (first.sink.status, second.sink.status) == (0, 200)
    assert sorted(line.request_id for line in bench.spool.ends) == sorted(each.exchange.request_id for each in (first, second))
    assert sum(line.cost_nano_usd for line in bench.spool.ends) == 8
    _check_nothing_is_reserved([first, second])


async def test_all_clients_leave_and_the_upstream_is_closed():
    bench = _bench()
    response = bench.upstream.answer([asyncio.Event()])
    asked = [Asked(bench), Asked(bench)]
    await _spin()

    for each in asked:
        each.sink.leave()
    for each in asked:
        with pytest.raises(ClientGone):
            await each.done()

    assert response.is_aborted
    assert [line.status for line in bench.spool.ends if line.request_id == asked[0].exchange.request_id] == [499]
    _check_nothing_is_reserved(asked)


@pytest.mark.parametrize("is_stream", [False, True])
async def test_an_error_is_told_to_all(is_stream):
    bench = _bench()
    may_answer = asyncio.Event()
    bench.upstream.answer([may_answer, *([ROLE, HELLO] if is_stream else [b"garbage"])])
    asked = [Asked(bench, chat(temperature=0, stream=is_stream)) for _ in range(3)]
    await _spin()
    may_answer.set()

    for each in asked:
        with pytest.raises(GatewayError) as caught:
            await each.done()
        assert caught.value.http_status == 502
        assert each.sink.is_started == is_stream
    await _spin()
    _check_nothing_is_reserved(asked)
    if is_stream:
        assert all(each.exchange.dump_stream_error is not None for each in asked)


# --- idempotency -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", [{"exact_cache_ttl_s": 0}, {}, {"exact_cache_ttl_s": 0, "is_coalesced": True}])
async def test_a_call_sent_again_is_charged_once(route):
    bench = _bench(**route)
    bench.upstream.answer(answer("Hi.", TOLD))

    first = await _ask(bench, idempotency_key="k")
    again = await _ask(bench, idempotency_key="k")

    assert again.sink.body == first.sink.body
    assert again.sink.header("x-gateway-idempotent-replay") == "true"
    assert len(bench.upstream.sent) == 1
    assert sum(line.cost_nano_usd for line in bench.spool.ends) == 8
    with pytest.raises(IdempotencyConflict):
        await _ask(bench, chat(temperature=0, n=2), idempotency_key="k")


@pytest.mark.parametrize("route", [{"exact_cache_ttl_s": 0}, {}])
async def test_a_call_with_a_key_goes_on_when_its_client_leaves(route):
    bench = _bench(**route)
    may_answer = asyncio.Event()
    bench.upstream.answer([may_answer, answer("Hi.", TOLD)])
    first = Asked(bench, idempotency_key="k")
    await _spin()

    first.sink.leave()
    await _spin()
    may_answer.set()
    await first.done()

    assert not first.sink.pieces
    assert b"Hi." in (await _ask(bench, idempotency_key="k")).sink.body
    assert len(bench.upstream.sent) == 1


async def test_a_stream_has_no_use_for_a_key():
    bench = _bench(exact_cache_ttl_s=0)
    for _ in range(2):
        bench.upstream.answer(STREAM)

    for _ in range(2):
        asked = await _ask(bench, chat(stream=True), idempotency_key="k")
        assert asked.sink.header("x-gateway-idempotent-replay") is None
