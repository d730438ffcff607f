"""The configuration as text in the apply format: what `manage.py export` writes and `manage.py apply` takes back unchanged."""

from __future__ import annotations

from typing import Any

import msgspec
import yaml

from proxy.configuration.export import build_document, export_api_keys
from proxy.configuration.format import BackendEntry, Document

_HEAD = """\
# The configuration of a Gatewaysite installation; `manage.py apply FILE` reads it.
# API keys stand here without their secrets: where one does not exist yet, apply creates it and prints a new secret once.
"""
_CREDENTIALS = """\
# Credentials are left out, and apply keeps the stored ones. To set one, add: credential: "${NAME_OF_A_VARIABLE}"
"""


def export_yaml() -> str:
    """
    Return the configuration and the API keys that are not revoked, without secrets and without what is the default anyway.

    Cost: ten queries.
    """
    known = build_document() | {"api_keys": export_api_keys()}
    document = msgspec.convert({name: _entries(name, known[name]) for name in Document.__struct_fields__ if known[name]}, Document)
    sections: dict[str, Any] = msgspec.to_builtins(document)
    return _HEAD + "".join(_dump_section(name, entries) for name, entries in sections.items())


def _entries(section: str, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if section != "backends":
        return entries
    return [{name: value for name, value in entry.items() if name in BackendEntry.__struct_fields__} for entry in entries]


def _dump_section(name: str, entries: list[dict[str, Any]]) -> str:
    text = yaml.safe_dump({name: entries}, default_flow_style=None, sort_keys=False, width=140, allow_unicode=True)
    return "\n" + (_CREDENTIALS if name == "backends" else "") + text
