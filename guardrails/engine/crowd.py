"""
Rules of a stream that wake together: the numbers of fifty countries are suspected by the same few digits.

A search for each of them costs a microsecond, and in a table of numbers all of them wake with every piece. One automaton over what is
not settled yet says which of them match there at all; most never do. Rules: it may name a rule that does not match, never leave one out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from guardrails.engine.expression import Char, Node, Repeat, characters, parse
from guardrails.patterns import LEFT_CHARACTERS, Pattern

_SHARED_BY = 3
"""A trigger of so many rules makes them a crowd."""

NARROW_BYTES = 300
"""Rules with a longer match stay by themselves: their states would multiply those of all others."""

_MEMORY_BYTES = 16 << 20
"""For the program and its states together, at most; taken as needed."""

Suspects = Sequence[tuple[int, bool]]

_LEFT_BYTES = 4 * LEFT_CHARACTERS


@dataclass(frozen=True, slots=True)
class Member:
    """A rule by its index, with the shape of its expression."""

    index: int
    pattern: Pattern
    node: Node

    @property
    def has_letters(self) -> bool:
        """
        Whether a match may hold a letter. If none does, a word parts the matches before it from those behind it: where the search
        began before the word makes no difference behind it.
        """
        return _has_letters(self.node)


class Crowd:
    """Some rules of one stream policy, and the automaton that tells which of them match."""

    __slots__ = ("_everyone", "_match", "_needs", "_sentinel")

    def __init__(self, members: Sequence[Member]) -> None:
        self._everyone = tuple((each.index, True) for each in members)
        self._needs = tuple((each.pattern.needs, each.has_letters) for each in members)
        self._sentinel = len(members)
        self._match = _compile([each.pattern for each in members]) if members else None

    def suspects(self, data: bytes, at: int) -> Suspects:
        """
        Return the rules of which a match may begin in `data` from byte `at` on, in order, each with whether a match may be valid: one
        that cannot be only tells where the search goes on. What stands before `at` is what the text had.

        Cost: 1 us for a piece of 16 characters, 3 us where rules match that need words. Guarantee: all rules where it cannot tell.
        """
        if self._match is None:
            return self._everyone
        try:
            # With the byte before: it decides whether a word begins at `at`.
            found = self._match(data[at - 1 :] if at > 0 else data)
            if not found or self._sentinel not in found:
                return self._everyone  # memory ran out
            found.remove(self._sentinel)
            return self._less_needing(sorted(found), data[max(0, at - _LEFT_BYTES) :]) if found else ()
        except Exception:  # it only saves time: the searches have the say
            return self._everyone

    def _less_needing(self, found: list[int], near: bytes) -> Suspects:
        """Return the rules less those that need words which do not stand there."""
        held: dict[Callable[[bytes], frozenset[str]], frozenset[str]] = {}
        left: list[tuple[int, bool]] = []
        for each in found:
            needs, has_letters = self._needs[each]
            if needs is not None:
                if needs.find not in held:
                    held[needs.find] = needs.find(near)
                if needs.words.isdisjoint(held[needs.find]):
                    if has_letters:
                        left.append((self._everyone[each][0], False))
                    continue
            left.append(self._everyone[each])
        return left


def _compile(patterns: Sequence[Pattern]) -> Callable[[bytes], list[int] | None] | None:
    """Return RE2's set of the patterns and of one that is in every answer; None for what does not fit: then everyone is a suspect."""
    import re2  # here: 4 MB that a worker without policies does not need

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY_BYTES
    made = re2.Set.SearchSet(options)
    try:
        for each in patterns:
            made.Add(f"(?{'i' if each.is_caseless else ''}:{each.expression})".encode())
        made.Add(b"")
        made.Compile()
    except Exception:  # as above
        return None
    match: Callable[[bytes], list[int] | None] = made.Match
    return match


def find_crowd(owners: Mapping[str, Sequence[int]], narrow: frozenset[int]) -> frozenset[int]:
    """Return the narrow rules with a trigger that some others share, or that has no letter. `owners` are the rules of each trigger."""
    common = [indices for trigger, indices in owners.items() if len(indices) >= _SHARED_BY or not _has_letters(parse(trigger))]
    return frozenset(index for indices in common for index in indices if index in narrow)


def _has_letters(node: Node) -> bool:
    seen, has_others = characters(node)
    return has_others or any(each.isalpha() for each in seen)


def join_runs(triggers: Iterable[str]) -> dict[str, str]:
    """
    Return for each trigger the one that does for it: of runs of the same characters the shortest.

    A run of digits ends at every digit for each of its lengths, and each end is a call.
    """
    triggers = tuple(triggers)
    runs = {each: run for each in triggers if (run := _run_of(each)) is not None}
    shortest: dict[str, tuple[int, str]] = {}
    for trigger, (each, count) in runs.items():
        shortest[each] = min(shortest.get(each, (count, trigger)), (count, trigger))
    return {each: shortest[runs[each][0]][1] if each in runs else each for each in triggers}


def _run_of(trigger: str) -> tuple[str, int] | None:
    node = parse(trigger)
    if isinstance(node, Repeat) and isinstance(node.part, Char):
        return node.part.text, node.least
    return None
