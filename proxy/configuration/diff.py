"""
What changed between two configuration documents, in lines for people.

Rules: pure, reads no rows. `+` is new, `-` is gone, `~` is changed; objects come in the order of their names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

Fields = Mapping[str, Any]
Document = Mapping[str, Any]


def render(old: Document | None, new: Document) -> str:
    """Return the changes one a line (`~ limit global: amount 150 -> 200`), an empty string where nothing changed."""
    lines = [line for section in SECTIONS for line in _compare_section(section, old or {}, new)]
    before, after = (old or {}).get("price_list_version"), new.get("price_list_version")
    if before != after:
        lines.append(f"~ price list {before or 'none'} -> {after or 'none'}")
    return "\n".join(lines)


class Section:
    """How the objects of one section are called and told apart."""

    def __init__(self, key: str, noun: str, identify: Callable[[Fields], str]) -> None:
        self.key = key
        self.noun = noun
        self.identify = identify


def _identify_price(price: Fields) -> str:
    backend = f" at {price['backend']}" if price.get("backend") else ""
    return f"{price['provider']}/{price['upstream_model']}{backend} from {price['effective_at']}"


SECTIONS: Final = (
    Section("workspaces", "workspace", lambda fields: str(fields["slug"])),
    Section("backends", "backend", lambda fields: str(fields["name"])),
    Section("routes", "route", lambda fields: str(fields["model"])),
    Section("services", "service", lambda fields: str(fields["path"])),
    Section("limits", "limit", lambda fields: str(fields["name"])),
    Section("prices", "price", _identify_price),
    Section("word_lists", "word list", lambda fields: str(fields["name"])),
    Section("guardrails", "policy", lambda fields: str(fields["name"])),
    Section("api_keys", "API key", lambda fields: f"{fields['workspace']}/{fields['name']}"),
)


def _compare_section(section: Section, old: Document, new: Document) -> list[str]:
    before = {section.identify(fields): fields for fields in old.get(section.key) or ()}
    after = {section.identify(fields): fields for fields in new.get(section.key) or ()}
    lines = []
    for name in sorted(before.keys() | after.keys()):
        if name not in before:
            lines.append(f"+ {section.noun} {name}")
        elif name not in after:
            lines.append(f"- {section.noun} {name}")
        elif changes := _compare_fields(before[name], after[name]):
            lines.append(f"~ {section.noun} {name}: {', '.join(changes)}")
    return lines


def _compare_fields(before: Fields, after: Fields) -> list[str]:
    before, after = _flatten(before), _flatten(after)
    names = [*after, *(name for name in before if name not in after)]
    return [_describe(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)]


def _flatten(fields: Fields) -> dict[str, Any]:
    """Return groups of fields as fields of their own: `cache: {exact_ttl_s: 5}` as `cache.exact_ttl_s: 5`; a policy's rules by name."""
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        if name in _PARTS:
            flat |= {f"{_PARTS[name]} {_name_part(part, at)}": part for at, part in enumerate(value or (), start=1)}
        elif isinstance(value, Mapping):
            flat |= {f"{name}.{part}": inner for part, inner in value.items()}
        else:
            flat[name] = value
    return flat


_PARTS: Final = {"rules": "rule", "tests": "test case"}
_SHOWN_COUNT: Final = 20


def _name_part(part: Fields, at: int) -> str:
    return str(part.get("name") or part.get("detector") or at)


def _describe(name: str, before: Any, after: Any) -> str:
    if name == "credential_fingerprint":
        return "credential set" if before is None else "credential removed" if after is None else "credential changed"
    if name.startswith(tuple(f"{noun} " for noun in _PARTS.values())):
        return _describe_part(name, before, after)
    if isinstance(before, list) and isinstance(after, list) and max(len(before), len(after)) > _SHOWN_COUNT:
        return f"{name}: {_count_missing(after, before)} added, {_count_missing(before, after)} removed"
    return f"{name} {_write(before)} -> {_write(after)}"


def _count_missing(values: list[Any], others: list[Any]) -> int:
    known = set(map(str, others))
    return sum(str(value) not in known for value in values)


def _describe_part(name: str, before: Fields | None, after: Fields | None) -> str:
    if before is None or after is None:
        return f"{name} {'added' if before is None else 'removed'}"
    return f"{name} ({', '.join(_compare_fields(before, after))})"


def _write(value: Any) -> str:
    if value is None or value in ("", []):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return f"[{', '.join(map(_write, value))}]"
    if isinstance(value, Mapping):
        return _write_target(value) if "backend" in value else json.dumps(value, ensure_ascii=False)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _write_target(target: Fields) -> str:
    return f"{target['backend']}/{target['upstream_model']} x{target.get('weight', 1)}"
