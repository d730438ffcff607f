"""The messages of a conversation as Anthropic wants them: system text apart, turns that alternate, results before all else."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from typing import Any, Final

from proxy.translators.arguments import dump_arguments
from proxy.translators.conversation import Conversation, Media, Message, Part, Reasoning, Refusal, Text, ToolCall, ToolResult

PROVIDER: Final = "anthropic"
_PDF: Final = "application/pdf"
_FOREIGN: Final = re.compile(r"[^a-zA-Z0-9_-]")
Block = dict[str, Any]


def dump_messages(conversation: Conversation) -> tuple[list[Block], list[Block]]:
    """
    Return the system text and the turns of user and assistant; messages of one role that follow each other are one turn.

    Instructions in the middle of a conversation move to its head, as in Anthropic's own layer for OpenAI's clients, because only the
    newest models take them where they stand; a conversation of nothing else is the question. What is empty is left out, because
    Anthropic refuses it.
    Errors: Untranslatable, also for a conversation that says nothing.
    """
    system: list[Block] = []
    turns: list[Block] = []
    for message in conversation.messages:
        content = _dump_message(message, conversation)
        if message.role == "system":
            system += content
        elif turns and turns[-1]["role"] == message.role:
            turns[-1]["content"] += content
        elif content:
            turns.append({"role": message.role, "content": content})
    if not turns:
        if not system:
            raise conversation.refuse("messages", PROVIDER, "The messages say nothing, which Anthropic does not take.")
        return [], [{"role": "user", "content": system}]
    for turn in turns:
        turn["content"].sort(key=lambda block: block["type"] != "tool_result")  # stable: only results move, to where they must be
    return system, turns


def _dump_message(message: Message, conversation: Conversation) -> list[Block]:
    blocks = [_dump_part(part, conversation) for part in message.parts]
    return [block for block in blocks if block is not None]


def _dump_part(part: Part, conversation: Conversation) -> Block | None:
    if isinstance(part, Text | Refusal):
        return {"type": "text", "text": part.text} if part.text else None
    if isinstance(part, Media):
        return _dump_media(part, conversation)
    if isinstance(part, ToolCall):
        return {"type": "tool_use", "id": _dump_id(part.id), "name": part.name, "input": dump_arguments(conversation, part, PROVIDER)}
    if isinstance(part, ToolResult):
        return _dump_result(part, conversation)
    return _dump_reasoning(part)


def _dump_reasoning(part: Reasoning) -> Block | None:
    """Return reasoning that Anthropic sealed. It takes no other, so what another provider thought is left out."""
    seal = part.redacted or part.signature
    if not seal or ":" in seal:  # another provider's carries that one's name
        return None
    if part.redacted:
        return {"type": "redacted_thinking", "data": part.redacted}
    return {"type": "thinking", "thinking": part.text, "signature": part.signature}


def _dump_id(call_id: str) -> str:
    """Return the id of a tool call in the letters that Anthropic takes; equal ones stay equal and others stay different."""
    if not _FOREIGN.search(call_id):
        return call_id
    return f"{_FOREIGN.sub('_', call_id)}_{zlib.crc32(call_id.encode(errors='surrogatepass')):08x}"


def _dump_result(result: ToolResult, conversation: Conversation) -> Block:
    block: Block = {"type": "tool_result", "tool_use_id": _dump_id(result.call_id)}
    content = [dumped for part in result.parts if (dumped := _dump_part(part, conversation)) is not None]
    if content:
        block["content"] = content
    if result.is_error:
        block["is_error"] = True
    return block


def _dump_media(media: Media, conversation: Conversation) -> Block:
    if media.kind == "image":
        return {"type": "image", "source": _dump_source(media)}
    if media.kind == "file" and media.media_type.startswith("text/") and media.data:
        source = {"type": "text", "media_type": "text/plain", "data": _decode_text(media, conversation)}
    elif media.kind == "file" and (media.media_type == _PDF or media.url):
        source = _dump_source(media)
    else:
        reason = f"It takes no content of the type {media.media_type or media.kind!r}."
        raise conversation.refuse("messages", PROVIDER, reason)
    return {"type": "document", "source": source, **({"title": media.name} if media.name else {})}


def _dump_source(media: Media) -> Block:
    if media.url:
        return {"type": "url", "url": media.url}
    return {"type": "base64", "media_type": media.media_type, "data": media.data}


def _decode_text(media: Media, conversation: Conversation) -> str:
    try:
        return base64.b64decode(media.data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise conversation.refuse("messages", PROVIDER, f"The file {media.name!r} is not UTF-8 text in base64.") from error
