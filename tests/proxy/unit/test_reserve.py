"""Which limits bind a request, what a refusal says, and what the headers show."""

from __future__ import annotations

import gc
import weakref

import pytest

from apikeys.hotpath import create_key_text, digest_key
from proxy.snapshot import LimitRule
from proxy.testing import PEPPER, WORKSPACE_ID, create_bench, create_principal, create_snapshot
from tests.proxy.asgi_help import CHAT, Site, check_error
from tests.proxy.chat_help import answer, chat


def limit(name: str, scope: str, amount: int = 1, window_s: int = 60, burst: int | None = None, **changes) -> LimitRule:
    return LimitRule(name, name, scope, "requests", amount, window_s, burst or amount, **changes)


def _site(*limits: LimitRule, models=("gpt", "other"), **principal) -> Site:
    return Site(create_bench(create_principal(**principal), create_snapshot(*models, limits=limits)))


async def _status(site: Site, **options) -> int:
    site.bench.upstream.answers.clear()
    site.bench.upstream.answer(answer())
    return (await site.call(**options)).status


def _another_key(site: Site, **principal) -> tuple[bytes, bytes]:
    key = create_key_text()[0].encode()
    site.bench.principals.principals[digest_key(PEPPER, key)] = create_principal(key_id="another", **principal)
    return (b"authorization", b"Bearer " + key)


async def test_a_global_limit_binds_everybody():
    site = _site(limit("all", "global"))
    stranger = _another_key(site, workspace_id="elsewhere")

    assert await _status(site) == 200
    assert await _status(site, headers=[stranger], client=("203.0.113.9", 1)) == 429


async def test_a_limit_per_address_binds_each_address_alone_and_not_this_machine():
    site = _site(limit("per-ip", "ip"))

    assert [await _status(site, client=("203.0.113.9", 1)) for _ in range(2)] == [200, 429]
    assert [await _status(site, client=("203.0.113.10", 1)) for _ in range(2)] == [200, 429]
    assert [await _status(site, client=("2001:db8::1", 1)) for _ in range(2)] == [200, 429]
    for loopback in ("127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"):
        assert [await _status(site, client=(loopback, 1)) for _ in range(3)] == [200, 200, 200]


async def test_a_workspace_limit_binds_all_its_keys_and_no_other_workspace():
    site = _site(limit("acme", "workspace"))
    sibling, stranger = _another_key(site), _another_key(site, workspace_id="elsewhere")

    assert await _status(site) == 200
    assert await _status(site, headers=[sibling]) == 429
    assert await _status(site, headers=[stranger]) == 200


async def test_a_limit_of_one_workspace_binds_only_that():
    site = _site(limit("acme", "workspace", workspace_id="elsewhere"))
    stranger = _another_key(site, workspace_id="elsewhere")

    assert [await _status(site) for _ in range(3)] == [200, 200, 200]
    assert [await _status(site, headers=[stranger]) for _ in range(2)] == [200, 429]


async def test_a_key_limit_binds_the_keys_that_name_it_each_alone():
    site = _site(limit("small", "key"), limit_ids=("small",))
    named, unnamed = _another_key(site, limit_ids=("small",)), _another_key(site)

    assert [await _status(site) for _ in range(2)] == [200, 429]
    assert [await _status(site, headers=[named]) for _ in range(2)] == [200, 429]
    assert [await _status(site, headers=[unnamed]) for _ in range(2)] == [200, 200]


async def test_a_limit_for_a_model_counts_that_model_only():
    site = _site(limit("small", "key", model="gpt"), limit_ids=("small",))

    assert await _status(site, body=chat("gpt")) == 200
    assert await _status(site, body=chat("gpt")) == 429
    assert [await _status(site, body=chat("other")) for _ in range(3)] == [200, 200, 200]


async def test_a_limit_that_a_key_names_and_that_is_gone_binds_nobody():
    site = _site(limit_ids=("deleted",))

    assert [await _status(site) for _ in range(3)] == [200, 200, 200]


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


async def test_the_longest_wait_counts_when_several_limits_refuse():
    site = _site(
        limit("fast", "global", window_s=2),
        limit("slow", "workspace", window_s=50),
        limit("middle", "key", window_s=9),
        limit_ids=("middle",),
    )
    await _status(site)

    talk = await site.ask()

    assert talk.headers["retry-after"] == "50"
    assert "'slow'" in talk.json["error"]["message"]


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


async def test_listing_models_is_counted_too():
    site = _site(limit("all", "global", amount=2))

    statuses = [(await site.call("GET", "/v1/models")).status for _ in range(3)]

    assert statuses == [200, 200, 429]


async def test_a_request_that_is_refused_reaches_no_backend_and_is_not_recorded():
    site = _site(limit("all", "global"))
    await _status(site)

    await site.call("POST", CHAT)

    assert len(site.bench.upstream.sent) == 1
    assert len(site.bench.spool.starts) == len(site.bench.spool.ends) == 1


async def test_a_malformed_body_is_not_counted():
    site = _site(limit("all", "global"))

    assert await _status(site, body=b"{") == 400
    assert await _status(site) == 200


async def test_a_new_revision_binds_at_once():
    site = _site(limit("all", "global"))
    await _status(site)
    site.bench.use(create_snapshot(limits=(limit("all", "global", amount=1000),), revision=8))

    assert [await _status(site) for _ in range(3)] == [200, 200, 200]


async def test_an_old_configuration_is_not_kept_in_memory_by_callers_that_stay_away():
    site = _site(limit("all", "global", amount=1000))
    await _status(site)
    old = weakref.ref(site.bench.gateway.snapshots.current)

    site.bench.use(create_snapshot(revision=8))
    await _status(site, headers=[_another_key(site)])
    gc.collect()

    assert old() is None


async def test_plans_are_bounded_whatever_models_a_caller_invents(monkeypatch):
    monkeypatch.setattr("proxy.stages.reserve._PLANS_MAX_COUNT", 10)
    site = _site(limit("all", "global", amount=1000))

    for number in range(50):
        await site.ask(model=f"invented-{number}")

    assert len(site.bench.gateway.plans._plans) == 10
    assert len(site.bench.gateway.plans.limiter._buckets) == 1


@pytest.mark.parametrize("scope", ["global", "workspace"])
async def test_subjects_that_look_alike_share_no_counter(scope):
    limits = (limit("all", scope), limit("all:gpt", scope, amount=1000))
    site = _site(*limits)

    assert [await _status(site) for _ in range(2)] == [200, 429]
    keys = list(site.bench.gateway.plans.limiter._buckets)
    assert len(keys) == 2
    assert all((f"{{{WORKSPACE_ID}}}" if scope == "workspace" else "{global}").encode() in key for key in keys)
