from __future__ import annotations

import asyncio
import time

import pytest

from guardrails.detection import Hit, PlacedHit, TextUnit
from guardrails.engine.breaker import Breaker
from guardrails.engine.merge import merge_inspections
from guardrails.engine.slow import run_slow
from guardrails.engine.tally import UNCHECKED
from proxy.testing import ManualClock
from tests.guardrails.engine_help import SSN, Asking, compile_with, patterns, rule

UNITS = [TextUnit("one"), TextUnit("two", direction="response"), TextUnit("three")]
HIT = (PlacedHit(1, Hit("BAD", 0, 3)),)


def results(inspection) -> dict[str, str]:
    return {each.rule: each.result for each in inspection.outcomes}


async def test_answers_are_placed_among_all_units(monkeypatch) -> None:
    policy = compile_with(monkeypatch, {"judge": Asking(answer=HIT), "pii": patterns(SSN)}, rule("judge"), rule("pii"))

    inspection = await run_slow(policy, UNITS)

    assert [(each.rule, each.unit, each.start, each.end) for each in inspection.findings] == [("judge", 2, 0, 3)]
    assert (inspection.decision, list(inspection.edits)) == ("redact", [2])
    assert results(inspection) == {"judge": "hit"}
    assert results(merge_inspections([policy.check(UNITS), inspection])) == {"pii": "pass", "judge": "hit"}


async def test_five_checks_of_a_tenth_of_a_second_finish_together(monkeypatch) -> None:
    detectors = {f"judge{number}": Asking(after_s=0.1) for number in range(5)}
    policy = compile_with(monkeypatch, detectors, *(rule(each, "block") for each in detectors))

    started = time.perf_counter()
    inspection = await run_slow(policy, UNITS)
    elapsed_s = time.perf_counter() - started

    assert set(results(inspection).values()) == {"pass"}
    assert elapsed_s < 0.2  # one after the other would be 0.5 s; alone on its core it is 0.102


@pytest.mark.parametrize("action", ["log", "redact", "block", "retry"])
@pytest.mark.parametrize("fail_mode", ["open", "closed"])
@pytest.mark.parametrize("kind", ["timeout", "error", "own_timeout", "breaker", "nonsense"])
async def test_who_does_not_answer_goes_by_the_fail_mode(monkeypatch, kind: str, fail_mode: str, action: str) -> None:
    asking = {
        "timeout": Asking(after_s=30),
        "error": Asking(error=OSError()),
        "own_timeout": Asking(error=TimeoutError()),
        "breaker": Asking(answer=HIT),
        "nonsense": Asking(answer=(PlacedHit(7, Hit("BAD")),)),
    }[kind]
    policy = compile_with(monkeypatch, {"judge": asking}, rule("judge", action, fail_mode=fail_mode, deadline_ms=20))
    if kind == "breaker":
        for _ in range(5):
            policy.rules[0].breaker.failed()

    inspection = await run_slow(policy, UNITS)

    closed = {"log": "allow", "redact": "block", "block": "block", "retry": "retry"}[action]
    assert inspection.decision == (closed if fail_mode == "closed" else "allow")
    assert results(inspection) == {"judge": "timeout" if "timeout" in kind else "error"}
    assert inspection.is_degraded is (fail_mode == "open")
    assert [each.label for each in inspection.findings] == ([UNCHECKED] if fail_mode == "closed" else [])
    assert asking.asked_count == (0 if kind == "breaker" else 1)


async def test_the_shorter_deadline_of_rule_and_policy_holds(monkeypatch) -> None:
    detectors = {"a": Asking(after_s=30), "b": Asking(after_s=30)}
    policy = compile_with(
        monkeypatch, detectors, rule("a", fail_mode="open", deadline_ms=60_000), rule("b", fail_mode="open", deadline_ms=10), deadline_ms=30
    )

    assert [each.deadline_s for each in policy.rules] == [0.03, 0.01]
    assert set(results(await run_slow(policy, UNITS)).values()) == {"timeout"}


async def test_a_block_cancels_the_other_checks(monkeypatch) -> None:
    slow = Asking(after_s=30)
    policy = compile_with(
        monkeypatch, {"a": Asking(answer=HIT), "b": slow}, rule("a", "block"), rule("b", "block", deadline_ms=60_000), deadline_ms=60_000
    )

    inspection = await run_slow(policy, UNITS)

    assert (inspection.decision, inspection.decided_by) == ("block", "a")
    assert results(inspection) == {"a": "hit", "b": "skipped"}
    assert slow.cancelled_count == 1


async def test_cancelling_cancels_all_that_is_under_way_and_leaves_the_breakers_alone(monkeypatch) -> None:
    asking = [Asking(after_s=30), Asking(after_s=30)]
    policy = compile_with(monkeypatch, {"a": asking[0], "b": asking[1]}, rule("a"), rule("b"), deadline_ms=60_000)
    task = asyncio.create_task(run_slow(policy, UNITS))
    await asyncio.sleep(0.01)

    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert task.cancelled()
    assert [each.cancelled_count for each in asking] == [1, 1]
    assert not any(each.breaker.is_open for each in policy.rules)


async def test_enforced_rules_and_those_in_shadow_may_run_apart(monkeypatch) -> None:
    detectors = {"a": Asking(answer=HIT), "b": Asking(answer=HIT)}
    policy = compile_with(monkeypatch, detectors, rule("a", "block"), rule("b", "block", mode="shadow"))

    assert results(await run_slow(policy, UNITS, mode="enforce")) == {"a": "hit"}
    shadow = await run_slow(policy, UNITS, mode="shadow")
    assert (results(shadow), shadow.decision) == ({"b": "hit"}, "allow")


async def test_without_a_text_of_its_directions_nobody_is_asked(monkeypatch) -> None:
    asking = Asking(error=OSError())
    policy = compile_with(monkeypatch, {"a": asking}, rule("a", "block", phase="response"))

    assert results(await run_slow(policy, UNITS[:1])) == {"a": "skipped"}
    assert asking.asked_count == 0


def test_a_breaker_opens_tries_once_and_closes() -> None:
    clock = ManualClock()
    breaker = Breaker(clock, failures_count=2, pause_s=10)

    breaker.failed()
    assert breaker.enter()
    breaker.failed()
    assert not breaker.enter()
    clock.advance(10)
    assert breaker.enter()
    assert not breaker.enter()
    breaker.failed()
    assert not breaker.enter()
    clock.advance(10)
    assert breaker.enter()
    breaker.abandoned()
    assert breaker.enter()
    breaker.succeeded()
    assert (breaker.is_open, breaker.enter(), breaker.enter()) == (False, True, True)


def test_successes_between_failures_keep_a_breaker_closed() -> None:
    breaker = Breaker(failures_count=2)

    for _ in range(5):
        breaker.failed()
        breaker.succeeded()

    assert not breaker.is_open
