"""
Which language a text is written in, and whether a policy wants it.

Rules: a text is only flagged when its language is known; short texts and mixtures are unknown and pass. Names, code and addresses are
left out of the count as far as they show.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from guardrails.detection import Hit, Subject
from guardrails.detectors.language_profiles import LANGUAGES, LETTERS, ONLY_LANGUAGE, SCRIPT_OF, SCRIPTS, WORDS
from guardrails.errors import BadRule
from guardrails.patterns import Pattern

MIN_LETTERS: Final = 20
"""Fewer letters than this are no language. Of scripts whose letters are syllables, half."""

SAMPLE_CHARACTERS: Final = 200
_DENSE: Final = frozenset({"han", "kana", "hangul", "thai"})
_NOISE: Final = re.compile(r"```.*?(?:```|\Z)|`[^`\n]{1,200}`|https?://\S+|\S+@\S+", re.DOTALL)
_WORD: Final = re.compile(r"[\u0900-\u097f]+|[^\W\d_]+")
_HARD_TO_TELL: Final = frozenset(
    {"nb", "da", "id", "ms", "hr", "sl", "cs", "sk", "bg", "mk", "sr", "af", "nl", "be", "uk", "ru", "hi", "mr", "ne", "ca", "es", "pt"}
)
"""Languages that share many frequent words with a neighbour: always looked at twice."""

_TRIGRAM_WEIGHT: Final = 0.012
_TRIGRAM_CHARACTERS: Final = 120
_MIN_WORDS: Final = 4
_MIN_SCORE: Final = 0.25
_TRIGRAMS_FILE: Final = Path(__file__).parent.parent / "learned" / "weights" / "languages.json.gz"


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """
    `allow`: every other known language is flagged; `deny`: these are. One of the two. Codes of ISO 639-1 (`nb` for Norwegian, `zh`).
    `min_letters`: shorter texts are never flagged.
    """

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    min_letters: int = MIN_LETTERS


@dataclass(frozen=True, slots=True)
class LanguageDetector:
    allow: frozenset[str]
    deny: frozenset[str]
    min_letters: int
    patterns: tuple[Pattern, ...] = ()
    is_hit_needed: bool = False

    def inspect(self, subject: Subject, hits: Sequence[Hit]) -> Sequence[Hit]:
        """Return a hit for the text as a whole if its language is not wanted. Cost: 30 us at most, whatever the length."""
        language, score = find_language(subject.main.text, self.min_letters)
        if not language or language in self.allow or (self.deny and language not in self.deny):
            return ()
        return (Hit("LANGUAGE", score=score, reason=f"The text is written in {language!r}.", pattern=language),)


def find_language(text: str, min_letters: int = MIN_LETTERS) -> tuple[str, float]:
    """
    Return the ISO 639-1 code of the language a text is written in and 0.5 to 1 for how sure that is; `("", 0.0)` where it is unknown.

    Cost: reads 200 characters at the beginning, of long texts 100 more in the middle.
    """
    sample = _sample(text)
    script, letters = _script_of(sample)
    if letters < (min_letters // 2 if script in _DENSE else min_letters):
        return "", 0.0
    only = ONLY_LANGUAGE.get(script)
    return (only, 0.95) if only else _language_of_words(sample.lower().replace("’", "'"), script)


def _sample(text: str) -> str:
    if len(text) > 2 * SAMPLE_CHARACTERS:
        middle = len(text) // 2
        text = f"{text[:SAMPLE_CHARACTERS]} {text[middle : middle + SAMPLE_CHARACTERS // 2]}"
    return _NOISE.sub(" ", text) if "`" in text or "http" in text or "@" in text else text


_BEYOND_LATIN: Final = re.compile("[\u0370-\u1dff\u2c00-\ud7ff\uf900-\ufaff\ufb1d-\ufdff\ufe70-\ufefc]")


_LETTER: Final = re.compile(r"[^\W\d_]|[\u0900-\u0dff\u0e00-\u0e7f]")
_COUNTED_LETTERS: Final = 120
_OF_SCRIPT: Final = tuple((name, re.compile(f"[{inside}]")) for name, inside in SCRIPTS)


class _Scripts(dict[str, str]):
    """The script of a letter, found when first asked for. Bounded by what Unicode has."""

    def __missing__(self, letter: str) -> str:
        self[letter] = found = next((name for name, pattern in _OF_SCRIPT if pattern.match(letter)), "")
        return found


_SCRIPT_OF_LETTER: Final = _Scripts()


def _script_of(sample: str) -> tuple[str, int]:
    """The script most letters are of; Japanese is known by its kana among Han."""
    if sample.isascii() or _BEYOND_LATIN.search(sample) is None:
        return "latin", sum(map(len, _WORD.findall(sample)))
    letters = _LETTER.findall(sample)
    counts = Counter(map(_SCRIPT_OF_LETTER.__getitem__, letters[:_COUNTED_LETTERS]))
    if counts["kana"] * 8 > counts["han"]:
        counts["kana"] += counts.pop("han", 0)
    (best, count), *_ = counts.most_common(1) or (("", 0),)
    return (best, len(letters) * count // counts.total()) if best and count * 2 > counts.total() else ("", 0)


Shares = tuple[tuple[str, float], ...]


@cache
def _words() -> dict[str, dict[str, Shares]]:
    """By script, what each word says for which language. Cost: 3 ms, once."""
    owners: dict[str, dict[str, list[str]]] = {}
    for language, words in WORDS.items():
        table = owners.setdefault(SCRIPT_OF.get(language, "latin"), {})
        for word in dict.fromkeys(words.split()):
            table.setdefault(word, []).append(language)
    return {
        script: {word: _shares(languages, 0.6 if len(word) == 1 else 1.0) for word, languages in table.items()}
        for script, table in owners.items()
    }


def _shares(languages: Sequence[str], weight: float) -> Shares:
    return tuple((language, weight / len(languages) ** 0.7) for language in languages)


@cache
def _trigrams() -> dict[str, dict[str, Shares]]:
    """By script, what each trigram says for which language. Cost: 30 ms and 3 MB, once."""
    found: dict[str, dict[str, list[tuple[str, float]]]] = {}
    for language, weights in json.loads(gzip.decompress(_TRIGRAMS_FILE.read_bytes())).items():
        table = found.setdefault(SCRIPT_OF.get(language, "latin"), {})
        for trigram, weight in weights.items():
            table.setdefault(trigram, []).append((language, weight * _TRIGRAM_WEIGHT))
    return {script: {trigram: tuple(shares) for trigram, shares in table.items()} for script, table in found.items()}


def _language_of_words(sample: str, script: str) -> tuple[str, float]:
    """Frequent words first: where they leave no doubt, nothing else is looked at."""
    table = _words().get(script)
    if table is None:
        return "", 0.0
    words = _WORD.findall(sample)
    if len(words) < _MIN_WORDS:
        return "", 0.0
    scores: dict[str, float] = {}
    for word in words:
        if word in table:
            for language, weight in table[word]:
                scores[language] = scores.get(language, 0.0) + weight
    best, score, second = _best_two(scores)
    if score < 0.2 * len(words) or score < 2 * second or best in _HARD_TO_TELL:
        _add_trigrams(scores, words, script)
        _add_letters(scores, sample, script)
        best, score, second = _best_two(scores)
        if score < _MIN_SCORE * len(words) or score < 1.04 * second:
            return "", 0.0
    return best, round(min(1.0, 0.5 + (score - second) / (score + second)), 2)


def _best_two(scores: dict[str, float]) -> tuple[str, float, float]:
    ranked = sorted(scores.items(), key=lambda each: -each[1])[:2]
    if not ranked:
        return "", 0.0, 0.0
    return ranked[0][0], ranked[0][1], ranked[1][1] if len(ranked) > 1 else 0.0


def _add_trigrams(scores: dict[str, float], words: Sequence[str], script: str) -> None:
    table = _trigrams().get(script)
    if table is None:
        return
    text = f" {' '.join(words)[:_TRIGRAM_CHARACTERS]} "
    for index in range(len(text) - 2):
        for language, weight in table.get(text[index : index + 3], ()):
            scores[language] = scores.get(language, 0.0) + weight


@cache
def _letters() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for language, letters in LETTERS.items():
        for letter in letters:
            found.setdefault(letter, []).append(language)
    return {letter: tuple(languages) for letter, languages in found.items()}


def _add_letters(scores: dict[str, float], sample: str, script: str) -> None:
    if sample.isascii():
        return
    letters = _letters()
    for letter in set(sample):
        for language in letters.get(letter, ()):
            if SCRIPT_OF.get(language, "latin") == script:
                scores[language] = scores.get(language, 0.0) + 0.8 / len(letters[letter]) ** 0.5


def build(parameters: Parameters) -> LanguageDetector:
    """Errors: BadRule for no list, both lists, or a code that is not known."""
    if bool(parameters.allow) == bool(parameters.deny):
        raise BadRule("Detector 'language' takes either 'allow' or 'deny'.")
    for code in (*parameters.allow, *parameters.deny):
        if code not in LANGUAGES:
            raise BadRule(f"Language {code!r} is not known. Known are: {', '.join(LANGUAGES)}.")
    if parameters.min_letters < 10:
        raise BadRule("'min_letters' is at least 10: shorter texts have no language that shows.")
    return LanguageDetector(frozenset(parameters.allow), frozenset(parameters.deny), parameters.min_letters)
