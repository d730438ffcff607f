"""
Expressions that an admin writes, each checked by both engines before a policy can be saved.

Rules: what an expression may be is decided by `guardrails.engine.admin_patterns`; this module adds context words and exclusions.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from guardrails.detection import PatternDetector
from guardrails.engine.admin_patterns import check_expression
from guardrails.errors import BadRule
from guardrails.patterns import Candidate, Pattern
from guardrails.words.terms import Terms, words_of

MAX_PATTERNS = 500


class RegexPattern(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """
    `expression` is RE2's; `group` is the part that is hidden, 0 for all of the match. `context`: one of these words must stand in the 80
    characters before the match. `exclude`: values (exact, letter case ignored) that do not count. `is_whole_word`: the match is no part
    of a longer word, of any script.
    """

    name: str
    expression: str
    label: str = "PATTERN"
    group: int = 0
    is_caseless: bool = False
    is_whole_word: bool = False
    is_disguised_too: bool = False
    context: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    score: float = 1.0


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    patterns: tuple[RegexPattern, ...]


def build(parameters: Parameters) -> PatternDetector:
    """Errors: BadRule that names the pattern and says what to change."""
    patterns = parameters.patterns
    if not patterns:
        raise BadRule("Detector 'regex' has no patterns: fill 'patterns'.")
    if len(patterns) > MAX_PATTERNS:
        raise BadRule(f"Detector 'regex' has {len(patterns)} patterns: {MAX_PATTERNS} are allowed in one rule.")
    names = [each.name for each in patterns]
    doubled = sorted({each for each in names if names.count(each) > 1})
    if doubled:
        raise BadRule(f"Two patterns have the name {doubled[0]!r}: give each its own.")
    return PatternDetector(tuple(map(_pattern, patterns)))


def _pattern(each: RegexPattern) -> Pattern:
    if not each.name:
        raise BadRule("A pattern of detector 'regex' has no name.")
    if not 0 <= each.score <= 1:
        raise BadRule(f"Pattern {each.name!r}: a score lies between 0 and 1.")
    try:
        check_expression(each.expression, is_caseless=each.is_caseless, group=each.group)
    except BadRule as error:
        raise BadRule(f"Pattern {each.name!r}: {error}") from error
    return Pattern(
        name=each.name,
        label=each.label,
        expression=each.expression,
        group=each.group,
        is_caseless=each.is_caseless,
        is_word=each.is_whole_word,
        is_valid=_check(each),
        score=each.score,
        reason=f"Pattern {each.name!r} matched.",
        is_disguised_too=each.is_disguised_too,
    )


def _check(each: RegexPattern) -> Callable[[Candidate], bool] | None:
    if not each.context and not each.exclude:
        return None
    terms = Terms(each.context)
    excluded = frozenset(value.casefold() for value in each.exclude)

    def is_valid(candidate: Candidate) -> bool:
        if candidate.value.casefold() in excluded:
            return False
        return not each.context or terms.has_any(candidate.left, words_of(candidate.left))

    return is_valid
