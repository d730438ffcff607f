"""Ollama's dialect: chat, generate, embed, tags, show. It streams lines of JSON unless the client says no."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec

from proxy.simulator.answer import CONTEXT_TOKENS, Ask, answer
from proxy.simulator.behaviour import BEHAVIOURS, EMBEDDING, Style, get_behaviour
from proxy.simulator.conversation import Conversation, read_conversation
from proxy.simulator.embeddings import read_inputs, usual_dimensions
from proxy.simulator.errors import ProviderError, invalid_request
from proxy.simulator.exchange import Request
from proxy.simulator.ollama_reply import FAILURE_BODY, Lines, chat_line, generate_line, loaded
from proxy.simulator.openai import get_chat_behaviour
from proxy.simulator.options import Object, read_effort, read_format, read_stop, read_tools
from proxy.simulator.reply import JsonReply, Reply
from proxy.simulator.text import count_tokens
from proxy.simulator.vectors import MAX_DIMENSIONS, embed_text
from proxy.simulator.wire import JSON_HEADERS, dump, parse_body, retry_after

_NS = 1_000_000_000
_VERSION = "0.12.6"
_DETAILS: Object = {
    "parent_model": "",
    "format": "gguf",
    "family": "simulator",
    "families": ["simulator"],
    "parameter_size": "8B",
    "quantization_level": "Q4_0",
}


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
    think: bool | str | None = None


class GenerateRequest(msgspec.Struct):
    model: str
    prompt: str = ""
    system: str | None = None
    stream: bool | None = None
    format: str | Object | None = None
    options: Options | None = None
    images: list[str] | None = None
    think: bool | str | None = None


class EmbedRequest(msgspec.Struct):
    model: str
    input: str | list[str]
    dimensions: Annotated[int, msgspec.Meta(ge=1, le=MAX_DIMENSIONS)] | None = None


class ShowRequest(msgspec.Struct):
    model: str = ""
    name: str = ""  # the older name of it


def render_error(error: ProviderError) -> JsonReply:
    message = f'model "{error.model}" not found, try pulling it first' if error.code == "model_not_found" else error.message
    return JsonReply(dump({"error": message}), error.status, (*JSON_HEADERS, *retry_after(error)), model=error.model)


def chat(request: Request) -> Reply:
    """POST /api/chat"""
    asked = parse_body(request.body, ChatRequest)
    _check_messages(asked.messages)
    ask = _ask(read_conversation(asked.messages, tools=asked.tools), asked, read_tools(asked.tools))
    if not asked.messages:
        return loaded(asked.model, chat_line(""))
    return Lines(ask, asked.model, chat_line).reply(answer(ask), is_stream=asked.stream is not False)


def generate(request: Request) -> Reply:
    """POST /api/generate"""
    asked = parse_body(request.body, GenerateRequest)
    said = read_conversation([{"role": "user", "content": asked.prompt, "images": asked.images}], system=asked.system or "")
    text = f"{asked.system}\n{asked.prompt}" if asked.system else asked.prompt
    ask = _ask(Conversation(text, asked.prompt, count_tokens(text) + said.image_tokens, image_tokens=said.image_tokens), asked)
    if not asked.prompt:
        return loaded(asked.model, generate_line(""))
    return Lines(ask, asked.model, generate_line).reply(answer(ask), is_stream=asked.stream is not False)


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
    return JsonReply(dump(body), behaviour=behaviour, model=asked.model, error_body=FAILURE_BODY)


def tags(_request: Request) -> Reply:
    """GET /api/tags"""
    entries = [
        {"name": f"{name}:latest", "model": f"{name}:latest", "modified_at": "2025-01-01T00:00:00Z", "size": 4_700_000_000}
        | {"digest": f"{number:064x}", "details": _DETAILS}
        for number, name in enumerate(BEHAVIOURS)
    ]
    return JsonReply(dump({"models": entries}))


def show(request: Request) -> Reply:
    """POST /api/show"""
    asked = parse_body(request.body, ShowRequest)
    name = asked.model or asked.name
    if not name:
        raise invalid_request("model is required", param="model")
    is_embedding = _find_style(name) is Style.EMBEDDING
    body = {
        "modelfile": f"# Modelfile generated by the simulator\nFROM {name}\n",
        "parameters": "",
        "template": "{{ .Prompt }}",
        "details": _DETAILS,
        "model_info": {
            "general.architecture": "simulator",
            "general.parameter_count": 8_000_000_000,
            "simulator.context_length": CONTEXT_TOKENS,
            "simulator.embedding_length": usual_dimensions(name),
        },
        "capabilities": ["embedding"] if is_embedding else ["completion", "tools", "vision", "thinking"],
        "modified_at": "2025-01-01T00:00:00Z",
    }
    return JsonReply(dump(body), model=name)


def version(_request: Request) -> Reply:
    """GET /api/version"""
    return JsonReply(dump({"version": _VERSION}))


def _find_style(name: str) -> Style:
    """Return the kind of a model, also of one that only ever fails. Errors: ProviderError 404."""
    known = BEHAVIOURS.get(name.removesuffix(":latest"))
    return (known or get_behaviour(name)).style


def _ask(conversation: Conversation, asked: ChatRequest | GenerateRequest, tools: Sequence[Any] = ()) -> Ask:
    # A schema stands in `format` by itself here; OpenAI's form of it is a mapping with a type of its own.
    is_schema = isinstance(asked.format, Mapping)
    is_json, _ = (True, None) if is_schema else read_format(asked.format or None, "format")
    predicted = asked.options.num_predict if asked.options else None
    return Ask(
        conversation,
        get_chat_behaviour(asked.model),
        predicted if predicted and predicted > 0 else None,  # -1 and -2 mean without end
        read_stop(asked.options.stop if asked.options else None),
        tools,
        is_json=is_json,
        schema=asked.format if isinstance(asked.format, Mapping) else None,
        thought_tokens=_thought_tokens(asked.think),
    )


def _thought_tokens(think: bool | str | None) -> int | None:
    if isinstance(think, str):
        return read_effort(think, "think")
    return None if think is None else read_effort("medium" if think else "none", "think")


def _check_messages(messages: Sequence[Mapping[str, Any]]) -> None:
    """Refuse the shapes of other dialects, as Go's decoder does: contents are texts here, and arguments are objects."""
    for message in messages:
        content = message.get("content")
        if isinstance(content, list | dict):
            raise _wrong_type("array" if isinstance(content, list) else "object", "content", "string")
        calls = message.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            function = call.get("function") if isinstance(call, Mapping) else None
            if isinstance(function, Mapping) and isinstance(function.get("arguments"), str):
                raise _wrong_type("string", "tool_calls.function.arguments", "api.ToolCallFunctionArguments")


def _wrong_type(given: str, field: str, wanted: str) -> ProviderError:
    return invalid_request(f"json: cannot unmarshal {given} into Go struct field ChatRequest.messages.{field} of type {wanted}")
