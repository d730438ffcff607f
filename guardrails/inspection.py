"""
What an inspection says: findings, what is to be changed, and the decision. One decision function serves whole texts and streams.

Rules: a finding never holds the value that was found; its sample is masked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from guardrails.detection import Direction
from guardrails.policy_document import Action, Mode, Severity

Decision = Literal["allow", "redact", "block", "retry", "route"]
"""In rising order of precedence: redact (tokenise is one of its forms), retry, route, block."""

Result = Literal["pass", "hit", "timeout", "error", "skipped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """
    What one rule found in one unit, in the unit's own offsets (`start` == `end`: the unit as a whole).

    `action` is what the rule would do; `mode` says whether it did. `sample` is a masked piece, such as `j***@e***`.
    """

    rule: str
    detector: str
    label: str
    action: Action
    mode: Mode
    severity: Severity
    unit: int
    path: str
    direction: Direction
    start: int
    end: int
    score: float = 1.0
    reason: str = ""
    pattern: str = ""
    view: str = "main"
    sample: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """
    What takes the place of `[start, end)` of a unit's text. `is_reversible`: a token that is turned back in the answer takes it.

    Edits of one unit do not overlap and are in order.
    """

    start: int
    end: int
    label: str
    is_reversible: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    How one rule fared. `is_degraded`: it could not look, and its fail mode let the text pass. `is_partial`: it read only parts of a
    text, because that was too long.
    """

    rule: str
    detector: str
    result: Result
    action: Action
    mode: Mode
    findings_count: int = 0
    is_degraded: bool = False
    elapsed_us: float = 0.0
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class Inspection:
    """
    What a policy says of some units. `edits` are by the index of the unit, and are there only if the decision is not a block.

    `decided_by` is the rule whose action is the decision, empty for `allow`; `message` is what a blocked caller may read.
    """

    policy: str
    version: str
    decision: Decision = "allow"
    decided_by: str = ""
    message: str = ""
    route_to: str = ""
    note: str = ""
    findings: tuple[Finding, ...] = ()
    edits: dict[int, tuple[Edit, ...]] = field(default_factory=dict)
    outcomes: tuple[Outcome, ...] = ()
    is_quiet: bool = False
    """Every rule passed or was not asked: there is nothing to note."""

    @property
    def is_degraded(self) -> bool:
        return any(outcome.is_degraded for outcome in self.outcomes)


def apply_edits(text: str, edits: tuple[Edit, ...]) -> str:
    """Return the text with every edit made: `[EMAIL]` in the place of what was found. Cost: one pass."""
    pieces: list[str] = []
    at = 0
    for edit in edits:
        pieces += (text[at : edit.start], f"[{edit.label}]")
        at = edit.end
    pieces.append(text[at:])
    return "".join(pieces)
