"""
What somebody says over several turns, as one text: an instruction in two halves is whole again.

Rules: pure. Only what touches the newest turn counts, so that what was said and judged before does not keep blocking a conversation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from guardrails.detection import Hit, PlacedHit, TextUnit

EARLIER_COUNT = 8
EARLIER_CHARACTERS = 16_000
_GLUE = "\n"


@dataclass(frozen=True, slots=True)
class Joined:
    """
    `text` is earlier and newest user texts, in order. `places` are (start in `text`, end, index of the unit). `newest` is where the
    newest turn begins in `text`; `newest_unit` is its first unit.
    """

    text: str
    places: tuple[tuple[int, int, int], ...]
    newest: int
    newest_unit: int

    @property
    def earlier(self) -> str:
        return self.text[: max(0, self.newest - len(_GLUE))]

    def place(self, hits: Sequence[Hit]) -> list[PlacedHit]:
        """Return the pieces, in the units' own offsets, of the hits that lie across units and touch the newest turn."""
        placed: list[PlacedHit] = []
        for hit in hits:
            if hit.start >= hit.end:
                placed.append(PlacedHit(self.newest_unit, hit))
                continue
            pieces = [each for each in self.places if each[0] < hit.end and hit.start < each[1]]
            if len(pieces) < 2 or hit.end <= self.newest:
                continue
            for start, end, unit in pieces:
                piece = replace(hit, start=max(hit.start, start) - start, end=min(hit.end, end) - start)
                placed.append(PlacedHit(unit, piece))
        return placed


def join_user_turns(units: Sequence[TextUnit]) -> Joined | None:
    """Return the recent user texts of a request as one; None if the newest turn is not a user's, or is the only one."""
    own = [(index, unit) for index, unit in enumerate(units) if unit.trust == "user" and unit.direction == "request" and unit.text]
    newest = [each for each in own if each[1].is_latest]
    earlier: list[tuple[int, TextUnit]] = []
    left = EARLIER_CHARACTERS
    for index, unit in reversed([each for each in own if not each[1].is_latest][-EARLIER_COUNT:]):
        left -= len(unit.text)
        if left < 0:
            break
        earlier.insert(0, (index, unit))
    if not newest or not earlier:
        return None
    texts: list[str] = []
    places: list[tuple[int, int, int]] = []
    at = 0
    for index, unit in earlier + newest:
        places.append((at, at + len(unit.text), index))
        texts.append(unit.text)
        at += len(unit.text) + len(_GLUE)
    return Joined(_GLUE.join(texts), tuple(places), places[len(earlier)][0], newest[0][0])
