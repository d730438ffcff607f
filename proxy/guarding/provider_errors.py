"""
What a provider says of a request that it refused, or broke off: words from outside, under the rules for answers as an answer is.

Rules: only fast rules are asked. Where they would stop it, and where a rule could not look that lets nothing pass unseen, the caller
reads our own sentence instead, and the status is the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from guardrails.detection import Facts, TextUnit
from guardrails.engine.merge import merge_inspections
from guardrails.engine.stream_rules import holds_streams
from guardrails.inspection import Inspection, apply_edits
from guardrails.vault import Vault
from proxy.errors import UpstreamError, UpstreamRefused
from proxy.guarding.active import ActivePolicy
from proxy.guarding.tables import is_label

_REFUSED = "The provider refused this request."


def inspect_error(error: UpstreamError, policies: Sequence[ActivePolicy], facts: Facts, vault: Vault | None) -> list[Inspection]:
    """
    Take out of an error what its caller may not see, and return what each policy said. Errors: none.

    Cost: nothing for our own sentences.
    """
    covering = [policy for policy in policies if policy.covers_answers]
    if error.public_message == type(error).message or not (covering or vault):
        return []
    units = [TextUnit(error.public_message, "error.message", "response", "data")]
    odd = _odd_words(error)
    units += [TextUnit(text, f"error.{name}", "response", "data") for name, text in odd.items()]
    said = [policy.compiled.check(units, facts) for policy in covering]
    merged = merge_inspections(said)
    if merged.decision not in {"allow", "redact"} or any(_is_unasked(policy) for policy in covering):
        _say(error, _REFUSED if isinstance(error, UpstreamRefused) else type(error).message)
        _forget(error, odd)
        return said
    message = apply_edits(error.public_message, merged.edits.get(0, ()))
    _say(error, message if vault is None else vault.restore(message))
    _forget(error, [name for place, name in enumerate(odd, 1) if place in merged.edits])
    return said


def _odd_words(error: UpstreamError) -> dict[str, str]:
    """Return the provider's other words that are no plain words."""
    words = {"param": error.param, "type": error.type, "upstream_code": getattr(error, "upstream_code", None)}
    return {name: word for name, word in words.items() if isinstance(word, str) and word and not is_label(word)}


def _is_unasked(policy: ActivePolicy) -> bool:
    """Tell whether a rule that asks somebody else may stop answers, and lets none pass that it has not seen."""
    return any(rule.fail_mode == "closed" and "response" in rule.directions and holds_streams(rule) for rule in policy.slow_rules)


def _say(error: UpstreamError, message: str) -> None:
    error.public_message = message
    error.args = (message,)


def _forget(error: UpstreamError, names: Sequence[str] | dict[str, str]) -> None:
    for name in names:
        setattr(error, name, type(error).type if name == "type" else None)
