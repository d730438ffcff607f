"""
What a request says beside its conversation and its tools: fields that steer the model, mark the request, or that nobody knows.

Rules: a provider gets them as they were written, so every string in them is looked at, keys and long numbers too. Left out are only
fields whose form the parser has checked and that can hold no text, and choices that are written as one word of letters.
"""

from __future__ import annotations

from typing import Final

from proxy.guarding.tables import Table
from proxy.guarding.turns import Dialect, Element, Extra, Turn, read_extra
from proxy.wire.model_request import ModelRequest, Operation

_TEXTS: Final = Table({}, is_open=True)
_CHOICES: Final = Table({}, default="word", is_open=True)

_CHECKED: Final[dict[Operation, frozenset[str]]] = {
    "chat": frozenset({"model", "stream", "max_tokens", "max_completion_tokens", "n", "temperature", "top_p"}),
    "completions": frozenset({"model", "stream", "max_tokens", "n", "best_of", "temperature", "top_p"}),
    "embeddings": frozenset({"model", "dimensions"}),
    "moderations": frozenset({"model"}),
    "responses": frozenset({"model", "stream", "max_output_tokens", "temperature", "top_p", "store", "background"}),
    "messages": frozenset({"model", "stream", "max_tokens", "temperature"}),
    "count_tokens": frozenset({"model"}),
}
"""Fields that hold no text: the parser of the dialect refuses it there. A model's name is that of a route."""

_NUMBERS: Final = frozenset({"seed", "top_k", "frequency_penalty", "presence_penalty", "min_p", "repetition_penalty", "top_logprobs"})
"""Fields whose numbers say nothing, however long they are."""

_CHOOSING: Final = frozenset(
    {
        "audio",
        "encoding_format",
        "function_call",
        "include",
        "modalities",
        "prompt_cache_retention",
        "reasoning",
        "reasoning_effort",
        "service_tier",
        "stream_options",
        "thinking",
        "tool_choice",
        "truncation",
        "verbosity",
    }
)
"""Fields that choose among what a provider names."""

_USUAL_WORDS: Final = (b"auto", b"none", b"required", b"float", b"base64")
_USUAL: Final = frozenset(
    [
        b'{"include_usage":true}',
        b'{"include_usage": true}',
        *(b'"%b"' % word for word in _USUAL_WORDS),
    ]
)
_NUMBER_BYTES: Final = 9
"""Shorter numbers say nothing."""


class Controls:
    """
    Which fields of a dialect are read here.

    Cost: 0.2 us for a request that has none of them, else 1 us for each and one look for each text.
    """

    def __init__(self, operation: Operation, dialect: Dialect) -> None:
        self._dialect = dialect
        self._elsewhere = frozenset({dialect.field, *(extra.field for extra in dialect.extras)})
        self._silent = _CHECKED[operation] | self._elsewhere
        self._choices = {name: Extra(name, _CHOICES, "user", is_always_new=True, is_cached=True) for name in _CHOOSING - self._silent}

    def read(self, request: ModelRequest) -> list[Element]:
        """Return the fields that may say something, in the order in which they are written."""
        fields = request.fields
        if fields.keys() <= self._silent:
            return []
        return [
            Element(extra.field, -1, written, read_extra(written, extra), _USER, is_always_new=True)
            for name, raw in fields.items()
            if name not in self._silent and (extra := self._extra_of(name, written := bytes(raw))) is not None
        ]

    def _extra_of(self, name: str, written: bytes) -> Extra | None:
        """Return how a field is to be read, None for one that says nothing."""
        if written in _USUAL and name in _CHOOSING:
            return None
        if written[:1] not in _HOLDING and (len(written) < _NUMBER_BYTES or name in _NUMBERS):
            return None
        return self._choices.get(name) or Extra(name, _TEXTS, "user", is_always_new=True)


_USER: Final = Turn("user")
_HOLDING: Final = frozenset({b'"', b"[", b"{"})
