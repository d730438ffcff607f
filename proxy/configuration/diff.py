"""
What changed between two configuration documents, in lines for people.

Rules: pure, reads no rows. `+` is new, `-` is gone, `~` is changed; objects come in the order of their names.
"""

from __future__ import annotations

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
    """Return groups of fields as fields of their own: `cache: {exact_ttl_s: 5}` as `cache.exact_ttl_s: 5`."""
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        flat |= {f"{name}.{part}": inner for part, inner in value.items()} if isinstance(value, Mapping) else {name: value}
    return flat


def _describe(name: str, before: Any, after: Any) -> str:
    if name == "credential_fingerprint":
        return "credential set" if before is None else "credential removed" if after is None else "credential changed"
    return f"{name} {_write(before)} -> {_write(after)}"


def _write(value: Any) -> str:
    if value is None or value in ("", []):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return f"[{', '.join(map(_write, value))}]"
    if isinstance(value, Mapping):
        return _write_target(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _write_target(target: Fields) -> str:
    return f"{target['backend']}/{target['upstream_model']} x{target.get('weight', 1)}"
