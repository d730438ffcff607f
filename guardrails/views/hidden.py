"""
Text that no reader sees and a model does: tag characters, and bytes in variation selectors.

Source: UTS #51 (flags made of tags)
"""

from __future__ import annotations

import re

from guardrails.views.offsets import Offsets
from guardrails.views.view import View

FLAG = "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f"
"""A flag of a region: a black flag, the region's code in tags, and the tag that ends it."""

_HIDDEN = re.compile(f"({FLAG})|([\U000e0020-\U000e007e])|([\ufe00-\ufe0f\U000e0100-\U000e01ef]{{3,}})")
_HAS_HIDDEN = re.compile("[\U000e0020-\U000e01ef\ufe00-\ufe0e]").search
_MAX_CHARACTERS = 64 * 1024


def hidden_text(text: str) -> View | None:
    """Return what is written in characters that do not show, None if there is nothing. Cost: linear."""
    if not _HAS_HIDDEN(text):
        return None
    letters: list[str] = []
    offsets = Offsets()
    end = 0
    for match in _HIDDEN.finditer(text):
        if match[1] or len(letters) >= _MAX_CHARACTERS:
            continue
        if letters and match.start() > end + 1:
            letters.append("\n")
            offsets.group(end, 1)
        end = match.end()
        for at, character in enumerate(match[0][: _MAX_CHARACTERS - len(letters)], match.start()):
            letters.append(_written(ord(character)))
            offsets.group(at, 1)
    if not letters:
        return None
    offsets.group(end, 1)
    return View("hidden", "".join(letters), offsets, is_cut=len(letters) >= _MAX_CHARACTERS)


def _written(code: int) -> str:
    if 0xE0020 <= code < 0xE007F:
        return chr(code - 0xE0000)
    value = code - 0xFE00 if code < 0xFE10 else code - 0xE0100 + 16
    return chr(value) if 32 <= value < 127 else " "
