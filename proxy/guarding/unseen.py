"""
Requests that say something no rule can read: prompts and inputs that are numbers, a model's own tokens, instead of text.

Rules: what was not looked at has not passed. For a prompt each rule's fail mode decides. Inputs for vectors are let through, because
usual clients cut them into tokens and no model acts on them; the record says of each rule that it could not look.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from guardrails.detection import TextUnit
from guardrails.engine.check import CompiledPolicy
from guardrails.engine.tally import Tally
from guardrails.inspection import Inspection, Outcome
from proxy.guarding.turns import find_field
from proxy.wire.model_request import ModelRequest

_FIELDS: Final = {"completions": "prompt", "embeddings": "input"}
_decoder: Final = msgspec.json.Decoder(list[Any])


def holds_tokens(request: ModelRequest) -> bool:
    """Tell whether a request holds numbers where text may stand. Cost: nothing for other endpoints, and for one text."""
    field = _FIELDS.get(request.operation)
    written = b"" if field is None else find_field(request, field)
    return written[:1] == b"[" and any(isinstance(each, int | float | list) for each in _decoder.decode(written))


def inspect_unseen(policy: CompiledPolicy, request: ModelRequest) -> Inspection:
    """Return what a policy says of a request whose tokens its rules for requests could not read."""
    rules = [rule for rule in policy.rules if "request" in rule.directions]
    if request.operation != "completions":
        outcomes = tuple(Outcome(rule.name, rule.detector, "error", rule.action, rule.mode, is_degraded=True) for rule in rules)
        return Inspection(policy.name, policy.version, outcomes=outcomes)
    tally = Tally([TextUnit("", _FIELDS[request.operation])])
    for rule in rules:
        tally.fail(rule, 0, "error")
    without = tuple(Outcome(rule.name, rule.detector, "pass", rule.action, rule.mode) for rule in rules)
    return tally.inspection(policy.name, policy.version, without)
