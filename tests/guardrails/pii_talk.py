"""What the detector of personal data finds in a text, by the engine that serves requests."""

from __future__ import annotations

from functools import cache

from guardrails.detection import Hit, Subject, TextUnit
from guardrails.detectors import pii
from guardrails.engine.database import build_database
from guardrails.engine.scan import Scanner


@cache
def _scanner() -> Scanner:
    patterns = pii.build(pii.Parameters()).patterns
    return Scanner(patterns, build_database(patterns))


def hits_of(text: str) -> list[Hit]:
    scanner = _scanner()
    scan = scanner.scan(Subject(TextUnit(text)), frozenset(range(len(scanner.patterns))))
    assert not scan.doubtful
    assert not scan.unseen
    return [each for hits in scan.hits.values() for each in hits]


def find_pii(text: str) -> list[tuple[str, str]]:
    """Return label and value of what is found, each once, in order."""
    return sorted({(each.label, text[each.start : each.end]) for each in hits_of(text)})
