"""What chat completions look like, whole and in chunks, in the words of OpenAI and of those who speak its dialect."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from proxy.translators.conversation import Logprob, StopReason
from proxy.wire.openai_usage import UsageBody, VendorUsage

# OpenAI's words, and those of Mistral (model_length), Hugging Face (eos_token, stop_sequence) and Together (eos).
STOP_REASONS: Final[dict[str, StopReason]] = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop_sequence",
    "length": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
FAILURES: Final = frozenset({"error", "insufficient_system_resource"})
"""Where an answer ends that was not finished: OpenRouter's word and DeepSeek's."""


class _Token(msgspec.Struct, gc=False):
    token: str
    logprob: float


class _TopToken(msgspec.Struct):
    token: str
    logprob: float
    top_logprobs: list[_Token] | None = None


class Logprobs(msgspec.Struct):
    content: list[_TopToken] | None = None


class Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class Call(msgspec.Struct):
    """A tool call, or in a chunk a piece of one. `index` is missing in whole answers, and with some vendors in chunks too."""

    index: int | None = None
    id: str | None = None
    function: Function | None = None


class Content(msgspec.Struct):
    """
    What a model says, whole or a piece of it.

    Reasoning is `reasoning_content` (DeepSeek, vLLM), `reasoning` (Groq, OpenRouter, Cerebras) or a part of the content (Mistral).
    """

    content: str | list[dict[str, Any]] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[Call] | None = None


class Choice(msgspec.Struct):
    """`stop_reason` is vLLM's: the stop sequence that ended the answer."""

    index: int = 0
    message: Content | None = None
    delta: Content | None = None
    finish_reason: str | None = None
    stop_reason: Any = None
    logprobs: Logprobs | None = None
    error: Any = None


class Answer(msgspec.Struct):
    """A whole completion or a chunk."""

    id: str | None = None
    created: float | None = None
    choices: list[Choice] | None = None
    usage: UsageBody | None = None
    x_groq: VendorUsage | None = None
    error: Any = None


def split_content(content: Content) -> tuple[str, str]:
    """Return the reasoning and the text."""
    thought = content.reasoning_content or content.reasoning or ""
    if not isinstance(content.content, list):
        return thought, content.content or ""
    return thought + _joined(content.content, "thinking"), _joined(content.content, "text")


def read_logprobs(logprobs: Logprobs | None) -> tuple[Logprob, ...] | None:
    if logprobs is None or logprobs.content is None:
        return None
    return tuple(
        Logprob(token.token, token.logprob, tuple((top.token, top.logprob) for top in token.top_logprobs or ()))
        for token in logprobs.content
    )


def read_stop(choice: Choice, has_calls: bool, has_refusal: bool) -> tuple[StopReason, str | None]:
    """
    Return why an answer ended, and the stop sequence where the vendor names it.

    A model that had to call a tool ends with `stop` at OpenAI; what counts is that it called. A word nobody knows is a stop.
    """
    reason = STOP_REASONS.get(choice.finish_reason or "stop", "stop")
    if reason == "stop" and has_calls:
        return "tool_calls", None
    if reason == "stop" and has_refusal:
        return "refusal", None
    if reason == "stop" and choice.stop_reason and isinstance(choice.stop_reason, str):
        return "stop_sequence", choice.stop_reason
    return reason, None


def _joined(parts: Iterable[Any], kind: str) -> str:
    """Return the text of all parts of a kind; Mistral's `thinking` holds parts again."""
    texts = []
    for part in parts:
        if not isinstance(part, dict) or part.get("type") != kind:
            continue
        said = part.get(kind)
        texts.append(_joined(said, "text") if isinstance(said, list) else said if isinstance(said, str) else "")
    return "".join(texts)
