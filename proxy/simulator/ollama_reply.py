"""Writes an answer as Ollama's lines of JSON, or as the one line that says it all."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from typing import Any

import msgspec

from proxy.simulator.answer import Answer, Ask, ToolCall
from proxy.simulator.errors import server_error
from proxy.simulator.options import Object
from proxy.simulator.reply import Headers, JsonReply, Reply, StreamReply
from proxy.simulator.wire import dump

FAILURE_BODY = dump({"error": server_error("").message})
_NDJSON_HEADERS: Headers = ((b"content-type", b"application/x-ndjson"),)
_BROKEN = b'{"model":"broken","message":{"role":"assistant","conte\n'
_NS = 1_000_000_000
_PROMPT_TOKENS_PER_S = 4000  # how fast a prompt is read, for the durations that Ollama reports

Line = Callable[..., Object]


def chat_line(content: str, *, thinking: str = "", tool_calls: list[Object] | None = None) -> Object:
    """Return what `/api/chat` says in one line."""
    message: Object = {"role": "assistant", "content": content}
    if thinking:
        message["thinking"] = thinking
    if tool_calls:
        message["tool_calls"] = tool_calls
    return {"message": message}


def generate_line(content: str, *, thinking: str = "", tool_calls: list[Object] | None = None) -> Object:
    """Return what `/api/generate` says in one line; it has no place for tool calls, and no way to ask for them."""
    del tool_calls
    return {"response": content, "thinking": thinking} if thinking else {"response": content}


def loaded(model: str, said: Object) -> Reply:
    """Return the answer to a request that says nothing: the model is loaded now."""
    return JsonReply(dump(_head(model) | said | {"done_reason": "load", "done": True}), model=model)


class Lines:
    """Writes the answer to one question, with `line` for the shape of the endpoint."""

    def __init__(self, ask: Ask, model: str, line: Line) -> None:
        self._ask = ask
        self._model = model
        self._line = line

    def reply(self, given: Answer, *, is_stream: bool) -> Reply:
        head, calls = _head(self._model), [_call(n, call) for n, call in enumerate(given.tool_calls)]
        end = {"done": True, "done_reason": "length" if given.finish == "length" else "stop"} | self._durations(given)
        if not is_stream:
            said = self._line(given.text, thinking="".join(given.thought), tool_calls=calls)
            return JsonReply(
                dump(head | said | end),
                behaviour=self._ask.behaviour,
                output_tokens=given.output_tokens,
                model=self._model,
                error_body=FAILURE_BODY,
            )
        lines = [self._line("", thinking=piece) for piece in given.thought]
        # Calls come whole, in one line: Ollama does not stream their arguments.
        lines += [self._line("", tool_calls=[call]) for call in calls] or [self._line(piece) for piece in given.pieces]
        return StreamReply(
            opening=(),
            paced=[dump(head | each | {"done": False}) + b"\n" for each in lines],
            closing=(dump(head | self._line("") | end) + b"\n",),
            error=(FAILURE_BODY + b"\n",),
            broken=_BROKEN,
            headers=_NDJSON_HEADERS,
            behaviour=self._ask.behaviour,
            model=self._model,
        )

    def _durations(self, given: Answer) -> Object:
        ask = self._ask
        reading_ns = ask.conversation.tokens * _NS // _PROMPT_TOKENS_PER_S
        writing_ns = int((ask.behaviour.duration_s(given.output_tokens) - ask.behaviour.first_token_s) * _NS) or 1
        return {
            "total_duration": reading_ns + writing_ns,
            "load_duration": 0,
            "prompt_eval_count": ask.conversation.tokens,
            "prompt_eval_duration": reading_ns,
            "eval_count": given.output_tokens,
            "eval_duration": writing_ns,
        }


def _head(model: str) -> Object:
    return {"model": model, "created_at": dt.datetime.now(dt.UTC).isoformat().replace("+00:00", "Z")}


def _call(index: int, call: ToolCall) -> Object:
    function = {"index": index, "name": call.name, "arguments": _parsed(call.arguments)}
    return {"id": f"call_{os.urandom(4).hex()}", "function": function}


def _parsed(arguments: str) -> Any:
    try:
        return msgspec.json.decode(arguments)
    except msgspec.DecodeError:
        return {}  # cut off by num_predict
