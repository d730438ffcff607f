"""
The shape of a regular expression: what its longest match is, which characters it can contain, which texts may still grow into a match.

Rules: RE2's syntax, read exactly; what is not understood is refused. Widths are characters. An emitted expression is RE2's again.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

import re2

from guardrails.errors import BadRule

WORD_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


@dataclass(frozen=True, slots=True)
class Char:
    """One character out of a set: `text` is how RE2 writes the set, `literal` the character if there is but one."""

    text: str
    literal: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """What matches between characters: `\\b`, `^`, `$`."""

    text: str


@dataclass(frozen=True, slots=True)
class Chain:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """`most` is None for no bound."""

    part: Node
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Flagged:
    """A part under flags such as `i`, `s`, `-i`."""

    flags: str
    part: Node


Node = Char | Edge | Chain | Choice | Repeat | Flagged

_REPEAT = re.compile(r"\{(\d+)(,)?(\d*)\}")
_FLAGS = re.compile(r"\(\?([imsU]*(?:-[imsU]+)?)([:)])")
_NAME = re.compile(r"\(\?P?<\w+>")
_SET_ESCAPE = re.compile(r"\\(?:[dDsSwW]|[pP](?:\{\^?\w+\}|\w))")
_CODE = re.compile(r"\\x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})|\\(0[0-7]{0,2}|[1-7][0-7]{1,2})")
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}
_BEYOND_ASCII = re.compile(r"\[\^|\\[DSWpPC]|\[:\^|\\x|[^\x00-\x7f]")


_KEPT_COUNT = 4096
"""Shapes, and what was read from them, that are kept: a policy has some hundreds, and its next version has most of them again."""


@functools.lru_cache(maxsize=_KEPT_COUNT)
def parse(expression: str, *, is_caseless: bool = False) -> Node:
    """Return the shape of an expression. Errors: BadRule."""
    reader = _Reader(expression)
    node = reader.choice()
    if reader.at < len(expression):
        raise BadRule("The expression closes a bracket that it did not open.")
    return Flagged("i", node) if is_caseless else node


class _Reader:
    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0

    def choice(self) -> Node:
        options = self.options()
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def options(self) -> list[Node]:
        options = self.chains()
        while self.source.startswith("|", self.at):
            self.at += 1
            options += self.chains()
        return options

    def chains(self) -> list[Node]:
        """One chain; more where it sets flags, because these hold for the alternatives behind it too: `a(?i)b|c`."""
        parts: list[Node] = []
        source = self.source
        while self.at < len(source) and source[self.at] not in "|)":
            if (found := _FLAGS.match(source, self.at)) and found[2] == ")":
                self.at = found.end()
                first, *others = (Flagged(found[1], option) for option in self.options())
                return [Chain((*parts, first)), *others]
            if source.startswith(r"\Q", self.at):
                end = source.find(r"\E", self.at)
                quoted = source[self.at + 2 : end if end >= 0 else len(source)]
                self.at = end + 2 if end >= 0 else len(source)
                parts += (literal(each) for each in quoted)
            else:
                parts.append(self.atom())
            while self.at < len(source) and (repeat := self.repeat(parts)) is not None:
                parts[-1] = repeat
        return [parts[0] if len(parts) == 1 else Chain(tuple(parts))]

    def repeat(self, parts: list[Node]) -> Node | None:
        sign = self.source[self.at]
        if sign in "*+?":
            least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
            self.at += 1
        elif found := _REPEAT.match(self.source, self.at):
            least = int(found[1])
            most = (int(found[3]) if found[3] else None) if found[2] else least
            self.at = found.end()
        else:
            return None
        if not parts:
            raise BadRule(f"The expression repeats nothing: {sign!r}.")
        if self.source.startswith("?", self.at):
            self.at += 1
        return Repeat(parts[-1], least, most)

    def atom(self) -> Node:
        sign = self.source[self.at]
        if sign == "(":
            return self.group()
        if sign == "[":
            return self.char_set()
        if sign == "\\":
            return self.escape()
        self.at += 1
        if sign == ".":
            return Char(".")
        return Edge(sign) if sign in "^$" else literal(sign)

    def group(self) -> Node:
        flags = ""
        if found := _FLAGS.match(self.source, self.at):
            flags = found[1]
        elif not (found := _NAME.match(self.source, self.at)) and self.source.startswith("(?", self.at):
            raise BadRule("The expression uses a group that linear-time engines lack: look-around, atomic or conditional.")
        self.at = found.end() if found else self.at + 1
        node = self.choice()
        if not self.source.startswith(")", self.at):
            raise BadRule("The expression opens a bracket that it does not close.")
        self.at += 1
        return Flagged(flags, node) if flags else node

    def char_set(self) -> Node:
        source = self.source
        at = self.at + 1
        at += source.startswith("^", at)
        at += source.startswith("]", at)
        while at < len(source) and source[at] != "]":
            if source.startswith("[:", at) and (end := source.find(":]", at)) >= 0:
                at = end + 2
            else:
                at += 2 if source[at] == "\\" else 1
        if at >= len(source):
            raise BadRule("The expression opens a set of characters that it does not close.")
        text = source[self.at : at + 1]
        self.at = at + 1
        return Char(text)

    def escape(self) -> Node:
        source, at = self.source, self.at
        sign = source[at + 1 : at + 2]
        if sign and sign in "bBAz":
            self.at += 2
            return Edge("\\" + sign)
        if found := _SET_ESCAPE.match(source, at):
            self.at = found.end()
            return Char(found[0])
        if found := _CODE.match(source, at):
            self.at = found.end()
            return literal(chr(int(found[1] or found[2], 16) if found[3] is None else int(found[3], 8)))
        if sign in _CONTROLS:
            self.at += 2
            return literal(_CONTROLS[sign])
        if not sign or sign.isalnum():
            raise BadRule(f"The expression uses an escape that linear-time engines lack: \\{sign}.")
        self.at += 2
        return literal(sign)


@functools.lru_cache(maxsize=2048)
def literal(character: str) -> Char:
    """Return the shape of one character. Kept, because word lists are made of few."""
    return Char(re2.escape(character), character)


@functools.lru_cache(maxsize=_KEPT_COUNT)
def width(node: Node) -> tuple[int, int | None]:
    """Return the shortest and the longest match in characters; the longest is None where there is no bound."""
    if isinstance(node, Char):
        return 1, 1
    if isinstance(node, Edge):
        return 0, 0
    if isinstance(node, Flagged):
        return width(node.part)
    if isinstance(node, Repeat):
        least, most = width(node.part)
        longest = 0 if most == 0 or node.most == 0 else None if most is None or node.most is None else most * node.most
        return least * node.least, longest
    widths = [width(part) for part in (node.parts if isinstance(node, Chain) else node.options)]
    longests = [most for _, most in widths if most is not None]
    is_open = len(longests) < len(widths)
    if isinstance(node, Chain):
        return sum(least for least, _ in widths), None if is_open else sum(longests)
    return min(least for least, _ in widths), None if is_open else max(longests)


@functools.lru_cache(maxsize=2048)
def _set_of(text: str, is_caseless: bool) -> frozenset[str]:
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = not is_caseless
    try:
        compiled = re2.compile(f"(?s:{text})" if text == "." else text, options)
    except re2.error as error:
        raise BadRule(f"The expression's part {text} cannot be read: {error}.") from error
    return frozenset(each for each in map(chr, range(128)) if compiled.fullmatch(each))


@functools.lru_cache(maxsize=_KEPT_COUNT)
def characters(node: Node, *, is_caseless: bool = False) -> tuple[frozenset[str], bool]:
    """
    Return the ASCII characters a match can contain, and whether it can contain others. Never too few, in a folded view: that has no
    letters beyond ASCII whose other case is ASCII (the Kelvin sign, the long s).
    """
    if isinstance(node, Char):
        if node.literal:
            both = {node.literal, node.literal.lower(), node.literal.upper()} if is_caseless else {node.literal}
            return frozenset(each for each in both if each.isascii()), not node.literal.isascii()
        return _set_of(node.text, is_caseless), node.text == "." or bool(_BEYOND_ASCII.search(node.text))
    if isinstance(node, Edge):
        return frozenset(), False
    if isinstance(node, Flagged):
        on, _, off = node.flags.partition("-")
        return characters(node.part, is_caseless=("i" in on or is_caseless) and "i" not in off)
    if isinstance(node, Repeat):
        return characters(node.part, is_caseless=is_caseless)
    found = [characters(part, is_caseless=is_caseless) for part in (node.parts if isinstance(node, Chain) else node.options)]
    return frozenset[str]().union(*(ascii_ones for ascii_ones, _ in found)), any(others for _, others in found)


def literal_of(node: Node) -> str:
    """Return the text that a node is, empty if it is more than one text. Caseless literals are given as written."""
    if isinstance(node, Flagged):
        return literal_of(node.part) if node.flags == "i" and not isinstance(node.part, Flagged) else ""
    if isinstance(node, Char):
        return node.literal
    if isinstance(node, Chain) and all(isinstance(part, Char) and part.literal for part in node.parts):
        return "".join(part.literal for part in node.parts if isinstance(part, Char))
    return ""


def openers(node: Node, most: int = 32) -> tuple[str, ...]:
    """Return the literal texts one of which begins every match; empty texts where there is none. At most `most`."""
    return tuple(dict.fromkeys(text for text, _ in _openers(node, most)))


def _openers(node: Node, most: int) -> list[tuple[str, bool]]:
    """Each with whether the node ends there, so that what follows may be added."""
    if isinstance(node, Char):
        return [(node.literal, bool(node.literal))]
    if isinstance(node, Edge):
        return [("", True)]
    if isinstance(node, Flagged):
        return _openers(node.part, most)
    if isinstance(node, Repeat):
        return _openers(node.part, most) if node.least == node.most == 1 else [("", False)] if not node.least else _begun(node.part, most)
    if isinstance(node, Choice):
        found = [each for option in node.options for each in _openers(option, most)]
        return found if len(found) <= most else [("", False)]
    found = [("", True)]
    for part in node.parts:
        if not any(is_whole for _, is_whole in found):
            break
        begun = _openers(part, most)
        grown = [(text, False) for text, is_whole in found if not is_whole]
        grown += [(text + more, whole) for text, is_whole in found if is_whole for more, whole in begun]
        if len(grown) > most:
            return [(text, False) for text, _ in found]
        found = grown
    return found


def _begun(node: Node, most: int) -> list[tuple[str, bool]]:
    return [(text, False) for text, _ in _openers(node, most)]
