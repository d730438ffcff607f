"""How sure the model says that it was of each token, in the shapes of OpenAI's endpoints; nothing random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from proxy.simulator.text import Dice

_OTHER_TOKENS = ("The", " the", " a", " an", " it", ",", ".", " is", " of", " to", " and", " in", " for", " that", " on", " as", " with")
MAX_TOP = 20


@dataclass(frozen=True, slots=True)
class Scored:
    """
    One token that was written, and the likeliest tokens at its place, the best first; it is the first of them.

    Units: natural logarithms of probabilities, at most 0.
    """

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...]


def score(pieces: Sequence[str], top_count: int) -> tuple[Scored, ...]:
    """Score each piece, with `top_count` tokens at its place; the same pieces get the same scores."""
    dice = Dice("".join(pieces)[:1000])
    return tuple(_score(piece, top_count, dice) for piece in pieces)


def _score(piece: str, top_count: int, dice: Dice) -> Scored:
    logprob = -dice.below(4000) / 10_000
    top, worse = [(piece, logprob)], logprob - 1.0
    first = dice.below(len(_OTHER_TOKENS))
    for n in range(len(_OTHER_TOKENS) + MAX_TOP):
        if len(top) >= top_count:
            break
        # Some places have more wanted than there are words: the last ones are then numbers.
        other = _OTHER_TOKENS[(first + n) % len(_OTHER_TOKENS)] if n < len(_OTHER_TOKENS) else f" {n}"
        worse -= (1 + dice.below(5000)) / 10_000
        if other != piece:
            top.append((other, round(worse, 4)))
    return Scored(piece, logprob, tuple(top[:top_count]))


def as_openai(scored: Scored) -> dict[str, Any]:
    """Return one entry as chat completions and Responses write it."""
    return _entry(scored.token, scored.logprob) | {"top_logprobs": [_entry(token, logprob) for token, logprob in scored.top]}


def _entry(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode())}


def as_legacy(scored: Sequence[Scored], offset: int = 0) -> dict[str, Any]:
    """Return the four parallel lists of the legacy completions; `offset` is where in the text the first token begins."""
    offsets = []
    for each in scored:
        offsets.append(offset)
        offset += len(each.token)
    return {
        "tokens": [each.token for each in scored],
        "token_logprobs": [each.logprob for each in scored],
        "top_logprobs": [dict(each.top) for each in scored] if any(each.top for each in scored) else None,
        "text_offset": offsets,
    }
