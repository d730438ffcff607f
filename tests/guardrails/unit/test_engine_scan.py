from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.detection import Hit, Subject, TextUnit
from guardrails.engine import confirm, scan
from guardrails.engine.database import build_database
from guardrails.engine.scan import CLEAN, Scanner
from guardrails.engine.words import is_at_word_edges
from guardrails.errors import CouldNotScan
from guardrails.patterns import Candidate, Pattern
from guardrails.views import View
from tests.guardrails.engine_help import BOMB, EMAIL, KEY, SSN, refuse


def scan_text(patterns: tuple[Pattern, ...], text: str, others: tuple[View, ...] = ()) -> scan.Scan:
    subject = Subject(TextUnit(text), _main=View("main", text), _others=others)
    return Scanner(patterns, build_database(patterns)).scan(subject, frozenset(range(len(patterns))))


def spans(found: scan.Scan, index: int = 0) -> list[tuple[int, int]]:
    return [(each.start, each.end) for each in found.hits.get(index, [])]


def test_hits_are_in_characters_of_the_original() -> None:
    text = "é€\U0001f600 joe@example.com, 123-45-6789"

    found = scan_text((EMAIL, SSN), text)

    assert found.hits == {
        0: [Hit("EMAIL", 4, 19, 1.0, "", "email", "main")],
        1: [Hit("SSN", 21, 32, 1.0, "", "ssn", "main")],
    }


def test_the_group_is_what_is_hidden() -> None:
    assert spans(scan_text((KEY,), "the key=abcdefgh12!")) == [(8, 18)]


def test_a_group_that_took_no_part_hides_the_whole_match() -> None:
    assert spans(scan_text((Pattern("p", "L", "abc|x(yz)", group=1),), "abc xyz")) == [(0, 3), (5, 7)]


def test_a_text_without_a_hit_is_clean() -> None:
    assert scan_text((EMAIL, SSN), "nothing @ all, 123-45-67890") is CLEAN


@pytest.mark.parametrize(
    ("text", "is_edge"),
    [
        ("cat", True),
        ("a cat!", True),
        ("écat", False),
        ("cat_", False),
        ("cat1", False),
        ("catя", False),
        ("cat\u0301", False),
        ("猫cat猫", True),
        ("catです", True),
        ("이cat을", True),
        ("-cat-", True),
        ("٣cat", False),
    ],
)
def test_words_end_at_letters_of_every_script_that_parts_words(text: str, is_edge: bool) -> None:
    start = text.index("cat")

    assert is_at_word_edges(text, start, start + 3) is is_edge


def test_a_validator_sees_its_match_eighty_characters_before_and_one_after() -> None:
    seen: list[Candidate] = []
    pattern = Pattern("p", "L", r"k=(\d+)", group=1, is_valid=lambda candidate: bool(seen.append(candidate)))

    found = scan_text((pattern,), "é" * 100 + "k=123;4")

    assert found is CLEAN
    assert seen == [Candidate("123", "k=123", "é" * 80, ";")]


def test_a_validator_that_fails_leaves_its_candidate_in_doubt() -> None:
    found = scan_text((Pattern("p", "L", r"\d{3}", is_valid=refuse),), "a 123")

    assert found.hits == {}
    assert [(each.start, each.end) for each in found.doubtful[0]] == [(2, 5)]


def test_decoded_views_are_searched_for_all_and_disguised_ones_only_for_some() -> None:
    text = "0123456789" * 3
    decoded = View("base64", "joe@example.com", [5, *[6] * 14, 25], is_decoded=True)
    disguised = View("leet", "joe@example.com bömbe", [0, *range(1, 21), 21], is_disguised=True)

    found = scan_text((EMAIL, BOMB), text, (decoded, disguised))

    assert [(each.start, each.end, each.view) for each in found.hits[0]] == [(5, 25, "base64")]
    assert [(each.start, each.end, each.view) for each in found.hits[1]] == [(16, 21, "leet")]


def test_what_the_main_view_shows_is_not_found_twice() -> None:
    text = "joe@example.com"

    found = scan_text((EMAIL,), text, (View("again", text),))

    assert [each.view for each in found.hits[0]] == ["main"]


def test_more_matches_than_are_looked_at_are_told_and_never_passed(monkeypatch) -> None:
    monkeypatch.setattr(confirm, "PATTERN_CANDIDATES", 10)

    found = scan_text((Pattern("p", "L", "ab", is_valid=lambda candidate: False),), "ab" * 11)

    assert found.too_many == {0}
    assert scan_text((Pattern("p", "L", "ab"),), "ab" * 9).too_many == set()


def test_more_bytes_than_are_read_are_told_and_never_passed(monkeypatch) -> None:
    monkeypatch.setattr(confirm.Budget.__init__, "__defaults__", (1000, 100))

    assert scan_text((Pattern("p", "L", "ab"),), "ab" + " " * 200).too_many == {0}


def test_views_that_cannot_be_made_leave_all_patterns_unseen(monkeypatch) -> None:
    subject = Subject(TextUnit("joe@example.com"))
    monkeypatch.setattr(Subject, "others", property(lambda self: 1 / 0))

    found = Scanner((EMAIL, SSN), build_database((EMAIL, SSN))).scan(subject, frozenset({0, 1}))

    assert found.unseen == {0, 1}


def test_an_automaton_that_fails_leaves_all_patterns_unseen(monkeypatch) -> None:
    database = build_database((EMAIL,))
    scanner = Scanner((EMAIL,), database)

    def fail(data: bytes) -> list[int]:
        raise CouldNotScan("out of memory")

    monkeypatch.setattr(database, "scan", fail, raising=False)

    assert scanner.scan(Subject(TextUnit("joe@example.com")), frozenset({0})).unseen == {0}


LOCAL = (
    SSN,
    EMAIL,
    Pattern("run", "RUN", r"\d{2,16}"),
    Pattern("word", "WORD", r"\bcat\b"),
    Pattern("not", "NOT", "x[^y]{1,20}z"),
    Pattern("end", "END", "end$"),
    Pattern("long", "LONG", "open[ab ]{0,400}close"),
)
LOCAL_DATABASES = [build_database(LOCAL), build_database(LOCAL, engine="re2")]


@pytest.mark.parametrize("database", LOCAL_DATABASES, ids=["fastest", "re2"])
@settings(max_examples=60, deadline=None)
@given(
    pieces=st.lists(
        st.sampled_from(["1", "123-45-6789", "joe@example.com", "cat", " ", "x", "z", "é€", "open", "close", "ab " * 20, "end", "  " * 40]),
        max_size=60,
    ),
    part_bytes=st.integers(20, 200),
)
def test_a_large_text_searched_in_parts_shows_the_same(database, pieces: list[str], part_bytes: int) -> None:
    text = "".join(pieces)
    scanner, subject = Scanner(LOCAL, database), Subject(TextUnit(text), _main=View("main", text), _others=())
    whole = scanner.scan(subject, frozenset(range(len(LOCAL))))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan, "_LOCALISED_BYTES", 0)
        patch.setattr(scan, "_PART_BYTES", part_bytes)
        in_parts = scanner.scan(subject, frozenset(range(len(LOCAL))))

    assert in_parts == whole


def test_where_there_are_too_many_only_some_are_judged() -> None:
    asked: list[str] = []

    def is_valid(candidate: Candidate) -> bool:
        asked.append(candidate.value)
        return False

    found = scan_text((Pattern("digit", "N", r"\d", is_valid=is_valid),), "1 " * (confirm.PATTERN_CANDIDATES + 1))

    assert found.too_many == {0}
    assert found.hits == {}
    assert len(asked) == confirm.SHOWN_CANDIDATES
