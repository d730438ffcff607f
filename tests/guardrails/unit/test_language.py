from __future__ import annotations

from pathlib import Path

import pytest

from guardrails.detectors.language import find_language
from guardrails.detectors.registry import build_detector
from guardrails.errors import BadRule
from tests.detector_runner import run

_ROWS = [line.split(" ", 1) for line in (Path(__file__).parents[2] / "data" / "guardrails" / "languages.txt").read_text().splitlines()]


def test_sentences_are_known_in_more_than_forty_languages():
    known = sum(find_language(text)[0] == language for language, text in _ROWS)

    assert len({language for language, _ in _ROWS}) >= 40
    assert known / len(_ROWS) >= 0.95


@pytest.mark.parametrize(
    "text",
    [
        "",
        "OK",
        "Hello Bob",
        "12345 67890 12345 67890 12345",
        "😀" * 200,
        "https://example.com/the/and/of/that/is/in",
        "\ud800" * 50,
        "x" * 100,
        "\x00" * 90,
    ],
)
def test_what_is_too_short_or_no_language_is_unknown(text):
    assert find_language(text) == ("", 0.0)


def test_code_in_a_text_does_not_count():
    text = "Bitte erkläre mir diese Funktion:\n```\nfor the in of that this is not and to be or have with\n```\nIch verstehe sie nicht."

    assert find_language(text)[0] == "de"


def test_allow_flags_every_other_known_language():
    detector = build_detector("language", {"allow": ["en", "de"]})

    assert [run(detector, text) for language, text in _ROWS if language in {"en", "de"} and run(detector, text)] == []
    (hit,) = run(detector, "Nous avons passé tout le week-end à la campagne chez des amis.")
    assert (hit.start, hit.end, hit.pattern, hit.label) == (0, 0, "fr", "LANGUAGE")


def test_deny_flags_these_alone():
    detector = build_detector("language", {"deny": ["ru"]})

    assert len(run(detector, "Завтра утром мне нужно отвезти машину в сервис, потому что она издаёт странные звуки.")) == 1
    assert run(detector, "Nous avons passé tout le week-end à la campagne.") == []


def test_short_text_is_never_flagged():
    assert run(build_detector("language", {"allow": ["en"]}), "Guten Tag!") == []


def test_japanese_is_no_chinese():
    assert find_language("東京都は日本の首都です。人口が多い都市として知られています。")[0] == "ja"
    assert find_language("北京是中华人民共和国的首都，也是全国政治文化中心。")[0] == "zh"


@pytest.mark.parametrize("parameters", [{}, {"allow": ["en"], "deny": ["de"]}, {"allow": ["xx"]}, {"allow": ["en"], "min_letters": 2}])
def test_bad_parameters_are_refused(parameters):
    with pytest.raises(BadRule):
        build_detector("language", parameters)
