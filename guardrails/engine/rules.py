"""
A rule as the engine runs it.

Rules: frozen, shared by all requests of a worker; only its breaker has state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from re2 import _re2

from guardrails.detection import ConversationDetector, Detector, Direction, Hit, SlowDetector, Subject, TextUnit
from guardrails.engine.breaker import Breaker
from guardrails.policy_document import Action, FailMode, Mode, Severity, TextScope


@dataclass(frozen=True, slots=True)
class CompiledExceptions:
    """
    `literals` are casefolded. `patterns` must match a value in full. `paths` may hold `*`: `messages.*.content`.
    """

    literals: frozenset[str] = frozenset()
    patterns: tuple[Any, ...] = ()
    paths: tuple[str, ...] = ()

    def cover_path(self, path: str) -> bool:
        return any(fnmatchcase(path, each) for each in self.paths)

    def cover_value(self, value: str) -> bool:
        if value.strip().casefold() in self.literals:
            return True
        if not self.patterns:
            return False
        data = value.encode("utf-8", "replace")
        return any(each.Match(_re2.RE2.Anchor.ANCHOR_BOTH, data, 0, len(data))[0][0] == 0 for each in self.patterns)


@dataclass(frozen=True, slots=True, eq=False)
class CompiledRule:
    """
    `mode` is `shadow` if the rule or its policy is. `deadline_s` is the shorter of the rule's and the policy's. `pattern_indices` are
    those of its fast detector in the policy's scanner. A detector may look in more than one of the three ways.
    """

    index: int
    name: str
    detector: str
    action: Action
    mode: Mode
    severity: Severity
    fail_mode: FailMode
    directions: frozenset[Direction]
    text_scope: TextScope
    fast: Detector | None = None
    conversation: ConversationDetector | None = None
    slow: SlowDetector | None = None
    pattern_indices: tuple[int, ...] = ()
    threshold: float = 0.0
    data_threshold: float = 0.0
    exceptions: CompiledExceptions = CompiledExceptions()
    message: str = ""
    route_to: str = ""
    note: str = ""
    sample_ratio: float = 1.0
    deadline_s: float = 2.0
    breaker: Breaker = field(default_factory=Breaker)

    @property
    def is_sampled(self) -> bool:
        return self.mode == "shadow" and self.sample_ratio < 1.0

    @property
    def is_hit_needed(self) -> bool:
        """Whether the fast detector has nothing to say of a text without a hit."""
        return self.fast is None or self.fast.is_hit_needed

    def covers_kind(self, direction: Direction, is_latest: bool) -> bool:
        """Return whether the fast detector looks at each text of this direction and turn."""
        return self.fast is not None and direction in self.directions and (is_latest or self.text_scope == "all")

    def inspect(self, subject: Subject, hits: Sequence[Hit]) -> Sequence[Hit]:
        """Return what the fast detector says. Errors: whatever it raises."""
        return self.fast.inspect(subject, hits) if self.fast is not None else ()

    def select(self, unit: TextUnit, hits: Sequence[Hit]) -> list[Hit]:
        """Return the hits that count: scores reach the threshold of the text's trust, and no exception covers them."""
        threshold = self.data_threshold if unit.trust == "data" else self.threshold
        kept = [each for each in hits if each.score >= threshold]
        exceptions = self.exceptions
        if not kept or not (exceptions.literals or exceptions.patterns or exceptions.paths):
            return kept
        if exceptions.cover_path(unit.path):
            return []
        return [each for each in kept if each.start >= each.end or not exceptions.cover_value(unit.text[each.start : each.end])]
