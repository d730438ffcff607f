"""
Secrets: keys, tokens and passwords of cloud, source control, payment, chat, model and other providers, private keys, and random values
that a name beside them calls secret.

Rules: a known format proves itself; entropy alone never makes a secret, only entropy beside a name. What only looks like a secret
(placeholders, UUIDs, digests, identifiers, paths) is on a stop list that holds for every rule.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import msgspec

from guardrails.detection import Hit, Subject
from guardrails.detectors.secret_rules.named import HEAD_CHARACTERS, NAMED_PATTERNS, Named, NamedRules
from guardrails.detectors.secret_rules.rule import Rule
from guardrails.errors import BadRule
from guardrails.patterns import Pattern

Family = Literal[
    "cloud",
    "source_control",
    "ci",
    "payments",
    "messaging",
    "ai",
    "databases",
    "observability",
    "registries",
    "identity",
    "worktools",
    "wallets",
    "generic",
]
FAMILIES: tuple[Family, ...] = (
    "cloud",
    "source_control",
    "ci",
    "payments",
    "messaging",
    "ai",
    "databases",
    "observability",
    "registries",
    "identity",
    "worktools",
    "wallets",
    "generic",
)


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """
    `include` names families, empty for all; `exclude` takes families or single rules away. `least_entropy`: bits per character that a
    value beside a name needs; higher means fewer findings. `allowed`: values that are no secret here, exact.
    """

    include: tuple[Family, ...] = ()
    exclude: tuple[str, ...] = ()
    least_entropy: float = 2.6
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SecretsDetector:
    """The rules' patterns, less what the policy allows; `named` tells whose a value beside a provider's name is."""

    patterns: tuple[Pattern, ...]
    named: NamedRules
    allowed: frozenset[str]
    is_hit_needed: bool = True

    def inspect(self, subject: Subject, hits: Sequence[Hit]) -> Sequence[Hit]:
        text = subject.text
        return [self._identify(text, hit) for hit in hits if not self.allowed or text[hit.start : hit.end] not in self.allowed]

    def _identify(self, text: str, hit: Hit) -> Hit:
        if hit.pattern not in NAMED_PATTERNS or hit.view != "main":
            return hit
        rule = self.named.find(text[max(0, hit.start - HEAD_CHARACTERS) : hit.start], text[hit.start : hit.end])
        return hit if rule is None else replace(hit, label=rule.label, pattern=rule.name)


def build(parameters: Parameters) -> SecretsDetector:
    """Return the detector. Errors: BadRule for a name in `exclude` that is no family and no rule, or an entropy out of reach."""
    if not 0.0 <= parameters.least_entropy <= 6.0:
        raise BadRule(f"least_entropy is {parameters.least_entropy}, but must lie between 0 and 6 bits per character.")
    families = parameters.include or FAMILIES
    rules = {family: load_rules(family) for family in FAMILIES}
    known = {*FAMILIES, *(rule.name for each in rules.values() for rule in each)}
    unknown = sorted(set(parameters.exclude) - known)
    if unknown:
        raise BadRule(f"exclude names {', '.join(unknown)}, but there is no such family or rule of secrets.")
    excluded = set(parameters.exclude)
    chosen = [rule for family in families if family not in excluded for rule in rules[family] if rule.name not in excluded]
    named = NamedRules(tuple(rule for rule in chosen if isinstance(rule, Named)), parameters.least_entropy)
    patterns = tuple(rule.to_pattern(parameters.least_entropy) for rule in chosen if isinstance(rule, Rule))
    return SecretsDetector(patterns=patterns + named.to_patterns(), named=named, allowed=frozenset(parameters.allowed))


def load_rules(family: Family) -> tuple[Rule | Named, ...]:
    """Return the rules of one family."""
    rules: tuple[Rule | Named, ...] = importlib.import_module(f"guardrails.detectors.secret_rules.{family}").RULES
    return rules
