"""
One thing to look for in a text: what raises suspicion cheaply, what confirms it, and what shows it to be harmless.

Rules: linear-time expressions only. A pattern sees its own match, `LEFT_CHARACTERS` before it and one character after it, and nothing
else: streams rely on it, because that is all they keep.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

LEFT_CHARACTERS = 80
"""How much text before a match a validator may look at. Units: characters."""
REFINED_CHARACTERS = 160
"""How much text before a match a detector's `inspect` may look at, if it is to say the same of streams. Units: characters."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """
    A match that waits for its validator, in the view it was found in.

    `value` is what would be hidden: the pattern's group. `match` is all that matched. `left` is the text before the match, at most
    `LEFT_CHARACTERS`; `right` is the one character after it, empty at the end of the text.
    """

    value: str
    match: str
    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Needs:
    """Words of which a text must hold one. `find` tells which of all such words a text (as UTF-8) holds; patterns share it, asked once."""

    words: frozenset[str]
    find: Callable[[bytes], frozenset[str]]


@dataclass(frozen=True, slots=True)
class Pattern:
    """
    `expression` is RE2's, over UTF-8 bytes in which `\\b`, `\\w`, `\\d`, `\\s` are ASCII; no look-around, no back-references; a match has
    a finite longest length. `triggers` are expressions of the same dialect, cheap and short (`[a-z0-9]@[a-z0-9]`): every match of
    `expression` contains a match of one of them; without triggers the expression is its own. `group` is what is hidden.

    `is_word`: the match must not touch a letter, digit or underscore on either side, of any script (`\\b` knows only ASCII) that parts
    its words (`engine/words.py`: Chinese, Japanese, Korean, Thai do not count).
    `is_valid` has the last word (checksums, context words, placeholders). Cost: called only for matches.
    `needs`: words of which a view must hold one, or `is_valid` would refuse every match in it. Who does not ask loses time, nothing else;
    a stream may ask of what it holds with the left context.
    `is_disguised_too`: also looked for where words were disguised (leet, spaced, reversed, look-alike letters); decoded text
    (base64, hex, URL, entities) is searched for every pattern.
    """

    name: str
    label: str
    expression: str
    triggers: tuple[str, ...] = ()
    group: int = 0
    is_caseless: bool = False
    is_word: bool = False
    is_valid: Callable[[Candidate], bool] | None = None
    score: float = 1.0
    reason: str = ""
    is_disguised_too: bool = False
    needs: Needs | None = None
