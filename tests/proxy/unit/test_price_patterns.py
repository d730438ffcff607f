from __future__ import annotations

import pytest

from proxy.prices.patterns import matches, rank_pattern


@pytest.mark.parametrize(
    ("pattern", "model", "holds"),
    [
        ("gpt-4o", "gpt-4o", True),
        ("gpt-4o", "gpt-4o-mini", False),
        ("gpt-4o*", "gpt-4o-mini", True),
        ("gpt-4o*", "gpt-4o", True),
        ("gpt-4o*", "gpt-4", False),
        ("claude-x-########", "claude-x-20260101", True),
        ("claude-x-########", "claude-x-2026010", False),
        ("claude-x-########", "claude-x-202601011", False),
        ("claude-x-########", "claude-x-2026010a", False),
        ("claude-x-####*", "claude-x-2026-preview", True),
        ("m.1-#", "m.1-2", True),
        ("m.1-#", "ma1-2", False),
        ("m-#", "m-²", False),
        ("*", "anything", True),
        ("a*b", "a*b", True),
        ("a*b", "axb", False),
    ],
)
def test_matches_pattern(pattern, model, holds):
    assert matches(pattern, model) is holds


def test_rank_pattern_prefers_exact_names_then_what_gives_more():
    patterns = ["*", "claude-*", "claude-3*", "claude-3-########", "claude-3-20260101"]

    assert sorted(patterns, key=rank_pattern) == patterns
