"""What a stream's text passes through, piece by piece."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from guardrails.policy_document import Action


class TextTransformer(Protocol):
    """
    Takes the pieces of one text and gives back what may be sent of it so far.

    Guarantee: what all answers say together does not depend on how the text was cut. Errors: StreamBlocked, after which nothing may be
    fed and nothing that was held may be sent.
    """

    def feed(self, text: str) -> str: ...

    def close(self) -> str:
        """Return the rest. Called once, also for a text that was never fed."""


class StreamBlocked(Exception):
    """
    The text must not go on. `action` is that of the rule: block, retry or route. `is_failure`: nothing was found; the rule could not
    look, and its fail mode is closed.
    """

    def __init__(self, rule: str, action: Action = "block", *, is_failure: bool = False) -> None:
        super().__init__(rule)
        self.rule = rule
        self.action = action
        self.is_failure = is_failure


class TransformerChain:
    """Several transformers as one, each fed with what the one before lets go."""

    def __init__(self, transformers: Sequence[TextTransformer]) -> None:
        self._transformers = tuple(transformers)

    def feed(self, text: str) -> str:
        for each in self._transformers:
            text = each.feed(text) if text else text
        return text

    def close(self) -> str:
        text = ""
        for each in self._transformers:
            text = (each.feed(text) if text else "") + each.close()
        return text
