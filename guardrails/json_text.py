"""
The strings inside a JSON text, such as the arguments of a tool call: where they lie, and how to put others in their place.

Rules: a rule never looks at serialised JSON, where `\\u0040` hides an `@` and a match may cut an escape in two. A leaf is decoded, judged,
and written back over its own bytes; every other byte stays: white space, the order of keys, keys that stand twice, how numbers are
written. What is not JSON (RFC 8259, so no NaN, no comments) is `NotJson`, and the caller treats it as plain text.

Cost: linear in the text, whatever it holds; nesting takes memory, never the stack.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Any, AnyStr, Generic, Literal, cast

import msgspec

LeafKind = Literal["string", "key", "number"]
"""A key or a number is judged as a string is, but cannot be rewritten: a changed key or type is another call."""

SHORTEST_NUMBER = 9
"""Numbers of so many digits are leaves: identifiers, cards and phone numbers are written as numbers too. Units: characters."""

_PATH_STEPS = 64
_PATH_STEP_CHARACTERS = 64
_PATH_CHARACTERS = 256


class NotJson(ValueError):
    """The text is no JSON text. `at` is where that shows, in the units of the text."""

    def __init__(self, reason: str, at: int = 0) -> None:
        super().__init__(f"not JSON at {at}: {reason}")
        self.reason = reason
        self.at = at


class CannotRewrite(Exception):
    """What was to be hidden is no string that could be replaced; the call must be refused, not passed on."""


# Structs, because there are hundreds in 1 KB: a frozen dataclass takes ten times as long to make.
class _Place(msgspec.Struct, frozen=True, eq=False, gc=False):
    """A container on the way to a leaf: its own place, and under which key or index it lies there."""

    parent: _Place | None
    step: str | int
    depth: int


_ROOT = _Place(None, "", 0)
_DEEP = _Place(None, "…", _PATH_STEPS)
"""Stands for every place that is deeper: a longer chain would take memory, and the stack when it is freed."""


class Leaf(msgspec.Struct, frozen=True, eq=False, gc=False):
    """
    A string of a JSON text, decoded. Empty strings are none: nothing can be found in them.

    `[start, end)` is where it is written, quotes included, in the units of the text: characters of a `str`, bytes of `bytes`. `text`
    may hold lone surrogates, because JSON may.
    """

    text: str
    start: int
    end: int
    kind: LeafKind
    place: _Place | None
    step: str | int

    @property
    def path(self) -> str:
        """
        Return `to.0.address`. A dot within a key is written `\\.`.

        Guarantee: at most 256 characters; what is deeper or longer begins with `…`, so that it equals no path that a person wrote.
        """
        if self.place is None:
            return ""
        steps = [_step_text(self.step)]
        place = self.place
        while place.parent is not None:
            steps.append(_step_text(place.step))
            place = place.parent
        if place is _DEEP:
            steps.append("…")
        path = ".".join(reversed(steps))
        return path if len(path) <= _PATH_CHARACTERS else "…" + path[-_PATH_CHARACTERS + 1 :]


def _step_text(step: str | int) -> str:
    if isinstance(step, int):
        return str(step)
    if len(step) > _PATH_STEP_CHARACTERS:
        step = step[:_PATH_STEP_CHARACTERS] + "…"
    return step.replace("\\", "\\\\").replace(".", "\\.") or '""'


# Possessive quantifiers throughout: what one part has eaten is never given back, so no text makes these expressions slow.
_SPACE = r"[ \t\n\r]*+"
_STRING = r'"([^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+)"'
_NUMBER = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+"
_VALUE = rf"(?:{_STRING}|({_NUMBER})|true|false|null)"


_Around = tuple[_Place, bool, int]
"""A container that was left for one within it: its place, whether it is an object, the index of its next member."""


class _Grammar(Generic[AnyStr]):
    """
    The expressions that walk a text of one type, one member or element at a time.

    Groups of `member`, `element` and `alone`: key, string, number, what follows a scalar, opening bracket.
    """

    def __init__(self, *, is_bytes: bool) -> None:
        def written(text: str) -> AnyStr:
            return cast("AnyStr", text.encode() if is_bytes else text)

        def compiled(expression: str) -> re.Pattern[AnyStr]:
            return re.compile(written(expression))

        self.member: re.Pattern[AnyStr] = compiled(rf"{_SPACE}{_STRING}{_SPACE}:{_SPACE}(?:{_VALUE}{_SPACE}([,}}])|([{{\[]))")
        self.element: re.Pattern[AnyStr] = compiled(rf"{_SPACE}()(?:{_VALUE}{_SPACE}([,\]])|([{{\[]))")
        self.alone: re.Pattern[AnyStr] = compiled(rf"{_SPACE}()(?:{_VALUE}{_SPACE}()\Z|([{{\[]))")
        self.empty_object: re.Pattern[AnyStr] = compiled(rf"{_SPACE}\}}")
        self.empty_array: re.Pattern[AnyStr] = compiled(rf"{_SPACE}\]")
        self.after_in_object: re.Pattern[AnyStr] = compiled(rf"{_SPACE}([,}}])")
        self.after_in_array: re.Pattern[AnyStr] = compiled(rf"{_SPACE}([,\]])")
        self.rest: re.Pattern[AnyStr] = compiled(rf"{_SPACE}\Z")
        self.comma: AnyStr = written(",")
        self.brace: AnyStr = written("{")


_OF_STR: _Grammar[str] = _Grammar(is_bytes=False)
_OF_BYTES: _Grammar[bytes] = _Grammar(is_bytes=True)


def find_leaves(json_text: str | bytes) -> tuple[Leaf, ...]:
    """
    Return the strings, keys and long numbers of a JSON text, in the order in which they are written.

    Errors: NotJson, also for bytes that are no UTF-8.
    """
    if isinstance(json_text, str):
        return tuple(_walk(json_text, _OF_STR))
    try:
        json_text.decode()
    except UnicodeDecodeError as error:
        raise NotJson("the bytes are no UTF-8", error.start) from error
    return tuple(_walk(json_text, _OF_BYTES))


def _walk(text: AnyStr, grammar: _Grammar[AnyStr]) -> list[Leaf]:  # noqa: C901 - calls for each member would cost a fifth more
    leaves: list[Leaf] = []
    match = grammar.alone.match(text)
    if match is None:
        raise NotJson("a value is expected")
    _, string, number, _, opener = match.groups()
    if opener is None:
        if string:
            leaves.append(Leaf(_decoded(string), match.start(2) - 1, match.end(2) + 1, "string", None, ""))
        elif number is not None and len(number) >= SHORTEST_NUMBER:
            leaves.append(Leaf(_decoded(number), match.start(3), match.end(3), "number", None, ""))
        return leaves

    comma, brace = grammar.comma, grammar.brace
    around: list[_Around] = []
    place, is_object, index = _ROOT, opener == brace, 0
    at = match.end()
    while True:
        # 1. An empty container closes at once; another has a member here.
        closed = (grammar.empty_object if is_object else grammar.empty_array).match(text, at) if index == 0 else None
        if closed is not None:
            at = closed.end()
        else:
            match = (grammar.member if is_object else grammar.element).match(text, at)
            if match is None:
                raise NotJson("a member is expected" if is_object else "a value is expected", at)
            key, string, number, follows, opener = match.groups()
            at = match.end()
            step: str | int = index
            if is_object:
                step = _decoded(key)
                if step:
                    leaves.append(Leaf(step, match.start(1) - 1, match.end(1) + 1, "key", place, step))
            index += 1
            if opener is not None:
                around.append((place, is_object, index))
                place = _Place(place, step, place.depth + 1) if place.depth < _PATH_STEPS else _DEEP
                is_object, index = opener == brace, 0
                continue
            if string:
                leaves.append(Leaf(_decoded(string), match.start(2) - 1, match.end(2) + 1, "string", place, step))
            elif number is not None and len(number) >= SHORTEST_NUMBER:
                leaves.append(Leaf(_decoded(number), match.start(3), match.end(3), "number", place, step))
            if follows == comma:
                continue
        # 2. The container is closed, and with it those that end here too.
        inner = _close(text, grammar, at, around)
        if inner is None:
            return leaves
        at, (place, is_object, index) = inner


def _close(text: AnyStr, grammar: _Grammar[AnyStr], at: int, around: list[_Around]) -> tuple[int, _Around] | None:
    """Return where the next member stands and the container that has it; None at the end of the text."""
    while around:
        container = around.pop()
        after = (grammar.after_in_object if container[1] else grammar.after_in_array).match(text, at)
        if after is None:
            raise NotJson("a comma or a closing bracket is expected", at)
        at = after.end()
        if after[1] == grammar.comma:
            return at, container
    if grammar.rest.match(text, at) is None:
        raise NotJson("something stands behind the value", at)
    return None


def _decoded(raw: str | bytes) -> str:
    written = raw if isinstance(raw, str) else raw.decode()
    return cast("str", json.loads(f'"{written}"')) if "\\" in written else written


def replace_leaves(
    json_text: AnyStr, replacements: Mapping[int, str], leaves: Sequence[Leaf] | None = None, *, are_keys_too: bool = False
) -> AnyStr:
    """
    Return the text with other strings in the place of some leaves. `replacements` is by index into `find_leaves(json_text)`.

    `leaves`: what `find_leaves` said of this very text, which saves the second look. `are_keys_too`: keys are replaced as well, for
    giving back what was taken out before.
    Errors: NotJson; CannotRewrite for a key, a number, or an index that there is not.
    Guarantee: the result is JSON, and every byte outside the replaced strings is as it was.
    """
    if not replacements:
        return json_text
    known = find_leaves(json_text) if leaves is None else leaves
    pieces: list[AnyStr] = []
    at = 0
    for index in sorted(replacements):
        if not 0 <= index < len(known):
            raise CannotRewrite(f"there is no leaf {index}")
        leaf = known[index]
        if leaf.kind != "string" and not (are_keys_too and leaf.kind == "key"):
            raise CannotRewrite(f"a {leaf.kind} cannot be replaced by a text")
        pieces += (json_text[at : leaf.start], quote_like(replacements[index], json_text))
        at = leaf.end
    pieces.append(json_text[at:])
    return json_text[:0].join(pieces)


def quote_like(text: str, like: AnyStr) -> AnyStr:
    """Return a JSON string in the style of the text around it: ASCII if that is ASCII. Lone surrogates only exist escaped."""
    quoted = encode_basestring_ascii(text) if like.isascii() else encode_basestring(text)
    if isinstance(like, str):
        return quoted
    try:
        return quoted.encode()
    except UnicodeEncodeError:
        return encode_basestring_ascii(text).encode()


def load_strictly(json_text: str) -> Any:
    """
    Return the value of a JSON text that all parsers read alike.

    Errors: NotJson for what is none, for a key that stands twice in an object (parsers differ in which one they take, so one could be
    judged and the other used), for numbers beyond a float, and for nesting that a parser with a stack refuses.
    """
    try:
        return json.loads(json_text, object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise NotJson(error.msg, error.pos) from error
    except RecursionError:
        raise NotJson("nested too deep") from None
    except NotJson:
        raise
    except ValueError as error:
        raise NotJson("a number is too long") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotJson("a key stands twice in one object")
    return found


def _refuse_constant(name: str) -> Any:
    raise NotJson(f"{name} is no JSON value")


def _finite(written: str) -> float:
    number = float(written)
    if number in (float("inf"), float("-inf")):
        raise NotJson("a number is too large")
    return number
