"""What was said before an answer: the messages of any dialect, flattened to one text and counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from proxy.simulator.errors import invalid_request
from proxy.simulator.text import count_tokens

CACHED_WORD = "sim-cached"
_IMAGE_TOKENS = 85
_MESSAGE_TOKENS = 3  # the marks around each message


@dataclass(frozen=True, slots=True)
class Conversation:
    """
    What was said so far: all of it, the last user message, its size in tokens, and whether it ends with a tool's result.

    `image_tokens` are those of `tokens` that stand for images.
    """

    text: str
    question: str
    tokens: int
    ends_with_tool: bool = False
    image_tokens: int = 0

    @property
    def is_cached(self) -> bool:
        """Whether the provider says that it knew the beginning: a fixed word decides, so that a test needs no second call."""
        return CACHED_WORD in self.text

    @property
    def cached_tokens(self) -> int:
        """Return how many of `tokens` a provider that caches prompts by itself reads from its cache."""
        return self.tokens * 3 // 4 if self.is_cached else 0


def read_conversation(messages: Iterable[Mapping[str, Any]], *, system: str = "", tools: Any = None) -> Conversation:
    """
    Flatten the messages of any dialect; `tools` counts into the tokens as the JSON it is.

    Errors: ProviderError 400 where a message has no role or a content of the wrong kind.
    """
    said, tokens, image_tokens, question, ends_with_tool = [system] if system else [], 0, 0, "", False
    for at, message in enumerate(messages):
        role = message.get("role")
        if not isinstance(role, str):
            raise invalid_request(f"Missing required parameter: 'messages[{at}].role'.", param=f"messages[{at}].role")
        text, image_count, has_result = _flatten(message.get("content"), f"messages[{at}].content")
        images = message.get("images")  # Ollama's place for them
        image_count += len(images) if isinstance(images, list) else 0
        said.append(f"{role}: {text}")
        tokens += _MESSAGE_TOKENS + count_tokens(text)
        image_tokens += _IMAGE_TOKENS * image_count
        ends_with_tool = role == "tool" or has_result
        if role == "user" and not has_result:
            question = text
    tokens += _MESSAGE_TOKENS + count_tokens(system) + (count_tokens(msgspec.json.encode(tools).decode()) if tools else 0)
    return Conversation("\n".join(said), question, tokens + image_tokens, ends_with_tool, image_tokens)


def _flatten(content: Any, param: str) -> tuple[str, int, bool]:
    """Return the text of a message's content, the number of images in it and whether it holds a tool's result."""
    if content is None or isinstance(content, str):
        return content or "", 0, False
    if not isinstance(content, list) or not all(isinstance(part, Mapping) for part in content):
        raise invalid_request(f"Invalid type for '{param}': expected a string or an array of objects.", param=param, code="invalid_type")
    texts: list[str] = []
    image_count, has_result = 0, False
    for part in content:
        kind = str(part.get("type", ""))
        image_count += "image" in kind
        if kind == "tool_result":
            has_result = True
            texts.append(_flatten(part.get("content"), param)[0])
        elif isinstance(part.get("text"), str):
            texts.append(part["text"])
    return "\n".join(texts), image_count, has_result
