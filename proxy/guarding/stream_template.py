"""
An event of a stream as a form: what is the same in those that follow, around the text that is not.

Why it may be trusted: where an event begins and ends as one that was read did, and what is between is one JSON string and nothing more,
it is the same event with another text.
"""

from __future__ import annotations

import re
from typing import Final, Generic, TypeVar

from proxy.guarding.stream_base import TextSlot
from proxy.guarding.stream_json import parse_text
from proxy.wire.bad_request import UNREADABLE

_PADDING: Final = re.compile(rb'"obfuscation": ?("[^"\\]*+")')
"""OpenAI's random filling against those who count bytes."""

_NUMBER: Final = re.compile(rb'("sequence_number": ?)([0-9]+)(?=,)')
_NUMBER_DIGITS: Final = 9
_PLAIN: Final = re.compile(rb'"[^"\\]*+"')
Slot = TypeVar("Slot", bound=TextSlot)


class Template(Generic[Slot]):
    """`slot` is whose text it is. `middle` is not empty where padding stands between it and the end."""

    __slots__ = ("_least_bytes", "_middle", "_suffix", "prefix", "slot")

    def __init__(self, prefix: bytes, suffix: bytes, slot: Slot) -> None:
        self.slot = slot
        self.prefix = prefix
        self._middle = b""
        if (padding := _PADDING.search(suffix)) is not None:
            self._middle, suffix = suffix[: padding.start(1)], suffix[padding.end(1) :]
        self._suffix = suffix
        self._least_bytes = len(prefix) + len(self._middle) + len(suffix) + 2

    def read(self, event: bytes) -> tuple[str, bytes] | None:
        """Return the text of an event of this form and what is behind it; None for another event."""
        if len(event) < self._least_bytes or not event.startswith(self.prefix) or not event.endswith(self._suffix):
            return None
        end = len(event) - len(self._suffix)
        if self._middle:
            at = event.rfind(self._middle, len(self.prefix), end)
            if at < 0 or not _PLAIN.fullmatch(event, at + len(self._middle), end):
                return None
            end = at
        try:
            return parse_text(event[len(self.prefix) : end]), event[end:]
        except UNREADABLE:
            return None


def learn(event: bytes, name: str, written: bytes, slot: Slot) -> Template[Slot] | None:
    """Return the form of an event whose field `name` is a text, written so; None where its place is not sure."""
    key = b'"%b":' % name.encode()
    if event.count(key) != 1 or not event.endswith(b"}\n\n"):
        return None
    start = event.index(key) + len(key)
    start += event.startswith(b" ", start)
    if not event.startswith(written, start):
        return None
    return Template(event[:start], event[start + len(written) :], slot)


class NumberedTemplate(Generic[Slot]):
    """The form of an event that has a number before its text. What is between them is the template's prefix."""

    __slots__ = ("_template", "head", "slot")

    def __init__(self, head: bytes, template: Template[Slot]) -> None:
        self.head = head
        self._template = template
        self.slot = template.slot

    @property
    def between(self) -> bytes:
        return self._template.prefix

    def read(self, event: bytes) -> tuple[int, str, bytes] | None:
        """Return the number and the text of an event of this form, and what is behind them; None for another event."""
        start = len(self.head)
        if not event.startswith(self.head):
            return None
        end = event.find(b",", start, start + _NUMBER_DIGITS + 1)
        number = event[start:end]
        if end < 0 or not number.isdigit():
            return None
        known = self._template.read(event[end:])
        return None if known is None else (int(number), *known)


def learn_numbered(event: bytes, name: str, written: bytes, slot: Slot) -> NumberedTemplate[Slot] | None:
    """The same as `learn` for an event whose `sequence_number` stands in front of the text; None for another one."""
    template = learn(event, name, written, slot)
    found = _NUMBER.search(template.prefix) if template is not None else None
    if template is None or found is None or event.count(b'"sequence_number"') != 1:
        return None
    rest = event[len(template.prefix) + len(written) :]
    return NumberedTemplate(event[: found.end(1)], Template(event[found.end(2) : len(template.prefix)], rest, slot))
