"""One text in pieces: blocks, failures, what is held, what is only reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrails.engine.hold import describe, hold_of
from guardrails.engine.stream import TextStream
from guardrails.engine.stream_policy import StreamPolicy, StreamRule
from guardrails.engine.transform import StreamBlocked, TransformerChain
from guardrails.errors import BadRule, CouldNotScan
from guardrails.patterns import Candidate, Pattern
from tests.guardrails.stream_samples import PATTERNS, RULES, keyword

EMAIL = PATTERNS[0]


def policy_of(*patterns: Pattern, action: str = "redact", fail_mode: str = "closed") -> StreamPolicy:
    return StreamPolicy([StreamRule(each, action, each.name, fail_mode) for each in patterns])  # type: ignore[arg-type]


def test_a_block_drops_what_was_held() -> None:
    stream = TextStream(policy_of(keyword("falcon"), action="block"))

    sent = stream.feed("All about Fal")
    with pytest.raises(StreamBlocked) as blocked:
        stream.feed("con and more")

    assert sent == "All about "
    assert (blocked.value.rule, blocked.value.action, blocked.value.is_failure) == ("word falcon", "block", False)
    assert [(each.hit.start, each.hit.end) for each in stream.findings] == [(10, 16)]
    with pytest.raises(StreamBlocked):
        stream.feed("again")
    with pytest.raises(StreamBlocked):
        stream.close()


def test_a_block_at_the_very_end_is_still_a_block() -> None:
    stream = TextStream(policy_of(keyword("falcon"), action="retry"))

    assert stream.feed("the falcon") == "the "
    with pytest.raises(StreamBlocked) as blocked:
        stream.close()
    assert blocked.value.action == "retry"


def test_rules_that_report_hold_nothing_and_find_all() -> None:
    stream = TextStream(StreamPolicy([StreamRule(each, "log", each.name) for each in PATTERNS]))
    pieces = ["Write to bo", "b@exam", "ple.com or ", "4111 1111", " 1111 1111."] + [" Words."] * 600 + [" bob@exam", "ple.org"]

    sent = [stream.feed(each) for each in pieces]

    assert sent == pieces
    assert stream.close() == ""
    assert [(each.rule, each.value) for each in stream.findings] == [
        ("email", "bob@example.com"),
        ("card", "4111 1111 1111 1111"),
        ("email", "bob@example.org"),
    ]


def test_prose_is_sent_up_to_its_last_word() -> None:
    stream = TextStream(StreamPolicy(RULES))

    assert stream.feed("Hello there, frie") == "Hello there, "
    assert stream.held_count == 4
    assert stream.feed("nd. ") == "friend. "


def test_unions_of_overlapping_matches_are_hidden_once_under_the_longest_label() -> None:
    one, two = Pattern("one", "ONE", r"ab+c"), Pattern("two", "TWO", r"c[de]{1,5}f")
    stream = TextStream(policy_of(one, two))

    sent = "".join(map(stream.feed, "x abbbcdef abc y")) + stream.close()

    assert sent == "x [ONE] [ONE] y"


def test_a_pattern_without_a_longest_match_holds_the_whole_text() -> None:
    stream = TextStream(policy_of(Pattern("all", "ALL", r"<<.+>>")))

    assert stream.feed("a <<b") == ""
    assert stream.feed(">> c") == ""
    assert stream.close() == "a [ALL] c"


def test_a_pattern_without_a_longest_match_that_reports_holds_nothing() -> None:
    rules = [StreamRule(Pattern("all", "ALL", r"<<.+>>"), "log", "all"), StreamRule(keyword("falcon"), "redact", "word")]
    stream = TextStream(StreamPolicy(rules))

    assert stream.feed("a <<b falcon ") == "a <<b [KEYWORD] "
    assert stream.feed(">> c") == ">> c"
    assert stream.close() == ""
    assert [(each.rule, each.hit.start, each.hit.end) for each in stream.findings] == [("word", 6, 12), ("all", 2, 15)]


def broken(_candidate: Candidate) -> bool:
    raise RuntimeError("a validator's bug")


def test_a_validator_that_fails_hides_its_candidate_if_closed_and_is_noted_if_open() -> None:
    pattern = Pattern("n", "N", r"\d{4}", is_valid=broken)

    closed = TextStream(policy_of(pattern))
    opened = TextStream(policy_of(pattern, fail_mode="open"))

    assert closed.feed("a 1234 ") + closed.close() == "a [N] "
    assert opened.feed("a 1234 ") + opened.close() == "a 1234 "
    assert (closed.degraded_rules, opened.degraded_rules) == (set(), {"n"})


class BrokenTriggers:
    """Stands in for an engine that fails after some pieces."""

    engine = "re2"

    def __init__(self) -> None:
        self.fired: dict[int, int] = {}

    def open(self) -> BrokenTriggers:
        return self

    def scan(self, data: bytes) -> None:
        if b"!" in data:
            raise CouldNotScan("out of memory")

    def close(self) -> None:
        pass


def test_an_engine_that_fails_sends_nothing_raw_if_closed() -> None:
    policy = policy_of(EMAIL)
    policy.triggers = BrokenTriggers()
    stream = TextStream(policy)

    assert stream.feed("mail bob") == "mail "
    with pytest.raises(StreamBlocked) as blocked:
        stream.feed("@example.com!")
    assert blocked.value.is_failure
    assert stream.held_count == 0


def test_an_engine_that_fails_lets_pass_and_says_so_if_open() -> None:
    policy = policy_of(EMAIL, fail_mode="open")
    policy.triggers = BrokenTriggers()
    stream = TextStream(policy)

    sent = [stream.feed("mail bob"), stream.feed("@example.com! "), stream.feed("more"), stream.close()]

    assert sent == ["mail ", "bob@example.com! ", "more", ""]
    assert stream.degraded_rules == {"email"}


def test_a_closed_text_takes_no_more() -> None:
    stream = TextStream(policy_of(EMAIL))
    stream.close()

    with pytest.raises(CouldNotScan):
        stream.feed("bob@example.com")


def test_reversible_tokens_are_written_by_the_caller() -> None:
    rules = [StreamRule(EMAIL, "tokenise", "email"), StreamRule(keyword("falcon"), "redact", "word")]
    stream = TextStream(StreamPolicy(rules), lambda label, value, is_reversible: f"<{label}:{len(value)}:{is_reversible}>")

    assert stream.feed("bob@example.com falcon ") == "<EMAIL:15:True> <KEYWORD:6:False> "


def test_transformers_are_chained_in_order() -> None:
    first, second = policy_of(keyword("falcon")), policy_of(Pattern("k", "K", r"KEYWORD"))

    chain = TransformerChain([TextStream(first), TextStream(second)])

    assert "".join(map(chain.feed, "a falcon b")) + chain.close() == "a [[K]] b"


def test_hidden_characters_do_not_part_a_match_and_go_with_it() -> None:
    stream = TextStream(policy_of(keyword("falcon")))

    sent = "".join(map(stream.feed, "the f\u200bal\u00adｃｏn flies")) + stream.close()

    assert sent == "the [KEYWORD] flies"


def test_compiled_triggers_are_kept_on_disk(tmp_path: Path) -> None:
    StreamPolicy(RULES, cache_folder=tmp_path)
    stream = TextStream(StreamPolicy(RULES, cache_folder=tmp_path))

    assert len(list(tmp_path.iterdir())) == 1
    assert stream.feed("bob@example.com, ") == "[EMAIL], "


def test_memory_of_a_long_text_stays_small() -> None:
    stream = TextStream(StreamPolicy(RULES))

    for _ in range(3000):
        stream.feed("Some words é of prose. ")

    assert len(stream._data) < 4096
    assert len(stream._text) < 4096


@pytest.mark.parametrize(
    ("pattern", "kind", "most"),
    [
        (Pattern("a", "A", r"[a-z]{1,64}@[a-z]{1,9}"), "run", 74),
        (Pattern("a", "A", r"eyJ[A-Z]{10,500}\.x?"), "anchored", 505),
        (Pattern("a", "A", r"(?:AKIA|ASIA)[A-Z]{16}"), "anchored", 20),
        (Pattern("a", "A", r"\d(?:[ -]?\d){11,18}"), "width", 37),
        (Pattern("a", "A", r"<.*>"), "whole", None),
    ],
)
def test_holds_are_read_from_the_expression(pattern: Pattern, kind: str, most: int | None) -> None:
    hold = hold_of(pattern)

    assert (hold.kind, hold.most) == (kind, most)
    assert ("until their end" if most is None else str(most)) in describe(hold)


@pytest.mark.parametrize("expression", ["a*", "(?=a)b", r"a\1", "(a", "a)", "[a", r"\K", "a{2}{3}*|"])
def test_expressions_that_streams_cannot_follow_are_refused(expression: str) -> None:
    with pytest.raises(BadRule):
        policy_of(Pattern("bad", "BAD", expression))
