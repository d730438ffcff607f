"""
Pairs of conversations: may the answer to the last question of one be given in the other?

Made from conversations of two turns. Those that may share an answer ask the same in other words; traps have the same last question, word
for word,
after something else: another first question, another number or name in it, or another answer of the assistant.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ragcache.semantic.turns import Turn

_REWORDINGS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"^What is (.+)\?$"), r"Can you tell me what \1 is?"),
    (re.compile(r"^What are (.+)\?$"), r"Tell me what \1 are."),
    (re.compile(r"^What (?:was|were) (.+)\?$"), r"Could you tell me what \1 was?"),
    (re.compile(r"^(?:Can|Could) you (explain|describe|tell me|discuss) (.+)\?$"), r"Please \1 \2."),
    (re.compile(r"^Explain (.+)\.$"), r"Can you explain \1?"),
    (re.compile(r"^Describe (.+)\.$"), r"Could you describe \1?"),
    (re.compile(r"^How do(?:es)? (.+)\?$"), r"Can you explain how \1?"),
    (re.compile(r"^(How|Why|When|Where|Who|Which) (.+)\?$"), r"Could you tell me: \1 \2?"),
)


@dataclass(frozen=True, slots=True)
class Chat:
    """Two conversations, the last turn of each being the question. `label` 1: one answer serves both."""

    a: tuple[Turn, ...]
    b: tuple[Turn, ...]
    label: int
    kind: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question, its answer, and the question behind it."""

    first: str
    answer: str
    follow_up: str


def make_chats(
    exchanges: Iterable[Exchange],
    paraphrases: Sequence[tuple[str, str]],
    change: Callable[[str], str | None],
    *,
    seed: int = 0,
) -> tuple[Chat, ...]:
    """
    Return chats of each kind: `reworded`, `paraphrased` (may share), `other question`, `other detail`, `other answer`, `other
    follow-up` (must not).

    `paraphrases` are pairs of first questions that people asked in two ways; `change` puts another number or name into a text, None where
    there is none. A given seed makes the same chats.
    """
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    exchanges = tuple(dict.fromkeys(exchanges))
    chats: list[Chat] = []
    pairs = list(paraphrases)
    rng.shuffle(pairs)
    for number, each in enumerate(exchanges):
        other = rng.choice(exchanges)
        base = _turns(each.first, each.answer, each.follow_up)
        reworded = _turns(reword(each.first), each.answer, reword(each.follow_up))
        if reworded != base:
            chats.append(Chat(base, reworded, 1, "reworded"))
        if number < len(pairs):
            a, b = pairs[number]
            chats.append(Chat(_turns(a, each.answer, each.follow_up), _turns(b, each.answer, reword(each.follow_up)), 1, "paraphrased"))
        if other.first != each.first:
            chats.append(Chat(base, _turns(other.first, other.answer, each.follow_up), 0, "other question"))
        if other.follow_up != each.follow_up:
            chats.append(Chat(base, _turns(each.first, each.answer, other.follow_up), 0, "other follow-up"))
        if (answer := change(each.answer)) is not None:
            chats.append(Chat(base, _turns(each.first, answer, each.follow_up), 0, "other answer"))
        if (first := change(each.first)) is not None:
            chats.append(Chat(base, _turns(first, each.answer, each.follow_up), 0, "other detail"))
    return tuple(chats)


def reword(question: str) -> str:
    """Return the question in another frame, itself where none is known."""
    for pattern, frame in _REWORDINGS:
        if pattern.search(question):
            return pattern.sub(frame, question)
    return question


def _turns(first: str, answer: str, follow_up: str) -> tuple[Turn, ...]:
    return (Turn(first, True), Turn(answer, False), Turn(follow_up, True))
