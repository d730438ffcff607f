"""
A text as it looks to a rule, and the way back to the text as it was written.

Rules: a view is never sent anywhere; what is hidden is hidden in the original. Offsets are characters of the original, `end` exclusive.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

_MARK_BYTES = 1024
_CONTINUATION = bytes(range(0x80, 0xC0))


@dataclass(slots=True, eq=False)
class View:
    """
    `offsets[i]` is where character `i` of `text` begins in the original, with one entry more for the end; None where both are the same.
    Neighbours with the same offset stand for the same piece of the original (a ligature, an encoded run), and only together; offsets
    fall where the text was turned round.

    `is_decoded`: the view is what encoded runs say; any part of a run stands for the whole run.
    `is_disguised`: words were rewritten (leet, spaced, reversed, ...), so only patterns that ask for it look here.
    `is_cut`: there was more to show than a view may hold.
    """

    name: str
    text: str
    offsets: Sequence[int] | None = None
    is_decoded: bool = False
    is_disguised: bool = False
    _data: bytes | None = field(default=None, repr=False)
    _marks: array[int] | None = field(default=None, repr=False)
    is_cut: bool = False

    @property
    def data(self) -> bytes:
        """The text as UTF-8; lone surrogates as U+FFFD, so that it has as many characters as the text."""
        if self._data is None:
            text = self.text
            try:
                self._data = text.encode()
            except UnicodeEncodeError:
                self._data = _encode(text)
        return self._data

    def span_of_bytes(self, start: int, end: int) -> tuple[int, int]:
        """
        Return where bytes `[start, end)` of `data` lie among the characters of `text`; a character cut in two counts whole.

        Cost: about a microsecond wherever they lie, after a first call that is linear in the text.
        """
        data = self.data
        if len(data) == len(self.text):
            return start, end
        first = self._characters_before(start)
        if start < len(data) and 0x80 <= data[start] < 0xC0:
            first -= 1
        return first, self._characters_before(end)

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """Return where characters `[start, end)` of `text` lie in the original."""
        offsets = self.offsets
        if offsets is None:
            return start, end
        first, last = offsets[start], offsets[end]
        if start == end:
            return first, first
        is_turned = offsets[0] > offsets[-1]
        if is_turned:
            first, last = last, offsets[start]
            while first == last and start > 0:
                start -= 1
                last = offsets[start]
        elif last == offsets[end - 1]:
            last = offsets[min(bisect_right(offsets, last, end), len(offsets) - 1)]
        return first, last

    def _characters_before(self, at: int) -> int:
        marks = self._marks
        data = self.data
        if marks is None:
            marks = self._marks = array("L", [0])
            count = 0
            for start in range(0, len(data), _MARK_BYTES):
                count += len(data[start : start + _MARK_BYTES].translate(None, _CONTINUATION))
                marks.append(count)
        mark = min(at, len(data)) // _MARK_BYTES
        return marks[mark] + len(data[mark * _MARK_BYTES : at].translate(None, _CONTINUATION))


def _encode(text: str) -> bytes:
    return "".join("\ufffd" if "\ud800" <= each <= "\udfff" else each for each in text).encode()
