"""
Questions inside a conversation: which stand alone, and what must be the same in two conversations before their last questions are compared.

Rules: the whole history counts, what the assistant said included: two conversations may have the same questions and differ in one answer.
A conversation of more than four questions is left to the exact cache.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ragcache.semantic.normal_form import normal_form
from ragcache.semantic.reading import Reading, read
from ragcache.semantic.words import word_set

MAX_QUESTIONS: Final = 4
_LEAST_CONTENT_COUNT: Final = 4
_LEAST_WITH_NAME_COUNT: Final = 2
_POINTING: Final = word_set(
    "it its it's itself this that that's these those they they're them their theirs he she him her his hers there here one ones another "
    "such so same former latter above below previous earlier again else instead too also other others both either neither rest more"
)
_OPENERS: Final = word_set(
    "and but or so then also now no yes yeah yep nope ok okay sure right great thanks well because instead except same besides again"
)
_OPENING_PHRASES: Final = re.compile(
    r"^(?:what|how) about\b|^(?:what|why|how|when|where|who|which)\W*(?:one|else|not|so|exactly|then)?\W*$|^(?:go|tell me|say"
    r"|explain|list|give me) (?:on|more|again|further)\b"
    r"|^(?:are|is|was) (?:you|that|it|this)\b|\bi (?:mean|meant)\b|\byou (?:said|mentioned|told|suggested|listed|just)\b"
    r"|\bdo the same\b|\bthe (?:first|second|third|last|next|other|same|former|latter|previous|above)\b",
    re.IGNORECASE,
)
_DEFINITE: Final = re.compile(r"\bthe ((?:[a-z][\w'-]*\s*){1,3})(\S*)")
_COMPLEMENTS: Final = word_set("of in for between to on at by from with behind about that who which when where")
_UNIQUE: Final = word_set("world internet sun moon earth sky us usa uk eu web best most least largest biggest highest government president")


@dataclass(frozen=True, slots=True)
class Turn:
    """`is_user` False: what the assistant said. Other roles belong to the identity of a request."""

    text: str
    is_user: bool


@dataclass(frozen=True, slots=True)
class ContextPrint:
    """
    What came before a question. `questions` are the user's, as written; `facts` is a hash of every number, date, identifier, name and
    place of
    the history; `stances` of each answer: does it begin with yes or no, and how often does it negate; `topics` of what each answer is
    about.
    """

    questions: tuple[str, ...]
    facts: bytes
    stances: tuple[str, ...]
    topics: tuple[frozenset[str], ...]

    @property
    def size_bytes(self) -> int:
        return 400 + sum(len(each) + 60 for each in self.questions) + sum(220 + 90 * len(each) for each in self.topics)


def is_self_contained(text: str) -> bool:
    """
    Return whether a question means the same whatever was said before.

    True only for what points to nothing, begins like no reply, and has four content words, or two and a name or identifier. Cost: 40 us.
    """
    words = re.findall(r"[\w']+", text.replace("’", "'").casefold())
    if not words or words[0] in _OPENERS or not _POINTING.isdisjoint(words) or _OPENING_PHRASES.search(text.strip()):
        return False
    if _has_bare_definite(text):
        return False
    reading = read(text)
    count = len(reading.content) + len(reading.codes)
    has_name = bool(reading.names or reading.codes)
    return count >= _LEAST_CONTENT_COUNT or (has_name and count >= _LEAST_WITH_NAME_COUNT)


def _has_bare_definite(text: str) -> bool:
    """Return whether something is spoken of as known ("the package") with nothing behind it that says which."""
    for match in _DEFINITE.finditer(text):
        words = match[1].casefold().split()
        if _UNIQUE.isdisjoint(words) and _COMPLEMENTS.isdisjoint(words) and not match[2][:1].isupper() and not match[2][:1].isdigit():
            return True
    return False


def print_context(history: Sequence[Turn]) -> ContextPrint | None:
    """
    Return the print of what came before a question; None when there is too much of it to be compared.

    Cost: 3 us a word of the history. Only what was said counts: roles other than these two make a request of another identity.
    """
    questions = tuple(turn.text for turn in history if turn.is_user)
    if len(questions) > MAX_QUESTIONS:
        return None
    answers = [read(turn.text) for turn in history if not turn.is_user]
    return ContextPrint(
        questions,
        _facts([read(each) for each in questions], answers),
        tuple(_stance(each) for each in answers),
        tuple(_topic(each) for each in answers),
    )


def may_share(asked: ContextPrint, stored: ContextPrint) -> bool:
    """
    Return whether two histories agree in all but the wording of their questions, which `needs_proof` names.

    Answers agree when their facts and stances are equal and at most a fifth of what they are about differs.
    """
    if len(asked.questions) != len(stored.questions) or asked.facts != stored.facts or asked.stances != stored.stances:
        return False
    return all(_overlap(a, b) >= _LEAST_OVERLAP for a, b in zip(asked.topics, stored.topics, strict=True))


def needs_proof(asked: ContextPrint, stored: ContextPrint) -> tuple[tuple[str, str], ...]:
    """Return the pairs of questions that are not equal in their normal form: each must pass as if it were asked alone."""
    pairs = zip(asked.questions, stored.questions, strict=True)
    return tuple((a, b) for a, b in pairs if normal_form(a) != normal_form(b))


_LEAST_OVERLAP: Final = 0.8
_YES: Final = frozenset({"yes", "yeah", "yep", "sure", "certainly", "absolutely", "correct"})
_NO: Final = frozenset({"no", "nope", "unfortunately", "sorry", "incorrect"})


def _facts(questions: Sequence[Reading], answers: Sequence[Reading]) -> bytes:
    """Answers in all detail, repeats and order included; of questions what no wording changes, as each is compared by itself anyway."""
    said = [("".join(number), "") for each in questions for number in each.numbers] + [
        (code, "") for each in questions for code in each.codes
    ]
    told = [
        [sorted(map("".join, each.numbers)), sorted(each.codes), sorted(each.dates), list(each.marked), sorted(each.names)]
        for each in answers
    ]
    return hashlib.blake2b(repr((sorted(set(said)), told)).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _stance(reading: Reading) -> str:
    first = reading.sequence[0] if reading.sequence else ""
    return f"{'yes' if first in _YES else 'no' if first in _NO else ''}{reading.negation_count}"


def _topic(reading: Reading) -> frozenset[str]:
    return reading.stems


def _overlap(a: frozenset[str], b: frozenset[str]) -> float:
    both = len(a | b)
    return len(a & b) / both if both else 1.0
