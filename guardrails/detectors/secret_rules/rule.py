"""
How one secret rule is written down: a token that says by its shape whose it is, or a value beside its provider's name (`named`).

Rules: an expression opens with literal characters or is one run of token characters, so that a stream can tell early what may become a
match. A rule hides the secret alone (`group`), never the name beside it. Formats come from the providers' own public documentation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from guardrails.detectors.secret_rules import checks
from guardrails.detectors.secret_rules.named import UUID, Named, named
from guardrails.patterns import Candidate, Pattern

ALNUM = "[A-Za-z0-9]"
HEX = "[a-f0-9]"
__all__ = ["ALNUM", "HEX", "URL_TRIGGER", "UUID", "Named", "Rule", "named", "token"]
URL_TRIGGER = r"://[^\s:/@]{0,100}:[^\s]"
"""An address with a colon after its scheme; a port is told from a password when it is confirmed. One text, so that it is compiled once."""


WORDED_BITS = 3.0
"""A rule that asks for this much entropy has a weak form, so its value must not look like words either."""


@dataclass(frozen=True, slots=True)
class Rule:
    """
    One kind of secret. `check` sees the candidate after the edges and the stop list were looked at. `least_bits`: the entropy per
    character under which a value is no secret; None for a format that proves itself. `is_gated`: the detector's parameter may raise it.
    """

    name: str
    label: str
    expression: str
    triggers: tuple[str, ...]
    group: int = 0
    is_caseless: bool = False
    check: Callable[[Candidate], bool] | None = None
    least_bits: float | None = None
    is_gated: bool = False
    is_edged: bool = True
    is_stop_listed: bool = True
    score: float = 1.0
    reason: str = ""

    def to_pattern(self, gate: float) -> Pattern:
        """Return the rule for the engine; `gate` is the least entropy of gated rules. Units: bits per character."""
        bits = self.least_bits
        if bits is not None and self.is_gated:
            bits = max(bits, gate)
        valid = checks.Validity(
            check=self.check,
            least_bits=bits,
            is_edged=self.is_edged,
            is_named=self.is_gated,
            is_stop_listed=self.is_stop_listed,
            is_worded=self.is_gated or (bits is not None and bits >= WORDED_BITS),
        )
        return Pattern(
            name=self.name,
            label=self.label,
            expression=self.expression,
            triggers=self.triggers,
            group=self.group,
            is_caseless=self.is_caseless,
            is_valid=valid,
            score=self.score,
            reason=self.reason or f"Has the form of: {self.name.replace('_', ' ')}.",
        )


def token(
    name: str,
    expression: str,
    *triggers: str,
    label: str = "API_KEY",
    group: int = 0,
    check: Callable[[Candidate], bool] | None = None,
    least_bits: float | None = 2.0,
    is_caseless: bool = False,
    is_edged: bool = True,
    is_stop_listed: bool = True,
) -> Rule:
    """A secret that says by its own shape whose it is. Without triggers the part before the first `[` is the trigger."""
    return Rule(
        name=name,
        label=label,
        expression=expression,
        triggers=triggers or (expression.split("[", 1)[0],),
        group=group,
        is_caseless=is_caseless,
        check=check,
        least_bits=least_bits,
        is_edged=is_edged,
        is_stop_listed=is_stop_listed,
    )
