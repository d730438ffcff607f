"""Two policies, or two versions of one, on the same rows: where they differ, and whether that is for the better."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from typing import Any

from guardrails.evaluation.judge import Judged

_SHOWN_COUNT = 20


def compare(before: Sequence[Judged], after: Sequence[Judged]) -> dict[str, Any]:
    """
    Return how the second differs from the first. Both judged the same rows, in the same order.

    `gained` are rows that only the second gets right, `lost` those that only the first does; `p_value` is the chance of so uneven a split
    if neither were better (exact sign test).
    """
    gained: list[Judged] = []
    lost: list[Judged] = []
    changed_count = 0
    for old, new in zip(before, after, strict=True):
        changed_count += old.verdict != new.verdict
        was_right, is_right = _is_right(old), _is_right(new)
        if is_right and not was_right:
            gained.append(new)
        elif was_right and not is_right:
            lost.append(new)
    return {
        "changed_verdicts": changed_count,
        "gained": len(gained),
        "lost": len(lost),
        "p_value": _sign_test(len(gained), len(lost)),
        "gained_rows": [_name(each) for each in gained[:_SHOWN_COUNT]],
        "lost_rows": [_name(each) for each in lost[:_SHOWN_COUNT]],
    }


def _is_right(judged: Judged) -> bool:
    return (judged.verdict != "allow") == judged.row.is_positive


def _name(judged: Judged) -> str:
    return f"{judged.row.file}:{judged.row.number}"


def _sign_test(first: int, second: int) -> float:
    """Two-sided. Integers all the way: a float would not hold the sums."""
    total = first + second
    tail = sum(comb(total, count) for count in range(min(first, second) + 1))
    return min(1.0, 2 * tail / (1 << total)) if total else 1.0
