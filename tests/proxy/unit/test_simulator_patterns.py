"""Texts that match a pattern, and JSON that its reader accepts."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec
import pytest

from proxy.simulator.pattern import write_match
from proxy.simulator.schema import write_value
from proxy.simulator.text import Dice

SEEDS = [str(n) for n in range(20)]


@pytest.mark.parametrize(
    "pattern",
    [
        r"^\d{4}-\d{2}-\d{2}$",
        r"^[A-Z]{3}$",
        r"[^a-z]{5}",
        r"^(EUR|USD)\s\d+\.\d{2}$",
        r"^(?:a|b|)c?d*e+$",
        r"^[a-zA-Z0-9._%+-]+@[a-z]+\.(com|org)$",
        r"^\+?[1-9]\d{1,14}$",
        r"\w+?-\S{2,}",
        r"^[\d\-]{3}x.y\t$",
        "plain text",
        "^yes$|^no$",
        r"^(^a$)$",
        r"^\d+\$$",
        "",
    ],
)
def test_text_matches_its_pattern(pattern):
    for seed in SEEDS:
        text = write_match(pattern, Dice(seed))
        assert text is not None
        assert re.search(pattern, text), text


@pytest.mark.parametrize(
    "pattern", [r"(?=a)b", r"(a)\1", r"\p{L}", "a{1000000}", "[z-a]", "(", "[a", "a{2,1}", "*", "[^\\x00]", "a^b", "a$b", "(" * 5000]
)
def test_pattern_beyond_the_plain_part_is_left_alone(pattern):
    assert write_match(pattern, Dice("x")) is None


def test_text_with_an_unreadable_pattern_is_still_a_text():
    assert isinstance(write_value({"type": "string", "pattern": "(?=a)b"}, Dice("x")), str)


class Place(msgspec.Struct, forbid_unknown_fields=True):
    city: str
    code: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}-\d{3}$")]
    within: Place | None


class Report(msgspec.Struct, forbid_unknown_fields=True):
    """A shape with something of everything; its schema is written by the library that then reads the value."""

    kind: Literal["small", "large"]
    count: Annotated[int, msgspec.Meta(ge=3, lt=10)]
    share: Annotated[float, msgspec.Meta(gt=0, le=0.5)]
    even: Annotated[int, msgspec.Meta(multiple_of=2)]
    words: Annotated[list[Annotated[str, msgspec.Meta(max_length=10)]], msgspec.Meta(min_length=2, max_length=4)]
    places: list[Place]
    by_name: dict[str, int]
    level: Literal[1, 2, 3]
    note: str | None
    is_final: bool


@pytest.mark.parametrize("seed", SEEDS)
def test_value_is_accepted_by_the_reader_of_its_schema(seed):
    value = write_value(msgspec.json.schema(Report), Dice(seed))

    assert isinstance(msgspec.convert(value, Report), Report)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("schema", "fits"),
    [
        ({"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 3, "uniqueItems": True}, lambda v: sorted(v) == ["a", "b", "c"]),
        ({"type": "number", "multipleOf": 0.25, "minimum": 1, "maximum": 2}, lambda v: v in (1, 1.25, 1.5, 1.75, 2)),
        ({"type": "object", "properties": {"a": {"const": 1}}, "anyOf": [{"required": ["b"]}]}, lambda v: v["a"] == 1 and "b" in v),
        ({"type": "object", "required": ["x"], "additionalProperties": {"type": "boolean"}}, lambda v: isinstance(v["x"], bool)),
        ({"type": "INTEGER", "minimum": 1, "maximum": 2}, lambda v: v in (1, 2)),
        ({"type": "string", "format": "date", "pattern": "^x$"}, lambda v: v == "2030-01-15"),
    ],
)
def test_value_fits_its_schema(schema: dict[str, Any], fits: Any, seed: str):
    assert fits(write_value(schema, Dice(seed)))
