"""Ollama's dialect: chat, generate, embed, tags. Streams are lines of JSON, and streaming is what happens unless the client says no."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from proxy.simulator.answer import Answer, Ask, Conversation, answer, read_conversation
from proxy.simulator.behaviour import BEHAVIOURS, EMBEDDING, get_behaviour
from proxy.simulator.embeddings import read_inputs, usual_dimensions
from proxy.simulator.errors import ProviderError, server_error
from proxy.simulator.exchange import Request
from proxy.simulator.openai import get_chat_behaviour
from proxy.simulator.options import Object, read_format, read_stop, read_tools
from proxy.simulator.reply import Headers, JsonReply, Reply, StreamReply
from proxy.simulator.text import count_tokens
from proxy.simulator.vectors import MAX_DIMENSIONS, embed_text
from proxy.simulator.wire import JSON_HEADERS, dump, parse_body, retry_after

_NDJSON_HEADERS: Headers = ((b"content-type", b"application/x-ndjson"),)
_BROKEN = b'{"model":"broken","message":{"role":"assistant","conte\n'
_FAILURE_BODY = dump({"error": server_error("").message})
_NS = 1_000_000_000
_PROMPT_TOKENS_PER_S = 4000  # how fast a prompt is read, for the durations that Ollama reports
_VERSION = "0.12.6"


class Options(msgspec.Struct):
    num_predict: int | None = None
    stop: str | list[str] | None = None


class ChatRequest(msgspec.Struct):
    model: str
    messages: list[Object] = []
    stream: bool | None = None
    format: str | Object | None = None
    options: Options | None = None
    tools: list[Object] | None = None


class GenerateRequest(msgspec.Struct):
    model: str
    prompt: str = ""
    system: str | None = None
    stream: bool | None = None
    format: str | Object | None = None
    options: Options | None = None


class EmbedRequest(msgspec.Struct):
    model: str
    input: str | list[str]
    dimensions: Annotated[int, msgspec.Meta(ge=1, le=MAX_DIMENSIONS)] | None = None


def render_error(error: ProviderError) -> JsonReply:
    message = f'model "{error.model}" not found, try pulling it first' if error.code == "model_not_found" else error.message
    return JsonReply(dump({"error": message}), error.status, (*JSON_HEADERS, *retry_after(error)), model=error.model)


def chat(request: Request) -> Reply:
    """POST /api/chat"""
    asked = parse_body(request.body, ChatRequest)
    conversation = read_conversation(asked.messages, tools=asked.tools)
    ask = _ask(conversation, asked.model, asked.format, asked.options, asked.tools)
    return _reply(ask, asked.model, asked.stream is not False, _chat_line)


def generate(request: Request) -> Reply:
    """POST /api/generate"""
    asked = parse_body(request.body, GenerateRequest)
    text = f"{asked.system}\n{asked.prompt}" if asked.system else asked.prompt
    ask = _ask(Conversation(text, asked.prompt, count_tokens(text)), asked.model, asked.format, asked.options)
    return _reply(ask, asked.model, asked.stream is not False, _generate_line)


def embed(request: Request) -> Reply:
    """POST /api/embed"""
    asked = parse_body(request.body, EmbedRequest)
    behaviour = get_behaviour(asked.model, EMBEDDING)
    texts, token_count = read_inputs(asked.input)
    dimensions = asked.dimensions or usual_dimensions(asked.model)
    body = {
        "model": asked.model,
        "embeddings": [embed_text(text, dimensions).tolist() for text in texts],
        "total_duration": int(behaviour.first_token_s * _NS),
        "load_duration": 0,
        "prompt_eval_count": token_count,
    }
    return JsonReply(dump(body), behaviour=behaviour, model=asked.model, error_body=_FAILURE_BODY)


def tags(_request: Request) -> Reply:
    """GET /api/tags"""
    details = {"format": "gguf", "family": "simulator", "families": ["simulator"], "parameter_size": "8B", "quantization_level": "Q4_0"}
    entries = [
        {"name": f"{name}:latest", "model": f"{name}:latest", "modified_at": "2025-01-01T00:00:00Z", "size": 4_700_000_000}
        | {"digest": f"{number:064x}", "details": details}
        for number, name in enumerate(BEHAVIOURS)
    ]
    return JsonReply(dump({"models": entries}))


def version(_request: Request) -> Reply:
    """GET /api/version"""
    return JsonReply(dump({"version": _VERSION}))


def _ask(
    conversation: Conversation,
    model: str,
    wanted: str | Mapping[str, Any] | None,
    options: Options | None,
    tools: list[Object] | None = None,
) -> Ask:
    # A schema stands in `format` by itself here; OpenAI's form of it is a mapping with a type of its own.
    is_schema = isinstance(wanted, Mapping)
    is_json, _ = (True, None) if is_schema else read_format(wanted or None, "format")
    predicted = options.num_predict if options else None
    return Ask(
        conversation,
        get_chat_behaviour(model),
        predicted if predicted and predicted > 0 else None,  # -1 and -2 mean without end
        read_stop(options.stop if options else None),
        read_tools(tools),
        is_json=is_json,
        schema=wanted if isinstance(wanted, Mapping) else None,
    )


def _chat_line(content: str, tool_calls: list[Object] | None = None) -> Object:
    message: Object = {"role": "assistant", "content": content}
    return {"message": message | {"tool_calls": tool_calls} if tool_calls else message}


def _generate_line(content: str, _tool_calls: list[Object] | None = None) -> Object:
    return {"response": content}


def _reply(ask: Ask, model: str, is_stream: bool, line: Any) -> Reply:
    given = answer(ask)
    calls = [{"function": {"name": call.name, "arguments": _parsed(call.arguments)}} for call in given.tool_calls]
    head = {"model": model, "created_at": dt.datetime.now(dt.UTC).isoformat().replace("+00:00", "Z")}
    end = {"done": True, "done_reason": "length" if given.finish == "length" else "stop"} | _durations(ask, given)
    if not is_stream:
        return JsonReply(
            dump(head | line(given.text, calls) | end),
            behaviour=ask.behaviour,
            output_tokens=given.output_tokens,
            model=model,
            error_body=_FAILURE_BODY,
        )
    # Calls come whole, in one line: Ollama does not stream their arguments.
    said = [line("", [call]) for call in calls] or [line(piece) for piece in given.pieces]
    return StreamReply(
        opening=(),
        paced=[dump(head | each | {"done": False}) + b"\n" for each in said],
        closing=(dump(head | line("") | end) + b"\n",),
        error=(_FAILURE_BODY + b"\n",),
        broken=_BROKEN,
        headers=_NDJSON_HEADERS,
        behaviour=ask.behaviour,
        model=model,
    )


def _durations(ask: Ask, given: Answer) -> Object:
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


def _parsed(arguments: str) -> Any:
    try:
        return msgspec.json.decode(arguments)
    except msgspec.DecodeError:
        return {}  # cut off by num_predict
