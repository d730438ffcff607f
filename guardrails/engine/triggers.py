"""
What a pattern without triggers of its own is suspected by: a short piece that every match of it contains.

Rules: the piece matches whenever the pattern does; it may match more often. Edges are left out, because a stream's end is not known.
"""

from __future__ import annotations

from guardrails.engine.expression import Chain, Char, Choice, Edge, Flagged, Node, Repeat, width
from guardrails.patterns import Pattern

_ENOUGH = 3
_LONGEST_PIECE = 12


def triggers_of(pattern: Pattern, node: Node) -> tuple[str, ...]:
    """Return the pattern's triggers, or one made from its expression."""
    if pattern.triggers:
        return tuple(f"(?i:{each})" for each in pattern.triggers) if pattern.is_caseless else pattern.triggers
    piece = _best_run(node) or _shortened(node)
    return (piece,)


def _best_run(node: Node) -> str:
    """The longest text that must occur, as an expression; empty if it is too short to say anything."""
    if isinstance(node, Flagged):
        inner = _best_run(node.part)
        return f"(?{node.flags}:{inner})" if inner else ""
    parts = node.parts if isinstance(node, Chain) else (node,)
    best: list[Char] = []
    run: list[Char] = []
    for part in parts:
        if isinstance(part, Char) and part.literal:
            run.append(part)
        elif not isinstance(part, Edge):
            run = []
        if len(run) > len(best) and len(run) <= _LONGEST_PIECE:
            best = list(run)
    if len(best) >= _ENOUGH:
        return "".join(each.text for each in best)
    for part in parts:
        if isinstance(part, Choice):
            runs = [_best_run(option) for option in part.options]
            if all(runs):
                return f"(?:{'|'.join(dict.fromkeys(runs))})"
        elif isinstance(part, Flagged) and (inner := _best_run(part)):
            return inner
    return ""


def _shortened(node: Node) -> str:
    """The expression itself, with no more at its beginning and end than a match must have."""
    if isinstance(node, Flagged):
        return f"(?{node.flags}:{_shortened(node.part)})"
    parts = list(node.parts) if isinstance(node, Chain) else [node]
    parts = [part for part in parts if width(part)[1] != 0]
    for at in (0, -1):
        while len(parts) > 1 and width(parts[at])[0] == 0:
            del parts[at]
        if isinstance(last := parts[at], Repeat) and last.least:
            parts[at] = Repeat(last.part, last.least, last.least)
    return "".join(_written(part) for part in parts)


def _written(node: Node) -> str:
    if isinstance(node, Char):
        return node.text
    if isinstance(node, Edge):
        return ""
    if isinstance(node, Flagged):
        return f"(?{node.flags}:{_written(node.part)})"
    if isinstance(node, Chain):
        return f"(?:{''.join(_written(part) for part in node.parts)})"
    if isinstance(node, Choice):
        return f"(?:{'|'.join(_written(option) for option in node.options)})"
    most = "" if node.most is None else str(node.most)
    return f"(?:{_written(node.part)}){{{node.least},{most}}}"
