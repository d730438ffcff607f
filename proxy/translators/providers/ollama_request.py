"""
A conversation as Ollama's `/api/chat` is asked.

Rules: pure. A message of Ollama shows its images before its text, so one where an image follows a text becomes two. Prompts that do not
fit are refused instead of cut (`truncate`). What is left out is in docs/reference/dialects.md.
Source: https://docs.ollama.com/api/chat
"""

from __future__ import annotations

from typing import Any, Final

from proxy.translators.arguments import dump_arguments
from proxy.translators.conversation import Conversation, Media, Message, Part, Reasoning, Refusal, Text, ToolCall, ToolResult
from proxy.translators.effort import BUDGET_TOKENS, effort_for

PROVIDER: Final = "ollama"

Object = dict[str, Any]

_THINK: Final[dict[str, str | bool]] = {
    "none": False,
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",  # Ollama's own "max" is an error in its older versions
}


def build_request(conversation: Conversation) -> Object:
    """Return the body as objects. Errors: Untranslatable, which names the client's parameter."""
    _check(conversation)
    messages: list[Object] = []
    for message in conversation.messages:
        messages += _Messages(conversation).build(message)
    body: Object = {"model": conversation.model, "messages": messages, "stream": conversation.is_stream, "truncate": False}
    if options := _options(conversation):
        body["options"] = options
    if tools := _tools(conversation):
        body["tools"] = tools
    if (output := conversation.output_format) is not None:
        body["format"] = "json" if output.schema is None else output.schema
    if (think := _think(conversation)) is not None:
        body["think"] = think
    if conversation.has_logprobs:
        body["logprobs"] = True
        body["top_logprobs"] = conversation.top_logprobs_count or 0
    return body


def _check(conversation: Conversation) -> None:
    """Ollama passes over what it does not know, so nothing of it may be sent."""
    choice = conversation.tool_choice
    refused = {
        "choices_count": conversation.choices_count > 1,
        "has_parallel_tool_calls": conversation.has_parallel_tool_calls is False and bool(conversation.tools),
        "tool_choice": choice is not None and choice.mode in {"required", "tool"},
        "verbosity": conversation.verbosity not in {"", "medium"},
    }
    for name, is_refused in refused.items():
        if is_refused:
            raise conversation.refuse(name, PROVIDER)


# --- what is said -----------------------------------------------------------------------------------------------------------------


class _Messages:
    """Writes one message as one or more of Ollama's."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._written: list[Object] = []
        self._role = ""
        self._texts: list[str] = []
        self._images: list[str] = []
        self._thoughts: list[str] = []
        self._calls: list[Object] = []

    def build(self, message: Message) -> list[Object]:
        self._role = message.role
        for part in message.parts:
            self._add(part)
        if not self._written or self._has_any():
            self._flush()
        return self._written

    def _add(self, part: Part) -> None:
        if isinstance(part, Text | Refusal):
            self._texts.append(part.text)
        elif isinstance(part, Media):
            if self._texts:
                self._flush()
            self._images.append(self._image(part))
        elif isinstance(part, Reasoning):
            if part.text:
                self._thoughts.append(part.text)
        elif isinstance(part, ToolCall):
            self._calls.append(
                {"id": part.id, "function": {"name": part.name, "arguments": dump_arguments(self._conversation, part, PROVIDER)}}
            )
        else:
            if self._has_any():
                self._flush()
            self._written.append(self._result(part))

    def _has_any(self) -> bool:
        return bool(self._texts or self._images or self._thoughts or self._calls)

    def _flush(self) -> None:
        message: Object = {"role": self._role, "content": "\n\n".join(self._texts)}
        if self._thoughts:
            message["thinking"] = "\n\n".join(self._thoughts)
        if self._images:
            message["images"] = self._images
        if self._calls:
            message["tool_calls"] = self._calls
        self._written.append(message)
        self._texts, self._images, self._thoughts, self._calls = [], [], [], []

    def _result(self, result: ToolResult) -> Object:
        message: Object = {"role": "tool", "content": "\n\n".join(part.text for part in result.parts if isinstance(part, Text))}
        if result.name:
            message["tool_name"] = result.name
        if result.call_id:
            message["tool_call_id"] = result.call_id
        if images := [self._image(part) for part in result.parts if isinstance(part, Media)]:
            message["images"] = images
        return message

    def _image(self, media: Media) -> str:
        if media.kind != "image":
            raise self._conversation.refuse("messages", PROVIDER, f"Ollama takes images, but no {media.kind}.")
        if not media.data:
            raise self._conversation.refuse("messages", PROVIDER, "Ollama takes images as data, not by their address.")
        return media.data


# --- how it is to be answered -------------------------------------------------------------------------------------------------------


def _options(conversation: Conversation) -> Object:
    options: Object = {
        "num_predict": conversation.output_limit_tokens,
        "temperature": conversation.temperature,
        "top_p": conversation.top_p,
        "top_k": conversation.top_k,
        "seed": conversation.seed,
        "stop": list(conversation.stop) or None,
        "frequency_penalty": conversation.frequency_penalty,
        "presence_penalty": conversation.presence_penalty,
    }
    return {name: value for name, value in options.items() if value is not None}


def _tools(conversation: Conversation) -> list[Object]:
    """Return the tools that may be called: Ollama has no other way to choose among them."""
    choice = conversation.tool_choice
    if choice is not None and choice.mode == "none":
        return []
    shown = set(choice.allowed) if choice is not None and choice.allowed else None
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters or {"type": "object", "properties": {}},
            },
        }
        for tool in conversation.tools
        if shown is None or tool.name in shown
    ]


def _think(conversation: Conversation) -> str | bool | None:
    wish = conversation.reasoning
    if wish is None:
        return None
    if not wish.is_enabled:
        return False
    effort = wish.effort or ("" if wish.budget_tokens is None else effort_for(wish.budget_tokens))
    if not effort:
        return True
    if effort not in _THINK:
        raise conversation.refuse("reasoning", PROVIDER, f"No effort is called {effort!r}; known are {', '.join(BUDGET_TOKENS)}.")
    return _THINK[effort]
