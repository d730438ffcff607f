"""
Detector `tools`: which tools a model may call, with which arguments, and what may not follow what.

Rules: what is judged are the newest calls: units that are calls, whose text is the JSON of the arguments. Older calls
count as history only. Hits speak of a call as a whole, because a call with other arguments would be another call. A call that cannot be
read, and one without a name where names are limited, is a hit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import translate
from typing import Any
from unicodedata import normalize

import msgspec
import re2

from guardrails.arguments import Check, check_addresses, check_path, check_url
from guardrails.detection import ConversationDetector, Facts, Hit, PlacedHit, TextUnit
from guardrails.errors import BadRule
from guardrails.json_text import NotJson, load_strictly
from guardrails.schema import Schema

_PATTERN_BYTES = 8 << 20

_Names = Callable[[str], bool]


class ArgumentRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """
    What an argument of a tool may be. `tool` is a name, `*` allowed. `argument` is a path: `to`, `message.recipients`, `files.*.path`
    (`*` is any one step, `**` any number); all texts below it are judged.

    `domains`: the texts are mail addresses of these (`example.com`, `*.example.com` for what lies below it). `hosts`: they are URLs to
    these, with one of `schemes`. `folders`: they are paths within these. `values`: they are one of these. `pattern`: they match it in
    full. `max_characters`: they are no longer. `is_required`: the argument must be there.
    """

    tool: str
    argument: str
    domains: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ("https",)
    folders: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    pattern: str = ""
    max_characters: int | None = None
    is_required: bool = False


class FlowRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """
    `tool` (`*` allowed) needs approval after something: text that nobody who asks has written (`after_data`), or a call of one of
    `after_tools`.
    """

    tool: str
    after_data: bool = False
    after_tools: tuple[str, ...] = ()


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """
    `allow` and `deny` are names of tools, `*` allowed; an empty `allow` allows all, and `deny` wins. `is_declaration_needed`: only what
    the client offered may be called. `schemas` are by the exact name of the tool. `max_calls` counts the calls of the conversation,
    `max_calls_per_tool` those of each tool by name.
    """

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    is_declaration_needed: bool = False
    schemas: dict[str, dict[str, Any]] = {}
    arguments: tuple[ArgumentRule, ...] = ()
    approval: tuple[FlowRule, ...] = ()
    max_calls: int | None = None
    max_calls_per_tool: dict[str, int] = {}


def build(parameters: Parameters) -> ConversationDetector:
    limits = (*parameters.max_calls_per_tool.values(), *(() if parameters.max_calls is None else (parameters.max_calls,)))
    if any(limit < 0 for limit in limits):
        raise BadRule("A limit of calls is 0 or more.")
    if parameters == Parameters():
        raise BadRule("The rule limits nothing; give `allow`, `deny`, `schemas`, `arguments`, `approval` or `max_calls`.")
    return ToolsDetector(
        allow=_names(parameters.allow, is_caseless=False) if parameters.allow else None,
        deny=_names(parameters.deny),
        is_declaration_needed=parameters.is_declaration_needed,
        schemas={tool: _schema(tool, schema) for tool, schema in parameters.schemas.items()},
        arguments=tuple(_argument_check(rule) for rule in parameters.arguments),
        flows=tuple(_flow_check(rule) for rule in parameters.approval),
        max_calls=parameters.max_calls,
        max_calls_per_tool=dict(parameters.max_calls_per_tool),
    )


def _schema(tool: str, schema: dict[str, Any]) -> Schema:
    try:
        return Schema(schema)
    except BadRule as error:
        raise BadRule(f"Tool {tool!r}: {error}") from error


@dataclass(frozen=True, slots=True)
class _ArgumentCheck:
    is_for: _Names
    steps: tuple[str, ...]
    name: str
    checks: tuple[Check, ...]
    is_required: bool

    def find_fault(self, arguments: Any) -> str | None:
        found = False
        for value in _find_values(arguments, self.steps):
            for text in _find_texts(value):
                found = True
                if text is None:
                    return f"Argument {self.name} is no text."
                for check in self.checks:
                    if (fault := check(text)) is not None:
                        return f"Argument {self.name} {fault}."
        return f"Argument {self.name} is missing." if self.is_required and not found else None


@dataclass(frozen=True, slots=True)
class _FlowCheck:
    is_for: _Names
    after_data: bool
    is_after: _Names
    names: str


def _names(globs: Sequence[str], *, is_caseless: bool = True) -> _Names:
    """Return what tells whether a name is one of these. What is forbidden is compared without case and style, what is allowed exactly."""
    if not globs:
        return lambda name: False
    expression = "|".join(translate(_plain(each) if is_caseless else each) for each in globs)
    matches = re.compile(expression).match
    return (lambda name: matches(_plain(name)) is not None) if is_caseless else (lambda name: matches(name) is not None)


def _plain(name: str) -> str:
    return normalize("NFKC", name).casefold().strip()


def _argument_check(rule: ArgumentRule) -> _ArgumentCheck:
    checks: list[Check] = []
    if rule.domains:
        checks.append(check_addresses(rule.domains))
    if rule.hosts:
        checks.append(check_url(rule.hosts, rule.schemes))
    if rule.folders:
        if not all(folder.startswith("/") for folder in rule.folders):
            raise BadRule(f"Folders of argument {rule.argument!r} are absolute paths, such as `/srv/files`.")
        checks.append(check_path(rule.folders))
    if rule.values:
        values = frozenset(rule.values)
        checks.append(lambda text: None if text in values else "is none of the allowed values")
    if rule.pattern:
        checks.append(_pattern_check(rule))
    if (longest := rule.max_characters) is not None:
        checks.append(lambda text: None if len(text) <= longest else "is too long")
    if not checks and not rule.is_required:
        raise BadRule(f"The rule of argument {rule.argument!r} limits nothing; give `domains`, `hosts`, `folders`, `values` or `pattern`.")
    if not rule.argument or not rule.tool:
        raise BadRule("A rule of an argument names the tool and the argument.")
    return _ArgumentCheck(_names((rule.tool,)), tuple(rule.argument.split(".")), repr(rule.argument), tuple(checks), rule.is_required)


def _pattern_check(rule: ArgumentRule) -> Check:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _PATTERN_BYTES
    try:
        pattern = re2.compile(rule.pattern, options)
    except re2.error as error:
        raise BadRule(f"The pattern of argument {rule.argument!r} cannot be used: {error}.") from error

    def check(text: str) -> str | None:
        try:
            return None if pattern.fullmatch(text) else "does not match its pattern"
        except UnicodeError:  # a lone surrogate has no UTF-8
            return "holds characters that are none"

    return check


def _flow_check(rule: FlowRule) -> _FlowCheck:
    if not rule.after_data and not rule.after_tools:
        raise BadRule(f"Approval of tool {rule.tool!r}: say after what it is needed, `after_data` or `after_tools`.")
    return _FlowCheck(_names((rule.tool,)), rule.after_data, _names(rule.after_tools), ", ".join(rule.after_tools))


def _find_values(value: Any, steps: tuple[str, ...]) -> Iterator[Any]:
    """Yield what lies at a path. Bounded by the value: a step of the path goes down one level of it."""
    ends = [(value, 0)]
    seen = set()
    while ends:
        node, at = ends.pop()
        if (id(node), at) in seen and isinstance(node, dict | list):
            continue
        seen.add((id(node), at))
        if at == len(steps):
            yield node
            continue
        step = steps[at]
        if step == "**":
            ends.append((node, at + 1))
            ends.extend((child, at) for child in _children(node))
        elif step == "*":
            ends.extend((child, at + 1) for child in _children(node))
        elif isinstance(node, dict) and step in node:
            ends.append((node[step], at + 1))
        elif isinstance(node, list) and step.isdecimal() and int(step) < len(node):
            ends.append((node[int(step)], at + 1))


def _children(node: Any) -> Sequence[Any]:
    if isinstance(node, dict):
        return tuple(node.values())
    return node if isinstance(node, list) else ()


def _find_texts(value: Any) -> Iterator[str | None]:
    """Yield the texts of a value, None for what is neither text nor null."""
    open_values = [value]
    while open_values:
        node = open_values.pop()
        if isinstance(node, dict | list):
            open_values.extend(_children(node))
        elif isinstance(node, str):
            yield node
        elif node is not None:
            yield None


@dataclass(frozen=True, slots=True)
class ToolsDetector:
    """What `Parameters` say, compiled."""

    allow: _Names | None
    deny: _Names
    is_declaration_needed: bool
    schemas: dict[str, Schema]
    arguments: tuple[_ArgumentCheck, ...]
    flows: tuple[_FlowCheck, ...]
    max_calls: int | None
    max_calls_per_tool: dict[str, int]

    def inspect_all(self, units: Sequence[TextUnit], facts: Facts) -> Sequence[PlacedHit]:
        hits: list[PlacedHit] = []
        earlier = list(facts.called_tools) or [each.tool for each in units if each.is_call and not each.is_latest]
        has_data = facts.has_data
        for index, unit in enumerate(units):
            if unit.trust == "data" or unit.direction == "tool_results":
                has_data = True
            if not unit.is_call or not unit.is_latest:
                continue
            for label, reason in self._judge(unit, facts, earlier, has_data):
                hits.append(PlacedHit(index, Hit(label, reason=reason)))
            earlier.append(unit.tool)
        return hits

    def _judge(self, unit: TextUnit, facts: Facts, earlier: Sequence[str], has_data: bool) -> Iterator[tuple[str, str]]:
        tool = unit.tool
        if self.deny(tool) or (self.allow is not None and not self.allow(tool)):
            yield "TOOL_NOT_ALLOWED", "The tool may not be called."
        if self.is_declaration_needed and tool not in facts.declared_tools:
            yield "TOOL_NOT_DECLARED", "The client does not offer this tool."
        if self.max_calls is not None and len(earlier) >= self.max_calls:
            yield "TOOL_CALLS", f"The conversation has more than {self.max_calls} calls."
        limit = self.max_calls_per_tool.get(tool)
        if limit is not None and earlier.count(tool) >= limit:
            yield "TOOL_CALLS", f"The tool is called more than {limit} times."
        for flow in self.flows:
            if not flow.is_for(tool):
                continue
            if flow.after_data and has_data:
                yield "TOOL_NEEDS_APPROVAL", "The tool is called after text that nobody who asks has written."
            if any(flow.is_after(name) for name in earlier):
                yield "TOOL_NEEDS_APPROVAL", f"The tool is called after one of: {flow.names}."
        fault = self._judge_arguments(tool, unit.text)
        if fault is not None:
            yield "TOOL_ARGUMENTS", fault

    def _judge_arguments(self, tool: str, text: str) -> str | None:
        schema = self.schemas.get(tool)
        rules = [rule for rule in self.arguments if rule.is_for(tool)]
        if schema is None and not rules:
            return None
        try:
            # Models leave the arguments of a tool without any empty.
            arguments = load_strictly(text) if text.strip() else {}
        except NotJson as error:
            return f"The arguments cannot be read: {error.reason}."
        if schema is not None and (fault := schema.find_fault(arguments)) is not None:
            return f"The arguments do not follow the tool's schema: {fault}."
        return next((fault for rule in rules if (fault := rule.find_fault(arguments)) is not None), None)
