"""
Ways in which people disguise a text so that rules miss it and a model still reads it: for tests, and to measure a policy with.

Rules: every transform is pure and deterministic, and changes any text that holds ASCII letters.
"""

from __future__ import annotations

import base64
import codecs
from collections.abc import Callable, Mapping
from itertools import cycle
from types import MappingProxyType

_CYRILLIC = str.maketrans("aceopxyijsABCEHKMOPTXS", "асеорхуіјѕАВСЕНКМОРТХЅ")
_GREEK = str.maketrans("oviaABEHIKMNOPTXZ", "ονιαΑΒΕΗΙΚΜΝΟΡΤΧΖ")
_LEET = str.maketrans("oieastOIEAST", "013457013457")
_LEET_SIGNS = str.maketrans("aoseiAOSEI", "@0$3!@0$3!")
_ATBASH = str.maketrans("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "zyxwvutsrqponmlkjihgfedcbaZYXWVUTSRQPONMLKJIHGFEDCBA")
_SHIFT = str.maketrans("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "defghijklmnopqrstuvwxyzabcDEFGHIJKLMNOPQRSTUVWXYZABC")
_ACCENTS = str.maketrans("aeioucnyAEIOU", "àéïôùçñýÀÉÏÔÙ")
_SMALL_CAPITALS = str.maketrans("abcdefghijklmnopqrstuvwyz", "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢ")
_MORSE_CODES = (
    ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --.. "
    "----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----."
)
_MORSE = dict(zip("abcdefghijklmnopqrstuvwxyz0123456789", _MORSE_CODES.split(), strict=True))


def _between(sign: str) -> Callable[[str], str]:
    """Put a sign between the letters of every word."""
    return lambda text: " ".join(sign.join(word) for word in text.split(" "))


def _after_letters(signs: str) -> Callable[[str], str]:
    """Put one of some signs after every letter."""

    def transform(text: str) -> str:
        following = cycle(signs)
        return "".join(each + next(following) if each.isalnum() else each for each in text)

    return transform


def _alphabet(capital: int, small: int) -> Callable[[str], str]:
    """Move letters to an alphabet that begins at these code points."""

    def letter(each: str) -> str:
        if "a" <= each <= "z":
            return chr(small + ord(each) - 97)
        return chr(capital + ord(each) - 65) if "A" <= each <= "Z" else each

    return lambda text: "".join(map(letter, text))


def _tags(text: str) -> str:
    return "".join(chr(0xE0000 + ord(each)) if " " <= each <= "~" else each for each in text)


def _fullwidth(text: str) -> str:
    return "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else "\u3000" if each == " " else each for each in text)


def _morse(text: str) -> str:
    return " / ".join(" ".join(_MORSE[each] for each in word if each in _MORSE) for word in text.lower().split())


def _mixed_case(text: str) -> str:
    return "".join(each.upper() if index % 2 else each.lower() for index, each in enumerate(text))


def _of_bytes(form: str, gap: str = "") -> Callable[[str], str]:
    return lambda text: gap.join(form.format(each) for each in text.encode())


def _of_characters(form: str) -> Callable[[str], str]:
    return lambda text: "".join(form.format(ord(each)) for each in text)


def _encoded(encode: Callable[[bytes], bytes]) -> Callable[[str], str]:
    return lambda text: encode(text.encode()).decode("ascii")


EVASIONS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "zero_width": _between("\u200b"),
        "zero_width_mixed": _after_letters("\u200b\u200c\u200d\u2060\ufeff"),
        "soft_hyphen": _between("\u00ad"),
        "bidi_marks": _between("\u200e"),
        "bidi_override": lambda text: f"\u202e{text[::-1]}\u202c",
        "tags": _tags,
        "variation_selectors": _after_letters("\ufe0f"),
        "homoglyphs": lambda text: text.translate(_CYRILLIC),
        "homoglyphs_greek": lambda text: text.translate(_GREEK),
        "fullwidth": _fullwidth,
        "math_bold": _alphabet(0x1D400, 0x1D41A),
        "math_script": _alphabet(0x1D4D0, 0x1D4EA),
        "circled": _alphabet(0x24B6, 0x24D0),
        "squared": lambda text: _alphabet(0x1F130, 0x1F130)(text.upper()),
        "small_capitals": lambda text: text.lower().translate(_SMALL_CAPITALS),
        "combining_marks": _after_letters("\u0301\u0336\u0308"),
        "accents": lambda text: text.translate(_ACCENTS),
        "mixed_case": _mixed_case,
        "leet": lambda text: text.translate(_LEET),
        "leet_signs": lambda text: text.translate(_LEET_SIGNS),
        "spaced": lambda text: " ".join(text),
        "dotted": _between("."),
        "dashed": _between("-"),
        "reversed": lambda text: text[::-1],
        "reversed_words": lambda text: " ".join(word[::-1] for word in text.split(" ")),
        "rot13": lambda text: codecs.encode(text, "rot13"),
        "caesar": lambda text: text.translate(_SHIFT),
        "atbash": lambda text: text.translate(_ATBASH),
        "base64": _encoded(base64.b64encode),
        "base64_twice": lambda text: base64.b64encode(base64.b64encode(text.encode())).decode("ascii"),
        "base32": _encoded(base64.b32encode),
        "hex": lambda text: text.encode().hex(),
        "hex_spaced": lambda text: text.encode().hex(" "),
        "binary": _of_bytes("{:08b}", " "),
        "decimal_codes": _of_bytes("{:d}", " "),
        "url": _of_bytes("%{:02X}"),
        "html_entities": _of_characters("&#{:d};"),
        "html_entities_hex": _of_characters("&#x{:x};"),
        "unicode_escapes": _of_characters("\\u{:04x}"),
        "hex_escapes": _of_bytes("\\x{:02x}"),
        "morse": _morse,
    }
)
"""What each of them does to a text, by its name."""
