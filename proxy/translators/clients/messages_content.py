"""
The messages of Anthropic's dialect as neutral ones.

A block that has no neutral form (results of server tools, search results, files of Anthropic's own store) is refused by its place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, TypeVar

import msgspec

from proxy.errors import BadRequest
from proxy.translators.clients.objects import as_object, read_object, untranslatable
from proxy.translators.conversation import Media, Message, Part, Reasoning, Role, Text, ToolCall, ToolResult

HINTS: Final = frozenset({"cache_control"})  # where a prompt is cached changes what it costs, not what is answered
T = TypeVar("T", bound=msgspec.Struct)
_Object = dict[str, Any]
_PDF: Final = "application/pdf"  # what a document behind a URL is
_ROLES: Final[dict[str, Role]] = {"user": "user", "assistant": "assistant", "system": "system"}


class _Message(msgspec.Struct):
    role: str
    content: Any


class _Text(msgspec.Struct):
    type: str
    text: str


class _Image(msgspec.Struct):
    type: str
    source: _Object


class _Citations(msgspec.Struct):
    enabled: bool = False


class _Document(msgspec.Struct):
    type: str
    source: _Object
    title: str = ""
    context: str = ""
    citations: _Citations | None = None


class _Caller(msgspec.Struct):
    type: str = "direct"


class _ToolUse(msgspec.Struct):
    type: str
    id: str
    name: str
    input: _Object
    caller: _Caller | None = None


class _ToolResult(msgspec.Struct):
    type: str
    tool_use_id: str
    content: Any = None
    is_error: bool = False


class _Thinking(msgspec.Struct):
    type: str
    thinking: str
    signature: str = ""


class _RedactedThinking(msgspec.Struct):
    type: str
    data: str


class _Base64Source(msgspec.Struct):
    type: str
    media_type: str
    data: str


class _UrlSource(msgspec.Struct):
    type: str
    url: str


class _TextSource(msgspec.Struct):
    type: str
    data: str
    media_type: str = "text/plain"


class _ContentSource(msgspec.Struct):
    type: str
    content: Any


def read_messages(value: list[Any]) -> tuple[Message, ...]:
    """Return the messages of a request. Errors: BadRequest, Untranslatable."""
    names: dict[str, str] = {}
    return tuple(_read_message(message, f"messages[{index}]", names) for index, message in enumerate(value))


def read_system(value: Any) -> tuple[Message, ...]:
    """Return the system prompt as a message, nothing for an empty one. Errors: BadRequest, Untranslatable."""
    parts = tuple(part for part in _read_content(value, "system", "system", {}) if part != Text(""))
    return (Message("system", parts),) if parts else ()


def read_asked(kind: type[T], fields: _Object, where: str) -> T:
    """Read an object; a field that asks for nothing (`"citations": []`) is as good as one that is not there."""
    known = kind.__struct_fields__
    asked = {name: value for name, value in fields.items() if name in known or value not in (False, [], {}, "")}
    return read_object(kind, asked, where, HINTS)


def _read_message(value: Any, where: str, names: dict[str, str]) -> Message:
    message = read_object(_Message, value, where)
    role = _ROLES.get(message.role)
    if role is None:
        raise BadRequest(f"Invalid value for '{where}.role': expected user, assistant or system.", param=f"{where}.role")
    return Message(role, tuple(_read_content(message.content, f"{where}.content", role, names)))


def _read_content(value: Any, where: str, role: Role, names: dict[str, str]) -> list[Part]:
    """`names` are those of the tools by the ids of their calls, which a result does not repeat."""
    if isinstance(value, str):
        return [Text(value)]
    if not isinstance(value, list):
        raise BadRequest(f"Invalid value for '{where}': expected a string or a list of blocks.", param=where)
    parts: list[Part] = []
    for index, item in enumerate(value):
        place = f"{where}[{index}]"
        block = as_object(item, place)
        read = _READERS[role].get(str(block.get("type")))
        if read is None:
            raise untranslatable(place)
        parts += read(block, place, names)
    return _sign_calls(parts)


def _sign_calls(parts: list[Part]) -> list[Part]:
    """
    Give tool calls back the signatures that our answers put in front of them, in thinking without text.

    Only those of other providers carry their names as a mark (`gemini:`); Anthropic's own are bare and belong to the thinking.
    """
    signed: list[Part] = []
    for part in parts:
        last = signed[-1] if signed else None
        if isinstance(part, ToolCall) and isinstance(last, Reasoning) and not last.text and ":" in last.signature:
            signed[-1] = replace(part, signature=last.signature)
        else:
            signed.append(part)
    return signed


def _read_text(block: _Object, where: str, _: dict[str, str]) -> list[Part]:
    return [Text(read_asked(_Text, block, where).text)]


def _read_image(block: _Object, where: str, _: dict[str, str]) -> list[Part]:
    source = read_asked(_Image, block, where).source
    where = f"{where}.source"
    if source.get("type") == "base64":
        image = read_object(_Base64Source, source, where)
        return [Media("image", image.media_type, image.data)]
    if source.get("type") == "url":
        return [Media("image", url=read_object(_UrlSource, source, where).url)]
    raise untranslatable(where)


def _read_document(block: _Object, where: str, names: dict[str, str]) -> list[Part]:
    document = read_asked(_Document, block, where)
    if document.citations is not None and document.citations.enabled:
        raise untranslatable(f"{where}.citations")
    context: list[Part] = [Text(document.context)] if document.context else []
    source, title, where = document.source, document.title, f"{where}.source"
    if source.get("type") == "base64":
        file = read_object(_Base64Source, source, where)
        return [*context, Media("file", file.media_type, file.data, name=title)]
    if source.get("type") == "url":
        return [*context, Media("file", _PDF, url=read_object(_UrlSource, source, where).url, name=title)]
    heading: list[Part] = [Text(title), *context] if title else context
    if source.get("type") == "text":
        return [*heading, Text(read_object(_TextSource, source, where).data)]
    if source.get("type") == "content":
        return [*heading, *_read_content(read_object(_ContentSource, source, where).content, f"{where}.content", "user", names)]
    raise untranslatable(where)


def _read_tool_use(block: _Object, where: str, names: dict[str, str]) -> list[Part]:
    call = read_asked(_ToolUse, block, where)
    if call.caller is not None and call.caller.type != "direct":
        raise untranslatable(f"{where}.caller")
    names[call.id] = call.name
    return [ToolCall(call.id, call.name, msgspec.json.encode(call.input).decode())]


def _read_tool_result(block: _Object, where: str, names: dict[str, str]) -> list[Part]:
    result = read_asked(_ToolResult, block, where)
    parts: list[Text | Media] = []
    for part in [] if result.content is None else _read_content(result.content, f"{where}.content", "user", {}):
        if not isinstance(part, Text | Media):
            raise untranslatable(f"{where}.content")
        parts.append(part)
    return [ToolResult(result.tool_use_id, tuple(parts), names.get(result.tool_use_id, ""), result.is_error)]


def _read_thinking(block: _Object, where: str, _: dict[str, str]) -> list[Part]:
    thinking = read_asked(_Thinking, block, where)
    return [Reasoning(thinking.thinking, thinking.signature)]


def _read_redacted(block: _Object, where: str, _: dict[str, str]) -> list[Part]:
    return [Reasoning(redacted=read_asked(_RedactedThinking, block, where).data)]


_BlockReader = Callable[[_Object, str, dict[str, str]], list[Part]]
_READERS: Final[dict[Role, dict[str, _BlockReader]]] = {
    "system": {"text": _read_text},
    "user": {"text": _read_text, "image": _read_image, "document": _read_document, "tool_result": _read_tool_result},
    "assistant": {
        "text": _read_text,
        "tool_use": _read_tool_use,
        "thinking": _read_thinking,
        "redacted_thinking": _read_redacted,
    },
}
