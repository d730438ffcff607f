from __future__ import annotations

import stat
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.engine import database as databases
from guardrails.engine.confirm import Budget, Matcher
from guardrails.engine.database import build_database, find_hyperscan
from guardrails.engine.flags import is_about_characters
from guardrails.engine.offsets import CharacterIndex
from guardrails.errors import BadRule, CouldNotScan
from guardrails.patterns import Pattern
from guardrails.views import View
from tests.guardrails.engine_help import BOMB, EMAIL, KEY, SSN

needs_hyperscan = pytest.mark.skipif(find_hyperscan() is None, reason="this machine cannot run Hyperscan")

PATTERNS = (
    EMAIL,
    SSN,
    BOMB,
    KEY,
    Pattern("dot", "DOT", "a.{1,3}b"),
    Pattern("not", "NOT", "x[^y]{2}z"),
    Pattern("twice", "TWICE", "é{2}"),
    Pattern("greek", "GREEK", r"\p{Greek}{2,9}"),
    Pattern("edge", "EDGE", r"\bcat\b", is_caseless=True),
    Pattern("blank", "BLANK", r"q\Sq|q\s{2}q"),
    Pattern("begin", "BEGIN", "^begin"),
    Pattern("end", "END", "end$"),
    Pattern("sign", "SIGN", r"\+\$\.\["),
)
PIECES = st.sampled_from(
    [
        "a",
        "b",
        "x",
        "y",
        "z",
        "é",
        "éé",
        "ab",
        "a€€€b",
        "x€éz",
        "Ωσ",
        "cat",
        "CAT",
        " ",
        "\n",
        "q",
        "bömbe",
        "BÖMBE",
        "begin",
        "end",
        "+$.[",
        *["joe@example.com", "123-45-6789", "key=abcdefgh12", "€", "\U0001f600", "_", "1", "-", "@", ".", "\ud800"],
    ]
)


FAST = build_database(PATTERNS) if find_hyperscan() else build_database(PATTERNS, engine="re2")
SLOW = build_database(PATTERNS, engine="re2")


def confirmed(patterns: tuple[Pattern, ...], reported: object, text: str) -> list[tuple[int, int, str]]:
    view = View("main", text)
    index, found = CharacterIndex(view), []
    for each in sorted(reported):  # type: ignore[call-overload]
        found += [(hit.start, hit.end, hit.pattern) for hit in Matcher(patterns[each]).confirm(view, index, Budget()).hits]
    return found


@needs_hyperscan
@given(st.lists(PIECES, max_size=30).map("".join))
def test_both_engines_confirm_the_same_as_every_pattern_searched_alone(text: str) -> None:
    data = View("main", text).data

    alone = confirmed(PATTERNS, range(len(PATTERNS)), text)

    assert confirmed(PATTERNS, FAST.scan(data), text) == alone
    assert confirmed(PATTERNS, SLOW.scan(data), text) == alone


@pytest.mark.parametrize("engine", ["hyperscan", "re2"])
def test_scan_names_each_pattern_once_and_nothing_for_a_text_without_any(engine: databases.Engine) -> None:
    database = build_database((EMAIL, SSN, EMAIL), engine=engine)

    assert sorted(database.scan(b"joe@example.com joe@example.com")) == [0, 2]
    assert list(database.scan(b"nothing")) == []
    assert list(database.scan(b"")) == []
    assert list(build_database((), engine=engine).scan(b"joe@example.com")) == []


@needs_hyperscan
def test_what_was_compiled_is_kept_for_this_user_alone_and_used_again(tmp_path, monkeypatch) -> None:
    folder = tmp_path / "automata"
    build_database(PATTERNS, folder)
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600

    monkeypatch.setattr(databases._HyperscanDatabase, "_compile", lambda *_: pytest.fail("compiled again"))

    assert list(build_database(PATTERNS, folder).scan(b"123-45-6789")) == [1]


@needs_hyperscan
@pytest.mark.parametrize("spoil", ["cut", "flip", "foreign", "open"])
def test_a_kept_automaton_that_cannot_be_trusted_is_compiled_anew(tmp_path, spoil: str) -> None:
    build_database(PATTERNS, tmp_path)
    (file,) = tmp_path.iterdir()
    good = file.read_bytes()
    if spoil == "cut":
        file.write_bytes(good[:-7])
    elif spoil == "flip":
        file.write_bytes(good[:200] + bytes([good[200] ^ 1]) + good[201:])
    elif spoil == "foreign":
        file.write_bytes(b"something else")
    else:
        file.chmod(0o666)

    assert list(build_database(PATTERNS, tmp_path).scan(b"123-45-6789")) == [1]
    assert file.read_bytes() == good
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@needs_hyperscan
def test_a_blob_the_library_refuses_is_compiled_anew(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(databases, "load_blob", lambda folder, key: b"not an automaton")

    assert list(build_database(PATTERNS, tmp_path).scan(b"123-45-6789")) == [1]


@needs_hyperscan
def test_a_folder_that_cannot_be_written_costs_only_time(tmp_path) -> None:
    file = tmp_path / "file"
    file.write_text("")

    assert list(build_database((SSN,), file / "below").scan(b"123-45-6789")) == [0]


@pytest.mark.parametrize("engine", ["hyperscan", "re2"])
@pytest.mark.parametrize(
    "bad", [Pattern("odd", "L", "(a"), Pattern("odd", "L", "x(?=y)z", triggers=("xy",)), Pattern("odd", "L", "xy", ("(",))]
)
def test_an_expression_that_cannot_be_compiled_is_refused_by_name(engine: databases.Engine, bad: Pattern) -> None:
    with pytest.raises(BadRule, match=r"odd|'\('"):
        build_database((EMAIL, bad), engine=engine)


@needs_hyperscan
def test_an_engine_error_is_not_an_empty_answer() -> None:
    database = build_database((SSN,), engine="hyperscan")

    with pytest.raises(CouldNotScan):
        database.scan("123-45-6789")  # type: ignore[arg-type]


def test_a_set_that_lost_its_sentinel_is_not_an_empty_answer() -> None:
    database = build_database((SSN,), engine="re2")
    database._set = type("Exhausted", (), {"Match": lambda self, data: []})()  # type: ignore[attr-defined]

    with pytest.raises(CouldNotScan):
        database.scan(b"123-45-6789")


def test_threads_scan_at_the_same_time() -> None:
    database, text = build_database(PATTERNS), b"joe@example.com " * 3000
    answers: list[object] = []

    def work() -> None:
        for _ in range(50):
            try:
                answers.append(tuple(database.scan(text)))
            except Exception as error:
                answers.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert answers == [(0,)] * 200


def test_without_the_extension_the_other_engine_is_taken(monkeypatch) -> None:
    monkeypatch.setattr(databases, "find_hyperscan", lambda: None)

    assert build_database((SSN,)).engine == "re2"


@pytest.mark.parametrize("flags", [("ssse3",), ("popcnt", "avx2")])
def test_a_processor_without_sse42_does_not_load_the_extension(monkeypatch, flags) -> None:
    monkeypatch.setattr(databases, "cpu_flags", lambda: flags)
    monkeypatch.setattr(databases.platform, "machine", lambda: "x86_64")

    assert find_hyperscan.__wrapped__() is None


@pytest.mark.parametrize("expression", [".", "a.b", "[^x]", r"\S", r"\W", r"\D", r"\pL", r"\x{20ac}", "é", "[é]", r"\Q.\E"])
def test_expressions_in_which_characters_count(expression: str) -> None:
    assert is_about_characters(expression)


@pytest.mark.parametrize("expression", ["abc", r"\.", "[.]", r"\d{3}", r"[a^]", r"\\d", r"\x41", r"[\]^]"])
def test_expressions_in_which_bytes_will_do(expression: str) -> None:
    assert not is_about_characters(expression)


@given(st.text(alphabet=st.sampled_from("aé€\U0001f600\n"), max_size=4000))
def test_bytes_are_mapped_to_characters(text: str) -> None:
    view = View("main", text)
    index = CharacterIndex(view)
    ends = [0, *range(0, len(text), 37)]

    for end in ends:
        assert index.of(len(text[:end].encode())) == end
    assert index.of(len(view.data)) == len(text)
