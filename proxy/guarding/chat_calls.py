"""The tool calls of one choice of a chat stream, held until all of their arguments have come."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from proxy.guarding.stream_base import HeldCall
from proxy.guarding.stream_json import (
    BRACE,
    Fields,
    encode,
    first_byte,
    number_of,
    object_of,
    objects_of,
    parse_fields,
    raw,
    raw_text,
    text_of,
    with_data,
)
from proxy.wire.sse import event_data

_CALLS = "tool_calls"
_OLD_CALL = "function_call"
"""Of the calls that `tool_calls` replaced: one in an answer, and no index."""

_BODIES = (("function", "arguments"), ("custom", "input"))
_PLACE = frozenset({"index", "type"})
Changed = Mapping[int, str]
"""Other arguments, by the place of the call in its choice."""


def called_entries(delta: Fields) -> list[Fields]:
    """Return the pieces of calls in a delta, in one form."""
    if _CALLS in delta:
        return objects_of(delta, _CALLS)
    if first_byte(delta.get(_OLD_CALL)) == BRACE:
        return [{"function": delta[_OLD_CALL]}]
    return []


def without_calls(delta: Fields) -> Fields:
    return {name: value for name, value in delta.items() if name not in (_CALLS, _OLD_CALL)}


class ChoiceCalls:
    """
    The calls of a choice, in the order in which they began.

    A piece belongs to the last call of its index, unless it comes with another id: some vendors give all calls the same index.
    """

    __slots__ = ("_by_index", "_calls", "_events", "_given", "_last")

    def __init__(self) -> None:
        self._calls: list[HeldCall] = []
        self._by_index: dict[int, int] = {}
        self._events: list[tuple[bytes, list[int]]] = []
        self._last: list[int] = []
        self._given: set[int] = set()  # calls whose changed arguments have been written

    def note(self, entries: list[Fields]) -> list[int]:
        """Take pieces of calls; return the place of the call of each."""
        self._last = [self._note(entry) for entry in entries]
        return self._last

    def hold(self, event: bytes, places: list[int]) -> None:
        self._events.append((event, places))
        self._last = []

    def finish(self, check: Callable[[HeldCall], str | None]) -> Changed:
        """Ask for every call what may go on."""
        asked = ((place, check(call)) for place, call in enumerate(self._calls))
        return {place: passed for place, passed in asked if passed is not None}

    def release(self, changed: Changed) -> list[bytes]:
        """Return the events that were held, with the changed arguments where the first piece of each call was."""
        if not changed:
            return [event for event, _ in self._events]
        shown = []
        for event, places in self._events:
            chunk = parse_fields(event_data(event) or b"{}")
            choices = objects_of(chunk, "choices")
            delta = _rewrite(object_of(choices[0], "delta"), places, changed, self._given)
            if called_entries(delta) or len(delta) > 1:
                choices[0]["delta"] = raw(delta)
                chunk["choices"] = raw(choices)
                shown.append(with_data(event, encode(chunk)))
        return shown

    def rewrite_last(self, delta: Fields, changed: Changed) -> Fields | None:
        """Return the delta of the chunk that finished the choice, after `release`; None if it holds nothing of changed calls."""
        if not any(place in changed for place in self._last):
            return None
        return _rewrite(delta, self._last, changed, self._given)

    def _note(self, entry: Fields) -> int:
        index = number_of(entry, "index", -1)
        call_id = text_of(entry, "id")
        place = self._by_index.get(index)
        if place is None or (call_id and self._calls[place].id and call_id != self._calls[place].id):
            place = self._by_index[index] = len(self._calls)
            self._calls.append(HeldCall(call_id))
        call = self._calls[place]
        call.id = call.id or call_id
        for name, field in _BODIES:
            body = object_of(entry, name)
            call.name = call.name or text_of(body, "name")
            if arguments := text_of(body, field):
                call.arguments.append(arguments)
        return place


def _rewrite(delta: Fields, places: list[int], changed: Changed, given: set[int]) -> Fields:
    """Put changed arguments where the first piece of their call stands, and take out the others. `given` grows."""
    entries = []
    for entry, place in zip(called_entries(delta), places, strict=True):
        if place not in changed:
            entries.append(entry)
            continue
        arguments = "" if place in given else changed[place]
        given.add(place)
        is_needed = bool(arguments) or not entry.keys() <= {*_PLACE, "function", "custom"}
        for name, field in _BODIES:
            if body := object_of(entry, name):
                is_needed |= "name" in body
                entry[name] = raw(body | {field: raw_text(arguments)})
        if is_needed:
            entries.append(entry)
    if _CALLS in delta:
        return delta | {_CALLS: raw(entries)} if entries else without_calls(delta)
    return delta | {_OLD_CALL: entries[0]["function"]} if entries else without_calls(delta)
