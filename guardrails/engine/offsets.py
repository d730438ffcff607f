"""
From bytes of a view's UTF-8 to its characters, without reading the text from its beginning each time.

Rules: pure. Needed because the engines count bytes and hits count characters, and a hostile text has thousands of hits.
"""

from __future__ import annotations

from guardrails.views import View

_STEP_BYTES = 1024
_CONTINUATION = bytes(range(0x80, 0xC0))


class CharacterIndex:
    """Cost: nothing where a character is a byte; else one pass when first asked, then one KB at most for each question."""

    __slots__ = ("_counts", "_data", "_is_same")

    def __init__(self, view: View) -> None:
        self._data = view.data
        self._is_same = len(self._data) == len(view.text)
        self._counts: list[int] | None = None

    def of(self, at: int) -> int:
        """Return how many characters begin before byte `at`, which must be the first of one or the end."""
        if self._is_same:
            return at
        step, data = at // _STEP_BYTES, self._data
        if step == 0:
            return _count(data[:at])
        if self._counts is None:
            self._counts = self._count_all()
        return self._counts[step] + _count(data[step * _STEP_BYTES : at])

    def _count_all(self) -> list[int]:
        counts, total = [0], 0
        for start in range(0, len(self._data), _STEP_BYTES):
            total += _count(self._data[start : start + _STEP_BYTES])
            counts.append(total)
        return counts


def _count(piece: bytes) -> int:
    return len(piece) if piece.isascii() else len(piece.translate(None, _CONTINUATION))
