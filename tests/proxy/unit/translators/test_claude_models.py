"""Which form of thinking a Claude model's name asks for."""

from __future__ import annotations

import pytest

from proxy.translators.claude_models import has_adaptive_thinking


@pytest.mark.parametrize(
    "model",
    [
        "claude-opus-4-6",
        "claude-opus-4-7",
        "claude-sonnet-4-6-20260217",
        "claude-sonnet-5",
        "claude-opus-5-5",
        "claude-fable-5",
        "claude-mythos-preview",
        "us.anthropic.claude-opus-4-8",
        "anthropic/claude-opus-4.6",
        "claude-haiku-10-20300101",
        "our-claude",
    ],
)
def test_recent_models_think_by_effort(model):
    assert has_adaptive_thinking(model)


@pytest.mark.parametrize(
    "model",
    [
        "claude-3-5-sonnet-20241022",
        "claude-3-7-sonnet-latest",
        "claude-3-opus-20240229",
        "claude-opus-4-20250514",
        "claude-sonnet-4@20250514",
        "claude-sonnet-4-0",
        "claude-opus-4-1-20250805",
        "claude-haiku-4-5-20251001",
        "CLAUDE-SONNET-4-5",
        "claude-2.1",
        "claude-instant-1.2",
        "kimi-k2",
        "glm-5.1",
    ],
)
def test_older_models_and_compatible_ones_think_by_budget(model):
    assert not has_adaptive_thinking(model)
