"""
One pattern, searched in UTF-8 bytes from a place on.

A pattern that begins with something short and goes on for long (a key's armour, a signed token) is searched in two steps, its beginning
first: RE2 finds where a match begins by walking back from its end, and with repeats counted in hundreds that walk costs 0.3 s for one
3 KB match, while a match from a known beginning costs 15 us.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import re2
from re2 import _re2

from guardrails.engine.expression import Chain, Flagged, Node, Repeat, width
from guardrails.engine.hold import whole_expression
from guardrails.engine.shared import Shared
from guardrails.errors import BadRule
from guardrails.patterns import Pattern

Spans = list[tuple[int, int]]
Search = Callable[[bytes, int, int], "Spans | None"]
"""(data, from where on, before where) -> the spans of the leftmost match that begins there and of its groups; None for none. Bytes."""

ANYWHERE = _re2.RE2.Anchor.UNANCHORED
_HERE = _re2.RE2.Anchor.ANCHOR_START

_MEMORY_BYTES = 16 << 20
_TAIL_MEMORY_BYTES = 32 << 20
"""For the program and its states together, at most; taken as needed."""

_WIDE = 300
"""Patterns with a longer match are searched by their beginning, if they have a short one. Units: characters."""


_expressions: Shared[_re2.RE2] = Shared()


def compile_expression(expression: str, *, memory_bytes: int = _MEMORY_BYTES, has_groups: bool = False) -> _re2.RE2:
    """Return RE2's form, which policies share. Errors: BadRule."""
    key = (expression, memory_bytes, has_groups)
    return _expressions.find_or_make(key, lambda: _compile_expression(*key))


def _compile_expression(expression: str, memory_bytes: int, has_groups: bool) -> _re2.RE2:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = memory_bytes
    options.never_capture = not has_groups
    compiled = _re2.RE2(expression.encode(), options)
    if not compiled.ok():
        raise BadRule(f"The expression cannot be read: {compiled.error().decode(errors='replace') or 'it is too large'}.")
    return compiled


def compile_tail(expression: str) -> _re2.RE2:
    """Return what `hold.tail_expression` gave, ready to be searched. Errors: BadRule."""
    return compile_expression(expression, memory_bytes=_TAIL_MEMORY_BYTES)


@dataclass(slots=True)
class Searcher:
    """
    Compiles its pattern when first asked: most never are, and all of a policy's would take some megabytes. Long ones are compiled at
    once, because that can take 50 ms, which a stream must not.

    Errors: BadRule for an expression that RE2 refuses.
    """

    pattern: Pattern
    node: Node
    _search: Search | None = None

    def __post_init__(self) -> None:
        if beginning_of(self.node):
            self._search = self._compile()

    def __call__(self, data: bytes, at: int, limit: int) -> Spans | None:
        if self._search is None:
            self._search = self._compile()
        return self._search(data, at, limit)

    def _compile(self) -> Search:
        pattern = self.pattern
        expression = f"(?i){pattern.expression}" if pattern.is_caseless else pattern.expression
        try:
            compiled = compile_expression(expression, has_groups=pattern.group > 0)
        except BadRule as error:
            raise BadRule(f"{pattern.name}: {error}") from error
        if pattern.group > compiled.NumberOfCapturingGroups():
            raise BadRule(f"{pattern.name}: The expression has no group {pattern.group}.")
        beginning = beginning_of(self.node)
        return _search_from(compile_expression(beginning), compiled) if beginning else _search_anywhere(compiled)


def _search_anywhere(compiled: _re2.RE2) -> Search:
    match = compiled.Match

    def search(data: bytes, at: int, limit: int) -> Spans | None:
        spans: Spans = match(ANYWHERE, data, at, len(data))
        return spans if 0 <= spans[0][0] < limit else None

    return search


def _search_from(beginning: _re2.RE2, compiled: _re2.RE2) -> Search:
    begin, match = beginning.Match, compiled.Match

    def search(data: bytes, at: int, limit: int) -> Spans | None:
        size = len(data)
        while 0 <= (start := begin(ANYWHERE, data, at, size)[0][0]) < limit:
            spans: Spans = match(_HERE, data, start, size)
            if spans[0][0] >= 0:
                return spans
            at = start + 1
        return None

    return search


def beginning_of(node: Node) -> str:
    """Return an expression for the short obligatory beginning of a long pattern, empty if it is not long or has none."""
    longest = width(node)[1]
    if longest is not None and longest <= _WIDE:
        return ""
    if isinstance(node, Flagged):
        inner = beginning_of(node.part)
        return f"(?{node.flags}:{inner})" if inner else ""
    if not isinstance(node, Chain):
        return ""
    parts: list[Node] = []
    for part in node.parts:
        if isinstance(part, Repeat) and (part.most is None or part.most > _WIDE // 4):
            break
        parts.append(part)
    return whole_expression(Chain(tuple(parts))) if parts and width(Chain(tuple(parts)))[0] else ""
