"""What a policy must reach: `recall>=0.85`, `fpr<=0.02`, `injection.recall>=0.8`, `kinds.jailbreak.recall>=0.9`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_GATE = re.compile(r"\s*(?P<path>[^<>=\s](?:[^<>=]*[^<>=\s])?)\s*(?P<sign>>=|<=|>|<|==)\s*(?P<value>[0-9.]+(?:e-?\d+)?)\s*")
_SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
}


class BadGate(ValueError):
    """A gate that cannot be read, or asks for a figure that the report does not have."""


@dataclass(frozen=True, slots=True)
class Gate:
    """`path` names a figure: of `overall`, of a rule (`rule.figure`), or anything of the report by its full path."""

    written: str
    path: str
    sign: str
    value: float


@dataclass(frozen=True, slots=True)
class GateResult:
    """`reached` is None where there were no rows to tell: such a gate fails, because nothing was shown."""

    gate: Gate
    reached: float | None
    is_held: bool


def parse_gate(text: str) -> Gate:
    """Errors: BadGate."""
    found = _GATE.fullmatch(text)
    try:
        value = float(found["value"]) if found else 0.0
    except ValueError:
        found = None
    if found is None:
        raise BadGate(f"Gate {text!r} is not of the form recall>=0.85, fpr<=0.02 or injection.recall>=0.8.")
    return Gate(text.strip(), found["path"], found["sign"], value)


def check_gate(gate: Gate, report: Mapping[str, Any]) -> GateResult:
    """Errors: BadGate for a figure that there is not."""
    reached = _find(gate.path, report)
    return GateResult(gate, reached, reached is not None and _SIGNS[gate.sign](reached, gate.value))


def _find(path: str, report: Mapping[str, Any]) -> float | None:
    for start in (report["overall"], report["rules"], report):
        found, is_there = _walk(path, start)
        if is_there:
            if isinstance(found, Mapping) and "recall" in found:
                found = found["recall"]
            if found is None or (isinstance(found, int | float) and not isinstance(found, bool)):
                return found
    figures = ", ".join(sorted(name for name, value in report["overall"].items() if not isinstance(value, tuple | list)))
    raise BadGate(f"There is no figure {path!r}. Write one of {figures}, with a rule and a dot before it if you like.")


def _walk(path: str, start: Any) -> tuple[Any, bool]:
    """Follow the names of a path, which may hold dots themselves: the longest that is there wins."""
    if not path:
        return start, True
    if not isinstance(start, Mapping):
        return None, False
    parts = path.split(".")
    for count in range(len(parts), 0, -1):
        name = ".".join(parts[:count])
        if name in start:
            found, is_there = _walk(".".join(parts[count:]), start[name])
            if is_there:
                return found, True
    return None, False
