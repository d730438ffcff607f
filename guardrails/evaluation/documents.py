"""Policies from files: the form that the console edits and `apply` reads, as YAML or JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from guardrails.documents import parse_document
from guardrails.errors import BadRule
from guardrails.policy_document import PolicyDocument

ENDINGS = (".yaml", ".yml", ".json")


def read_documents(path: Path) -> tuple[PolicyDocument, ...]:
    """
    Return the policies of a file: one document, or all that stand under `guardrails`.

    Errors: BadRule. Shapes: a name may be missing; the file's own is taken then.
    """
    values = _read(path)
    if not isinstance(values, dict):
        raise BadRule(f"{path} holds no policy: it is a list or a word, and not a document with `rules`.")
    listed = values.get("guardrails")
    entries: list[Any] = listed if isinstance(listed, list) else [{"name": path.stem} | values]
    return tuple(_parse(each) for each in entries)


def _parse(entry: Any) -> PolicyDocument:
    if not isinstance(entry, dict):
        raise BadRule("An entry of `guardrails` is no policy.")
    return parse_document({name: value for name, value in entry.items() if name != "description"})


def _read(path: Path) -> Any:
    import yaml  # slow to import, and needed for files alone

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadRule(f"{path} cannot be read: {error}") from error
