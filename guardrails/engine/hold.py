"""
How much of a stream a pattern keeps back, read from the pattern's own expression.

A text's end must be held from the first place where it may still grow into a match. The places are found by one expression, made from
those of all patterns: what it matches is every beginning of every match. It is searched backwards from the end of the text, so in
ordinary prose it looks at a word or two.

Rules: nothing here is written by hand for a pattern. The expression may match too much (long counted repeats are taken as unbounded; the
widths cut what that adds), never too little.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import re2

from guardrails.engine.expression import (
    WORD_CHARACTERS,
    Chain,
    Char,
    Choice,
    Edge,
    Flagged,
    Node,
    Repeat,
    characters,
    literal_of,
    openers,
    parse,
    width,
)
from guardrails.errors import BadRule
from guardrails.patterns import Pattern

Kind = Literal["run", "anchored", "width", "whole"]

_COUNTED_REPEAT = 8
"""Longer counted repeats are taken as unbounded: each count would be a place of its own. How far a rule reaches cuts what that adds."""

_MOST_PARTS = 150
"""A longer chain is followed exactly up to here. RE2 refuses deep nesting."""

_RUN = "[a run]*"
_Likeness = tuple[bool, bool, str]
"""Whether it begins at word edges only, whether case counts, what comes after the opener."""

_SHORTEST_OPENER = 3


@dataclass(frozen=True, slots=True)
class Hold:
    """
    What a pattern makes a stream hold. `most` is its longest match in characters, None without a bound.

    `run`: a match has no space, so at most the last word is held. `anchored`: a match begins with one of `openers`, and is held from
    there. `width`: the text from the first possible beginning, at most `most`. `whole`: nothing is released before the end.
    """

    kind: Kind
    most: int | None
    openers: tuple[str, ...] = ()


def shape_of(pattern: Pattern) -> Node:
    """Return the shape of a pattern's expression. Errors: BadRule, with the pattern's name."""
    try:
        node = parse(pattern.expression, is_caseless=pattern.is_caseless)
    except BadRule as error:
        raise BadRule(f"{pattern.name}: {error}") from error
    if width(node)[0] == 0:
        raise BadRule(f"{pattern.name}: The expression matches the empty text; make one part of it obligatory.")
    return node


def hold_of(pattern: Pattern, node: Node | None = None) -> Hold:
    """Return what a pattern makes a stream hold. Errors: BadRule."""
    node = node or shape_of(pattern)
    most = width(node)[1]
    if most is None:
        return Hold("whole", None)
    begun = openers(node)
    if all(len(each) >= _SHORTEST_OPENER for each in begun):
        return Hold("anchored", most, begun)
    is_run = not any(each.isspace() for each in characters(node)[0])
    return Hold("run" if is_run else "width", most)


def reach_of(node: Node) -> int | None:
    """Return how long a match can be at most, None without a bound. Units: bytes of UTF-8."""
    if text := literal_of(node):
        return len(text) if text.isascii() else 4 * len(text)
    most = width(node)[1]
    return most if most is None or not characters(node)[1] else 4 * most


def describe(hold: Hold) -> str:
    """Return one sentence for the admin: what streams pay for the rule."""
    if hold.kind == "whole":
        return "Streams are held until their end, because a match has no longest length. Bound its repeats, such as {1,64} for +."
    if hold.kind == "anchored":
        shown = ", ".join(repr(each) for each in hold.openers[:3]) + (", ..." if len(hold.openers) > 3 else "")
        return f"Streams are held from {shown} until the match is complete, at most {hold.most} characters."
    if hold.kind == "run":
        return f"Streams are held from the start of a word that may become a match, at most {hold.most} characters."
    return f"Streams are held from where a match may begin, at most {hold.most} characters."


def begins_at_word_edges(pattern: Pattern, node: Node) -> bool:
    """
    Return whether only beginnings at a word's edge need be looked at.

    That is so if a match elsewhere is refused (`is_word`) and, being refused, cannot cover one that is not: no word begins inside of it.
    """
    if not pattern.is_word:
        return False
    seen, has_others = characters(node)
    if not has_others and seen <= WORD_CHARACTERS:
        return True
    text = literal_of(node).lower()
    if not text or text[0] not in WORD_CHARACTERS or not text.isascii():
        return False
    return not any(text[at - 1] not in WORD_CHARACTERS and text.startswith(text[at:]) for at in range(1, len(text)))


def tail_expression(patterns: Sequence[tuple[Pattern, Node]]) -> str:
    """
    Return an expression whose leftmost match is the part of a text that may still grow into a match of one of the patterns.

    Patterns that begin with a text of their own and go on alike share what they go on with: the search keeps a set of all places in
    all patterns where it may be, and it is the size of these sets that costs.
    """
    options: list[str] = []
    opened: dict[_Likeness, set[str]] = {}
    tokens = frozenset[str]()
    for pattern, node in patterns:
        at_edges = begins_at_word_edges(pattern, node)
        begun, rest = _opening(node)
        if not begun:
            options.append(rf"\b{_group(_begun(node))}" if at_edges else _begun(node))
            continue
        is_caseless = isinstance(node, Flagged)
        if rest is not None and _is_token(node):
            tokens |= characters(node)[0]
        likeness = (at_edges, is_caseless, "" if rest is None else _RUN if _is_token(node) else _begun(rest))
        opened.setdefault(likeness, set()).update(each.lower() if is_caseless and each.isascii() else each for each in begun)
    for (at_edges, is_caseless, rest_begun), texts in sorted(opened.items()):
        begun_text = _begun_words(texts)
        if rest_begun:
            goes_on = _class_of(tokens) + "*" if rest_begun == _RUN else rest_begun
            begun_text += f"|{_group('|'.join(re2.escape(each) for each in sorted(texts)))}{goes_on}"
        begun_text = f"(?i:{begun_text})" if is_caseless else begun_text
        options.append(rf"\b{_group(begun_text)}" if at_edges else begun_text)
    return rf"(?:{'|'.join(dict.fromkeys(options))}|)\z"


def _is_token(node: Node) -> bool:
    """Whether a match is one run without blanks, so that what follows its opener need not be followed exactly."""
    seen, has_others = characters(node)
    return not has_others and not any(each.isspace() for each in seen)


def _opening(node: Node) -> tuple[tuple[str, ...], Node | None]:
    """Return the texts one of which begins every match, none if there are no such, and what comes then, None for nothing."""
    if isinstance(node, Flagged):
        return _opening(node.part) if node.flags == "i" and not isinstance(node.part, Flagged) else ((), None)
    if text := literal_of(node):
        return (text,), None
    if _is_token(node):
        texts = openers(node)
        return (texts, node) if all(len(each) > 1 for each in texts) else ((), None)
    if not isinstance(node, Chain):
        return (), None
    count = next((at for at, part in enumerate(node.parts) if not (isinstance(part, Char) and part.literal)), len(node.parts))
    text = literal_of(Chain(node.parts[:count])) if count > 1 else ""
    return ((text,), Chain(node.parts[count:])) if text else ((), None)


def _class_of(seen: Iterable[str]) -> str:
    return f"[{''.join(re2.escape(each) for each in sorted(seen))}]"


def _begun_words(texts: Iterable[str]) -> str:
    """The beginnings of some words, as a tree by their first characters."""
    by_first: dict[str, set[str]] = {}
    for text in texts:
        if text:
            by_first.setdefault(text[0], set()).add(text[1:])
    if not by_first:
        return ""
    options = [re2.escape(first) + _begun_words(rest) for first, rest in sorted(by_first.items())]
    return f"(?:{'|'.join(options)})?"


def _group(text: str) -> str:
    return f"(?:{text})"


def _begun(node: Node) -> str:
    """Return an expression for every beginning of every match of a node, the empty one and the whole one among them."""
    if isinstance(node, Char):
        return f"{node.text}?"
    if isinstance(node, Edge):
        return ""
    if isinstance(node, Flagged):
        return f"(?{node.flags}:{_begun(node.part)})"
    if isinstance(node, Choice):
        return _group("|".join(dict.fromkeys(_begun(option) for option in node.options)))
    if isinstance(node, Repeat):
        return _begun_repeat(node)
    return _begun_chain(node)


def _begun_repeat(node: Repeat) -> str:
    if node.most == 0:
        return ""
    if isinstance(node.part, Char):
        return node.part.text + _counts(node, 0, node.most)
    if node.most == 1:
        return _begun(node.part)
    return _unit(node.part) + _counts(node, 0, None if node.most is None else node.most - 1) + _begun(node.part)


def _begun_chain(node: Chain) -> str:
    parts = node.parts[:_MOST_PARTS]
    begun = r"(?s:.*)" if len(node.parts) > _MOST_PARTS else ""
    for part in reversed(parts):
        if isinstance(part, Char):
            begun = f"(?:{part.text}{begun})?"
        elif isinstance(part, Edge):
            begun = f"(?:{part.text}{begun})?" if begun else ""
        else:
            begun = f"(?:{_begun(part)}|{whole_expression(part)}{begun})" if begun else _begun(part)
    return begun


def whole_expression(node: Node) -> str:
    """Return an expression for every match of a node, and perhaps some longer ones."""
    if isinstance(node, Char | Edge):
        return node.text
    if isinstance(node, Flagged):
        return f"(?{node.flags}:{whole_expression(node.part)})"
    if isinstance(node, Choice):
        return _group("|".join(whole_expression(option) for option in node.options))
    if isinstance(node, Repeat):
        return _unit(node.part) + _counts(node, node.least, node.most)
    return _group("".join(whole_expression(part) for part in node.parts))


def _unit(node: Node) -> str:
    """The same, written so that a count may follow."""
    return node.text if isinstance(node, Char) else _group(whole_expression(node))


def _counts(node: Repeat, least: int, most: int | None) -> str:
    if most is None or most > _COUNTED_REPEAT:
        return "+" if least else "*"
    return f"{{{least},{most}}}"
