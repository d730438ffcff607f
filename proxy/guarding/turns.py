"""
The turns of a conversation as texts to look at: who wrote which, what is new, which tool a call or a result belongs to.

Rules: a dialect says where its texts lie (`places.py`) and who speaks; this module does the rest for all of them. What is new is what
came after the model's last turn that was answered; a turn of the model at the very end was written by the client, so it is new too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from guardrails.detection import TextUnit, Trust
from guardrails.json_text import CannotRewrite
from proxy.guarding.places import Reading, read_places
from proxy.guarding.plain import Style, read_plain, read_text
from proxy.guarding.plain_items import read_plain_items
from proxy.guarding.tables import Kind, Steps, Table
from proxy.guarding.writing import splice, write_places
from proxy.wire.model_request import ModelRequest

Words = Mapping[Steps, str]

_NULL: Final = b"null"
_CACHED_BYTES = 64 << 10


_NAMES: Final[tuple[str, ...]] = ("type", "type.*", "name", "$ref", "$schema", "$id", "format", "encoding", "strict", "syntax")
_BOUNDS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_SCHEMA_KINDS: Final[dict[str, Kind]] = {
    **dict.fromkeys(_NAMES, "label"),
    **dict.fromkeys(_BOUNDS, "skip"),
    **dict.fromkeys(("required.*", "propertyOrdering.*", "verbosity"), "word"),
}

SCHEMAS: Final = Table({}, kinds_by_step=_SCHEMA_KINDS, is_open=True)
"""Of tools and forms of answers: descriptions, and whatever values a schema gives away (`enum`, `const`, `default`, `examples`)."""

ALL_TEXT: Final = Table({})
"""Of a field whose every string is text."""


class Turn(msgspec.Struct, frozen=True):
    """Who wrote an element. `is_result`: what a tool answered to the model's last turn, so it does not begin a turn of somebody else."""

    trust: Trust
    is_result: bool = False


class Extra(msgspec.Struct, frozen=True, eq=False):
    """A field with text beside the conversation. `is_always_new`: it may be another one in each request."""

    field: str
    table: Table
    trust: Trust
    is_always_new: bool = False
    is_cached: bool = False


class Dialect(msgspec.Struct, frozen=True):
    """
    How a conversation is written: its field, the table of one element, and who wrote it.

    `call_id` returns the id that a call goes by, `result_id` the one that a result answers. `is_call_chained`: results and further calls
    of one turn may alternate. `is_whole`: the field is no list of turns, but texts or tokens of one. `style` is for
    `plain.py`.
    """

    field: str
    table: Table
    read_turn: Callable[[Words], Turn]
    call_id: Callable[[Steps, Words], str]
    result_id: Callable[[Steps, Words], str]
    extras: tuple[Extra, ...] = ()
    is_call_chained: bool = False
    is_whole: bool = False
    style: Style = "texts"


class Element(msgspec.Struct):
    """One field (`index` -1), or one item of a field that is a list, and its texts."""

    field: str
    index: int
    raw: bytes
    reading: Reading
    turn: Turn
    is_always_new: bool = False

    @property
    def path(self) -> str:
        return self.field if self.index < 0 else f"{self.field}.{self.index}"


_items_decoder = msgspec.json.Decoder(list[msgspec.Raw])


class RequestReading(NamedTuple):
    """All units of a request in the order in which a model reads them, and its fields beside the conversation."""

    units: list[TextUnit]
    extras: list[Element]
    messages_count: int


def read_units(request: ModelRequest, dialect: Dialect) -> RequestReading:
    """Return what a request says, by the quick way if it is one of the usual ones."""
    extras = read_extras(request, dialect)
    written = find_field(request, dialect.field)
    if dialect.is_whole or written[:1] != b"[":
        plain = None if extras else read_text(dialect.field, written)
    elif dialect.style == "texts":
        plain = read_plain_items(dialect.field, written)
    else:
        plain = read_plain(dialect.field, written, dialect.style)
    if plain is None:
        elements = read_elements(written, dialect)
        return RequestReading(list_units(extras + elements, dialect), extras, len(elements))
    if not extras:
        return RequestReading(plain.units, extras, plain.messages_count)
    units = [
        unit
        for element in extras
        for unit in units_of(element.reading, element.field, element.turn.trust, element.is_always_new or plain.newest < 0, dialect, {})
    ]
    units += plain.units
    return RequestReading(units, extras, plain.messages_count)


def read_extras(request: ModelRequest, dialect: Dialect) -> list[Element]:
    """Return the fields with text that the request has beside the conversation."""
    fields = request.fields
    return [
        Element(extra.field, -1, written, read_extra(written, extra), Turn(extra.trust), extra.is_always_new)
        for extra in dialect.extras
        if extra.field in fields and (written := find_field(request, extra.field))
    ]


def read_elements(written: bytes, dialect: Dialect) -> list[Element]:
    """Return the messages or items of a conversation; a text instead of them is one that the user wrote."""
    if dialect.is_whole and b'"' not in written:
        return []  # tokens
    if dialect.is_whole or written[:1] != b"[":
        return [Element(dialect.field, -1, written, read_places(written, dialect.table), Turn("user"))] if written else []
    elements: list[Element] = []
    for index, item in enumerate(_items_decoder.decode(written)):
        raw = bytes(item)
        reading = read_places(raw, dialect.table)
        elements.append(Element(dialect.field, index, raw, reading, dialect.read_turn(reading.words)))
    return elements


def find_field(request: ModelRequest, name: str) -> bytes:
    """Return a field as it was written, nothing if it was not set."""
    raw = request.fields.get(name)
    written = b"" if raw is None else bytes(raw)
    return b"" if written == _NULL else written


def read_extra(written: bytes, extra: Extra) -> Reading:
    """Return the texts of a field beside the conversation."""
    return _read_again(written, extra) if extra.is_cached and len(written) <= _CACHED_BYTES else read_places(written, extra.table)


@lru_cache(maxsize=32)
def _read_again(written: bytes, extra: Extra) -> Reading:
    """Agents declare the same tools in every request."""
    return read_places(written, extra.table)


def list_units(elements: Sequence[Element], dialect: Dialect) -> list[TextUnit]:
    """Return the units of a request, one for each text of its elements, in their order."""
    newest = _newest_turn(elements, dialect)
    names: dict[str, str] = {}
    units: list[TextUnit] = []
    for number, element in enumerate(elements):
        is_latest = element.is_always_new or number > newest
        units += units_of(element.reading, element.path, element.turn.trust, is_latest, dialect, names)
    return units


def _newest_turn(elements: Sequence[Element], dialect: Dialect) -> int:
    """Return the index of the model's last turn that was answered, -1 without one."""
    is_answered = False
    newest = -1
    for number in range(len(elements) - 1, -1, -1):
        element = elements[number]
        trust, before = element.turn.trust, elements[number - 1].turn if number else None
        if element.field != dialect.field:
            continue
        if trust == "assistant":
            if not is_answered:
                continue
            is_call = any(spot.is_call for spot in element.reading.spots)
            if dialect.is_call_chained and is_call and before is not None and before.is_result:
                continue
            newest = number
            break
        if trust != "system":
            is_answered = True
    return newest


def units_of(
    reading: Reading, path: str, trust: Trust, is_latest: bool, dialect: Dialect, names: dict[str, str], *, is_reply: bool = False
) -> list[TextUnit]:
    """Return a unit for each text of one reading. `names` are the tools of the calls so far by their ids; those found are added."""
    tools: dict[int, str] = {}
    units: list[TextUnit] = []
    words = reading.words
    for spot in reading.spots:
        at = f"{path}.{spot.path}" if path and spot.path else path or spot.path
        if spot.call >= 0:
            if spot.is_call:
                tools[spot.call] = tool = words.get((*spot.steps[:-1], "name"), "") or _builtin(words.get((*spot.steps[:-1], "type"), ""))
                if call_id := dialect.call_id(spot.steps, words):
                    names[call_id] = tool
            units.append(TextUnit(spot.text, at, "tool_arguments", "assistant", tools.get(spot.call, ""), is_latest, spot.is_call))
        elif spot.kind in _DATA or trust == "data":
            tool = names.get(dialect.result_id(spot.steps, words), "")
            units.append(TextUnit(spot.text, at, "tool_results", "data", tool, is_latest))
        else:
            units.append(TextUnit(spot.text, at, "response" if is_reply else "request", trust, "", is_latest))
    return units


_DATA = frozenset({"data", "source"})


def _builtin(kind: str) -> str:
    """Return the name of a tool that has none but its type: `web_search_call`."""
    return kind.removesuffix("_call") if kind.endswith("_call") else ""


def rewrite_elements(request: ModelRequest, elements: Sequence[Element], texts: Mapping[int, str]) -> ModelRequest:
    """
    Return the request with other texts for some units, by their index among all units of the elements.

    Errors: CannotRewrite. Guarantee: every byte of every field that is not such a text is as it was.
    """
    changed: dict[str, dict[int, bytes]] = {}
    first, left = 0, len(texts)
    for element in elements:
        spots = element.reading.spots
        own = {number - first: texts[number] for number in range(first, first + len(spots)) if number in texts}
        first += len(spots)
        if own:
            changed.setdefault(element.field, {})[element.index] = write_places(element.raw, element.reading, own)
            left -= len(own)
    if left:
        raise CannotRewrite("there is no such text")
    fields: dict[str, Any] = dict(request.fields)
    for name, items in changed.items():
        fields[name] = msgspec.Raw(items[-1] if -1 in items else replace_items(bytes(fields[name]), items))
    return msgspec.structs.replace(request, fields=fields)


def replace_items(written: bytes, items: Mapping[int, bytes]) -> bytes:
    """Return a JSON list with other items, by index, at the places of some; all else stays as it was written."""
    pieces: list[tuple[int, int, bytes]] = []
    at = 1  # between items there is nothing but white space and commas, so the next of these bytes are the item
    for index, item in enumerate(_items_decoder.decode(written)):
        raw = bytes(item)
        start = written.index(raw, at)
        at = start + len(raw)
        if index in items:
            pieces.append((start, at, items[index]))
    return splice(written, pieces)
