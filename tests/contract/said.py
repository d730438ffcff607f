"""What an answer says, whatever dialect it says it in: what two answers to one question are compared by."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

Json = dict[str, Any]


@dataclass(frozen=True)
class Said:
    """
    `calls` are names and arguments; `stop` is stop, length, tool_calls or content_filter.

    Units: all tokens that went in, all that came out. They are None where the provider counted nothing.
    """

    text: str
    calls: tuple[tuple[str, Any], ...]
    stop: str
    input_tokens: int | None
    output_tokens: int | None


def _arguments(text: str) -> Any:
    return json.loads(text) if text else {}


# --- chat -----------------------------------------------------------------------------------------------------------------------

_CHAT_STOPS: Final = {"error": "error", "refusal": "content_filter"}


def chat_said(answer: Json) -> Said:
    choice = answer["choices"][0]
    message, usage = choice["message"], answer.get("usage") or (answer.get("x_groq") or {}).get("usage") or {}
    content = message.get("content") or ""
    if not isinstance(content, str):
        content = "".join(part["text"] for part in content if part["type"] == "text")
    calls = tuple((call["function"]["name"], _arguments(call["function"]["arguments"])) for call in message.get("tool_calls") or ())
    stop = choice["finish_reason"]
    stop = "tool_calls" if calls and stop == "stop" else _CHAT_STOPS.get(stop, stop)
    return Said(content + (message.get("refusal") or ""), calls, stop, usage.get("prompt_tokens"), usage.get("completion_tokens"))


def chat_tokens(chunks: Iterable[Json]) -> tuple[int | None, int | None]:
    """Return what the chunks of a stream count, wherever they do."""
    read = written = None
    for chunk in chunks:
        if usage := chunk.get("usage") or (chunk.get("x_groq") or {}).get("usage"):
            read, written = usage["prompt_tokens"], usage["completion_tokens"]
    return read, written


# --- messages -------------------------------------------------------------------------------------------------------------------

_MESSAGES_STOPS: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


def messages_said(answer: Json) -> Said:
    blocks, usage = answer["content"], answer["usage"]
    text = "".join(block["text"] for block in blocks if block["type"] == "text")
    calls = tuple((block["name"], block["input"]) for block in blocks if block["type"] == "tool_use")
    read = usage["input_tokens"] + (usage.get("cache_read_input_tokens") or 0) + (usage.get("cache_creation_input_tokens") or 0)
    return Said(text, calls, _MESSAGES_STOPS[answer["stop_reason"]], read, usage["output_tokens"])


# --- responses ------------------------------------------------------------------------------------------------------------------


def responses_said(answer: Json) -> Said:
    output, usage = answer["output"], answer.get("usage") or {}
    parts = [part for item in output if item["type"] == "message" for part in item["content"]]
    calls = tuple((item["name"], _arguments(item["arguments"])) for item in output if item["type"] == "function_call")
    text = "".join(part.get("text") or part.get("refusal") or "" for part in parts)
    return Said(text, calls, _responses_stop(answer, bool(calls)), usage.get("input_tokens"), usage.get("output_tokens"))


def _responses_stop(answer: Json, has_calls: bool) -> str:
    if answer["status"] == "incomplete":
        return {"max_output_tokens": "length"}.get(answer["incomplete_details"]["reason"], "content_filter")
    assert answer["status"] == "completed", answer["status"]
    return "tool_calls" if has_calls else "stop"


# --- Gemini, which has no SDK here: read as Google's reference has it -------------------------------------------------------------


def gemini_said(answers: Iterable[Json]) -> Said:
    """Read a whole answer, or all events of a stream in their order."""
    text, calls, reason, usage = "", [], "", {}
    for answer in answers:
        usage = answer.get("usageMetadata") or usage
        for candidate in answer.get("candidates", ())[:1]:
            reason = candidate.get("finishReason") or reason
            for part in candidate.get("content", {}).get("parts", ()):
                text += "" if part.get("thought") else part.get("text", "")
                if call := part.get("functionCall"):
                    calls.append((call["name"], call.get("args") or {}))
    stop = {"STOP": "tool_calls" if calls else "stop", "MAX_TOKENS": "length"}.get(reason, "content_filter")
    read = usage.get("promptTokenCount", 0) + usage.get("toolUsePromptTokenCount", 0)
    written = usage.get("candidatesTokenCount", 0) + usage.get("thoughtsTokenCount", 0)
    return Said(text, tuple(calls), stop, read if usage else None, written if usage else None)


SAID: Final[dict[str, Callable[[Json], Said]]] = {"chat": chat_said, "messages": messages_said, "responses": responses_said}
"""By dialect: reads what the SDK's objects hold (`model_dump()`)."""
