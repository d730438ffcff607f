"""The door before `/api`: who is let in, what limits say, what crosses, what is counted and logged."""

from __future__ import annotations

import asyncio

import pytest

from common.rest.scope import PRINCIPAL, REQUEST_ID
from proxy.errors import StoreUnavailable
from proxy.query_notes import QueryNotes
from proxy.rest_door.ports import Whole
from proxy.snapshot import LimitRule
from proxy.testing import WORKSPACE_ID, create_bench, create_principal
from tests.proxy.asgi_help import check_error
from tests.proxy.rest_door_help import JSON, FakePieces, RestSite, whole


async def test_application_is_told_who_calls_and_under_which_id():
    site = RestSite()

    talk = await site.get("/api/keys?a=1")

    (asked,) = site.rest.asked
    assert asked[PRINCIPAL].workspace_id == WORKSPACE_ID
    assert asked[REQUEST_ID] == talk.headers["x-request-id"] == talk.headers["request-id"]
    assert asked["query_string"] == b"a=1"
    assert (talk.status, talk.body) == (200, b'{"data":[]}')
    (event,) = site.logged()
    assert (event["request_id"], event["route"], event["method"], event["status"]) == (talk.headers["x-request-id"], "api", "GET", 200)


@pytest.mark.parametrize("key", [b"Bearer nonsense", b"Bearer gw_live_" + b"a" * 50])
async def test_a_wrong_key_never_reaches_the_application(key):
    site = RestSite()
    site.bench.key = key.removeprefix(b"Bearer ")

    check_error(await site.get(), 401, "authentication_error", "invalid_api_key")
    assert site.rest.asked == []


async def test_a_key_is_checked_in_memory():
    site = RestSite()
    for _ in range(3):
        assert (await site.get()).status == 200

    assert site.bench.principals.look_ups_count == 1


async def test_a_store_that_is_away_is_no_401():
    site = RestSite()
    site.bench.principals.error = StoreUnavailable()

    check_error(await site.get(), 503, "api_error", "store_unavailable")


async def test_address_that_the_key_does_not_allow_is_refused():
    site = RestSite(create_bench(create_principal(allowed_networks=("10.0.0.0/8",))))

    check_error(await site.get(), 403, "permission_error", "ip_not_allowed")


@pytest.mark.parametrize("scope", ["global", "workspace"])
async def test_limits_bind_an_endpoint_by_its_name_and_say_so(scope):
    site = RestSite(limits=[LimitRule("l", "mine", scope, "requests", 1, 3600, 1, model="rest:/api/items")])

    first, second, other = await site.get("/api/items/1?x=1"), await site.get("/api/items"), await site.get("/api/keys")

    assert (first.status, first.headers["x-ratelimit-remaining-requests"]) == (200, "0")
    check_error(second, 429, "rate_limit_error", "rate_limit_exceeded")
    assert int(second.headers["retry-after"]) > 0
    assert second.headers["x-cache-status"] == "BYPASS"
    assert other.status == 200


async def test_a_hit_counts_as_a_request():
    site = RestSite(limits=[LimitRule("l", "mine", "workspace", "requests", 2, 3600, 2)])

    talks = [await site.get() for _ in range(3)]

    assert [(talk.status, talk.headers["x-cache-status"]) for talk in talks] == [(200, "MISS"), (200, "HIT"), (429, "BYPASS")]


async def test_concurrency_is_held_while_the_application_works_and_given_back():
    site = RestSite(limits=[LimitRule("l", "mine", "workspace", "concurrency", 1, 0, 0)])
    site.rest.gate = asyncio.Event()
    first = site.begin("/api/keys")
    while not site.rest.asked:
        await asyncio.sleep(0)

    check_error(await site.get("/api/keys"), 429, "rate_limit_error", "rate_limit_exceeded")
    site.rest.gate.set()
    await first.done()

    assert (await site.get("/api/keys")).status == 200


async def test_limits_of_tokens_and_money_do_not_bind_what_uses_none():
    rules = [LimitRule("t", "t", "workspace", "tokens", 1, 3600, 1), LimitRule("c", "c", "workspace", "cost", 1, 86400, 1)]
    site = RestSite(limits=rules)

    assert [(await site.get("/api/keys")).status for _ in range(3)] == [200] * 3


async def test_a_body_crosses_whole_whatever_its_size_and_framing():
    site = RestSite()
    large = b"x" * 900_000

    await site.begin("/api/keys", "POST", b'{"a":1}').done()
    chunked = site.begin("/api/keys", "POST", headers=[(b"transfer-encoding", b"chunked")])
    chunked.send_body(large[:400_000], more=True)
    chunked.send_body(large[400_000:])
    await chunked.done()

    assert site.rest.bodies == [b'{"a":1}', large]


@pytest.mark.parametrize("headers", [[], [(b"transfer-encoding", b"chunked")]])
async def test_a_body_beyond_the_limit_is_refused(headers):
    site = RestSite(body_limit_bytes=1000)

    check_error(await site.begin("/api/keys", "POST", b"x" * 1001, headers).done(), 413, "invalid_request_error", "request_too_large")
    assert site.rest.asked == []


async def test_a_repeated_key_and_a_query_that_is_no_text_are_refused():
    site = RestSite()

    check_error(await site.begin(headers=[site.bearer]).done(), 400, "invalid_request_error", "invalid_request")
    check_error(await site.get("/api/keys?q=\xff"), 400, "invalid_request_error", "invalid_request")
    assert site.rest.asked == []


async def test_times_say_what_the_application_took_and_what_all_took():
    site = RestSite()
    site.rest.answer = lambda: whole(spent_s=0.25)

    talk = await site.get("/api/keys")

    assert talk.headers["x-process-time"] == "0.250000"
    assert talk.headers["x-response-time"].endswith("ms")


async def test_what_took_long_is_logged_with_its_queries():
    site = RestSite(slow_total_ms=0.0)
    notes = QueryNotes()
    for number in range(30):
        notes.add(f"SELECT {number}", float(number))
    site.rest.answer = lambda: Whole(200, [JSON], b"{}", 0.001, notes)

    await site.get("/api/keys")

    (event,) = site.logged()
    assert (event["event"], event["queries_count"], len(event["queries"])) == ("slow_request", 30, 20)
    assert event["queries"][0] == {"sql": "SELECT 10", "ms": 10.0}


async def test_a_stream_crosses_as_it_comes_and_is_never_compressed():
    site = RestSite()
    gate = asyncio.Event()
    pieces = FakePieces([b"a,b\r\n" * 1000, gate, b"1,2\r\n"])
    site.rest.answer = lambda: pieces
    talk = site.begin("/api/keys", headers=[(b"accept-encoding", b"zstd, gzip")])

    await talk.until(b"a,b")
    assert not talk.is_complete
    gate.set()
    await talk.done()

    assert talk.body == b"a,b\r\n" * 1000 + b"1,2\r\n"
    assert "content-encoding" not in talk.headers
    assert pieces.closes_count == 1


async def test_a_client_that_leaves_ends_a_stream():
    site = RestSite()
    pieces = FakePieces([b"a", asyncio.Event()])
    site.rest.answer = lambda: pieces
    talk = site.begin("/api/keys")
    await talk.until(b"a")

    talk.leave()
    await talk.done()

    assert pieces.closes_count == 1
    assert site.logged()[0]["error"] == "client_gone"


async def test_a_bug_of_the_application_is_a_500_in_the_contracts_shape():
    site = RestSite()
    site.rest.answer = lambda: RuntimeError("boom")

    check_error(await site.get("/api/keys"), 500, "api_error", "internal_error")


async def test_bodiless_answers_have_no_length():
    site = RestSite()
    site.rest.answer = lambda: whole(b"", 204)

    talk = await site.begin("/api/keys/1", "DELETE").done()

    assert (talk.status, talk.body) == (204, b"")
    assert "content-length" not in talk.headers


async def test_a_worker_that_stops_refuses():
    site = RestSite()
    site.lifecycle.start_drain()

    check_error(await site.get(), 503, "api_error", "overloaded")
