"""
Characters that do not show, or look like others: invisible ones inside words, bidi controls, tags, look-alike letters.

Rules: what a script needs is legal where it needs it (joiners in Arabic and Indic words, marks beside right-to-left text, selectors and
joiners in emoji, tags in flags, breaks in scripts without blanks), so natural text never hits.
Source: UTS #39 (confusables), UTS #51 (emoji), UAX #9 (bidi), "Trojan Source" (CVE-2021-42574)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
import re2

from guardrails.detection import Hit, Subject
from guardrails.patterns import Pattern
from guardrails.views.confusables import STRICT
from guardrails.views.fold import DROPPED
from guardrails.views.hidden import FLAG


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which kinds are looked for. `max_run` is how many invisible characters may follow one another wherever they stand."""

    invisible: bool = True
    bidi: bool = True
    tags: bool = True
    homoglyphs: bool = True
    max_run: int = msgspec.field(default=16)


def build(parameters: Parameters) -> UnicodeDetector:
    """Return the detector for a rule's parameters."""
    kinds = {"INVISIBLE": parameters.invisible, "BIDI": parameters.bidi, "TAGS": parameters.tags, "HOMOGLYPH": parameters.homoglyphs}
    return UnicodeDetector(frozenset(label for label, is_wanted in kinds.items() if is_wanted), max(parameters.max_run, 1))


_REASONS = {
    "INVISIBLE": "Invisible characters stand inside a word or form a long run.",
    "BIDI": "A control character changes the direction in which text is read.",
    "TAGS": "Tag characters carry text that no reader sees.",
    "HOMOGLYPH": "A word mixes Latin letters with look-alikes of another script.",
}
_MERGE_GAP = 3
_MAX_HITS = 1000
_MAX_PLACES = 20_000
"""After so many the rest of the text counts as one place."""


@dataclass(frozen=True, slots=True)
class UnicodeDetector:
    """Hits cover the characters from the first to the last of a place, and for look-alike letters the word."""

    labels: frozenset[str]
    max_run: int
    patterns: tuple[Pattern, ...] = ()
    is_hit_needed: bool = False

    def inspect(self, subject: Subject, hits: Sequence[Hit]) -> Sequence[Hit]:
        """Return what is wrong, merged where places of one kind lie close. Cost: nothing for text that the main view did not shorten."""
        text = subject.text
        found: list[Hit] = []
        if subject.main.offsets is not None:
            found = _merged((place for place in _places(text, self.max_run) if place[0] in self.labels), len(text))
        if "HOMOGLYPH" in self.labels and not text.isascii():
            found += _homoglyphs(subject)
        return found


_RUN = re.compile(f"[{DROPPED}]+")
_ALPHABETIC = re.compile(r"[0-9A-Za-z\u00c0-\u052f\u1e00-\u1fff\uff21-\uff3a\uff41-\uff5a]").match
"""Letters of scripts that set blanks between words and never need an invisible character inside one."""
_LETTER = re.compile(r"[^\W_]").match
_RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]").search
_FLAG = re.compile(FLAG)
_TAG = re.compile("[\U000e0000-\U000e007f]").search
_OVERRIDE = re.compile("[\u202d\u202e]").search
_TURNING = re.compile("[\u202b\u2067]").search
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]").search
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{3,}").search
_ESCAPES = "\x1b\x08\x0e\x0f"
"""Controls of terminals and printers, which logs are full of."""


def _places(text: str, max_run: int) -> Iterator[tuple[str, int, int]]:
    """Give what is not legal where it stands, in order. Cost: 1 us a run of such characters."""
    is_rtl: bool | None = None
    for match in _RUN.finditer(text):
        run = match[0]
        start, end = match.span()
        before, after = text[start - 1 : start], text[end : end + 1]
        if _TAG(run) and not _is_flag(text, start, end):
            yield "TAGS", start, end
            continue
        is_inside = bool(_ALPHABETIC(before) and _ALPHABETIC(after))
        if _BIDI(run):
            if is_rtl is None:
                is_rtl = _RTL(text) is not None
            if _OVERRIDE(run) or (not is_rtl and (_TURNING(run) or is_inside)):
                yield "BIDI", start, end
        elif (
            (is_inside and _is_suspicious_inside(text, run, start, end))
            or _SELECTORS(run)
            or len(run) > max_run
            or _is_selector_of_letter(run, before)
        ):
            yield "INVISIBLE", start, end


def _is_flag(text: str, start: int, end: int) -> bool:
    flag = _FLAG.match(text, max(0, start - 1))
    return flag is not None and not _TAG(text[flag.end() : end])


def _is_suspicious_inside(text: str, run: str, start: int, end: int) -> bool:
    if run in _ESCAPES:
        return False
    if run == "\u00ad":
        # Hyphenation leaves two letters or more on each side.
        return not (_LETTER(text[start - 2 : start - 1]) and _LETTER(text[end + 1 : end + 2]))
    return True


def _is_selector_of_letter(run: str, before: str) -> bool:
    return "\ufe00" <= run[0] <= "\ufe0e" and before.isascii() and before.isalpha()


def _merged(places: Iterator[tuple[str, int, int]], length: int) -> list[Hit]:
    merged: list[tuple[str, int, int]] = []
    for count, (label, start, end) in enumerate(places):
        if count >= _MAX_PLACES:
            merged[-1] = (merged[-1][0], merged[-1][1], length)
            break
        if merged and merged[-1][0] == label and start - merged[-1][2] <= _MERGE_GAP:
            merged[-1] = (label, merged[-1][1], end)
        elif len(merged) < _MAX_HITS:
            merged.append((label, start, end))
        else:
            # The rest as one: a hit more for each would only cost time.
            merged[-1] = (merged[-1][0], merged[-1][1], end)
    return [Hit(label, start, end, 1.0, _REASONS[label]) for label, start, end in merged]


_FOREIGN = "".join(map(re.escape, STRICT))
_MIXED = re2.compile(f"[A-Za-z][{_FOREIGN}]|[{_FOREIGN}][A-Za-z]")
_WORD = re.compile(r"[^\W\d_]{3,}")
_IS_MIXED = re.compile(f"[A-Za-z][{_FOREIGN}]|[{_FOREIGN}][A-Za-z]").search
_IS_LOOKALIKE = re.compile(f"[A-Za-z{_FOREIGN}]+").fullmatch
_BORROWED = re.compile(f"[A-Za-z]{{2,}}[{_FOREIGN}]{{1,3}}").fullmatch
"""A Latin name with an ending of the language it is used in."""
_GREEK_SIGNS = re.compile("[A-Za-z]*[οναικυ][A-Za-z]*").fullmatch


def _homoglyphs(subject: Subject) -> list[Hit]:
    """Cost: 3 us/KB without mixed words, 60 us/KB with them."""
    main = subject.main
    if _MIXED.search(main.data) is None:
        return []
    found: list[Hit] = []
    for match in _WORD.finditer(main.text):
        word = match[0]
        if word.isascii() or not _IS_MIXED(word) or not _IS_LOOKALIKE(word) or _BORROWED(word):
            continue
        if _GREEK_SIGNS(word) and len(word) < 5:
            continue
        start, end = main.original_span(*match.span())
        found.append(Hit("HOMOGLYPH", start, end, 1.0, _REASONS["HOMOGLYPH"]))
        if len(found) >= _MAX_HITS:
            break
    return found
