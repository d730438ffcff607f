"""
What forbids an answer to be given to another question, whatever the vectors say: cheap vetoes over two readings.

Rules: a guard only ever forbids. Each is a function of two readings, symmetric, and says in a word why; the order is that of cost.
Where a guard cannot tell, it lets pass: the cut on vectors stands behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ragcache.semantic.reading import Reading
from ragcache.semantic.words import word_set

Guard = Callable[[Reading, Reading], bool]

_PREFIXES: Final = ("un", "in", "im", "il", "ir", "non", "dis", "anti", "mis", "de")
_STRONG_ASKS: Final = word_set("who when where why count amount duration age distance frequency height size speed")
_FREE_ORDER: Final = word_set("and or & vs versus between difference compare comparison differ by")


def find_veto(asked: Reading, stored: Reading) -> str:
    """Return the name of the first guard that forbids to answer one question with the other's answer, "" when none does. Cost: 10 us."""
    for name, forbids in GUARDS.items():
        if forbids(asked, stored):
            return name
    return ""


def differ_in_numbers(a: Reading, b: Reading) -> bool:
    """Each number has its equal; units are compared where both sides name one."""
    if a.numbers == b.numbers:
        return False
    if len(a.numbers) != len(b.numbers):
        return True
    return any(x[0] != y[0] or (x[1] and y[1] and x[1] != y[1]) for x, y in zip(a.numbers, b.numbers, strict=True))


def differ_in_dates(a: Reading, b: Reading) -> bool:
    return a.dates != b.dates


def differ_in_codes(a: Reading, b: Reading) -> bool:
    """Identifiers, versions, addresses: one letter makes another thing."""
    return a.codes != b.codes and not (a.codes ^ b.codes) <= (a.all_words & b.all_words)


def differ_in_negation(a: Reading, b: Reading) -> bool:
    return a.negation_count != b.negation_count


def differ_in_operators(a: Reading, b: Reading) -> bool:
    """`only`, `except`, `until`, `without`, `used to`: small words that turn the answer."""
    return a.operators != b.operators


def are_alternatives(a: Reading, b: Reading) -> bool:
    """One side has a word of a group, the other another one of the same group: opposites, places, products, months."""
    only_a, only_b = a.places - b.places, b.places - a.places
    if not only_a or not only_b:
        return False
    groups = {group for group, _ in only_a}
    return any(group in groups for group, _ in only_b)


def are_negated_words(a: Reading, b: Reading) -> bool:
    """`likely` and `unlikely`, `useful` and `useless`: the word lists need not know them."""
    return _negates(a.all_words, b.all_words) or _negates(b.all_words, a.all_words)


def _negates(words: frozenset[str], others: frozenset[str]) -> bool:
    for word in words - others:
        for prefix in _PREFIXES:
            if (
                word.startswith(prefix)
                and word[len(prefix) :] in others
                and word[len(prefix) :] not in words
                and len(word) > len(prefix) + 2
            ):
                return True
        if word.endswith("less") and word[:-4] + "ful" in others:
            return True
    return False


def ask_differently(a: Reading, b: Reading) -> bool:
    """When, where, who, why and how much want different answers; `what` may want any of them if it names it ("what is the reason")."""
    if a.asks == b.asks or not a.asks or not b.asks:
        return False
    if a.asks in _STRONG_ASKS and b.asks in _STRONG_ASKS:
        return not (a.asks in b.cues and b.asks in a.cues)
    if a.asks in _STRONG_ASKS:
        return a.asks not in b.cues
    return b.asks in _STRONG_ASKS and b.asks not in a.cues


def differ_in_modal(a: Reading, b: Reading) -> bool:
    """ "Can I" is not "should I", "should it be" is not "is it", "will it" is not "did it"."""
    if a.modal != b.modal and ((a.modal and b.modal) or (a.asks == b.asks == "yes" and "should" in (a.modal, b.modal))):
        return True
    return bool(a.tense and b.tense and a.tense != b.tense)


def differ_in_names(a: Reading, b: Reading) -> bool:
    """A name that the other side lacks, while that side has one which is not here."""
    missing_a = [name for name in a.names if name not in b.all_words]
    missing_b = [name for name in b.names if name not in a.all_words]
    return bool(missing_a and missing_b)


def are_turned_round(a: Reading, b: Reading) -> bool:
    """The same words in other places: from A to B and from B to A, A beats B and B beats A."""
    for preposition in {each for each, _ in a.directions} & {each for each, _ in b.directions}:
        here = {stem for each, stem in a.directions if each == preposition}
        there = {stem for each, stem in b.directions if each == preposition}
        if here.isdisjoint(there) and all(_has(b, stem) for stem in here) and all(_has(a, stem) for stem in there):
            return True
    if a.marked == b.marked or sorted(a.marked) != sorted(b.marked) or len(set(a.marked)) < 2:
        return False
    return _FREE_ORDER.isdisjoint(a.all_words | b.all_words)


def _has(reading: Reading, stem: str) -> bool:
    return stem in reading.all_words or any(value + unit == stem for value, unit in reading.numbers)


GUARDS: Final[dict[str, Guard]] = {
    "numbers": differ_in_numbers,
    "dates": differ_in_dates,
    "codes": differ_in_codes,
    "negation": differ_in_negation,
    "operators": differ_in_operators,
    "alternatives": are_alternatives,
    "negated word": are_negated_words,
    "asks": ask_differently,
    "modal": differ_in_modal,
    "names": differ_in_names,
    "order": are_turned_round,
}
