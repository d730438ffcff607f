from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.json_text import SHORTEST_NUMBER, CannotRewrite, NotJson, find_leaves, load_strictly, replace_leaves
from tests.guardrails.unit.json_help import map_strings, read, walk_strings, write_fuzzed


def change(text: str) -> str:
    return f'[NEW "{text[:2]}"]\n\\é' if text else text


def check_fuzzed(seed: int) -> None:
    rng = random.Random(seed)
    written = write_fuzzed(rng)
    text: str | bytes = written if rng.random() < 0.5 else written.encode()
    before = read(text)

    leaves = find_leaves(text)
    replaced = replace_leaves(text, {index: change(leaf.text) for index, leaf in enumerate(leaves) if leaf.kind == "string"})

    assert [(leaf.kind, leaf.text) for leaf in leaves] == [
        (kind, found) for kind, found in walk_strings(before) if found and (kind != "number" or len(found) >= SHORTEST_NUMBER)
    ]
    assert type(replaced) is type(text)
    assert read(replaced) == map_strings(before, change)
    assert outside(replaced) == outside(text)
    assert replace_leaves(text, {}) is text


def outside(text: str | bytes) -> list[str | bytes]:
    """Return what stands between the strings that may be replaced."""
    pieces, at = [], 0
    for leaf in find_leaves(text):
        if leaf.kind == "string":
            pieces.append(text[at : leaf.start])
            at = leaf.end
    return [*pieces, text[at:]]


@pytest.mark.parametrize("start", range(0, 1_000, 250))
def test_fuzzed_arguments_stay_json_with_the_same_keys_numbers_and_order(start: int) -> None:
    for seed in range(start, start + 250):
        check_fuzzed(seed)


@pytest.mark.drill
def test_ten_thousand_fuzzed_arguments_stay_json() -> None:
    for seed in range(1_000, 11_000):
        check_fuzzed(seed)


def test_leaves_have_paths_and_places() -> None:
    text = '{"to": ["a@b.c", {"x.y": "z"}], "": "e", "card": 4111111111111111, "n": 1}'

    leaves = find_leaves(text)

    assert [(leaf.kind, leaf.path, leaf.text) for leaf in leaves] == [
        ("key", "to", "to"),
        ("string", "to.0", "a@b.c"),
        ("key", "to.1.x\\.y", "x.y"),
        ("string", "to.1.x\\.y", "z"),
        ("string", '""', "e"),
        ("key", "card", "card"),
        ("number", "card", "4111111111111111"),
        ("key", "n", "n"),
    ]
    assert all(json.loads(text[leaf.start : leaf.end]) in (leaf.text, 4111111111111111) for leaf in leaves)


def test_escapes_are_decoded_before_a_rule_sees_them() -> None:
    assert find_leaves(rb'"alice\u0040example\u002ecom"')[0].text == "alice@example.com"
    assert find_leaves(r'["\ud83d\ude00\ud800"]')[0].text == "\U0001f600\ud800"


def test_a_key_that_stands_twice_is_kept_and_both_values_are_seen() -> None:
    text = '{"to":"a@b.c","to":"d@e.f"}'

    assert [leaf.text for leaf in find_leaves(text) if leaf.kind == "string"] == ["a@b.c", "d@e.f"]
    assert replace_leaves(text, {3: "x"}) == '{"to":"a@b.c","to":"x"}'


@pytest.mark.parametrize("index", [0, 2, 7, -1])
def test_keys_numbers_and_unknown_leaves_are_refused(index: int) -> None:
    with pytest.raises(CannotRewrite):
        replace_leaves('{"a": "b", "c": 4111111111111111}', {index: "x"} if index != 2 else {3: "x"})


def test_replacements_follow_the_style_of_the_text() -> None:
    assert replace_leaves('["a"]', {0: "é\ud800"}) == '["\\u00e9\\ud800"]'
    assert replace_leaves('["ü"]', {0: "é"}) == '["é"]'
    assert replace_leaves('["ü"]'.encode(), {0: "é"}) == '["é"]'.encode()
    assert replace_leaves('["ü"]'.encode(), {0: "\ud800"}) == b'["\\ud800"]'


def test_a_single_value_is_json_too() -> None:
    assert [(leaf.path, leaf.text) for leaf in find_leaves(' "a" ')] == [("", "a")]
    assert replace_leaves(' "a" ', {0: "b"}) == ' "b" '
    assert find_leaves("null") == ()
    assert find_leaves("123456789")[0].kind == "number"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{",
        "}",
        "[1,]",
        "[,1]",
        '{"a":1,}',
        '{"a"}',
        '{"a":}',
        "{a:1}",
        "[1 2]",
        "[01]",
        "[1.]",
        "[.5]",
        "[+1]",
        "[NaN]",
        "[Infinity]",
        "'a'",
        '"a',
        '"\\x"',
        '"\\u12g4"',
        '"\n"',
        '"\x00"',
        "[1]]",
        "[1] 2",
        "[1}",
        '{"a":[}',
        "tru",
        "truefalse",
        "\ufeff[]",
        "[]\x00",
        "// c\n[]",
        '["a" "b"]',
    ],
)
def test_what_is_no_json_is_said_to_be_none(text: str) -> None:
    with pytest.raises(NotJson):
        find_leaves(text)
    with pytest.raises(NotJson):
        find_leaves(text.encode())


def test_bytes_that_are_no_utf8_are_no_json() -> None:
    with pytest.raises(NotJson) as caught:
        find_leaves(b'["\xff"]')

    assert caught.value.at == 2


@given(st.text(alphabet='[]{}",:\\u0123456789-+.eEtrufalsn \n', max_size=30))
def test_a_text_is_json_exactly_if_the_standard_parser_takes_it(text: str) -> None:
    try:
        json.loads(text, parse_constant=lambda name: json.loads("x"))
        is_json = True
    except json.JSONDecodeError:
        is_json = False

    try:
        find_leaves(text)
        assert is_json
    except NotJson:
        assert not is_json


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000 + '"a"' + "]" * 200_000,
        '{"a":' * 100_000 + '"b"' + "}" * 100_000,
        '["' + '\\"' * 200_000 + '"]',
        "[" + '"a",' * 100_000 + "1]",
    ],
)
def test_hostile_texts_take_neither_stack_nor_time(text: str) -> None:
    leaves = find_leaves(text)

    assert leaves
    assert all(len(leaf.path) <= 256 for leaf in leaves[:: max(1, len(leaves) // 100)])


@pytest.mark.parametrize("text", ['["' + '\\"' * 200_000, "[" + " " * 400_000, "[" + "1" * 400_000, "[" * 400_000, '{"a":"b",' * 50_000])
def test_hostile_texts_that_break_off_are_no_json(text: str) -> None:
    with pytest.raises(NotJson):
        find_leaves(text)


def test_a_path_that_is_too_deep_equals_no_path_that_a_person_wrote() -> None:
    leaf = find_leaves('{"a":' * 80 + '"b"' + "}" * 80)[-1]

    assert leaf.path.startswith("…")


@pytest.mark.parametrize("text", ['{"a":1,"a":2}', "[NaN]", "[1e999]", "[" * 100_000, "[" + "1" * 5_000 + "]", "x"])
def test_what_parsers_read_differently_is_not_loaded(text: str) -> None:
    with pytest.raises(NotJson):
        load_strictly(text)
