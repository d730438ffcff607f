"""
Where the texts of a JSON body lie: found by the shape of their paths, and written back over their own bytes.

Rules: a table names the places whose meaning is known; a string at any other place is text, so that nothing is hidden in a field that
nobody thought of. Keys that stand twice are two places, because parsers differ in which one they take. Only what is changed is written;
every other byte stays.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

from guardrails.json_text import CannotRewrite, Leaf, NotJson, find_leaves, quote_like, replace_leaves

Kind = Literal["text", "data", "url", "name", "skip", "call", "source", "argument"]
"""
`data`: text that nobody who asks has written. `url`: text unless it is a `data:` URL. `name`: text unless it is a plain name. `call`: the
arguments of a tool call, as a string or as an object. `source`: data unless its `type` is `base64`. `argument`: a string within a call's
arguments; tables never name it.
"""

Steps = tuple[str | int, ...]

ARGUMENTS_COUNT: Final = 2000
"""The strings of one call that are looked at one by one; a call with more is looked at as a whole, and cannot be changed."""

_STRUCTURE: Final = frozenset(
    {
        "bytes",
        "cache_control",
        "call_id",
        "detail",
        "encrypted_content",
        "encrypted_index",
        "fc_id",
        "file_id",
        "format",
        "id",
        "media_type",
        "mime_type",
        "object",
        "phase",
        "role",
        "signature",
        "status",
        "thought_signature",
        "tool_call_id",
        "tool_use_id",
        "ttl",
        "type",
    }
)
"""Fields that hold no text wherever they are, unless a table says otherwise."""

_DEEP = "…"
_QUOTE = ord('"')
_SHORT_NAME = re.compile(r"[A-Za-z_]{1,24}")
_SPENT = -2
_SURROGATES = re.compile("[\ud800-\udfff]")
_PLAIN_NAME = re.compile(r"[\w.\-]{1,64}\Z")
_DATA_URL = re.compile(r"\s{0,32}data:", re.IGNORECASE)
_UNLESS: Final[dict[str, re.Pattern[str]]] = {"url": _DATA_URL, "name": _PLAIN_NAME}
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)
_COLON = re.compile(rb"[ \t\n\r]*+:[ \t\n\r]*+")
_SCALAR = re.compile(rb"[^,\]} \t\n\r]*+")


class Table(msgspec.Struct, frozen=True, eq=False):
    """
    What lies where. `kinds` is by shape, a path whose numbers are `*`: `content.*.text`. Calls (kind `call`) have their name beside them
    in `name`. What `kinds` does not know goes by the last step of its path, then by the prefixes of `kinds_below`; `default` is for the
    rest. `named_calls` are shapes of the names of calls, which may come without any arguments. `spent` is what repeats a text in another
    form (log probabilities), and what takes its place when the text is changed; nobody looks into it.
    """

    kinds: dict[str, Kind]
    kinds_below: tuple[tuple[str, Kind], ...] = ()
    default: Kind = "text"
    kinds_by_step: dict[str, Kind] = {}
    named_calls: frozenset[str] = frozenset()
    spent: dict[str, bytes] = {}


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
            elif leaf.kind == "key":
                self._see_key(leaf, place)
            elif leaf.kind == "string":
                self._see_string(leaf, place)
        self._add_bare_calls()
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
        shape = _shape(above.shape, step)
        call = above.call if above.call != -1 else _SPENT if shape in self._table.spent else self._calls.get(steps, -1)
        return _Place(steps, shape, call)

    def _see_key(self, leaf: Leaf, place: _Place) -> None:
        """Note a call whose arguments follow: an object is in no leaf, nor is an empty string."""
        shape = _shape(place.shape, leaf.step)
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

    def _see_string(self, leaf: Leaf, place: _Place) -> None:
        if leaf.place is None:
            self._spots.append(Spot(leaf.text, "text", "", (), leaf.start, leaf.end))
            return
        kind = self._kind_of(_shape(place.shape, leaf.step), leaf.step)
        steps = (*place.steps, leaf.step)
        if kind == "skip" or (kind in _UNLESS and _UNLESS[kind].match(leaf.text)):
            self._words[steps] = leaf.text if self._words.get(steps, leaf.text) == leaf.text else ""
        elif kind == "call":
            self._add_written_call(leaf, steps)
        else:
            self._spots.append(Spot(leaf.text, "text" if kind in _UNLESS else kind, leaf.path, steps, leaf.start, leaf.end))

    def _kind_of(self, shape: str, step: str | int) -> Kind:
        kind = self._table.kinds.get(shape)
        if kind is not None:
            return kind
        if step in self._table.kinds_by_step:
            return self._table.kinds_by_step[step]
        if step in _STRUCTURE:
            return "skip"
        for prefix, below in self._table.kinds_below:
            if shape.startswith(prefix):
                return below
        return self._table.default

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
        if _is_telling(leaf):
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


def write_places(raw: bytes, reading: Reading, texts: Mapping[int, str]) -> bytes:
    """
    Return the JSON with other texts at some places, by index into `reading.spots`, and without what is spent then.

    Errors: CannotRewrite.
    """
    spots = reading.spots
    pieces = [
        (each.start, each.end, each.empty)
        for each in reading.spent
        if any(spots[number].steps[: len(each.steps)] == each.steps for number in texts)
    ]
    inner: dict[tuple[int, int], dict[int, str]] = {}
    for number, text in texts.items():
        spot = spots[number]
        if spot.is_fixed or spot.start < 0:
            raise CannotRewrite(f"the text at {spot.path!r} cannot be replaced")
        if spot.inner >= 0:
            inner.setdefault((spot.start, spot.end), {})[spot.inner] = text
        else:
            pieces.append((spot.start, spot.end, _written(text, spot, raw)))
    for (start, end), replacements in inner.items():
        arguments = replace_leaves(json.loads(raw[start:end]), replacements)
        pieces.append((start, end, quote_like(arguments, raw)))
    return splice(raw, pieces)


def splice(raw: bytes, pieces: Sequence[tuple[int, int, bytes]]) -> bytes:
    """Return the bytes with others in the place of some. Errors: CannotRewrite for pieces that overlap."""
    kept: list[bytes] = []
    at = 0
    for start, end, new in sorted(pieces):
        if start < at:
            raise CannotRewrite("a text was to be replaced within another")
        kept += (raw[at:start], new)
        at = end
    return b"".join((*kept, raw[at:]))


def _written(text: str, spot: Spot, raw: bytes) -> bytes:
    if not spot.is_call or raw[spot.start] == _QUOTE:
        return quote_like(_SURROGATES.sub("\ufffd", text), raw)  # halves of characters are refused by most parsers
    try:
        find_leaves(text)
        return text.encode()
    except (NotJson, UnicodeEncodeError) as error:
        raise CannotRewrite(f"the arguments at {spot.path!r} would be no JSON") from error


def _shape(above: str, step: str | int) -> str:
    own = "*" if isinstance(step, int) else step
    return f"{above}.{own}" if above else own


def find_arguments(written: str) -> list[tuple[int, Leaf]] | None:
    """
    Return what is to be looked at of a call's arguments, with the numbers of the leaves; None for what is to be looked at as a whole: it
    is no JSON, or too much.
    """
    try:
        found = [(number, leaf) for number, leaf in enumerate(find_leaves(written)) if _is_telling(leaf)]
    except NotJson:
        return None
    return found if len(found) <= ARGUMENTS_COUNT else None


def rewrite_arguments(written: str, texts: Mapping[int, str]) -> str:
    """
    Return a call's arguments with other texts for some of its units, by their places behind that of the call itself, which is 0.

    Errors: CannotRewrite for a key or a number. Guarantee: JSON stays JSON; what was not changed is as it was.
    """
    if not texts:
        return written
    found = find_arguments(written)
    if found is None:
        return texts.get(1, written)
    return replace_leaves(written, {found[place - 1][0]: text for place, text in texts.items()})


def is_json(written: str) -> bool:
    try:
        find_leaves(written)
    except NotJson:
        return False
    return True


def is_data_url(written: str) -> bool:
    return _DATA_URL.match(written) is not None


def is_plain_name(written: str) -> bool:
    return _PLAIN_NAME.match(written) is not None


def _is_telling(leaf: Leaf) -> bool:
    """Keys are judged as values are, but for those that are plain names."""
    return leaf.kind != "key" or _SHORT_NAME.fullmatch(leaf.text) is None


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
