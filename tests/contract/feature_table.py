"""All features, in the order of the table, and the page that shows it."""

from __future__ import annotations

from itertools import groupby
from typing import Final

from tests.contract.features import ABSENT, FEATURES, PASS, PROVIDERS, Feature
from tests.contract.features_chat import CHAT
from tests.contract.features_messages import MESSAGES
from tests.contract.features_other import EMBEDDINGS, LANGCHAIN, OTHERS
from tests.contract.features_responses import RESPONSES
from tests.contract.features_tools import TOOLS

__all__ = ["FEATURES", "page"]

_INTRODUCTION: Final = """\
# What SDKs can do, by provider

The official SDKs of OpenAI and Anthropic, and LangChain's `ChatOpenAI` and `OpenAIEmbeddings`, make each of these calls through a running
gateway whose backends are the simulator in each provider's own dialect (`tests/contract/test_sdk_features.py`). A real provider may take
less: what a single model cannot do it says itself.

**yes**: it works as at OpenAI or Anthropic. Else the gateway answers 400 `unsupported_parameter`, and the cell has the parameter that it
names. **-**: the reason stands below the table. `azure` are deployments with an `api-version`, `azure-v1` is a resource's `/openai/v1`.
"""

_ORDER: Final = (CHAT, TOOLS, MESSAGES, RESPONSES, EMBEDDINGS, OTHERS, LANGCHAIN)


def page() -> str:
    """Return `docs/reference/features.md`."""
    lines = [_INTRODUCTION]
    for group, features in groupby(sorted(FEATURES, key=lambda feature: _ORDER.index(feature.group)), key=lambda feature: feature.group):
        lines += [f"## {group[0].upper()}{group[1:]}", "", "| | " + " | ".join(PROVIDERS) + " |", "|---|" + "---|" * len(PROVIDERS)]
        rows = list(features)
        reasons = [f"- {row.name}, `{provider}`: {reason}." for row in rows for provider, reason in row.absent.items()]
        lines += [_row(row) for row in rows] + ["", *reasons, ""] if reasons else [*map(_row, rows), ""]
    return "\n".join(lines)


def _row(feature: Feature) -> str:
    return f"| {feature.name} | " + " | ".join(_cell(feature.expected(provider)) for provider in PROVIDERS) + " |"


def _cell(expected: str) -> str:
    if expected == PASS:
        return "yes"
    return "-" if expected == ABSENT else f"`{expected.removeprefix('refused: ')}`"
