"""OpenAI's Responses endpoint and what it remembers: create, retrieve, cancel, delete, input items, token counts."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Sequence

import msgspec

from proxy.simulator.answer import Answer, Ask, answer
from proxy.simulator.behaviour import Behaviour, Fault
from proxy.simulator.conversation import Conversation, read_conversation
from proxy.simulator.errors import ProviderError, invalid_request
from proxy.simulator.exchange import Request
from proxy.simulator.logprobs import MAX_TOP, as_openai, score
from proxy.simulator.openai import FAILURE_BODY, get_chat_behaviour, provider_headers
from proxy.simulator.options import Object, read_effort, read_format, read_tool_choice, read_tools
from proxy.simulator.reply import JsonReply, Reply, StreamReply
from proxy.simulator.response_items import write_items
from proxy.simulator.response_store import ResponseStore, StoredResponse
from proxy.simulator.response_writer import ReasoningOptions, ResponsesRequest, ResponseWriter, TextOptions
from proxy.simulator.wire import JSON_HEADERS, SSE_HEADERS, create_id, dump, parse_body

_MAX_LISTED = 100
_DEFAULT_LISTED = 20


class InputTokensRequest(msgspec.Struct):
    input: str | list[Object] = ""
    model: str = "sim-fast"
    instructions: str | None = None
    tools: list[Object] | None = None
    previous_response_id: str | None = None


class Responses:
    """The handlers of the endpoint; `store` is what they remember between calls."""

    def __init__(self, store: ResponseStore | None = None) -> None:
        self._store = store or ResponseStore()

    def create(self, request: Request) -> Reply:
        """POST /v1/responses"""
        asked = parse_body(request.body, ResponsesRequest)
        _check(asked)
        items = [*self._earlier_items(asked.previous_response_id), *_input_items(asked.input)]
        ask = _ask(asked, items)
        given = answer(ask)
        reasoning = asked.reasoning or ReasoningOptions()
        shows_summary = (reasoning.summary or reasoning.generate_summary) is not None
        writer = ResponseWriter(
            asked,
            given,
            ask.conversation,
            write_items(
                given,
                shows_summary=shows_summary,
                is_encrypted="reasoning.encrypted_content" in (asked.include or ()),
                logprobs=_logprobs(asked, given),
            ),
        )
        hidden_tokens = 0 if shows_summary else given.thought_tokens
        stream = writer.stream(ask.behaviour.thinking(hidden_tokens)) if asked.stream else None
        self._remember(asked, writer, items, _ready_at_s(asked, ask.behaviour, given, request), stream)
        if stream is not None:
            return stream
        if asked.background:
            return dataclasses.replace(_json(writer.pending("queued"), model=asked.model), is_receipt=True)
        return JsonReply(
            dump(writer.final()),
            headers=provider_headers(JSON_HEADERS),
            behaviour=ask.behaviour,
            output_tokens=given.output_tokens,
            model=asked.model,
            error_body=FAILURE_BODY,
        )

    def retrieve(self, request: Request) -> Reply:
        """GET /v1/responses/{response}: also as the stream that it was made as, from any event on"""
        stored = self._get(request)
        if request.query.get("stream") != "true":
            return _json(stored.at(time.monotonic()))
        if not stored.frames:
            raise invalid_request(
                "This response cannot be streamed because it was not created with 'background=true' and 'stream=true'.", param="stream"
            )
        after = _read_number(request, "starting_after", -1)
        return JsonReply(b"".join(stored.frames[after + 1 :]), headers=provider_headers(SSE_HEADERS))

    def delete(self, request: Request) -> Reply:
        """DELETE /v1/responses/{response}"""
        self._get(request)
        name = request.params["response"]
        self._store.remove(name)
        return _json({"id": name, "object": "response", "deleted": True})

    def cancel(self, request: Request) -> Reply:
        """POST /v1/responses/{response}/cancel: one that is over stays as it is"""
        stored = self._get(request)
        if not stored.is_background:
            raise invalid_request("Cannot cancel a synchronous response.")
        if time.monotonic() >= stored.ready_at_s:
            return _json(stored.final)
        return _json(self._store.cancel(request.params["response"], stored))

    def input_items(self, request: Request) -> Reply:
        """GET /v1/responses/{response}/input_items: all that the response was made from, the newest first"""
        items = list(self._get(request).items)
        limit = _read_number(request, "limit", _DEFAULT_LISTED)
        if not 1 <= limit <= _MAX_LISTED:
            raise invalid_request(f"Invalid 'limit': expected a number from 1 to {_MAX_LISTED}.", param="limit", code="invalid_value")
        if request.query.get("order", "desc") == "desc":
            items.reverse()
        after = request.query.get("after")
        ids = [item["id"] for item in items]
        first = ids.index(after) + 1 if after in ids else 0
        shown = items[first : first + limit]
        return _json(
            {
                "object": "list",
                "data": shown,
                "first_id": shown[0]["id"] if shown else None,
                "last_id": shown[-1]["id"] if shown else None,
                "has_more": len(items) > first + limit,
            }
        )

    def input_tokens(self, request: Request) -> Reply:
        """POST /v1/responses/input_tokens"""
        asked = parse_body(request.body, InputTokensRequest)
        get_chat_behaviour(asked.model)
        items = [*self._earlier_items(asked.previous_response_id), *_input_items(asked.input)]
        conversation = _read(items, asked.instructions, asked.tools)
        return _json({"object": "response.input_tokens", "input_tokens": conversation.tokens}, model=asked.model)

    def _get(self, request: Request) -> StoredResponse:
        name = request.params["response"]
        stored = self._store.find(name)
        if stored is None:
            raise ProviderError(404, f"Response with id '{name}' not found.")
        return stored

    def _earlier_items(self, response_id: str | None) -> Sequence[Object]:
        """Return everything that was said up to and with an earlier response."""
        if response_id is None:
            return ()
        stored = self._store.find(response_id)
        if stored is None:
            message = f"Previous response with id '{response_id}' not found."
            raise invalid_request(message, param="previous_response_id", code="previous_response_not_found")
        return [*stored.items, *stored.at(time.monotonic())["output"]]

    def _remember(
        self, asked: ResponsesRequest, writer: ResponseWriter, items: Sequence[Object], ready_at_s: float, stream: StreamReply | None
    ) -> None:
        if not asked.is_stored:
            return
        is_failing = get_chat_behaviour(asked.model).fault is Fault.ERROR_IN_STREAM
        frames = _split_frames(stream) if stream is not None and asked.background else ()
        final = writer.failed() if is_failing else writer.final()
        stored = StoredResponse(final, writer.pending("in_progress"), items, ready_at_s, asked.background is True, frames)
        self._store.put(writer.id, stored)


def _check(asked: ResponsesRequest) -> None:
    if asked.background and not asked.is_stored:
        raise invalid_request("Background mode requires 'store' to be true.", param="background")
    if asked.top_logprobs is not None and not 0 <= asked.top_logprobs <= MAX_TOP:
        message = f"Invalid 'top_logprobs': expected a number from 0 to {MAX_TOP}."
        raise invalid_request(message, param="top_logprobs", code="invalid_value")


def _ask(asked: ResponsesRequest, items: Sequence[Object]) -> Ask:
    text = asked.text or TextOptions()
    is_json, schema = read_format(text.format, "text.format")
    return Ask(
        _read(items, asked.instructions, asked.tools),
        get_chat_behaviour(asked.model),
        asked.max_output_tokens,
        tools=read_tools(asked.tools),
        tool_choice=read_tool_choice(asked.tool_choice, is_parallel=asked.parallel_tool_calls),
        is_json=is_json,
        schema=schema,
        thought_tokens=read_effort(_effort(asked.reasoning), "reasoning.effort"),
    )


def _effort(reasoning: ReasoningOptions | None) -> str | None:
    """Return how hard to think: a model that is asked for a summary alone thinks as hard as it usually does."""
    if reasoning is None or reasoning.effort is not None:
        return reasoning.effort if reasoning else None
    return "medium"


def _ready_at_s(asked: ResponsesRequest, behaviour: Behaviour, given: Answer, request: Request) -> float:
    if not asked.background:
        return 0.0
    if behaviour.fault is Fault.HANG:
        return math.inf
    return time.monotonic() + behaviour.delayed(request.find_delay_s()).duration_s(given.output_tokens)


def _logprobs(asked: ResponsesRequest, given: Answer) -> list[Object]:
    if "message.output_text.logprobs" not in (asked.include or ()):
        return []
    return [as_openai(each) for each in score(given.pieces, asked.top_logprobs or 0)]


def _input_items(given: str | Sequence[Object]) -> list[Object]:
    """Return the input as the items that `input_items` lists: with an identifier each, and texts as parts."""
    if isinstance(given, str):
        return [_message_item({"role": "user", "content": given})]
    if not given:
        raise invalid_request("Invalid 'input': empty array.", param="input", code="empty_array")
    return [_message_item(item) if item.get("type", "message") == "message" else _with_id(item, "item_") for item in given]


def _message_item(message: Object) -> Object:
    kind = "output_text" if message.get("role") == "assistant" else "input_text"
    content = message.get("content")
    parts = [{"type": kind, "text": content}] if isinstance(content, str) else content
    return _with_id(message | {"type": "message", "status": "completed", "content": parts}, "msg_")


def _with_id(item: Object, prefix: str) -> Object:
    return item if item.get("id") else item | {"id": create_id(prefix)}


def _read(items: Sequence[Object], instructions: str | None, tools: list[Object] | None) -> Conversation:
    """Return the conversation; items that are no messages (a call, its output) become messages of the roles they stand for."""
    _check_calls(items)
    return read_conversation([_as_message(item) for item in items], system=instructions or "", tools=tools)


def _check_calls(items: Sequence[Object]) -> None:
    """Refuse outputs without calls and calls without outputs, as the real one does."""
    called = [item.get("call_id") for item in items if item.get("type") == "function_call"]
    answered = [item.get("call_id") for item in items if item.get("type") == "function_call_output"]
    for call_id in answered:
        if call_id not in called:
            raise invalid_request(f"No tool call found for function call output with call_id {call_id}.", param="input")
    for call_id in called:
        if call_id not in answered:
            raise invalid_request(f"No tool output found for function call {call_id}.", param="input")


def _as_message(item: Object) -> Object:
    match item.get("type"):
        case "message":
            return item
        case "function_call_output":
            return {"role": "tool", "content": item.get("output")}
    said = {name: value for name, value in item.items() if name not in ("id", "call_id", "encrypted_content")}
    return {"role": "assistant", "content": dump(said).decode()}


def _split_frames(stream: StreamReply) -> list[bytes]:
    frames = b"".join((*stream.opening, *stream.paced, *stream.closing)).split(b"\n\n")
    return [frame + b"\n\n" for frame in frames if frame]


def _read_number(request: Request, name: str, default: int) -> int:
    text = request.query.get(name)
    if text is None:
        return default
    if not text.isdecimal():
        raise invalid_request(f"Invalid '{name}': expected a number.", param=name, code="invalid_type")
    return int(text)


def _json(body: Object, *, model: str | None = None) -> JsonReply:
    return JsonReply(dump(body), headers=provider_headers(JSON_HEADERS), model=model)
