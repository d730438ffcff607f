"""
A question as the guards see it: its numbers, dates, identifiers, negations, names, the words it is about, and what it asks for.

Rules: reading never judges. Everything is folded (NFKC, case, apostrophes) and compared as sets or sorted tuples, so that two readings can
be
held against each other in microseconds. English; what is not read is left to the vectors.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from ragcache.semantic.lexicon import Lexicon, lexicon, stem_of
from ragcache.semantic.words.questions import (
    ASKS,
    CUE_WORDS,
    DIRECTIONS,
    FUSED,
    FUTURE,
    HOW,
    MODALS,
    NEGATIONS,
    NOT_NEGATION,
    NUMBER_WORDS,
    OPERATORS,
    PAST,
    RELATIVE_DATES,
    SCALES,
    UNITS,
    USED_TO,
    YES_OPENERS,
)

_APOSTROPHES: Final = str.maketrans({"’": "'", "‘": "'", "`": "'", "´": "'", "“": '"', "”": '"', "–": "-", "—": "-", "−": "-"})
_TOKEN: Final = re.compile(
    r"""
    (?P<code>[\w.+-]+@[\w-]+\.[\w.-]+ | https?://\S+ | www\.\S+
      | (?=[\w.\-/_]*\d)(?=[\w.\-/_]*[^\W\d_])(?!\d[\d,.]*(?:st|nd|rd|th|k|m|bn|am|pm|%)?(?![\w]))[#]?[^\W_]+(?:[.\-/_][^\W_]+)*
      | [^\W\d_]+(?:_[^\W_]+)+)
    | (?P<currency>[$€£¥₹])
    | (?P<number>\d+(?:,\d{2,3})*(?:[.:]\d+)*)(?P<suffix>st\b|nd\b|rd\b|th\b|k\b|m\b|bn\b|am\b|pm\b|%)?
    | (?P<word>c\+\+|c\#|[^\W\d_]+(?:'[^\W\d_]+)*(?:\.[^\W\d_]+(?=\W|$)(?!\s+[A-Z]))*)
    | (?P<mark>[%?!.;:])
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SENTENCE_END: Final = frozenset("?!.;:")


@dataclass(frozen=True, slots=True)
class Word:
    """A word that the question is about: its canonical stem, as written, and where it stands in the text."""

    stem: str
    written: str
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Reading:
    """
    What two questions are compared by. `asks` is the kind of answer wanted: who, when, ..., "what", "yes" for yes or no, "" unknown.

    `sequence` are all words in their order, as folded; `all_words` the same as a set, with their stems. `marked` are names and words
    that have
    alternatives, in their order.
    """

    content: tuple[Word, ...]
    stems: frozenset[str]
    all_words: frozenset[str]
    numbers: tuple[tuple[str, str], ...]
    dates: frozenset[str]
    codes: frozenset[str]
    negation_count: int
    operators: frozenset[str]
    places: frozenset[tuple[int, int]]
    asks: str
    cues: frozenset[str]
    modal: str
    tense: str
    names: tuple[str, ...]
    marked: tuple[str, ...]
    sequence: tuple[str, ...]
    directions: frozenset[tuple[str, str]]


def read(text: str) -> Reading:
    """Return the reading of a question. Cost: about 2 us a word. Never raises."""
    return _Reader(
        text.translate(_APOSTROPHES) if text.isascii() else unicodedata.normalize("NFKC", text).translate(_APOSTROPHES)
    ).reading()


class _Reader:
    """One pass over the tokens of a text; each kind of token has its method."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lexicon: Lexicon = lexicon()
        self._content: list[Word] = []
        self._words: list[str] = []
        self._numbers: list[tuple[str, str]] = []
        self._codes: set[str] = set()
        self._places: set[tuple[int, int]] = set()
        self._names: list[str] = []
        self._marked: list[str] = []
        self._directions: set[tuple[str, str]] = set()
        self._negations = -len(NOT_NEGATION.findall(text)) if "no" in text or "No" in text else 0
        self._currency = ""
        self._direction = ""
        self._is_sentence_start = True
        self._tokens = list(_TOKEN.finditer(text))
        letters = [each for each in (m["word"] for m in self._tokens) if each and len(each) > 3]
        capitals = sum(each[0].isupper() for each in letters)
        self._has_case = bool(letters) and capitals * 3 <= len(letters) * 2  # a title tells nothing of names

    def reading(self) -> Reading:
        position = 0
        while position < len(self._tokens):
            position += self._take(position)
        words = frozenset(self._words)
        stems = frozenset(word.stem for word in self._content)
        operators = {OPERATORS[word] for word in words if word in OPERATORS}
        if "used" in words or "use" in words:
            operators |= {"past"} if USED_TO.search(self._text) else set()
        return Reading(
            content=tuple(self._content),
            stems=stems,
            all_words=words | stems | {stem_of(word) for word in words},
            numbers=tuple(sorted(self._numbers)),
            dates=words & RELATIVE_DATES,
            codes=frozenset(self._codes),
            negation_count=max(0, self._negations),
            operators=frozenset(operators),
            places=frozenset(self._places),
            asks=_asks(self._words),
            cues=frozenset(kind for kind, cues in CUE_WORDS.items() if not words.isdisjoint(cues)),
            modal=_modal(self._words),
            tense="past" if not words.isdisjoint(PAST) else "future" if not words.isdisjoint(FUTURE) else "",
            names=tuple(self._names),
            marked=tuple(self._marked),
            sequence=tuple(self._words),
            directions=frozenset(self._directions),
        )

    def _take(self, position: int) -> int:
        """Read the token at a position and return how many were read."""
        match = self._tokens[position]
        kind = match.lastgroup if match.lastgroup != "suffix" else "number"
        if kind == "word":
            return self._take_word(position, match)
        if kind == "number":
            return self._take_number(position, match)
        if kind == "currency":
            self._currency = UNITS[match[0]]
        elif kind == "code":
            self._take_code(match)
        elif match[0] in _SENTENCE_END:
            self._is_sentence_start = True
        return 1

    def _take_word(self, position: int, match: re.Match[str]) -> int:
        written = match[0]
        word = written.casefold()
        if word.endswith("'s") and word not in ASKS:
            word = word[:-2]
        value = NUMBER_WORDS.get(word)
        if value is not None:
            self._is_sentence_start = False
            return self._note_number(position, value, "")
        if word in NEGATIONS or word.endswith("n't"):
            self._negations += 1
        count = self._phrase_count(position, word)
        if count > 1:
            word = "_".join(m[0].casefold() for m in self._tokens[position : position + count])
        self._note_word(word, match, self._tokens[position + count - 1].end())
        self._is_sentence_start = False
        return count

    def _phrase_count(self, position: int, word: str) -> int:
        for others in self._lexicon.phrases.get(word, ()):
            following = self._tokens[position + 1 : position + 1 + len(others)]
            if len(following) == len(others) and all(m[0].casefold() == other for m, other in zip(following, others, strict=True)):
                return 1 + len(others)
        return 1

    def _note_word(self, word: str, match: re.Match[str], end: int) -> None:
        self._words.append(word)
        stem = stem_of(word)
        places = self._lexicon.members.get(stem, ())
        self._places.update(places)
        if word in DIRECTIONS:
            self._direction = word
        if word in self._lexicon.frame or stem in self._lexicon.frame or len(word) < 2 or "'" in word:
            return
        canonical = self._lexicon.canonical(stem)
        self._content.append(Word(canonical, word, match.start(), end))
        is_name = self._has_case and match[0][0].isupper() and not self._is_sentence_start
        if is_name:
            self._names.append(canonical)
        if is_name or places:
            self._marked.append(canonical)
        self._close_direction(canonical)

    def _close_direction(self, stem: str) -> None:
        if self._direction:
            self._directions.add((self._direction, stem))
            self._direction = ""

    def _take_number(self, position: int, match: re.Match[str]) -> int:
        self._is_sentence_start = False
        return self._note_number(position, match["number"].replace(",", ""), (match["suffix"] or "").casefold())

    def _note_number(self, position: int, value: str, suffix: str) -> int:
        """Keep a number with its scale and unit, which may stand before it, behind it, or behind it without a space."""
        taken = 1
        if suffix in SCALES:
            value = _scaled(value, SCALES[suffix])
        unit = self._currency or UNITS.get(suffix, "")
        following = self._word_at(position + taken)
        if following in SCALES and following != "m":
            value = _scaled(value, SCALES[following])
            taken += 1
            following = self._word_at(position + taken)
        if following in UNITS and not unit:
            unit = UNITS[following]
            taken += 1
        self._currency = ""
        self._numbers.append((_plain(value), unit))
        self._words.append(_plain(value) + unit)
        self._close_direction(_plain(value) + unit)
        return taken

    def _word_at(self, position: int) -> str:
        return self._tokens[position][0].casefold() if position < len(self._tokens) else ""

    def _take_code(self, match: re.Match[str]) -> None:
        self._is_sentence_start = False
        code = match[0].casefold().lstrip("#").rstrip(".")
        fused = FUSED.fullmatch(code)
        if fused and fused[2] in UNITS:
            self._numbers.append((_plain(fused[1].replace(",", "")), UNITS[fused[2]]))
            self._words.append(code)
            return
        self._codes.add(code.replace("-", ""))
        self._words.append(code)
        self._close_direction(code)


def _plain(value: str) -> str:
    if ":" in value or value.count(".") > 1:
        return value
    return (value.rstrip("0").rstrip(".") if "." in value else value).lstrip("0") or "0"


def _scaled(value: str, scale: int) -> str:
    try:
        return f"{float(value) * scale:.10g}"
    except ValueError:
        return value


def _asks(words: list[str]) -> str:
    """Return the kind of the first question in a text."""
    for position, word in enumerate(words):
        kind = ASKS.get(word, "")
        if not kind or (kind in ("when", "where", "who", "what") and position > 3 and not _is_asked(words, position)):
            continue
        if kind == "how" and position + 1 < len(words):
            return HOW.get(words[position + 1], "how")
        return kind
    if words and words[0] in YES_OPENERS:
        return "yes"
    return ""


def _is_asked(words: list[str], position: int) -> bool:
    """Return whether a wh-word inside a text asks: "tell me where it is" does, "is it safe when it rains" does not."""
    return not words or words[0] not in YES_OPENERS or (words[0] in ("can", "could", "would") and "tell" in words[:position])


def _modal(words: list[str]) -> str:
    if not words:
        return ""
    if words[0] in ("do", "does", "did") and words[1:3] and any(each in words[:4] for each in ("have", "need")):
        return "must"
    return MODALS.get(words[0], "")
