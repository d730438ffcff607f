"""
Encoded runs, read: base64, base32, hex, binary, decimal character codes, Morse.

Rules: a run counts if it reads as text. What it says stands for the whole run.
"""

from __future__ import annotations

import binascii
import re
from base64 import b32decode
from collections.abc import Iterator
from itertools import islice

import re2

from guardrails.views.fold import fold
from guardrails.views.splice import Builder
from guardrails.views.view import View

GATE = (
    rb"[A-Za-z0-9+/_-]{16}|(?:[0-9A-Fa-f]{2}[ :,]){7}|(?:[01]{8}[ ,]){3}|(?:0[xX][0-9A-Fa-f]{2}[ ,;]{0,2}){6}"
    rb"|(?:[0-9]{2,3}[ ,;]{1,2}){7}|(?:[.\-]{1,5}[ /|]{1,3}){5}"
)
_LETTERS = rb"[A-Za-z0-9+/_-]"
_RUN = re2.compile(
    rb"(?:0[xX])?[0-9A-Fa-f]{2}(?:[ :,;]{0,2}(?:0[xX])?[0-9A-Fa-f]{2}){7,}\b|(?:\b[0-9]{2,3}[ ,;]{1,2}){7,}[0-9]{2,3}\b"
    rb"|(?:" + _LETTERS + rb"{60,}\r?\n)+" + _LETTERS + rb"{2,}={0,2}|" + _LETTERS + rb"{16,}={0,2}"
    rb"|(?:[.\-]{1,5}[ /|]{1,3}){5,}[.\-]{1,5}"
)
"""Without groups: with them RE2 leaves its automaton and takes 200 ms for a megabyte."""

_PIECE = re.compile(r"[A-Za-z0-9]{16,}={0,2}")
_HEX_PAIR = re.compile("(?:0[xX])?([0-9A-Fa-f]{2})")
_MIN_PRINTABLE = 0.85
_MIN_WORDLIKE = 0.6
_PRINTABLE = bytes([9, 10, 13, *range(32, 127)])
_WORDLIKE = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 @.,-"
_UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffd]")
_MORSE_CODES = (
    ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --.. "
    "----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----. .-.-.- --..-- ..--.."
)
_MORSE = dict(zip(_MORSE_CODES.split(), "abcdefghijklmnopqrstuvwxyz0123456789.,?", strict=True))
_MAX_RUNS = 20_000
_MAX_PIECES = 8
_MAX_RUN = 256 * 1024
"""Of a longer run the beginning is read: it says more than all views together may."""


def decode_runs(base: View, limit: int, name: str = "decoded") -> View | None:
    """
    Return what the encoded runs of a view say, one after the other, at most `limit` characters; None if none reads as text.

    Cost: 2 us/KB and 3 us a run; linear.
    """
    builder = Builder(base)
    ended = 0
    is_cut = False
    for count, (start, end) in enumerate(_find(base)):
        if count >= _MAX_RUNS or builder.length >= limit:
            is_cut = True
            break
        at, end, said = _read(base.text, start, end)
        if said is None:
            continue
        builder.part(ended)
        is_cut = is_cut or len(said) > limit - builder.length or end - start > _MAX_RUN
        builder.put(at, fold(said[: limit - builder.length]).text)
        ended = end
    return builder.view(name, ended, is_decoded=True, is_cut=is_cut) if builder.length or is_cut else None


def _read(text: str, start: int, end: int) -> tuple[int, int, str | None]:
    """Return what a run says and where it truly lies: its last line, or its first word, may be of the text around it."""
    if end - start > _MAX_RUN:
        return start, end, _decode(text[start : start + _MAX_RUN])
    said = _decode(text[start:end])
    if said is not None and _UNPRINTABLE.search(said) is None:
        return start, end, said
    last = text.rfind("\n", start, end)
    for first, stop in ((start, last), *(piece.span() for piece in islice(_PIECE.finditer(text, start, end), _MAX_PIECES))):
        other = _decode(text[first:stop]) if stop - first >= 16 and stop - first < end - start else None
        if other is not None:
            return first, stop, other
    return start, end, said


def _find(base: View) -> Iterator[tuple[int, int]]:
    for match in _RUN.finditer(base.data):
        yield base.span_of_bytes(*match.span())


def _decode(run: str) -> str | None:
    head = run[:64]
    if not head.strip(".- /|"):
        return _morse(run)
    if not head.strip("0123456789abcdefABCDEFxX :,;"):
        said = _digits(run)
        if said is not None:
            return said
        if not head.strip("0123456789 ,;") and not head.isdigit():
            return _decimal(run)
    return _base64(run)


def _readable(data: bytes) -> str | None:
    """Return the text that some bytes are, None if they are something else."""
    if len(data) < 6:
        return None
    if data.count(0) * 3 > len(data):
        data = data.replace(b"\0", b"")  # UTF-16 of Latin letters
    try:
        text = data.decode()
    except UnicodeDecodeError:
        if len(data.translate(None, _PRINTABLE)) > len(data) * (1 - _MIN_PRINTABLE):
            return None
        text = data.decode("utf-8", "replace")
    if not text.isprintable() and len(_UNPRINTABLE.findall(text)) > len(text) * (1 - _MIN_PRINTABLE):
        return None
    if text.isascii() and len(data.translate(None, _WORDLIKE)) > len(data) * (1 - _MIN_WORDLIKE):
        return None
    return text


def _digits(run: str) -> str | None:
    """Read pairs of hex digits, or bits."""
    bits = run.replace(" ", "").replace(",", "")
    if len(bits) % 8 == 0 and len(bits) >= 48 and not bits.strip("01"):
        said = _readable(bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)))
        if said is not None:
            return said
    digits = run if run.isalnum() and "x" not in run and "X" not in run else "".join(_HEX_PAIR.findall(run))
    try:
        return _readable(bytes.fromhex(digits[: len(digits) // 2 * 2]))
    except ValueError:
        return None


def _decimal(run: str) -> str | None:
    codes = [int(each) for each in re.findall("[0-9]+", run)]
    if any(not 32 <= code < 127 for code in codes):
        return None
    text = "".join(map(chr, codes))
    return text if sum(each.isalpha() or each == " " for each in text) >= 0.8 * len(text) else None


def _base64(run: str) -> str | None:
    run = run.replace("\r", "").replace("\n", "")
    if not run.strip("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567="):
        said = _base32(run)
        if said is not None:
            return said
    run = run.rstrip("=").replace("-", "+").replace("_", "/")
    if len(run) % 4 == 1:
        run = run[:-1]
    try:
        return _readable(binascii.a2b_base64(run + "=" * (-len(run) % 4)))
    except binascii.Error:
        return None


def _base32(run: str) -> str | None:
    run = run.rstrip("=")
    run = run[: len(run) - {1: 1, 3: 1, 6: 1}.get(len(run) % 8, 0)]
    try:
        return _readable(b32decode(run + "=" * (-len(run) % 8)))
    except binascii.Error:
        return None


def _morse(run: str) -> str | None:
    letters: list[str] = []
    groups = 0
    for group in re.findall(r"[.\-]+|[/|]|\s{2,}", run):
        if group[0] in ".-":
            groups += 1
            letters.append(_MORSE.get(group, ""))
        elif letters and letters[-1] != " ":
            letters.append(" ")
    text = "".join(letters)
    return text if len(text.replace(" ", "")) >= _MIN_PRINTABLE * groups and len(set(text)) > 3 else None
