"""
The items of a Responses request, read into messages.

All that an assistant did in one turn (reasoning, text, calls) stands in a row of items and becomes one message; the outputs of calls that
stand in a row become one message of the user. Ids and states of items are OpenAI's bookkeeping and say nothing to another provider.

Where OpenAI's `encrypted_content` of a reasoning item is, other providers' seals go: over the reasoning itself, over reasoning that
only they can read (`redacted:`), or over a call (`call:<call id>:`); `dump_seal` and `_Reader` agree on that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec

from proxy.errors import BadRequest
from proxy.translators.clients.objects import as_object, read_object, untranslatable
from proxy.translators.conversation import Media, Message, Part, Reasoning, Refusal, Role, Text, ToolCall, ToolResult
from proxy.translators.media import guess_type, parse_data_url

REDACTED_MARK: Final = "redacted:"
CALL_MARK: Final = "call:"

_ITEM_HINTS: Final = frozenset({"id", "status", "phase"})
_PART_HINTS: Final = frozenset({"prompt_cache_breakpoint"})
_WRITTEN_HINTS: Final = frozenset({"annotations", "logprobs", "prompt_cache_breakpoint"})
_ROLES: Final[dict[str, Role]] = {"user": "user", "system": "system", "developer": "system", "assistant": "assistant"}
_AUDIO_TYPES: Final = {"wav": "audio/wav", "mp3": "audio/mpeg"}


class _Message(msgspec.Struct):
    role: Literal["user", "system", "developer", "assistant"]
    content: str | list[Any]
    type: str = "message"


class _FunctionCall(msgspec.Struct):
    call_id: str
    name: str
    arguments: str
    type: str = ""


class _FunctionCallOutput(msgspec.Struct):
    call_id: str
    output: str | list[Any]
    name: str = ""
    type: str = ""


class _ReasoningItem(msgspec.Struct):
    summary: list[Any] = []
    content: list[Any] = []
    encrypted_content: str = ""
    type: str = ""


class _TextPart(msgspec.Struct):
    text: str
    type: str = ""


class _RefusalPart(msgspec.Struct):
    refusal: str
    type: str = ""


class _ImagePart(msgspec.Struct):
    image_url: str
    detail: str = ""
    type: str = ""


class _FilePart(msgspec.Struct):
    file_data: str = ""
    file_url: str = ""
    filename: str = ""
    detail: str = ""
    type: str = ""


class _Audio(msgspec.Struct):
    data: str
    format: str


class _AudioPart(msgspec.Struct):
    input_audio: _Audio
    type: str = ""


def dump_call_seal(call_id: str, signature: str) -> str:
    """Return the `encrypted_content` that carries the seal over a call."""
    return f"{CALL_MARK}{call_id}:{signature}"


def read_messages(given: Any) -> tuple[Message, ...]:
    """
    Return the messages of `input`, a text or a list of items.

    Errors: BadRequest and Untranslatable, with the item's path as `param`.
    """
    if isinstance(given, str):
        return (Message("user", (Text(given),)),)
    if not given:
        raise BadRequest("Invalid 'input': there is nothing to answer.", param="input")
    reader = _Reader(_call_seals(given))
    for number, item in enumerate(given):
        reader.take(item, f"input[{number}]")
    return reader.messages()


def _call_seals(items: list[Any]) -> dict[str, str]:
    seals: dict[str, str] = {}
    for item in items:
        if isinstance(item, dict) and item.get("type") == "reasoning":
            content = item.get("encrypted_content")
            if isinstance(content, str) and content.startswith(CALL_MARK):
                call_id, _, signature = content[len(CALL_MARK) :].partition(":")
                seals[call_id] = signature
    return seals


class _Reader:
    """Puts items together to messages."""

    def __init__(self, call_seals: dict[str, str]) -> None:
        self._call_seals = call_seals
        self._tool_names: dict[str, str] = {}
        self._messages: list[Message] = []
        self._turn: list[Part] = []
        self._results: list[Part] = []

    def take(self, value: Any, where: str) -> None:
        item = as_object(value, where)
        kind = item.get("type", "message")
        read = self._READERS.get(kind) if isinstance(kind, str) else None
        if read is None:
            raise untranslatable(where)
        read(self, item, where)

    def messages(self) -> tuple[Message, ...]:
        self._end_turn()
        self._end_results()
        return tuple(self._messages)

    def _take_message(self, item: dict[str, Any], where: str) -> None:
        message = read_object(_Message, item, where, _ITEM_HINTS)
        role = _ROLES[message.role]
        if role == "assistant":
            self._end_results()
            self._turn += _read_content(message.content, _WRITTEN_PARTS, f"{where}.content")
            return
        self._end_turn()
        self._end_results()
        readers = _INPUT_PARTS if role == "user" else _SYSTEM_PARTS
        self._messages.append(Message(role, tuple(_read_content(message.content, readers, f"{where}.content"))))

    def _take_reasoning(self, item: dict[str, Any], where: str) -> None:
        self._end_results()
        reasoning = read_object(_ReasoningItem, item, where, _ITEM_HINTS)
        sealed = reasoning.encrypted_content
        if sealed.startswith(CALL_MARK):
            return  # read before
        if sealed.startswith(REDACTED_MARK):
            self._turn.append(Reasoning(redacted=sealed[len(REDACTED_MARK) :]))
            return
        name = "content" if reasoning.content else "summary"
        parts = [
            read_object(_TextPart, part, f"{where}.{name}[{number}]").text
            for number, part in enumerate(reasoning.content or reasoning.summary)
        ]
        if parts or sealed:
            self._turn.append(Reasoning("\n\n".join(parts), sealed))

    def _take_call(self, item: dict[str, Any], where: str) -> None:
        self._end_results()
        call = read_object(_FunctionCall, item, where, _ITEM_HINTS)
        self._tool_names[call.call_id] = call.name
        self._turn.append(ToolCall(call.call_id, call.name, call.arguments, self._call_seals.get(call.call_id, "")))

    def _take_output(self, item: dict[str, Any], where: str) -> None:
        self._end_turn()
        output = read_object(_FunctionCallOutput, item, where, _ITEM_HINTS)
        name = self._tool_names.get(output.call_id)
        if name is None:
            raise BadRequest(f"No function call with the call_id '{output.call_id}' stands before its output.", param=f"{where}.call_id")
        parts = tuple(_read_content(output.output, _INPUT_PARTS, f"{where}.output"))
        self._results.append(ToolResult(output.call_id, parts, name))  # type: ignore[arg-type]  # input parts are texts and media

    def _end_turn(self) -> None:
        if self._turn:
            self._messages.append(Message("assistant", tuple(self._turn)))
            self._turn.clear()

    def _end_results(self) -> None:
        if self._results:
            self._messages.append(Message("user", tuple(self._results)))
            self._results.clear()

    _READERS: Final[dict[str, Callable[[_Reader, dict[str, Any], str], None]]] = {
        "message": _take_message,
        "reasoning": _take_reasoning,
        "function_call": _take_call,
        "function_call_output": _take_output,
    }


# --- the parts of a message -----------------------------------------------------------------------------------------------------

_PartReader = Callable[[dict[str, Any], str], Part]


def _read_content(content: str | list[Any], readers: dict[str, _PartReader], where: str) -> list[Part]:
    if isinstance(content, str):
        return [Text(content)]
    parts: list[Part] = []
    for number, value in enumerate(content):
        path = f"{where}[{number}]"
        part = as_object(value, path)
        kind = part.get("type")
        read = readers.get(kind) if isinstance(kind, str) else None
        if read is None:
            raise untranslatable(path)
        parts.append(read(part, path))
    return parts


def _read_text(part: dict[str, Any], where: str) -> Part:
    return Text(read_object(_TextPart, part, where, _PART_HINTS).text)


def _read_written_text(part: dict[str, Any], where: str) -> Part:
    return Text(read_object(_TextPart, part, where, _WRITTEN_HINTS).text)


def _read_refusal(part: dict[str, Any], where: str) -> Part:
    return Refusal(read_object(_RefusalPart, part, where).refusal)


def _read_image(part: dict[str, Any], where: str) -> Part:
    image = read_object(_ImagePart, part, where, _PART_HINTS)
    inline = _inline(image.image_url, f"{where}.image_url")
    if inline is None:
        return Media("image", url=image.image_url, detail=image.detail)
    return Media("image", inline[0], inline[1], detail=image.detail)


def _read_file(part: dict[str, Any], where: str) -> Part:
    file = read_object(_FilePart, part, where, _PART_HINTS)
    if bool(file.file_data) == bool(file.file_url):
        raise BadRequest(f"'{where}' needs one of 'file_data' and 'file_url'.", param=where)
    if file.file_url:
        return Media("file", url=file.file_url, name=file.filename, detail=file.detail)
    media_type, data = _inline(file.file_data, f"{where}.file_data") or (guess_type(file.filename), file.file_data)
    return Media("file", media_type, data, name=file.filename, detail=file.detail)


def _read_audio(part: dict[str, Any], where: str) -> Part:
    audio = read_object(_AudioPart, part, where, _PART_HINTS).input_audio
    media_type = _AUDIO_TYPES.get(audio.format)
    if media_type is None:
        raise BadRequest(f"Invalid value for '{where}.input_audio.format': use wav or mp3.", param=f"{where}.input_audio.format")
    return Media("audio", media_type, audio.data)


def _inline(url: str, where: str) -> tuple[str, str] | None:
    try:
        return parse_data_url(url)
    except ValueError as error:
        raise BadRequest(f"Invalid value for '{where}': {error}.", param=where) from error


_SYSTEM_PARTS: Final[dict[str, _PartReader]] = {"input_text": _read_text}
_INPUT_PARTS: Final[dict[str, _PartReader]] = {
    "input_text": _read_text,
    "input_image": _read_image,
    "input_file": _read_file,
    "input_audio": _read_audio,
}
_WRITTEN_PARTS: Final[dict[str, _PartReader]] = {"output_text": _read_written_text, "refusal": _read_refusal}
