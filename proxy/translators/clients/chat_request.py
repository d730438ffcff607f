"""A chat request as a neutral conversation."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec

from proxy.errors import BadRequest
from proxy.translators.clients.chat_content import PART_HINTS
from proxy.translators.clients.chat_messages import read_messages
from proxy.translators.clients.fields import read_fields
from proxy.translators.clients.objects import as_object, read_object, untranslatable
from proxy.translators.conversation import Conversation, OutputFormat, ReasoningWish, Tool, ToolChoice
from proxy.wire.model_request import ModelRequest

HINTS: Final = frozenset(
    {
        "metadata",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "store",
        "stream_options",
        "user",
    }
)
"""Fields that change no answer, left out where a provider has no word for them. `user` goes along where there is one."""

_INERT: Final[dict[str, tuple[Any, ...]]] = {
    "logit_bias": ({},),
    "modalities": (["text"],),
    "service_tier": ("auto", "default"),
    "functions": ([],),
}
_MODES: Final[dict[str, Literal["auto", "none", "required"]]] = {"auto": "auto", "none": "none", "required": "required"}
_EFFORTS: Final = {
    "none": "none",
    "minimal": "minimal",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "xhigh",
}
_NAMES: Final = {
    "has_parallel_tool_calls": "parallel_tool_calls",
    "choices_count": "n",
    "output_format": "response_format",
    "has_logprobs": "logprobs",
    "top_logprobs_count": "top_logprobs",
    "reasoning": "reasoning_effort",
    "end_user": "user",
}
_Word = Annotated[str, msgspec.Meta(min_length=1)]
_Count = Annotated[int, msgspec.Meta(ge=1)]


class _Fields(msgspec.Struct):
    """The top-level fields that have a neutral form. `top_k` is not OpenAI's, but many a vendor's."""

    model: str
    messages: list[Any]
    stream: bool = False
    max_tokens: _Count | None = None
    max_completion_tokens: _Count | None = None
    n: _Count = 1
    temperature: float | None = None
    top_p: float | None = None
    top_k: _Count | None = None
    stop: str | list[str] = []
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    tools: list[Any] = []
    tool_choice: Any = None
    parallel_tool_calls: bool | None = None
    response_format: Any = None
    logprobs: bool = False
    top_logprobs: Annotated[int, msgspec.Meta(ge=0)] | None = None
    reasoning_effort: str = ""
    verbosity: str = ""


class _Tool(msgspec.Struct):
    function: Any
    type: str = "function"


class _Function(msgspec.Struct):
    name: _Word
    description: str = ""
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class _Format(msgspec.Struct):
    type: str
    json_schema: Any = None


class _Schema(msgspec.Struct):
    name: str = ""
    schema: dict[str, Any] | None = None
    description: str = ""
    strict: bool | None = None


class _Choice(msgspec.Struct):
    type: str
    function: Any = None
    allowed_tools: Any = None


class _Name(msgspec.Struct):
    name: _Word


class _Allowed(msgspec.Struct):
    mode: Literal["auto", "required"]
    tools: list[Any]


def read_conversation(request: ModelRequest) -> Conversation:
    """Errors: BadRequest, Untranslatable."""
    fields = read_fields(request, _Fields, HINTS, _INERT)
    limit_name = "max_tokens" if fields.max_completion_tokens is None else "max_completion_tokens"
    return Conversation(
        model=fields.model,
        messages=read_messages(fields.messages),
        is_stream=fields.stream,
        tools=tuple(_read_tool(value, f"tools[{index}]") for index, value in enumerate(fields.tools)),
        tool_choice=_read_tool_choice(fields.tool_choice),
        has_parallel_tool_calls=fields.parallel_tool_calls,
        output_limit_tokens=fields.max_completion_tokens or fields.max_tokens,
        temperature=fields.temperature,
        top_p=fields.top_p,
        top_k=fields.top_k,
        stop=(fields.stop,) if isinstance(fields.stop, str) else tuple(fields.stop),
        seed=fields.seed,
        frequency_penalty=fields.frequency_penalty,
        presence_penalty=fields.presence_penalty,
        choices_count=fields.n,
        output_format=_read_format(fields.response_format),
        has_logprobs=fields.logprobs,
        top_logprobs_count=fields.top_logprobs,
        reasoning=_read_reasoning(fields.reasoning_effort),
        verbosity=fields.verbosity,
        end_user=request.end_user,
        names=_NAMES | {"output_limit_tokens": limit_name},
    )


def _read_tool(value: Any, where: str) -> Tool:
    fields = as_object(value, where)
    if fields.get("type", "function") != "function":
        raise untranslatable(where)  # a custom tool, or one that the provider runs itself
    given = read_object(_Tool, fields, where, PART_HINTS).function
    function = read_object(_Function, given, f"{where}.function", PART_HINTS)
    return Tool(function.name, function.description, function.parameters, function.strict)


def _read_tool_choice(value: Any) -> ToolChoice | None:
    if value is None:
        return None
    if isinstance(value, str):
        if mode := _MODES.get(value):
            return ToolChoice(mode)
        raise BadRequest("Invalid value for 'tool_choice': expected auto, none or required.", param="tool_choice")
    choice = read_object(_Choice, value, "tool_choice")
    if choice.type == "function":
        return ToolChoice("tool", _read_name(choice.function, "tool_choice.function"))
    if choice.type == "allowed_tools":
        where = "tool_choice.allowed_tools"
        allowed = read_object(_Allowed, choice.allowed_tools, where)
        names = (_read_allowed(tool, f"{where}.tools[{index}]") for index, tool in enumerate(allowed.tools))
        return ToolChoice(allowed.mode, allowed=tuple(names))
    raise untranslatable("tool_choice")


def _read_allowed(value: Any, where: str) -> str:
    tool = read_object(_Choice, value, where)
    if tool.type != "function":
        raise untranslatable(where)
    return _read_name(tool.function, f"{where}.function")


def _read_name(value: Any, where: str) -> str:
    return read_object(_Name, value, where).name


def _read_format(value: Any) -> OutputFormat | None:
    if value is None:
        return None
    given = read_object(_Format, value, "response_format")
    if given.type == "text":
        return None
    if given.type == "json_object":
        return OutputFormat("json")
    if given.type != "json_schema":
        raise untranslatable("response_format")
    schema = read_object(_Schema, given.json_schema, "response_format.json_schema")
    return OutputFormat("schema", schema.schema, schema.name, schema.description, schema.strict)


def _read_reasoning(effort: str) -> ReasoningWish | None:
    """What a model thinks is shown as `reasoning_content`, where it has it."""
    if not effort:
        return None
    word = _EFFORTS.get(effort)
    if word is None:
        expected = ", ".join(_EFFORTS)
        raise BadRequest(f"Invalid value for 'reasoning_effort': expected one of {expected}.", param="reasoning_effort")
    is_enabled = word != "none"
    return ReasoningWish(word, is_shown=is_enabled, is_enabled=is_enabled)
