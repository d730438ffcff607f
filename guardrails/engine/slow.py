"""
Rules that ask somebody else: side by side, each under its deadline, none longer than it is needed.

Rules: every task has an owner that cancels it. A late answer, an error and an open breaker go by the rule's fail mode.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from guardrails.detection import Facts, PlacedHit, TextUnit
from guardrails.engine.check import CompiledPolicy
from guardrails.engine.rules import CompiledRule
from guardrails.engine.tally import Tally
from guardrails.inspection import Inspection, Outcome, Result
from guardrails.policy_document import Mode

_NO_FACTS = Facts()


@dataclass(frozen=True, slots=True)
class _Answer:
    result: Result
    placed: tuple[PlacedHit, ...] = ()
    elapsed_us: float = 0.0


async def run_slow(
    policy: CompiledPolicy,
    units: Sequence[TextUnit],
    facts: Facts = _NO_FACTS,
    mode: Mode | None = None,
    sample: Callable[[], float] = random.random,
) -> Inspection:
    """
    Return what the policy's slow rules say of the units; `mode` names only the enforced rules, or only those in shadow.

    Errors: none but being cancelled, which cancels all that is under way: that is what a block by a fast rule does. Once one enforced
    rule blocks, the others are cancelled and count as skipped. Cost: the slowest answer, at most the longest deadline.
    """
    rules = [each for each in policy.slow_rules if mode in (None, each.mode)]
    tally = Tally(units)
    tasks: dict[asyncio.Task[_Answer], tuple[CompiledRule, list[int]]] = {}
    for rule in rules:
        places = [place for place, unit in enumerate(units) if _covers(rule, unit)]
        if not places or (rule.is_sampled and sample() >= rule.sample_ratio):
            tally.skip(rule)
        else:
            tasks[asyncio.create_task(_ask(rule, [units[each] for each in places], facts))] = (rule, places)
    await _gather(tasks, tally)
    without = tuple(Outcome(each.name, each.detector, "pass", each.action, each.mode) for each in rules)
    return tally.inspection(policy.name, policy.version, without)


def _covers(rule: CompiledRule, unit: TextUnit) -> bool:
    return unit.direction in rule.directions and (unit.is_latest or rule.text_scope != "latest_turn")


async def _gather(tasks: dict[asyncio.Task[_Answer], tuple[CompiledRule, list[int]]], tally: Tally) -> None:
    pending = set(tasks)
    try:
        while pending and not tally.has_block:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                _settle(*tasks[task], task.result(), tally)
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
    for task in pending:
        tally.skip(tasks[task][0])


def _settle(rule: CompiledRule, places: list[int], answer: _Answer, tally: Tally) -> None:
    tally.take(rule, answer.elapsed_us)
    if answer.result != "pass":
        tally.fail(rule, places[-1], answer.result)
        return
    for each in answer.placed:
        unit = tally.units[places[each.unit]]
        if unit.is_latest or rule.text_scope == "all":
            tally.add(rule, places[each.unit], rule.select(unit, (each.hit,)))


async def _ask(rule: CompiledRule, units: list[TextUnit], facts: Facts) -> _Answer:
    """Ask under the rule's deadline. Errors: none but being cancelled."""
    if rule.slow is None or not rule.breaker.enter():
        return _Answer("error")
    started = time.perf_counter()
    placed: tuple[PlacedHit, ...] = ()
    try:
        async with asyncio.timeout(rule.deadline_s):
            placed = tuple(await rule.slow.ask(units, facts))
        if any(not 0 <= each.unit < len(units) for each in placed):
            raise IndexError("The answer speaks of a text that was not asked about.")
        result: Result = "pass"
        rule.breaker.succeeded()
    except asyncio.CancelledError:
        rule.breaker.abandoned()
        raise
    except TimeoutError:
        result = "timeout"
        rule.breaker.failed()
    except Exception:  # whatever the other side did, the rule's fail mode decides
        result = "error"
        rule.breaker.failed()
    return _Answer(result, placed if result == "pass" else (), (time.perf_counter() - started) * 1e6)
