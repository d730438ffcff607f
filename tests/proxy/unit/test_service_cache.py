"""What of a service's answers is given again, to whom, and for how long."""

from __future__ import annotations

import asyncio
import itertools
from email.utils import formatdate

import pytest

from apikeys.hotpath import create_key_text, digest_key
from proxy.ports import Endpoint, UpstreamFailure
from proxy.service_cache import STORED_MAX_BYTES, etag_of, is_not_modified, judge_freshness, plan_service_cache
from proxy.testing import PEPPER, MemoryReplies, create_bench, create_principal
from tests.proxy.asgi_help import check_error
from tests.proxy.service_help import ServiceSite, service

CACHING = service(cache_get_ttl_s=60)
NOW_S = 1_893_456_000.0
SIZED = (b"content-length", b"2")


def key(query: str = "", path: str = "/infer", headers=(), workspace: str = "w", of=CACHING, method: str = "GET") -> bytes:
    fingerprint = plan_service_cache(of, workspace, method, path, query, list(headers), "").fingerprint
    assert len(fingerprint) == 32
    return fingerprint


# The key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a=1&b=2", "b=2&a=1"),
        ("b&a", "a&b"),
        ("a=1&a=2&b", "b&a=1&a=2"),
    ],
)
def test_order_of_fields_does_not_count(one, other):
    assert key(one) == key(other)


def test_requests_that_may_mean_something_else_never_share_a_key():
    keys = [
        key(),
        key("a=1"),
        key("a=2"),
        key("a=1&a=2"),
        key("a=2&a=1"),
        key("%61=1&a=2"),
        key("a=2&%61=1"),
        key("a=%20"),
        key("a=+"),
        key("a=%fe"),
        key("a=%ff"),
        key("a=1&&b"),
        key("a=1&b"),
        key("a=1", path="/infer/"),
        key("", path="/infer?a=1"),
        key(path="/infer%2F"),
        key(workspace="v"),
        key(headers=[(b"accept", b"x")]),
        key(headers=[(b"accept-language", b"x")]),
        key(headers=[(b"accept", b"x"), (b"accept", b"y")]),
        key(headers=[(b"accept", b"y"), (b"accept", b"x")]),
        key(of=service(endpoint=Endpoint("http", "10.0.0.10", 8081), cache_get_ttl_s=60)),
        key(of=service(request_headers=("x-team",), response_headers=("x-b",), cache_get_ttl_s=60)),
        key(of=service(request_headers=("x-team",), cache_get_ttl_s=60), headers=[(b"x-team", b"a")]),
        key(of=service(request_headers=("x-team",), cache_get_ttl_s=60), headers=[(b"x-team", b"b")]),
    ]

    assert [pair for pair in itertools.combinations(keys, 2) if pair[0] == pair[1]] == []


def test_what_does_not_choose_among_answers_is_not_in_the_key():
    assert key() == key(method="HEAD") == key(headers=[(b"user-agent", b"x"), (b"traceparent", b"y"), (b"x-team", b"z"), (b"cookie", b"c")])
    assert key(headers=[(b"accept", b"a"), (b"accept-language", b"b")]) == key(headers=[(b"accept-language", b"b"), (b"accept", b"a")])


@pytest.mark.parametrize(
    ("method", "headers", "has_body"),
    [
        ("POST", [], False),
        ("PUT", [], False),
        ("DELETE", [], False),
        ("OPTIONS", [], False),
        ("GET", [], True),
        ("GET", [(b"range", b"bytes=0-1")], False),
        ("GET", [(b"if-range", b'"a"')], False),
        ("GET", [(b"if-match", b'"a"')], False),
        ("GET", [(b"if-unmodified-since", b"Tue, 01 Jan 2030 00:00:00 GMT")], False),
    ],
)
def test_requests_the_cache_may_do_nothing_for(method, headers, has_body):
    plan = plan_service_cache(CACHING, "w", method, "/infer", "", headers, "", has_body=has_body)

    assert (plan.fingerprint, plan.may_read, plan.may_store) == (b"", False, False)
    assert plan.reason


# Freshness: the service's TTL is 60 s


@pytest.mark.parametrize(
    ("headers", "fresh_s"),
    [
        ([], 60),
        ([(b"cache-control", b"public, max-age=10")], 10),
        ([(b"cache-control", b"max-age=600")], 60),
        ([(b"cache-control", b"max-age=600, s-maxage=5")], 5),
        ([(b"cache-control", b"s-maxage=30, max-age=5")], 30),
        ([(b"cache-control", b'MAX-AGE="10"')], 10),
        ([(b"cache-control", b"max-age=40"), (b"cache-control", b"max-age=20")], 20),
        ([(b"cache-control", b"must-revalidate, no-transform")], 60),
        ([(b"cache-control", b"max-age=0")], 0),
        ([(b"cache-control", b"max-age=-1")], 0),
        ([(b"cache-control", b"max-age=soon")], 0),
        ([(b"cache-control", b"max-age")], 0),
        ([(b"cache-control", b"max-age=99999999999")], 60),
        ([(b"cache-control", b"max-age=00000000000007")], 7),
        ([(b"cache-control", "max-age=\u00b2".encode("latin-1"))], 0),
        ([(b"cache-control", b"no-store")], 0),
        ([(b"cache-control", b"No-Cache")], 0),
        ([(b"cache-control", b"private, max-age=60")], 0),
        ([(b"cache-control", b'private="x-team"')], 0),
        ([(b"cache-control", b"max-age=60"), (b"cache-control", b"no-store")], 0),
        ([(b"cache-control", b"max-age=30"), (b"age", b"10")], 20),
        ([(b"cache-control", b"max-age=30"), (b"age", b"31")], 0),
        ([(b"age", b"1000")], 60),
        ([(b"expires", formatdate(NOW_S + 20, usegmt=True).encode())], 20),
        ([(b"expires", formatdate(NOW_S + 20, usegmt=True).encode()), (b"date", formatdate(NOW_S + 5, usegmt=True).encode())], 15),
        ([(b"expires", formatdate(NOW_S - 20, usegmt=True).encode())], 0),
        ([(b"expires", b"0")], 0),
        ([(b"expires", b"0"), (b"cache-control", b"max-age=9")], 9),
        ([(b"set-cookie", b"a=1")], 0),
        ([(b"vary", b"*")], 0),
        ([(b"vary", b"accept, *")], 0),
        ([(b"vary", b"Accept, Accept-Language")], 60),
        ([(b"vary", b"accept-encoding")], 60),
        ([(b"vary", b"Origin, Cookie, Authorization")], 60),
        ([(b"vary", b"user-agent")], 0),
        ([(b"vary", b"accept"), (b"vary", b"X-Forwarded-For")], 0),
        ([(b"content-type", b"text/event-stream; charset=utf-8")], 0),
    ],
)
def test_how_long_an_answer_may_be_given_again(headers, fresh_s):
    assert judge_freshness([SIZED, *headers], CACHING, NOW_S).fresh_s == fresh_s


def test_body_that_ends_with_its_connection_is_not_kept():
    assert judge_freshness([], CACHING, NOW_S).fresh_s == 0
    assert judge_freshness([(b"transfer-encoding", b"chunked")], CACHING, NOW_S).fresh_s == 60


def test_header_the_service_lists_is_in_the_key_so_answers_may_vary_by_it():
    listing = service(cache_get_ttl_s=60, request_headers=("accept-encoding", "user-agent"))

    assert judge_freshness([SIZED, (b"vary", b"accept-encoding, user-agent")], listing, NOW_S).fresh_s == 60


@pytest.mark.parametrize(
    ("asked", "kept", "is_same"),
    [
        ([(b"if-none-match", b'"a"')], [(b"etag", b'"a"')], True),
        ([(b"if-none-match", b'W/"a"')], [(b"etag", b'"a"')], True),
        ([(b"if-none-match", b'"a"')], [(b"etag", b'W/"a"')], True),
        ([(b"if-none-match", b'"b", "a,c"')], [(b"etag", b'"a,c"')], True),
        ([(b"if-none-match", b'"b"'), (b"if-none-match", b'"a"')], [(b"etag", b'"a"')], True),
        ([(b"if-none-match", b" * ")], [(b"etag", b'"a"')], True),
        ([(b"if-none-match", b'"b"')], [(b"etag", b'"a"')], False),
        ([(b"if-none-match", b'"a')], [(b"etag", b'"a"')], False),
        ([(b"if-none-match", b'"a"')], [], False),
        ([], [(b"etag", b'"a"')], False),
        ([(b"if-modified-since", b"D")], [(b"last-modified", b"D")], True),
        ([(b"if-modified-since", b"E")], [(b"last-modified", b"D")], False),
        ([(b"if-modified-since", b"D")], [], False),
        ([(b"if-none-match", b'"b"'), (b"if-modified-since", b"D")], [(b"etag", b'"a"'), (b"last-modified", b"D")], False),
    ],
)
def test_client_that_has_the_answer(asked, kept, is_same):
    assert is_not_modified(asked, kept) is is_same


# Through a worker


def site_with(*bodies: bytes, headers=(), status: int = 200, **options) -> ServiceSite:
    site = ServiceSite(CACHING, **options)
    for body in bodies:
        length = (b"content-length", b"%d" % len(body))
        site.bench.upstream.answer(body, status, [length, (b"content-type", b"text/plain"), *headers])
    return site


async def test_second_get_is_a_hit_with_the_allowed_headers_and_its_age():
    site = site_with(b"one", headers=[(b"etag", b'"v1"'), (b"set-cookie2", b"no"), (b"server", b"x"), (b"cache-control", b"max-age=30")])

    first = await site.fetch("/infer?prompt=a&n=1")
    site.bench.clock.advance(12)
    second = await site.fetch("/infer?n=1&prompt=a")

    assert (first.status, first.body, first.headers["x-cache"]) == (200, b"one", "MISS")
    assert (second.status, second.body, second.headers["x-cache"], second.headers["age"]) == (200, b"one", "HIT", "12")
    assert "age" not in first.headers
    for talk in (first, second):
        assert talk.headers["content-type"] == "text/plain"
        assert talk.headers["etag"] == '"v1"'
        assert talk.headers["cache-control"] == "max-age=30"
        assert talk.headers["content-length"] == "3"
        assert {"server", "set-cookie2"}.isdisjoint(talk.headers)
    assert (first.headers["x-gateway-attempts"], second.headers["x-gateway-attempts"]) == ("1", "0")
    assert len(site.bench.upstream.sent) == 1


@pytest.mark.parametrize(("cache_control", "lives_s"), [(b"public", 60), (b"max-age=30", 30)])
async def test_answer_is_asked_for_again_when_it_is_stale(cache_control, lives_s):
    shared = MemoryReplies()
    site = site_with(b"one", b"two", headers=[(b"cache-control", cache_control)], shared=shared)
    await site.fetch()

    site.bench.clock.advance(lives_s - 1)
    assert (await site.fetch()).body == b"one"
    site.bench.clock.advance(1)
    again = await site.fetch()

    assert (again.body, again.headers["x-cache"]) == (b"two", "MISS")
    await site.bench.gateway.replies.close()
    assert set(shared.ttls_s.values()) == {lives_s}


async def test_lower_ttl_takes_effect_at_once():
    site = site_with(b"one", b"two")
    await site.fetch()
    site.bench.clock.advance(20)
    lowered = service(cache_get_ttl_s=10)

    site.bench.use(type(site.bench.gateway.snapshot())(revision=8, services=(lowered,)))

    assert (await site.fetch()).body == b"two"


async def test_age_of_the_upstreams_own_cache_counts():
    site = site_with(b"one", headers=[(b"age", b"100"), (b"cache-control", b"max-age=110")])

    assert (await site.fetch()).headers["age"] == "100"
    site.bench.clock.advance(5)
    assert (await site.fetch()).headers["age"] == "105"


async def test_answers_without_a_tag_get_one_that_follows_from_the_body():
    site = site_with(b"one")

    first, second = await site.fetch(), await site.fetch()

    assert first.headers["etag"] == second.headers["etag"] == etag_of(b"one").decode()
    assert etag_of(b"one") != etag_of(b"two")


@pytest.mark.parametrize("is_warm", [True, False])
async def test_client_that_has_the_answer_gets_304_without_a_body(is_warm):
    site = site_with(b"one", headers=[(b"cache-control", b"max-age=30")])
    if is_warm:
        await site.fetch()

    talk = await site.fetch(headers=[(b"if-none-match", etag_of(b"one"))])

    assert (talk.status, talk.body) == (304, b"")
    assert talk.headers["etag"] == etag_of(b"one").decode()
    assert talk.headers["cache-control"] == "max-age=30"
    assert {"content-type", "content-length"}.isdisjoint(talk.headers)
    assert talk.headers["x-cache"] == ("HIT" if is_warm else "MISS")
    assert [name for name, _ in site.bench.upstream.sent[0].headers if name == b"if-none-match"] == []
    assert site.bench.spool.ends[-1].status == 304


async def test_head_is_answered_from_what_a_get_left_and_leaves_nothing_itself():
    site = ServiceSite(CACHING)
    upstream = site.bench.upstream
    upstream.answer(b"", headers=[(b"content-length", b"3")])
    upstream.answer(b"one", headers=[(b"content-length", b"3")])

    cold = await site.fetch(method="HEAD")
    get = await site.fetch()
    warm = await site.fetch(method="HEAD")

    assert [sent.method for sent in upstream.sent] == ["HEAD", "GET"]
    assert [talk.headers["x-cache"] for talk in (cold, get, warm)] == ["MISS", "MISS", "HIT"]
    assert [(talk.body, talk.headers["content-length"]) for talk in (cold, get, warm)] == [(b"", "3"), (b"one", "3"), (b"", "3")]


@pytest.mark.parametrize(
    ("header", "reads", "stores"),
    [
        ((b"x-gateway-cache", b"no-cache"), False, True),
        ((b"x-gateway-cache", b"no-store"), False, False),
        ((b"cache-control", b"no-cache"), False, True),
        ((b"cache-control", b"no-store"), False, False),
        ((b"cache-control", b"max-age=5"), True, True),
    ],
)
async def test_clients_own_cache_control(header, reads, stores):
    site = site_with(b"one", b"two", b"three")
    await site.fetch()

    second = await site.fetch(headers=[header])
    third = await site.fetch()

    assert (second.body, second.headers["x-cache"]) == ((b"one", "HIT") if reads else (b"two", "BYPASS"))
    assert third.body == (b"two" if stores and not reads else b"one")
    assert third.headers["x-cache"] == "HIT"


@pytest.mark.parametrize("header", [(b"x-gateway-cache", b"only-if-cached"), (b"cache-control", b"only-if-cached")])
async def test_only_if_cached_never_reaches_the_upstream(header):
    site = site_with(b"one")

    check_error(await site.fetch(headers=[header]), 504, "invalid_request_error", "not_cached")
    check_error(await site.fetch(method="POST", body=b"x", headers=[header]), 504, "invalid_request_error", "not_cached")
    assert site.bench.upstream.sent == []
    await site.fetch()

    assert (await site.fetch(headers=[header])).body == b"one"


@pytest.mark.parametrize("status", [201, 203, 204, 206, 301, 304, 400, 404, 500, 503])
async def test_only_answers_of_200_are_kept(status):
    site = site_with(b"", b"", status=status)

    assert [(await site.fetch()).status for _ in range(2)] == [status] * 2
    assert len(site.bench.upstream.sent) == 2


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_other_methods_are_never_kept(method):
    site = site_with(b"one", b"two")

    bodies = [(await site.fetch(method=method, body=b"x")).body for _ in range(2)]

    assert bodies == [b"one", b"two"]


async def test_get_with_a_body_neither_reads_nor_fills_the_cache():
    site = site_with(b"poison", b"clean", b"again")

    fat = await site.fetch(body=b'{"prompt": "other"}')

    assert (fat.body, fat.headers["x-cache"]) == (b"poison", "BYPASS")
    assert (await site.fetch()).body == b"clean"
    assert (await site.fetch(body=b"x")).body == b"again"


async def test_workspaces_never_share_an_answer():
    bench = create_bench()
    stranger = create_key_text()[0].encode()
    bench.principals.principals[digest_key(PEPPER, stranger)] = create_principal(key_id="k2", workspace_id="w2")
    colleague = create_key_text()[0].encode()
    bench.principals.principals[digest_key(PEPPER, colleague)] = create_principal(key_id="k3")
    shared = MemoryReplies()
    site = site_with(b"mine", b"theirs", bench=bench, shared=shared)

    bodies = [(await site.fetch(key=key)).body for key in (bench.key, stranger, colleague, stranger)]

    assert bodies == [b"mine", b"theirs", b"mine", b"theirs"]
    await bench.gateway.replies.close()
    assert len({workspace_id for workspace_id, _ in shared.replies}) == 2


async def test_key_that_may_not_use_the_service_gets_no_cached_answer():
    bench = create_bench()
    other = create_key_text()[0].encode()
    bench.principals.principals[digest_key(PEPPER, other)] = create_principal(key_id="k2", allowed_models=("gpt",))
    site = site_with(b"one", bench=bench)
    await site.fetch()

    check_error(await site.fetch(key=other), 403, "permission_error", "model_not_allowed")


async def test_other_workers_find_the_answer():
    shared = MemoryReplies()
    bench = create_bench()
    site = site_with(b"one", bench=bench, shared=shared, headers=[(b"content-language", b"de")])
    await site.fetch()
    await site.bench.gateway.replies.close()

    other = ServiceSite(CACHING, bench=bench, shared=shared)
    talk = await other.fetch()

    assert (talk.body, talk.headers["x-cache"], talk.headers["content-language"]) == (b"one", "HIT", "de")


# Streams


CHUNKED = (b"transfer-encoding", b"chunked")


async def test_open_ended_answer_streams_and_is_kept_at_its_clean_end():
    site = ServiceSite(CACHING)
    rest = asyncio.Event()
    site.bench.upstream.answer([b"one ", rest, b"two"], headers=[CHUNKED])

    talk = site.begin()
    await talk.until(b"one ")
    rest.set()
    await talk.done()
    again = await site.fetch()

    assert (talk.body, talk.headers["x-cache"]) == (b"one two", "MISS")
    assert (again.body, again.headers["x-cache"], again.headers["etag"]) == (b"one two", "HIT", etag_of(b"one two").decode())


async def test_answer_that_broke_off_is_not_kept():
    site = ServiceSite(CACHING)
    site.bench.upstream.answer([b"one ", UpstreamFailure("body", "eof", is_sent=True)], headers=[CHUNKED])
    site.bench.upstream.answer(b"whole", headers=[CHUNKED])

    assert not (await site.fetch()).is_complete
    assert (await site.fetch()).body == b"whole"


@pytest.mark.parametrize("framing", [CHUNKED, (b"content-length", b"%d" % (STORED_MAX_BYTES + 1))])
async def test_large_answer_passes_and_is_not_kept(framing):
    site = ServiceSite(CACHING)
    for _ in range(2):
        site.bench.upstream.answer([b"a" * STORED_MAX_BYTES, b"b"], headers=[framing])

    for _ in range(2):
        talk = await site.fetch()
        assert (len(talk.body), talk.is_complete, talk.headers["x-cache"]) == (STORED_MAX_BYTES + 1, True, "MISS")


async def test_event_stream_of_a_caching_service_is_not_held_back():
    site = ServiceSite(CACHING)
    never = asyncio.Event()
    site.bench.upstream.answer([b"data: 1\n\n", never], headers=[CHUNKED, (b"content-type", b"text/event-stream")])

    talk = site.begin()
    await talk.until(b"data: 1\n\n")
    talk.leave()
    await talk.done()

    assert site.bench.spool.ends[-1].outcome == "cancelled"
