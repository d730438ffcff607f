"""
A literal that somebody typed, as an expression for the engine: blanks, apostrophes and letter case as people vary them.

Rules: RE2's dialect over UTF-8 bytes, so letter case beyond ASCII is written out. The engine checks the edges of words (`is_word`); only
literals one end of which is no word have a check of their own.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from itertools import pairwise

from guardrails.errors import BadRule
from guardrails.patterns import Candidate, Pattern

MAX_CHARACTERS = 200
_BLANK = r"\s{1,4}"
_TERM_BLANK = r"\s{1,2}"
_LONG_WORD = 5
_SPECIAL = frozenset("\\.+*?()|[]{}^$")
_APOSTROPHES = "(?:'|’|‘|ʼ)"
_DASHES = "(?:-|‐|‑|–)"


def clean_literal(literal: str) -> str:
    """Return a literal in the form in which texts are searched: composed, blanks single. Errors: BadRule."""
    text = " ".join(unicodedata.normalize("NFKC", literal).split())
    if not text:
        raise BadRule("An empty word was given: take it out of the list.")
    if len(text) > MAX_CHARACTERS:
        raise BadRule(f"A word of {len(text)} characters is too long: {MAX_CHARACTERS} are allowed. Use detector 'regex' for parts of it.")
    return text


def expression_of(literal: str, *, is_caseless: bool = True) -> str:
    """Return an expression for a cleaned literal, without edges. Letter case of ASCII is left to the pattern's `is_caseless`."""
    return "".join(_piece(each, is_caseless) for each in literal)


def _piece(character: str, is_caseless: bool) -> str:
    if character == " ":
        return _BLANK
    if character in "'’":
        return _APOSTROPHES
    if character == "-":
        return _DASHES
    if character in _SPECIAL:
        return "\\" + character
    if character.isascii() or not is_caseless:
        return character
    forms = sorted({character, character.lower(), character.upper(), character.title()})
    return forms[0] if len(forms) == 1 else f"(?:{'|'.join(forms)})"


def is_word_character(character: str) -> bool:
    """Whether a word may begin or end with it: letters, digits, marks and the underscore of any script."""
    return character.isalnum() or character == "_" or unicodedata.category(character)[0] == "M"


def _is_free_left(candidate: Candidate) -> bool:
    return not (candidate.left and is_word_character(candidate.left[-1]))


def _is_free_right(candidate: Candidate) -> bool:
    return not (candidate.right and is_word_character(candidate.right))


def edge_check(literal: str) -> Callable[[Candidate], bool] | None:
    """Return the check for a literal one end of which is no word (`.net`, `c++`): only the other end may not touch one."""
    left, right = is_word_character(literal[0]), is_word_character(literal[-1])
    if left and not right:
        return _is_free_left
    return _is_free_right if right and not left else None


def is_word_on_both_sides(literal: str) -> bool:
    return is_word_character(literal[0]) and is_word_character(literal[-1])


def literal_pattern(
    name: str,
    label: str,
    literal: str,
    *,
    is_caseless: bool = True,
    is_whole_word: bool = True,
    is_disguised_too: bool = False,
    reason: str = "",
) -> Pattern:
    """Return the pattern of one cleaned literal. Cost in the engine: that of a literal."""
    return Pattern(
        name=name,
        label=label,
        expression=expression_of(literal, is_caseless=is_caseless),
        is_caseless=is_caseless,
        is_word=is_whole_word and is_word_on_both_sides(literal),
        is_valid=edge_check(literal) if is_whole_word else None,
        is_disguised_too=is_disguised_too,
        reason=reason,
    )


def term_patterns(name: str, label: str, terms: Iterable[str], *, is_disguised_too: bool = False, reason: str = "") -> list[Pattern]:
    """
    Return a pattern for each of many words and phrases, letter case ignored; `invest*` stands for every word that begins so, and a plural
    ending is part of the word. All have the same name: for detectors that read the sentence in which one of them stands.

    A pattern each, because RE2 searches a thousand alternatives slowly, while the engine's database does not mind how many there are.
    """
    found: list[Pattern] = []
    for term in sorted({clean_literal(each) for each in terms}):
        trigger, expression = _term_expressions(term)
        found.append(
            Pattern(name, label, expression, (trigger,), is_caseless=True, is_word=True, is_disguised_too=is_disguised_too, reason=reason)
        )
    return found


def _term_expressions(term: str) -> tuple[str, str]:
    """
    The trigger and the expression. The trigger has no edge at its right, because a stream does not know it in time, and is the longest two
    neighbours of a phrase: a thousand whole phrases with edges take two seconds to compile.
    """
    is_open = term.endswith("*") and len(term) > 1
    stem = term[:-1] if is_open else term
    left = r"\b" if stem[0].isascii() and is_word_character(stem[0]) else ""
    pieces = [expression_of(word) for word in stem.split(" ")]
    body = left + _TERM_BLANK.join(pieces)
    if len(pieces) > 1:
        pairs = [_TERM_BLANK.join(pair) for pair in pairwise(pieces)]
        trigger = max(pairs, key=len)
    else:
        trigger = body if len(stem) < _LONG_WORD else pieces[0]
    if not (stem[-1].isascii() and is_word_character(stem[-1])):
        return trigger, body
    return trigger, body + (r"[0-9a-z_]{0,20}\b" if is_open else r"(?:s|es)?\b")
