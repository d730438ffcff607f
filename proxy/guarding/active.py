"""
A published policy as a worker runs it: for whole texts, for streams, and which of its rules are due when.

Rules: made off the event loop, never changed afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import msgspec

from guardrails.egress import Egress, Judge
from guardrails.engine.check import CompiledPolicy
from guardrails.engine.compile import compile_policy
from guardrails.engine.stream_rules import compile_stream_rules, holds_streams
from guardrails.policy_document import PolicyDocument
from proxy.snapshot import PublishedPolicy

_decoder = msgspec.json.Decoder(PolicyDocument)


@dataclass(frozen=True, slots=True)
class Ports:
    """What rules that ask somebody else ask through; None where there is nobody."""

    egress: Egress | None = None
    judge: Judge | None = None


class ActivePolicy:
    """
    One version of a policy. `left_out` are rules that a more specific policy has of the same name. `digest` stands for the rules that are
    left: two requests under other rules never share an answer.

    Errors: BadRule. Cost: up to a second, milliseconds with the folder of compiled automata.
    """

    def __init__(self, published: PublishedPolicy, cache_folder: Path | None, ports: Ports, left_out: frozenset[str] = frozenset()) -> None:
        document = _decoder.decode(published.document)
        rules = tuple(rule for rule in document.rules if (rule.name or rule.detector) not in left_out)
        document = msgspec.structs.replace(document, rules=rules)
        self.compiled = _bind(compile_policy(document, str(published.version), cache_folder), ports)
        self.rules_by_name = {rule.name: rule for rule in self.compiled.rules}
        self.name = published.name
        self.version = published.version
        self.digest = f"{published.digest}-{','.join(sorted(left_out))}" if left_out else published.digest
        in_answers = [rule for rule in self.compiled.rules if "response" in rule.directions]
        self.covers_answers = bool(in_answers)
        self.slow_rules = tuple(rule for rule in self.compiled.slow_rules if rule.mode == "enforce")
        self.shadow_slow_rules = tuple(rule for rule in self.compiled.slow_rules if rule.mode != "enforce")
        self.stream_rules = compile_stream_rules(self.compiled, cache_folder)
        self.at_end_rules = tuple(rule for rule in in_answers if rule.conversation is not None)

    @cached_property
    def is_answer_awaited(self) -> bool:
        """Whether somebody else is asked about answers who may stop them: nothing of a stream may pass before."""
        return any(holds_streams(rule) for rule in self.slow_rules if "response" in rule.directions)

    @cached_property
    def winning_names(self) -> frozenset[str]:
        """The rules that take the place of rules of the same name in less specific policies: what is merely tried takes nothing away."""
        return frozenset(rule.name for rule in self.compiled.rules if rule.mode == "enforce")

    @cached_property
    def is_stream_held_whole(self) -> bool:
        """Whether a stream's answer must be complete before any of it may pass: a rule looks at it as a whole and may stop it."""
        looking = [*self.at_end_rules, *(rule for rule in self.slow_rules if "response" in rule.directions)]
        return any(holds_streams(rule) for rule in looking)


def _bind(compiled: CompiledPolicy, ports: Ports) -> CompiledPolicy:
    rules = tuple(
        replace(rule, slow=rule.slow.bound(ports.egress, ports.judge)) if rule.slow is not None and hasattr(rule.slow, "bound") else rule
        for rule in compiled.rules
    )
    return compiled.with_rules(rules)
