"""
A policy's document between people, tables and workers: read strictly, written one way only, with its word lists put in.

Rules: pure. Equal documents give equal bytes, so a digest tells whether anything changed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from guardrails.detectors.external import check_stored
from guardrails.errors import BadRule
from guardrails.policy_document import PolicyDocument, RuleDocument

LISTING_DETECTORS: Final = ("keywords", "competitors", "urls")
"""Detectors whose parameters may name word lists: `{"lists": ["products"]}`; for URLs these are domains that are denied."""

_OWN_COLUMNS: Final = frozenset({"name", "mode"})
_PLACE: Final = re.compile(r"(?P<text>.*) - at `\$\.?(?P<path>[^`]*)`$", re.DOTALL)
_RULE: Final = re.compile(r"rules\[(?P<index>\d+)\]\.?(?P<field>.*)")
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def parse_document(values: Mapping[str, Any]) -> PolicyDocument:
    """Return the document that the values say. Errors: BadRule, a sentence that names the rule and the field."""
    try:
        return msgspec.convert(values, PolicyDocument)
    except msgspec.ValidationError as error:
        raise BadRule(_explain(str(error), values)) from error


def parse_draft(name: str, mode: str, draft: Mapping[str, Any]) -> PolicyDocument:
    """Return the document of a draft, whose name and mode are columns of their own. Errors: BadRule."""
    return parse_document({**draft, "name": name, "mode": mode})


def _explain(message: str, values: Mapping[str, Any]) -> str:
    found = _PLACE.fullmatch(message)
    if found is None:
        return f"{message}."
    rule = _RULE.fullmatch(found["path"])
    if rule is None:
        return f"{found['path'] or 'The policy'}: {found['text']}."
    index = int(rule["index"])
    written = values["rules"][index]
    name = (written.get("name") or written.get("detector")) if isinstance(written, Mapping) else None
    called = f"Rule {name!r}" if isinstance(name, str) and name else f"Rule {index + 1}"
    return f"{called}: {rule['field'] + ': ' if rule['field'] else ''}{found['text']}."


def dump_fields(document: PolicyDocument) -> dict[str, Any]:
    """Return the document as JSON values, all fields of it."""
    fields: dict[str, Any] = msgspec.to_builtins(document)
    return fields


def dump_draft(document: PolicyDocument) -> dict[str, Any]:
    """Return what a draft's column holds. Errors: BadRule for characters that no table can keep."""
    fields = {name: value for name, value in dump_fields(document).items() if name not in _OWN_COLUMNS}
    if any(_UNSTORABLE.search(each) for each in _strings(fields)):
        raise BadRule("The policy holds a NUL character or half of a surrogate pair. Write it as an escape inside a pattern.")
    return fields


def check_no_credentials(document: PolicyDocument) -> None:
    """Errors: BadRule for a rule that holds a secret itself instead of the name of its variable."""
    for rule in document.rules:
        if rule.detector == "external":
            try:
                check_stored(rule.parameters)
            except BadRule as error:
                raise BadRule(f"Rule {rule.name or rule.detector!r}: {error}") from error


def _strings(value: Any) -> Sequence[str]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, Mapping):
        return [text for key, inner in value.items() for text in (str(key), *_strings(inner))]
    return [text for inner in value for text in _strings(inner)] if isinstance(value, list | tuple) else ()


def dump_document(document: PolicyDocument) -> bytes:
    """Return the canonical JSON of the document, which workers compile."""
    return msgspec.json.encode(document, order="deterministic")


def digest_of(dump: bytes) -> str:
    """Return the SHA-256 of a document's canonical JSON, in hex."""
    return hashlib.sha256(dump).hexdigest()


def without_defaults(document: PolicyDocument) -> dict[str, Any]:
    """Return what the document says beyond the defaults, as a person would have written it. What is required always stands there."""
    return _prune(msgspec.to_builtins(document), type(document))


def _prune(values: Mapping[str, Any], kind: Any) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        value = values[field.name]
        if field.default is not msgspec.NODEFAULT and value == msgspec.to_builtins(field.default):
            continue
        if field.default_factory is not msgspec.NODEFAULT and value == msgspec.to_builtins(field.default_factory()):
            continue
        kept[field.name] = _prune_value(value, field.type)
    return kept


def _prune_value(value: Any, kind: Any) -> Any:
    if isinstance(value, dict) and isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _prune(value, kind)
    items = getattr(kind, "__args__", ())
    if isinstance(value, list | tuple) and items and isinstance(items[0], type) and issubclass(items[0], msgspec.Struct):
        return [_prune(each, items[0]) for each in value]
    return list(value) if isinstance(value, tuple) else value


# --- word lists -----------------------------------------------------------------------------------------------------------------


def list_names(document: PolicyDocument) -> frozenset[str]:
    """Return the names of the word lists that the document's rules ask for."""
    return frozenset(name for rule in document.rules for name in _asked_for(rule))


def _asked_for(rule: RuleDocument) -> list[str]:
    lists = rule.parameters.get("lists", ()) if rule.detector in LISTING_DETECTORS else ()
    return [each for each in lists if isinstance(each, str)] if isinstance(lists, list | tuple) else []


def resolve_lists(document: PolicyDocument, lists: Mapping[str, Sequence[str]]) -> PolicyDocument:
    """Return the document with the words themselves in the place of the lists' names. Errors: BadRule for a list that there is not."""
    rules = tuple(_resolve_rule(rule, lists) if _asked_for(rule) else rule for rule in document.rules)
    return msgspec.structs.replace(document, rules=rules)


def _resolve_rule(rule: RuleDocument, lists: Mapping[str, Sequence[str]]) -> RuleDocument:
    for name in _asked_for(rule):
        if name not in lists:
            raise BadRule(f"Rule {rule.name or rule.detector!r}: there is no word list {name!r}.")
    others = {name: value for name, value in rule.parameters.items() if name != "lists"}
    given: list[Any] = list(rule.parameters["lists"])
    words = [word for name in _asked_for(rule) for word in lists[name]]
    if rule.detector == "keywords":
        written = [{"name": each, "words": list(lists[each])} if isinstance(each, str) else each for each in given]
        return msgspec.structs.replace(rule, parameters=others | {"lists": written})
    field, values = ("competitors", [{"name": word} for word in words]) if rule.detector == "competitors" else ("denied_domains", words)
    return msgspec.structs.replace(rule, parameters=others | {field: [*others.get(field, ()), *values]})
