"""What a measurement of quality gives back, and how it is printed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Figure:
    """`is_held` None: nothing to hold, or not measured here. `note` says what the reader must know to trust it."""

    goal: str
    what: str
    target: str
    reached: str
    is_held: bool | None
    note: str = ""


def at_most(goal: str, what: str, value: float, limit: float, unit: str = "", note: str = "") -> Figure:
    return Figure(goal, what, f"<= {limit:g}{unit}", f"{value:.3g}{unit}", value <= limit, note)


def at_least(goal: str, what: str, value: float, limit: float, note: str = "") -> Figure:
    return Figure(goal, what, f">= {limit:g}", f"{value:.3f}", value >= limit, note)


def of_seen_rows(figure: Figure) -> Figure:
    """A figure on rows that the rules or the model were made from: a miss is a miss, but nothing is held by it."""
    return replace(figure, is_held=None if figure.is_held else False)


def describe(figures: Sequence[Figure]) -> str:
    """Return a table that is Markdown too."""
    words = {True: "yes", False: "**no**", None: "-"}
    rows = [("goal", "what", "target", "reached", "held", "note")]
    rows += [(each.goal, each.what, each.target, each.reached, words[each.is_held], each.note) for each in figures]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = [f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |" for row in rows]
    lines.insert(1, f"|{'|'.join('-' * (width + 2) for width in widths)}|")
    return "\n".join(lines)


def say(line: str) -> None:
    sys.stderr.write(line + "\n")
