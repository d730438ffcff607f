"""OpenAI's Responses endpoint: one body, or events with a rising `sequence_number`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import msgspec

from proxy.simulator.answer import Answer, Ask, Conversation, answer, read_conversation
from proxy.simulator.behaviour import Behaviour
from proxy.simulator.errors import invalid_request, server_error
from proxy.simulator.exchange import Request
from proxy.simulator.openai import FAILURE_BODY, Count, Temperature, get_chat_behaviour, provider_headers
from proxy.simulator.options import Object, read_format, read_tool_choice, read_tools
from proxy.simulator.reply import JsonReply, Reply, StreamReply
from proxy.simulator.wire import JSON_HEADERS, SSE_HEADERS, create_id, dump, parse_body, sse

_BROKEN = b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"lo\n\n'


class TextOptions(msgspec.Struct):
    format: Object | None = None


class ResponsesRequest(msgspec.Struct):
    model: str
    input: str | list[Object]
    instructions: str | None = None
    stream: bool | None = None
    max_output_tokens: Count | None = None
    temperature: Temperature | None = None
    tools: list[Object] | None = None
    tool_choice: str | Object | None = None
    parallel_tool_calls: bool | None = None
    text: TextOptions | None = None
    metadata: Object | None = None


def responses(request: Request) -> Reply:
    """POST /v1/responses"""
    asked = parse_body(request.body, ResponsesRequest)
    is_json, schema = read_format(asked.text.format if asked.text else None, "text.format")
    ask = Ask(
        _read_input(asked),
        get_chat_behaviour(asked.model),
        asked.max_output_tokens,
        tools=read_tools(asked.tools),
        tool_choice=read_tool_choice(asked.tool_choice, is_parallel=asked.parallel_tool_calls),
        is_json=is_json,
        schema=schema,
    )
    given = answer(ask)
    writer = _Writer(asked, given, ask.conversation.tokens)
    if asked.stream:
        return writer.stream(ask.behaviour)
    return JsonReply(
        dump(writer.response(_status(given), writer.items())),
        headers=provider_headers(JSON_HEADERS),
        behaviour=ask.behaviour,
        output_tokens=given.output_tokens,
        model=asked.model,
        error_body=FAILURE_BODY,
    )


def _read_input(asked: ResponsesRequest) -> Conversation:
    """Return the conversation; items that are no messages (a call, its output) become messages of the roles they stand for."""
    if isinstance(asked.input, str):
        return read_conversation([{"role": "user", "content": asked.input}], system=asked.instructions or "", tools=asked.tools)
    if not asked.input:
        raise invalid_request("Invalid 'input': empty array.", param="input", code="empty_array")
    messages = [_as_message(item) for item in asked.input]
    return read_conversation(messages, system=asked.instructions or "", tools=asked.tools)


def _as_message(item: Object) -> Object:
    match item.get("type", "message"):
        case "message":
            return item
        case "function_call_output":
            return {"role": "tool", "content": item.get("output")}
    return {"role": "assistant", "content": dump(item).decode()}


def _status(given: Answer) -> str:
    return "incomplete" if given.finish == "length" else "completed"


@dataclass(frozen=True, slots=True)
class _Item:
    """One output item: what it is at its beginning and at its end, and the tokens between."""

    begun: Object
    done: Object
    pieces: tuple[str, ...]


class _Writer:
    """Writes one response, whole or as events."""

    def __init__(self, asked: ResponsesRequest, given: Answer, input_tokens: int) -> None:
        self._asked = asked
        self._given = given
        self._id = create_id("resp_")
        self._created_s = int(time.time())
        self._sequence = 0
        self._items = _call_items(given) if given.tool_calls else (_message_item(given),)
        self._usage = {
            "input_tokens": input_tokens,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": given.output_tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": input_tokens + given.output_tokens,
        }

    def items(self) -> list[Object]:
        return [item.done for item in self._items]

    def response(self, status: str, output: list[Object], error: Object | None = None) -> Object:
        asked = self._asked
        is_over = status in ("completed", "incomplete")
        return {
            "id": self._id,
            "object": "response",
            "created_at": self._created_s,
            "status": status,
            "background": False,
            "error": error,
            "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
            "instructions": asked.instructions,
            "max_output_tokens": asked.max_output_tokens,
            "model": asked.model,
            "output": output,
            "parallel_tool_calls": asked.parallel_tool_calls is not False,
            "previous_response_id": None,
            "reasoning": {"effort": None, "summary": None},
            "service_tier": "default",
            "store": False,
            "temperature": 1.0 if asked.temperature is None else asked.temperature,
            "text": {"format": (asked.text.format if asked.text else None) or {"type": "text"}},
            "tool_choice": asked.tool_choice or "auto",
            "tools": asked.tools or [],
            "top_p": 1.0,
            "truncation": "disabled",
            "usage": self._usage if is_over else None,
            "user": None,
            "metadata": asked.metadata or {},
        }

    def stream(self, behaviour: Behaviour) -> StreamReply:
        opening = [self._event(f"response.{name}", response=self.response("in_progress", [])) for name in ("created", "in_progress")]
        opening += self._begin(0)
        paced: list[bytes] = []
        for index, item in enumerate(self._items):
            if index:
                paced.append(b"".join(self._begin(index)))
            paced += [self._delta(index, item, piece) for piece in item.pieces]
            paced.append(b"".join(self._end(index)))
        status = _status(self._given)
        closing = [self._event(f"response.{status}", response=self.response(status, self.items()))]
        headers = provider_headers(SSE_HEADERS)
        return StreamReply(opening, paced, closing, (self._failure(),), _BROKEN, headers, behaviour, self._asked.model)

    def _begin(self, index: int) -> list[bytes]:
        item = self._items[index]
        frames = [self._event("response.output_item.added", output_index=index, item=item.begun)]
        if item.done["type"] == "message":
            frames.append(self._part_event("added", index, item, _part("")))
        return frames

    def _delta(self, index: int, item: _Item, piece: str) -> bytes:
        where = {"item_id": item.done["id"], "output_index": index}
        if item.done["type"] == "function_call":
            return self._event("response.function_call_arguments.delta", **where, delta=piece)
        return self._event("response.output_text.delta", **where, content_index=0, delta=piece, logprobs=[])

    def _end(self, index: int) -> list[bytes]:
        item = self._items[index]
        where = {"item_id": item.done["id"], "output_index": index}
        text = "".join(item.pieces)
        if item.done["type"] == "function_call":
            frames = [self._event("response.function_call_arguments.done", **where, name=item.done["name"], arguments=text)]
        else:
            done = self._event("response.output_text.done", **where, content_index=0, text=text, logprobs=[])
            frames = [done, self._part_event("done", index, item, _part(text))]
        frames.append(self._event("response.output_item.done", output_index=index, item=item.done))
        return frames

    def _part_event(self, name: str, index: int, item: _Item, part: Object) -> bytes:
        where = {"item_id": item.done["id"], "output_index": index, "content_index": 0}
        return self._event(f"response.content_part.{name}", **where, part=part)

    def _failure(self) -> bytes:
        """Return the event that ends a stream which fails. It is numbered after all the others: rising, with a gap where it is used."""
        error = {"code": "server_error", "message": server_error(self._asked.model).message}
        return self._event("response.failed", response=self.response("failed", [], error))

    def _event(self, kind: str, **fields: Any) -> bytes:
        frame = sse({"type": kind, "sequence_number": self._sequence, **fields}, kind)
        self._sequence += 1
        return frame


def _message_item(given: Answer) -> _Item:
    head: Object = {"id": create_id("msg_"), "type": "message", "role": "assistant"}
    return _Item(
        head | {"status": "in_progress", "content": []},
        head | {"status": _status(given), "content": [_part(given.text)]},
        given.pieces,
    )


def _call_items(given: Answer) -> tuple[_Item, ...]:
    items = []
    for call in given.tool_calls:
        head: Object = {"id": create_id("fc_"), "type": "function_call", "call_id": create_id("call_"), "name": call.name}
        begun = head | {"status": "in_progress", "arguments": ""}
        items.append(_Item(begun, head | {"status": _status(given), "arguments": call.arguments}, call.pieces))
    return tuple(items)


def _part(text: str) -> Object:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}
