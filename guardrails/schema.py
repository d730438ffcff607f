"""
JSON schemas that an admin writes, for answers and for the arguments of tools.

Rules: a schema never reaches outside: a reference to another document is refused when the rule is saved. Patterns run on a linear-time
engine. A fault is told by path and keyword and never quotes the value, whose keys may be a secret too.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from guardrails.errors import BadRule

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError, Validator

_SCHEMA_BYTES = 256 * 1024
_SCHEMA_DEPTH = 64
_PATTERN_BYTES = 1 << 20
_FAULTS = 3
# What may make one place of a value be judged twice. The library's errors then tell of every way through the alternatives: their number
# doubles with each level of the value, 20 s at 16 levels. So faults are looked for with a schema that lacks these.
_ALTERNATIVES = frozenset(
    [
        *("anyOf", "oneOf", "allOf", "not", "if", "then", "else", "contains", "minContains", "maxContains"),
        *("dependentSchemas", "dependencies", "propertyNames", "patternProperties", "unevaluatedProperties", "unevaluatedItems"),
    ]
)
_NAMES_OF_SCHEMAS = frozenset(["properties", "$defs", "definitions"])
_LITERALS = frozenset(["enum", "const", "default", "examples"])
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_TELLABLE = frozenset(
    [
        *("type", "enum", "const", "required", "pattern", "format", "multipleOf"),
        *("maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "maxLength", "minLength"),
        *("maxItems", "minItems", "maxProperties", "minProperties"),
    ]
)
"""The keywords whose message quotes the schema only. Those of others show names that the value has."""

_SENTENCES = {
    "additionalProperties": "has a property that the schema does not know",
    "unevaluatedProperties": "has a property that the schema does not know",
    "propertyNames": "has a property with a name that the schema forbids",
}


class Schema:
    """
    A compiled schema. Errors: BadRule with what to change.

    Cost: the library takes about 10 MB once; a check takes microseconds.
    """

    __slots__ = ("_names", "_teller", "_validator")

    def __init__(self, schema: Mapping[str, Any]) -> None:
        # Imported here: 8 MB that only policies with a schema need.
        import jsonschema_rs

        written = dict(schema)
        _check_size(written)
        self._names = frozenset(_find_names(written))
        options = jsonschema_rs.RegexOptions(size_limit=_PATTERN_BYTES, dfa_size_limit=_PATTERN_BYTES)
        try:
            self._validator = jsonschema_rs.validator_for(written, offline=True, validate_formats=True, pattern_options=options)
        except jsonschema_rs.ValidationError as error:
            raise BadRule(f"The schema cannot be used: {_place(error.instance_path)}{error.message}.") from error
        except (jsonschema_rs.ReferencingError, ValueError) as error:
            raise BadRule(f"The schema cannot be used: {error}.") from error
        self._teller: Validator | None
        try:
            self._teller = jsonschema_rs.validator_for(
                _without_alternatives(written), offline=True, mask="the value", validate_formats=True, pattern_options=options
            )
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError):
            self._teller = None  # it refers to a part that is not in it any more

    def find_fault(self, value: Any) -> str | None:
        """
        Return what is wrong with a value, `$.items.0.age: the value is greater than the maximum of 10`; None if it is right.

        What lies in an alternative (`anyOf`, `not`, ...) is found but not told.
        """
        if self._validator.is_valid(value):
            return None
        errors = () if self._teller is None else itertools.islice(self._teller.iter_errors(value), _FAULTS)
        return "; ".join(self._tell(error) for error in errors) or "the value follows none of the alternatives, or not all of them"

    def _tell(self, error: ValidationError) -> str:
        # A name that the schema does not have is the value's own and may be anything.
        steps = (str(step) if isinstance(step, int) or step in self._names else "?" for step in error.instance_path)
        keyword = error.kind.name
        sentence = error.message if keyword in _TELLABLE else f"the value {_SENTENCES.get(keyword, f'does not follow {keyword!r}')}"
        return f"{'.'.join(('$', *steps))}: {sentence}"


def _without_alternatives(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_alternatives(each) for each in node]
    if not isinstance(node, dict):
        return node
    kept: dict[str, Any] = {}
    for key, value in node.items():
        if key in _NAMES_OF_SCHEMAS and isinstance(value, dict):
            kept[key] = {name: _without_alternatives(schema) for name, schema in value.items()}
        elif key in _LITERALS:
            kept[key] = value
        elif key == "additionalProperties" and "patternProperties" in node:
            continue  # what is additional depends on the patterns
        elif key not in _ALTERNATIVES or (key == "allOf" and isinstance(value, list) and len(value) == 1):
            kept[key] = _without_alternatives(value)
    return kept


def _place(path: Sequence[str | int]) -> str:
    return f"at {'.'.join(str(step) for step in path)}: " if path else ""


def _check_size(schema: dict[str, Any]) -> None:
    _check_references(schema, 0)
    try:
        size = len(json.dumps(schema, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise BadRule(f"The schema is no JSON: {error}.") from error
    if size > _SCHEMA_BYTES:
        raise BadRule(f"The schema is larger than {_SCHEMA_BYTES // 1024} KB; leave out what the check does not need.")


def _check_references(node: Any, depth: int) -> None:
    if depth > _SCHEMA_DEPTH:
        raise BadRule(f"The schema is nested deeper than {_SCHEMA_DEPTH} levels; use `$defs` and `$ref`.")
    if isinstance(node, dict):
        for key, value in node.items():
            if key in _REFERENCES and isinstance(value, str) and not value.startswith("#"):
                raise BadRule(f"The schema refers to {value!r}; only references within it (`#/$defs/...`) are allowed.")
            _check_references(value, depth + 1)
    elif isinstance(node, list):
        for value in node:
            _check_references(value, depth + 1)


def _find_names(node: Any) -> set[str]:
    """Return every name of a property that the schema speaks of."""
    names: set[str] = set()
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "properties" and isinstance(value, dict):
                names.update(value)
            names |= _find_names(value)
    elif isinstance(node, list):
        for value in node:
            names |= _find_names(value)
    return names
