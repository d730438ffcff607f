"""What the model says: from a conversation and its options to tokens, tool calls and the reason why it stopped. Knows no dialect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

import msgspec

from proxy.simulator.behaviour import Behaviour, Style
from proxy.simulator.conversation import Conversation
from proxy.simulator.errors import invalid_request
from proxy.simulator.schema import Schema, write_value
from proxy.simulator.text import Dice, find_topic, split_tokens, write_thought, write_tokens

Finish = Literal["stop", "length", "tool_calls", "content_filter"]

CONTEXT_TOKENS = 131_072
_REROLL_COUNT = 5
_CALL_TOKENS = 7  # the name of a called tool and the marks around it
_FILTERED_TOKENS = 5  # what a filtered answer says before it is stopped
_BIG_BYTES = 10 * 1024 * 1024
_USUAL_THOUGHT_TOKENS = 48  # of a model that thinks by itself
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
class Tool:
    name: str
    parameters: Schema


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """`auto`, `none`, `required`, or `named` with the tool that must be called; `allowed`, when it is not empty, leaves only these."""

    mode: Literal["auto", "none", "required", "named"] = "auto"
    name: str = ""
    is_parallel: bool = True
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """
    One question to the model, whichever dialect it came in; `schema` set means that the answer is JSON that fits it.

    `thought_tokens` is how much it shall think first, as part of `max_tokens`; None leaves that to the model.
    """

    conversation: Conversation
    behaviour: Behaviour
    max_tokens: int | None = None
    stop: Sequence[str] = ()
    tools: Sequence[Tool] = ()
    tool_choice: ToolChoice = ToolChoice()
    is_json: bool = False
    schema: Schema | None = None
    thought_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    name: str
    pieces: tuple[str, ...]

    @property
    def arguments(self) -> str:
        return "".join(self.pieces)

    @property
    def tokens(self) -> int:
        return _CALL_TOKENS + len(self.pieces)


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What the model says: `pieces` of text, or tool calls, after what it thought; each piece is one token.

    `stop_sequence` is the one that ended it.
    """

    pieces: tuple[str, ...]
    tool_calls: tuple[ToolCall, ...] = ()
    finish: Finish = "stop"
    stop_sequence: str | None = None
    thought: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def thought_tokens(self) -> int:
        return len(self.thought)

    @property
    def said_tokens(self) -> int:
        """Return the tokens of what it said, without its thoughts."""
        return len(self.pieces) + sum(call.tokens for call in self.tool_calls)

    @property
    def output_tokens(self) -> int:
        return self.thought_tokens + self.said_tokens


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
    thought = _think(ask, variant)
    left = None if ask.max_tokens is None else ask.max_tokens - len(thought)
    if left is not None and left <= 0:
        return Answer((), finish="length", thought=thought)
    said = _limited_calls(_write_calls(ask, variant), left) if _calls_tools(ask) else _limited_text(_write_text(ask, variant), left, ask)
    return replace(said, thought=thought) if thought else said


def _think(ask: Ask, variant: int) -> tuple[str, ...]:
    wanted = ask.thought_tokens
    if wanted is None:
        wanted = _USUAL_THOUGHT_TOKENS if ask.behaviour.style is Style.REASONING else 0
    if ask.max_tokens is not None:
        wanted = min(wanted, ask.max_tokens)
    return write_thought(ask.conversation.text, ask.conversation.question, wanted, variant) if wanted > 0 else ()


def _usable_tools(ask: Ask) -> list[Tool]:
    allowed = ask.tool_choice.allowed
    return [tool for tool in ask.tools if not allowed or tool.name in allowed]


def _calls_tools(ask: Ask) -> bool:
    if not _usable_tools(ask) or ask.tool_choice.mode == "none":
        return False
    if ask.tool_choice.mode in ("required", "named"):
        return True
    # A conversation that ends with a result gets its answer in words, or an agent would never come to an end.
    return ask.behaviour.style is Style.TOOLS and not ask.conversation.ends_with_tool


def _write_calls(ask: Ask, variant: int) -> tuple[ToolCall, ...]:
    tools = _usable_tools(ask)
    if ask.tool_choice.mode == "named":
        chosen = [tool for tool in tools if tool.name == ask.tool_choice.name]
        if not chosen:
            raise invalid_request(f"Tool '{ask.tool_choice.name}' not found in 'tools' parameter.", param="tool_choice")
    elif ask.tool_choice.is_parallel:
        chosen = [tools[0], tools[1 % len(tools)]]
    else:
        chosen = [tools[0]]
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
        return _write_prose(ask, variant)
    value = write_value(ask.schema or _FREE_FORM, Dice(f"{variant}:{ask.conversation.text}"))
    if ask.schema is None:
        value["title"] = find_topic(question)
    return tuple(split_tokens(_dump(value)))


def _write_prose(ask: Ask, variant: int) -> tuple[str, ...]:
    pieces = write_tokens(ask.conversation.text, ask.conversation.question, variant)
    if ask.behaviour.style is Style.BIG_LINE:
        half = len(pieces) // 2
        return (*pieces[:half], _big_piece(), *pieces[half:])
    return pieces


@lru_cache(maxsize=1)
def _big_piece() -> str:
    return " sixteen-letters" * (_BIG_BYTES // 16)


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


def _limited_text(pieces: tuple[str, ...], max_tokens: int | None, ask: Ask) -> Answer:
    stop: str | None = None
    if ask.stop:
        text = "".join(pieces)
        found = [(at, each) for each in ask.stop if each and (at := text.find(each)) >= 0]
        if found:
            stop_at, stop = min(found)
            pieces = tuple(split_tokens(text[:stop_at]))
    if max_tokens is not None and len(pieces) > max_tokens:
        return Answer(pieces[:max_tokens], finish="length")
    if ask.behaviour.style is Style.FILTERED:
        return Answer(pieces[:_FILTERED_TOKENS], finish="content_filter")
    return Answer(pieces, stop_sequence=stop)


def _dump(value: Any) -> str:
    return msgspec.json.encode(value).decode()
