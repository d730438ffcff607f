"""The messages of a chat request as neutral ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from proxy.errors import BadRequest
from proxy.translators.clients.chat_content import OF_ASSISTANT, OF_SYSTEM, OF_USER, PART_HINTS, Reader, read_content
from proxy.translators.clients.objects import as_object, read_object, untranslatable
from proxy.translators.conversation import Media, Message, Part, Reasoning, Refusal, Text, ToolCall, ToolResult

_REPLY_HINTS: Final = PART_HINTS | {"annotations"}
"""What an assistant's message may hold besides, because clients send back what they got."""


class _Plain(msgspec.Struct):
    """A message of the system, the developer or the user."""

    role: str
    content: Any


class _ToolMessage(msgspec.Struct):
    role: str
    content: Any
    tool_call_id: str
    name: str = ""


class _Assistant(msgspec.Struct):
    role: str
    content: Any = None
    refusal: str = ""
    tool_calls: list[Any] = []
    reasoning_content: str = ""
    reasoning: str = ""
    reasoning_details: list[Any] = []


class _Call(msgspec.Struct):
    id: str
    function: Any
    type: str = "function"
    index: int = 0
    extra_content: Any = None


class _Function(msgspec.Struct):
    name: str
    arguments: str = ""


class _Detail(msgspec.Struct):
    """OpenRouter's form of reasoning that a provider has sealed; `format` and `id` are of no use to anybody else."""

    type: str
    text: str = ""
    summary: str = ""
    signature: str = ""
    data: str = ""
    id: str = ""
    format: str = ""
    index: int = 0


def read_messages(values: list[Any]) -> tuple[Message, ...]:
    """
    Return the messages; tool messages that follow each other become one of the user.

    Errors: BadRequest, Untranslatable.
    """
    messages: list[Message] = []
    results: list[ToolResult] = []
    names: dict[str, str] = {}  # of the tools, by the id of the call
    for index, value in enumerate(values):
        where = f"messages[{index}]"
        fields = as_object(value, where)
        role = fields.get("role")
        if role == "tool":
            results.append(_read_result(fields, where, names))
            continue
        _flush(results, messages)
        if role == "assistant":
            parts = _read_assistant(fields, where)
            names.update((part.id, part.name) for part in parts if isinstance(part, ToolCall))
            messages.append(Message("assistant", parts))
        elif role == "user":
            messages.append(Message("user", _read_plain(fields, where, OF_USER)))
        elif role in ("system", "developer"):
            messages.append(Message("system", _read_plain(fields, where, OF_SYSTEM)))
        else:
            raise _wrong_role(role, where)
    _flush(results, messages)
    return tuple(messages)


def _flush(results: list[ToolResult], messages: list[Message]) -> None:
    if results:
        messages.append(Message("user", tuple(results)))
        results.clear()


def _wrong_role(role: Any, where: str) -> BadRequest:
    if role == "function":  # of the calls that `tool_calls` replaced
        return untranslatable(f"{where}.role")
    return BadRequest(f"Invalid value for '{where}.role': expected system, developer, user, assistant or tool.", param=f"{where}.role")


def _read_plain(fields: dict[str, Any], where: str, readers: Mapping[str, Reader]) -> tuple[Part, ...]:
    return read_content(read_object(_Plain, fields, where, PART_HINTS).content, f"{where}.content", readers)


def _read_result(fields: dict[str, Any], where: str, names: Mapping[str, str]) -> ToolResult:
    message = read_object(_ToolMessage, fields, where, PART_HINTS)
    parts = read_content(message.content, f"{where}.content", OF_USER)
    said = tuple(part for part in parts if isinstance(part, Text | Media))
    return ToolResult(message.tool_call_id, said, message.name or names.get(message.tool_call_id, ""))


def _read_assistant(fields: dict[str, Any], where: str) -> tuple[Part, ...]:
    message = read_object(_Assistant, fields, where, _REPLY_HINTS)
    parts: list[Part] = list(_read_reasoning(message, where))
    if message.content is not None:
        parts += read_content(message.content, f"{where}.content", OF_ASSISTANT)
    if message.refusal:
        parts.append(Refusal(message.refusal))
    for index, value in enumerate(message.tool_calls):
        parts.append(_read_call(value, f"{where}.tool_calls[{index}]"))
    return tuple(parts)


def _read_call(value: Any, where: str) -> ToolCall:
    fields = as_object(value, where)
    if fields.get("type", "function") != "function":
        raise untranslatable(where)
    call = read_object(_Call, fields, where)
    function = read_object(_Function, call.function, f"{where}.function")
    return ToolCall(call.id, function.name, function.arguments, _read_seal(call.extra_content))


def _read_seal(extra: Any) -> str:
    """Return the seal of a tool call where Google's own OpenAI layer has it."""
    google = extra.get("google") if isinstance(extra, dict) else None
    seal = google.get("thought_signature") if isinstance(google, dict) else None
    return seal if isinstance(seal, str) else ""


def _read_reasoning(message: _Assistant, where: str) -> list[Reasoning]:
    """`reasoning_details` hold what the other two hold, with its seals; those that nothing sealed are left to the other two."""
    details = [read_object(_Detail, value, f"{where}.reasoning_details[{index}]") for index, value in enumerate(message.reasoning_details)]
    if any(detail.signature or detail.data for detail in details):
        parts = [Reasoning(detail.text or detail.summary, detail.signature, detail.data) for detail in details]
        return [part for part in parts if part.text or part.signature or part.redacted]
    text = message.reasoning_content or message.reasoning
    return [Reasoning(text)] if text else []
