"""The page of docs/reference on guardrail detectors: what each looks for, and the parameters that a rule may give it."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect as types

from guardrails.detectors.pii import KINDS
from guardrails.detectors.registry import DETECTORS, parameters_of
from guardrails.policy_document import Exceptions, RuleDocument

_WORDS: dict[type, str] = {
    types.StrType: "text",
    types.IntType: "whole number",
    types.FloatType: "number",
    types.BoolType: "`true` or `false`",
    types.NoneType: "null",
    types.AnyType: "anything",
}


def detectors_page(note: str) -> str:
    """Cost: imports every detector."""
    lines = [note, "# Guardrail detectors", "", "What a rule of a policy may name in `detector`, and what it may say in `parameters`.", ""]
    lines += ["## What every rule has", "", *_section(RuleDocument), "`exceptions`:", "", *_section(Exceptions)]
    for name in DETECTORS:
        lines += [f"## {name}", "", *_about(name), *_section(parameters_of(name))]
        if name == "pii":
            lines += _kinds()
    return "\n".join(lines)


def _about(name: str) -> Iterator[str]:
    module = importlib.import_module(f"guardrails.detectors.{name}")
    yield from (*(inspect.getdoc(module) or "").splitlines(), "")


def _section(shape: type[msgspec.Struct]) -> Iterator[str]:
    """The fields of a struct, and after them those of the structs that they hold."""
    yield from (*_text_of(shape), *_table(shape))
    for inner in _inner_structs(shape):
        yield from (f"`{inner.__name__}`:", "", *_text_of(inner), *_table(inner))


def _text_of(shape: type[msgspec.Struct]) -> list[str]:
    text = inspect.getdoc(shape) or ""
    return [*text.splitlines(), ""] if text and not text.startswith(f"{shape.__name__}(") else []


def _table(shape: type[msgspec.Struct]) -> Iterator[str]:
    info = types.type_info(shape)
    if not isinstance(info, types.StructType) or not info.fields:
        yield from ("It has no parameters.", "")
        return
    yield from ("| field | what it is | without it |", "|---|---|---|")
    for field in info.fields:
        yield f"| `{field.encode_name}` | {_words_of(field.type)} | {_default_of(field)} |"
    yield ""


def _default_of(field: types.Field) -> str:
    if field.required:
        return "required"
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    plain = msgspec.to_builtins(value)
    if plain in ("", None, [], {}, ()) or isinstance(value, msgspec.Struct):
        return "nothing"
    return f"`{msgspec.json.encode(plain).decode()}`"


def _words_of(kind: types.Type) -> str:
    match kind:
        case types.LiteralType(values=values):
            return "one of " + ", ".join(f"`{value}`" for value in sorted(map(str, values)))
        case types.VarTupleType(item_type=item) | types.ListType(item_type=item) | types.SetType(item_type=item):
            return f"list of {_words_of(item)}"
        case types.DictType(value_type=value):
            return f"names, each with {_words_of(value)}"
        case types.UnionType(types=parts):
            return " or ".join(_words_of(part) for part in parts)
        case types.StructType(cls=inner):
            return f"`{inner.__name__}`"
    return _WORDS.get(type(kind), type(kind).__name__.removesuffix("Type").lower())


def _inner_structs(shape: type[msgspec.Struct]) -> list[type[Any]]:
    info = types.type_info(shape)
    found: dict[type[Any], None] = {}
    for field in info.fields if isinstance(info, types.StructType) else ():
        for part in _parts(field.type):
            if isinstance(part, types.StructType) and part.cls is not Exceptions:
                found[part.cls] = None
    return list(found)


def _parts(kind: types.Type) -> Iterator[types.Type]:
    match kind:
        case types.VarTupleType(item_type=item) | types.ListType(item_type=item) | types.DictType(value_type=item):
            yield from _parts(item)
        case types.UnionType(types=parts):
            for part in parts:
                yield from _parts(part)
        case _:
            yield kind


def _kinds() -> Iterator[str]:
    yield from ("Kinds of personal data:", "", "| kind | family | region | what | unless asked for |", "|---|---|---|---|---|")
    for kind in sorted(KINDS, key=lambda each: (each.family, each.name)):
        yield f"| `{kind.name}` | {kind.family} | {kind.region or '-'} | {kind.title} | {'looked for' if kind.is_on else 'left out'} |"
    yield ""
