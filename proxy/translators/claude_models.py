"""
What a Claude model's name tells of the way it is asked to think: by effort, or by a budget of tokens.

Models from 4.7 on refuse a budget, models up to 4.5 know nothing else, and Anthropic asks for effort where both are known.
Source: https://platform.claude.com/docs/en/build-with-claude/extended-thinking
"""

from __future__ import annotations

import re
from typing import Final

_VERSION: Final = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?!\d)(?:[-.](\d{1,2})(?!\d))?")
_FIRST_ADAPTIVE: Final = (4, 6)


def has_adaptive_thinking(model: str) -> bool:
    """
    Tell whether a model thinks by effort. `model` is the provider's name, with whatever a cloud puts around it.

    A Claude without a version in its name is taken for a recent one; a model of another name, served by a compatible API, for one
    that knows the older form.
    """
    name = model.lower()
    version = _VERSION.search(name)
    if version is None:
        return "claude" in name
    return (int(version[1]), int(version[2] or 0)) >= _FIRST_ADAPTIVE
