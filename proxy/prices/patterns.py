"""
How a price names the models it holds for: exactly, `#` for one digit, `*` at the end for any ending. Case does not matter.

Rules: pure. The more a pattern says, the more it counts: an exact name before every pattern, then the one with more given characters.
"""

from __future__ import annotations

import re
from functools import lru_cache

_EXACT = 1_000_000


def fold_model(model: str) -> str:
    """Return the form in which names are compared."""
    return model.strip().lower()


def is_exact(pattern: str) -> bool:
    return not pattern.endswith("*") and "#" not in pattern


def rank_pattern(pattern: str) -> int:
    """Return a number that is higher the more of a name the pattern gives."""
    return _EXACT if is_exact(pattern) else len(pattern) - pattern.count("#") - pattern.endswith("*")


def matches(pattern: str, model: str) -> bool:
    """Tell whether the pattern holds for `model`; both folded."""
    if is_exact(pattern):
        return pattern == model
    if "#" not in pattern:
        return model.startswith(pattern[:-1])
    return _compile(pattern).fullmatch(model) is not None


@lru_cache(maxsize=4096)
def _compile(pattern: str) -> re.Pattern[str]:
    body = "".join("[0-9]" if character == "#" else re.escape(character) for character in pattern.removesuffix("*"))
    return re.compile(body + (".*" if pattern.endswith("*") else ""), re.DOTALL)
