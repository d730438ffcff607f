"""
How likely one answer serves two questions that no guard keeps apart: a score, and the cut it has to reach.

Rules: a score is comparable with a cut whatever made it, so that a trained verifier can take the place of the cosine, and a certified error
budget the place of the fixed cut, without anybody else noticing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

from ragcache.semantic.alignment import Unexplained, find_unexplained
from ragcache.semantic.reading import Reading

DEFAULT_CUT: Final = 0.84
"""Chosen on development halves, as the penalties are: docs/design/0020-semantic-cache.md."""


class Evidence:
    """
    What is known of two questions. `support` (`alignment.support`) costs a run of the model for the stored one, so it is asked for
    when needed only.
    """

    def __init__(
        self, asked: Reading, stored: Reading, similarity: float, static_similarity: float, find_support: Callable[[Unexplained], float]
    ) -> None:
        self.asked = asked
        self.stored = stored
        self.similarity = similarity
        self.static_similarity = static_similarity
        self._find_support = find_support

    @cached_property
    def unexplained(self) -> Unexplained:
        return find_unexplained(self.asked, self.stored)

    @cached_property
    def support(self) -> float:
        return self._find_support(self.unexplained)


class Verifier(Protocol):
    """Scores pairs that no guard forbids."""

    def score(self, evidence: Evidence) -> float:
        """Return a score, the higher the surer. What a cut means depends on the verifier, `name` says which it was."""

    name: str


class Cuts(Protocol):
    """What a score has to reach, for each namespace: a fixed cut, or one that was certified there."""

    def cut_for(self, namespace: bytes) -> float | None:
        """Return the cut; None: nothing may be served by likeness there (yet)."""


@dataclass(frozen=True, slots=True)
class FixedCut:
    """The expert's override: one cut for all."""

    cut: float = DEFAULT_CUT

    def cut_for(self, namespace: bytes) -> float | None:
        return self.cut


@dataclass(frozen=True, slots=True)
class CosineVerifier:
    """
    The cosine, less a penalty for words that the other question lacks.

    Words on one side alone narrow a question ("in dogs"), most of all one that yes or no answers. On both sides they replace each other,
    which only the vectors of the words can excuse. Where all but one place is the same, what stands there has to be nearly one word.
    """

    one_side: float = 0.06
    one_side_yes: float = 0.12
    both_sides: float = 0.05
    least_support: float = 0.55
    least_replacement_support: float = 0.85
    name: str = "cosine-1"

    def score(self, evidence: Evidence) -> float:
        unexplained = evidence.unexplained
        if unexplained.is_on_both_sides:
            least = self.least_replacement_support if unexplained.is_replacement else self.least_support
            is_excused = evidence.similarity > self.both_sides and evidence.support >= least
            return evidence.similarity - self.both_sides if is_excused else 0.0
        if not unexplained.is_on_one_side:
            return evidence.similarity
        return evidence.similarity - (self.one_side_yes if evidence.asked.asks == "yes" else self.one_side)
