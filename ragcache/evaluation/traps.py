"""
Trap pairs made of real questions: one number, place, name, date or polarity word is another, and so is the answer.

A trap is stored on one side and asked on the other. Rules: what is put in comes from the data (names and places of other questions,
antonyms of
labelled pairs), never from the word lists of the guards, or these would be asked for what they know. A given seed makes the same traps.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

KINDS: Final = ("number", "date", "place", "name", "polarity", "negation")
_MONTHS: Final = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]
_DAYS: Final = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_NUMBER: Final = re.compile(r"(?<![\w.,])\d{1,6}(?![\w.,]*\d)(?!\w)")
_DATE: Final = re.compile(rf"\b(?:{'|'.join(each for each in _MONTHS if each != 'May')}|{'|'.join(_DAYS)}|(?:19|20)\d\d)\b")
_PLACE: Final = re.compile(r"(?<=\b[Ii]n )(?:[A-Z][a-z]{3,}(?: [A-Z][a-z]{3,})?)(?=[?,. ]|$)")
_NAME: Final = re.compile(r"(?<=[a-z,] )(?:[A-Z][a-z]{2,}(?: [A-Z][a-z]{2,})?)(?=[?,. ]|'s|$)")
_AUXILIARY: Final = re.compile(
    r"^((?:Should|Can|Could|Would|Will|Is it \w+|How (?:can|do|should) (?:I|you|we)|Why (?:do|does|should|is|are) \w+)(?: I| you"
    r"| we| people)?) (?=[a-z])"
)


@dataclass(frozen=True, slots=True)
class Pair:
    """
    Two questions; `label` 1: one answer serves both, 0: it must not. `kind` is what was put in, or where the pair is from.

    `group` names those questions that share an answer with `a`, where the data knows more of them.
    """

    a: str
    b: str
    label: int
    kind: str
    group: str = ""


def make_traps(
    questions: Sequence[str], antonyms: Iterable[tuple[str, str]], *, count_per_kind: int, kinds: Sequence[str] = KINDS, seed: int = 0
) -> tuple[Pair, ...]:
    """
    Return at most `count_per_kind` traps of each kind, each of a question of its own.

    Places and names are taken from the other questions, by where they stand in them; `antonyms` are pairs of words that exclude each other.
    """
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    shuffled = list(questions)
    rng.shuffle(shuffled)
    maker = _Maker(rng, shuffled, antonyms)
    used: set[str] = set()
    pairs: list[Pair] = []
    for kind in kinds:
        made = 0
        for question in shuffled:
            if made >= count_per_kind:
                break
            changed = None if question in used else maker.change(question, kind)
            if changed is not None and changed.casefold() != question.casefold():
                used.add(question)
                pairs.append(Pair(question, changed, 0, kind))
                made += 1
    return tuple(pairs)


def find_neighbours(classes: Mapping[str, Sequence[str]], *, seed: int = 0) -> tuple[Pair, ...]:
    """
    Return pairs of questions of different classes that differ in one word which both are about, each question in one pair at most.

    These are traps that people made without knowing: "tips for glaucoma", "tips for fibromyalgia". A few are duplicates that nobody
    labelled.
    """
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    frames: defaultdict[tuple[str, ...], list[tuple[str, str, str]]] = defaultdict(list)
    for name, members in sorted(classes.items()):
        for text in members:
            words = re.findall(r"\w+(?:'\w+)?", text.lower())
            if _SHORTEST <= len(words) <= _LONGEST:
                for place, word in enumerate(words):
                    if len(word) > _SHORT_WORD:
                        frames[(*words[:place], "", *words[place + 1 :])].append((word, text, name))
    used: set[str] = set()
    pairs = []
    for frame in sorted(frames):
        rows = frames[frame]
        rng.shuffle(rows)
        for (word, text, name), (other_word, other, other_name) in pairwise(rows):
            if name != other_name and word[:4] != other_word[:4] and used.isdisjoint((text, other)):
                used |= {text, other}
                pairs.append(Pair(text, other, 0, "neighbour", name))
    return tuple(pairs)


_SHORTEST, _LONGEST, _SHORT_WORD = 4, 18, 4


def read_antonyms(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the words in which two sentences of opposite meaning differ, where they differ in one word alone. Sorted."""
    found: set[tuple[str, str]] = set()
    for a, b in pairs:
        one, other = re.findall(r"[a-z']+", a.lower()), re.findall(r"[a-z']+", b.lower())
        if len(one) == len(other):
            changed = [(x, y) for x, y in zip(one, other, strict=True) if x != y]
            if len(changed) == 1 and not any("'" in word or word in ("not", "no") for word in changed[0]):
                found.add(changed[0])
    return tuple(sorted(found))


class _Maker:
    def __init__(self, rng: random.Random, questions: Sequence[str], antonyms: Iterable[tuple[str, str]]) -> None:
        self._rng = rng
        self._places = _often(_PLACE, questions, frozenset(_MONTHS))
        self._names = _often(_NAME, questions, frozenset((*self._places, *_MONTHS, *_DAYS)))
        self._antonyms: dict[str, list[str]] = {}
        for a, b in antonyms:
            self._antonyms.setdefault(a, []).append(b)
            self._antonyms.setdefault(b, []).append(a)

    def change(self, question: str, kind: str) -> str | None:
        """Return the question with one thing changed, None where it has no such thing."""
        match kind:
            case "number":
                return self._replace(question, _NUMBER, self._other_number)
            case "date":
                return self._replace(question, _DATE, self._other_date)
            case "place":
                return self._replace(question, _PLACE, lambda _: self._rng.choice(self._places))
            case "name":
                return self._replace(question, _NAME, self._other_name)
            case "polarity":
                return self._turn(question)
            case "negation":
                match = _AUXILIARY.match(question)
                return None if match is None else f"{match[0]}not {question[match.end() :]}"
            case _:
                raise ValueError(f"Traps of a kind are {', '.join(KINDS)}, not {kind}.")

    def _replace(self, question: str, pattern: re.Pattern[str], other: Callable[[str], str]) -> str | None:
        found = list(pattern.finditer(question))
        if not found:
            return None
        match = self._rng.choice(found)
        return question[: match.start()] + other(match[0]) + question[match.end() :]

    def _other_number(self, number: str) -> str:
        value = int(number)
        return str(self._rng.choice([value + 1, value * 2 + 1, max(0, value - 1), value * 10 + 10]))

    def _other_date(self, date: str) -> str:
        if date.isdigit():
            return str(int(date) + self._rng.choice([-3, -1, 1, 2]))
        return self._rng.choice([each for each in (_DAYS if date in _DAYS else _MONTHS) if each != date])

    def _other_name(self, name: str) -> str:
        same = [each for each in self._rng.sample(self._names, min(40, len(self._names))) if each.count(" ") == name.count(" ")]
        return same[0] if same else name

    def _turn(self, question: str) -> str | None:
        words = [match for match in re.finditer(r"[a-z]+", question) if match[0] in self._antonyms]
        if not words:
            return None
        match = self._rng.choice(words)
        return question[: match.start()] + self._rng.choice(self._antonyms[match[0]]) + question[match.end() :]


def _often(pattern: re.Pattern[str], questions: Sequence[str], without: frozenset[str]) -> list[str]:
    """Return what a pattern finds in at least three questions: what is found once is often no name at all."""
    found = Counter(match[0] for each in questions for match in pattern.finditer(each))
    return sorted(name for name, count in found.items() if count >= _LEAST_COUNT and name not in without)


_LEAST_COUNT: Final = 3
