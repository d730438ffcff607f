"""Tools, tool choice, JSON format and stop sequences: the same ideas in every dialect, with small differences in their shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from proxy.simulator.answer import Tool, ToolChoice
from proxy.simulator.errors import invalid_request
from proxy.simulator.schema import Schema

Object = dict[str, Any]

_EFFORTS: Mapping[str, int] = {"none": 0, "minimal": 8, "low": 16, "medium": 32, "high": 64, "xhigh": 96, "max": 128}


def read_tools(tools: Sequence[Mapping[str, Any]] | None) -> tuple[Tool, ...]:
    """
    Return the functions among `tools`: OpenAI's and Ollama's wrap them in `function`, Responses and Anthropic do not.

    Tools that run on the provider's side have no name and parameters of their own; they are left out.
    """
    functions = [tool["function"] if isinstance(tool.get("function"), Mapping) else tool for tool in tools or ()]
    return tuple(Tool(each["name"], _parameters(each)) for each in functions if isinstance(each.get("name"), str))


def _parameters(function: Mapping[str, Any]) -> Schema:
    schema = function.get("parameters") or function.get("input_schema")
    return schema if isinstance(schema, Mapping) else {"type": "object", "properties": {}}


def read_tool_choice(choice: str | Mapping[str, Any] | None, *, is_parallel: bool | None = None) -> ToolChoice:
    """Return which tools may or must be called. Errors: ProviderError 400 for a word that no provider knows."""
    parallel = is_parallel is not False
    if isinstance(choice, Mapping):
        if choice.get("disable_parallel_tool_use") is True:
            parallel = False
        if choice.get("type") in ("function", "tool"):
            return ToolChoice("named", _chosen_name(choice), False)
        if choice.get("type") == "allowed_tools":
            return _allowed_tools(choice, parallel)
        choice = str(choice.get("type"))
    match choice:
        case None | "auto":
            return ToolChoice("auto", is_parallel=parallel)
        case "none":
            return ToolChoice("none")
        case "required" | "any":
            return ToolChoice("required", is_parallel=parallel)
    raise invalid_request(f"Invalid value for 'tool_choice': '{choice}'.", param="tool_choice", code="invalid_value")


def _allowed_tools(choice: Mapping[str, Any], is_parallel: bool) -> ToolChoice:
    """Return the choice among some of the tools; chat completions wrap it once more than Responses do."""
    inner = choice.get("allowed_tools")
    wanted = inner if isinstance(inner, Mapping) else choice
    tools = wanted.get("tools")
    names = tuple(_chosen_name(tool) for tool in tools if isinstance(tool, Mapping)) if isinstance(tools, list) else ()
    return ToolChoice("required" if wanted.get("mode") == "required" else "auto", is_parallel=is_parallel, allowed=names)


def _chosen_name(choice: Mapping[str, Any]) -> str:
    function = choice.get("function")
    return str((function if isinstance(function, Mapping) else choice).get("name", ""))


def read_format(wanted: str | Mapping[str, Any] | None, param: str = "response_format") -> tuple[bool, Schema | None]:
    """
    Return whether the answer is JSON and the schema that it has to fit.

    Errors: ProviderError 400 for an unknown type and for `json_schema` without a schema.
    """
    if wanted is None:
        return False, None
    kind = wanted.get("type") if isinstance(wanted, Mapping) else wanted
    match kind:
        case "text":
            return False, None
        case "json_object" | "json":
            return True, None
        case "json_schema" if isinstance(wanted, Mapping):
            holder = wanted.get("json_schema", wanted)
            schema = holder.get("schema") if isinstance(holder, Mapping) else None
            if isinstance(schema, Mapping):
                return True, schema
            raise invalid_request(f"Missing required parameter: '{param}.schema'.", param=param, code="missing_required_parameter")
    raise invalid_request(f"Invalid value for '{param}.type': '{kind}'.", param=param, code="invalid_value")


def read_effort(effort: str | None, param: str) -> int | None:
    """Return how many tokens a model thinks at this effort, None where none was asked for. Errors: ProviderError 400."""
    if effort is None:
        return None
    if effort not in _EFFORTS:
        known = ", ".join(f"'{each}'" for each in _EFFORTS)
        raise invalid_request(f"Invalid value: '{effort}'. Supported values are: {known}.", param=param, code="invalid_value")
    return _EFFORTS[effort]


def read_stop(stop: str | Sequence[str] | None) -> tuple[str, ...]:
    return (stop,) if isinstance(stop, str) else tuple(stop or ())
