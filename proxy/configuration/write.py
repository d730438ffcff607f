"""The configuration as text in the apply format: what `manage.py export` writes and `manage.py apply` takes back unchanged."""

from __future__ import annotations

import datetime as dt
import sys
from typing import Any, Final

import msgspec
import yaml

from guardrails.public import write_policy
from proxy.configuration.export import build_document, export_api_keys
from proxy.configuration.format import (
    ApiKeyEntry,
    BackendEntry,
    CacheEntry,
    LimitEntry,
    PolicyEntry,
    PriceEntry,
    RouteEntry,
    ServiceEntry,
    TargetEntry,
    WordListEntry,
    WorkspaceEntry,
)
from proxy.configuration.times import format_moment

_HEAD = """\
# The configuration of a Gatewaysite installation; `manage.py apply FILE` reads it.
# API keys stand here without their secrets: where one does not exist yet, apply creates it and prints a new secret once.
"""
_CREDENTIALS = """\
# Credentials are left out, and apply keeps the stored ones. To set one, add: credential: "${NAME_OF_A_VARIABLE}"
"""


_ENTRIES: Final[dict[str, type[msgspec.Struct]]] = {
    "workspaces": WorkspaceEntry,
    "backends": BackendEntry,
    "routes": RouteEntry,
    "services": ServiceEntry,
    "limits": LimitEntry,
    "prices": PriceEntry,
    "word_lists": WordListEntry,
    "guardrails": PolicyEntry,
    "api_keys": ApiKeyEntry,
}


def export_yaml() -> str:
    """
    Return the configuration and the API keys that are not revoked, without secrets and without what is the default anyway.

    Cost: fourteen queries.
    """
    known = build_document() | {"api_keys": export_api_keys()}
    return _HEAD + "".join(_dump_section(name, kind, known[name]) for name, kind in _ENTRIES.items() if known[name])


def _dump_section(name: str, kind: type[msgspec.Struct], objects: list[dict[str, Any]]) -> str:
    lines = "".join(f"  - {_dump_line(_without_defaults(kind, fields))}" for fields in objects)
    return "\n" + (_CREDENTIALS if name == "backends" else "") + f"{name}:\n{lines}"


def _dump_line(entry: dict[str, Any]) -> str:
    """Return one object on one line, so that a change of one is a change of one line."""
    text: str = yaml.safe_dump(entry, default_flow_style=True, sort_keys=False, width=sys.maxsize, allow_unicode=True)
    return text


def _without_defaults(kind: type[msgspec.Struct], fields: dict[str, Any]) -> dict[str, Any]:
    """Return what an entry of this kind has to say; what is no field of it (a fingerprint) goes, too."""
    defaults = {field.name: _default(field) for field in msgspec.structs.fields(kind)}
    kept = {name: value for name, value in fields.items() if name in defaults and value != defaults[name]}
    if kind is PolicyEntry:
        return {name: kept[name] for name in ("name", "description") if name in kept} | write_policy(fields)
    if "targets" in kept:
        kept["targets"] = [_without_defaults(TargetEntry, target) for target in kept["targets"]]
    if "cache" in kept:
        kept["cache"] = _without_defaults(CacheEntry, kept["cache"])
        if not kept["cache"]:
            del kept["cache"]
    return kept


def _default(field: msgspec.structs.FieldInfo) -> Any:
    default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
    return format_moment(default) if isinstance(default, dt.datetime) else default
