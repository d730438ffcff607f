"""
Personal data: mail addresses, telephones, cards, accounts, numbers that states give out, addresses of machines and money.

Rules: names of persons are not looked for (no list or expression finds them without finding much else). A value that its checksum does
not prove needs a word before it, or a way of writing that nothing else has; see `pii_kinds.kind.Need`. Postal codes and streets are off
until a policy includes them.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import msgspec

from guardrails.detection import PatternDetector
from guardrails.detectors.pii_kinds import americas, asia_pacific, banking, contact, crypto, europe, life, network
from guardrails.detectors.pii_kinds.context import Mentions
from guardrails.detectors.pii_kinds.kind import Judge, Kind, Shape, needed_keys
from guardrails.errors import BadRule
from guardrails.patterns import Needs, Pattern

KINDS: tuple[Kind, ...] = (
    *contact.KINDS,
    *banking.KINDS,
    *network.KINDS,
    *crypto.KINDS,
    *americas.KINDS,
    *europe.KINDS,
    *asia_pacific.KINDS,
    *life.KINDS,
)
_NAMES = frozenset(kind.name for kind in KINDS)
_FAMILIES = frozenset(kind.family for kind in KINDS)
_REGIONS = frozenset(kind.region for kind in KINDS if kind.region)


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """
    `include`: only these kinds or families (`banking`); empty for all that are on. `exclude` takes some of them away. `also` adds kinds
    that are off by default. `regions`: numbers of these countries only (ISO codes in lower case), empty for all; kinds without a
    country always stay. `minimum_score`: 0.5 for the loosest shapes, 0.9 for what has proof.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    minimum_score: float = 0.0


def build(parameters: Parameters) -> PatternDetector:
    """Return the detector. Errors: BadRule for an unknown kind, family or region. Cost: 10 ms."""
    kinds = select_kinds(parameters)
    return PatternDetector(tuple(_patterns(kinds, parameters.minimum_score)))


def select_kinds(parameters: Parameters) -> tuple[Kind, ...]:
    """Return the kinds that the parameters ask for. Errors: BadRule."""
    for each in (*parameters.include, *parameters.exclude, *parameters.also):
        if each not in _NAMES and each not in _FAMILIES:
            known = f"{', '.join(sorted(_NAMES))}; families: {', '.join(sorted(_FAMILIES))}"
            raise BadRule(f"There is no kind of personal data {each!r}. Known are {known}.")
    for each in parameters.regions:
        if each not in _REGIONS:
            raise BadRule(f"There is no region {each!r}. Known are {', '.join(sorted(_REGIONS))}.")
    return tuple(kind for kind in KINDS if _is_wanted(kind, parameters))


def _is_wanted(kind: Kind, parameters: Parameters) -> bool:
    names = {kind.name, kind.family}
    if not names.isdisjoint(parameters.exclude):
        return False
    if parameters.regions and kind.region and kind.region not in parameters.regions:
        return False
    if not names.isdisjoint(parameters.also) or kind.name in parameters.include:
        return True
    return kind.is_on and (not parameters.include or kind.family in parameters.include)


@functools.cache
def _mentions() -> Mentions:
    return Mentions(key for kind in KINDS for shape in kind.shapes for key in needed_keys(kind, shape))


def _needs(kind: Kind, shape: Shape) -> Needs | None:
    """Return the words of which the shape needs one before it; None if it needs none."""
    words = needed_keys(kind, shape)
    return Needs(words, _mentions().find) if words else None


def _patterns(kinds: tuple[Kind, ...], minimum_score: float) -> Iterator[Pattern]:
    for kind in kinds:
        for index, shape in enumerate(kind.shapes):
            if shape.score >= minimum_score:
                name = f"pii.{kind.name}" if index == 0 else f"pii.{kind.name}.{index + 1}"
                yield _pattern(name, kind, shape)


def _pattern(name: str, kind: Kind, shape: Shape) -> Pattern:
    return Pattern(
        name=name,
        label=kind.label_text,
        expression=shape.expression,
        triggers=shape.triggers,
        group=shape.group,
        is_word=shape.is_word,
        is_valid=shape.judge or Judge(kind, shape),
        score=shape.score,
        reason=f"{kind.title}.",
        needs=_needs(kind, shape),
    )
