"""Usage on disk: one start line before the upstream is called, one end line before the last byte, whoever ends the request and how."""

from __future__ import annotations

import asyncio
import json

import pytest

from proxy.ports import Endpoint, Timeouts, UpstreamFailure
from proxy.snapshot import Backend, Route, Snapshot, Target
from proxy.testing import KEY_ID, WORKSPACE_ID, MemorySpool, create_bench, create_price, create_snapshot
from proxy.wire.spool import Ended
from tests.proxy.asgi_help import Site, check_error
from tests.proxy.chat_help import DONE, HELLO, ROLE, STOP, USAGE, WORLD, answer, chat, parse_frames

COUNTED = {"prompt_tokens": 5, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 2}}
STREAM = [ROLE, HELLO, STOP, USAGE, DONE]


def _snapshot(*, is_drained: bool = False) -> Snapshot:
    backend = Backend("main", "openai", Endpoint("http", "127.0.0.1", 9, "/v1"), Timeouts(), None, is_drained)
    prices = (create_price(1_000_000, 500_000, 3_000_000),)
    return Snapshot(revision=12, backends={"main": backend}, routes={"gpt": Route("gpt", (Target("main", "gpt-2026", prices=prices),))})


def _site(*, is_drained: bool = False, **changes) -> Site:
    return Site(create_bench(snapshot=_snapshot(is_drained=is_drained)), **changes)


def _ended(site: Site) -> Ended:
    """Return the only end line; there is one start line with the same id."""
    (started,) = site.bench.spool.starts
    (ended,) = site.bench.spool.ends
    assert started.request_id == ended.request_id
    return ended


async def _until_sent(site: Site) -> None:
    async with asyncio.timeout(10):
        while not site.bench.upstream.sent:
            await asyncio.sleep(0)


async def test_a_whole_answer_is_recorded_with_all_its_row_needs():
    site = _site()
    site.bench.upstream.answer(answer(usage=COUNTED))

    talk = await site.ask()

    ended = _ended(site)
    assert ended == Ended(
        request_id=talk.headers["x-request-id"],
        workspace_id=WORKSPACE_ID,
        key_id=KEY_ID,
        model="gpt",
        revision=12,
        is_stream=False,
        backend="main",
        provider="openai",
        upstream_model="gpt-2026",
        status=200,
        outcome="ok",
        error_code="",
        input_tokens=5,
        cache_read_tokens=2,
        output_tokens=3,
        cost_nano_usd=3 + 1 + 9,
        usage_source="provider",
        attempts_count=1,
        latency_ms=ended.latency_ms,
        first_token_ms=None,
        reserved_nano_usd=ended.reserved_nano_usd,
        reserved_tokens=ended.reserved_tokens,
        price_effective_at=0.0,
        decision=ended.decision,
    )
    assert ended.reserved_nano_usd > ended.cost_nano_usd
    assert ended.reserved_tokens > 4096  # the route's cap, because the request had none
    assert json.loads(bytes(ended.decision))["attempts"][0]["result"] == "ok"
    assert 0 < ended.latency_ms < 10_000
    assert talk.headers["x-gateway-cost-usd"] == "0.000000013"


async def test_a_stream_is_recorded_with_the_time_to_its_first_content():
    site = _site()
    site.bench.upstream.answer([ROLE, 0.03, HELLO, 0.03, STOP, USAGE, DONE])

    await site.ask(stream=True)

    ended = _ended(site)
    assert (ended.status, ended.outcome, ended.is_stream, ended.output_tokens, ended.cost_nano_usd) == (200, "ok", True, 3, 5 + 9)
    assert ended.first_token_ms is not None
    assert 29 <= ended.first_token_ms < ended.latency_ms


async def test_an_answer_without_usage_is_estimated_and_says_so():
    site = _site()
    site.bench.upstream.answer(answer())

    await site.ask()

    ended = _ended(site)
    assert ended.usage_source == "estimate"
    assert 0 < ended.input_tokens < 100
    assert 0 < ended.output_tokens < 100
    assert ended.cost_nano_usd == ended.input_tokens + 3 * ended.output_tokens


async def test_the_price_of_the_moment_counts():
    site = _site(now_s=lambda: -1.0)
    site.bench.upstream.answer(answer(usage=COUNTED))

    await site.ask()

    assert (_ended(site).input_tokens, _ended(site).cost_nano_usd) == (5, 0)


async def test_the_start_line_is_there_before_the_upstream_is_called():
    site = _site()
    site.bench.upstream.answers.append(30.0)
    talk = site.open(body=chat())

    await _until_sent(site)
    assert (len(site.bench.spool.starts), len(site.bench.spool.ends)) == (1, 0)

    talk.leave()
    await talk.done()


@pytest.mark.parametrize("is_stream", [False, True])
async def test_the_end_line_is_there_before_the_last_byte(is_stream):
    was_complete = []

    class Watching(MemorySpool):
        def ended(self, line):
            was_complete.append(talk.is_complete)

    site = _site(spool=Watching())
    site.bench.upstream.answer(STREAM if is_stream else answer())
    talk = site.open(body=chat(stream=is_stream))

    await talk.done()

    assert talk.is_complete
    assert was_complete == [False]


async def test_what_is_refused_before_a_backend_is_recorded_as_that():
    site = _site()

    talk = await site.ask(model="nothing")

    (ended,) = site.bench.spool.ends
    assert site.bench.spool.starts == []
    assert ended.request_id == talk.headers["x-request-id"]
    assert (ended.status, ended.outcome, ended.error_code, ended.backend) == (404, "refused", "model_not_found", "")
    assert (ended.cost_nano_usd, ended.usage_source) == (0, "none")


async def test_refusals_of_a_key_are_recorded_ten_times_a_second_at_most():
    site = _site()

    for _ in range(50):
        await site.ask(model="nothing")

    assert 10 <= len(site.bench.spool.ends) <= 15


async def test_what_cannot_be_read_and_what_costs_nothing_is_not_recorded():
    site = _site()

    await site.ask(temperature="hot")
    await site.call("GET", "/v1/models")

    assert site.bench.spool.starts == site.bench.spool.ends == []


# --- the client leaves ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_client_that_leaves_while_the_upstream_is_silent_cancels_it(is_stream):
    site = _site()
    cancelled = asyncio.Event()

    class Silent:
        async def send(self, *arguments):
            site.bench.upstream.sent.append(None)
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()

    site = Site(site.bench, upstream=Silent())
    talk = site.open(body=chat(stream=is_stream))
    await _until_sent(site)

    talk.leave()
    await talk.done()

    assert cancelled.is_set()
    ended = _ended(site)
    assert (ended.status, ended.outcome, ended.error_code) == (499, "cancelled", "client_gone")
    assert talk.status == 0
    assert [(event["status"], event["error"]) for event in site.logged()] == [(499, "client_gone")]


async def test_a_client_that_leaves_within_a_stream_cancels_it():
    site = _site()
    response = site.bench.upstream.answer([ROLE, HELLO, USAGE, 30.0, WORLD])
    talk = site.open(body=chat(stream=True))
    await talk.until(HELLO)

    talk.leave()
    await talk.done()

    ended = _ended(site)
    assert (ended.status, ended.outcome, ended.input_tokens, ended.cost_nano_usd) == (499, "cancelled", 5, 5 + 9)
    assert response.is_aborted


async def test_a_client_that_leaves_within_a_whole_answer_cancels_it():
    site = _site()
    response = site.bench.upstream.answer([answer()[:10], 30.0])
    talk = site.open(body=chat())
    await _until_sent(site)

    talk.leave()
    await talk.done()

    assert (_ended(site).status, _ended(site).outcome) == (499, "cancelled")
    assert response.is_aborted


@pytest.mark.parametrize("is_stream", [False, True])
async def test_the_drain_policy_reads_to_the_end_and_settles_exactly(is_stream):
    site = _site(is_drained=True)
    goes_on = asyncio.Event()
    pieces = [ROLE, HELLO, goes_on, STOP, USAGE, DONE] if is_stream else [goes_on, answer(usage=COUNTED)]
    response = site.bench.upstream.answer(pieces)
    talk = site.open(body=chat(stream=is_stream))
    await _until_sent(site)
    await asyncio.sleep(0.01)
    sent = talk.body

    talk.leave()
    await asyncio.sleep(0.1)  # a whole answer is watched only when it is late
    for _ in range(20):
        await asyncio.sleep(0)
    goes_on.set()
    await talk.done()

    ended = _ended(site)
    assert (ended.status, ended.outcome, ended.error_code) == (499, "cancelled", "client_gone")
    assert (ended.input_tokens, ended.output_tokens, ended.usage_source) == (5, 3, "provider")
    assert ended.cost_nano_usd > 0
    assert talk.body == sent  # nothing was written to who left
    assert not response._pieces


async def test_the_time_to_the_first_content_is_right_when_the_client_left_before_it():
    site = _site(is_drained=True)
    goes_on = asyncio.Event()
    site.bench.upstream.answer([ROLE, goes_on, HELLO, 0.2, STOP, USAGE, DONE])
    talk = site.open(body=chat(stream=True))
    await _until_sent(site)

    talk.leave()
    await asyncio.sleep(0.01)
    goes_on.set()
    await talk.done()

    ended = _ended(site)
    assert talk.status == 0
    assert ended.first_token_ms is not None
    assert ended.first_token_ms <= ended.latency_ms - 190


async def test_a_drained_stream_that_fails_is_an_error_of_a_client_that_left():
    site = _site(is_drained=True)
    goes_on = asyncio.Event()
    site.bench.upstream.answer([ROLE, HELLO, goes_on, UpstreamFailure("body", "reset", is_sent=True)])
    talk = site.open(body=chat(stream=True))
    await talk.until(HELLO)

    talk.leave()
    await asyncio.sleep(0.01)
    goes_on.set()
    await talk.done()

    assert (_ended(site).outcome, _ended(site).error_code) == ("error", "upstream_error")


async def test_a_client_that_leaves_after_the_answer_changes_nothing():
    site = _site()
    site.bench.upstream.answer(STREAM)

    talk = await site.ask(stream=True)
    talk.leave()
    await asyncio.sleep(0.01)

    assert (_ended(site).status, _ended(site).outcome) == (200, "ok")


# --- this process stops -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_process_that_stops_answers_records_and_lets_go(is_stream):
    site = _site()
    response = site.bench.upstream.answer([ROLE, HELLO, USAGE, 30.0] if is_stream else [b"{", 30.0])
    talk = site.open(body=chat(stream=is_stream))
    await _until_sent(site)
    await asyncio.sleep(0.01)

    assert talk.task is not None
    talk.task.cancel()
    await asyncio.wait([talk.task])

    assert talk.task.cancelled()
    assert response.is_aborted
    ended = _ended(site)
    assert (ended.status, ended.outcome, ended.error_code) == (503, "error", "overloaded")
    if is_stream:
        frames = parse_frames(talk.body)
        assert frames[-1] == "[DONE]"
        assert frames[-2]["error"]["code"] == "overloaded"
        assert ended.input_tokens == 5
    else:
        check_error(talk, 503, "api_error", "overloaded")
        assert talk.headers["retry-after-ms"] == "1000"


# --- the disk is full -------------------------------------------------------------------------------------------------------------


async def test_nothing_is_forwarded_that_cannot_be_recorded():
    site = _site()
    site.bench.spool.is_full = True

    talk = await site.ask()

    check_error(talk, 503, "api_error", "overloaded")
    assert talk.headers["retry-after"] == "5"
    assert site.bench.upstream.sent == []
    site.bench.spool.is_full = False
    site.bench.upstream.answer(answer())
    assert (await site.ask()).status == 200


async def test_a_bug_behind_the_start_line_is_recorded_as_one():
    class Broken:
        async def send(self, *arguments):
            raise RuntimeError("a bug with sk-secret in it")

    site = Site(create_bench(snapshot=_snapshot()), upstream=Broken())

    talk = await site.ask()

    message = check_error(talk, 500, "api_error", "internal_error")
    assert "bug" not in message
    assert (_ended(site).status, _ended(site).error_code) == (500, "internal_error")


async def test_many_requests_at_once_have_one_line_each():
    site = Site(create_bench(snapshot=create_snapshot("gpt")))
    for number in range(50):
        site.bench.upstream.answer([0.001 * (number % 5), answer()])

    talks = await asyncio.gather(*[site.ask() for _ in range(50)])

    ids = [talk.headers["x-request-id"] for talk in talks]
    assert sorted(ids) == sorted(line.request_id for line in site.bench.spool.starts)
    assert sorted(ids) == sorted(line.request_id for line in site.bench.spool.ends)
