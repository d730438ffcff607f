"""JSON Schema to a value that fits it, as a model in JSON mode or calling a tool would write it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from proxy.simulator.corpus import SENTENCES
from proxy.simulator.errors import invalid_request
from proxy.simulator.pattern import write_match
from proxy.simulator.text import Dice

Schema = Mapping[str, Any]

_MAX_DEPTH = 6  # below it optional properties are left out and arrays are empty, so that a recursive schema ends
_MAX_LENGTH = 1000  # of an array or a string, whatever the schema asks for
# Beyond these a schema demands an endless value: nothing fits it, so null is as good as anything.
_HARD_DEPTH = 40
_MAX_VALUES = 2000
_REROLL_COUNT = 20  # for an item that must be unlike the others

_BY_NAME: Final[Mapping[str, tuple[str, ...]]] = {
    "city": ("Paris", "London", "Vienna", "Osaka", "Lima"),
    "location": ("Paris, France", "London, UK", "Vienna, Austria", "Osaka, Japan"),
    "country": ("France", "Japan", "Austria", "Peru"),
    "unit": ("celsius", "fahrenheit"),
    "currency": ("EUR", "USD", "JPY"),
    "name": ("Ada", "Grace", "Linus", "Barbara"),
    "title": ("A short overview", "Notes on the topic", "Summary"),
    "language": ("en", "de", "fr"),
    "query": ("how to begin", "best practices", "recent changes"),
    "date": ("2030-01-15", "2030-06-30"),
    "category": ("general", "technical", "business"),
    "sentiment": ("positive", "neutral", "negative"),
}
_BY_FORMAT: Final[Mapping[str, str]] = {
    "date": "2030-01-15",
    "date-time": "2030-01-15T09:30:00Z",
    "time": "09:30:00Z",
    "duration": "PT15M",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "3f2b8c1e-5a4d-4e6f-8b7a-9c0d1e2f3a4b",
}


def write_value(schema: Schema, dice: Dice) -> Any:
    """
    Return a value that fits `schema`.

    Knows type, enum, const, properties, required, items, uniqueItems, the bounds of numbers, strings and arrays, format, plain
    patterns, anyOf, oneOf, allOf and local $ref, and types in capitals as Gemini writes them; `not` and conditions are ignored.
    The same schema and seed give the same value.
    Errors: ProviderError 400 for a schema whose keywords have values of the wrong kind.
    """
    try:
        return _Writer(schema, dice).value(schema, "", 0)
    except (TypeError, ValueError, AttributeError, LookupError) as error:
        raise invalid_request(f"Invalid schema: {error}", code="invalid_schema") from error


class _Writer:
    def __init__(self, root: Schema, dice: Dice) -> None:
        self._root = root
        self._dice = dice
        self._written_count = 0

    def value(self, schema: Any, name: str, depth: int) -> Any:
        self._written_count += 1
        if not isinstance(schema, Mapping) or depth > _HARD_DEPTH or self._written_count > _MAX_VALUES:
            return None  # also for `true`, the schema that allows anything
        schema = self._resolve(schema)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._dice.pick(schema["enum"])
        for key in ("anyOf", "oneOf"):
            if schema.get(key):
                rest = {word: value for word, value in schema.items() if word != key}
                return self.value(self._both(rest, self._branch(schema[key], depth)), name, depth + 1)
        return self._typed(_type_of(schema, depth), schema, name, depth)

    def _typed(self, kind: str, schema: Schema, name: str, depth: int) -> Any:
        match kind:
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, name, depth)
            case "string":
                return self._string(schema, name)
            case "integer":
                return self._integer(schema)
            case "number":
                return self._number(schema)
            case "boolean":
                return self._dice.below(2) == 1
        return None

    def _resolve(self, schema: Schema) -> Schema:
        """Follow local references and merge `allOf` into one schema."""
        for _ in range(_MAX_DEPTH):
            reference = schema.get("$ref")
            if not isinstance(reference, str):
                break
            schema = self._look_up(reference)
        if not isinstance(schema.get("allOf"), list):
            return schema
        merged: Schema = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema["allOf"]:
            merged = self._both(merged, part)
        return merged

    def _both(self, schema: Schema, other: Any) -> Schema:
        """Return one schema that asks for what both ask for."""
        if not isinstance(other, Mapping):
            return schema
        merged = dict(schema)
        for key, value in self._resolve(other).items():
            merged[key] = _merge(merged.get(key), value)
        return merged

    def _look_up(self, reference: str) -> Schema:
        found: Any = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
        return found if isinstance(found, Mapping) else {}

    def _branch(self, branches: list[Any], depth: int) -> Any:
        """Choose one of several schemas; deep down the simplest, which is what ends `anyOf: [node, null]`."""
        if depth < _MAX_DEPTH:
            return branches[0]
        simple = [branch for branch in branches if isinstance(branch, Mapping) and "$ref" not in branch and branch.get("type") != "object"]
        return simple[0] if simple else branches[-1]

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        properties = schema.get("properties") or {}
        required = schema.get("required") or []
        if not all(isinstance(name, str) for name in required):
            raise TypeError("'required' lists the names of properties")
        names = list(properties) if depth < _MAX_DEPTH else [name for name in properties if name in required]
        written = {name: self.value(properties[name], name, depth + 1) for name in names}
        other = schema.get("additionalProperties")
        return written | {name: self.value(other, name, depth + 1) for name in required if name not in written}

    def _array(self, schema: Schema, name: str, depth: int) -> list[Any]:
        least = min(int(schema.get("minItems") or 0), _MAX_LENGTH)
        wanted = 0 if depth >= _MAX_DEPTH else 1 + self._dice.below(3)
        count = max(least, min(wanted, int(schema.get("maxItems", wanted))))
        fixed = schema.get("prefixItems") or []
        rest = schema.get("items") or {"type": "string"}
        written: list[Any] = []
        for n in range(count):
            item = fixed[n] if n < len(fixed) else rest
            value = self.value(item, name.removesuffix("s"), depth + 1)
            for _ in range(_REROLL_COUNT if schema.get("uniqueItems") is True else 0):
                if value in written:
                    value = self.value(item, name.removesuffix("s"), depth + 1)
            if schema.get("uniqueItems") is not True or value not in written or n < least:
                written.append(value)
        return written

    def _string(self, schema: Schema, name: str) -> str:
        if schema.get("format") in _BY_FORMAT:
            return _BY_FORMAT[schema["format"]]
        matching = write_match(schema["pattern"], self._dice) if "pattern" in schema else None
        if matching is not None:
            return matching
        known = next((values for key, values in _BY_NAME.items() if name.lower().endswith(key)), None)
        text = self._dice.pick(known) if known else self._dice.pick(SENTENCES)
        least = min(int(schema.get("minLength") or 0), _MAX_LENGTH)
        while len(text) < least:
            text += " " + self._dice.pick(SENTENCES)
        longest = schema.get("maxLength")
        return text if longest is None else text[: int(longest)]

    def _integer(self, schema: Schema) -> int:
        step = max(int(schema.get("multipleOf") or 1), 1)
        low, high = _bounds(schema, step)
        first = -(-int(low) // step)
        last = max(int(high) // step, first)
        return (first + self._dice.below(last - first + 1)) * step

    def _number(self, schema: Schema) -> float:
        if schema.get("multipleOf"):
            return self._multiple(schema, float(schema["multipleOf"]))
        low, high = _bounds(schema, 0.001)
        return round(low + (high - low) * self._dice.below(1001) / 1000, 3)

    def _multiple(self, schema: Schema, step: float) -> float:
        low, high = _bounds(schema, step)
        first = math.ceil(low / step)
        last = max(math.floor(high / step), first)
        return round((first + self._dice.below(last - first + 1)) * step, 9)


def _type_of(schema: Schema, depth: int) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kinds = [each for each in kind if each != "null"]
        return "null" if depth >= _MAX_DEPTH and "null" in kind else str(kinds[0] if kinds else "null").lower()
    if isinstance(kind, str):
        return "null" if depth >= _MAX_DEPTH and schema.get("nullable") is True else kind.lower()
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema else "string"


def _bounds(schema: Schema, step: float) -> tuple[float, float]:
    """Return the inclusive range of a number; `step` is the distance kept from an exclusive bound."""
    low, high = schema.get("minimum"), schema.get("maximum")
    over, under = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if over is not None:
        low = over + step
    if under is not None:
        high = under - step
    if low is None:
        low = 0 if high is None or high > 0 else high - 100
    return low, max(low, low + 100 if high is None else high)


def _merge(mine: Any, theirs: Any) -> Any:
    if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
        return {**mine, **theirs}
    if isinstance(mine, list) and isinstance(theirs, list):
        return [*mine, *theirs]
    return theirs
