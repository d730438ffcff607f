"""Sentences are checked when they are complete, and held if a rule may stop them."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from guardrails.detection import Facts, Hit, Subject
from guardrails.engine.sentences import LONGEST_SENTENCE, SentenceGate, SentenceRule
from guardrails.engine.transform import StreamBlocked


def finds(word: str):
    def check(subject: Subject) -> Sequence[Hit]:
        at = subject.text.find(word)
        return [Hit("WORD", at, at + len(word))] if at >= 0 else []

    return check


def gate_of(action: str, word: str = "bad", fail_mode: str = "closed", check=None) -> SentenceGate:
    return SentenceGate([SentenceRule("rule", action, check or finds(word), fail_mode)], Facts())  # type: ignore[arg-type]


def test_a_rule_that_blocks_holds_one_sentence() -> None:
    gate = gate_of("block")

    assert gate.feed("One and two and three. Fo") == "One and two and three. "
    assert gate.feed("ur and five and six. All of this is b") == "Four and five and six. "
    with pytest.raises(StreamBlocked):
        gate.feed("ad. More. ")
    with pytest.raises(StreamBlocked):
        gate.close()


def test_short_lines_are_checked_together() -> None:
    looked: list[str] = []

    def look(subject: Subject) -> Sequence[Hit]:
        looked.append(subject.text)
        return ()

    gate = gate_of("log", check=look)
    for each in "a\n" * 100:
        gate.feed(each)
    gate.close()

    assert "".join(looked) == "a\n" * 100
    assert len(looked) <= 10


def test_a_rule_that_reports_holds_nothing() -> None:
    gate = gate_of("log")

    assert [gate.feed("It is b"), gate.feed("ad. And"), gate.close()] == ["It is b", "ad. And", ""]
    assert [(each.hit.start, each.hit.end) for each in gate.findings] == [(6, 9)]


def test_the_last_sentence_is_checked_at_the_end() -> None:
    gate = gate_of("block")
    gate.feed("It is bad")

    with pytest.raises(StreamBlocked):
        gate.close()


def test_spans_are_hidden_in_their_sentence() -> None:
    gate = gate_of("redact")

    assert gate.feed("It is bad. And") + gate.close() == "It is [WORD]. And"


def test_what_is_sent_does_not_depend_on_the_cut() -> None:
    source = random.Random(3)
    for _ in range(300):
        words = [source.choice(("one", "bad", "x" * 90, "end.", "what?", 'said."', "3.14", "日本。", "line\n")) for _ in range(40)]
        text = " ".join(words)
        whole = gate_of("redact")
        pieces = gate_of("redact")
        expected = whole.feed(text) + whole.close()
        sent, at = "", 0
        while at < len(text):
            count = source.randint(1, 30)
            sent += pieces.feed(text[at : at + count])
            at += count

        assert sent + pieces.close() == expected
        assert [each.hit for each in pieces.findings] == [each.hit for each in whole.findings]


def test_a_sentence_without_an_end_is_held_for_so_long_and_no_longer() -> None:
    gate = gate_of("block")

    for _ in range(LONGEST_SENTENCE):
        gate.feed("no end ")

    assert len(gate._open) <= LONGEST_SENTENCE


def broken(_subject: Subject) -> Sequence[Hit]:
    raise RuntimeError("a detector's bug")


def test_a_check_that_fails_stops_the_text_if_closed_and_is_noted_if_open() -> None:
    opened = gate_of("block", fail_mode="open", check=broken)

    assert opened.feed("All of it is very bad. ") == "All of it is very bad. "
    assert opened.degraded_rules == {"rule"}
    with pytest.raises(StreamBlocked) as blocked:
        gate_of("block", check=broken).feed("All of it is very bad. ")
    assert blocked.value.is_failure


def test_a_hit_of_the_whole_sentence_stands_where_the_sentence_does() -> None:
    gate = SentenceGate([SentenceRule("a", "log", lambda subject: [Hit("WHOLE")]), SentenceRule("b", "log", lambda subject: [])], Facts())
    gate.feed("The first of the two. Second.")
    gate.close()

    assert [(each.rule, each.hit.start, each.hit.end) for each in gate.findings] == [("a", 0, 22), ("a", 22, 29)]
