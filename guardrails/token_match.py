"""
Recognises a vault's tokens however a model wrote them, in a text that may still go on.

Rules: only letters and digits identify a token; between two of them may stand a little noise (spaces, separators, escapes, entities,
emphasis, invisible characters). A decision is made when no further text could change it; until then the answer is `UNDECIDED`. It knows
no values.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from unicodedata import normalize

LONGEST = 256
"""A token with its noise is not longer. Units: characters."""

_LONGEST_NOISE = 8
_LONGEST_TAIL_NOISE = 4

_INVISIBLE = (
    "\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064\ufeff\ufe0e\ufe0f"
)
_SPACES = " \t\n\r\u00a0\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_SEPARATORS = "_-‐‑‒–—−＿－﹣·.:#~*`\\"
_NOISE = frozenset(_INVISIBLE + _SPACES + _SEPARATORS + "\u2066\u2067\u2068\u2069")
_FOLD = {chr(base + index): chr(97 + index) for base in (65, 0xFF21, 0xFF41) for index in range(26)} | {
    chr(0xFF10 + index): chr(48 + index) for index in range(10)
}
"""Capital and full-width letters and digits, written plainly."""

_ENTITY = re.compile(
    r"&(?:#0{0,4}(?:32|45|92|95|96|42|160|173|820[3-9])|#x0{0,4}(?:20|2d|5c|5f|60|2a|a0|ad|200[b-f])"
    r"|lowbar|underbar|nbsp|shy|zwnj|zwj|dash|hyphen|bsol|ast|grave|zerowidthspace);"
    r"|\\u(?:0020|002d|005f|00a0|00ad|200[b-f]|2060|feff)|%(?:20|2d|5f)",
    re.IGNORECASE,
)
_OPENER = re.compile(r"\\{0,2}[\[［【⟦]|&(?:#0{0,4}91|#x0{0,4}5b|lbrack|lsqb);|\\u005b|%5b", re.IGNORECASE)
_CLOSER = re.compile(r"\\{0,2}[\]］】⟧]|&(?:#0{0,4}93|#x0{0,4}5d|rbrack|rsqb);|\\u005d|%5d", re.IGNORECASE)
_ESCAPE_BEGUN = re.compile(r"(?:&(?:#?[0-9A-Za-z]{0,14})?|\\{1,2}(?:u[0-9A-Fa-f]{0,3})?|%[0-9A-Fa-f]?)\Z")


class _Undecided:
    """More text is needed."""


UNDECIDED: Final = _Undecided()


@dataclass(slots=True, eq=False)
class Node:
    """
    One letter or digit on the way to a token. `key`: a token ends here. `is_label_end`: what was read is a label, which a model may
    put into the plural.
    """

    children: dict[str, Node] = field(default_factory=dict)
    key: str | None = None
    is_label_end: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """
    A token: `[start, end)` is what its value takes the place of. `suffix` is text that stood inside its brackets: `'s`. `is_bare`:
    no bracket closed it.
    """

    start: int
    end: int
    key: str
    suffix: str = ""
    is_bare: bool = False


def add_key(root: Node, key: str, label: str) -> None:
    """Make the token with these letters and digits known. `key` begins with `label`; both are lower case."""
    node = root
    for index, letter in enumerate(key, start=1):
        node = node.children.setdefault(letter, Node())
        if index == len(label):
            node.is_label_end = True
    node.key = key


def fold_text(text: str) -> str:
    """Return the letters and digits of a text, lower case, styled ones written plainly: no token hides in a text whose fold lacks it."""
    return re.sub(r"[^a-z0-9]+", "", (text if text.isascii() else normalize("NFKC", text)).lower())


@lru_cache(maxsize=256)
def _starts(pairs: tuple[tuple[str, str], ...]) -> re.Pattern[str]:
    """
    Return what finds the places worth a closer look: the first two letters of a token, with noise between them, or the text's end there.

    `pairs` are first letters and all that may come second. It may find too much, never too little.
    """
    if not pairs:
        return re.compile(r"(?!)")
    noise = f"[{re.escape(''.join(sorted(_NOISE)))}]{{0,{_LONGEST_NOISE}}}+"
    first = _written("".join(first for first, _ in pairs))
    second = _written("".join(sorted({letter for _, seconds in pairs for letter in seconds})))
    begun = f"[{first}](?={noise}(?:[&%{second}]|\\Z))"
    return re.compile(
        rf"(?<![A-Za-z0-9]){begun}|[\[［【⟦](?={noise}(?:{begun}|[&%]|\Z))"
        r"|\\(?=\\?(?:[\[［【⟦]|\Z)|u00|u0?\Z)|&(?=[#lL]|\Z)|%(?=5|\Z)",
    )


def _written(letters: str) -> str:
    return letters + "".join(written for written, plain in _FOLD.items() if plain in letters)


class Matcher:
    """Finds the tokens of one trie, which must not grow afterwards."""

    __slots__ = ("_root", "_starts")

    def __init__(self, root: Node) -> None:
        self._root = root
        self._starts = _starts(tuple(sorted((first, _seconds(node)) for first, node in root.children.items())))

    def next_start(self, text: str, at: int) -> int:
        """Return where a token might begin, from `at` on; -1 for nowhere."""
        match = self._starts.search(text, at)
        return -1 if match is None else match.start()

    def match(self, text: str, start: int, *, is_end: bool) -> Found | _Undecided | None:
        """Return the token that begins at `start`. `is_end`: no text follows."""
        opener = _OPENER.match(text, start)
        at = start
        if opener is not None:
            at = opener.end()
        elif not is_end and _ESCAPE_BEGUN.match(text, start):
            return UNDECIDED
        core = self._match_core(text, at, start, is_end)
        if core is None or isinstance(core, _Undecided):
            return core
        if opener is None:
            return _after_bare(text, start, core, is_end)
        inside = _after_inside(text, start, core, is_end)
        if inside is not None:
            return inside
        bare = _after_bare(text, start, core, is_end)
        # A list in brackets keeps its bracket: `[EMAIL_1_x, EMAIL_2_x]`.
        if isinstance(bare, Found) and text[bare.end : bare.end + 1] in (",", ";"):
            return Found(at, bare.end, bare.key, is_bare=True)
        return bare

    def _match_core(self, text: str, at: int, start: int, is_end: bool) -> tuple[int, str] | _Undecided | None:
        node, noise, size = self._root, 0, len(text)
        while at < size:
            letter = text[at]
            letter = _FOLD.get(letter, letter)
            child = node.children.get(letter)
            if child is not None:
                node, noise = child, 0
                at += 1
                if node.key is not None:
                    return at, node.key
                continue
            if noise >= _LONGEST_NOISE or at - start >= LONGEST or (node is self._root and at == start):
                return None
            noise += 1
            if letter == "s" and node.is_label_end:
                at += 1
                continue
            step = _step_over_noise(text, at, is_end)
            if step is None or isinstance(step, _Undecided):
                return step
            at = step
        return None if is_end else UNDECIDED


def _seconds(node: Node) -> str:
    return "".join(sorted({*node.children, "s"} if node.is_label_end else node.children))


def _step_over_noise(text: str, at: int, is_end: bool) -> int | _Undecided | None:
    """Return where the piece of noise at `at` ends; None where there is none."""
    letter = text[at]
    if letter in "&\\%":
        entity = _ENTITY.match(text, at)
        if entity is not None:
            return entity.end()
        if not is_end and _ESCAPE_BEGUN.match(text, at):
            return UNDECIDED
    return at + 1 if letter in _NOISE else None


def _skip_noise(text: str, at: int, is_end: bool) -> int | _Undecided:
    for _ in range(_LONGEST_TAIL_NOISE):
        if at >= len(text):
            break
        step = _step_over_noise(text, at, is_end)
        if step is None:
            return at
        if isinstance(step, _Undecided):
            return step
        at = step
    return at if is_end or at < len(text) else UNDECIDED


def _after_inside(text: str, start: int, core: tuple[int, str], is_end: bool) -> Found | _Undecided | None:
    """Look for what closes a token that was opened, behind a plural or possessive if there is one."""
    at = _skip_noise(text, core[0], is_end)
    if isinstance(at, _Undecided):
        return at
    suffix = ""
    if text[at : at + 1] in ("'", "’") and text[at + 1 : at + 2] in ("s", "S", ""):
        if at + 1 >= len(text) and not is_end:
            return UNDECIDED
        suffix = text[at : at + 2]
    elif text[at : at + 1] in ("s", "S"):
        suffix = text[at]
    if suffix:
        after = _skip_noise(text, at + len(suffix), is_end)
        if isinstance(after, _Undecided):
            return after
        at = after
    closer = _CLOSER.match(text, at)
    if closer is not None:
        return Found(start, closer.end(), core[1], suffix)
    return UNDECIDED if not is_end and _ESCAPE_BEGUN.match(text, at) else None


def _after_bare(text: str, start: int, core: tuple[int, str], is_end: bool) -> Found | _Undecided | None:
    """See that a token without brackets ends where it ends: `...k3f9zta` is none, the plural `...k3f9zts` is one."""
    at = core[0]
    behind = text[at : at + 2]
    if not is_end and (not behind or behind in ("s", "S") or _ESCAPE_BEGUN.match(text, at)):
        return UNDECIDED
    is_plural = behind[:1] in ("s", "S") and not _is_letter(behind[1:])
    if _is_letter(behind[:1]) and not is_plural:
        return None
    return Found(start, at, core[1], is_bare=True)


def _is_letter(character: str) -> bool:
    return character.isascii() and character.isalnum()


def orphan_closer(text: str, at: int) -> int:
    """Return where a closing bracket at `at` ends; `at` if there is none."""
    closer = _CLOSER.match(text, at)
    return at if closer is None else closer.end()
