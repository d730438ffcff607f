"""
The quick way to read whole answers as most are: texts, thoughts and calls of functions.

Rules: as in `plain.py`. Typed decoders read the one field that holds texts, and its quotes must be those that what was read needs; what
is beside that field is passed over, if nothing there can be a second such field. All else is read by `places.py`, which sees everything;
both say the same of what both can read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from guardrails.detection import TextUnit
from proxy.guarding.plain import Unusual, call_units, count_quotes, has_quotes, object_units
from proxy.wire.bad_request import UNREADABLE
from proxy.wire.model_request import Operation

_Word = str | UnsetType | None
_Empty = UnsetType | None
_Passed = msgspec.Raw | UnsetType
"""What holds no text, and is counted and not read."""


class _Reply(msgspec.Struct, gc=False):
    """An answer whose texts are in one field, its `choices`, `content` or `output`, if it has no `error`."""

    choices: _Passed = UNSET
    content: _Passed = UNSET
    output: _Passed = UNSET
    error: _Passed = UNSET


class _Function(msgspec.Struct, gc=False):
    name: str
    arguments: str


class _Call(msgspec.Struct, gc=False):
    id: str
    type: str
    function: _Function
    index: int | UnsetType = UNSET


class _Message(msgspec.Struct, gc=False):
    role: str
    content: _Word = UNSET
    refusal: _Word = UNSET
    reasoning: _Word = UNSET
    reasoning_content: _Word = UNSET
    annotations: list[msgspec.Raw] | UnsetType | None = UNSET
    tool_calls: list[_Call] | UnsetType | None = UNSET
    audio: _Empty = UNSET
    function_call: _Empty = UNSET


class _Choice(msgspec.Struct, gc=False):
    """Of the chat format, with a `message`, or of completions, with a `text`."""

    index: int
    finish_reason: str | None
    message: _Message | UnsetType = UNSET
    text: str | UnsetType = UNSET
    logprobs: _Passed = UNSET
    native_finish_reason: _Word = UNSET
    stop_reason: _Word = UNSET
    content_filter_results: _Passed = UNSET
    token_ids: _Empty = UNSET


class _Block(msgspec.Struct, gc=False):
    type: str
    text: str | UnsetType = UNSET
    citations: _Empty = UNSET
    thinking: str | UnsetType = UNSET
    signature: str | UnsetType = UNSET
    id: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    input: _Passed = UNSET
    caller: dict[str, str] | UnsetType = UNSET


class _Part(msgspec.Struct, gc=False):
    """A text of an item: of a message, a summary or a thought."""

    type: str
    text: str
    annotations: list[msgspec.Raw] | UnsetType = UNSET
    logprobs: _Passed = UNSET


class _Item(msgspec.Struct, gc=False):
    type: str
    content: list[_Part] | UnsetType | None = UNSET
    summary: list[_Part] | UnsetType = UNSET
    id: _Word = UNSET
    role: _Word = UNSET
    status: _Word = UNSET
    phase: _Word = UNSET
    encrypted_content: _Word = UNSET
    call_id: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    arguments: str | UnsetType = UNSET


_reply_decoder: Final = msgspec.json.Decoder(_Reply)
_choices_decoder: Final = msgspec.json.Decoder(list[_Choice])
_blocks_decoder: Final = msgspec.json.Decoder(list[_Block])
_items_decoder: Final = msgspec.json.Decoder(list[_Item])
_NULL: Final = b"null"
_OUTPUT: Final = b'"output'
_FIRST_CONTENT: Final = "choices.0.message.content"


def read_plain_reply(operation: Operation, body: bytes) -> list[TextUnit] | None:
    """
    Return the units of an answer that holds nothing unusual, None for another one. Several texts of one message come in a fixed order.

    Cost: 3 us for one text, 2 us for each argument of a call.
    """
    reader = _READERS.get(operation)
    if reader is None:
        return None
    field, word, read = reader
    units: list[TextUnit] = []
    try:
        if not body.isascii():
            body.decode()  # decoders do not look at what they pass over
        reply = _reply_decoder.decode(body)
        if reply.error is not UNSET and bytes(reply.error) != _NULL:
            return None
        written = bytes(getattr(reply, field))
        expected = read(written, units)
    except (*UNREADABLE, Unusual, TypeError):  # TypeError: the field is not there
        return None
    return units if has_quotes(written, expected) and _is_only(word, body, written) else None


def _is_only(word: bytes, body: bytes, written: bytes) -> bool:
    """Tell whether `written` is what follows `word`, a quote and letters, and no other key begins so."""
    at = body.find(word)
    start = body.find(b"[", at, at + len(word) + 4)
    if not body.startswith(written, start):
        return False
    end = start + len(written)
    if body.find(word, end) >= 0 and (word != _OUTPUT or body.count(word, end) != body.count(b'"output_tokens', end)):
        return False
    if body.find(b"\\", end) < 0 and body.find(b"\\", 0, at) < 0:
        return True
    return body.find(b"\\u", end) < 0 and body.find(b"\\u", 0, at) < 0  # other escapes write no letters


def _quotes_of(word: _Word) -> int:
    """Return the quotes of a member that may be missing or null."""
    return 4 if isinstance(word, str) else 0 if word is UNSET else 2


def _quotes_of_passed(written: _Passed) -> int:
    if written is UNSET:
        return 0
    inner = bytes(written)
    return 2 if inner == _NULL else 2 + count_quotes(inner)


# --- chat and completions -----------------------------------------------------------------------------------------------------------


def _read_choices(written: bytes, units: list[TextUnit]) -> int:
    expected = 0
    for index, choice in enumerate(_choices_decoder.decode(written)):
        message = choice.message
        if message is UNSET or choice.text is not UNSET:
            raise Unusual
        expected += _quotes_of_choice(choice) + _add_message(message, index, units)
    return expected


def _quotes_of_choice(choice: _Choice) -> int:
    """Return the quotes of a choice but for its message or text: those of the key are in it."""
    expected = 6 if choice.finish_reason is None else 8
    if choice.logprobs is not UNSET:
        expected += _quotes_of_passed(choice.logprobs)
    if not (choice.native_finish_reason is choice.stop_reason is choice.content_filter_results is choice.token_ids is UNSET):
        expected += _quotes_of(choice.native_finish_reason) + _quotes_of(choice.stop_reason) + _quotes_of(choice.token_ids)
        expected += _quotes_of_passed(choice.content_filter_results)
    return expected


def _add_message(message: _Message, index: int, units: list[TextUnit]) -> int:
    content, calls, expected = message.content, message.tool_calls, 4
    if type(content) is str:
        expected += 4
        if content:
            path = f"choices.{index}.message.content" if index else _FIRST_CONTENT
            units.append(TextUnit(content, path, "response", "assistant", "", True))
    elif content is None:
        expected += 2
    if message.refusal is None:
        expected += 2
    elif message.refusal is not UNSET:
        expected += _say(message.refusal, f"choices.{index}.message.refusal", units)
    if not (message.reasoning is message.reasoning_content is message.audio is message.function_call is UNSET):
        expected += _quotes_of(message.audio) + _quotes_of(message.function_call)
        expected += _say(message.reasoning, f"choices.{index}.message.reasoning", units)
        expected += _say(message.reasoning_content, f"choices.{index}.message.reasoning_content", units)
    if message.annotations is not UNSET:
        expected += 2  # none have their quotes counted, so there are none with texts
    if calls is not UNSET:
        expected += 2
        for number, call in enumerate(calls or ()):
            path = f"choices.{index}.message.tool_calls.{number}.function.arguments"
            units += call_units(call.function.arguments, path, call.function.name, True)
            expected += 18 if call.index is UNSET else 20
    return expected


def _say(text: _Word, path: str, units: list[TextUnit]) -> int:
    """Add what may be a text and return the quotes of its member."""
    if isinstance(text, str) and text:
        units.append(TextUnit(text, path, "response", "assistant", "", True))
    return _quotes_of(text)


def _read_completions(written: bytes, units: list[TextUnit]) -> int:
    expected = 0
    for index, choice in enumerate(_choices_decoder.decode(written)):
        if choice.text is UNSET or choice.message is not UNSET:
            raise Unusual
        expected += _quotes_of_choice(choice) + _say(choice.text, f"choices.{index}.text", units) - 2
    return expected


# --- messages -----------------------------------------------------------------------------------------------------------------------


def _read_blocks(written: bytes, units: list[TextUnit]) -> int:
    expected = 0
    for index, block in enumerate(_blocks_decoder.decode(written)):
        path = f"content.{index}"
        if block.type == "text" and isinstance(block.text, str):
            expected += 8 if block.citations is UNSET else 10
            if block.text:
                units.append(TextUnit(block.text, f"{path}.text", "response", "assistant", "", True))
        elif block.type == "thinking":
            expected += 4 + _say(block.thinking, f"{path}.thinking", units) + _quotes_of(block.signature)
        elif block.type == "tool_use":
            expected += _add_tool_use(block, path, units)
        else:
            raise Unusual
    return expected


def _add_tool_use(block: _Block, path: str, units: list[TextUnit]) -> int:
    if not isinstance(block.name, str) or block.input is UNSET or not (block.caller is UNSET or block.caller.keys() <= {"type"}):
        raise Unusual
    written = bytes(block.input)
    if written[:1] != b"{":
        raise Unusual
    units += object_units(written, f"{path}.input", block.name, True)
    caller = 0 if block.caller is UNSET else 2 + 4 * len(block.caller)
    return 10 + count_quotes(written) + _quotes_of(block.id) + caller


# --- responses ----------------------------------------------------------------------------------------------------------------------


def _read_items(written: bytes, units: list[TextUnit]) -> int:
    expected = 0
    for index, item in enumerate(_items_decoder.decode(written)):
        path = f"output.{index}"
        expected += 4 + _quotes_of(item.id) + _quotes_of(item.role) + _quotes_of(item.status) + _quotes_of(item.phase)
        if item.type == "function_call":
            if not isinstance(item.name, str) or not isinstance(item.arguments, str):
                raise Unusual
            units += call_units(item.arguments, f"{path}.arguments", item.name, True)
            expected += 8 + _quotes_of(item.call_id)
        elif item.type in ("message", "reasoning"):
            expected += _quotes_of(item.encrypted_content)
            expected += _add_parts(item.summary, f"{path}.summary", units) + _add_parts(item.content, f"{path}.content", units)
            if any(part.logprobs is not UNSET for part in item.summary or ()):
                raise Unusual  # it repeats a text, but nobody knows it there
        else:
            raise Unusual
    return expected


def _add_parts(parts: Sequence[_Part] | UnsetType | None, path: str, units: list[TextUnit]) -> int:
    if parts is UNSET:
        return 0
    expected = 2
    for number, part in enumerate(parts or ()):
        expected += 8 + _quotes_of_passed(part.logprobs) + (0 if part.annotations is UNSET else 2)
        if part.text:
            units.append(TextUnit(part.text, f"{path}.{number}.text", "response", "assistant", "", True))
    return expected


_READERS: Final[dict[Operation, tuple[str, bytes, Callable[[bytes, list[TextUnit]], int]]]] = {
    "chat": ("choices", b'"choices', _read_choices),
    "completions": ("choices", b'"choices', _read_completions),
    "messages": ("content", b'"content', _read_blocks),
    "responses": ("output", _OUTPUT, _read_items),
}
