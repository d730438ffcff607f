"""
Prompt injection: texts that order a model to leave its task, to say what it must not, or to act for somebody else.

Rules: three signals and one fixed logistic: phrases, a linear model over hashed words, the shape of the text. Runs on every text, for
what is said in new words has no phrase. Tool results and documents (trust `data`) have a lower threshold: nobody who asks wrote them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from guardrails.detection import UNREAD, Hit, Subject
from guardrails.detectors.injection_evidence import LEAST_SCORE, is_partly_read, weigh
from guardrails.detectors.injection_phrases import LABEL, english
from guardrails.detectors.injection_phrases_world import world
from guardrails.errors import BadRule
from guardrails.patterns import Pattern

THRESHOLD = 0.5
DATA_THRESHOLD = 0.4


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`threshold`: the lowest score that counts, 0 to 1; `data_threshold` that of tool results and documents."""

    threshold: float = THRESHOLD
    data_threshold: float = DATA_THRESHOLD


def build(parameters: Parameters) -> InjectionDetector:
    """Errors: BadRule for a threshold that no score or every score reaches."""
    for value in (parameters.threshold, parameters.data_threshold):
        if not 0 < value <= 1:
            raise BadRule(f"A threshold of {value} is not between 0 and 1.")
    return InjectionDetector((*english(), *world()), parameters.threshold, parameters.data_threshold)


@dataclass(frozen=True, slots=True, eq=False)
class InjectionDetector:
    patterns: tuple[Pattern, ...]
    threshold: float
    data_threshold: float
    is_hit_needed: bool = False

    def inspect(self, subject: Subject, hits: Sequence[Hit]) -> Sequence[Hit]:
        """
        Return one hit where the evidence lies, or none. A rule's thresholds are applied by its caller.

        Cost: 0.25 ms for 1 KB, 3 ms at most.
        """
        verdict = weigh(subject, hits)
        unread = (Hit(UNREAD),) if is_partly_read(subject) else ()
        if verdict.score < min(LEAST_SCORE, self.threshold, self.data_threshold):
            return unread
        reason = " ".join(verdict.reasons) or "The text as a whole reads like an attack on a model's instructions."
        return (Hit(LABEL, verdict.start, verdict.end, round(verdict.score, 3), reason, "injection", verdict.view), *unread)
