"""
Words and phrases that an admin lists: exact, letter case ignored, never inside a longer word of any script.

Rules: every literal is a pattern of its own, so a list of thousands costs the engine what a list of ten costs.
"""

from __future__ import annotations

import msgspec

from guardrails.detection import PatternDetector
from guardrails.errors import BadRule
from guardrails.patterns import Pattern
from guardrails.words.literals import clean_literal, literal_pattern

MAX_WORDS = 20_000


class WordList(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A named list. `label` stands in the text's place when it is redacted; empty: that of the detector."""

    name: str
    words: tuple[str, ...]
    label: str = ""


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """
    `words` and `lists` add up. `is_whole_word`: not inside a longer word. `is_disguised_too`: also written in leet, with blanks between
    the letters, in reverse or with look-alike letters.
    """

    words: tuple[str, ...] = ()
    lists: tuple[WordList, ...] = ()
    label: str = "KEYWORD"
    is_caseless: bool = True
    is_whole_word: bool = True
    is_disguised_too: bool = False


def build(parameters: Parameters) -> PatternDetector:
    """Errors: BadRule for an empty rule, an empty or overlong word, or too many."""
    lists = (WordList(name="", words=parameters.words), *parameters.lists)
    count = sum(len(each.words) for each in lists)
    if not count:
        raise BadRule("Detector 'keywords' has no words: fill 'words' or 'lists'.")
    if count > MAX_WORDS:
        raise BadRule(f"Detector 'keywords' has {count} words: {MAX_WORDS} are allowed in one rule.")
    return PatternDetector(tuple(_patterns(parameters, lists)))


def _patterns(parameters: Parameters, lists: tuple[WordList, ...]) -> list[Pattern]:
    seen: set[tuple[str, str]] = set()
    patterns: list[Pattern] = []
    for words in lists:
        label = words.label or parameters.label
        for word in map(clean_literal, words.words):
            key = (label, word.casefold() if parameters.is_caseless else word)
            if key in seen:
                continue
            seen.add(key)
            patterns.append(
                literal_pattern(
                    f"{words.name or 'word'}.{len(patterns)}",
                    label,
                    word,
                    is_caseless=parameters.is_caseless,
                    is_whole_word=parameters.is_whole_word,
                    is_disguised_too=parameters.is_disguised_too,
                    reason=f"A word of list {words.name!r}." if words.name else "A listed word.",
                )
            )
    return patterns
