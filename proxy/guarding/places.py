"""
Where the texts of a JSON body lie, as a table of `tables.py` names them. `writing.py` puts others in their place.

Rules: a table names the places whose meaning is known; a string at any other place is text, so that nothing is hidden in a field that
nobody thought of. Keys that stand twice are two places, because parsers differ in which one they take.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import msgspec

from guardrails.json_text import SHORTEST_NUMBER, Leaf, NotJson, find_leaves
from proxy.guarding.arguments import ARGUMENTS_COUNT, find_arguments, is_json, is_telling
from proxy.guarding.tables import PLAIN, Kind, Steps, Table, is_label, is_plain, shape_of

_DEEP = "…"
_SPENT = -2
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)
_COLON = re.compile(rb"[ \t\n\r]*+:[ \t\n\r]*+")
_SCALAR = re.compile(rb"[^,\]} \t\n\r]*+")


class Spot(msgspec.Struct, gc=False):
    """
    One text and where it is written, `[start, end)` in bytes. `inner`: it is a string of the JSON text that is written there.
    `call` is the number of the call it belongs to or is, -1 for none. `start` is -1 for what was read without its place.
    """

    text: str
    kind: Kind
    path: str = ""
    steps: Steps = ()
    start: int = -1
    end: int = -1
    call: int = -1
    inner: int = -1
    is_call: bool = False
    is_fixed: bool = False


class Spent(msgspec.Struct, frozen=True, gc=False):
    """What `Table.spent` names: whose texts it repeats, where it lies, and what takes its place."""

    steps: Steps
    start: int
    end: int
    empty: bytes


class Reading(msgspec.Struct):
    """The texts of a JSON value, and its `words`: strings that are structure, by their steps; empty where two differ."""

    spots: list[Spot]
    words: dict[Steps, str]
    spent: list[Spent] = []


class _Place(msgspec.Struct, gc=False):
    steps: Steps
    shape: str
    call: int


def read_places(raw: bytes, table: Table) -> Reading:
    """
    Return the texts of a JSON value in the order in which they are written.

    Errors: none; what is no JSON is one text, which cannot be changed. Cost: about 1 us for each member.
    """
    try:
        leaves = find_leaves(raw)
    except NotJson:
        return Reading([Spot(raw.decode("utf-8", "replace"), "text", is_fixed=True)], {})
    return _Reader(raw, table, leaves).read()


class _Reader:
    def __init__(self, raw: bytes, table: Table, leaves: Sequence[Leaf]) -> None:
        self._raw = raw
        self._table = table
        self._leaves = leaves
        self._spots: list[Spot] = []
        self._words: dict[Steps, str] = {}
        self._places: dict[int, _Place] = {}
        self._calls: dict[Steps, int] = {}
        self._calls_count = 0
        self._spent: list[Spent] = []

    def read(self) -> Reading:
        for leaf in self._leaves:
            place = self._place_of(leaf.place)
            call = place.call if place.shape != _DEEP else self._call_around(leaf)
            if call == _SPENT:
                continue
            if call >= 0:
                self._add_argument(leaf, call)
            elif leaf.kind == "string":
                self._see_string(leaf, place)
            elif self._table.is_open:
                self._see_open(leaf, place)
            elif leaf.kind == "key":
                self._see_key(leaf, place)
        self._add_bare_calls()
        if self._table.is_open and len(self._spots) > ARGUMENTS_COUNT:
            return Reading([Spot(self._raw.decode(), "text", is_fixed=True)], self._words)
        spots = self._without_floods(self._spots) if len(self._spots) > ARGUMENTS_COUNT else self._spots
        words = self._words
        spots = [each for each in spots if each.kind != "source" or words.get((*each.steps[:-1], "type")) != "base64"]
        for spot in spots:
            if spot.steps and words.get((*spot.steps[:-1], "signature")):
                spot.is_fixed = True
        return Reading(spots, words, self._spent)

    def _without_floods(self, spots: list[Spot]) -> list[Spot]:
        """Return the texts with one in the place of all arguments of a call that has too many."""
        counts = Counter(each.call for each in spots if each.kind == "argument")
        kept: list[Spot] = []
        for spot in spots:
            if counts[spot.call] <= ARGUMENTS_COUNT or spot.call < 0:
                kept.append(spot)
            elif spot.is_call:
                whole = Spot(spot.text, "argument", spot.path, spot.steps, spot.start, spot.end, spot.call, is_fixed=True)
                kept += (spot, whole)
        return kept

    def _call_around(self, leaf: Leaf) -> int:
        """Return the call that a text is in which lies too deep to know its place."""
        return next((each.call for each in reversed(self._spots) if each.is_call and each.start <= leaf.start < each.end), -1)

    def _place_of(self, found: object) -> _Place:
        known = self._places.get(id(found))
        if known is None:
            known = self._places[id(found)] = self._new_place(found)
        return known

    def _new_place(self, found: object) -> _Place:
        parent = getattr(found, "parent", None)
        if found is None or parent is None:
            is_deep = found is not None and found.step != ""  # type: ignore[attr-defined]  # a place of json_text
            return _Place((_DEEP,), _DEEP, -1) if is_deep else _Place((), "", -1)
        above, step = self._place_of(parent), found.step  # type: ignore[attr-defined]  # a place of json_text
        steps = (*above.steps, step)
        shape = shape_of(above.shape, step)
        call = above.call if above.call != -1 else _SPENT if shape in self._table.spent else self._calls.get(steps, -1)
        return _Place(steps, shape, call)

    def _see_key(self, leaf: Leaf, place: _Place) -> None:
        """Note a call whose arguments follow: an object is in no leaf, nor is an empty string."""
        shape = shape_of(place.shape, leaf.step)
        empty = self._table.spent.get(shape)
        is_call = self._table.kinds.get(shape) == "call"
        if not is_call and empty is None:
            return
        start = _COLON.match(self._raw, leaf.end).end()  # type: ignore[union-attr]  # there is one behind every key
        end = end_of_value(self._raw, start)
        if empty is not None:
            self._spent.append(Spent(place.steps, start, end, empty))
            return
        if self._raw[start : start + 1] == b'"' and end - start > 2:
            return  # a string, which is a leaf
        steps = (*place.steps, leaf.step)
        text = "" if end - start == 2 and self._raw[start:end] == b'""' else self._raw[start:end].decode()
        self._calls[steps] = self._add_call(Spot(text, "call", leaf.path, steps, start, end))

    def _add_call(self, spot: Spot) -> int:
        spot.call, spot.is_call = self._calls_count, True
        self._calls_count += 1
        self._spots.append(spot)
        return spot.call

    def _see_open(self, leaf: Leaf, place: _Place) -> None:
        """A key or a number of a field that may hold anything."""
        if leaf.kind == "key" and (is_label(leaf.text) or (len(leaf.text) < SHORTEST_NUMBER and leaf.text.isdigit())):
            return
        if leaf.kind == "number" and self._table.kind_of(shape_of(place.shape, leaf.step), leaf.step) == "skip":
            return
        self._spots.append(Spot(leaf.text, "text", leaf.path, (*place.steps, leaf.step), leaf.start, leaf.end, is_fixed=True))

    def _see_string(self, leaf: Leaf, place: _Place) -> None:
        if leaf.place is None:
            if self._table.default == "word" and is_plain("word", leaf.text):
                return
            self._spots.append(Spot(leaf.text, "text", "", (), leaf.start, leaf.end))
            return
        kind = self._table.kind_of(shape_of(place.shape, leaf.step), leaf.step)
        steps = (*place.steps, leaf.step)
        is_nothing = kind == "skip" or is_plain(kind, leaf.text)
        if is_nothing or kind == "label":
            self._words[steps] = leaf.text if self._words.get(steps, leaf.text) == leaf.text else ""
        if is_nothing:
            return
        if kind == "call":
            self._add_written_call(leaf, steps)
            return
        is_fixed = kind == "label"
        self._spots.append(Spot(leaf.text, "text" if kind in PLAIN else kind, leaf.path, steps, leaf.start, leaf.end, is_fixed=is_fixed))

    def _add_written_call(self, leaf: Leaf, steps: Steps) -> None:
        """A call whose arguments are a string that holds JSON: its own strings are decoded twice."""
        path = leaf.path
        call = self._calls[steps] = self._add_call(Spot(leaf.text, "call", path, steps, leaf.start, leaf.end))
        found = find_arguments(leaf.text)
        if found is None:
            is_fixed = len(leaf.text) > ARGUMENTS_COUNT and is_json(leaf.text)
            self._spots.append(Spot(leaf.text, "argument", path, steps, leaf.start, leaf.end, call, is_fixed=is_fixed))
            return
        for number, each in found:
            below = f"{path}.{each.path}" if each.path else path
            spot = Spot(each.text, "argument", below, steps, leaf.start, leaf.end, call, number, is_fixed=each.kind != "string")
            self._spots.append(spot)

    def _add_argument(self, leaf: Leaf, call: int) -> None:
        if is_telling(leaf):
            spot = Spot(leaf.text, "argument", leaf.path, (), leaf.start, leaf.end, call, is_fixed=leaf.kind != "string")
            self._spots.append(spot)

    def _add_bare_calls(self) -> None:
        """A call without arguments is a call."""
        if not self._table.named_calls:
            return
        seen = {steps[:-1] for steps in self._calls}
        for steps in self._words:
            if steps[:-1] not in seen and ".".join("*" if isinstance(step, int) else step for step in steps) in self._table.named_calls:
                self._add_call(Spot("", "call", "", (*steps[:-1], "arguments"), is_fixed=True))


def end_of_value(raw: bytes, start: int) -> int:
    """Return where the value ends that begins at `start`. Takes time for its bytes, and no stack."""
    first = raw[start : start + 1]
    if first not in (b"{", b"[", b'"'):
        return _SCALAR.match(raw, start).end()  # type: ignore[union-attr]  # it may be empty
    depth = 0
    for token in _TOKENS.finditer(raw, start):
        written = raw[token.start()]
        if written in b"{[":
            depth += 1
        elif written in b"]}":
            depth -= 1
        if depth == 0:
            return token.end()
    return len(raw)
