"""What the guardrails refuse to be configured with, and what they could not do."""

from __future__ import annotations

from common.errors import DomainError


class BadRule(ValueError):
    """A rule that cannot be compiled. Its text is for the admin who wrote it and says what to change."""


class CouldNotScan(Exception):
    """A text was not seen by the code that should have judged it; the rule's fail mode decides."""


class PolicyError(DomainError):
    """A change of a policy that the domain refuses. `problems` are its sentences, one for each thing to change."""

    def __init__(self, *problems: str) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems
