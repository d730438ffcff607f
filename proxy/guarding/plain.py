"""
The quick way to read conversations as most are: texts, calls of functions, and their results.

Rules: a typed decoder reads them, which passes over repeated and unknown fields. So its result counts only if the JSON has exactly the
quotes that what was read needs: then there is no other string and no other key. All else is read by `turns.py`, which sees everything;
both say the same of what both can read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from guardrails.detection import TextUnit, Trust
from proxy.guarding.arguments import find_arguments
from proxy.guarding.tables import is_data_url, is_plain_name
from proxy.wire.bad_request import UNREADABLE

TRUST_BY_ROLE: Final[dict[str, Trust]] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}

Style = Literal["calls", "blocks", "texts"]
"""How calls and their results are written: beside the content (chat), as blocks of it (messages), as items of their own (responses)."""

_OPERATORS: Final = frozenset({"system", "developer"})
_TOOL_ROLES: Final = frozenset({"tool", "function"})
_PATH_CHARACTERS = 100
_TEXT_TYPES: Final = frozenset({"text", "input_text", "output_text"})


class Found(msgspec.Struct, frozen=True, gc=False):
    """What a conversation says; `newest` is the index of the model's last turn that was answered, -1 without one."""

    units: list[TextUnit]
    newest: int
    messages_count: int


class Part(msgspec.Struct, gc=False):
    """A part of a message, or a block of Anthropic's format."""

    type: str
    text: str | UnsetType = UNSET
    cache_control: dict[str, str] | UnsetType | None = UNSET
    id: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    input: msgspec.Raw | UnsetType = UNSET
    tool_use_id: str | UnsetType = UNSET
    content: str | list[Part] | UnsetType = UNSET
    is_error: bool | UnsetType = UNSET
    thinking: str | UnsetType = UNSET
    signature: str | UnsetType = UNSET
    source: dict[str, str] | UnsetType = UNSET
    image_url: dict[str, str] | UnsetType = UNSET


class _Function(msgspec.Struct, gc=False):
    name: str
    arguments: str


class _Call(msgspec.Struct, gc=False):
    id: str
    type: str
    function: _Function


class _Message(msgspec.Struct, gc=False):
    role: str
    content: str | list[Part] | UnsetType | None = UNSET
    type: str | UnsetType = UNSET
    tool_calls: list[_Call] | UnsetType = UNSET
    tool_call_id: str | UnsetType = UNSET
    name: str | UnsetType = UNSET


_decoder: Final = msgspec.json.Decoder(list[_Message])
_texts_decoder: Final = msgspec.json.Decoder(str | list[str])


def read_plain(field: str, written: bytes, style: Style) -> Found | None:
    """
    Return the units of a conversation that holds nothing unusual, None for another one.

    Cost: 1 us for each message and 2 us for each argument of a call.
    """
    try:
        messages = _decoder.decode(written)
    except UNREADABLE:
        return None
    newest = _newest(messages)
    units: list[TextUnit] = []
    names: dict[str, str] = {}
    expected = 0
    for index, message in enumerate(messages):
        content, trust = message.content, TRUST_BY_ROLE.get(message.role)
        is_bare = message.tool_calls is message.tool_call_id is message.name is UNSET
        if is_bare and trust is not None and type(content) is str:
            expected += 8 if message.type is UNSET else 12
            if content:
                units.append(TextUnit(content, f"{field}.{index}.content", "request", trust, "", index > newest))
            continue
        try:
            expected += _add_message(message, f"{field}.{index}", Writer(trust or "user", index > newest, names, units, style))
        except Unusual:
            return None
    return Found(units, newest, len(messages)) if has_quotes(written, expected) else None


def read_text(field: str, written: bytes) -> Found | None:
    """As `read_plain`, for a text or a list of texts in the place of a conversation."""
    try:
        texts = _texts_decoder.decode(written)
    except UNREADABLE:
        return None
    if isinstance(texts, str):
        return Found([TextUnit(texts, field)] if texts else [], -1, 1)
    return Found([TextUnit(text, f"{field}.{index}") for index, text in enumerate(texts) if text], -1, 1)


def has_quotes(written: bytes, expected: int) -> bool:
    """Tell whether so many quotes begin or end a string. `expected` are known to be there."""
    # Quotes within texts are counted first too: if there are no more than needed, there are none of those.
    return written.count(b'"') == expected or count_quotes(written) == expected


def count_quotes(written: bytes) -> int:
    """Return how many quotes begin or end a string."""
    count = written.count(b'"')
    if b"\\" in written:
        if b"\\\\" in written:
            written = written.replace(b"\\\\", b"")
        count -= written.count(b'\\"')
    return count


def _newest(messages: Sequence[_Message]) -> int:
    is_answered = False
    for index in range(len(messages) - 1, -1, -1):
        role = messages[index].role
        if role == "assistant":
            if is_answered:
                return index
        elif role not in _OPERATORS:
            is_answered = True
    return -1


class Unusual(Exception):
    """The conversation holds something that is not read here."""


class Writer(msgspec.Struct, gc=False):
    """Takes the texts of one message, and knows what their units have in common."""

    trust: Trust
    is_latest: bool
    names: dict[str, str]
    units: list[TextUnit]
    style: Style

    def say(self, text: str, path: str) -> None:
        if text:
            self.units.append(TextUnit(text, path, "request", self.trust, "", self.is_latest))

    def answer(self, text: str, path: str, call_id: str) -> None:
        if text:
            self.units.append(TextUnit(text, path, "tool_results", "data", self.names.get(call_id, ""), self.is_latest))

    def call(self, arguments: str, path: str, call_id: str, name: str) -> None:
        self.names[call_id] = name
        self.units += call_units(arguments, path, name, self.is_latest)


def _add_message(message: _Message, path: str, to: Writer) -> int:
    """Add the units of a message and return the quotes it needs. Errors: Unusual."""
    if to.style != "calls" and not (message.name is message.tool_calls is message.tool_call_id is UNSET):
        raise Unusual
    quotes = 4 if message.type is UNSET else 8
    if isinstance(message.name, str):
        if not is_plain_name(message.name):
            raise Unusual
        quotes += 4
    content = message.content
    if message.role in _TOOL_ROLES:
        if not isinstance(content, str) or not isinstance(message.tool_call_id, str) or message.tool_calls is not UNSET:
            raise Unusual
        to.answer(content, f"{path}.content", message.tool_call_id)
        return quotes + 8
    if message.tool_call_id is not UNSET:
        raise Unusual
    if content is not UNSET:
        quotes += 2
    if isinstance(content, str):
        quotes += 2
        to.say(content, f"{path}.content")
    elif isinstance(content, list):
        quotes += sum(add_part(part, f"{path}.content.{number}", to) for number, part in enumerate(content))
    if isinstance(message.tool_calls, list):
        quotes += _add_calls(message.tool_calls, path, to)
    return quotes


def _add_calls(calls: list[_Call], path: str, to: Writer) -> int:
    for number, call in enumerate(calls):
        if call.type != "function" or to.trust != "assistant":
            raise Unusual
        to.call(call.function.arguments, f"{path}.tool_calls.{number}.function.arguments", call.id, call.function.name)
    return 2 + 18 * len(calls)


def add_part(part: Part, path: str, to: Writer) -> int:
    """Add the units of a part and return the quotes it needs. Errors: Unusual."""
    if part.type in _TEXT_TYPES and isinstance(part.text, str):
        to.say(part.text, f"{path}.text")
        expected = 8
    elif part.type == "image_url":
        expected = _add_picture(part.image_url, path, to)
    elif to.style != "blocks":
        raise Unusual
    elif part.type == "thinking":
        expected = _add_thinking(part, path, to)
    elif part.type == "image":
        expected = 6 + 4 * _own_picture(part.source)
    elif part.type == "tool_use":
        expected = _add_tool_use(part, path, to)
    elif part.type == "tool_result":
        expected = _add_result(part, path, to)
    else:
        raise Unusual
    if part.is_error is not UNSET:
        expected += 2
    if part.cache_control is not UNSET:
        expected += 2 + 4 * len(part.cache_control or ())
        if part.cache_control and not part.cache_control.keys() <= {"type", "ttl"}:
            raise Unusual
    return expected


def _add_picture(url: dict[str, str] | UnsetType, path: str, to: Writer) -> int:
    if to.style != "calls" or url is UNSET or not url.keys() <= {"url", "detail"} or "url" not in url:
        raise Unusual
    if not is_data_url(url["url"]):
        to.say(url["url"], f"{path}.image_url.url")
    return 6 + 4 * len(url)


def _own_picture(source: dict[str, str] | UnsetType) -> int:
    if source is UNSET or source.get("type") != "base64" or not source.keys() <= {"type", "media_type", "data"}:
        raise Unusual
    return len(source)


def _add_thinking(part: Part, path: str, to: Writer) -> int:
    if not isinstance(part.thinking, str) or not isinstance(part.signature, str):
        raise Unusual
    to.say(part.thinking, f"{path}.thinking")
    return 12


def _add_tool_use(part: Part, path: str, to: Writer) -> int:
    if not isinstance(part.id, str) or not isinstance(part.name, str) or part.input is UNSET or to.trust != "assistant":
        raise Unusual
    written = bytes(part.input)
    if written[:1] != b"{":
        raise Unusual
    to.units += object_units(written, f"{path}.input", part.name, to.is_latest)
    to.names[part.id] = part.name
    return 14 + count_quotes(written)


def _add_result(part: Part, path: str, to: Writer) -> int:
    content, call_id = part.content, part.tool_use_id
    if content is UNSET or not isinstance(call_id, str):
        raise Unusual
    if isinstance(content, str):
        to.answer(content, f"{path}.content", call_id)
        return 12
    for number, inner in enumerate(content):
        if inner.type != "text" or not isinstance(inner.text, str) or inner.cache_control is not UNSET:
            raise Unusual
        to.answer(inner.text, f"{path}.content.{number}.text", call_id)
    return 10 + 8 * len(content)


def call_units(arguments: str, path: str, tool: str, is_latest: bool) -> Iterator[TextUnit]:
    """Return the unit of a call, and those of the texts in its arguments. Errors: Unusual for a call that says not what it calls."""
    if not tool:
        raise Unusual
    yield TextUnit(arguments, path, "tool_arguments", "assistant", tool, is_latest, True)
    found = find_arguments(arguments)
    if found is None:
        if arguments:
            yield TextUnit(arguments, path, "tool_arguments", "assistant", tool, is_latest)
        return
    for _, leaf in found:
        below = leaf.path
        yield TextUnit(leaf.text, f"{path}.{below}" if below else path, "tool_arguments", "assistant", tool, is_latest)


def object_units(written: bytes, path: str, tool: str, is_latest: bool) -> list[TextUnit]:
    """As `call_units`, for arguments that are an object of the body. Errors: Unusual for paths that depend on what is around it."""
    units = list(call_units(written.decode(), path, tool, is_latest))
    if any(len(unit.path) > _PATH_CHARACTERS or "\u2026" in unit.path for unit in units):
        raise Unusual
    return units
