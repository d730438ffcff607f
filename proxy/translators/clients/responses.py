"""
OpenAI's Responses dialect as the client's: its requests read into the neutral form, answers written as responses.

State is no business of this codec: what `previous_response_id` stands for has been put into `input` before (`response_state.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import msgspec

from proxy.errors import BadRequest
from proxy.translators.clients.fields import read_fields
from proxy.translators.clients.objects import as_object, read_object, untranslatable
from proxy.translators.clients.responses_items import read_messages
from proxy.translators.clients.responses_reply import dump_reply
from proxy.translators.clients.responses_stream import ResponsesWriter
from proxy.translators.conversation import Conversation, Message, OutputFormat, ReasoningWish, Reply, Text, Tool, ToolChoice
from proxy.wire.model_request import ModelRequest

HINTS: Final = frozenset(
    {
        "metadata",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "store",
        "user",
    }
)
"""Fields that change no answer, left out where a provider has no word for them; what else is left out stands in the reference."""

_NAMES: Final = {
    "messages": "input",
    "output_limit_tokens": "max_output_tokens",
    "has_parallel_tool_calls": "parallel_tool_calls",
    "output_format": "text.format",
    "verbosity": "text.verbosity",
    "has_logprobs": "include",
    "top_logprobs_count": "top_logprobs",
}
_LOGPROBS: Final = "message.output_text.logprobs"
_INCLUDABLE: Final = frozenset(
    {
        _LOGPROBS,
        "reasoning.encrypted_content",  # always there
        "message.input_image.image_url",  # of what the client sent
        # Of tools that a translated request cannot have:
        "code_interpreter_call.outputs",
        "computer_call_output.output.image_url",
        "file_search_call.results",
        "web_search_call.action.sources",
        "web_search_call.results",
    }
)
_EFFORTS: Final = {
    "none": "none",
    "minimal": "minimal",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "xhigh",
}
_Word = Annotated[str, msgspec.Meta(min_length=1)]


class _Fields(msgspec.Struct):
    """What is read; all else is refused."""

    model: str
    input: str | list[Any]
    instructions: str = ""
    stream: bool = False
    stream_options: Any = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_logprobs: int | None = None
    include: list[str] = []
    tools: list[Any] = []
    tool_choice: Any = None
    parallel_tool_calls: bool | None = None
    text: Any = None
    reasoning: Any = None
    truncation: str = "disabled"
    background: bool = False
    service_tier: str = "auto"


class _StreamOptions(msgspec.Struct):
    include_obfuscation: bool = False


class _Text(msgspec.Struct):
    format: Any = None
    verbosity: str = ""


class _Format(msgspec.Struct):
    type: Literal["text", "json_object", "json_schema"]
    name: str = ""
    schema: dict[str, Any] | None = None
    description: str = ""
    strict: bool | None = None


class _Reasoning(msgspec.Struct):
    effort: str = ""
    summary: str = ""
    generate_summary: str = ""
    context: str = ""
    mode: str = "standard"


class _Function(msgspec.Struct):
    name: _Word
    type: str = ""
    description: str = ""
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    defer_loading: bool = False


class _ToolName(msgspec.Struct):
    type: Literal["function"]
    name: _Word


class _AllowedTools(msgspec.Struct):
    mode: Literal["auto", "required"]
    tools: list[Any]
    type: str = ""


def parse_conversation(request: ModelRequest) -> Conversation:
    """Errors: BadRequest, Untranslatable."""
    fields = read_fields(request, _Fields, HINTS, {})
    _check_fields(fields)
    text = read_object(_Text, fields.text or {}, "text")
    is_logprobs_wanted = _LOGPROBS in fields.include
    system = (Message("system", (Text(fields.instructions),)),) if fields.instructions else ()
    return Conversation(
        model=fields.model,
        messages=system + read_messages(fields.input),
        is_stream=fields.stream,
        tools=tuple(_read_tool(tool, f"tools[{number}]") for number, tool in enumerate(fields.tools)),
        tool_choice=_read_tool_choice(fields.tool_choice),
        has_parallel_tool_calls=fields.parallel_tool_calls,
        output_limit_tokens=fields.max_output_tokens,
        temperature=fields.temperature,
        top_p=fields.top_p,
        output_format=_read_format(text.format),
        has_logprobs=is_logprobs_wanted,
        top_logprobs_count=fields.top_logprobs if is_logprobs_wanted else None,
        reasoning=_read_reasoning(fields.reasoning),
        verbosity=text.verbosity,
        end_user=request.end_user,
        names=_NAMES,
    )


def _check_fields(fields: _Fields) -> None:
    """Errors: Untranslatable for a value that only OpenAI knows what to do with."""
    read_object(_StreamOptions, fields.stream_options or {}, "stream_options")
    if fields.background:
        raise untranslatable("background")
    if fields.truncation != "disabled":
        raise untranslatable("truncation")
    if fields.service_tier not in {"auto", "default"}:
        raise untranslatable("service_tier")
    for number, name in enumerate(fields.include):
        if name not in _INCLUDABLE:
            raise untranslatable(f"include[{number}]")


def _read_tool(value: Any, where: str) -> Tool:
    if as_object(value, where).get("type") != "function":
        raise untranslatable(where)
    tool = read_object(_Function, value, where)
    if tool.defer_loading:
        raise untranslatable(f"{where}.defer_loading")
    return Tool(tool.name, tool.description, tool.parameters, tool.strict)


def _read_tool_choice(value: Any) -> ToolChoice | None:
    if value is None:
        return None
    if isinstance(value, str):
        if value not in {"auto", "none", "required"}:
            raise BadRequest("Invalid value for 'tool_choice': use auto, none, required or an object.", param="tool_choice")
        return ToolChoice(value)  # type: ignore[arg-type]  # one of the three
    kind = as_object(value, "tool_choice").get("type")
    if kind == "function":
        return ToolChoice("tool", read_object(_ToolName, value, "tool_choice").name)
    if kind == "allowed_tools":
        choice = read_object(_AllowedTools, value, "tool_choice")
        return ToolChoice(choice.mode, allowed=tuple(_read_allowed(tool, number) for number, tool in enumerate(choice.tools)))
    raise untranslatable("tool_choice")


def _read_allowed(value: Any, number: int) -> str:
    where = f"tool_choice.tools[{number}]"
    if as_object(value, where).get("type") != "function":
        raise untranslatable(where)
    return read_object(_ToolName, value, where).name


def _read_format(value: Any) -> OutputFormat | None:
    if value is None:
        return None
    given = read_object(_Format, value, "text.format")
    if given.type == "text":
        return None
    if given.type == "json_object":
        return OutputFormat("json")
    if given.schema is None or not given.name:
        missing = "text.format.schema" if given.schema is None else "text.format.name"
        raise BadRequest(f"Missing required parameter: '{missing}'.", param=missing)
    return OutputFormat("schema", given.schema, given.name, given.description, given.strict)


def _read_reasoning(value: Any) -> ReasoningWish | None:
    if value is None:
        return None
    given = read_object(_Reasoning, value, "reasoning")
    if given.mode != "standard":
        raise untranslatable("reasoning.mode")
    effort = _EFFORTS.get(given.effort, "")
    if given.effort and not effort:
        raise BadRequest(f"Invalid value for 'reasoning.effort': use one of {', '.join(_EFFORTS)}.", param="reasoning.effort")
    is_shown = bool(given.summary or given.generate_summary)
    return ReasoningWish(effort, is_shown=is_shown, is_enabled=effort != "none") if effort or is_shown else None


@dataclass(frozen=True, slots=True)
class ResponsesCodec:
    """See `ClientCodec`."""

    def parse_conversation(self, request: ModelRequest) -> Conversation:
        return parse_conversation(request)

    def dump_reply(self, reply: Reply, request: ModelRequest) -> bytes:
        return dump_reply(reply, request)

    def begin_stream(self, request: ModelRequest) -> ResponsesWriter:
        return ResponsesWriter(request)


CODEC: Final = ResponsesCodec()
