"""
The arguments of a tool call: what is to be looked at of them, and the same with other texts.

Rules: JSON stays JSON. Keys are judged as values are, but for those that are plain names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from guardrails.json_text import Leaf, NotJson, find_leaves, replace_leaves

ARGUMENTS_COUNT: Final = 2000
"""The strings of one call that are looked at one by one; a call with more is looked at as a whole, and cannot be changed."""

_SHORT_NAME: Final = re.compile(r"[A-Za-z_]{1,24}")


def find_arguments(written: str) -> list[tuple[int, Leaf]] | None:
    """
    Return what is to be looked at of a call's arguments, with the numbers of the leaves; None for what is to be looked at as a whole: it
    is no JSON, or too much.
    """
    try:
        found = [(number, leaf) for number, leaf in enumerate(find_leaves(written)) if is_telling(leaf)]
    except NotJson:
        return None
    return found if len(found) <= ARGUMENTS_COUNT else None


def rewrite_arguments(written: str, texts: Mapping[int, str]) -> str:
    """
    Return a call's arguments with other texts for some of its units, by their places behind that of the call itself, which is 0.

    Errors: CannotRewrite for a key or a number. Guarantee: JSON stays JSON; what was not changed is as it was.
    """
    if not texts:
        return written
    found = find_arguments(written)
    if found is None:
        return texts.get(1, written)
    return replace_leaves(written, {found[place - 1][0]: text for place, text in texts.items()})


def is_json(written: str) -> bool:
    try:
        find_leaves(written)
    except NotJson:
        return False
    return True


def is_telling(leaf: Leaf) -> bool:
    """Tell whether a leaf may say something."""
    return leaf.kind != "key" or _SHORT_NAME.fullmatch(leaf.text) is None
