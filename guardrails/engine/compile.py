"""
From a policy as it was written to one that runs.

Rules: what is wrong is said here, by the rule's name, and not when a request comes. No I/O but the folder of compiled automata.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from guardrails.detection import AnyDetector, Direction
from guardrails.detectors.registry import build_detector
from guardrails.engine.check import CompiledPolicy
from guardrails.engine.database import Engine, build_database, compile_expression
from guardrails.engine.rules import CompiledExceptions, CompiledRule
from guardrails.engine.scan import Scanner
from guardrails.errors import BadRule
from guardrails.patterns import Pattern
from guardrails.policy_document import Exceptions, Mode, Phase, PolicyDocument, RuleDocument

VERDICTS_COUNT = 2048

DIRECTIONS: Mapping[Phase, frozenset[Direction]] = {
    "request": frozenset({"request", "tool_results"}),
    "response": frozenset({"response", "tool_arguments"}),
    "both": frozenset({"request", "tool_results", "response", "tool_arguments"}),
}


def compile_policy(
    document: PolicyDocument,
    version: str = "",
    cache_folder: Path | None = None,
    engine: Engine | None = None,
    verdicts_count: int = VERDICTS_COUNT,
) -> CompiledPolicy:
    """
    Return the policy ready to inspect. A policy or rule that is `off` has nothing in it.

    `cache_folder` keeps compiled automata between starts; `engine` None takes the fastest that runs here; `verdicts_count` texts are
    remembered for callers that name their workspace.
    Errors: BadRule, which names the rule. Cost: up to a second without the folder's help; run it off the request path.
    """
    names = _names_of(document)
    kept = [] if document.mode == "off" else [(rule, name) for rule, name in zip(document.rules, names, strict=True) if rule.mode != "off"]
    patterns: dict[Pattern, int] = {}
    rules: list[CompiledRule] = []
    for index, (rule, name) in enumerate(kept):
        try:
            detector = build_detector(rule.detector, rule.parameters)
            rules.append(_compile_rule(document, rule, index, name, detector, patterns))
        except BadRule as error:
            raise BadRule(f"Rule {name!r}: {error}") from error
    scanner = Scanner(tuple(patterns), _build(patterns, rules, cache_folder, engine))
    return CompiledPolicy(document, version, tuple(rules), scanner, verdicts_count)


def _build(patterns: Mapping[Pattern, int], rules: Sequence[CompiledRule], cache_folder: Path | None, engine: Engine | None) -> Any:
    try:
        return build_database(tuple(patterns), cache_folder, engine)
    except BadRule as error:
        guilty = [rule.name for rule in rules for index in rule.pattern_indices if f"Pattern {list(patterns)[index].name!r}" in str(error)]
        raise BadRule(f"Rule {guilty[0]!r}: {error}" if guilty else str(error)) from error


def _names_of(document: PolicyDocument) -> list[str]:
    """Return a name for each rule. Errors: BadRule if two are the same."""
    names = [rule.name or rule.detector for rule in document.rules]
    for name in names:
        if names.count(name) > 1:
            raise BadRule(f"Two rules are named {name!r}. Give each its own name.")
    return names


def _compile_rule(
    document: PolicyDocument, rule: RuleDocument, index: int, name: str, detector: AnyDetector, patterns: dict[Pattern, int]
) -> CompiledRule:
    _check_values(rule)
    is_fast = hasattr(detector, "inspect")
    own: Sequence[Pattern] = getattr(detector, "patterns", ()) if is_fast else ()
    threshold = _first_of(rule.threshold, getattr(detector, "threshold", None), 0.0)
    data_threshold = _first_of(rule.data_threshold, rule.threshold, getattr(detector, "data_threshold", None), threshold)
    mode: Mode = "shadow" if document.mode == "shadow" else rule.mode
    parts: dict[str, Any] = {
        "fast": detector if is_fast else None,
        "conversation": detector if hasattr(detector, "inspect_all") else None,
        "slow": detector if hasattr(detector, "ask") else None,
    }
    if not any(parts.values()):
        raise BadRule(f"Detector {rule.detector!r} can look at nothing.")
    return CompiledRule(
        index=index,
        name=name,
        detector=rule.detector,
        action=rule.action,
        mode=mode,
        severity=rule.severity,
        fail_mode=rule.fail_mode,
        directions=DIRECTIONS[rule.phase],
        text_scope=rule.text_scope or document.text_scope,
        pattern_indices=tuple(dict.fromkeys(patterns.setdefault(each, len(patterns)) for each in own)),
        threshold=threshold,
        data_threshold=data_threshold,
        exceptions=_compile_exceptions(rule.exceptions),
        message=rule.message or document.message,
        route_to=rule.route_to,
        note=rule.note,
        sample_ratio=rule.sample_ratio,
        deadline_s=min(rule.deadline_ms or document.deadline_ms, document.deadline_ms) / 1000,
        **parts,
    )


def _check_values(rule: RuleDocument) -> None:
    """Errors: BadRule."""
    if rule.action == "route" and not rule.route_to:
        raise BadRule("Action 'route' needs 'route_to', the model that takes the request.")
    if rule.action == "route" and rule.phase != "request":
        raise BadRule("Action 'route' sends a request to another model: its phase is 'request'.")
    if rule.action == "retry" and rule.phase == "request":
        raise BadRule("Action 'retry' asks for another answer: its phase is 'response' or 'both'.")
    for field, value in (("threshold", rule.threshold), ("data_threshold", rule.data_threshold), ("sample_ratio", rule.sample_ratio)):
        if value is not None and not 0.0 <= value <= 1.0:
            raise BadRule(f"{field!r} is {value}; it must lie between 0 and 1.")
    if rule.deadline_ms is not None and rule.deadline_ms < 1:
        raise BadRule("'deadline_ms' must be 1 or more.")


def _first_of(*values: float | None) -> float:
    return next(each for each in values if each is not None)


def _compile_exceptions(exceptions: Exceptions) -> CompiledExceptions:
    """Errors: BadRule."""
    compiled: list[Any] = []
    for expression in exceptions.patterns:
        try:
            compiled.append(compile_expression(expression, is_caseless=True))
        except ValueError as error:
            raise BadRule(f"Exception {expression!r} is not an expression that RE2 reads: {error}.") from error
    literals = frozenset(each.strip().casefold() for each in exceptions.literals)
    return CompiledExceptions(literals, tuple(compiled), exceptions.paths)
