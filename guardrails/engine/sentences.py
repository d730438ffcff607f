"""
Checks that need whole sentences (topics, toxicity, instructions) in a text that arrives in pieces.

A sentence is checked when it is complete. If a rule may stop the stream or hide something, the open sentence is held; if all rules only
report, nothing is. Rules: where sentences end depends on the text alone, never on how it was cut.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from guardrails.detection import Facts, Hit, Subject, TextUnit
from guardrails.engine.overlap import Span, merge_spans
from guardrails.engine.stream import Render, StreamFinding, bracketed
from guardrails.engine.stream_policy import HIDING, STOPPING
from guardrails.engine.transform import StreamBlocked
from guardrails.policy_document import Action, FailMode, Severity

LONGEST_SENTENCE = 600
"""A longer sentence is checked in parts. Units: characters."""

_END = re.compile(r"""[.!?…]["'”’)\]]{0,3}\s|[。！？]|\n""")
SHORTEST_SENTENCE = 20
"""What ends sooner goes on into the next: a line of one letter says nothing, and a check for each would cost a stream its speed."""

_LOOK_BACK = 6
"""The longest piece of an end that may have arrived before the rest of it."""

Check = Callable[[Subject], Sequence[Hit]]


@dataclass(frozen=True, slots=True)
class SentenceRule:
    """`check` is pure and says what counts, thresholds included. A hit of the whole sentence (0, 0) cannot be hidden: it stops."""

    rule: str
    action: Action
    check: Check
    fail_mode: FailMode = "closed"
    severity: Severity = "medium"


class SentenceGate:
    """
    A `TextTransformer` that lets sentences through one by one.

    Errors: StreamBlocked, also when a check fails whose rule's fail mode is closed and which may stop or hide.
    """

    def __init__(self, rules: Sequence[SentenceRule], facts: Facts, render: Render | None = None) -> None:
        self.findings: list[StreamFinding] = []
        self.degraded_rules: set[str] = set()
        self.failed_rules: set[str] = set()
        self._rules = tuple(rules)
        self._facts = facts
        self._render = render or bracketed
        self._is_holding = any(each.action in STOPPING or each.action in HIDING for each in rules)
        self._open = ""
        self._seen = 0
        self._base = 0
        self._stopped: StreamBlocked | None = None

    def feed(self, text: str) -> str:
        if self._stopped is not None:
            raise self._stopped
        self._open += text
        checked: list[str] = []
        while (end := self._end()) is not None:
            checked.append(self._check(end))
        return "".join(checked) if self._is_holding else text

    def close(self) -> str:
        if self._stopped is not None:
            raise self._stopped
        rest = self._check(len(self._open)) if self._open else ""
        return rest if self._is_holding else ""

    def _end(self) -> int | None:
        """Return where the open sentence ends, None if that is not known yet. Each character is looked at once or twice."""
        found = _END.search(self._open, max(SHORTEST_SENTENCE, self._seen - _LOOK_BACK), LONGEST_SENTENCE)
        if found is not None:
            return found.end()
        if len(self._open) < LONGEST_SENTENCE:
            self._seen = len(self._open)
            return None
        blank = self._open.rfind(" ", 1, LONGEST_SENTENCE)
        return blank + 1 if blank > 0 else LONGEST_SENTENCE

    def _check(self, end: int) -> str:
        """Check the first `end` characters and return what may be sent of them."""
        sentence, self._open = self._open[:end], self._open[end:]
        base, self._base = self._base, self._base + end
        self._seen = 0
        if sentence.isspace():
            return sentence  # a million line breaks are a million sentences
        subject = Subject(TextUnit(sentence, direction="response", trust="assistant"), self._facts)
        spans: list[Span] = []
        for rule in self._rules:
            for hit in self._hits(rule, subject):
                placed = replace(hit, start=base + hit.start, end=base + hit.end) if hit.end else replace(hit, start=base, end=base + end)
                self.findings.append(StreamFinding(placed, rule.rule, rule.action, sentence[hit.start : hit.end]))
                if rule.action in STOPPING or (rule.action in HIDING and hit.start >= hit.end):
                    self._stop(StreamBlocked(rule.rule, rule.action))
                if rule.action in HIDING:
                    spans.append(Span(hit.start, hit.end, hit.label, rule.severity, rule.action == "tokenise"))
        pieces: list[str] = []
        at = 0
        for edit in merge_spans(spans):
            pieces += (sentence[at : edit.start], self._render(edit.label, sentence[edit.start : edit.end], edit.is_reversible))
            at = edit.end
        return "".join((*pieces, sentence[at:]))

    def _hits(self, rule: SentenceRule, subject: Subject) -> Sequence[Hit]:
        try:
            return rule.check(subject)
        except Exception as error:  # the sentence was not seen: the fail mode decides
            if rule.fail_mode == "closed" and (rule.action in STOPPING or rule.action in HIDING):
                self.failed_rules.add(rule.rule)
                self._stop(StreamBlocked(rule.rule, is_failure=True), error)
            self.degraded_rules.add(rule.rule)
            return ()

    def _stop(self, blocked: StreamBlocked, cause: Exception | None = None) -> None:
        self._stopped = blocked
        self._open = ""
        raise blocked from cause
