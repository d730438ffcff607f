"""JSON texts as no serialiser would write them: odd spaces, escapes, numbers, keys that stand twice, deep nesting."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

NUMBERS = ("0", "-0", "1.0", "1e5", "1E+05", "-12.50", "100000000000000000000", "4111111111111111", "0.1e-7", "123456789")
TEXTS = (
    "",
    "a",
    "alice@example.com",
    'quote " here',
    "back\\slash",
    "line\nbreak",
    "\u00e9\u4e2d",
    "\U0001f600",
    "\ud800",
    "</script>",
    "a/b",
    "\x00",
    "[1, 2]",
)


def write_fuzzed(rng: random.Random, depth: int = 0) -> str:
    """Return a valid JSON text, an object at the top as tool arguments are."""
    if depth == 0 and rng.random() < 0.02:
        levels = rng.randrange(64, 200)
        return '{"a":[' * levels + write_string(rng) + "]}" * levels
    kind = 0 if depth == 0 else rng.choice((0, 1, 2, 2, 2, 3, 3, 4)) if depth < 6 else rng.choice((2, 3, 4))
    if kind == 0:
        members = [
            f"{space(rng)}{write_string(rng)}{space(rng)}:{space(rng)}{write_fuzzed(rng, depth + 1)}{space(rng)}"
            for _ in range(rng.randrange(5))
        ]
        return "{" + (",".join(members) or space(rng)) + "}"
    if kind == 1:
        elements = [f"{space(rng)}{write_fuzzed(rng, depth + 1)}{space(rng)}" for _ in range(rng.randrange(4))]
        return "[" + (",".join(elements) or space(rng)) + "]"
    if kind == 2:
        return write_string(rng)
    return rng.choice(NUMBERS) if kind == 3 else rng.choice(("true", "false", "null"))


def space(rng: random.Random) -> str:
    return rng.choice(("", "", "", " ", "\n\t", "\r\n  "))


def write_string(rng: random.Random) -> str:
    text = rng.choice(TEXTS) + rng.choice(TEXTS)
    written = json.dumps(text, ensure_ascii=rng.random() < 0.5 or any("\ud800" <= each <= "\udfff" for each in text))
    return written.replace("/", "\\/") if rng.random() < 0.3 else written.replace("a", "\\u0061") if rng.random() < 0.3 else written


class Raw(str):
    """A number as it was written."""


def read(text: str | bytes) -> Any:
    """Return the value with objects as lists of pairs, so that order and keys that stand twice show, and numbers as written."""
    return json.loads(text, object_pairs_hook=lambda pairs: ("object", pairs), parse_int=Raw, parse_float=Raw)


def walk_strings(value: Any) -> Iterator[tuple[str, str]]:
    """Yield every key, string and number of what `read` returned, in the order of writing."""
    if isinstance(value, tuple):
        for key, member in value[1]:
            yield "key", key
            yield from walk_strings(member)
    elif isinstance(value, list):
        for member in value:
            yield from walk_strings(member)
    elif isinstance(value, Raw):
        yield "number", str(value)
    elif isinstance(value, str):
        yield "string", value


def map_strings(value: Any, change: Any) -> Any:
    if isinstance(value, tuple):
        return ("object", [(key, map_strings(member, change)) for key, member in value[1]])
    if isinstance(value, list):
        return [map_strings(member, change) for member in value]
    return change(value) if isinstance(value, str) and not isinstance(value, Raw) else value
