"""
How much a request or an answer may hold: characters, estimated tokens, messages.

Rules: no tokenizer; where a provider's count is known it wins. A limit of None does not bind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from guardrails.detection import Facts, Hit, PlacedHit, TextUnit
from guardrails.errors import BadRule

_CHARACTERS_PER_TOKEN = 4
_WIDE_CHARACTERS_PER_TOKEN = 1.5
_WIDE = re.compile("[\u0300-\U0010ffff]+")  # scripts whose letters are seldom joined to long tokens


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Most that is allowed. `max_characters` and `max_tokens` are of all texts together, `max_unit_characters` of each one."""

    max_characters: int | None = None
    max_unit_characters: int | None = None
    max_tokens: int | None = None
    max_messages: int | None = None


def estimate_tokens(texts: Iterable[str]) -> int:
    """
    Return about how many tokens texts make, on the high side: 4 Latin letters a token, 1.5 characters of other scripts.

    Cost: ASCII text by its length alone; other text about 0.1 ms per 8 KB, sampled above 64 KB.
    """
    return sum(map(_tokens_of, texts))


def _tokens_of(text: str) -> int:
    size = len(text)
    if text.isascii():
        return -(-size // _CHARACTERS_PER_TOKEN)
    sample = text if size <= 65_536 else text[:: size // 32_768]
    share = sum(map(len, _WIDE.findall(sample))) / len(sample)
    return int(size * (1 - share) / _CHARACTERS_PER_TOKEN + size * share / _WIDE_CHARACTERS_PER_TOKEN) + 1


@dataclass(frozen=True, slots=True)
class LimitsDetector:
    parameters: Parameters

    def inspect_all(self, units: Sequence[TextUnit], facts: Facts) -> Sequence[PlacedHit]:
        """Return a hit for each limit that is passed, on the unit with which it is passed; `score` is 1."""
        limits = self.parameters
        found: list[PlacedHit] = []
        if limits.max_unit_characters is not None:
            for index, unit in enumerate(units):
                if len(unit.text) > limits.max_unit_characters:
                    found.append(
                        _hit(index, "characters", f"A text has {len(unit.text)} characters; {limits.max_unit_characters} are allowed.")
                    )
        total = sum(len(unit.text) for unit in units)
        if limits.max_characters is not None and total > limits.max_characters:
            found.append(_hit(_last(units), "characters", f"The texts have {total} characters; {limits.max_characters} are allowed."))
        if limits.max_tokens is not None:
            tokens = facts.input_tokens or estimate_tokens(unit.text for unit in units)
            if tokens > limits.max_tokens:
                found.append(_hit(_last(units), "tokens", f"The texts have about {tokens} tokens; {limits.max_tokens} are allowed."))
        if limits.max_messages is not None and facts.messages_count > limits.max_messages:
            found.append(_hit(_last(units), "messages", f"There are {facts.messages_count} messages; {limits.max_messages} are allowed."))
        return found


def _last(units: Sequence[TextUnit]) -> int:
    return max(0, len(units) - 1)


def _hit(unit: int, pattern: str, reason: str) -> PlacedHit:
    return PlacedHit(unit, Hit("LIMIT", reason=reason, pattern=pattern))


def build(parameters: Parameters) -> LimitsDetector:
    """Errors: BadRule where nothing is limited or a limit is below 1."""
    values = [
        each
        for each in (parameters.max_characters, parameters.max_unit_characters, parameters.max_tokens, parameters.max_messages)
        if each is not None
    ]
    if not values:
        raise BadRule("Detector 'limits' limits nothing: set max_characters, max_unit_characters, max_tokens or max_messages.")
    if min(values) < 1:
        raise BadRule("A limit is at least 1.")
    return LimitsDetector(parameters)
