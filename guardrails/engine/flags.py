"""
How an expression is to be given to Hyperscan so that it reports whatever RE2 would match.

Rules: pure; compiles nothing.
"""

from __future__ import annotations

import re
from typing import Any

from guardrails.engine.expression import parse
from guardrails.engine.triggers import triggers_of
from guardrails.errors import BadRule
from guardrails.patterns import Pattern

_WIDE_ESCAPES = frozenset("SWDpPX")
_LITERAL = re.compile(r"(?:[^\\.\[\](){}*+?^$|]|\\[^a-zA-Z0-9])+")

_PLAIN = re.compile(r"(?:[A-Za-z0-9 _'-]|\\b|\\s(?:\{1,2\})?)+")


def flags_of(hyperscan: Any, expression: str, is_caseless: bool) -> int:
    """Return the flags that an expression needs to match as RE2 would: UTF8 only where characters count, because it costs compile time."""
    flags = 0
    if is_caseless:
        flags |= hyperscan.HS_FLAG_CASELESS
    if is_about_characters(expression):
        flags |= hyperscan.HS_FLAG_UTF8
    return int(flags)


def suspects_of(pattern: Pattern) -> tuple[str, ...]:
    """
    Return what the automaton looks for in the pattern's stead: its triggers, or the shortest that every match holds. Long repeats cost
    the automaton most of its time, and RE2 sees the text anyway.
    """
    if pattern.triggers or _LITERAL.fullmatch(pattern.expression):
        return pattern.triggers or (pattern.expression,)
    try:
        return triggers_of(pattern, parse(pattern.expression))
    except (BadRule, RecursionError):
        return (pattern.expression,)


def is_plain(expression: str) -> bool:
    """Return whether an expression is words and blanks, which every engine reads: most of a policy's are."""
    return _PLAIN.fullmatch(expression) is not None


def is_about_characters(expression: str) -> bool:
    """
    Return whether the expression means other bytes when it is read byte by byte: `.`, `[^x]`, `\\S`, `\\pL`, `é{2}`.

    May say yes where no would do, never the other way round.
    """
    if not expression.isascii():
        return True
    at, is_in_class = 0, False
    while at < len(expression):
        each = expression[at]
        if each == "\\":
            following = expression[at + 1 : at + 3]
            if following[:1] in _WIDE_ESCAPES or following in ("x{", "Q"):
                return True
            at += 2
            continue
        if is_in_class:
            is_in_class = each != "]"
        elif each == "[":
            if expression[at + 1 : at + 2] == "^":
                return True
            is_in_class = True
        elif each == ".":
            return True
        at += 1
    return False
