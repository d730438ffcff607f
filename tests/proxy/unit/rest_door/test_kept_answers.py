"""Answers that are kept: when they are given, under which tag, in which coding, and when they are not."""

from __future__ import annotations

import asyncio
import json
import zlib

import brotli
import pytest
import zstandard

from proxy.rest_door.answers import TTL_S, AnswerCache, Kept, create_answer
from proxy.testing import create_bench, create_principal
from tests.proxy.asgi_help import check_error
from tests.proxy.rest_door_help import ITEMS, OLD, FakePieces, RestSite, away, whole

LARGE = json.dumps({"data": [{"id": number, "title": f"Item {number}"} for number in range(200)]}).encode()


def results(*talks):
    return [(talk.status, talk.headers["x-cache-status"]) for talk in talks]


async def test_the_second_question_is_a_hit_without_the_application():
    site = RestSite()
    site.rest.answer = lambda: whole(b'{"data":[1]}', headers=[(b"allow", b"GET"), (b"x-request-id", b"of another")])

    first, second = await site.get(), await site.get()

    assert results(first, second) == [(200, "MISS"), (200, "HIT")]
    assert len(site.rest.asked) == 1
    assert first.body == second.body == b'{"data":[1]}'
    assert second.headers["allow"] == "GET"
    assert second.headers["cache-control"] == "private, no-cache"
    assert second.headers["etag"] == first.headers["etag"]
    assert second.headers["age"] == "0"
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


async def test_a_write_makes_what_was_kept_unreachable():
    site = RestSite()
    await site.get()
    site.versions.current = b"r:2"
    site.rest.answer = lambda: whole(b"new")

    talk = await site.get()

    assert results(talk) == [(200, "MISS")]
    assert talk.body == b"new"


async def test_while_nobody_can_say_what_is_true_nothing_kept_is_given_and_nothing_is_kept():
    site = RestSite()
    await site.get()
    site.versions.current = None

    talks = [await site.get() for _ in range(2)]

    assert results(*talks) == [(200, "BYPASS")] * 2
    assert talks[0].headers["etag"] == talks[1].headers["etag"]
    assert len(site.rest.asked) == 3


async def test_a_worker_whose_write_no_version_tells_of_gives_no_hit():
    site = RestSite()
    await site.get()
    site.rest.is_late = True

    assert results(await site.get()) == [(200, "BYPASS")]
    assert len(site.versions.asked) == 1


async def test_what_is_not_cached_by_its_view_or_no_get_is_never_kept():
    site = RestSite()
    talks = [await site.get("/api/keys") for _ in range(2)]
    head = await site.begin(ITEMS, "HEAD").done()
    posts = [await site.begin(ITEMS, "POST", b"{}").done() for _ in range(2)]

    assert results(*talks) == [(200, "BYPASS")] * 2
    assert "etag" not in talks[0].headers
    assert len(site.rest.asked) == 5
    assert all("x-cache-status" not in talk.headers for talk in (head, *posts))


@pytest.mark.parametrize(
    "headers",
    [{"range": "bytes=0-1"}, {"if_match": '"1"'}, {"if_modified_since": "x"}, {"content_length": "0", "transfer_encoding": "chunked"}],
)
async def test_a_question_with_a_condition_of_its_own_is_not_shared(headers):
    site = RestSite()

    talks = [await site.get(**headers) for _ in range(2)]

    assert results(*talks) == [(200, "BYPASS")] * 2
    assert len(site.rest.asked) == 2


@pytest.mark.parametrize("status", [400, 403, 404, 500, 503])
async def test_errors_are_not_kept(status):
    site = RestSite()
    site.rest.answer = lambda: whole(b"{}", status)

    assert results(await site.get(), await site.get()) == [(status, "MISS")] * 2
    assert len(site.rest.asked) == 2


async def test_an_answer_with_a_cookie_and_a_large_one_are_not_kept():
    site = RestSite()
    for answer in (whole(headers=[(b"set-cookie", b"a=1")]), whole(b"x" * 1_100_000)):
        site.rest.answer = lambda answer=answer: answer
        path = f"{ITEMS}?n={len(answer.body)}"
        first, second = await site.get(path), await site.get(path)
        assert results(first, second) == [(200, "MISS")] * 2
        assert "set-cookie" not in first.headers


# Whose question it is


async def test_equal_questions_are_equal_whatever_the_order_of_their_names():
    site = RestSite()
    await site.get(f"{ITEMS}?b=2&a=1&b=3")

    assert results(await site.get(f"{ITEMS}?a=1&b=2&b=3")) == [(200, "HIT")]
    assert results(await site.get(f"{ITEMS}?a=1&b=3&b=2")) == [(200, "MISS")]


async def test_names_that_are_written_differently_are_not_mixed_up():
    site = RestSite()
    await site.get(f"{ITEMS}?a=1&%61=2")  # the last one counts

    assert results(await site.get(f"{ITEMS}?%61=2&a=1")) == [(200, "MISS")]


async def test_another_format_path_scheme_or_query_is_another_question():
    site = RestSite()
    await site.get()
    others = [
        await site.get(accept="text/csv"),
        await site.get(f"{ITEMS}/1"),
        await site.get(f"{ITEMS}?a=1"),
        await site.get(x_forwarded_proto="https"),
    ]

    assert results(*others) == [(200, "MISS")] * 4


async def test_accept_in_several_headers_is_read_as_one():
    site = RestSite()
    await site.get(accept="application/json")
    talk = await site.begin(headers=[(b"accept", b"text/csv"), (b"accept", b"application/json")]).done()

    assert results(talk) == [(200, "MISS")]


async def test_workspaces_and_permissions_never_share_an_answer():
    site = RestSite()
    await site.get()
    for number, changes in enumerate(({"workspace_id": "other"}, {"permissions": ("inference",)})):
        other = create_bench(create_principal(**changes))
        neighbour = RestSite(other)
        neighbour.door._giving._answers = site.answers
        assert results(await neighbour.get()) == [(200, "MISS")], number


# What the client asks of the cache


async def test_no_cache_asks_the_application_and_refreshes():
    site = RestSite()
    await site.get()
    site.rest.answer = lambda: whole(b"newer")

    talk = await site.get(cache_control="no-cache")

    assert results(talk) == [(200, "BYPASS")]
    assert talk.body == (await site.get()).body == b"newer"


async def test_no_store_leaves_everything_as_it_is():
    site = RestSite()
    await site.get()
    site.rest.answer = lambda: whole(b"newer")

    assert (await site.get(cache_control="max-age=0, no-store")).body == b"newer"
    assert (await site.get()).body == b'{"data":[]}'


async def test_only_if_cached_is_a_504_where_nothing_is():
    site = RestSite()

    check_error(await site.get(cache_control="only-if-cached"), 504, "invalid_request_error", "not_cached")
    await site.get()
    assert results(await site.get(cache_control="only-if-cached")) == [(200, "HIT")]


# Tags


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
async def test_what_the_client_has_is_not_sent_again_on_a_hit_and_on_a_miss(form):
    site = RestSite()
    tag = (await site.get()).headers["etag"]
    hit = await site.get(if_none_match=form.format(tag))
    site.versions.current = b"r:2"
    miss = await site.get(if_none_match=form.format(tag))

    assert results(hit, miss) == [(304, "HIT"), (304, "MISS")]
    for talk in (hit, miss):
        assert (talk.body, talk.headers["etag"], talk.headers["cache-control"]) == (b"", tag, "private, no-cache")
        assert not {"content-length", "content-type"} & talk.headers.keys()
    assert all(name != b"if-none-match" for scope in site.rest.asked for name, _ in scope["headers"])


async def test_a_tag_of_the_view_stays_and_another_body_has_another():
    site = RestSite()
    site.rest.answer = lambda: whole(headers=[(b"etag", b'"3"')])
    assert (await site.get(f"{ITEMS}/1")).headers["etag"] == (await site.get(f"{ITEMS}/1")).headers["etag"] == '"3"'
    site.rest.answer = lambda: whole(b"1")
    one = await site.get()
    site.rest.answer, site.versions.current = lambda: whole(b"2"), b"r:2"

    two = await site.get(if_none_match=one.headers["etag"])

    assert (two.status, two.body) == (200, b"2")
    assert two.headers["etag"] != one.headers["etag"]


async def test_conditions_reach_the_application_without_our_codings():
    site = RestSite()

    await site.begin(f"{ITEMS}/1", "PUT", b"{}", [(b"if-match", b'"3-zstd", "4", W/"5-gzip"')]).done()

    assert dict(site.rest.asked[0]["headers"])[b"if-match"] == b'"3", "4", W/"5"'


# Codings

_READ = {
    "zstd": lambda body: zstandard.ZstdDecompressor().decompress(body),
    "br": brotli.decompress,
    "gzip": lambda body: zlib.decompress(body, 31),
}


@pytest.mark.parametrize("coding", ["zstd", "br", "gzip"])
async def test_every_coding_says_the_same_under_a_tag_of_its_own(coding):
    site = RestSite()
    site.rest.answer = lambda: whole(LARGE, headers=[(b"vary", b"Accept")])
    plain = await site.get()

    miss, hit = await site.get(f"{ITEMS}?n=1", accept_encoding=coding), await site.get(accept_encoding=coding)

    assert results(miss, hit) == [(200, "MISS"), (200, "HIT")]
    for talk in (miss, hit):
        assert talk.headers["content-encoding"] == coding
        assert _READ[coding](talk.body) == LARGE
        assert talk.headers["etag"] == f'{plain.headers["etag"][:-1]}-{coding}"'
        assert talk.headers["vary"] == plain.headers["vary"] == "Accept, accept-encoding"
    assert "content-encoding" not in plain.headers
    assert results(await site.get(accept_encoding=coding, if_none_match=hit.headers["etag"])) == [(304, "HIT")]
    assert results(await site.get(accept_encoding=coding, if_none_match=plain.headers["etag"])) == [(200, "HIT")]


async def test_other_answers_are_compressed_as_well():
    site = RestSite()
    site.rest.answer = lambda: whole(LARGE, headers=[(b"etag", b'"3"')])

    talk = await site.get("/api/keys", accept_encoding="gzip;q=0.5, br")

    assert (talk.headers["content-encoding"], talk.headers["etag"], talk.headers["vary"]) == ("br", '"3-br"', "accept-encoding")
    assert brotli.decompress(talk.body) == LARGE


@pytest.mark.parametrize(
    ("body", "headers", "answered"),
    [
        (LARGE, {"x_no_compression": "1"}, []),
        (LARGE, {"accept_encoding": "identity"}, []),
        (b"x" * 1024, {}, []),
        (LARGE, {}, [(b"content-type", b"image/png")]),
        (LARGE, {}, [(b"content-type", b"text/event-stream")]),
    ],
)
async def test_what_is_not_to_be_compressed_is_not(body, headers, answered):
    for path in (ITEMS, "/api/keys"):
        site = RestSite()
        site.rest.answer = lambda: whole(body, headers=answered)
        talk = await site.get(path, **({"accept_encoding": "zstd, br, gzip"} | headers))
        assert (talk.body, "content-encoding" in talk.headers) == (body, False)


async def test_a_hit_is_compressed_once():
    site = RestSite()
    site.rest.answer = lambda: whole(LARGE)
    for _ in range(3):
        await site.get(accept_encoding="zstd")

    ((kept, _),) = site.answers._kept.values()
    assert list(kept._bodies) == ["zstd"]
    assert site.answers.size_bytes == kept.size_bytes


# The database is away


async def test_what_was_true_a_moment_ago_is_given_while_the_database_is_away_and_says_so():
    site = RestSite()
    await site.get()
    site.versions.current = b"r:2"
    site.rest.answer = away
    site.bench.clock.advance(5)

    talk = await site.get()

    assert results(talk) == [(200, "STALE")]
    assert talk.body == b'{"data":[]}'
    assert talk.headers["age"] == "5"


@pytest.mark.parametrize(
    "answer", [lambda: whole(b"{}", 500), lambda: whole(b'{"error":{"code":"overloaded"}}', 503), lambda: whole(b"{}", 404)]
)
async def test_no_other_failure_is_answered_with_what_is_old(answer):
    site = RestSite()
    await site.get()
    site.versions.current = b"r:2"
    site.rest.answer = answer

    talk = await site.get()

    assert results(talk) == [(answer().status, "MISS")]


async def test_what_is_older_than_a_minute_is_not_given_for_true():
    site = RestSite()
    await site.get()
    site.versions.current = b"r:2"
    site.rest.answer = away
    site.bench.clock.advance(OLD)

    assert results(await site.get()) == [(503, "MISS")]


# The same question at once


async def test_misses_at_once_share_one_call():
    site = RestSite()
    site.rest.gate = asyncio.Event()
    talks = [site.begin() for _ in range(5)]
    while not site.rest.asked:
        await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    site.rest.gate.set()
    for talk in talks:
        await talk.done()

    assert len(site.rest.asked) == 1
    assert results(*talks) == [(200, "MISS")] + [(200, "HIT")] * 4
    assert len({talk.headers["x-request-id"] for talk in talks}) == 5


async def test_who_comes_after_a_write_does_not_get_what_was_read_before_it():
    site = RestSite()
    site.rest.gate = asyncio.Event()
    site.rest.answer = lambda: whole(b"old")
    first = site.begin()
    while not site.rest.asked:
        await asyncio.sleep(0)
    site.versions.current = b"r:2"
    site.rest.answer = lambda: whole(b"new")
    second, third = site.begin(), site.begin()
    await asyncio.sleep(0.01)
    site.rest.gate.set()

    assert [(await talk.done()).body for talk in (first, second, third)] == [b"old", b"new", b"new"]
    assert len(site.rest.asked) == 2


async def test_a_client_that_leaves_takes_the_answer_from_nobody():
    site = RestSite()
    site.rest.gate = asyncio.Event()
    leaving, staying = site.begin(), site.begin()
    while not site.rest.asked:
        await asyncio.sleep(0)
    await asyncio.sleep(0.1)  # until the client is watched
    leaving.leave()
    await leaving.done()
    site.rest.gate.set()

    assert (await staying.done()).status == 200


async def test_a_view_that_streams_is_not_shared():
    site = RestSite()
    site.rest.answer = lambda: FakePieces([b"a", b"b"])

    talk = await site.get()

    assert (talk.status, talk.body) == (200, b"ab")
    assert results(talk) == [(200, "BYPASS")]


# Memory


async def test_memory_is_bounded_and_the_least_used_goes_first():
    cache = AnswerCache(None, limit_bytes=10_000)
    answer = create_answer(whole(b"x" * 2_000), 0.0)
    for number in range(10):
        cache.put("w", b"%d" % number, b"1", answer)

    assert cache.size_bytes <= 10_000
    assert await cache.find("w", b"0", b"1") is None

    cache.put("w", b"large", b"1", create_answer(whole(b"x" * 20_000), 0.0))
    assert await cache.find("w", b"large", b"1") is None


async def test_what_is_kept_ends_by_itself():
    site = RestSite()
    await site.get()
    site.bench.clock.advance(TTL_S - 1)
    assert results(await site.get()) == [(200, "HIT")]
    site.bench.clock.advance(1)

    assert results(await site.get()) == [(200, "MISS")]


def test_a_kept_answer_counts_its_bookkeeping():
    assert Kept(create_answer(whole(b"x"), 0.0), b"1", 0.0).size_bytes > 1000
