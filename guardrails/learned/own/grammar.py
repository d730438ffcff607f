"""
Sentences from templates: `{verb}` is replaced by one of the slot's words, again and again, until none is left.

Rules: no randomness that a Python version could change; the same template and number give the same sentence everywhere.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence

Slots = Mapping[str, Sequence[str]]

_SLOT = re.compile(r"\{([a-z_0-9]+)\}")
_MAX_DEPTH = 8


def expand(template: str, slots: Slots, number: int) -> str:
    """Return one sentence of a template. Errors: KeyError for a slot that is not there."""
    text = template
    for depth in range(_MAX_DEPTH):
        parts = _SLOT.split(text)
        if len(parts) == 1:
            break
        for place in range(1, len(parts), 2):
            parts[place] = _choose(slots[parts[place]], f"{template}{number}.{depth}.{place}")
        text = "".join(parts)
    return text


def sentences(templates: Sequence[str], slots: Slots, count: int) -> Iterator[str]:
    """Yield up to `count` different sentences of each template, in order."""
    for template in templates:
        seen: set[str] = set()
        for number in range(count if "{" in template else 1):
            text = expand(template, slots, number)
            if text not in seen:
                seen.add(text)
                yield text


def _choose(options: Sequence[str], key: str) -> str:
    return options[zlib.crc32(key.encode()) % len(options)]


def lines(block: str) -> tuple[str, ...]:
    """Return the lines of a block of text, one template each; `\\n` written in a line is a line break."""
    return tuple(line.strip().replace("\\n", "\n") for line in block.strip().splitlines() if line.strip())


def words(block: str) -> tuple[str, ...]:
    """Return what is separated by `|`; `\\n` is a line break. An empty part is the empty string."""
    return tuple(part.strip().replace("\\n", "\n") for part in block.replace("\n", " ").split("|"))
