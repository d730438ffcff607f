"""What the model says: from a conversation and its options to tokens, tool calls and the reason why it stopped. Knows no dialect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from proxy.simulator.behaviour import Behaviour, Style
from proxy.simulator.errors import invalid_request
from proxy.simulator.schema import Schema, write_value
from proxy.simulator.text import Dice, count_tokens, find_topic, split_tokens, write_tokens

Finish = Literal["stop", "length", "tool_calls"]

CONTEXT_TOKENS = 131_072
_IMAGE_TOKENS = 85
_MESSAGE_TOKENS = 3  # the marks around each message
_REROLL_COUNT = 5
_CALL_TOKENS = 7  # the name of a called tool and the marks around it
_FREE_FORM: Schema = {
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "summary": {"type": "string"},
        "category": {"type": "string"},
        "tags": {"type": "array", "items": {"enum": ["routing", "caching", "limits", "streams"]}, "maxItems": 2},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
    },
}


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was said so far: all of it, the last user message, its size in tokens, and whether it ends with a tool's result."""

    text: str
    question: str
    tokens: int
    ends_with_tool: bool = False


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    parameters: Schema


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """`auto`, `none`, `required`, or `named` with the tool that must be called."""

    mode: Literal["auto", "none", "required", "named"] = "auto"
    name: str = ""
    is_parallel: bool = True


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to the model, whichever dialect it came in; `schema` set means that the answer is JSON that fits it."""

    conversation: Conversation
    behaviour: Behaviour
    max_tokens: int | None = None
    stop: Sequence[str] = ()
    tools: Sequence[Tool] = ()
    tool_choice: ToolChoice = ToolChoice()
    is_json: bool = False
    schema: Schema | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    name: str
    pieces: tuple[str, ...]

    @property
    def arguments(self) -> str:
        return "".join(self.pieces)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says: `pieces` of text, or tool calls; each piece is one token. `stop_sequence` is the one that ended it."""

    pieces: tuple[str, ...]
    tool_calls: tuple[ToolCall, ...] = ()
    finish: Finish = "stop"
    stop_sequence: str | None = None

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def output_tokens(self) -> int:
        return len(self.pieces) + sum(_CALL_TOKENS + len(call.pieces) for call in self.tool_calls)


def answer(ask: Ask, variant: int = 0) -> Answer:
    """
    Return what the model says; another `variant` is another answer to the same question.

    Errors: ProviderError 400 `context_length_exceeded`.
    Guarantee: the same arguments give the same answer.
    """
    if ask.conversation.tokens > CONTEXT_TOKENS:
        raise invalid_request(
            f"This model's maximum context length is {CONTEXT_TOKENS} tokens. However, your messages resulted in "
            f"{ask.conversation.tokens} tokens. Please reduce the length of the messages.",
            param="messages",
            code="context_length_exceeded",
        )
    if _calls_tools(ask):
        return _limited_calls(_write_calls(ask, variant), ask.max_tokens)
    return _limited_text(_write_text(ask, variant), ask)


def read_conversation(messages: Iterable[Mapping[str, Any]], *, system: str = "", tools: Any = None) -> Conversation:
    """
    Flatten the messages of any dialect; `tools` counts into the tokens as the JSON it is.

    Errors: ProviderError 400 where a message has no role or a content of the wrong kind.
    """
    said, tokens, question, ends_with_tool = [system] if system else [], 0, "", False
    for at, message in enumerate(messages):
        role = message.get("role")
        if not isinstance(role, str):
            raise invalid_request(f"Missing required parameter: 'messages[{at}].role'.", param=f"messages[{at}].role")
        text, image_count, has_result = _flatten(message.get("content"), f"messages[{at}].content")
        images = message.get("images")  # Ollama's place for them
        image_count += len(images) if isinstance(images, list) else 0
        said.append(f"{role}: {text}")
        tokens += _MESSAGE_TOKENS + count_tokens(text) + _IMAGE_TOKENS * image_count
        ends_with_tool = role == "tool" or has_result
        if role == "user" and not has_result:
            question = text
    tokens += _MESSAGE_TOKENS + count_tokens(system) + (count_tokens(msgspec.json.encode(tools).decode()) if tools else 0)
    return Conversation("\n".join(said), question, tokens, ends_with_tool)


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


def _calls_tools(ask: Ask) -> bool:
    if not ask.tools or ask.tool_choice.mode == "none":
        return False
    if ask.tool_choice.mode in ("required", "named"):
        return True
    # A conversation that ends with a result gets its answer in words, or an agent would never come to an end.
    return ask.behaviour.style is Style.TOOLS and not ask.conversation.ends_with_tool


def _write_calls(ask: Ask, variant: int) -> tuple[ToolCall, ...]:
    if ask.tool_choice.mode == "named":
        chosen = [tool for tool in ask.tools if tool.name == ask.tool_choice.name]
        if not chosen:
            raise invalid_request(f"Tool '{ask.tool_choice.name}' not found in 'tools' parameter.", param="tool_choice")
    elif ask.tool_choice.is_parallel:
        chosen = [ask.tools[0], ask.tools[1 % len(ask.tools)]]
    else:
        chosen = [ask.tools[0]]
    dice = Dice(f"{variant}:{ask.conversation.text}")
    calls: list[ToolCall] = []
    for tool in chosen:
        call = _write_call(tool, dice)
        for _ in range(_REROLL_COUNT):
            if call in calls:  # the same call twice says less than two cities
                call = _write_call(tool, dice)
        calls.append(call)
    return tuple(calls)


def _write_call(tool: Tool, dice: Dice) -> ToolCall:
    return ToolCall(tool.name, tuple(split_tokens(_dump(write_value(tool.parameters, dice)))))


def _write_text(ask: Ask, variant: int) -> tuple[str, ...]:
    question = ask.conversation.question
    if not ask.is_json and ask.behaviour.style is not Style.JSON:
        return write_tokens(ask.conversation.text, question, variant)
    value = write_value(ask.schema or _FREE_FORM, Dice(f"{variant}:{ask.conversation.text}"))
    if ask.schema is None:
        value["title"] = find_topic(question)
    return tuple(split_tokens(_dump(value)))


def _limited_calls(calls: tuple[ToolCall, ...], max_tokens: int | None) -> Answer:
    """Cut the arguments where the tokens end, as models do: what is left is broken JSON and `finish` says so."""
    left = max_tokens if max_tokens is not None else CONTEXT_TOKENS
    kept: list[ToolCall] = []
    for call in calls:
        left -= _CALL_TOKENS
        if left < 0 and kept:
            return Answer((), tuple(kept), "length")
        pieces = call.pieces[: max(left, 0)]
        kept.append(ToolCall(call.name, pieces))
        if len(pieces) < len(call.pieces):
            return Answer((), tuple(kept), "length")
        left -= len(pieces)
    return Answer((), tuple(kept), "tool_calls")


def _limited_text(pieces: tuple[str, ...], ask: Ask) -> Answer:
    stop: str | None = None
    if ask.stop:
        text = "".join(pieces)
        found = [(at, each) for each in ask.stop if each and (at := text.find(each)) >= 0]
        if found:
            stop_at, stop = min(found)
            pieces = tuple(split_tokens(text[:stop_at]))
    if ask.max_tokens is not None and len(pieces) > ask.max_tokens:
        return Answer(pieces[: ask.max_tokens], finish="length")
    return Answer(pieces, stop_sequence=stop)


def _dump(value: Any) -> str:
    return msgspec.json.encode(value).decode()
