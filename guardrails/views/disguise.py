"""
Disguised words, read: digits for letters, letters set apart, words turned round, alphabets shifted.

Rules: a view is made only if it says words that the text itself does not; every step is linear in the text.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from functools import partial
from string import ascii_lowercase, ascii_uppercase

from guardrails.views.offsets import LazyOffsets
from guardrails.views.pieces import found_words, translated
from guardrails.views.splice import MAX_CHANGES, Change, splice
from guardrails.views.view import View
from guardrails.views.vocabulary import LONGEST, TELLING, TELLING_TOO, WORDS

LEET_GATE = rb"[A-Za-z@][013457$|]{1,2}[A-Za-z@]|[A-Za-z][013457$]{2}\b|\b[!1|$@][A-Za-z]{2}"
SPACED_GATE = rb"(?:^|[^A-Za-z0-9])(?:[A-Za-z][ ._|*~,:;+/=#>-]{1,5}){4}[A-Za-z](?:$|[^A-Za-z0-9])"

_SIGNS = "013457@$!|896("
_LEET = str.maketrans(_SIGNS, "oieastasilbggc")
_LEET_L = str.maketrans(_SIGNS, "oleastasllbggc")
_LONE = {"4": "a", "@": "a", "1": "i", "0": "o"}
_LITTLE = {word.translate(str.maketrans("oieast", "013457")): word for word in ("to", "it", "is", "as", "at", "so", "test", "state")}
_LEET_WORD = re.compile(r"[A-Za-z0-9@$!|(]{1,24}")
_HAS_BOTH = re.compile(r"[A-Za-z].*[013456789@$!|]|[013456789@$!|].*[A-Za-z]").search
_INSIDE = re.compile(r"[A-Za-z]+[013457$]{1,2}[A-Za-z]+[A-Za-z013457@$!|]*").fullmatch
_MAX_LEET_WORDS = 64
_STARTS = frozenset(word[:3] for word in WORDS)
_LARGE = 64 * 1024
_SPACED = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9](?:[ ._|*~,:;+/=#>\n-]{1,5}[A-Za-z0-9](?![A-Za-z0-9])){4,16000}")
_TOKEN = re.compile("[a-z]+")
_ENOUGH_LETTERS = 7
_NATURAL = frozenset({"dna", "won", "ton", "lla", "emit", "nay", "nub", "yam"})
"""Words that are also something else turned round."""


def plain_digits(base: View) -> View | None:
    """Return the text with letters where digits and signs stand for them, None if that gives no words. Cost: 15 us/KB."""
    words: dict[str, str] = {}
    is_telling = False
    for written in found_words(_LEET_WORD, base.text):
        if written.isalpha() or not _HAS_BOTH(written):
            continue
        plain = _plain_word(written)
        words[written] = plain
        is_telling = is_telling or plain.lower() in WORDS or (len(plain) > 3 and _INSIDE(written) is not None)
    if not is_telling:
        return None
    if len(words) > _MAX_LEET_WORDS or len(base.text) > _LARGE:
        return View("leet", translated(base.text, _LEET), base.offsets, is_disguised=True)
    words.update(_LONE)
    if len(words) > len(_LONE) + 2:
        words.update(_LITTLE)
    text = _LEET_WORD.sub(lambda match: words.get(match[0], match[0]), base.text)
    return View("leet", text, base.offsets, is_disguised=True)


def _plain_word(written: str) -> str:
    plain = written.translate(_LEET)
    if plain.lower() not in WORDS:
        other = written.translate(_LEET_L)
        if other.lower() in WORDS:
            return other
    return plain


def together(base: View, limit: int) -> View | None:
    """Return the places where letters stand apart with the words that they make, None if there are none. Cost: linear."""
    changes: list[Change] = []
    for match in _SPACED.finditer(base.text):
        changes += _joined(match.start(), match[0])
        limit -= len(match[0])
        if len(changes) >= MAX_CHANGES or limit <= 0:
            break
    return splice("spaced", base, changes, len(base.text), is_disguised=True, is_cut=len(changes) >= MAX_CHANGES or limit <= 0)


def _joined(start: int, run: str) -> list[Change]:
    """Return one change for each word of a run; its blanks go with the word before them."""
    pieces = re.findall(r"([A-Za-z0-9])([^A-Za-z0-9]*)", run)
    usual = Counter(gap for _, gap in pieces[:-1]).most_common(1)[0][0]
    changes: list[Change] = []
    at = start
    word = ""
    first = start
    for letter, gap in pieces:
        word += letter
        at += 1 + len(gap)
        if gap != usual:
            signs = "".join(each for each in gap if not each.isspace() and each not in usual)
            changes.append(Change(first, at, " ".join(_divided(word)) + signs + (" " if gap else "")))
            word = ""
            first = at
    if word:
        changes.append(Change(first, at, " ".join(_divided(word))))
    return changes


def _divided(run: str) -> list[str]:
    """Divide letters that ran together into the longest known words, from the left; what is unknown stays in one piece."""
    lower = run.lower()
    if len(run) <= LONGEST and (lower in WORDS or len(run) < 8):
        return [run]
    words: list[str] = []
    unknown = at = 0
    while at < len(run):
        size = 0
        if lower[at : at + 3] in _STARTS or lower[at : at + 2] in _STARTS:
            size = next((size for size in range(min(LONGEST, len(run) - at), 1, -1) if lower[at : at + size] in WORDS), 0)
        if not size:
            at += 1
            continue
        if at > unknown:
            words.append(run[unknown:at])
        words.append(run[at : at + size])
        at = unknown = at + size
    if len(run) > unknown:
        words.append(run[unknown:])
    return words


def _shift(by: int) -> dict[int, int]:
    lower, upper = ascii_lowercase, ascii_uppercase
    return str.maketrans(lower + upper, lower[by:] + lower[:by] + upper[by:] + upper[:by])


_SHIFTS: dict[str, dict[int, int]] = {"rot13": _shift(13), **{f"shift{by}": _shift(by) for by in range(1, 26) if by != 13}}
_SHIFTS["atbash"] = str.maketrans(ascii_lowercase + ascii_uppercase, ascii_lowercase[::-1] + ascii_uppercase[::-1])
_USUAL = ("rot13", "atbash", "shift23")  # the last undoes Caesar's
_SHORT = ("rot13", "atbash")
"""In other disguises than these, words of three letters are too often words."""


def _read_words() -> dict[str, tuple[str, ...]]:
    """Return for every telling word in every disguise the disguises that it can be."""
    found: dict[str, list[str]] = {}
    backwards = {name: {value: key for key, value in table.items()} for name, table in _SHIFTS.items()}
    for word in TELLING | TELLING_TOO:
        names = backwards if len(word) > 3 and word in TELLING else _USUAL if len(word) > 3 else _SHORT
        forms = [(name, word.translate(backwards[name])) for name in names]
        for name, form in [*forms, ("reversed", word[::-1])]:
            if form not in WORDS and form not in _NATURAL:
                found.setdefault(form, []).append(name)
    return {form: tuple(names) for form, names in found.items()}


_DISGUISED_WORDS = _read_words()


def turned_gate() -> bytes:
    """Return an expression for a telling word in one of its disguises."""
    return (r"(?i)\b(?:" + "|".join(sorted(_DISGUISED_WORDS)) + r")\b").encode()


def turned(base: View) -> list[View]:
    """
    Return the text read backwards, word by word backwards, or with its alphabet shifted back, where that says telling words.

    Guarantee: at most four views, each of the text's length. Cost: linear, only called on a gate's hit.
    """
    counts: Counter[str] = Counter()
    for token in set(_TOKEN.findall(base.text.lower())):
        for name in _DISGUISED_WORDS.get(token, ()):
            counts[name] += 2 if len(token) >= _ENOUGH_LETTERS else 1
    views: list[View] = []
    if counts.pop("reversed", 0) >= 2:
        views += (_backwards(base), _words_backwards(base))
    for name, count in counts.most_common(2):
        if count >= 2:
            views.append(View(name, base.text.translate(_SHIFTS[name]), base.offsets, is_disguised=True))
    return views


def _backwards(base: View) -> View:
    offsets = range(len(base.text), -1, -1) if base.offsets is None else base.offsets[::-1]
    return View("reversed", base.text[::-1], offsets, is_disguised=True)


def _words_backwards(base: View) -> View:
    text = " ".join([word[::-1] for word in base.text.split(" ")])
    return View("reversed words", text, LazyOffsets(len(text) + 1, partial(_word_offsets, base)), is_disguised=True)


def _word_offsets(base: View) -> array[int]:
    """Every word stands for itself as a whole: its letters all begin where it begins."""
    offsets = array("L")
    at = 0
    for word in base.text.split(" "):
        offsets.extend([at if base.offsets is None else base.offsets[at]] * len(word))
        at += len(word)
        offsets.append(at if base.offsets is None else base.offsets[at])
        at += 1
    return offsets
