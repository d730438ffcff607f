"""Small detectors for tests of the engine, and a policy made of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from guardrails.detection import AnyDetector, Facts, Hit, PatternDetector, PlacedHit, Subject, TextUnit
from guardrails.engine import compile as compiler
from guardrails.engine.check import CompiledPolicy
from guardrails.patterns import Candidate, Pattern
from guardrails.policy_document import PolicyDocument, RuleDocument

EMAIL = Pattern("email", "EMAIL", r"[a-z0-9._]{1,64}@[a-z0-9.-]{1,190}\.[a-z]{2,10}", triggers=(r"[a-z0-9]@[a-z0-9]",), is_caseless=True)
SSN = Pattern("ssn", "SSN", r"\d{3}-\d\d-\d{4}", is_word=True)
BOMB = Pattern("bomb", "WORD", "bömbe", is_caseless=True, is_word=True, is_disguised_too=True)
KEY = Pattern("key", "KEY", r"key=([a-z0-9]{8,40})", group=1)


def refuse(candidate: Candidate) -> bool:
    raise RuntimeError(candidate.label)  # type: ignore[attr-defined]


@dataclass
class Scoring:
    """Says one thing of the whole text: how much of it is exclamation marks."""

    patterns: tuple[Pattern, ...] = ()
    is_hit_needed: bool = False
    label: str = "LOUD"
    calls: list[str] = field(default_factory=list)

    def inspect(self, subject: Subject, hits: Sequence[Hit]) -> Sequence[Hit]:
        self.calls.append(subject.text)
        loud = subject.text.count("!") / max(1, len(subject.text))
        return (Hit(self.label, score=min(1.0, loud * 4)),) if loud else ()


@dataclass
class FactReader(Scoring):
    """Blocks a text that names the canary."""

    def inspect(self, subject: Subject, hits: Sequence[Hit]) -> Sequence[Hit]:
        self.calls.append(subject.text)
        canary = subject.facts.canary
        return (Hit("CANARY"),) if canary and canary in subject.text else ()


@dataclass
class Failing(Scoring):
    def inspect(self, subject: Subject, hits: Sequence[Hit]) -> Sequence[Hit]:
        raise ZeroDivisionError


@dataclass
class Counting:
    """Objects to more than `most` texts, in the last one."""

    most: int = 1

    def inspect_all(self, units: Sequence[TextUnit], facts: Facts) -> Sequence[PlacedHit]:
        if self.most < 0:
            raise ZeroDivisionError
        return (PlacedHit(len(units) - 1, Hit("MANY")),) if len(units) > self.most else ()


@dataclass
class Asking:
    """Answers after a while, with an error if `error` is one."""

    after_s: float = 0.0
    answer: tuple[PlacedHit, ...] = ()
    error: Exception | None = None
    asked_count: int = 0
    cancelled_count: int = 0

    async def ask(self, units: Sequence[TextUnit], facts: Facts) -> Sequence[PlacedHit]:
        self.asked_count += 1
        try:
            await asyncio.sleep(self.after_s)
        except asyncio.CancelledError:
            self.cancelled_count += 1
            raise
        if self.error is not None:
            raise self.error
        return self.answer


def patterns(*those: Pattern) -> PatternDetector:
    return PatternDetector(those)


def rule(detector: str, action: str = "redact", **fields: Any) -> RuleDocument:
    phase = "both" if action == "retry" else "request"
    return RuleDocument(detector=detector, action=action, **({"fail_mode": "closed", "phase": phase} | fields))  # type: ignore[arg-type]


def compile_with(
    monkeypatch: pytest.MonkeyPatch,
    detectors: dict[str, AnyDetector],
    *rules: RuleDocument,
    engine: Any = None,
    verdicts_count: int = 0,
    **fields: Any,
) -> CompiledPolicy:
    monkeypatch.setattr(compiler, "build_detector", lambda name, parameters: detectors[name])
    document = PolicyDocument(name="policy", rules=rules, **fields)
    return compiler.compile_policy(document, "1", engine=engine, verdicts_count=verdicts_count)
