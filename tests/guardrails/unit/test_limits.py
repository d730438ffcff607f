from __future__ import annotations

import pytest

from guardrails.detection import Facts, TextUnit
from guardrails.detectors.limits import estimate_tokens
from guardrails.detectors.registry import build_detector
from guardrails.errors import BadRule

_NOTHING = Facts()


def _find(parameters, *texts, facts=_NOTHING):
    detector = build_detector("limits", parameters)
    return [(each.unit, each.hit.pattern) for each in detector.inspect_all([TextUnit(text) for text in texts], facts)]


@pytest.mark.parametrize(
    ("parameters", "facts", "found"),
    [
        ({"max_characters": 10}, _NOTHING, []),
        ({"max_characters": 9}, _NOTHING, [(1, "characters")]),
        ({"max_unit_characters": 4}, _NOTHING, [(0, "characters"), (1, "characters")]),
        ({"max_unit_characters": 5}, _NOTHING, []),
        ({"max_tokens": 4}, _NOTHING, []),
        ({"max_tokens": 3}, _NOTHING, [(1, "tokens")]),
        ({"max_tokens": 100}, Facts(input_tokens=101), [(1, "tokens")]),
        ({"max_messages": 2}, Facts(messages_count=2), []),
        ({"max_messages": 2}, Facts(messages_count=3), [(1, "messages")]),
    ],
)
def test_limit_is_reported_when_it_is_passed(parameters, facts, found):
    assert _find(parameters, "12345", "67890", facts=facts) == found


def test_nothing_to_look_at_is_within_limits():
    assert _find({"max_characters": 1, "max_messages": 1}) == []


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("a quick brown fox jumps over it", 7, 9),
        ("быстрая коричневая лиса", 8, 16),
        ("敏捷的棕色狐狸", 4, 8),
        ("", 0, 0),
        ("\ud800" * 9, 2, 10),
    ],
)
def test_tokens_are_estimated_by_script(text, least, most):
    assert least <= estimate_tokens([text]) <= most


def test_estimate_of_a_long_text_is_sampled_and_still_right():
    short = "Ünïcödé text with some wörds. "

    assert estimate_tokens([short * 20_000]) == pytest.approx(20_000 * len(short) / 4, rel=0.05)


@pytest.mark.parametrize("parameters", [{}, {"max_characters": 0}, {"max_tokens": -3}])
def test_limits_that_mean_nothing_are_refused(parameters):
    with pytest.raises(BadRule, match=r"limit"):
        build_detector("limits", parameters)
