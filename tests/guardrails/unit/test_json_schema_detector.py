from __future__ import annotations

from typing import Any

import pytest

from guardrails.detection import Subject, TextUnit
from guardrails.detectors.registry import build_detector
from guardrails.errors import BadRule

PERSON: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "pattern": "^(a+)+$"},
        "age": {"type": "integer", "maximum": 150},
        "mail": {"type": "string", "format": "email"},
        "items": {"type": "array", "items": {"$ref": "#/$defs/item"}},
    },
    "required": ["name"],
    "additionalProperties": False,
    "$defs": {"item": {"enum": ["x", "y"]}},
}


def judge(text: str, **parameters: Any) -> list[str]:
    detector = build_detector("json_schema", {"schema": PERSON, **parameters})
    hits = detector.inspect(Subject(TextUnit(text, direction="response", trust="assistant")), ())  # type: ignore[union-attr]
    assert all((hit.label, hit.start, hit.end) == ("JSON_SCHEMA", 0, 0) for hit in hits)
    return [hit.reason for hit in hits]


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "aa"}',
        ' \n{"name": "a", "items": ["x"]}\n',
        '```json\n{"name": "a"}\n```',
        'Here it is:\n```json\n{"name": "a"}\n```\nEnjoy.',
        '```\n{"name": "a"}\n```',
        '~~~JSON\n{"name": "a"}\n~~~',
        '```python\nprint(1)\n```\n```json\n{"name": "a"}\n```',
        '```json\n{"name": "a"}',
    ],
)
def test_json_that_follows_the_schema_passes(text: str) -> None:
    assert judge(text) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"name": "a", "age": 200}', "$.age: the value is greater than the maximum of 150"),
        ('{"name": "SECRET"}', '$.name: the value does not match "^(a+)+$"'),
        ('{"name": "a", "items": ["x", "SECRET"]}', '$.items.1: the value is not one of "x" or "y"'),
        ('{"name": "a", "SECRET": 1}', "$: the value has a property that the schema does not know"),
        ('{"name": "a", "mail": "SECRET"}', '$.mail: the value is not a "email"'),
        ("{}", '$: "name" is a required property'),
        ("[]", '$: the value is not of type "object"'),
    ],
)
def test_a_fault_is_told_by_path_without_the_value(text: str, reason: str) -> None:
    assert judge(text) == [f"The JSON does not follow the schema: {reason}."]
    assert judge(f"```json\n{text}\n```") == [f"The JSON does not follow the schema: {reason}."]


@pytest.mark.parametrize(
    "text",
    [
        "I cannot do that.",
        "",
        '{"name": "a"} trailing',
        '{"name": "a", "name": "b"}',
        '{"name": NaN}',
        "[" * 100_000,
        '{"a":' * 100_000,
        "```json\n{}\n```\n```json\n" + '{"name": "a"}\n```',
        '```python\n{"name": "a"}\n```',
    ],
)
def test_what_is_not_that_json_hits(text: str) -> None:
    assert len(judge(text)) == 1


def test_fences_and_prose_can_be_forbidden() -> None:
    fenced = '```json\n{"name": "a"}\n```'

    assert judge(fenced, is_fence_allowed=False)
    assert judge(f"Sure:\n{fenced}", is_prose_allowed=False) == ["The text holds more than the JSON."]
    assert judge(f"\n{fenced}\n", is_prose_allowed=False) == []


def test_a_name_that_only_the_value_has_is_not_told() -> None:
    detector = build_detector("json_schema", {"schema": {"additionalProperties": {"type": "integer"}}})

    (hit,) = detector.inspect(Subject(TextUnit('{"alice@example.com": "x"}')), ())  # type: ignore[union-attr]

    assert hit.reason == 'The JSON does not follow the schema: $.?: the value is not of type "integer".'


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "http://127.0.0.1:9/schema.json"},
        {"properties": {"a": {"$ref": "file:///etc/passwd"}}},
        {"$id": "http://example.com/", "properties": {"a": {"$ref": "#/$defs/none"}}},
        {"$dynamicRef": "other.json"},
        {"$schema": "http://example.com/own-meta-schema"},
        {"type": "nothing"},
        {"pattern": "(?=a)b"},
        {"pattern": "(a{1000}){1000}"},
        {"properties": {"a": 5}},
        {"enum": ["x" * 300_000]},
    ],
)
def test_a_schema_that_cannot_be_used_is_refused_with_a_reason(schema: dict[str, Any]) -> None:
    with pytest.raises(BadRule, match="schema"):
        build_detector("json_schema", {"schema": schema})


def test_a_schema_nested_too_deep_is_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(500):
        schema = {"not": schema}

    with pytest.raises(BadRule, match="nested"):
        build_detector("json_schema", {"schema": schema})


def test_recursive_schemas_and_hostile_values_end() -> None:
    loop = build_detector("json_schema", {"schema": {"anyOf": [{"$ref": "#"}, {"type": "object"}], "properties": {"a": {"$ref": "#"}}}})
    deep = '{"a":' * 400 + "{}" + "}" * 400

    assert loop.inspect(Subject(TextUnit(deep)), ()) == ()  # type: ignore[union-attr]
    assert judge('{"name": "' + "a" * 200_000 + 'b"}')
    assert judge("```\n" * 20_000)


def test_the_way_to_a_fault_is_not_followed_through_every_alternative() -> None:
    branch = {"properties": {"c": {"$ref": "#"}}}
    detector = build_detector("json_schema", {"schema": {"anyOf": [{"required": ["q"], **branch}, {"required": ["r"], **branch}]}})

    (hit,) = detector.inspect(Subject(TextUnit('{"c":' * 60 + "{}" + "}" * 60)), ())  # type: ignore[union-attr]

    assert hit.reason == "The JSON does not follow the schema: the value follows none of the alternatives, or not all of them."


def test_faults_beside_alternatives_are_told() -> None:
    schema = {"type": "object", "properties": {"a": {"anyOf": [{"type": "string"}], "maximum": 3}, "anyOf": {"type": "null"}}}
    detector = build_detector("json_schema", {"schema": schema})

    (hit,) = detector.inspect(Subject(TextUnit('{"a": 5, "anyOf": 1}')), ())  # type: ignore[union-attr]

    assert "$.a: the value is greater than the maximum of 3" in hit.reason
    assert '$.anyOf: the value is not of type "null"' in hit.reason
