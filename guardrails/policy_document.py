"""
A guardrail policy as admins write it: the value that the console edits, `apply` reads, a version freezes and the engine compiles.

Rules: unknown fields are errors; a detector's parameters are checked by the detector. Nothing here scans.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Mode = Literal["enforce", "shadow", "off"]
"""`shadow` inspects and reports what it would have done, and changes nothing."""

Phase = Literal["request", "response", "both"]
"""Short for directions: request and tool results; response and tool arguments; all four."""

Action = Literal["allow", "log", "redact", "tokenise", "block", "retry", "route"]
FailMode = Literal["open", "closed"]
"""What holds when a rule could not look: `open` lets pass and marks the record degraded, `closed` acts as if it had hit."""

TextScope = Literal["latest_turn", "all", "recent_user_joined"]
Severity = Literal["low", "medium", "high", "critical"]
Expected = Literal["allow", "redact", "block"]


class Scope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """
    Where a policy holds: an empty list means everywhere. Models are the client's names and may end in `*`, and so may routes, which are
    paths. Keys that name a policy have it besides; with `is_attached_only` nobody else has it.
    """

    workspaces: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    is_attached_only: bool = False


class Exceptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a rule lets pass: exact values (caseless), values that a pattern matches in full, and paths of units."""

    literals: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


class RuleDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """
    One rule. `name` is the detector's where a policy has one rule of it. `threshold`: the lowest score that counts, None for the
    detector's own; `data_threshold` is that of text with trust `data`. `deadline_ms` bounds a slow detector. `route_to` is the model
    that action `route` sends the request to; `note` is what action `retry` tells the model. `sample_ratio`: the part of requests
    that a rule in shadow looks at.
    """

    detector: str
    fail_mode: FailMode
    action: Action = "log"
    name: str = ""
    parameters: dict[str, Any] = {}
    phase: Phase = "request"
    text_scope: TextScope | None = None
    mode: Mode = "enforce"
    severity: Severity = "medium"
    threshold: float | None = None
    data_threshold: float | None = None
    deadline_ms: int | None = None
    exceptions: Exceptions = Exceptions()
    message: str = ""
    route_to: str = ""
    note: str = ""
    sample_ratio: float = 1.0


class TestCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A text and what the policy must say of it before it may be published."""

    text: str
    expect: Expected
    direction: Literal["request", "response", "tool_arguments", "tool_results"] = "request"
    rule: str = ""


class PolicyDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """
    `deadline_ms` bounds all slow rules together. `message` is what a blocked caller reads, empty for our own sentence.
    `external_tools` are names, `*` allowed, of tools whose arguments leave the house: reversible tokens stay tokens in them.
    """

    name: str
    rules: tuple[RuleDocument, ...]
    mode: Mode = "enforce"
    scope: Scope = Scope()
    text_scope: TextScope = "all"
    deadline_ms: int = 2000
    message: str = ""
    external_tools: tuple[str, ...] = ()
    tests: tuple[TestCase, ...] = ()
