"""A neutral conversation as the body of a call of OpenAI's chat API, or of a vendor's that speaks it."""

from __future__ import annotations

import re
from typing import Any, Final

from proxy.snapshot import Backend
from proxy.translators.conversation import Conversation, OutputFormat, Tool, ToolChoice
from proxy.translators.effort import effort_for
from proxy.translators.providers.openai_messages import MessageWriter, Object
from proxy.translators.vendors import Vendor, find_vendor

# OpenAI's models that reason unless they are told not to; its others answer 400 to any effort.
_REASONS: Final = re.compile(r"(?:.*/)?(?:o\d|gpt-5)", re.IGNORECASE)
_LIMIT_SINCE: Final = "2024-09-01"  # the API version in which Azure learned `max_completion_tokens`


def dump_body(conversation: Conversation, upstream_model: str, backend: Backend) -> Object:
    """Return the body as objects. Errors: Untranslatable, which names the client's parameter."""
    vendor = find_vendor(backend.vendor)
    provider = backend.vendor or backend.provider
    if conversation.top_k is not None and not vendor.has_top_k:
        raise conversation.refuse("top_k", provider)
    fields: dict[str, Any] = {
        "model": upstream_model,
        "messages": MessageWriter(conversation, provider, vendor.reasoning_field).write(),
        "stream": conversation.is_stream or None,
        "stream_options": {"include_usage": True} if conversation.is_stream else None,
        **_tool_fields(conversation, vendor, has_allowed_tools=backend.provider != "openai_compatible"),
        _limit_field(backend): conversation.output_limit_tokens,
        "temperature": conversation.temperature,
        "top_p": conversation.top_p,
        "top_k": conversation.top_k,
        "stop": list(conversation.stop) or None,
        "seed": conversation.seed,
        "frequency_penalty": conversation.frequency_penalty,
        "presence_penalty": conversation.presence_penalty,
        "n": conversation.choices_count if conversation.choices_count > 1 else None,
        "response_format": _response_format(conversation.output_format),
        "logprobs": conversation.has_logprobs or None,
        "top_logprobs": conversation.top_logprobs_count,
        "reasoning_effort": _effort(conversation, upstream_model),
        "verbosity": conversation.verbosity or None,
        "user": conversation.end_user or None,
    }
    return {vendor.names.get(name, name): value for name, value in fields.items() if value is not None and name not in vendor.refused_hints}


def _limit_field(backend: Backend) -> str:
    """
    Return the name of the output limit: models that reason refuse the old one, servers of others may not know the new one.

    Source: https://platform.openai.com/docs/api-reference/chat/create#chat-create-max_completion_tokens
    """
    if backend.provider == "openai_compatible":
        return "max_tokens"
    if backend.provider == "azure" and backend.api_version and backend.api_version < _LIMIT_SINCE:
        return "max_tokens"
    return "max_completion_tokens"


def _effort(conversation: Conversation, upstream_model: str) -> str | None:
    """Return how hard to think. A model that never thinks need not be told to stop, and one that may is left to itself."""
    wish = conversation.reasoning
    if wish is None:
        return None
    if wish.effort:
        return wish.effort
    if not wish.is_enabled:
        return "none" if _REASONS.match(upstream_model) else None
    return None if wish.budget_tokens is None else effort_for(wish.budget_tokens)


def _tool_fields(conversation: Conversation, vendor: Vendor, *, has_allowed_tools: bool) -> Object:
    """
    Return the fields about tools. Where a provider cannot allow some of them the rest are left out, which comes to the same.

    Without tools there is nothing to say about them, and OpenAI answers 400 to whoever does.
    """
    choice = conversation.tool_choice
    tools = conversation.tools
    if choice is not None and choice.allowed and not has_allowed_tools:
        tools = tuple(tool for tool in tools if tool.name in choice.allowed)
    if not tools:
        return {}
    return {
        "tools": [_dump_tool(tool) for tool in tools],
        "tool_choice": None if choice is None else _dump_choice(choice, vendor, has_allowed_tools),
        "parallel_tool_calls": conversation.has_parallel_tool_calls,
    }


def _dump_choice(choice: ToolChoice, vendor: Vendor, has_allowed_tools: bool) -> Object | str:
    if choice.mode == "tool":
        return _function({"name": choice.name})
    if choice.allowed and has_allowed_tools:
        allowed = [_function({"name": name}) for name in choice.allowed]
        return {"type": "allowed_tools", "allowed_tools": {"mode": choice.mode, "tools": allowed}}
    return vendor.tool_choices.get(choice.mode, choice.mode)


def _function(fields: Object) -> Object:
    return {"type": "function", "function": fields}


def _dump_tool(tool: Tool) -> Object:
    function: Object = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    if tool.parameters is not None:
        function["parameters"] = tool.parameters
    if tool.is_strict is not None:
        function["strict"] = tool.is_strict
    return _function(function)


def _response_format(output: OutputFormat | None) -> Object | None:
    if output is None:
        return None
    if output.kind == "json":
        return {"type": "json_object"}
    schema: Object = {"name": output.name or "answer"}
    if output.schema is not None:
        schema["schema"] = output.schema
    if output.description:
        schema["description"] = output.description
    if output.is_strict is not None:
        schema["strict"] = output.is_strict
    return {"type": "json_schema", "json_schema": schema}
