"""
Detector `json_schema`: the text is JSON and follows a schema.

Rules: the text is the value itself or holds it in a fenced block; where blocks are fenced as `json`, all of those are checked. A text
without JSON, with a key that stands twice, or nested too deep for a parser does not follow the schema.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from guardrails.detection import Detector, Hit, Subject
from guardrails.json_text import NotJson, load_strictly
from guardrails.patterns import Pattern
from guardrails.schema import Schema

_FENCE = re.compile(r"^[ ]{0,3}(`{3,}|~{3,})[ \t]*([^\n`]*)$", re.MULTILINE)


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """
    `schema`: a JSON schema, draft 2020-12 unless `$schema` says another. `is_fence_allowed`: JSON in a fenced block counts too.
    `is_prose_allowed`: so does text around the block.
    """

    schema: dict[str, Any]
    is_fence_allowed: bool = True
    is_prose_allowed: bool = True


def build(parameters: Parameters) -> Detector:
    return JsonSchemaDetector(Schema(parameters.schema), parameters.is_fence_allowed, parameters.is_prose_allowed)


@dataclass(frozen=True, slots=True)
class JsonSchemaDetector:
    schema: Schema
    is_fence_allowed: bool = True
    is_prose_allowed: bool = True
    patterns: tuple[Pattern, ...] = ()
    is_hit_needed: bool = False

    def inspect(self, subject: Subject, hits: Sequence[Hit]) -> Sequence[Hit]:
        fault = self._judge(subject.text)
        return () if fault is None else (Hit("JSON_SCHEMA", reason=fault),)

    def _judge(self, text: str) -> str | None:
        """Return what is wrong with a text, None if nothing is."""
        try:
            return self._tell(load_strictly(text))
        except NotJson as error:
            fault = error.reason
        blocks, has_prose = _split_fences(text) if self.is_fence_allowed else ([], False)
        if not blocks:
            return f"The text is not JSON: {fault}."
        if has_prose and not self.is_prose_allowed:
            return "The text holds more than the JSON."
        for block in blocks:
            try:
                told = self._tell(load_strictly(block))
            except NotJson as error:
                told = f"The fenced block is not JSON: {error.reason}."
            if told is not None:
                return told
        return None

    def _tell(self, value: Any) -> str | None:
        fault = self.schema.find_fault(value)
        return None if fault is None else f"The JSON does not follow the schema: {fault}."


def _split_fences(text: str) -> tuple[list[str], bool]:
    """
    Return the blocks that are to be JSON, and whether other text stands around the blocks.

    These are the blocks named `json`; if there is none, those without a name. A block that is not closed ends with the text.
    """
    named: list[str] = []
    nameless: list[str] = []
    around: list[str] = []
    at, opened = 0, None
    for fence in _FENCE.finditer(text):
        if opened is None:
            around.append(text[at : fence.start()])
            opened = fence
        elif fence[1].startswith(opened[1]) and not fence[2].strip():
            _keep(text[opened.end() : fence.start()], opened[2], named, nameless)
            at, opened = fence.end(), None
    if opened is None:
        around.append(text[at:])
    else:
        _keep(text[opened.end() :], opened[2], named, nameless)
    return named or nameless, any(not piece.isspace() for piece in around if piece)


def _keep(block: str, name: str, named: list[str], nameless: list[str]) -> None:
    language = name.strip().lower()
    if language in ("json", "jsonc", "json5"):
        named.append(block)
    elif not language:
        nameless.append(block)
