"""
The streaming law on real texts: what a stream lets through does not depend on how it was cut.

Rules: every text is taken as an answer; rules that look at no answers have no part in it. When a rule stops a text, what was sent before is
not compared: how far the stream had come depends on the cut.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from guardrails.detection import Facts
from guardrails.engine.compile import compile_policy
from guardrails.engine.stream_rules import compile_stream_rules
from guardrails.engine.transform import StreamBlocked, TransformerChain
from guardrails.evaluation.judge import enforced
from guardrails.policy_document import PolicyDocument

LONGEST_TEXT = 16 << 10
"""Only the start of longer texts is cut up: the law is about borders, and character by character is slow."""

_PIECES = (1, 3, 16, 64, 400)
_NO_FACTS = Facts()


@dataclass(slots=True)
class LawReport:
    """`differences` are (file, row) of texts for which the law broke; there should be none."""

    texts_count: int = 0
    cuts_count: int = 0
    stopped_count: int = 0
    differences: list[tuple[str, int]] = field(default_factory=list)


class StreamLaw:
    """
    The rules of a policy as they work on streams.

    Errors: BadRule for a pattern that streams cannot hold. Cost: compiles the stream's automaton, up to a second.
    """

    def __init__(self, document: PolicyDocument, cache_folder: Path | None = None) -> None:
        compiled = compile_policy(enforced(document), cache_folder=cache_folder, verdicts_count=0)
        self.rules = tuple(rule.name for rule in compiled.rules if rule.fast is not None and "response" in rule.directions)
        self._rules = compile_stream_rules(compiled, cache_folder)
        self.patterns = self._rules.patterns

    def run(self, pieces: Sequence[str], facts: Facts = _NO_FACTS) -> tuple[str, str]:
        """Return what is sent of a text that comes in these pieces, and the rule that stopped it, if one did."""
        chain = self._open(facts)
        try:
            sent = "".join([*map(chain.feed, pieces), chain.close()])
        except StreamBlocked as blocked:
            return "", blocked.rule
        return sent, ""

    def try_texts(self, texts: Iterable[tuple[str, int, str]], cuts_count: int = 3, seed: int = 1) -> LawReport:
        """Cut each text (file, row, text) at random, some times, and compare with the text in one piece."""
        source, report = random.Random(seed), LawReport()  # noqa: S311 - the same cuts in every run
        for file, number, text in texts:
            text = text[:LONGEST_TEXT]
            whole = self.run((text,))
            report.texts_count += 1
            report.stopped_count += bool(whole[1])
            for _ in range(cuts_count):
                report.cuts_count += 1
                if self.run(cut(text, source)) != whole:
                    report.differences.append((file, number))
        return report

    def _open(self, facts: Facts) -> TransformerChain:
        return TransformerChain(self._rules.open(facts))


def cut(text: str, source: random.Random) -> list[str]:
    """Return the text in pieces of random lengths, all short or all long."""
    most = source.choice(_PIECES)
    pieces: list[str] = []
    at = 0
    while at < len(text):
        length = source.randint(1, most)
        pieces.append(text[at : at + length])
        at += length
    return pieces
