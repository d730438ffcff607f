"""
Start here for texts: those of a request and of a whole answer, in the client's dialect, and the same with other texts.

Rules: what a rule is shown is decoded; what it changes is written over the text's own bytes, so that nothing else of the body moves.
Texts of images, sounds and files are none of ours. Source: docs/design/0014-guardrails.md
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from guardrails.detection import Facts, TextUnit
from guardrails.json_text import CannotRewrite
from proxy.guarding import chat_texts, messages_texts, other_texts, responses_texts
from proxy.guarding.controls import Controls
from proxy.guarding.facts import gather_facts
from proxy.guarding.places import Reading, read_places
from proxy.guarding.plain import Found, read_plain, read_text
from proxy.guarding.plain_items import read_plain_items
from proxy.guarding.plain_replies import read_plain_reply
from proxy.guarding.retry_note import insert_note
from proxy.guarding.turns import (
    Dialect,
    Element,
    Extra,
    RequestReading,
    find_field,
    list_units,
    read_elements,
    read_extras,
    read_units,
    rewrite_elements,
    units_of,
)
from proxy.guarding.writing import write_places
from proxy.wire.bad_request import UNREADABLE
from proxy.wire.model_request import ModelRequest, Operation

__all__ = ["DIALECTS", "ReplyTexts", "RequestTexts", "insert_note", "read_all", "read_reply", "read_request", "set_model"]

DIALECTS: Final[dict[Operation, Dialect]] = {
    "chat": chat_texts.CHAT,
    "completions": other_texts.COMPLETIONS,
    "embeddings": other_texts.EMBEDDINGS,
    "moderations": other_texts.MODERATIONS,
    "responses": responses_texts.RESPONSES,
    "messages": messages_texts.MESSAGES,
    "count_tokens": messages_texts.MESSAGES,
}
_REPLIES: Final[dict[Operation, Dialect]] = {
    "chat": chat_texts.REPLY,
    "completions": other_texts.COMPLETIONS_REPLY,
    "responses": responses_texts.REPLY,
    "messages": messages_texts.REPLY,
}
_CONTROLS: Final = {name: Controls(name, dialect) for name, dialect in DIALECTS.items()}
_BESIDE: Final = {name: frozenset(extra.field for extra in dialect.extras) for name, dialect in DIALECTS.items()}
_encoder: Final = msgspec.json.Encoder()
_text_decoder: Final = msgspec.json.Decoder(str)


class RequestTexts:
    """
    The texts of one request.

    `units` are in the order in which a model reads them; fields that no model reads come last. Those of the client's tools and of the
    operator have trust `system`; assistant turns are what a model wrote earlier, and new only at the very end, where the client wrote them.
    """

    __slots__ = ("_extras", "_facts", "_input_tokens", "_messages_count", "_request", "units")

    def __init__(
        self, request: ModelRequest, units: Sequence[TextUnit], extras: Sequence[Element], messages_count: int, input_tokens: int
    ) -> None:
        self.units = tuple(units)
        self._request = request
        self._extras = extras
        self._messages_count = messages_count
        self._input_tokens = input_tokens
        self._facts: Facts | None = None

    @property
    def facts(self) -> Facts:
        """What is known of the request; `called_tools` are the calls of earlier turns. Made when it is first asked for."""
        facts = self._facts
        if facts is None:
            facts = self._facts = gather_facts(self._request.model, self.units, self._extras, self._messages_count, self._input_tokens)
        return facts

    def rewrite(self, texts: Mapping[int, str]) -> ModelRequest:
        """
        Return the request with other texts for some units, by index; for a unit that is a call, its whole arguments.

        Errors: CannotRewrite for what is no string, or is signed.
        Cost: one more reading of the request, about 1 us for each member of its JSON.
        Guarantee: without texts the request itself; else every byte that is not such a text is as it was.
        """
        if not texts:
            return self._request
        elements = read_all(self._request)
        places = _places_of(self.units, list_units(elements, DIALECTS[self._request.operation]))
        return rewrite_elements(self._request, elements, {places(number): text for number, text in texts.items()})


def read_all(request: ModelRequest) -> list[Element]:
    """Return everything that a request says, read by the way that sees every key."""
    dialect = DIALECTS[request.operation]
    turns = read_elements(find_field(request, dialect.field), dialect)
    return read_extras(request, dialect) + turns + _CONTROLS[request.operation].read(request)


def _places_of(units: Sequence[TextUnit], exact: Sequence[TextUnit]) -> Callable[[int], int]:
    """Return what tells the index of a unit in the second reading, which goes by the order in which fields are written."""
    if len(units) != len(exact):
        raise CannotRewrite("the body reads otherwise than before")
    by_place: dict[tuple[str, str, bool], list[int]] = {}

    def place(number: int) -> int:
        if not 0 <= number < len(units):
            raise CannotRewrite("there is no such text")
        unit = units[number]
        if exact[number] == unit:
            return number
        if not by_place:
            for at, each in enumerate(exact):
                by_place.setdefault((each.path, each.text, each.is_call), []).append(at)
        found = by_place.get((unit.path, unit.text, unit.is_call), ())
        if len(found) != 1:
            raise CannotRewrite(f"the text at {unit.path!r} has no place of its own")
        return found[0]

    return place


def read_request(request: ModelRequest, input_tokens: int = 0) -> RequestTexts:
    """
    Return the texts of a request.

    Errors: none. Cost: 2 us for one message and 1 us for each other while all is plain text; 1 us for each member of the JSON otherwise.
    """
    dialect = DIALECTS.get(request.operation)
    if dialect is None:
        return RequestTexts(request, (), (), 0, input_tokens)
    beside = _texts_beside(request, dialect)
    units, extras, messages_count = read_units(request, dialect) if beside is None else _read_quickly(request, dialect, beside)
    controls = _CONTROLS[request.operation].read(request)
    if controls:
        units = units + list_units(controls, dialect)
    return RequestTexts(request, units, extras, messages_count, input_tokens)


def _read_quickly(request: ModelRequest, dialect: Dialect, beside: Sequence[tuple[Extra, str]]) -> RequestReading:
    """Return a conversation with plain texts beside it."""
    written = find_field(request, dialect.field)
    found = _read_conversation(written, dialect)
    if found is None:
        extras, turns = read_extras(request, dialect), read_elements(written, dialect)
        return RequestReading(list_units(extras + turns, dialect), extras, len(turns))
    units = found.units
    if beside:
        units = [TextUnit(text, each.field, "request", each.trust, "", each.is_always_new or found.newest < 0) for each, text in beside]
        units += found.units
    return RequestReading(units, [], found.messages_count)


def _texts_beside(request: ModelRequest, dialect: Dialect) -> list[tuple[Extra, str]] | None:
    """Return the fields beside the conversation if they are texts (of trust `data` is none of them), None if one is more than that."""
    fields = request.fields
    texts: list[tuple[Extra, str]] = []
    if fields.keys().isdisjoint(_BESIDE[request.operation]):
        return texts
    for extra in dialect.extras:
        raw = fields.get(extra.field)
        if raw is None:
            continue
        try:
            text = None if extra.trust == "data" else _text_decoder.decode(raw)
        except UNREADABLE:
            return None
        if text is None:
            return None
        if text:
            texts.append((extra, text))
    return texts


def _read_conversation(written: bytes, dialect: Dialect) -> Found | None:
    if dialect.is_whole or written[:1] != b"[":
        return read_text(dialect.field, written)
    if dialect.style == "texts":
        return read_plain_items(dialect.field, written)
    return read_plain(dialect.field, written, dialect.style)


class ReplyTexts:
    """The texts of a whole answer: what a model says, thinks and calls."""

    __slots__ = ("_body", "_dialect", "_exact", "units")

    def __init__(self, body: bytes, units: Sequence[TextUnit], dialect: Dialect | None, exact: _ExactReply | None = None) -> None:
        self.units = tuple(units)
        self._body = body
        self._dialect = dialect
        self._exact = exact

    def _places(self) -> tuple[Reading, Callable[[int], int]]:
        """Return where the texts are written, and what tells the index there of a unit."""
        if self._exact is None:
            self._exact = _read_exactly(self._body, self._dialect)
        return self._exact.reading, _places_of(self.units, self._exact.units)

    def is_fixed(self, number: int) -> bool:
        """Tell whether a unit cannot be changed: it is a key, a number, or signed."""
        reading, place_of = self._places()
        return reading.spots[place_of(number)].is_fixed

    def rewrite(self, texts: Mapping[int, str]) -> bytes:
        """
        Return the body with other texts for some units, by index; for a unit that is a call, its whole arguments. Log probabilities of a
        changed text go, because they spell it.

        Errors: CannotRewrite for what is no string, or is signed.
        Cost: one more reading of an answer that was read quickly, about 1 us for each member of its JSON.
        """
        if not texts:
            return self._body
        reading, place_of = self._places()
        return write_places(self._body, reading, {place_of(number): text for number, text in texts.items()})


class _ExactReply(NamedTuple):
    reading: Reading
    units: Sequence[TextUnit]


def _read_exactly(body: bytes, dialect: Dialect | None) -> _ExactReply:
    if dialect is None:
        return _ExactReply(Reading([], {}), ())
    reading = read_places(body, dialect.table)
    return _ExactReply(reading, units_of(reading, "", "assistant", True, dialect, {}, is_reply=True))


def read_reply(operation: Operation, body: bytes) -> ReplyTexts:
    """
    Return the texts of a whole answer in the client's dialect; embeddings and the like have none.

    Errors: none; what is no JSON is one text that cannot be changed. Cost: 4 us for one usual text; else 1 us for each member of the JSON.
    """
    dialect = _REPLIES.get(operation)
    units = read_plain_reply(operation, body)
    if units is not None:
        return ReplyTexts(body, units, dialect)
    exact = _read_exactly(body, dialect)
    return ReplyTexts(body, exact.units, dialect, exact)


def set_model(request: ModelRequest, model: str) -> ModelRequest:
    """Return the request for another model."""
    return msgspec.structs.replace(request, model=model, fields=request.fields | {"model": msgspec.Raw(_encoder.encode(model))})
