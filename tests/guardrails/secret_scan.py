"""What the secrets detector finds in a text, pattern by pattern: the automaton names suspects, RE2 and the validator confirm."""

from __future__ import annotations

from typing import Any

import re2

from guardrails.detection import Hit, Subject, TextUnit
from guardrails.detectors.secrets import SecretsDetector
from guardrails.engine.database import build_database
from guardrails.patterns import LEFT_CHARACTERS, Candidate, Pattern

_MEMORY_BYTES = 8 << 20


class SecretScan:
    """A detector with its automaton. `find` gives hits in order of their start."""

    def __init__(self, detector: SecretsDetector) -> None:
        self.detector = detector
        self.database = build_database(detector.patterns)
        self._compiled: dict[str, Any] = {}

    def find(self, text: str) -> list[Hit]:
        subject = Subject(TextUnit(text))
        hits = [hit for index in self.database.scan(text.encode()) for hit in self.confirm(self.detector.patterns[index], text)]
        return list(self.detector.inspect(subject, sorted(hits, key=lambda hit: (hit.start, hit.end))))

    def confirm(self, pattern: Pattern, text: str) -> list[Hit]:
        """Return what one pattern finds, whether the automaton suspects it or not."""
        hits = []
        for match in self._regex(pattern).finditer(text):
            start, end = match.span(pattern.group)
            left = text[max(0, match.start() - LEFT_CHARACTERS) : match.start()]
            candidate = Candidate(text[start:end], match.group(0), left, text[match.end() : match.end() + 1])
            if pattern.is_valid is None or pattern.is_valid(candidate):
                hits.append(Hit(pattern.label, start, end, pattern.score, pattern.reason, pattern.name))
        return hits

    def _regex(self, pattern: Pattern) -> Any:
        regex = self._compiled.get(pattern.name)
        if regex is None:
            options = re2.Options()
            options.log_errors = False
            options.max_mem = _MEMORY_BYTES
            options.case_sensitive = not pattern.is_caseless
            regex = self._compiled[pattern.name] = re2.compile(pattern.expression, options)
        return regex
