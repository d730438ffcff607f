"""
What the verdicts in records add up to, for one guardrail policy.

Rules: pure. What is counted are requests: a rule that finds ten values in one counts once.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, Protocol

Effect = Literal["noted", "hit", "would_block", "blocked", "would_redact", "redacted", "failed", "unchecked"]
"""`failed`: the rule could not look; `unchecked`: its fail mode let the text pass then. `would_`: the rule or its policy is in shadow."""

_SAMPLES_MAX_COUNT: Final = 30
_SAMPLES_PER_RULE_COUNT: Final = 5
_LABELS_MAX_COUNT: Final = 3
_HIDING: Final = frozenset({"redact", "tokenise"})


@dataclass(frozen=True, slots=True)
class RuleReport:
    """`labels`: what it found most, and in how many requests."""

    name: str
    detector: str
    counts: Mapping[Effect, int]
    labels: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class VersionReport:
    """`requests_count` is about: a request of which nothing was noted is counted for the version that was in force as far as notes tell."""

    number: str
    mode: str
    requests_count: int
    counts: Mapping[Effect, int]
    first_noted_at: dt.datetime | None
    last_noted_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Sample:
    """A masked piece of what was found, and where it stood in the request or its answer."""

    at: dt.datetime
    request_id: uuid.UUID
    rule: str
    phase: str
    labels: str
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class PolicyReport:
    """
    `requests_count` are requests that the policy looked at. `since`: how far back records were read; with `is_partial` there are more
    between what was asked for and then.
    """

    since: dt.datetime
    is_partial: bool
    requests_count: int
    counts: Mapping[Effect, int]
    rules: Sequence[RuleReport]
    versions: Sequence[VersionReport]
    samples: Sequence[Sample]


class Row(NamedTuple):
    """What is read of a record. `guard_ms`: None where the guard was not passed."""

    ts: dt.datetime
    request_id: uuid.UUID
    workspace_id: uuid.UUID
    key_id: uuid.UUID
    model: str
    endpoint: str
    guard_ms: float | None
    verdicts: list[dict[str, Any]] | None


class Timeline(Protocol):
    """Which version a request of which nothing was noted passed under. Asked newest first."""

    @property
    def modes(self) -> Mapping[str, str]: ...
    def note(self, version: str) -> None: ...
    def version_at(self, moment: dt.datetime) -> str: ...


@dataclass(slots=True)
class _Tally:
    requests_count: int = 0
    counts: Counter[Effect] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    detector: str = ""
    samples_count: int = 0
    first_noted_at: dt.datetime | None = None
    last_noted_at: dt.datetime | None = None


class Fold:
    """What records add up to, taken the newest first. `covers`: whether the policy is for a request of which nothing was noted."""

    def __init__(self, name: str, covers: Callable[[Row], bool], timeline: Timeline) -> None:
        self._name = name
        self._covers = covers
        self._timeline = timeline
        self._all = _Tally()
        self._rules: dict[str, _Tally] = {}
        self._versions: dict[str, _Tally] = {}
        self._samples: list[Sample] = []

    def take(self, row: Row) -> None:
        # A rule that found nothing in the parts of a long text that it read is in the record, and is no effect.
        said = [each for each in row.verdicts or () if each["policy"] == self._name and each["result"] != "pass"]
        if said:
            self._take_noted(row, said)
        elif row.guard_ms is not None and self._covers(row):
            version = self._timeline.version_at(row.ts)
            if version:
                self._all.requests_count += 1
                self._versions.setdefault(version, _Tally()).requests_count += 1

    def _take_noted(self, row: Row, said: Sequence[dict[str, Any]]) -> None:
        by_rule: dict[str, list[dict[str, Any]]] = {}
        for each in said:
            by_rule.setdefault(each["rule"], []).append(each)
        version = str(said[0]["version"])
        self._timeline.note(version)
        of_version = self._versions.setdefault(version, _Tally())
        of_version.first_noted_at = row.ts
        of_version.last_noted_at = of_version.last_noted_at or row.ts
        effects = _effects_of(said)
        for tally in (self._all, of_version):
            tally.requests_count += 1
            tally.counts.update(effects)
        for rule, its in by_rule.items():
            mine = self._rules.setdefault(rule, _Tally())
            mine.detector = mine.detector or its[0]["detector"]
            mine.counts.update(_effects_of(its))
            mine.labels.update({label for each in its for label in each.get("labels", ())})
            self._take_samples(row, mine, its)

    def _take_samples(self, row: Row, mine: _Tally, said: Sequence[dict[str, Any]]) -> None:
        for each in said:
            for sample in each.get("samples", ()):
                if mine.samples_count >= _SAMPLES_PER_RULE_COUNT or len(self._samples) >= _SAMPLES_MAX_COUNT:
                    return
                mine.samples_count += 1
                labels = ", ".join(each.get("labels", ()))
                self._samples.append(Sample(row.ts, row.request_id, each["rule"], each["phase"], labels, sample["path"], sample["text"]))

    def report(self, since: dt.datetime, *, is_partial: bool) -> PolicyReport:
        rules = [
            RuleReport(name, tally.detector, tally.counts, tally.labels.most_common(_LABELS_MAX_COUNT))
            for name, tally in sorted(self._rules.items(), key=lambda item: (*_weight(item[1].counts), item[0]))
        ]
        versions = [
            VersionReport(
                number, self._timeline.modes.get(number, ""), each.requests_count, each.counts, each.first_noted_at, each.last_noted_at
            )
            for number, each in sorted(self._versions.items(), key=lambda item: -int(item[0]))
        ]
        return PolicyReport(since, is_partial, self._all.requests_count, self._all.counts, rules, versions, self._samples)


def _weight(counts: Counter[Effect]) -> tuple[int, int]:
    return -(counts["would_block"] + counts["blocked"]), -counts["noted"]


def _effects_of(verdicts: Sequence[dict[str, Any]]) -> set[Effect]:
    """Return what some verdicts of one request come to. Of what was blocked nothing is redacted."""
    effects: set[Effect] = {"noted"}
    for each in verdicts:
        if each["result"] == "hit":
            effects.add("hit")
        else:
            effects.add("failed")
        if each.get("degraded"):
            effects.add("unchecked")
        is_enforced = each["mode"] == "enforce"
        if _is_block(each):
            effects.add("blocked" if is_enforced else "would_block")
        elif each["findings"] and each["action"] in _HIDING:
            effects.add("redacted" if is_enforced else "would_redact")
    if "blocked" in effects:
        effects.discard("redacted")
    if "would_block" in effects:
        effects.discard("would_redact")
    return effects


def _is_block(verdict: dict[str, Any]) -> bool:
    """Return whether this stops a request where it is enforced: also what would hide something and cannot, or acts in the wrong phase."""
    if not verdict["findings"]:
        return False
    action, phase = verdict["action"], verdict["phase"]
    if action in _HIDING:
        return any(sample["start"] >= sample["end"] for sample in verdict.get("samples", ()))
    return action == "block" or (action, phase) in {("retry", "request"), ("route", "response")}
