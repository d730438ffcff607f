"""
Which detectors there are, by the name that a policy's rule gives.

Rules: a detector's module is imported when a policy first names it, so that what nobody uses costs no memory. Every module has
`Parameters` (a frozen `msgspec.Struct` that forbids unknown fields) and `build(parameters) -> AnyDetector`.
"""

from __future__ import annotations

import importlib
from typing import Any

import msgspec

from guardrails.detection import AnyDetector
from guardrails.errors import BadRule

DETECTORS = (
    "pii",
    "secrets",
    "injection",
    "jailbreak",
    "toxicity",
    "topics",
    "competitors",
    "urls",
    "unicode",
    "prompt_leak",
    "language",
    "code",
    "limits",
    "json_schema",
    "tools",
    "regex",
    "keywords",
    "external",
)


def build_detector(name: str, parameters: dict[str, Any]) -> AnyDetector:
    """Return the detector that a rule asks for. Errors: BadRule with a sentence that says what to change."""
    if name not in DETECTORS:
        raise BadRule(f"There is no detector {name!r}. Known are: {', '.join(DETECTORS)}.")
    module = _module_of(name)
    try:
        typed = msgspec.convert(parameters, module.Parameters)
    except msgspec.ValidationError as error:
        raise BadRule(f"Parameters of detector {name!r}: {error}.") from error
    detector: AnyDetector = module.build(typed)
    return detector


def parameters_of(name: str) -> type[msgspec.Struct]:
    """Return the shape of a detector's parameters. Errors: ModuleNotFoundError for a name that is none of `DETECTORS`."""
    shape: type[msgspec.Struct] = _module_of(name).Parameters
    return shape


def _module_of(name: str) -> Any:
    return importlib.import_module(f"guardrails.detectors.{name}")
