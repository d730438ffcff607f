"""A request in Anthropic's dialect as a neutral conversation."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from proxy.errors import BadRequest
from proxy.translators.clients.messages_content import read_asked, read_messages, read_system
from proxy.translators.clients.objects import as_object, parse_value, read_object, untranslatable
from proxy.translators.conversation import Conversation, OutputFormat, ReasoningWish, Tool, ToolChoice
from proxy.wire.bad_request import bad_request
from proxy.wire.model_request import ModelRequest

HINTS: Final = frozenset({"metadata", "cache_control"})
"""Top-level fields that change no answer and may be left out; of `metadata` the user's id goes along where there is a word for it."""

_INERT: Final = {"service_tier": frozenset({"auto", "standard_only"}), "speed": frozenset({"standard"})}  # values that ask for nothing
_TOOL_MODES: Final[dict[str, Literal["auto", "none", "required", "tool"]]] = {
    "auto": "auto",
    "any": "required",
    "tool": "tool",
    "none": "none",
}
_EFFORTS: Final = {"low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "xhigh"}
_NAMES: Final = {
    "output_limit_tokens": "max_tokens",
    "stop": "stop_sequences",
    "has_parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
    "output_format": "output_config.format",
    "reasoning": "thinking",
    "end_user": "metadata.user_id",
}


class _Fields(msgspec.Struct):
    """The top-level fields that have a neutral form; what is inside of the untyped ones is read on its own."""

    model: str
    messages: list[Any]
    max_tokens: int
    system: Any = None
    stream: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: list[str] | None = None
    tools: list[Any] | None = None
    tool_choice: Any = None
    thinking: Any = None
    output_config: Any = None
    output_format: Any = None


class _Tool(msgspec.Struct):
    name: str
    input_schema: dict[str, Any]
    type: str = "custom"
    description: str = ""
    strict: bool | None = None
    allowed_callers: list[str] = []
    eager_input_streaming: bool = False


class _ToolChoice(msgspec.Struct):
    type: str
    name: str = ""
    disable_parallel_tool_use: bool = False


class _Thinking(msgspec.Struct):
    type: str
    budget_tokens: int | None = None
    display: str = ""


class _OutputConfig(msgspec.Struct):
    effort: str = ""
    format: Any = None


class _OutputFormat(msgspec.Struct):
    type: str
    schema: dict[str, Any]


def read_conversation(request: ModelRequest) -> Conversation:
    """Errors: BadRequest, Untranslatable."""
    fields = _read_fields(request)
    config = read_object(_OutputConfig, fields.output_config or {}, "output_config")
    choice = None if fields.tool_choice is None else read_object(_ToolChoice, fields.tool_choice, "tool_choice")
    format_names = {"output_format": "output_format"} if config.format is None and fields.output_format is not None else {}
    return Conversation(
        model=fields.model,
        messages=(read_system("" if fields.system is None else fields.system) + read_messages(fields.messages)),
        is_stream=bool(fields.stream),
        tools=tuple(_read_tool(tool, f"tools[{index}]") for index, tool in enumerate(fields.tools or ())),
        tool_choice=None if choice is None else _read_tool_choice(choice),
        has_parallel_tool_calls=False if choice is not None and choice.disable_parallel_tool_use else None,
        output_limit_tokens=fields.max_tokens,
        temperature=fields.temperature,
        top_p=fields.top_p,
        top_k=fields.top_k,
        stop=tuple(fields.stop_sequences or ()),
        output_format=_read_format(config.format, fields.output_format),
        reasoning=_read_reasoning(fields.thinking, config.effort),
        end_user=request.end_user,
        names=_NAMES | format_names,
    )


def _read_fields(request: ModelRequest) -> _Fields:
    known: dict[str, Any] = {}
    for name, raw in request.fields.items():
        if name in HINTS:
            continue
        value = parse_value(raw, name)
        if name in _Fields.__struct_fields__:
            known[name] = value
        elif not _is_inert(name, value):
            raise untranslatable(name)
    fields = _convert(known)
    if fields.max_tokens < 1:
        raise untranslatable("max_tokens")  # it fills Anthropic's prompt cache and answers nothing
    return fields


def _is_inert(name: str, value: Any) -> bool:
    return not value or (isinstance(value, str) and value in _INERT.get(name, ()))


def _convert(known: dict[str, Any]) -> _Fields:
    try:
        return msgspec.convert(known, _Fields)
    except msgspec.ValidationError as error:
        raise bad_request(error) from error


def _read_tool(value: Any, where: str) -> Tool:
    fields = as_object(value, where)
    if fields.get("type", "custom") != "custom":
        raise untranslatable(f"{where}.type")  # a tool that Anthropic runs itself, or that only its models know
    tool = read_asked(_Tool, fields, where)
    if tool.allowed_callers not in ([], ["direct"]):
        raise untranslatable(f"{where}.allowed_callers")
    return Tool(tool.name, tool.description, tool.input_schema, tool.strict)


def _read_tool_choice(choice: _ToolChoice) -> ToolChoice:
    mode = _TOOL_MODES.get(choice.type)
    if mode is None:
        raise BadRequest("Invalid value for 'tool_choice.type': expected auto, any, tool or none.", param="tool_choice.type")
    return ToolChoice(mode, choice.name)


def _read_format(config_format: Any, output_format: Any) -> OutputFormat | None:
    where, value = ("output_config.format", config_format) if config_format is not None else ("output_format", output_format)
    if value is None:
        return None
    asked = read_object(_OutputFormat, value, where)
    if asked.type != "json_schema":
        raise untranslatable(f"{where}.type")
    return OutputFormat("schema", asked.schema, is_strict=True)


def _read_reasoning(thinking: Any, effort: str) -> ReasoningWish | None:
    if effort and effort not in _EFFORTS:
        raise untranslatable("output_config.effort")
    word = _EFFORTS.get(effort, "")
    if thinking is None:
        return ReasoningWish(word) if word else None
    asked = read_object(_Thinking, thinking, "thinking")
    if asked.type == "disabled":
        if word:
            raise untranslatable("output_config.effort")  # how much to write without thinking
        return ReasoningWish(is_enabled=False)
    if asked.type == "enabled":
        if asked.budget_tokens is None:
            raise BadRequest("Missing required parameter: 'thinking.budget_tokens'.", param="thinking.budget_tokens")
        return ReasoningWish(word, asked.budget_tokens, is_shown=asked.display != "omitted")
    if asked.type == "adaptive":
        return ReasoningWish(word, is_shown=asked.display == "summarized")
    raise untranslatable("thinking.type")
