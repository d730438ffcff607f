"""
The other views: what is hidden in a text, and what its disguised words say.

Rules: one pass of cheap tests decides which views are worth making, so plain prose pays for that pass only. All views together are at
most some times the text's length; decoded text is at most four times the text and 64 KB. A view that ends before all is shown says so.
"""

from __future__ import annotations

from collections.abc import Sequence

import re2

from guardrails.views import disguise, escapes, runs
from guardrails.views.hidden import hidden_text
from guardrails.views.letters import plain_letters
from guardrails.views.view import View

MAX_DECODED = 64 * 1024
_MAX_GROWTH = 4
_GATES = (runs.GATE, escapes.GATE, disguise.LEET_GATE, disguise.SPACED_GATE, disguise.turned_gate(), b"")
_RUN, _ESCAPE, _LEET, _SPACED, _TURNED, _ALWAYS = range(len(_GATES))
_GATE_MEMORY = 16 << 20


def _gate() -> re2.Set:
    options = re2.Options()
    options.max_mem = _GATE_MEMORY
    options.log_errors = False
    options.encoding = re2.Options.Encoding.LATIN1
    gate = re2.Set.SearchSet(options)
    for expression in _GATES:
        gate.Add(expression)
    gate.Compile()
    return gate


_GATE = _gate()


def find_views(text: str, main: View) -> tuple[View, ...]:
    """
    Return the views of a text beside its main one.

    Guarantee: linear time, no exception, whatever the text is. Cost: 5 us/KB for plain ASCII prose.
    """
    views: list[View] = []
    base = main
    if not text.isascii():
        hidden = hidden_text(text) if main.offsets is not None else None
        if hidden is not None:
            views.append(hidden)
        letters = plain_letters(main)
        if letters is not None:
            views.append(letters)
            base = letters
    hits = _tested(base)
    if len(hits) == 1:
        return tuple(views)
    if _RUN in hits or _ESCAPE in hits:
        views += _decoded(base, hits, min(MAX_DECODED, _MAX_GROWTH * len(text)))
    if _LEET in hits:
        views += _some(disguise.plain_digits(base))
    if _SPACED in hits:
        views += _some(disguise.together(base, MAX_DECODED))
    if _TURNED in hits:
        views += disguise.turned(base)
    return tuple(views)


def _tested(view: View) -> set[int]:
    """Return the gates that a text passes. The last one always does: without it the automaton gave up, and all are taken as passed."""
    hits = set(_GATE.Match(view.data) or ())
    return hits if _ALWAYS in hits else set(range(len(_GATES)))


def _decoded(base: View, hits: set[int], limit: int) -> list[View]:
    """Return what is decoded in two rounds: the second looks at what the first has said."""
    views = _round(base, hits, limit)
    left = limit - _decoded_characters(views)
    for view in tuple(views):
        if left <= 0:
            view.is_cut = True  # what it may hide in turn is not read
            break
        again = [each for each in _round(view, _tested(view), left) if all(each.text != other.text for other in views)]
        left -= _decoded_characters(again)
        views += again
    return views


def _decoded_characters(views: Sequence[View]) -> int:
    return sum(len(view.text) for view in views if view.is_decoded)


def _round(base: View, hits: set[int], limit: int) -> list[View]:
    # An escape is longer than what it stands for, so this view is no longer than the text.
    views = _some(escapes.unescape(base, len(base.text))) if _ESCAPE in hits else []
    return views + (_some(runs.decode_runs(base, limit)) if _RUN in hits else [])


def _some(view: View | None) -> list[View]:
    return [] if view is None else [view]
