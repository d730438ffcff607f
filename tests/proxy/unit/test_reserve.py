"""Which limits bind a request, what its counters are, and what a refusal says."""

from __future__ import annotations

import gc
import weakref

import pytest

from apikeys.hotpath import Principal
from proxy import tally
from proxy.errors import BudgetSpent, RateLimited
from proxy.estimates import FREE, Estimate
from proxy.limiter import Limiter, Subject
from proxy.snapshot import LimitRule, Snapshot
from proxy.stages.reserve import Caller, LimitPlans, peek, reserve
from proxy.telemetry import RATE_LIMIT_DROPPED, RATE_LIMIT_SHADOW
from proxy.testing import WORKSPACE_ID, ManualClock, MemoryCounter, MemoryHistory, create_principal

ELSEWHERE = "203.0.113.9"
BOB = create_principal(key_id="bob")
CHARLIE = create_principal(key_id="charlie", workspace_id="elsewhere")


def limit(name: str, scope: str, amount: int = 1, window_s: int = 60, burst: int | None = None, unit: str = "requests", **changes):
    return LimitRule(name, name, scope, unit, amount, window_s, burst or amount, **changes)


class Cast:
    """One worker with limits; alice is its caller unless another is named. Charlie's workspace is another one."""

    def __init__(self, *limits: LimitRule, **alice):
        self.clock = ManualClock(1_000_000.0)
        self.counter = MemoryCounter(self.clock)
        self.history = MemoryHistory()
        self.limiter = Limiter(self.counter, self.clock, history=self.history, wall_s=self.clock)
        self.plans = LimitPlans(self.limiter)
        self.snapshot = Snapshot(1, limits=limits)
        self.alice = create_principal(**alice)

    async def reserve(self, principal: Principal | None = None, ip=ELSEWHERE, model="gpt", estimate=FREE, end_user="", tags=()):
        caller = Caller(principal or self.alice, ip, model, end_user, tags)
        return await reserve(caller, estimate, self.snapshot, self.plans)

    async def passes(self, principal: Principal | None = None, times=2, **caller) -> list[bool]:
        """Return for each of as many requests, one after the other, whether it passed."""
        found = []
        for _ in range(times):
            try:
                await self.reserve(principal, **caller)
                found.append(True)
            except RateLimited:
                found.append(False)
        return found

    async def refusal(self, **caller) -> RateLimited:
        with pytest.raises(RateLimited) as raised:
            await self.reserve(**caller)
        return raised.value


# --- whom a limit binds ---------------------------------------------------------------------------------------------------------------


async def test_a_global_limit_binds_everybody():
    cast = Cast(limit("all", "global"))

    assert await cast.passes() == [True, False]
    assert await cast.passes(CHARLIE, ip="203.0.113.10") == [False, False]


async def test_a_limit_per_address_binds_each_address_alone_and_not_this_machine():
    cast = Cast(limit("per-ip", "ip"))

    assert await cast.passes() == [True, False]
    assert await cast.passes(ip="203.0.113.10") == [True, False]
    for loopback in ("127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"):
        assert await cast.passes(ip=loopback) == [True, True]


async def test_addresses_of_one_ipv6_network_share_a_counter():
    cast = Cast(limit("per-ip", "ip"))

    assert await cast.passes(ip="2001:db8::1", times=1) == [True]
    assert await cast.passes(ip="2001:db8::ffff:1", times=1) == [False]
    assert await cast.passes(ip="2001:db8:0:1::1", times=1) == [True]
    assert await cast.passes(ip="::2", times=1) == [True]


async def test_an_address_has_one_counter_however_it_is_written():
    cast = Cast(limit("per-ip", "ip"))

    assert await cast.passes(ip="203.0.113.9", times=1) == [True]
    assert await cast.passes(ip="::ffff:203.0.113.9", times=1) == [False]


async def test_what_is_no_address_is_counted_as_it_is():
    cast = Cast(limit("per-ip", "ip"))

    assert await cast.passes(ip="unix:") == [True, False]
    assert await cast.passes(ip="}" + "x" * 1000) == [True, False]
    assert max(map(len, cast.limiter._buckets)) < 200


async def test_a_workspace_limit_binds_all_its_keys_and_no_other_workspace():
    cast = Cast(limit("acme", "workspace"))

    assert await cast.passes(times=1) == [True]
    assert await cast.passes(BOB, times=1) == [False]
    assert await cast.passes(CHARLIE, times=1) == [True]


@pytest.mark.parametrize("scope", ["workspace", "end_user", "tag"])
async def test_a_limit_of_one_workspace_binds_only_that(scope):
    cast = Cast(limit("acme", scope, workspace_id="elsewhere", tag="team" if scope == "tag" else ""))

    assert await cast.passes(end_user="u", tags=("team=a",)) == [True, True]
    assert await cast.passes(CHARLIE, end_user="u", tags=("team=a",)) == [True, False]


async def test_a_key_limit_binds_the_keys_that_name_it_each_alone():
    cast = Cast(limit("small", "key"), limit_ids=("small",))

    assert await cast.passes() == [True, False]
    assert await cast.passes(create_principal(key_id="bob", limit_ids=("small",))) == [True, False]
    assert await cast.passes(BOB) == [True, True]


async def test_several_limits_of_a_key_bind_together():
    cast = Cast(
        limit("minute", "key", amount=2), limit("hour", "key", amount=3, window_s=3600), limit_ids=("minute", "hour"), key_id="several"
    )

    assert await cast.passes(times=3) == [True, True, False]
    cast.clock.advance(60)
    assert await cast.passes(times=2) == [True, False]


async def test_a_limit_that_a_key_names_and_that_is_gone_binds_nobody():
    assert await Cast(limit_ids=("deleted",)).passes() == [True, True]


async def test_an_end_users_limit_binds_each_alone_within_its_workspace_and_not_those_without_a_name():
    cast = Cast(limit("each", "end_user"))

    assert await cast.passes(end_user="u1") == [True, False]
    assert await cast.passes(end_user="u2") == [True, False]
    assert await cast.passes(BOB, end_user="u1") == [False, False]
    assert await cast.passes(CHARLIE, end_user="u1") == [True, False]
    assert await cast.passes(end_user="") == [True, True]


async def test_a_tags_limit_counts_each_value_apart():
    cast = Cast(limit("teams", "tag", tag="team"))

    assert await cast.passes(tags=("team=a", "other=x")) == [True, False]
    assert await cast.passes(tags=("team=b",)) == [True, False]
    assert await cast.passes(tags=("team",)) == [True, False]
    assert await cast.passes(tags=("teams=a",)) == [True, True]
    assert await cast.passes() == [True, True]


async def test_a_tags_limit_may_bind_one_value_only():
    cast = Cast(limit("search", "tag", tag="team=search"))

    assert await cast.passes(tags=("team=search",)) == [True, False]
    assert await cast.passes(tags=("team=other",)) == [True, True]


async def test_a_tag_that_is_named_twice_counts_once():
    cast = Cast(limit("teams", "tag", amount=2, tag="team"))

    assert await cast.passes(tags=("team=a", "team=a"), times=3) == [True, True, False]


@pytest.mark.parametrize("scope", ["global", "ip", "workspace", "key", "end_user", "tag"])
@pytest.mark.parametrize("unit", ["requests", "tokens", "input_tokens", "output_tokens", "cost", "concurrency"])
@pytest.mark.parametrize("window", [{"window_s": 1}, {"window_s": 2_678_400}, {"calendar": "day"}])
async def test_every_unit_in_every_window_and_every_scope(scope, unit, window):
    cast = Cast(limit("one", scope, unit=unit, tag="team" if scope == "tag" else "", **window), limit_ids=("one",))
    caller = {"estimate": Estimate(1, 1, 1), "end_user": "u", "tags": ("team=a",)}

    assert await cast.passes(**caller) == [True, False]
    assert (await cast.refusal(**caller)).retry_after_s > 0


# --- models ---------------------------------------------------------------------------------------------------------------------------


async def test_a_limit_for_a_model_counts_that_model_only():
    cast = Cast(limit("small", "key", model="gpt"), limit_ids=("small",))

    assert await cast.passes() == [True, False]
    assert await cast.passes(model="gpt-4") == [True, True]


async def test_a_limit_for_models_with_one_beginning_counts_them_together():
    cast = Cast(limit("small", "global", model="gpt-*"))

    assert await cast.passes(model="gpt-4", times=1) == [True]
    assert await cast.passes(model="gpt-5", times=1) == [False]
    assert await cast.passes(model="claude") == [True, True]
    assert await cast.passes(model="") == [True, True]


@pytest.mark.parametrize("pattern", ["", "gpt-*"])
async def test_a_limit_per_model_counts_each_apart(pattern):
    cast = Cast(limit("each", "workspace", model=pattern, is_per_model=True))

    assert await cast.passes(model="gpt-4") == [True, False]
    assert await cast.passes(model="gpt-5") == [True, False]


# --- plans and counters ---------------------------------------------------------------------------------------------------------------


async def test_a_new_revision_binds_at_once():
    cast = Cast(limit("all", "global"))
    assert await cast.passes() == [True, False]

    cast.snapshot = Snapshot(2, limits=(limit("all", "global", amount=3),))

    assert await cast.passes(times=3) == [True, True, False]


async def test_a_key_that_was_read_anew_has_its_new_limits_at_once():
    cast = Cast(limit("small", "key"))
    assert await cast.passes() == [True, True]

    cast.alice = create_principal(limit_ids=("small",))

    assert await cast.passes() == [True, False]


async def test_an_old_configuration_is_not_kept_in_memory_by_callers_that_stay_away():
    cast = Cast(limit("all", "global", amount=1000))
    await cast.reserve()
    old = weakref.ref(cast.snapshot)

    cast.snapshot = Snapshot(2)
    await cast.reserve(BOB)
    gc.collect()

    assert old() is None


async def test_plans_are_bounded_whatever_names_callers_invent(monkeypatch):
    monkeypatch.setattr("proxy.stages.reserve._PLANS_MAX_COUNT", 10)
    cast = Cast(limit("all", "global", amount=1000))

    for number in range(50):
        await cast.reserve(end_user=f"invented-{number}")

    assert len(cast.plans._plans) == 10
    assert len(cast.limiter._buckets) == 1


@pytest.mark.parametrize("scope", ["global", "workspace"])
async def test_rules_that_look_alike_share_no_counter(scope):
    cast = Cast(limit("all", scope), limit("all:gpt", scope, amount=1000))

    assert await cast.passes() == [True, False]
    keys = list(cast.limiter._buckets)
    assert len(keys) == 2
    assert all((f"{{{WORKSPACE_ID}}}" if scope == "workspace" else "{global}").encode() in key for key in keys)


async def test_names_that_callers_choose_share_no_counter_however_they_are_cut():
    cast = Cast(limit("users", "end_user", is_per_model=True), limit("tags", "tag", tag="t", is_per_model=True))

    assert await cast.passes(end_user="a:1:b", model="c", times=1) == [True]
    assert await cast.passes(end_user="a", model="1:b:c", times=1) == [True]
    assert await cast.passes(tags=("t=a:1:b",), model="c", times=1) == [True]
    assert await cast.passes(tags=("t=a",), model="1:b:c", times=1) == [True]


async def test_the_books_are_asked_about_whom_the_counter_counts():
    cast = Cast(
        limit("key", "key", unit="cost", model="gpt*"),
        limit("user", "end_user", unit="tokens", is_per_model=True),
        limit("tag", "tag", unit="cost", tag="team"),
        limit("ip", "ip", unit="cost"),
        limit_ids=("key",),
    )
    await cast.reserve(estimate=Estimate(1, 0, 1), end_user="u", tags=("team=a",), model="gpt-4")

    assert {name: subject for name, subject, _ in cast.history.asked} == {
        "key": Subject(WORKSPACE_ID, cast.alice.key_id, model="gpt*"),
        "user": Subject(WORKSPACE_ID, end_user="u", model="gpt-4"),
        "tag": Subject(WORKSPACE_ID, tag="team=a"),
    }


# --- what a refusal says --------------------------------------------------------------------------------------------------------------


async def test_a_refusal_says_what_the_limit_is_and_when_to_come_back():
    cast = Cast(limit("small", "key", amount=6, window_s=60, burst=2), limit_ids=("small",))
    await cast.passes(times=2)

    error = await cast.refusal()

    assert (error.http_status, error.type, error.code) == (429, "rate_limit_error", "rate_limit_exceeded")
    assert error.public_message == "The limit 'small' is reached: 6 requests per 60 s with a burst of 2. Try again in 10.000 s."
    assert error.retry_after_s == pytest.approx(10)
    assert error.is_retryable is None
    shown = error.reservation
    assert (shown.limit_count, shown.remaining_count, shown.full_after_s) == (2, 0, 20)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"unit": "tokens", "amount": 5}, "5 tokens per 60 s with a burst of 5"),
        ({"unit": "input_tokens", "amount": 5, "calendar": "hour"}, "5 input tokens per calendar hour"),
        ({"unit": "concurrency", "amount": 1}, "1 requests in flight"),
        ({"unit": "cost", "amount": 5, "window_s": 10}, "$0.000000005 per 10 s with a burst of $0.000000005"),
    ],
)
async def test_each_kind_of_limit_is_named_in_words(changes, words):
    cast = Cast(limit("it", "global", **changes))
    await cast.passes(estimate=Estimate(5, 0, 5))

    error = await cast.refusal(estimate=Estimate(5, 0, 5))

    assert f"The limit 'it' is reached: {words}. Try again in " in error.public_message
    assert error.code == "rate_limit_exceeded"


async def test_the_longest_wait_counts_when_several_limits_refuse():
    cast = Cast(
        limit("fast", "global", window_s=2),
        limit("slow", "workspace", window_s=50),
        limit("middle", "key", window_s=9),
        limit_ids=("middle",),
    )
    await cast.reserve()

    error = await cast.refusal()

    assert error.retry_after_s == pytest.approx(50)
    assert "'slow'" in error.public_message


async def test_a_spent_budget_says_how_much_was_spent_and_when_there_is_more():
    cast = Cast(limit("team", "workspace", amount=5_000_000_000, unit="cost", calendar="day"))
    first = await cast.reserve(estimate=Estimate(1, 1, 4_000_000_000))
    first.settle(Estimate(1, 1, 1), 3_000_000_000)
    await cast.reserve(estimate=Estimate(1, 1, 2_500_000_000))

    error = await cast.refusal(estimate=Estimate(1, 1, 1))

    assert isinstance(error, BudgetSpent)
    assert (error.http_status, error.type, error.code, error.is_retryable) == (429, "insufficient_quota", "insufficient_quota", False)
    assert error.details == {
        "limit": "team",
        "limit_nano_usd": 5_000_000_000,
        "spent_nano_usd": 2_500_000_000,
        "reserved_nano_usd": 2_500_000_000,
        "resets_at": "1970-01-13T00:00:00+00:00",
    }
    assert error.public_message == (
        "The limit 'team' is reached: $5.00 per calendar day. $2.50 are spent and $2.50 reserved."
        " There is more at 1970-01-13T00:00:00+00:00."
    )
    assert error.retry_after_s == pytest.approx(cast.clock.now // 86_400 * 86_400 + 86_400 - cast.clock.now)


async def test_a_refused_request_holds_nothing():
    cast = Cast(limit("slots", "global", amount=1, unit="concurrency"), limit("money", "global", amount=1000, unit="cost", window_s=3600))
    first = await cast.reserve(estimate=Estimate(0, 0, 100))
    error = await cast.refusal(estimate=Estimate(0, 0, 100))

    error.reservation.settle(None, 10**9)
    error.reservation.cancel()
    first.refund()

    described = (await peek(Caller(cast.alice, ELSEWHERE, "gpt"), FREE, cast.snapshot, cast.plans))[1]
    assert (described["remaining"], described["reserved"]) == (1000, 0)


async def test_shadow_limits_are_counted_and_stop_nobody():
    cast = Cast(limit("shadow", "tag", unit="tokens", tag="team", is_enforced=False), limit("real", "global", amount=2))
    before = [_value(RATE_LIMIT_SHADOW, "tag", "tokens"), _value(RATE_LIMIT_DROPPED, "global", "requests")]

    assert await cast.passes(estimate=Estimate(5, 5, 0), tags=("team=a",), times=3) == [True, True, False]

    after = [_value(RATE_LIMIT_SHADOW, "tag", "tokens"), _value(RATE_LIMIT_DROPPED, "global", "requests")]
    assert [now - then for now, then in zip(after, before, strict=True)] == [2, 1]


def _value(counter, *labels) -> float:
    tally.flush()
    return counter.labels(*labels)._value.get()


# --- a dry run ------------------------------------------------------------------------------------------------------------------------


async def test_a_peek_says_what_each_limit_would_say_and_charges_nothing():
    cast = Cast(
        limit("pace", "global", amount=5),
        limit("money", "workspace", amount=1000, unit="cost", calendar="month"),
        limit("slots", "key", amount=1, unit="concurrency"),
        limit_ids=("slots",),
    )
    cast.history.spent_counts["money"] = 1000
    caller, estimate = Caller(cast.alice, ELSEWHERE, "gpt"), Estimate(1, 1, 500)

    first = await peek(caller, estimate, cast.snapshot, cast.plans)
    second = await peek(caller, estimate, cast.snapshot, cast.plans)

    assert first == second
    assert [(each["name"], each["would_take"], each["would_refuse"], each["remaining"]) for each in first] == [
        ("pace", 1, False, 5),
        ("money", 500, True, 0),
        ("slots", 1, False, 1),
    ]
    assert first[0]["retry_after_s"] == 0
    assert first[1]["retry_after_s"] > 86_400


async def test_a_peek_shows_what_other_workers_took():
    cast = Cast(limit("pace", "global", amount=5, window_s=3600), limit("slots", "global", amount=3, unit="concurrency"))
    other = LimitPlans(Limiter(cast.counter, cast.clock, wall_s=cast.clock))
    caller = Caller(cast.alice, ELSEWHERE, "gpt")
    for _ in range(3):
        await reserve(caller, FREE, cast.snapshot, other)

    found = await peek(caller, FREE, cast.snapshot, cast.plans)

    assert [(each["remaining"], each["would_refuse"], each["retry_after_s"]) for each in found] == [(2, False, 0), (0, True, 1)]


async def test_a_peek_without_the_counter_shows_what_is_known():
    cast = Cast(limit("pace", "global", amount=5))
    cast.counter.is_available = False

    (found,) = await peek(Caller(cast.alice, ELSEWHERE, "gpt"), FREE, cast.snapshot, cast.plans)

    assert (found["remaining"], found["would_refuse"]) == (5, False)
