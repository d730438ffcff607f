from __future__ import annotations

import pytest

from guardrails.detectors.registry import build_detector
from guardrails.errors import BadRule
from tests.detector_runner import found_in, run


def _regex(**pattern):
    return build_detector("regex", {"patterns": [{"name": "ticket", **pattern}]})


def test_group_is_what_is_hidden():
    assert found_in(_regex(expression=r"ticket #(\d{4,8})", group=1), "see ticket #12345") == ["12345"]


def test_hit_has_the_patterns_label_name_and_score():
    (hit,) = run(_regex(expression=r"T-\d{4}", label="TICKET", score=0.7), "T-1234")

    assert (hit.label, hit.pattern, hit.score) == ("TICKET", "ticket", 0.7)


def test_context_word_must_stand_before():
    detector = _regex(expression=r"\d{6}", context=["customer", "account*"])

    assert found_in(detector, "Customers: 123456") == ["123456"]
    assert found_in(detector, "her accounting number 123456") == ["123456"]
    assert found_in(detector, "order 123456") == []


def test_excluded_value_does_not_count():
    assert found_in(_regex(expression=r"[A-Z]{2}-\d{2}", exclude=["ab-12"]), "AB-12 CD-34") == ["CD-34"]


def test_whole_word_knows_every_script():
    assert found_in(_regex(expression="ab", is_whole_word=True), "éab ab жab") == ["ab"]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ({"expression": r"(a)\1"}, "Pattern 'ticket'"),
        ({"expression": r"(?=a)a"}, "Pattern 'ticket'"),
        ({"expression": "("}, "Pattern 'ticket'"),
        ({"expression": "a*"}, "Pattern 'ticket'"),
        ({"expression": "abc", "group": 2}, "Pattern 'ticket'"),
        ({"expression": "abc", "score": 3.0}, "between 0 and 1"),
    ],
)
def test_expression_that_cannot_be_run_is_refused_by_name(pattern, said):
    with pytest.raises(BadRule, match=said):
        _regex(**pattern)


def test_patterns_need_names_of_their_own():
    with pytest.raises(BadRule, match="'x'"):
        build_detector("regex", {"patterns": [{"name": "x", "expression": "abc"}, {"name": "x", "expression": "def"}]})


def test_rule_without_patterns_is_refused():
    with pytest.raises(BadRule, match="no patterns"):
        build_detector("regex", {"patterns": []})
