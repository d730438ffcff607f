"""Rules that wake together: what a stream says of texts full of numbers is what it says of them in one piece."""

from __future__ import annotations

import random

import pytest

from guardrails.detectors.pii import Parameters, build
from guardrails.engine.crowd import Crowd, Member, find_crowd, join_runs
from guardrails.engine.expression import parse
from guardrails.engine.stream import TextStream
from guardrails.engine.stream_policy import StreamPolicy, StreamRule
from guardrails.patterns import Needs, Pattern
from tests.guardrails.stream_samples import RULES, random_pieces, redact_whole

_VALUES = (
    *("4111 1111 1111 1111", "4111111111111111", "5500-0000-0000-0004", "123-45-6789", "536-90-4399", "+49 30 901820", "0171 1234567"),
    *("10.1.2.3", "2024-01-02 12:13:14.123", "1,234.56", "900101-1234", "79927398713", "DE89370400440532013000", "12 34 56 78 90"),
)
_WORDS = (
    "passport number",
    "card",
    "tel.",
    "phone:",
    "steuer-id",
    "tax id",
    "order",
    "ssn",
    "ext",
    "x",
    "personnummer",
    "éid",
    "a1b2",
    "\n",
    "€",
)
_SIGNS = " .-/,:+()\t\n"


def _numbers(source: random.Random) -> str:
    pieces: list[str] = []
    for _ in range(source.randint(3, 25)):
        pieces.append(
            source.choice(
                (
                    source.choice(_VALUES),
                    source.choice(_WORDS),
                    "".join(source.choices("0123456789", k=source.randint(1, 24))),
                    "".join(source.choices("0123456789 -./", k=source.randint(1, 60))),
                    "word " * source.randint(1, 8),
                )
            )
        )
        pieces.append(source.choice((" ", " ", "", source.choice(_SIGNS))))
    return "".join(pieces)


def _run(policy: StreamPolicy, pieces: list[str]) -> tuple[str, list[tuple[str, int, int]]]:
    stream = TextStream(policy)
    sent = "".join([*map(stream.feed, pieces), stream.close()])
    return sent, sorted((each.rule, each.hit.start, each.hit.end) for each in stream.findings)


@pytest.fixture(scope="module")
def rules() -> list[StreamRule]:
    """Some kinds hide, others only report: they are two crowds."""
    patterns = build(Parameters()).patterns
    return [StreamRule(each, "log" if number % 3 == 0 else "redact", each.name) for number, each in enumerate(patterns)]


@pytest.fixture(scope="module")
def policy(rules: list[StreamRule]) -> StreamPolicy:
    return StreamPolicy(rules)


@pytest.mark.parametrize("block", range(4))
def test_numbers_are_hidden_alike_however_they_are_cut(policy: StreamPolicy, rules: list[StreamRule], block: int) -> None:
    hiding = [each for each in rules if each.is_holding]
    for seed in range(block * 100, (block + 1) * 100):
        source = random.Random(seed)
        text = _numbers(source)
        pieces = random_pieces(source, text)

        whole = _run(policy, [text])

        assert _run(policy, pieces) == whole, (seed, pieces)
        assert whole[0] == redact_whole(text, hiding), (seed, text)


def test_what_an_automaton_without_memory_says_changes_nothing(policy: StreamPolicy, rules: list[StreamRule]) -> None:
    blind = StreamPolicy(rules)
    for crowd in blind.crowds:
        crowd._match = lambda _data: None
    for seed in range(40):
        source = random.Random(seed)
        text = _numbers(source)

        assert _run(blind, random_pieces(source, text)) == _run(policy, [text]), seed


def test_a_word_beyond_the_piece_still_makes_the_number_behind_it_one(policy: StreamPolicy) -> None:
    text = "in 1234567 and 7654321 rows the passport number 123456789 stands alone"

    sent, _ = _run(policy, [text[at : at + 3] for at in range(0, len(text), 3)])

    assert sent == _run(policy, [text])[0]
    assert "123456789" not in sent
    assert "7654321" in sent


def test_a_crowd_names_the_rules_that_match_and_those_whose_words_are_there() -> None:
    needs = Needs(frozenset({"card"}), lambda data: frozenset({"card"} if b"card" in data else ()))
    patterns = [
        Pattern("four", "N", r"\b\d{4}\b"),
        Pattern("five", "N", r"\b\d{5}\b"),
        Pattern("card", "N", r"\b\d{4}\b", needs=needs),
        Pattern("letter", "N", r"\b\d{4}[a-z]?\b", needs=needs),
    ]
    crowd = Crowd([Member(10 + at, each, parse(each.expression)) for at, each in enumerate(patterns)])

    assert list(crowd.suspects(b"a 1234 b", 0)) == [(10, True), (13, False)]
    assert list(crowd.suspects(b"card 1234 b", 5)) == [(10, True), (12, True), (13, True)]
    assert list(crowd.suspects(b"a1234 b 12345", 1)) == [(11, True)]
    assert list(crowd.suspects(b"prose", 0)) == []


def test_words_that_cannot_be_asked_for_leave_everyone_suspected() -> None:
    def fails(_data: bytes) -> frozenset[str]:
        raise ValueError

    pattern = Pattern("card", "N", r"\b\d{4}\b", needs=Needs(frozenset({"card"}), fails))

    assert list(Crowd([Member(0, pattern, parse(pattern.expression))]).suspects(b"1234", 0)) == [(0, True)]


def test_rules_with_triggers_of_their_own_are_no_crowd() -> None:
    owners = {"secret_": [0], r"\d{9}": [1], "[a-z]@[a-z]": [2, 3, 4], "key": [5, 6]}

    assert find_crowd(owners, frozenset(range(7)) - {4}) == {1, 2, 3}


def test_runs_are_joined_into_their_shortest() -> None:
    assert join_runs([r"\d{13}", r"\d{6}", "[a-z]{3}", "abc"]) == {
        r"\d{13}": r"\d{6}",
        r"\d{6}": r"\d{6}",
        "[a-z]{3}": "[a-z]{3}",
        "abc": "abc",
    }


def test_sample_rules_form_a_crowd_too() -> None:
    assert any(crowd.suspects(b"4111 1111 1111 1111", 0) for crowd in StreamPolicy(RULES).crowds)
