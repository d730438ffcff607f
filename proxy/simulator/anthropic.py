"""Anthropic's dialect: messages, token counts, models, and how it writes errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from proxy.simulator.answer import Ask, answer
from proxy.simulator.anthropic_checks import check_messages, check_tools
from proxy.simulator.anthropic_reply import OVERLOADED, Told, provider_headers, stream_message, whole_message
from proxy.simulator.behaviour import BEHAVIOURS, Behaviour
from proxy.simulator.conversation import Conversation, read_conversation
from proxy.simulator.errors import ProviderError, invalid_request, model_not_found
from proxy.simulator.exchange import Request
from proxy.simulator.openai import get_chat_behaviour
from proxy.simulator.options import Object, read_effort, read_format, read_tool_choice, read_tools
from proxy.simulator.prompt_cache import list_blocks, read_cache_use
from proxy.simulator.reply import JsonReply, Reply
from proxy.simulator.wire import JSON_HEADERS, dump, parse_body, retry_after

_ERROR_TYPES: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}
_LEAST_BUDGET_TOKENS = 1024
_MOST_THOUGHT_TOKENS = 64  # a budget is a limit, and no model uses up a large one for a small question


class Thinking(msgspec.Struct):
    type: str
    budget_tokens: int | None = None
    display: str | None = None


class OutputOptions(msgspec.Struct):
    format: Object | None = None
    effort: str | None = None


class CountRequest(msgspec.Struct):
    model: str
    messages: Annotated[list[Object], msgspec.Meta(min_length=1)]
    system: str | list[Object] | None = None
    tools: list[Object] | None = None


class MessagesRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Anthropic refuses what it does not know, so all that it knows stands here."""

    model: str
    max_tokens: Annotated[int, msgspec.Meta(ge=0)]  # 0 only fills the prompt cache
    messages: Annotated[list[Object], msgspec.Meta(min_length=1)]
    system: str | list[Object] | None = None
    stream: bool | None = None
    stop_sequences: list[str] | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    tools: list[Object] | None = None
    tool_choice: Object | None = None
    thinking: Thinking | None = None
    output_config: OutputOptions | None = None
    output_format: Object | None = None  # the older place of `output_config.format`
    cache_control: Object | None = None
    top_p: float | None = None
    top_k: int | None = None
    metadata: Any = None
    service_tier: Any = None
    container: Any = None
    context_management: Any = None
    mcp_servers: Any = None
    inference_geo: Any = None
    speed: Any = None
    diagnostics: Any = None
    compaction: Any = None
    fallbacks: Any = None
    fallback_credit_token: Any = None
    billing_policy: Any = None
    thread: Any = None


def render_error(error: ProviderError) -> JsonReply:
    headers = provider_headers(JSON_HEADERS)
    status = 529 if error.code == "overloaded" else error.status
    body = {
        "type": "error",
        "error": {"type": _ERROR_TYPES.get(status, "api_error"), "message": _message_of(error)},
        "request_id": headers[-1][1].decode(),
    }
    return JsonReply(dump(body), status, (*headers, *retry_after(error)), model=error.model)


def _message_of(error: ProviderError) -> str:
    where = (error.param or "").replace("[", ".").replace("]", "")
    match error.code:
        case "model_not_found":
            return f"model: {error.model}"
        case "missing_required_parameter":
            return f"{where}: Field required"
        case "unknown_parameter":
            return f"{where}: Extra inputs are not permitted"
        case "overloaded":
            return "Overloaded"
    if error.status == 401:
        return "invalid x-api-key" if error.code else "x-api-key header is required"
    return error.message


def messages(request: Request) -> Reply:
    """POST /v1/messages"""
    _check_version(request)
    asked = parse_body(request.body, MessagesRequest)
    ask = _ask(asked)
    given = answer(ask)
    cache = read_cache_use(list_blocks(asked.tools, asked.system, asked.messages), asked.cache_control, ask.conversation)
    shows_thought = asked.thinking is None or asked.thinking.display != "omitted"
    told = Told(asked.model, given, ask.conversation.tokens, cache, shows_thought)
    if asked.stream:
        return stream_message(told, ask.behaviour.thinking(0 if shows_thought else given.thought_tokens))
    return JsonReply(
        dump(whole_message(told)),
        headers=provider_headers(JSON_HEADERS),
        behaviour=ask.behaviour,
        output_tokens=given.output_tokens,
        model=asked.model,
        error_body=dump(OVERLOADED),
    )


def count_tokens(request: Request) -> Reply:
    """POST /v1/messages/count_tokens"""
    _check_version(request)
    asked = parse_body(request.body, CountRequest)
    behaviour: Behaviour = get_chat_behaviour(asked.model).delayed(0.0)
    body = {"input_tokens": _read(asked.messages, asked.system, asked.tools).tokens}
    return JsonReply(dump(body), headers=provider_headers(JSON_HEADERS), behaviour=behaviour, model=asked.model)


def models(_request: Request) -> Reply:
    """GET /v1/models, asked by Anthropic's client"""
    names = list(BEHAVIOURS)
    body = {"data": [_model(name) for name in names], "has_more": False, "first_id": names[0], "last_id": names[-1]}
    return JsonReply(dump(body), headers=provider_headers(JSON_HEADERS))


def model(request: Request) -> Reply:
    """GET /v1/models/{model}, asked by Anthropic's client"""
    name = request.params["model"]
    if name not in BEHAVIOURS:
        raise model_not_found(name)
    return JsonReply(dump(_model(name)), headers=provider_headers(JSON_HEADERS), model=name)


def _model(name: str) -> Object:
    return {"type": "model", "id": name, "display_name": name, "created_at": "2025-01-01T00:00:00Z"}


def _ask(asked: MessagesRequest) -> Ask:
    output = asked.output_config or OutputOptions()
    is_json, schema = read_format(output.format or asked.output_format, "output_config.format")
    choice = read_tool_choice(asked.tool_choice)
    conversation = _read(asked.messages, asked.system, asked.tools)
    check_messages(asked.messages)
    check_tools(asked.tools or ())
    if asked.thinking is not None and asked.thinking.type == "enabled":
        _check_thinking(asked, asked.thinking.budget_tokens, is_forced=choice.mode in ("required", "named"))
    return Ask(
        conversation,
        get_chat_behaviour(asked.model),
        asked.max_tokens,
        asked.stop_sequences or (),
        read_tools(asked.tools),
        choice,
        is_json,
        schema,
        _thought_tokens(asked.thinking, output.effort),
    )


def _check_thinking(asked: MessagesRequest, budget_tokens: int | None, *, is_forced: bool) -> None:
    if budget_tokens is None:
        raise invalid_request("thinking.enabled.budget_tokens: Field required")
    if budget_tokens < _LEAST_BUDGET_TOKENS:
        raise invalid_request(f"thinking.enabled.budget_tokens: Input should be greater than or equal to {_LEAST_BUDGET_TOKENS}")
    if asked.max_tokens <= budget_tokens:
        raise invalid_request("`max_tokens` must be greater than `thinking.budget_tokens`.")
    if asked.temperature not in (None, 1):
        raise invalid_request("`temperature` may only be set to 1 when thinking is enabled.")
    if is_forced:
        raise invalid_request("Thinking may not be enabled when tool_choice forces tool use.")


def _thought_tokens(thinking: Thinking | None, effort: str | None) -> int | None:
    """Return how much to think: an effort alone makes nobody think, and without any wish the model decides."""
    if thinking is None:
        return None
    match thinking.type:
        case "disabled" | "between_tools":
            return 0
        case "enabled" | "adaptive":
            return read_effort(effort, "output_config.effort") or min(thinking.budget_tokens or _MOST_THOUGHT_TOKENS, _MOST_THOUGHT_TOKENS)
    raise invalid_request(
        f"thinking: Input tag '{thinking.type}' found using 'type' does not match any of the expected tags: "
        "'adaptive', 'between_tools', 'disabled', 'enabled'"
    )


def _check_version(request: Request) -> None:
    # The real one insists, so a gateway that forgets the header should find out here.
    if b"anthropic-version" not in request.headers:
        raise invalid_request("anthropic-version: header is required")


def _read(said: list[Object], system: str | list[Object] | None, tools: list[Object] | None) -> Conversation:
    if isinstance(system, list):
        system = "\n".join(str(block.get("text", "")) for block in system)
    return read_conversation(said, system=system or "", tools=tools)
