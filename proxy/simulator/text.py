"""Tokens and prose: a fair tokenizer, and answers that follow from the prompt alone. No I/O, nothing random."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import TypeVar

from proxy.simulator.corpus import CLOSINGS, OPENINGS, SENTENCES, STEPS, STOP_WORDS, THOUGHTS

_T = TypeVar("_T")

# A word with the space before it, three digits, one sign, one character of a script without spaces: close to what GPT tokenizers do.
_TOKEN = re.compile(r" ?[^\W\d_\u2e80-\u9fff\uac00-\ud7af]{1,10}| ?\d{1,3}|[\u2e80-\u9fff\uac00-\ud7af]| ?[^\w\s]|_|\s+|\w")
_SAMPLE_CHARS = 20_000
_KEPT_CHARS = 4_000
_ECHO = re.compile(r"\s*(?:please\s+)?(?:repeat(?:\s+after\s+me|\s+this)?|echo|say(?:\s+exactly)?)\s*:\s*(.+)", re.DOTALL | re.IGNORECASE)
_LENGTH = re.compile(r"\b(\d{1,4})[\s-]+(?:words?|tokens?)\b", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z][A-Za-z-]{2,24}")
_MAX_ANSWER_TOKENS = 8192


class Dice:
    """A small generator whose throws follow from its seed, on every machine and in every version of Python."""

    __slots__ = ("_state",)

    def __init__(self, seed: str) -> None:
        self._state = int.from_bytes(blake2b(seed.encode(), digest_size=8).digest(), "big")

    def below(self, limit: int) -> int:
        """Return a number from 0 to `limit - 1`."""
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) & 0xFFFF_FFFF_FFFF_FFFF
        return (self._state >> 33) % limit

    def pick(self, choices: Sequence[_T]) -> _T:
        return choices[self.below(len(choices))]


def split_tokens(text: str) -> list[str]:
    """
    Cut `text` into its tokens.

    Guarantee: joined again they are `text`.
    """
    return _TOKEN.findall(text)


def count_tokens(text: str) -> int:
    """
    Return about how many tokens `text` has.

    Guarantee: exactly `len(split_tokens(text))` up to 20,000 characters.
    Cost: bounded; a longer text is judged by its first 20,000 characters, so that a huge body does not stop the event loop.
    """
    sample = text[:_SAMPLE_CHARS]
    counted = len(_TOKEN.findall(sample))
    return counted if len(sample) == len(text) else counted * len(text) // len(sample)


def write_tokens(prompt: str, question: str, variant: int = 0) -> tuple[str, ...]:
    """
    Write the answer to `question`, the last thing said in `prompt`, token by token; another `variant` is another answer.

    "Repeat: X" is answered with X, and "in 200 words" sets the length; otherwise it has 20 to 240 tokens, most often few.
    Guarantee: the same arguments give the same tokens.
    Cost: nothing for one of the last 1024 short prompts; long ones are not kept, or they would fill the memory.
    """
    write = _write_again if len(prompt) + len(question) <= _KEPT_CHARS else _write_tokens
    return write(prompt, question, variant)


def _write_tokens(prompt: str, question: str, variant: int) -> tuple[str, ...]:
    return tuple(split_tokens(_write_text(prompt, question, variant)))


_write_again = lru_cache(maxsize=1024)(_write_tokens)


def _write_text(prompt: str, question: str, variant: int) -> str:
    echo = _ECHO.fullmatch(question)
    if echo is not None:
        return echo[1].strip()
    dice = Dice(f"{variant}:{prompt}")
    target = _target_tokens(question, dice)
    parts = [dice.pick(OPENINGS).format(topic=find_topic(question))]
    if dice.below(3) == 0 and target > 90:
        parts.append(_write_steps(dice))
    _add_sentences(parts, target, dice)
    parts.append(dice.pick(CLOSINGS))
    return " ".join(parts).replace("\n ", "\n").replace(" \n", "\n")


def write_thought(prompt: str, question: str, token_count: int, variant: int = 0) -> tuple[str, ...]:
    """Return exactly `token_count` tokens of what a model thinks before it answers; the same arguments give the same tokens."""
    dice = Dice(f"thought:{variant}:{prompt}")
    tokens = split_tokens(dice.pick(THOUGHTS).format(topic=find_topic(question)))
    while len(tokens) < token_count:
        tokens += split_tokens(" " + dice.pick(SENTENCES))
    return tuple(tokens[:token_count])


def find_topic(question: str) -> str:
    """Return the two or three words that a question is about; words only, so that no number or address comes back by accident."""
    words = [word for word in _WORD.findall(question[:2000]) if word.lower() not in STOP_WORDS]
    return " ".join(words[:3]).lower() or "this question"


def _target_tokens(question: str, dice: Dice) -> int:
    asked = _LENGTH.search(question)
    if asked is not None:
        return min(int(asked[1]) * 6 // 5, _MAX_ANSWER_TOKENS)
    share = dice.below(1000) / 1000
    return 20 + int(220 * share * share)


def _write_steps(dice: Dice) -> str:
    first = dice.below(len(STEPS))
    steps = [STEPS[(first + n) % len(STEPS)] for n in range(3 + dice.below(3))]
    return "\n\n" + "\n".join(f"{n}. {step}" for n, step in enumerate(steps, 1)) + "\n\n"


def _add_sentences(parts: list[str], target: int, dice: Dice) -> None:
    # A stride that shares no factor with the number of sentences visits each of them before any comes again.
    at, stride = dice.below(len(SENTENCES)), dice.pick((7, 11, 13, 17, 19, 23))
    written = count_tokens(" ".join(parts))
    while written < target:
        sentence = SENTENCES[at % len(SENTENCES)]
        parts.append(sentence)
        written += count_tokens(sentence)
        at += stride
