"""
The main view: a text without what cannot be seen, and with styled, wide and exotic forms of letters, digits, blanks and signs plain.

Rules: context-free. Every character becomes its own zero to four characters whatever stands beside it, so
`fold(a + b) == fold(a) + fold(b)` and a stream cut anywhere gives the same view. Letter case is kept; look-alike letters of other
scripts are not touched (see `find_views`).
Source: UAX #15 (NFKC, by the character), UAX #44 (Default_Ignorable_Code_Point)
"""

from __future__ import annotations

import re
import unicodedata
from functools import partial

from guardrails.views.offsets import LazyOffsets, Offsets
from guardrails.views.pieces import translated
from guardrails.views.view import View

_CONTROLS = bytes([*range(9), *range(14, 32), 127])
DROPPED = (
    "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""What the view leaves out, as the inside of a character class: controls, default ignorables, bidi controls, tags."""

MAX_EXPANSION = 4
_TABLE_SIZE = 16_384
_PLAIN = str.maketrans(
    {
        "\x0b": " ", "\x0c": " ", "\x85": "\n", "\u2028": "\n", "\u2029": "\n", "\u2800": " ",
        "\u2018": "'", "\u2019": "'", "\u201a": "'", "\u201b": "'", "\u2032": "'", "\u2035": "'", "\u02bc": "'", "\u02b9": "'",
        "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u201f": '"', "\u2033": '"', "\u2036": '"', "\u00ab": '"', "\u00bb": '"',
        "\u2212": "-", "\u2043": "-", "\u2044": "/", "\u2215": "/", "\u2217": "*", "\u2236": ":", "\u02d0": ":", "\u2024": ".",
    }
)  # fmt: skip
_LETTER_ROWS = ((0x1F110, "A"), (0x1F150, "A"), (0x1F170, "A"), (0x249C, "a"))
"""Alphabets in brackets, circles and squares that have no compatibility form of one letter."""


def fold(text: str) -> View:
    """
    Return the text as a reader sees it.

    Guarantee: context-free; at most four characters for one; lone surrogates become U+FFFD.
    Cost: 1 us/KB ASCII, 10 us/KB mixed Unicode (30 where most characters change); linear.
    """
    if text.isascii():
        data = text.encode()
        if len(data.translate(None, _CONTROLS)) == len(data) and "\x0b" not in text and "\x0c" not in text:
            return View("main", text, None, False, False, data)
    elif _FOLDED.search(text) is None:
        return View("main", text)
    seen: list[str] = []
    limit = 64 + len(text) // 64
    folded, count = _FOLDED.subn(partial(_replacement, seen), text, limit)
    if count < limit:
        is_resized = len(folded) != len(text) or any(len(form) != 1 for form in seen)
    else:
        folded = translated(text, _TABLE)
        is_resized = len(folded) != len(text) or _RESIZED.search(text) is not None
    return View("main", folded, LazyOffsets(len(folded) + 1, partial(_offsets, text)) if is_resized else None)


def _replacement(seen: list[str], match: re.Match[str]) -> str:
    form = _TABLE[ord(match[0])]
    seen.append(form)
    return form


def _offsets(text: str) -> Offsets:
    offsets = Offsets()
    at = 0
    for match in _RESIZED_RUN.finditer(text):
        start, end = match.span()
        offsets.run(at, start - at)
        at = end
        run = match[0]
        if run.translate(_TABLE):
            for origin, character in enumerate(run, start):
                form = _TABLE[ord(character)]
                if form:
                    offsets.group(origin, len(form))
    offsets.run(at, len(text) - at + 1)
    return offsets


class _Table(dict[int, str]):
    """The form of every character, worked out when it is first met. Bounded: what does not fit is worked out each time."""

    def __missing__(self, code: int) -> str:
        form = _form(code)
        if len(self) < _TABLE_SIZE:
            self[code] = form
        return form


def _form(code: int) -> str:
    character = chr(code)
    if (code < 0x80 and code not in _PLAIN) or 0xE000 <= code < 0xF900:
        return "" if _IS_DROPPED(character) else character
    if code in _PLAIN:
        return _PLAIN[code]
    if _IS_DROPPED(character):
        return ""
    if 0xD800 <= code < 0xE000:
        return "\ufffd"
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    category = unicodedata.category(character)
    if category in ("Zs", "Pd"):
        return " " if category == "Zs" else "-"
    for first, letter in _LETTER_ROWS:
        if first <= code < first + 26:
            return chr(ord(letter) + code - first)
    form = unicodedata.normalize("NFKC", character)
    # Accents that stand alone would become a blank and a mark: a blank that nobody wrote.
    if form == character or len(form) > MAX_EXPANSION or form[0] == " ":
        return character
    return form.translate(_PLAIN)


_IS_DROPPED = re.compile(f"[{DROPPED}]").match
_TABLE = _Table()
_UNCHANGED_BLOCKS = ((0x3400, 0x4DC0), (0x4E00, 0xA4D0), (0xAC00, 0xD800), (0xE000, 0xF900))


def _classes() -> tuple[str, str]:
    """Return what changes, and what of it changes into several characters, as insides of character classes. Cost: 20 ms, once."""
    changed: list[str] = []
    widened: list[str] = []
    skipped = {code for first, end in _UNCHANGED_BLOCKS for code in range(first, end)}
    for code in range(0x10000):
        if code in skipped:
            continue
        form = _form(code)
        if form != chr(code):
            changed.append(re.escape(chr(code)))
        if len(form) > 1:
            widened.append(re.escape(chr(code)))
    return "".join(changed), "".join(widened)


_changed, _widened = _classes()
# One class each and no alternative, and few ranges beyond the basic plane, for those are tried one by one: this is what makes a search
# cost 2 us/KB. The classes may name more than what changes.
_widened += "\U0001d15e-\U0001d1c0\U0001f100-\U0001f190\U0001f200-\U0001f248"
_FOLDED = re.compile(f"[{_changed}\U00010000-\U0010ffff]")
_RESIZED = re.compile(f"[{_widened}{DROPPED}]")
_RESIZED_RUN = re.compile(f"[{_widened}{DROPPED}]+")
del _changed, _widened
