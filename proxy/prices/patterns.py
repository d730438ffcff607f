"""
How a price names the models it holds for: exactly, `#` for one digit, `*` at the end for any ending. Case does not matter.

Rules: pure. The more a pattern says, the more it counts: an exact name before every pattern, then the one with more given characters.
"""

from __future__ import annotations

_EXACT = 1_000_000
_DIGITS = frozenset("0123456789")
_NO_NAME = "\x00"  # no model's name and no price has it


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
    beginning = pattern.removesuffix("*")
    if "#" not in pattern:
        return model.startswith(beginning)
    if len(model) < len(beginning) or (beginning == pattern and len(model) != len(pattern)):
        return False
    return all(given == found or (given == "#" and found in _DIGITS) for given, found in zip(beginning, model, strict=False))


def may_match(pattern: str, wildcard: str) -> bool:
    """Tell whether the pattern could hold for a model that `wildcard`, a name with a `*` in it, stands for; both folded."""
    beginning, _, ending = wildcard.partition("*")
    given = pattern.removesuffix("*")
    if not all(one == other or "#" in (one, other) for one, other in zip(beginning, given, strict=False)):
        return False
    return given != pattern or "#" in pattern or (len(pattern) > len(beginning + ending) and pattern.endswith(ending))


def sample_of(pattern: str) -> str:
    """Return a name that the pattern holds for, and else only those that hold for all that it does."""
    return pattern.replace("#", "0").replace("*", _NO_NAME)
