"""
One detector on one text: every pattern confirmed by the engine's own matcher, without a database, a policy or a decision.
"""

from __future__ import annotations

from functools import cache
from itertools import islice

import re2

from guardrails.detection import Detector, Facts, Hit, Subject, TextUnit
from guardrails.engine.confirm import Budget, Matcher
from guardrails.engine.offsets import CharacterIndex
from guardrails.patterns import Pattern
from guardrails.views import View


@cache
def _matcher(pattern: Pattern) -> Matcher:
    return Matcher(pattern)


@cache
def _compiled(expression: str, is_caseless: bool) -> re2._Regexp:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 64 << 20
    return re2.compile((f"(?i){expression}" if is_caseless else expression).encode(), options)


def find_hits(pattern: Pattern, view: View) -> list[Hit]:
    """Every confirmed match of a pattern in a view; fails where a match has no trigger in it, because the engine would not see it."""
    triggers = pattern.triggers or (pattern.expression,)
    for match in islice(_compiled(pattern.expression, pattern.is_caseless).finditer(view.data), 100):
        if not any(_compiled(each, pattern.is_caseless).search(match.group()) for each in triggers):
            raise AssertionError(f"{pattern.name}: {match.group()!r} has no trigger")
    confirmed = _matcher(pattern).confirm(view, CharacterIndex(view), Budget())
    assert not confirmed.doubtful
    return confirmed.hits


def run(detector: Detector, text: str, *, facts: Facts | None = None, unit: TextUnit | None = None) -> list[Hit]:
    subject = Subject(unit or TextUnit(text), facts or Facts())
    hits = [hit for pattern in detector.patterns for hit in find_hits(pattern, subject.main)]
    for view in subject.others:
        hits += [
            hit for pattern in detector.patterns if pattern.is_disguised_too or not view.is_disguised for hit in find_hits(pattern, view)
        ]
    if detector.is_hit_needed and not hits:
        return []
    return list(detector.inspect(subject, sorted(hits, key=lambda hit: hit.start)))


def found_in(detector: Detector, text: str) -> list[str]:
    """The pieces of the text that were found."""
    return [text[hit.start : hit.end] for hit in run(detector, text)]
