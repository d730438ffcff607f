"""
Neutral messages as OpenAI's chat API takes them.

Rules: results of tools go right behind the calls, whatever else the user says with them. A result's images, which OpenAI's tool messages
have no place for, follow in the user's next message under the id of their call. OpenAI has no mark for a result that is an error: its
text says so. Reasoning of earlier turns goes back only to vendors that want it; OpenAI ignores it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, Final

from proxy.translators.conversation import Conversation, Media, Message, Part, Reasoning, Refusal, Text, ToolCall, ToolResult
from proxy.translators.media import dump_data_url

Object = dict[str, Any]

_AUDIO_FORMATS: Final = {
    "audio/wav": "wav",
    "audio/wave": "wav",
    "audio/x-wav": "wav",
    "audio/vnd.wave": "wav",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
}


class MessageWriter:
    """`provider` is for errors; `reasoning_field` see `Vendor`."""

    def __init__(self, conversation: Conversation, provider: str, reasoning_field: str) -> None:
        self._conversation = conversation
        self._provider = provider
        self._reasoning_field = reasoning_field

    def write(self) -> list[Object]:
        """Errors: Untranslatable for a sound or a file that OpenAI's API has no form for."""
        written: list[Object] = []
        for message in self._conversation.messages:
            if message.role == "user":
                written += self._user(message)
            elif message.role == "assistant":
                written.append(self._assistant(message))
            else:
                written.append({"role": "system", "content": self._content(message.parts)})
        return written

    def _user(self, message: Message) -> list[Object]:
        written: list[Object] = []
        said: list[Part] = []
        for part in message.parts:
            if not isinstance(part, ToolResult):
                said.append(part)
                continue
            written.append({"role": "tool", "tool_call_id": part.call_id, "content": _result_content(part)})
            if shown := [inner for inner in part.parts if isinstance(inner, Media)]:
                said += [Text(f"What the tool call {part.call_id} returned:"), *shown]
        if said or not written:
            written.append({"role": "user", "content": self._content(said)})
        return written

    def _assistant(self, message: Message) -> Object:
        texts = [part for part in message.parts if isinstance(part, Text)]
        refusal = "".join(part.text for part in message.parts if isinstance(part, Refusal))
        calls = [_call(part) for part in message.parts if isinstance(part, ToolCall)]
        written: Object = {"role": "assistant", "content": self._content(texts) if texts or not (calls or refusal) else None}
        if refusal:
            written["refusal"] = refusal
        if self._reasoning_field:
            thought = "".join(part.text for part in message.parts if isinstance(part, Reasoning))
            if thought:
                written[self._reasoning_field] = thought
        if calls:
            written["tool_calls"] = calls
        return written

    def _content(self, parts: Sequence[Part]) -> str | list[Object]:
        if not parts:
            return ""
        if len(parts) == 1 and isinstance(parts[0], Text):
            return parts[0].text
        return [_text(part.text) if isinstance(part, Text) else self._media(part) for part in parts if isinstance(part, Text | Media)]

    def _media(self, media: Media) -> Object:
        if media.kind == "image":
            image = {"url": media.url or dump_data_url(media.media_type, media.data)}
            if media.detail:
                image["detail"] = media.detail
            return {"type": "image_url", "image_url": image}
        if not media.data:
            raise self._refuse(f"OpenAI's chat API takes no {media.kind} by its address.")
        if media.kind == "audio":
            form = _AUDIO_FORMATS.get(media.media_type)
            if form is None:
                raise self._refuse("OpenAI's chat API takes sounds as wav and mp3.")
            return {"type": "input_audio", "input_audio": {"data": media.data, "format": form}}
        if media.media_type.startswith("text/"):
            return _text(self._document(media))
        file = {"filename": media.name or "file", "file_data": dump_data_url(media.media_type, media.data)}
        return {"type": "file", "file": file}

    def _document(self, media: Media) -> str:
        """Return a file of text as text: OpenAI's chat API reads no files but PDF."""
        try:
            text = base64.b64decode(media.data, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise self._refuse("A file of text is no UTF-8 in base64.") from error
        return f'<document name="{media.name}">\n{text}\n</document>' if media.name else f"<document>\n{text}\n</document>"

    def _refuse(self, reason: str) -> Exception:
        return self._conversation.refuse("messages", self._provider, reason)


def _text(text: str) -> Object:
    return {"type": "text", "text": text}


def _call(call: ToolCall) -> Object:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments.strip() or "{}"}}


def _result_content(result: ToolResult) -> str | list[Object]:
    texts = [part.text for part in result.parts if isinstance(part, Text)]
    if not texts and any(isinstance(part, Media) for part in result.parts):
        texts = ["See the user's next message."]
    if result.is_error:
        texts = ["Error:", *texts] if len(texts) != 1 else [f"Error: {texts[0]}"]
    if len(texts) > 1:
        return [_text(text) for text in texts]
    return texts[0] if texts else ""
