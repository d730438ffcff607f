"""
The texts of one stream under the policies of its request: which transformers each passes through, and what they found.

Rules: what a policy hides or blocks is decided before it is sent; what it only reports is looked at as it passes. A text that a rule must
see as a whole is held whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from guardrails.detection import Facts, TextUnit
from guardrails.engine.decide import DEFAULT_MESSAGE
from guardrails.engine.merge import merge_inspections
from guardrails.engine.samples import mask
from guardrails.engine.sentences import SentenceGate
from guardrails.engine.stream import StreamFinding, TextStream
from guardrails.engine.stream_rules import holds_streams
from guardrails.engine.transform import StreamBlocked, TextTransformer, TransformerChain
from guardrails.inspection import Finding, Inspection, Outcome, apply_edits
from guardrails.json_text import CannotRewrite
from guardrails.vault import Restorer, Vault
from proxy.errors import ContentFiltered
from proxy.guarding.active import ActivePolicy
from proxy.guarding.arguments import rewrite_arguments
from proxy.guarding.notes import blocked_error, cannot_rewrite
from proxy.guarding.plain import call_units

Kind = Literal["text", "reasoning"]

_UNNAMED = "unnamed"  # a call that says not what it calls is looked at all the same


@dataclass(slots=True)
class _Opened:
    """One text of the stream: where it lies, what it passes through, and what it said before anything was hidden."""

    path: str
    watchers: list[tuple[ActivePolicy, TextStream | SentenceGate]] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)


class StreamTexts:
    """
    The `StreamGuard` of one stream.

    Cost: 5 us a piece of 16 characters with the default policy.
    """

    def __init__(self, policies: Sequence[ActivePolicy], facts: Facts, vault: Vault | None) -> None:
        self._policies = tuple(policy for policy in policies if policy.covers_answers)
        self._facts = facts
        self._vault = vault
        self._opened: list[_Opened] = []
        self._calls: list[Inspection] = []
        self._called: list[TextUnit] = []
        self._whole: list[Inspection] = []
        self.is_held_whole = any(policy.is_stream_held_whole for policy in self._policies)

    def open_text(self, path: str, kind: Kind) -> TextTransformer:
        """Return what one text of the stream passes through, whichever pieces it comes in."""
        opened = _Opened(path)
        self._opened.append(opened)
        chain: list[TextTransformer] = [_Remembering(opened)] if self._needs_whole_text else []
        if self.is_held_whole:
            chain.append(_Whole(self, path))
        else:
            for policy in self._policies:
                chain += self._transformers(policy, opened)
        if self._vault is not None and len(self._vault):
            chain.append(Restorer(self._vault))
        return _Explaining(self, TransformerChain(chain) if len(chain) != 1 else chain[0])

    def finish_call(self, tool: str, arguments: str) -> str:
        """Return the arguments of a complete tool call as they may go on. Errors: ContentFiltered."""
        units = list(call_units(arguments, "arguments", tool or _UNNAMED, True))
        if not tool:
            units = [msgspec.structs.replace(unit, tool="") for unit in units]
        if self._asks_about_answers:
            self._called += units
        inspection = self._check(units, self._calls)
        if inspection.decision not in {"allow", "redact"}:
            raise blocked_error(inspection, "response")
        try:
            changed = rewrite_arguments(
                arguments, {place: apply_edits(units[place].text, edits) for place, edits in inspection.edits.items()}
            )
        except CannotRewrite as error:
            raise cannot_rewrite(inspection, "response") from error
        return changed if self._vault is None else self._vault.restore_arguments(tool, changed)

    def stopped(self, blocked: StreamBlocked) -> ContentFiltered:
        """Return what the caller is told of a stream that a rule stopped."""
        for policy in self._policies:
            rule = policy.rules_by_name.get(blocked.rule)
            if rule is not None and holds_streams(rule):
                message = rule.message or DEFAULT_MESSAGE
                return ContentFiltered(
                    message,
                    {
                        "policy": policy.name,
                        "policy_version": str(policy.version),
                        "rule": rule.name,
                        "detector": rule.detector,
                        "phase": "response",
                    },
                )
        return ContentFiltered("The answer was blocked by a guardrail.")

    def whole_units(self) -> list[TextUnit]:
        """Return the texts and calls so far, for rules that ask somebody else about the whole answer."""
        if not self._asks_about_answers:
            return []
        texts = [TextUnit("".join(opened.pieces), opened.path, "response", "assistant") for opened in self._opened if opened.pieces]
        return texts + self._called

    def inspections(self) -> list[Inspection]:
        """Return what was found, one for each policy and text. Called once, when the stream has ended in whatever way."""
        found = [*self._calls, *self._whole]
        for opened in self._opened:
            for policy, watcher in opened.watchers:
                found.append(_inspection_of(policy, watcher, opened.path))
            if not self.is_held_whole and opened.pieces:
                unit = TextUnit("".join(opened.pieces), opened.path, "response", "assistant")
                found += [policy.compiled.check([unit], self._facts) for policy in self._policies if policy.at_end_rules]
        return found

    def check_whole(self, path: str, text: str) -> str:
        """Return a complete text as it may go on. Errors: StreamBlocked."""
        inspection = self._check([TextUnit(text, path, "response", "assistant")], self._whole)
        if inspection.decision not in {"allow", "redact"}:
            raise StreamBlocked(inspection.decided_by)
        return apply_edits(text, inspection.edits.get(0, ()))

    # --- inside -----------------------------------------------------------------------------------------------------------------------

    @property
    def _asks_about_answers(self) -> bool:
        return any("response" in rule.directions for policy in self._policies for rule in policy.compiled.slow_rules)

    @property
    def _needs_whole_text(self) -> bool:
        return self._asks_about_answers or (not self.is_held_whole and any(policy.at_end_rules for policy in self._policies))

    def _transformers(self, policy: ActivePolicy, opened: _Opened) -> list[TextTransformer]:
        made = policy.stream_rules.open(self._facts)
        opened.watchers += [(policy, each) for each in made]
        return list(made)

    def _check(self, units: Sequence[TextUnit], noted: list[Inspection]) -> Inspection:
        inspections = [policy.compiled.check(units, self._facts) for policy in self._policies]
        noted += inspections
        return merge_inspections(inspections)


class _Explaining:
    """Says which rule of which policy stopped a text."""

    __slots__ = ("_inner", "_texts")

    def __init__(self, texts: StreamTexts, inner: TextTransformer) -> None:
        self._texts = texts
        self._inner = inner

    def feed(self, text: str) -> str:
        try:
            return self._inner.feed(text)
        except StreamBlocked as blocked:
            raise self._texts.stopped(blocked) from blocked

    def close(self) -> str:
        try:
            return self._inner.close()
        except StreamBlocked as blocked:
            raise self._texts.stopped(blocked) from blocked


class _Remembering:
    """Keeps what the model said, for rules that look at all of it."""

    def __init__(self, opened: _Opened) -> None:
        self._opened = opened

    def feed(self, text: str) -> str:
        self._opened.pieces.append(text)
        return text

    def close(self) -> str:
        return ""


class _Whole:
    """Holds a text until it is complete."""

    def __init__(self, texts: StreamTexts, path: str) -> None:
        self._texts = texts
        self._path = path
        self._pieces: list[str] = []

    def feed(self, text: str) -> str:
        self._pieces.append(text)
        return ""

    def close(self) -> str:
        text, self._pieces = "".join(self._pieces), []
        return self._texts.check_whole(self._path, text) if text else ""


def _inspection_of(policy: ActivePolicy, watcher: TextStream | SentenceGate, path: str) -> Inspection:
    """Return what one transformer found, in the words of a whole text's inspection."""
    rules = policy.rules_by_name
    findings: list[Finding] = []
    counts: dict[str, int] = {}
    for found in watcher.findings:
        findings.append(_finding(policy, found, path))
        counts[found.rule] = counts.get(found.rule, 0) + 1
    unseen = watcher.failed_rules | watcher.degraded_rules
    outcomes = [
        Outcome(
            name,
            rules[name].detector,
            "error" if name in unseen else "hit",
            rules[name].action,
            rules[name].mode,
            counts.get(name, 0),
            is_degraded=name in watcher.degraded_rules,
        )
        for name in sorted(counts.keys() | unseen)
    ]
    return Inspection(policy.name, str(policy.version), findings=tuple(findings), outcomes=tuple(outcomes))


def _finding(policy: ActivePolicy, found: StreamFinding, path: str) -> Finding:
    rule, hit = policy.rules_by_name[found.rule], found.hit
    return Finding(
        rule.name,
        rule.detector,
        hit.label,
        rule.action,
        rule.mode,
        rule.severity,
        0,
        path,
        "response",
        hit.start,
        hit.end,
        hit.score,
        hit.reason,
        hit.pattern,
        hit.view,
        mask(found.value),
    )
