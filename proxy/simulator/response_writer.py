"""Writes one response of OpenAI's Responses endpoint: whole, or as events with a rising `sequence_number`."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from proxy.simulator.answer import Answer
from proxy.simulator.behaviour import Behaviour
from proxy.simulator.conversation import Conversation
from proxy.simulator.errors import server_error
from proxy.simulator.openai import Count, Temperature, provider_headers
from proxy.simulator.options import Object
from proxy.simulator.reply import StreamReply
from proxy.simulator.response_items import Event, Item
from proxy.simulator.wire import SSE_HEADERS, create_id, sse

_BROKEN = b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"lo\n\n'


class TextOptions(msgspec.Struct):
    format: Object | None = None
    verbosity: str | None = None


class ReasoningOptions(msgspec.Struct):
    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None  # the older name of it


class ResponsesRequest(msgspec.Struct):
    model: str
    input: str | list[Object]
    instructions: str | None = None
    stream: bool | None = None
    store: bool | None = None
    background: bool | None = None
    previous_response_id: str | None = None
    max_output_tokens: Count | None = None
    temperature: Temperature | None = None
    top_p: float | None = None
    top_logprobs: int | None = None
    tools: list[Object] | None = None
    tool_choice: str | Object | None = None
    parallel_tool_calls: bool | None = None
    text: TextOptions | None = None
    reasoning: ReasoningOptions | None = None
    include: list[str] | None = None
    metadata: Object | None = None
    truncation: str | None = None
    user: str | None = None
    prompt_cache_key: str | None = None
    safety_identifier: str | None = None

    @property
    def is_stored(self) -> bool:
        return self.store is not False


class ResponseWriter:
    """Writes the response that consists of `items`."""

    def __init__(self, asked: ResponsesRequest, given: Answer, conversation: Conversation, items: list[Item]) -> None:
        self.id = create_id("resp_")
        self._asked = asked
        self._given = given
        self._items = items
        self._created_s = int(time.time())
        self._sequence = 0
        self._usage = {
            "input_tokens": conversation.tokens,
            "input_tokens_details": {"cached_tokens": conversation.cached_tokens, "cache_write_tokens": 0},
            "output_tokens": given.output_tokens,
            "output_tokens_details": {"reasoning_tokens": given.thought_tokens},
            "total_tokens": conversation.tokens + given.output_tokens,
        }

    def final(self) -> Object:
        return self._response(self._final_status(), [item.done for item in self._items])

    def pending(self, status: str) -> Object:
        return self._response(status, [])

    def failed(self) -> Object:
        error = {"code": "server_error", "message": server_error(self._asked.model).message}
        return self._response("failed", []) | {"error": error}

    def stream(self, behaviour: Behaviour) -> StreamReply:
        opening = [self._frame(f"response.{name}", response=self.pending("in_progress")) for name in ("created", "in_progress")]
        paced: list[bytes] = []
        for index, item in enumerate(self._items):
            begun = self._frames(item.begin(index))
            if index:
                paced.append(b"".join(begun))
            else:
                opening += begun
            paced += self._frames(item.deltas(index))
            paced.append(b"".join(self._frames(item.end(index))))
        closing = [self._frame(f"response.{self._final_status()}", response=self.final())]
        # The failure is numbered after all the others: rising, with a gap where it is used.
        failure = self._frame("response.failed", response=self.failed())
        headers = provider_headers(SSE_HEADERS)
        return StreamReply(opening, paced, closing, (failure,), _BROKEN, headers, behaviour, self._asked.model)

    def _final_status(self) -> str:
        return "incomplete" if self._given.finish in ("length", "content_filter") else "completed"

    def _response(self, status: str, output: list[Object]) -> Object:
        asked = self._asked
        is_over = status in ("completed", "incomplete")
        return {
            "id": self.id,
            "object": "response",
            "created_at": self._created_s,
            "status": status,
            "background": asked.background is True,
            "completed_at": int(time.time()) if status == "completed" else None,
            "error": None,
            "incomplete_details": {"reason": self._incomplete_reason()} if status == "incomplete" else None,
            "instructions": asked.instructions,
            "max_output_tokens": asked.max_output_tokens,
            "max_tool_calls": None,
            "model": asked.model,
            "output": output,
            "parallel_tool_calls": asked.parallel_tool_calls is not False,
            "previous_response_id": asked.previous_response_id,
            "prompt_cache_key": asked.prompt_cache_key,
            "reasoning": {"effort": asked.reasoning.effort, "summary": asked.reasoning.summary}
            if asked.reasoning
            else {"effort": None, "summary": None},
            "safety_identifier": asked.safety_identifier,
            "service_tier": "default",
            "store": asked.is_stored,
            "temperature": 1.0 if asked.temperature is None else asked.temperature,
            "text": {
                "format": (asked.text.format if asked.text else None) or {"type": "text"},
                "verbosity": (asked.text.verbosity if asked.text else None) or "medium",
            },
            "tool_choice": asked.tool_choice or "auto",
            "tools": asked.tools or [],
            "top_logprobs": asked.top_logprobs or 0,
            "top_p": 1.0 if asked.top_p is None else asked.top_p,
            "truncation": asked.truncation or "disabled",
            "usage": self._usage if is_over else None,
            "user": asked.user,
            "metadata": asked.metadata or {},
        }

    def _incomplete_reason(self) -> str:
        return "content_filter" if self._given.finish == "content_filter" else "max_output_tokens"

    def _frames(self, events: list[Event]) -> list[bytes]:
        return [self._frame(kind, **fields) for kind, fields in events]

    def _frame(self, kind: str, **fields: Any) -> bytes:
        frame = sse({"type": kind, "sequence_number": self._sequence, **fields}, kind)
        self._sequence += 1
        return frame
