"""
Neighbouring text parts of one message as one text: a value that was cut in two parts is whole again, as a model reads it.

Rules: only what lies across parts counts, for each part was looked at by itself; what was found in one part alone is not found again
longer. Parts are joined as they are and, where a word of one would run into a word of the next, with a blank between them as well:
providers do one or the other. Of long parts only the ends are joined. What a rule says of a text as a whole, it says of each part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Final

import msgspec

from guardrails.detection import Facts, TextUnit
from guardrails.engine.check import CompiledPolicy
from guardrails.engine.decide import decide
from guardrails.engine.off_loop import check_in_thread, is_large
from guardrails.engine.overlap import edits_of
from guardrails.engine.tally import TOO_MANY, UNCHECKED
from guardrails.inspection import Finding, Inspection, Outcome
from proxy.guarding.active import ActivePolicy

_PART: Final = ".text"
_REACH: Final = 4096
"""So much of the end of a part, and of the beginning of the next one, is looked at together. Units: characters."""

_UNSEEN: Final = frozenset({UNCHECKED, TOO_MANY})


@dataclass(frozen=True, slots=True)
class Piece:
    """Where a part's text lies in a joined one, `[start, end)`; `unit` is its index, `origin` where the piece begins in it."""

    start: int
    end: int
    unit: int
    origin: int


@dataclass(frozen=True, slots=True)
class Joined:
    """Joined texts, and the pieces that each is made of."""

    units: tuple[TextUnit, ...]
    pieces: tuple[tuple[Piece, ...], ...]


def join_parts(units: Sequence[TextUnit]) -> Joined | None:
    """Return the joined parts of all messages; None if no message has several. Cost: 0.1 us for each text that is no part."""
    if len(units) < 2 or sum(unit.path.endswith(_PART) for unit in units) < 2:
        return None
    texts: list[TextUnit] = []
    pieces: list[tuple[Piece, ...]] = []
    parts = [(index, unit) for index, unit in enumerate(units) if unit.path.endswith(_PART)]
    for parent, group in groupby(parts, lambda each: _parent_of(each[1])):
        if parent is None:
            continue
        for chain in _chains(list(group)):
            for glue in ("", " ") if _is_word_cut(chain) else ("",):
                text, placed = _join(chain, glue)
                texts.append(msgspec.structs.replace(chain[0][1], text=text))
                pieces.append(placed)
    return Joined(tuple(texts), tuple(pieces)) if texts else None


def _parent_of(unit: TextUnit) -> tuple[str, str, str, str, bool] | None:
    """Return what the parts of one text have in common, None for a text that is no part of a list."""
    parent, _, number = unit.path[: -len(_PART)].rpartition(".")
    return (parent, unit.direction, unit.trust, unit.tool, unit.is_latest) if number.isdecimal() else None


_Cut = tuple[int, TextUnit, int, int]
"""The index of a unit, the unit, and which of its characters are taken."""


def _chains(parts: Sequence[tuple[int, TextUnit]]) -> Iterator[list[tuple[int, TextUnit, int, int]]]:
    """Yield what is to be looked at together: whole parts, and the ends of long ones."""
    chain: list[_Cut] = []
    for index, unit in parts:
        size = len(unit.text)
        if size <= 2 * _REACH:
            chain.append((index, unit, 0, size))
            continue
        if chain:
            yield [*chain, (index, unit, 0, _REACH)]
        chain = [(index, unit, size - _REACH, size)]
    if len(chain) > 1:
        yield chain


def _is_word_cut(chain: Sequence[_Cut]) -> bool:
    return any(one.text[end - 1].isalnum() and other.text[start].isalnum() for (_, one, _, end), (_, other, start, _) in pairwise(chain))


def _join(chain: Sequence[_Cut], glue: str) -> tuple[str, tuple[Piece, ...]]:
    texts: list[str] = []
    pieces: list[Piece] = []
    at = 0
    for index, unit, start, end in chain:
        texts.append(unit.text[start:end])
        pieces.append(Piece(at, at + end - start, index, start))
        at += end - start + len(glue)
    return glue.join(texts), tuple(pieces)


async def inspect_parts(
    policies: Sequence[ActivePolicy],
    joined: Joined,
    units: Sequence[TextUnit],
    facts: Facts,
    workspace_id: str,
    known: Sequence[Finding],
) -> list[Inspection]:
    """Return what each policy's fast rules say of values that lie across parts; `known` are the findings in the parts themselves."""
    said: list[Inspection] = []
    for policy in policies:
        if is_large(joined.units):
            inspection = await check_in_thread((policy.compiled,), joined.units, facts, workspace_id)
        else:
            inspection = policy.compiled.check(joined.units, facts, workspace_id)
        said.append(_spread(policy.compiled, inspection, joined, units, known))
    return said


def _spread(policy: CompiledPolicy, said: Inspection, joined: Joined, units: Sequence[TextUnit], known: Sequence[Finding]) -> Inspection:
    """Return what a policy says of joined texts as if it said it of the parts: an edit lies in every part that has a piece of it."""
    if said.is_quiet:
        return said
    own = {(each.unit, each.rule, each.start, each.end) for each in known}
    findings = tuple(dict.fromkeys(each for found in said.findings for each in _placed(found, joined.pieces[found.unit], units, own)))
    ruling = decide(findings, {rule.name: rule for rule in policy.rules})
    return replace(
        said,
        decision=ruling.decision,
        decided_by=ruling.decided_by,
        message=ruling.message,
        route_to=ruling.route_to,
        note=ruling.note,
        findings=findings,
        edits={} if ruling.decision == "block" else edits_of(findings),
        outcomes=tuple(_outcome(each, findings) for each in said.outcomes),
    )


def _placed(found: Finding, pieces: Sequence[Piece], units: Sequence[TextUnit], own: set[tuple[int, str, int, int]]) -> Iterator[Finding]:
    if found.start >= found.end:
        if found.label in _UNSEEN:
            yield replace(found, unit=pieces[-1].unit, path=units[pieces[-1].unit].path)
        return
    touched = [each for each in pieces if each.start < found.end and found.start < each.end]
    if len(touched) < 2:
        return
    placed = [
        (each, max(found.start, each.start) - each.start + each.origin, min(found.end, each.end) - each.start + each.origin)
        for each in touched
    ]
    for piece, start, end in placed:
        if any(unit == piece.unit and rule == found.rule and first < end and start < last for unit, rule, first, last in own):
            return
    for piece, start, end in placed:
        yield replace(found, unit=piece.unit, path=units[piece.unit].path, start=start, end=end)


def _outcome(outcome: Outcome, findings: Sequence[Finding]) -> Outcome:
    count = sum(each.rule == outcome.rule for each in findings)
    result = "pass" if outcome.result == "hit" and not count else outcome.result
    return replace(outcome, result=result, findings_count=count)
