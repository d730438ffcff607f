"""Writes a text that a regular expression matches: the plain part of the syntax, which is what schemas use."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Final

from proxy.simulator.text import Dice

_MOST_REPEATS = 8  # of `*`, `+` and `{n,}` beyond their least
_MOST_CHARS = 1000
_WORD: Final = string.ascii_lowercase + string.digits
_CLASSES: Final = {"d": string.digits, "w": _WORD, "s": " ", "D": string.ascii_lowercase, "W": "-", "S": _WORD}
_ESCAPED: Final = {"t": "\t", "n": "\n", "r": "\r"}
_PRINTABLE: Final = string.ascii_letters + string.digits + string.punctuation + " "

_Write = Callable[[Dice], str]


class _UnknownSyntaxError(Exception):
    """Something that this writer cannot follow: a lookaround, a back reference, a Unicode class."""


def write_match(pattern: str, dice: Dice) -> str | None:
    """
    Return a text that `pattern` matches from its first to its last character; None for syntax beyond the plain part.

    Knows literals, escapes, character classes, groups, alternatives, repetitions and anchors at the ends.
    """
    reader = _Reader(pattern)
    try:
        write = reader.alternatives()
    except (_UnknownSyntaxError, RecursionError):
        return None
    text = write(dice) if reader.is_done() else None
    return text if text is not None and len(text) <= _MOST_CHARS else None


class _Reader:
    """Reads a pattern once, from left to right, and builds the function that writes for it."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0

    def is_done(self) -> bool:
        return self._at >= len(self._pattern)

    def alternatives(self) -> _Write:
        branches = [self._sequence()]
        while self._peek() == "|":
            self._take()
            branches.append(self._sequence())
        return lambda dice: dice.pick(branches)(dice)

    def _sequence(self) -> _Write:
        parts: list[_Write] = []
        if self._peek() == "^":
            self._take()
        while not self._ends_here():
            parts.append(self._repeated(self._atom()))
        if self._peek() == "$":
            self._take()
        return lambda dice: "".join(part(dice) for part in parts)

    def _ends_here(self) -> bool:
        rest = self._pattern[self._at : self._at + 2]
        return rest.removeprefix("$")[:1] in ("", "|", ")")

    def _atom(self) -> _Write:
        char = self._take()
        match char:
            case "(":
                return self._group()
            case "[":
                return _one_of(self._set())
            case "\\":
                return _one_of(self._escape())
            case ".":
                return _one_of(string.ascii_lowercase)
            case "^" | "$" | "*" | "+" | "?" | "{":
                raise _UnknownSyntaxError
        return lambda _dice: char

    def _group(self) -> _Write:
        if self._peek() == "?":
            self._take()
            if self._take() != ":":
                raise _UnknownSyntaxError
        write = self.alternatives()
        if self._take() != ")":
            raise _UnknownSyntaxError
        return write

    def _set(self) -> str:
        is_negated = self._peek() == "^"
        if is_negated:
            self._take()
        chars = ""
        while (char := self._take()) != "]":
            chars += self._escape() if char == "\\" else self._range(char)
        if is_negated:
            chars = "".join(each for each in _PRINTABLE if each not in chars)
        if not chars:
            raise _UnknownSyntaxError
        return chars

    def _range(self, first: str) -> str:
        if self._peek() != "-" or self._pattern[self._at + 1 : self._at + 2] in ("]", ""):
            return first
        self._take()
        last = self._take()
        if last == "\\" or ord(last) < ord(first):
            raise _UnknownSyntaxError
        return "".join(map(chr, range(ord(first), min(ord(last), ord(first) + 127) + 1)))

    def _escape(self) -> str:
        char = self._take()
        if char in _CLASSES:
            return _CLASSES[char]
        if char in _ESCAPED:
            return _ESCAPED[char]
        if char.isalnum():
            raise _UnknownSyntaxError
        return char

    def _repeated(self, write: _Write) -> _Write:
        least, most = self._counts()
        if self._peek() in ("?", "+") and (least, most) != (1, 1):
            self._take()  # lazy or possessive: the same texts match
        if (least, most) == (1, 1):
            return write
        return lambda dice: "".join(write(dice) for _ in range(least + dice.below(most - least + 1)))

    def _counts(self) -> tuple[int, int]:
        match self._peek():
            case "*":
                self._take()
                return 0, _MOST_REPEATS
            case "+":
                self._take()
                return 1, 1 + _MOST_REPEATS
            case "?":
                self._take()
                return 0, 1
            case "{":
                return self._braces()
        return 1, 1

    def _braces(self) -> tuple[int, int]:
        end = self._pattern.find("}", self._at)
        low, comma, high = self._pattern[self._at + 1 : max(end, 0)].partition(",")
        if end < 0 or not low.isdecimal() or not (high == "" or high.isdecimal()):
            raise _UnknownSyntaxError
        self._at = end + 1
        least = int(low)
        most = least if not comma else int(high) if high else least + _MOST_REPEATS
        if not least <= most <= _MOST_CHARS:
            raise _UnknownSyntaxError
        return least, most

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _take(self) -> str:
        char = self._peek()
        if not char:
            raise _UnknownSyntaxError
        self._at += 1
        return char


def _one_of(chars: str) -> _Write:
    return lambda dice: dice.pick(chars)
