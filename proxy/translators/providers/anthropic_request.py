"""A neutral conversation as the body of a request to Anthropic."""

from __future__ import annotations

import re
from typing import Any, Final

from proxy.translators.claude_models import has_adaptive_thinking
from proxy.translators.conversation import Conversation, OutputFormat, ReasoningWish, Tool
from proxy.translators.effort import budget_for, effort_for
from proxy.translators.providers.anthropic_content import PROVIDER, dump_messages

_DEFAULT_LIMIT_TOKENS: Final = 4096  # Anthropic asks for a limit, other dialects do not
_MIN_BUDGET_TOKENS: Final = 1024
_BUDGET_RATIO: Final = 0.8  # of the client's limit, so that there is room for the answer
_EFFORTS: Final = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh"}
_OPAQUE_ID: Final = re.compile(r"(?=.*[A-Za-z_])[A-Za-z0-9_-]{1,256}")  # Anthropic refuses mail addresses and phone numbers
_TOOL_MODES: Final = {"auto": "auto", "required": "any", "tool": "tool", "none": "none"}
_Body = dict[str, Any]


def dump_body(conversation: Conversation, upstream_model: str) -> _Body:
    """Errors: Untranslatable, which names the client's parameter."""
    _refuse_unknown(conversation)
    system, turns = dump_messages(conversation)
    body: _Body = {"model": upstream_model, "max_tokens": conversation.output_limit_tokens or _DEFAULT_LIMIT_TOKENS, "messages": turns}
    if system:
        body["system"] = system
    for name, value in (
        ("temperature", conversation.temperature),
        ("top_p", conversation.top_p),
        ("top_k", conversation.top_k),
        ("stop_sequences", list(conversation.stop) or None),
        ("stream", conversation.is_stream or None),
    ):
        if value is not None:
            body[name] = value
    if _OPAQUE_ID.fullmatch(conversation.end_user):
        body["metadata"] = {"user_id": conversation.end_user}
    _put_tools(body, conversation)
    config = {} if conversation.output_format is None else {"format": _dump_format(conversation.output_format, conversation)}
    if conversation.reasoning is not None:
        _put_reasoning(body, config, conversation.reasoning, conversation)
    if config:
        body["output_config"] = config
    return body


def _refuse_unknown(conversation: Conversation) -> None:
    for name, is_asked in (
        ("seed", conversation.seed is not None),
        ("frequency_penalty", bool(conversation.frequency_penalty)),
        ("presence_penalty", bool(conversation.presence_penalty)),
        ("choices_count", conversation.choices_count > 1),
        ("has_logprobs", conversation.has_logprobs),
        ("top_logprobs_count", bool(conversation.top_logprobs_count)),
        ("verbosity", conversation.verbosity not in {"", "medium"}),
        ("temperature", conversation.temperature is not None and conversation.temperature > 1),  # OpenAI's go up to 2
    ):
        if is_asked:
            raise conversation.refuse(name, PROVIDER)


def _dump_format(wanted: OutputFormat, conversation: Conversation) -> _Body:
    """Anthropic always keeps to a schema; that is stricter than a client that does not ask for it. It has no JSON without one."""
    if wanted.kind != "schema" or wanted.schema is None:
        raise conversation.refuse("output_format", PROVIDER)
    described = {"description": wanted.description} if wanted.description else {}
    return {"type": "json_schema", "schema": described | wanted.schema}


def _put_tools(body: _Body, conversation: Conversation) -> None:
    tools = list(conversation.tools)
    choice = conversation.tool_choice
    if choice is not None and choice.allowed:
        tools = [tool for tool in tools if tool.name in choice.allowed]  # the only way to say so
        if len(tools) < len(set(choice.allowed)):
            raise conversation.refuse("tool_choice", PROVIDER)
    if not tools:
        if choice is not None and choice.mode in {"required", "tool"}:
            raise conversation.refuse("tool_choice", PROVIDER)
        return
    body["tools"] = [_dump_tool(tool) for tool in tools]
    dumped: _Body = {} if choice is None else {"type": _TOOL_MODES[choice.mode]}
    if choice is not None and choice.mode == "tool":
        dumped["name"] = choice.name
    if conversation.has_parallel_tool_calls is False and dumped.get("type") != "none":
        dumped = {"type": "auto"} | dumped | {"disable_parallel_tool_use": True}
    if dumped:
        body["tool_choice"] = dumped


def _dump_tool(tool: Tool) -> _Body:
    dumped: _Body = {"name": tool.name, "input_schema": {"type": "object"} | (tool.parameters or {"properties": {}})}
    if tool.description:
        dumped["description"] = tool.description
    if tool.is_strict:
        dumped["strict"] = True
    return dumped


def _put_reasoning(body: _Body, config: _Body, wish: ReasoningWish, conversation: Conversation) -> None:
    is_adaptive = has_adaptive_thinking(body["model"])
    if not wish.is_enabled or wish.effort == "none" or wish.budget_tokens == 0:
        if is_adaptive:
            body["thinking"] = {"type": "disabled"}
        return  # older models think only when they are told to
    _refuse_sampling(conversation)
    if is_adaptive:
        body["thinking"] = {"type": "adaptive"} | ({"display": "summarized"} if wish.is_shown else {})
        effort = wish.effort or ("" if wish.budget_tokens is None else effort_for(wish.budget_tokens))
        if effort:
            config["effort"] = _EFFORTS.get(effort, effort)
        return
    if conversation.tool_choice is not None and conversation.tool_choice.mode in {"required", "tool"}:
        raise conversation.refuse("tool_choice", PROVIDER)  # with a budget, only `auto` and `none`
    budget_tokens = _budget_tokens(wish, conversation)
    body["thinking"] = {"type": "enabled", "budget_tokens": budget_tokens}
    if conversation.output_limit_tokens is None:
        body["max_tokens"] = budget_tokens + _DEFAULT_LIMIT_TOKENS


def _refuse_sampling(conversation: Conversation) -> None:
    """Refuse what cannot be had together with thinking, whatever the model."""
    top_p = conversation.top_p
    for name, is_asked in (
        ("temperature", conversation.temperature not in {None, 1}),
        ("top_k", conversation.top_k is not None),
        ("top_p", top_p is not None and not 0.95 <= top_p <= 1),
    ):
        if is_asked:
            raise conversation.refuse(name, PROVIDER)


def _budget_tokens(wish: ReasoningWish, conversation: Conversation) -> int:
    """
    Return how many tokens an older model may think, which are part of its output limit.

    A number of the client's must fit as it is; an effort is a wish, so what it stands for is cut down to fit.
    """
    limit_tokens = conversation.output_limit_tokens
    if wish.budget_tokens is not None:
        if wish.budget_tokens < _MIN_BUDGET_TOKENS or (limit_tokens is not None and wish.budget_tokens >= limit_tokens):
            raise conversation.refuse("reasoning", PROVIDER)
        return wish.budget_tokens
    try:
        budget_tokens = budget_for(wish.effort or "medium")
    except KeyError as error:
        raise conversation.refuse("reasoning", PROVIDER) from error
    if limit_tokens is None:
        return budget_tokens
    if limit_tokens <= _MIN_BUDGET_TOKENS:
        raise conversation.refuse("output_limit_tokens", PROVIDER)
    return max(_MIN_BUDGET_TOKENS, min(budget_tokens, int(limit_tokens * _BUDGET_RATIO)))
