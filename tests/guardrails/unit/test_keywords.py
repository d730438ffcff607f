from __future__ import annotations

import pytest

from guardrails.detectors.registry import build_detector
from guardrails.errors import BadRule
from tests.detector_runner import found_in, run


def _keywords(*words, **others):
    return build_detector("keywords", {"words": list(words), **others})


@pytest.mark.parametrize(
    ("word", "text", "found"),
    [
        ("secret plan", "The Secret\n Plan is here.", ["Secret\n Plan"]),
        ("café", "Le CAFÉ, le café; les cafés", ["CAFÉ", "café"]),
        ("cat", "écat cat's catalogue _cat cat", ["cat", "cat"]),
        ("проект", "Секретный ПРОЕКТ и проекты", ["ПРОЕКТ"]),
        ("ÉTÉ", "en été", ["été"]),
        ("機密", "これは機密文書です", ["機密"]),
        ("काम", "काम और कामना", ["काम"]),
        ("c++", "I like C++, not xc++", ["C++"]),
        (".net", "use .NET here", [".NET"]),
        ("don't", "DON’T do it", ["DON’T"]),
        ("e-mail", "an e‑mail", ["e‑mail"]),
        ("a.b (c)", "see A.B (C)", ["A.B (C)"]),
    ],
)
def test_word_is_found_as_people_write_it(word, text, found):
    assert found_in(_keywords(word), text) == found


def test_letter_case_counts_if_asked_for():
    assert found_in(_keywords("IT", is_caseless=False), "it is IT") == ["IT"]


def test_part_of_a_word_counts_if_asked_for():
    assert found_in(_keywords("cat", is_whole_word=False), "concatenate") == ["cat"]


def test_lists_have_their_own_label_and_name():
    detector = build_detector("keywords", {"lists": [{"name": "projects", "words": ["Falcon"], "label": "PROJECT"}]})

    (hit,) = run(detector, "about falcon")

    assert (hit.label, hit.pattern, "projects" in hit.reason) == ("PROJECT", "projects.0", True)


def test_word_given_twice_is_one_pattern():
    assert len(_keywords("Alpha", "alpha", "ALPHA ").patterns) == 1


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({}, "has no words"),
        ({"words": ["  "]}, "empty word"),
        ({"words": ["x" * 201]}, "too long"),
        ({"words": ["a"], "wrods": []}, "wrods"),
        ({"words": [f"w{n}" for n in range(20_001)]}, "20001 words"),
    ],
)
def test_bad_list_is_refused_with_a_reason(parameters, said):
    with pytest.raises(BadRule, match=said):
        build_detector("keywords", parameters)
