"""
Building a view from pieces of another one, with the way back to the original.

Rules: what is built is bounded by the changes and some text around them, not by the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from guardrails.views.offsets import Offsets
from guardrails.views.view import View

SEPARATOR = "\n\x00\n"
"""Between pieces that are not neighbours: no pattern matches across it."""

MAX_CHANGES = 16_384
"""How many changes one view may hold: what a text of a megabyte costs hangs on it."""

_CONTEXT = 80


class Change(NamedTuple):
    """`[start, end)` of a view's text says `form`, as a whole."""

    start: int
    end: int
    form: str


class Builder:
    """A text in the making, with offsets into the original of the view it is made from."""

    __slots__ = ("_base", "_origins", "_parts", "length", "offsets")

    def __init__(self, base: View) -> None:
        self._base = base
        self._origins = base.offsets
        self._parts: list[str] = []
        self.offsets = Offsets()
        self.length = 0

    def copy(self, start: int, end: int) -> None:
        """Add the base's own characters `[start, end)`."""
        if self._origins is None:
            self.offsets.run(start, end - start)
        else:
            self.offsets.many(self._origins[start:end])
        self._add(self._base.text[start:end])

    def put(self, start: int, form: str) -> None:
        """Add what stands for a piece of the base that begins at `start`."""
        self.offsets.group(start if self._origins is None else self._origins[start], len(form))
        self._add(form)

    def part(self, end: int) -> None:
        """Say that what follows is no neighbour of what came before, which ends at `end` of the base."""
        if self.length:
            self.put(end, SEPARATOR)

    def view(self, name: str, end: int, *, is_decoded: bool = False, is_disguised: bool = False, is_cut: bool = False) -> View:
        """Return what was built; its last piece ends at `end` of the base."""
        self.offsets.group(end if self._origins is None or not end else self._base.original_span(end - 1, end)[1], 1)
        return View(name, "".join(self._parts), self.offsets, is_decoded, is_disguised, is_cut=is_cut)

    def _add(self, text: str) -> None:
        self._parts.append(text)
        self.length += len(text)


def splice(
    name: str, base: View, changes: Sequence[Change], limit: int, *, is_disguised: bool = False, is_cut: bool = False
) -> View | None:
    """
    Return a view in which the changes are made, with up to 80 characters of text around each; None without changes.

    `changes` are in order and do not overlap; with `is_cut` there are more. What is beyond `limit` characters is left out. Cost: linear in
    the changes.
    """
    if not changes:
        return None
    text = base.text
    builder = Builder(base)
    at = 0
    for index, change in enumerate(changes):
        if change.start - at > 2 * _CONTEXT or not builder.length:
            builder.part(at)
            at = _word_start(text, max(at, change.start - _CONTEXT), change.start)
        builder.copy(at, change.start)
        builder.put(change.start, change.form)
        at = change.end
        following = changes[index + 1].start if index + 1 < len(changes) else len(text)
        if following - at > 2 * _CONTEXT or index + 1 == len(changes):
            end = _word_end(text, at, min(at + _CONTEXT, following))
            builder.copy(at, end)
            at = end
        if builder.length >= limit:
            is_cut = is_cut or index + 1 < len(changes)
            break
    return builder.view(name, at, is_disguised=is_disguised, is_cut=is_cut)


def _word_start(text: str, first: int, at: int) -> int:
    if first == 0 or text[first - 1].isspace():
        return first
    blank = text.find(" ", first, at)
    return first if blank < 0 else blank + 1


def _word_end(text: str, at: int, last: int) -> int:
    if last == len(text) or text[last].isspace():
        return last
    blank = text.rfind(" ", at, last)
    return last if blank < 0 else blank
