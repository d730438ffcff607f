"""
Gemini's seals over its thoughts, on their way through a client.

A client sends back whatever seals its conversation holds, those of another provider too when a route changed in between, and Gemini
answers 400 to one that is not its own. So ours leave with a mark, and what comes back without it stays here.
"""

from __future__ import annotations

from typing import Final

_MARK: Final = "gemini:"

# What Google's documentation asks for where a conversation holds function calls that Gemini 3 or later did not make itself.
# Source: https://ai.google.dev/gemini-api/docs/thought-signatures
UNSIGNED: Final = "skip_thought_signature_validator"


def mark_signature(signature: str | None) -> str:
    return f"{_MARK}{signature}" if signature else ""


def unmark_signature(signature: str) -> str:
    """Return the seal as Gemini wrote it, nothing for one that is not Gemini's."""
    return signature[len(_MARK) :] if signature.startswith(_MARK) else ""
