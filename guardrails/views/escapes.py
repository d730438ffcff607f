"""Escapes inside a text, read: percent signs of URLs, HTML entities, `\\u`, `\\x` and octal escapes, `U+0041`, quoted-printable."""

from __future__ import annotations

import re
from html.entities import html5

from guardrails.views.fold import fold
from guardrails.views.splice import MAX_CHANGES, Change, splice
from guardrails.views.view import View

GATE = (
    rb"%[0-9A-Fa-f]{2}|&#[0-9xX]|&[A-Za-z]{2,8};|\\u\{?[0-9A-Fa-f]{2}|\\U000|\\x[0-9A-Fa-f]{2}|\\[0-7]{3}|U\+[0-9A-Fa-f]{4}"
    rb"|(?:=[0-9A-F]{2}){2}"
)
_ESCAPE = re.compile(
    r"(?P<percent>(?:%[0-9A-Fa-f]{2})+)|(?P<printable>(?:=[0-9A-F]{2}){2,})|&#[xX](?P<hex>[0-9A-Fa-f]{1,6});?|&#(?P<decimal>[0-9]{1,7});?"
    r"|&(?P<entity>[A-Za-z][A-Za-z0-9]{1,30});|\\u\{(?P<brace>[0-9A-Fa-f]{1,6})\}|\\u(?P<u>[0-9A-Fa-f]{4})|\\U(?P<U>[0-9A-Fa-f]{8})"
    r"|(?P<bytes>(?:\\x[0-9A-Fa-f]{2})+)|\\(?P<octal>[0-3][0-7]{2})|U\+(?P<plus>[0-9A-Fa-f]{4,6})[ ,;]?"
)
_BASES = {"hex": 16, "decimal": 10, "brace": 16, "u": 16, "U": 16, "octal": 8, "plus": 16}


def unescape(base: View, limit: int) -> View | None:
    """Return the places with escapes as they read, or None if there are none. Cost: linear in the text, only called on a gate's hit."""
    changes: list[Change] = []
    for match in _ESCAPE.finditer(base.text):
        kind = match.lastgroup or ""
        written = match[kind]
        if kind in _BASES:
            _add(changes, match.start(), match.end(), _character(int(written, _BASES[kind])))
        elif kind == "entity":
            _add(changes, match.start(), match.end(), html5.get(written + ";", ""))
        else:
            _add_bytes(changes, match.start(), written, 4 if kind == "bytes" else 3)
        if len(changes) >= MAX_CHANGES:
            break
    return splice("unescaped", base, changes, limit, is_cut=len(changes) >= MAX_CHANGES)


def _add(changes: list[Change], start: int, end: int, form: str) -> None:
    if form:
        changes.append(Change(start, end, form if form.isprintable() and form.isascii() else fold(form).text))


def _add_bytes(changes: list[Change], start: int, written: str, width: int) -> None:
    written = written[: MAX_CHANGES * width]
    data = bytes.fromhex(written.replace("\\x" if width == 4 else written[0], ""))
    if data.isascii():
        for index, value in enumerate(data):
            _add(changes, start + index * width, start + (index + 1) * width, chr(value))
    else:
        _add(changes, start, start + len(written), data.decode("utf-8", "replace"))


def _character(code: int) -> str:
    return chr(code) if code < 0x110000 else ""
