"""What is sent of a text does not depend on how it was cut, and is what redacting the whole text says."""

from __future__ import annotations

import random

import pytest

from guardrails.engine.confirm import Budget, Matcher
from guardrails.engine.offsets import CharacterIndex
from guardrails.engine.overlap import Span, merge_spans
from guardrails.engine.stream import TextStream
from guardrails.engine.stream_policy import StreamPolicy, StreamRule
from guardrails.inspection import apply_edits
from guardrails.patterns import Pattern
from guardrails.views import fold
from tests.guardrails.stream_samples import KEY_108, PEM_841, RULES, random_pieces, random_text, redact_whole


@pytest.fixture(scope="module")
def policy() -> StreamPolicy:
    return StreamPolicy(RULES)


def run(policy: StreamPolicy, pieces: list[str]) -> tuple[str, list[tuple[str, int, int]]]:
    stream = TextStream(policy)
    sent = "".join([*map(stream.feed, pieces), stream.close()])
    return sent, sorted((each.rule, each.hit.start, each.hit.end) for each in stream.findings)


def check_law(policy: StreamPolicy, seed: int) -> None:
    source = random.Random(seed)
    text = random_text(source)
    pieces = random_pieces(source, text)

    whole, whole_findings = run(policy, [text])
    sent, findings = run(policy, pieces)

    assert sent == whole == redact_whole(text, RULES), (seed, pieces)
    assert findings == whole_findings, (seed, pieces)


@pytest.mark.parametrize("block", range(5))
def test_law_holds_for_random_texts_and_cuts(policy: StreamPolicy, block: int) -> None:
    for seed in range(block * 300, (block + 1) * 300):
        check_law(policy, seed)


def test_law_holds_without_hyperscan() -> None:
    policy = StreamPolicy(RULES, engine="re2")

    for seed in range(50_000, 50_200):
        check_law(policy, seed)


def test_streams_say_what_inspecting_the_whole_text_says(policy: StreamPolicy) -> None:
    matchers = [Matcher(each.pattern) for each in RULES]
    for seed in range(60_000, 60_300):
        source = random.Random(seed)
        text = random_text(source)
        view = fold(text)
        index = CharacterIndex(view)
        hits = [hit for matcher in matchers for hit in matcher.confirm(view, index, Budget()).hits]
        edits = merge_spans(Span(hit.start, hit.end, hit.label) for hit in hits)

        assert run(policy, random_pieces(source, text))[0] == apply_edits(text, edits), seed


@pytest.mark.drill
@pytest.mark.parametrize("block", range(10))
def test_law_holds_for_twenty_thousand_random_texts_and_cuts(policy: StreamPolicy, block: int) -> None:
    for seed in range(100_000 + block * 2000, 100_000 + (block + 1) * 2000):
        check_law(policy, seed)


@pytest.mark.parametrize("secret", [KEY_108, PEM_841], ids=["key", "pem"])
def test_no_character_of_a_secret_leaves_whatever_the_cut(policy: StreamPolicy, secret: str) -> None:
    text = f"The value is {secret} and that is all."
    expected = text.replace(secret, "[API_KEY]" if secret == KEY_108 else "[PRIVATE_KEY]")

    assert len(secret) in (108, 841)
    for cut in range(len(text) + 1):
        assert run(policy, [text[:cut], text[cut:]])[0] == expected, cut
    assert run(policy, list(text))[0] == expected


@pytest.mark.parametrize("secret", [KEY_108, PEM_841], ids=["key", "pem"])
def test_nothing_of_a_secret_is_sent_while_it_arrives(policy: StreamPolicy, secret: str) -> None:
    stream = TextStream(policy)

    sent = stream.feed("Here: ") + "".join(map(stream.feed, secret))

    assert sent == "Here: "


def test_a_truncated_key_is_hidden_at_the_end(policy: StreamPolicy) -> None:
    stream = TextStream(policy)

    sent = stream.feed("x " + PEM_841[:400]) + stream.close()

    assert sent == "x [PRIVATE_KEY]"


def test_offsets_of_findings_are_those_of_the_whole_text(policy: StreamPolicy) -> None:
    filler = "Plain words that nobody hides, again and again. é " * 200
    text = f"{filler}mail bob@example.com now"

    _, findings = run(policy, [text[at : at + 7] for at in range(0, len(text), 7)])

    assert findings == [("email", len(filler) + 5, len(filler) + 20)]


def test_a_match_is_not_refused_for_text_that_has_not_arrived() -> None:
    policy = StreamPolicy([StreamRule(Pattern("n", "N", r"\d{3}", is_word=True), "redact", "n")])

    assert run(policy, ["12", "3"])[0] == "[N]"
    assert run(policy, ["123", "4"])[0] == "1234"
    assert run(policy, ["x", "123"])[0] == "x123"


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (r"ab(?:c{3}d)?", "abccc abcccd abcc"),
        (r"foo$|fo", "foo foo"),
        (r"a(?i)b|c", "aB C c ab"),
        (r"(?:ab){2,3}?c?", "abababc ababab"),
        (r"[^ab]{2}\b", "é日x yb ab"),
        (r"\Qa.b\E+|\x41\d", "a.bbb A1 a.b"),
        (r"x{0,3}y{0,3}z", "xxxyyyz xz z yz"),
        (r"\bé?t\b", "t ét été t"),
        (r"\d(?:[ -]?\d){3,5}", "1 2-3 4567 8901234"),
    ],
)
def test_law_holds_for_odd_expressions(expression: str, text: str) -> None:
    rules = [StreamRule(Pattern("odd", "ODD", expression), "redact", "odd")]
    policy = StreamPolicy(rules)
    expected = redact_whole(text, rules)

    assert expected != text
    assert run(policy, [text])[0] == expected
    assert run(policy, list(text))[0] == expected
    for cut in range(len(text)):
        assert run(policy, [text[:cut], text[cut:]])[0] == expected, cut
