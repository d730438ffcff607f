"""Limits as a client sees them: statuses, bodies and headers."""

from __future__ import annotations

import pytest

from proxy.snapshot import LimitRule
from proxy.testing import create_bench, create_principal, create_snapshot
from tests.proxy.asgi_help import CHAT, Site, check_error
from tests.proxy.chat_help import answer, chat


def limit(name: str, scope: str, amount: int = 1, window_s: int = 60, burst: int | None = None, unit: str = "requests", **changes):
    return LimitRule(name, name, scope, unit, amount, window_s, burst or amount, **changes)


def _site(*limits: LimitRule, models=("gpt", "other"), **principal) -> Site:
    return Site(create_bench(create_principal(**principal), create_snapshot(*models, limits=limits)))


async def _status(site: Site, **options) -> int:
    site.bench.upstream.answers.clear()
    site.bench.upstream.answer(answer(usage={"prompt_tokens": 5, "completion_tokens": 3}))
    return (await site.call(**options)).status


async def test_a_refusal_follows_the_contract():
    site = _site(limit("small", "key", amount=6, window_s=60, burst=2), limit_ids=("small",))
    await _status(site)
    await _status(site)

    talk = await site.ask()

    message = check_error(talk, 429, "rate_limit_error", "rate_limit_exceeded")
    assert message == "The limit 'small' is reached: 6 requests per 60 s with a burst of 2. Try again in 10.000 s."
    assert talk.headers["retry-after"] == "10"
    assert talk.headers["retry-after-ms"] == "10000"
    assert talk.headers["x-ratelimit-limit-requests"] == "2"
    assert talk.headers["x-ratelimit-remaining-requests"] == "0"
    assert talk.headers["x-ratelimit-reset-requests"] == "20s"
    assert "x-should-retry" not in talk.headers


async def test_who_waits_as_long_as_the_refusal_says_passes():
    site = _site(limit("small", "key", amount=7, window_s=3), limit_ids=("small",))
    for _ in range(7):
        await _status(site)
    site.bench.clock.advance(0.1234567)

    talk = await site.ask()
    assert talk.status == 429
    site.bench.clock.advance(int(talk.headers["retry-after-ms"]) / 1000)

    assert await _status(site) == 200


async def test_the_headers_show_the_tightest_limit():
    site = _site(limit("wide", "global", amount=100), limit("tight", "workspace", amount=3))
    site.bench.upstream.answer(answer())

    talk = await site.ask()

    assert talk.headers["x-ratelimit-limit-requests"] == "3"
    assert talk.headers["x-ratelimit-remaining-requests"] == "2"
    assert talk.headers["x-ratelimit-reset-requests"] == "20s"


@pytest.mark.parametrize(
    ("amount", "window_s", "shown"),
    [
        (1000, 12, "12ms"),
        (1, 1, "1s"),
        (2, 3, "2s"),
        (1, 59, "59s"),
        (1, 60, "1m0s"),
        (1, 360, "6m0s"),
        (1, 3600, "1h0m0s"),
        (1, 90_061, "25h1m1s"),
    ],
)
async def test_the_reset_is_written_as_openai_writes_it(amount, window_s, shown):
    site = _site(limit("all", "global", amount=amount, window_s=window_s))
    site.bench.upstream.answer(answer())

    talk = await site.ask()

    assert talk.headers["x-ratelimit-reset-requests"] == shown


async def test_a_token_limit_has_headers_of_its_own_which_show_what_came_back():
    site = _site(limit("tokens", "global", amount=10_000, window_s=3600, unit="tokens"))
    site.bench.upstream.answer(answer(usage={"prompt_tokens": 5, "completion_tokens": 3}))

    talk = await site.ask(max_tokens=500)

    assert talk.headers["x-ratelimit-limit-tokens"] == "10000"
    assert talk.headers["x-ratelimit-remaining-tokens"] == "9992"
    assert "x-ratelimit-limit-requests" not in talk.headers


async def test_without_a_limit_there_are_no_such_headers():
    site = _site(limit("shadow", "global", is_enforced=False))
    site.bench.upstream.answer(answer())

    talk = await site.ask()

    assert not [name for name in talk.headers if name.startswith("x-ratelimit")]


async def test_a_shadow_limit_stops_nobody():
    site = _site(limit("shadow", "global", is_enforced=False))

    assert [await _status(site) for _ in range(3)] == [200, 200, 200]


async def test_other_refusals_show_what_is_left_too():
    site = _site(limit("wide", "global", amount=100))

    talk = await site.ask(model="nothing")

    assert talk.status == 404
    assert talk.headers["x-ratelimit-remaining-requests"] == "99"


async def test_listing_models_is_counted_too_and_takes_no_tokens():
    site = _site(limit("all", "global", amount=2), limit("tokens", "global", amount=1, unit="tokens"))

    statuses = [(await site.call("GET", "/v1/models")).status for _ in range(3)]

    assert statuses == [200, 200, 429]


async def test_a_request_that_is_refused_reaches_no_backend():
    site = _site(limit("all", "global"))
    await _status(site)

    await site.call("POST", CHAT)

    assert len(site.bench.upstream.sent) == 1


async def test_a_malformed_body_is_not_counted():
    site = _site(limit("all", "global"))

    assert await _status(site, body=b"{") == 400
    assert await _status(site) == 200


async def test_a_limit_for_a_model_counts_that_model_only():
    site = _site(limit("small", "key", model="gpt"), limit_ids=("small",))

    assert [await _status(site, body=chat("gpt")) for _ in range(2)] == [200, 429]
    assert [await _status(site, body=chat("other")) for _ in range(3)] == [200, 200, 200]


async def test_an_answer_frees_its_slot():
    site = _site(limit("one", "global", unit="concurrency"))

    assert [await _status(site) for _ in range(5)] == [200] * 5
