"""
Harassment, hate, threats, sexual and violent content, self-harm and crime, in the categories of OpenAI's moderation answer.

Rules: the engine looks for words that toxic sentences have; only sentences around them are read, by rules over classes of words and by a
linear model over hashed words. Naming a group of people is never enough, and what is quoted, denied or prevented counts less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

import msgspec

from guardrails.detection import Hit, Subject
from guardrails.detectors.toxicity_rules import CATEGORIES, Scores, judge
from guardrails.detectors.toxicity_words.classes import gate_terms
from guardrails.errors import BadRule
from guardrails.learned.hashing import features
from guardrails.learned.model import shared_model
from guardrails.patterns import Pattern
from guardrails.words.literals import term_patterns
from guardrails.words.sentences import Passage, passages, split
from guardrails.words.terms import Terms, words_of

Category = Literal[
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm", "self-harm/instructions",
    "self-harm/intent", "sexual", "sexual/minors", "violence", "violence/graphic",
]  # fmt: skip

MAX_HITS = 50
MAX_SENTENCES = 4_000
"""More different sentences than this in one text are not read one by one; the last finding says so."""


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`threshold`: the lowest score that counts; `thresholds` those of single categories. Without `categories` all count."""

    categories: tuple[Category, ...] = ()
    threshold: float = 0.5
    thresholds: dict[Category, float] = {}


_MASKED: Final = r"\b[abcfnsABCFNS][a-zA-Z]?\*{1,4}[a-zA-Z]{1,5}"
"""A swear word with stars for letters."""


@cache
def _gate() -> tuple[Pattern, ...]:
    reason = "A word that toxic sentences have."
    masked = Pattern("toxicity", "TOXICITY", _MASKED, triggers=(r"\b[abcfnsABCFNS][a-zA-Z]?\*",), is_disguised_too=True, reason=reason)
    return (*term_patterns("toxicity", "TOXICITY", gate_terms(), is_disguised_too=True, reason=reason), masked)


@dataclass(frozen=True, slots=True, eq=False)
class ToxicityDetector:
    patterns: tuple[Pattern, ...]
    thresholds: dict[str, float]
    is_hit_needed: bool = True

    def inspect(self, subject: Subject, hits: Sequence[Hit]) -> Sequence[Hit]:
        """Return a hit for each sentence that reaches a threshold, with its worst category. Cost: 0.1 ms for each sentence with a hit."""
        found: list[Hit] = []
        seen: dict[str, Scores] = {}
        for passage in passages(subject, hits):
            scores = seen.get(passage.text)
            if scores is None:
                scores = seen[passage.text] = score_sentence(passage.text)
            hit = self._hit(passage, scores)
            if hit is not None:
                found.append(hit)
            if len(found) >= MAX_HITS:
                break
            if len(seen) >= MAX_SENTENCES:
                found.append(
                    Hit("TOXICITY", score=0.5, reason="The text has too many suspicious sentences to read them all.", pattern="toxicity")
                )
                break
        return found

    def _hit(self, passage: Passage, scores: Scores) -> Hit | None:
        thresholds = self.thresholds
        reached = [(score, category) for category, score in scores.items() if score >= thresholds.get(category, 2.0)]
        if not reached:
            return None
        score, category = max(reached)
        label = category.upper().replace("/", "_").replace("-", "_")
        return Hit(label, passage.start, passage.end, round(score, 3), f"The sentence reads as {category}.", category, passage.view)


def score_sentence(text: str) -> Scores:
    """Return the scores of a sentence that holds a word of the gate, categories of zero left out."""
    return judge(text, _learned)


def _learned(text: str) -> float:
    numbers = features(text)
    return shared_model("toxicity").score(numbers) if numbers else 0.0


@cache
def _gate_table() -> Terms:
    return Terms(gate_terms())


def _may_matter(sentence: str) -> bool:
    return "*" in sentence or _gate_table().has_any(sentence, words_of(sentence))


def categories(subject: Subject) -> dict[str, float]:
    """Return a score for every category: that of the worst sentence. Cost: 0.4 ms per 1 KB; of long texts the two ends are read."""
    scores = dict.fromkeys(CATEGORIES, 0.0)
    text = subject.main.text
    pieces = [text] if len(text) <= 128_000 else [text[:64_000], text[-64_000:]]
    views = [view.text[:8_000] for view in subject.others]
    for sentence in (sentence for piece in (*pieces, *views) for sentence in split(piece)):
        if _may_matter(sentence):
            for category, score in score_sentence(sentence).items():
                scores[category] = max(scores[category], score)
    return scores


def build(parameters: Parameters) -> ToxicityDetector:
    """Errors: BadRule for a threshold out of range."""
    values = (parameters.threshold, *parameters.thresholds.values())
    if not all(0 < each <= 1 for each in values):
        raise BadRule("A threshold of detector 'toxicity' lies above 0 and is at most 1.")
    wanted: tuple[str, ...] = parameters.categories or CATEGORIES
    own: dict[str, float] = dict(parameters.thresholds.items())
    thresholds = {each: own.get(each, parameters.threshold) for each in wanted}
    return ToxicityDetector(_gate(), thresholds)
