"""Tools, tool choice, JSON format and stop sequences: the same ideas in every dialect, with small differences in their shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from proxy.simulator.answer import Tool, ToolChoice
from proxy.simulator.errors import invalid_request
from proxy.simulator.schema import Schema

Object = dict[str, Any]


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
        choice = str(choice.get("type"))
    match choice:
        case None | "auto" | "allowed_tools":
            return ToolChoice("auto", is_parallel=parallel)
        case "none":
            return ToolChoice("none")
        case "required" | "any":
            return ToolChoice("required", is_parallel=parallel)
    raise invalid_request(f"Invalid value for 'tool_choice': '{choice}'.", param="tool_choice", code="invalid_value")


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


def read_stop(stop: str | Sequence[str] | None) -> tuple[str, ...]:
    return (stop,) if isinstance(stop, str) else tuple(stop or ())
