"""
A policy's rules for answers, as they work on texts that arrive in pieces: some by their patterns, some sentence by sentence.

Rules: what a rule says of a stream is what it says of the whole text, in the main view. A rule in shadow reports and holds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from guardrails.detection import UNREAD, Facts, Hit, PatternDetector, Subject
from guardrails.engine.check import CompiledPolicy
from guardrails.engine.rules import CompiledRule
from guardrails.engine.sentences import Check, SentenceGate, SentenceRule
from guardrails.engine.stream import TextStream
from guardrails.engine.stream_policy import HIDING, STOPPING, Refine, StreamPolicy, StreamRule
from guardrails.errors import CouldNotScan
from guardrails.policy_document import Action

_MOST_REPORTING_PATTERNS: Final = 400
"""A rule with more, that only reports, looks at whole sentences: its triggers would cost every piece of every stream."""


@dataclass(frozen=True, slots=True)
class StreamRules:
    """`patterns` is None without a rule that works by them."""

    patterns: StreamPolicy | None
    sentences: tuple[SentenceRule, ...]

    def open(self, facts: Facts) -> list[TextStream | SentenceGate]:
        """Return what one text passes through, in this order."""
        opened: list[TextStream | SentenceGate] = []
        if self.patterns is not None:
            opened.append(TextStream(self.patterns, facts=facts))
        if self.sentences:
            opened.append(SentenceGate(self.sentences, facts))
        return opened


def compile_stream_rules(compiled: CompiledPolicy, cache_folder: Path | None = None) -> StreamRules:
    """Errors: BadRule for a pattern that streams cannot hold. Cost: up to a second without the folder of compiled automata."""
    fast = [rule for rule in compiled.rules if rule.fast is not None and "response" in rule.directions]
    by_pattern = [rule for rule in fast if _works_by_pattern(rule)]
    patterns = [each for rule in by_pattern for each in _pattern_rules(rule)]
    sentences = [
        SentenceRule(rule.name, action_in_streams(rule), _check_of(compiled, rule), rule.fail_mode, rule.severity)
        for rule in fast
        if not _works_by_pattern(rule)
    ]
    return StreamRules(StreamPolicy(patterns, cache_folder) if patterns else None, tuple(sentences))


def action_in_streams(rule: CompiledRule) -> Action:
    """Return what a rule does to a stream: one in shadow, and one that allows, only reports."""
    return "log" if rule.mode != "enforce" or rule.action == "allow" else rule.action


def holds_streams(rule: CompiledRule) -> bool:
    """Tell whether a rule may hide something in a stream, or stop it."""
    action = action_in_streams(rule)
    return action in HIDING or action in STOPPING


def _works_by_pattern(rule: CompiledRule) -> bool:
    if rule.fast is None or not rule.is_hit_needed:
        return False
    return holds_streams(rule) or len(rule.fast.patterns) <= _MOST_REPORTING_PATTERNS


def _pattern_rules(rule: CompiledRule) -> list[StreamRule]:
    patterns = rule.fast.patterns if rule.fast is not None else ()
    action, refine = action_in_streams(rule), _refine_of(rule)
    return [StreamRule(each, action, rule.name, rule.fail_mode, rule.severity, refine) for each in patterns]


def _refine_of(rule: CompiledRule) -> Refine | None:
    """Return what the rule's detector, threshold and exceptions say of a match, None where they say nothing."""
    exceptions = rule.exceptions
    has_exceptions = bool(exceptions.literals or exceptions.patterns or exceptions.paths)
    if isinstance(rule.fast, PatternDetector) and not has_exceptions and rule.threshold <= 0:
        return None
    return lambda subject, hit: rule.select(subject.unit, rule.inspect(subject, (hit,)))


def _check_of(compiled: CompiledPolicy, rule: CompiledRule) -> Check:
    """Return the rule as a check of one sentence. Errors of the check: CouldNotScan, and the detector's own."""
    wanted = frozenset(rule.pattern_indices)

    def check(subject: Subject) -> Sequence[Hit]:
        scan = compiled.scanner.scan(subject, wanted)
        if scan.has_trouble:
            raise CouldNotScan("The sentence was not seen by all patterns.")
        hits = [hit for index in rule.pattern_indices for hit in scan.hits.get(index, ())]
        found = rule.select(subject.unit, rule.inspect(subject, hits))
        known = [hit for hit in found if hit.label != UNREAD]
        if len(known) < len(found) and not known:
            raise CouldNotScan("The sentence was read only in parts.")
        return known

    return check
