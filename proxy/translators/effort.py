"""Reasoning effort as a word and as a budget of tokens: providers know one or the other."""

from __future__ import annotations

from typing import Final

# The budgets that LiteLLM, OpenRouter and Google's own compatibility layer agree on to within a factor of two.
BUDGET_TOKENS: Final = {"none": 0, "minimal": 1024, "low": 2048, "medium": 8192, "high": 24_576, "xhigh": 32_768}


def effort_for(budget_tokens: int) -> str:
    """Return the smallest effort whose budget holds `budget_tokens`."""
    for effort, tokens in BUDGET_TOKENS.items():
        if budget_tokens <= tokens:
            return effort
    return "xhigh"


def budget_for(effort: str) -> int:
    """Return the budget of an effort. Errors: KeyError for a word that is none."""
    return BUDGET_TOKENS[effort]
