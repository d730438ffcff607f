"""What a search gives: ids with scores, best first."""

from __future__ import annotations

from typing import NamedTuple


class Hit(NamedTuple):
    """A chunk that was found. Scores of different searches have different units: compare them only after a fusion."""

    id: str
    score: float
