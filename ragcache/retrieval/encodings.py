"""
Which text some bytes are. The rules, the first that fits:

1. a byte order mark says UTF-8, UTF-16 or UTF-32;
2. a zero in two fifths of the even or of the odd bytes says UTF-16 without a mark;
3. zeros, or control characters in more than 2 % of the bytes: not text;
4. UTF-8 that is valid;
5. the encoding that the document or its sender names;
6. UTF-8 with a few broken places (at least ten good sequences for each): broken places become U+FFFD;
7. Windows-1252, and Latin-1 for the five bytes that it leaves open.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

from ragcache.retrieval.errors import UnknownEncoding

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE_BYTES: Final = 64 << 10
_WIDE_SHARE: Final = 0.4
_CONTROL_SHARE: Final = 0.02
_GOOD_FOR_EACH_BROKEN: Final = 10
_CONTROLS: Final = bytes(each for each in range(32) if each not in b"\t\n\r\f\x0b\x1b")
_BEYOND_ASCII: Final = re.compile("[^\x00-\x7f\ufffd]")


def decode(data: bytes, declared: str | None = None) -> tuple[str, str]:
    """Return the text and the name of its encoding. Errors: UnknownEncoding."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return _decode_strictly(data, name), name.removesuffix("-sig")
    wide = _wide_without_mark(data[:_SAMPLE_BYTES])
    if wide is not None:
        return _decode_strictly(data, wide), wide
    _check_is_text(data)
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return _decode_as_declared(data, declared) or _decode_by_guess(data)


def _decode_strictly(data: bytes, name: str) -> str:
    try:
        return data.decode(name)
    except UnicodeDecodeError as error:
        raise UnknownEncoding(
            f"The text begins as {name.upper()} but is not valid from byte {error.start:,} on. Save it as UTF-8."
        ) from error


def _wide_without_mark(sample: bytes) -> str | None:
    if len(sample) < 4:
        return None
    half = len(sample) // 2
    if sample[1::2].count(0) >= _WIDE_SHARE * half and sample[::2].count(0) < _CONTROL_SHARE * half:
        return "utf-16-le"
    if sample[::2].count(0) >= _WIDE_SHARE * half and sample[1::2].count(0) < _CONTROL_SHARE * half:
        return "utf-16-be"
    return None


def _check_is_text(data: bytes) -> None:
    controls = len(data) - len(data.translate(None, _CONTROLS))
    if b"\0" in data[:_SAMPLE_BYTES] or controls > _CONTROL_SHARE * len(data):
        raise UnknownEncoding(
            "The document is not text: it holds zeros or control characters. Send it with its right type, or save it as UTF-8."
        )


def _decode_as_declared(data: bytes, declared: str | None) -> tuple[str, str] | None:
    if not declared:
        return None
    try:
        name = codecs.lookup(declared).name
        text = data.decode("cp1252" if name == "iso8859-1" else name)
    except (LookupError, ValueError, AssertionError):
        return None
    return (text, name) if isinstance(text, str) else None


def _decode_by_guess(data: bytes) -> tuple[str, str]:
    text = data.decode("utf-8", "replace")
    good = sum(1 for _ in _BEYOND_ASCII.finditer(text))
    if good >= _GOOD_FOR_EACH_BROKEN * text.count("\ufffd"):
        return text, "utf-8"
    try:
        return data.decode("cp1252"), "cp1252"
    except UnicodeDecodeError:
        return data.decode("latin-1"), "latin-1"
