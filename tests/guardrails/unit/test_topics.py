from __future__ import annotations

from pathlib import Path

import pytest

from guardrails.detectors.registry import build_detector
from guardrails.detectors.topic_presets.background import BACKGROUND
from guardrails.errors import BadRule
from tests.detector_runner import found_in, run

_DATA = Path(__file__).parents[2] / "data" / "guardrails"
_PRESETS = ("investment_advice", "medical_advice")


def _rows(name):
    lines = (_DATA / f"topic_{name}.txt").read_text().splitlines()
    return [(line[0] == "+", line[2:]) for line in lines]


def _topic(**topic):
    return build_detector("topics", {"topics": [{"name": "cars", **topic}]})


_CARS = {"words": ["car", "engine*"], "with": ["buy", "price"], "always": ["test drive"], "never": ["cable car", "search engine"]}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hello. I want to buy a car. Thanks!", [" I want to buy a car."]),
        ("The PRICES of engines rose", ["The PRICES of engines rose"]),
        ("A test drive, please", ["A test drive, please"]),
        ("I like cars. What is the price of milk?", []),
        ("I buy a ticket for the cable car", []),
        ("price of a carpet", []),
        ("car", []),
    ],
)
def test_words_make_a_topic_in_one_sentence(text, found):
    assert found_in(_topic(**_CARS), text) == found


def test_words_may_meet_anywhere_in_the_text_if_asked_for():
    text = "I like cars. What is the price of milk?"

    assert found_in(_topic(**_CARS, within="text"), text) == ["I like cars."]


def test_one_word_in_both_lists_does_not_meet_itself():
    assert found_in(_topic(words=["stock"], **{"with": ["stock", "buy"]}), "the stock is low") == []


@pytest.mark.parametrize(
    ("topic", "text"),
    [
        ({"words": ["машина"], "with": ["купить"]}, "Где мне купить новую: машина нужна срочно"),
        ({"words": ["voiture"], "with": ["acheter"]}, "Je veux acheter une voiture"),
        ({"always": ["投資"]}, "おすすめの投資を教えてください"),
        ({"words": ["कार"], "with": ["खरीदना"]}, "मुझे कार खरीदना है"),
    ],
)
def test_topics_work_in_other_scripts(topic, text):
    assert len(run(_topic(**topic), text)) == 1


def test_topic_is_learned_from_examples():
    examples = [
        "Who should I vote for in the election?", "Which party has the better tax plan?", "Is the president doing a good job?",
        "The senator lied about immigration policy.", "Tell me why the conservatives are right.", "Should the government raise taxes?",
        "What do you think of the new prime minister?", "Is socialism better than capitalism?", "Which candidate won the debate?",
        "The opposition party is corrupt.", "Do you support the government?", "Will the parliament pass the law?",
    ]  # fmt: skip
    detector = _topic(examples=examples)

    assert len(run(detector, "Which party should I vote for?")) == 1
    assert len(run(detector, "Hello. Is the government doing a good job? Bye.")) == 1
    assert run(detector, "What should I cook for the birthday party?") == []
    assert [text for text in BACKGROUND if run(detector, text)] == []


@pytest.mark.parametrize("name", _PRESETS)
def test_preset_reaches_its_figure_on_the_development_rows(name):
    detector = build_detector("topics", {"presets": list(_PRESETS)})
    (other,) = (each for each in _PRESETS if each != name)
    rows = [*_rows(name), *((False, text) for _, text in _rows(other)), *((False, text) for text in BACKGROUND)]

    found = [(is_on, any(hit.pattern == name for hit in run(detector, text))) for is_on, text in rows]

    hits = sum(is_on and is_found for is_on, is_found in found)
    f1 = 2 * hits / (sum(is_on for is_on, _ in found) + sum(is_found for _, is_found in found))
    assert f1 >= 0.95


def test_hostile_repeats_are_cut_into_sentences():
    detector = build_detector("topics", {"presets": list(_PRESETS)})

    assert len(run(detector, "stock " * 4_000 + "should i ")) <= 50


@pytest.mark.parametrize(
    ("topic", "said"),
    [
        ({"words": ["car"]}, "go together"),
        ({}, "says nothing"),
        ({"examples": ["one", "two"]}, "at least 5"),
        ({"examples": ["the", "a", "of", "is it", "and so"]}, "no words of their own"),
        ({"always": [""]}, "empty word"),
        ({"examples": ["car"] * 501}, "too many"),
    ],
)
def test_topic_that_says_nothing_is_refused(topic, said):
    with pytest.raises(BadRule, match=said):
        _topic(**topic)


def test_two_topics_of_one_name_are_refused():
    with pytest.raises(BadRule, match="Two topics"):
        build_detector("topics", {"topics": [{"name": "x", "always": ["a b"]}, {"name": "x", "always": ["c d"]}]})
