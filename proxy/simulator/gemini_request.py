"""Reads what Gemini is asked: contents, tools and configuration, refused as Google refuses them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar

import msgspec

from proxy.simulator.answer import Ask, Tool, ToolChoice
from proxy.simulator.conversation import Conversation, read_conversation
from proxy.simulator.errors import ProviderError, invalid_request
from proxy.simulator.gemini_fields import GENERATE, Kind, read_fields
from proxy.simulator.logprobs import MAX_TOP
from proxy.simulator.openai import Count, get_chat_behaviour
from proxy.simulator.options import Object
from proxy.simulator.wire import dump, explain, parse_body

_T = TypeVar("_T")

_DATA = (
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
)
_LEVELS = {"minimal": 8, "low": 16, "medium": 32, "high": 64}
_MOST_THOUGHT_TOKENS = 64  # a budget is a limit, and no model uses up a large one for a small question


class Content(msgspec.Struct):
    parts: list[Object] = []
    role: str = "user"


class Function(msgspec.Struct):
    name: str
    parameters: Object | None = None
    parametersJsonSchema: Object | None = None  # noqa: N815 (Google's names, here and below)


class ToolSet(msgspec.Struct):
    functionDeclarations: list[Function] = []  # noqa: N815


class CallingConfig(msgspec.Struct):
    mode: str = "AUTO"
    allowedFunctionNames: list[str] = []  # noqa: N815


class ToolConfig(msgspec.Struct):
    functionCallingConfig: CallingConfig | None = None  # noqa: N815


class ThinkingConfig(msgspec.Struct):
    includeThoughts: bool = False  # noqa: N815
    thinkingBudget: int | None = None  # noqa: N815
    thinkingLevel: str | None = None  # noqa: N815


class Config(msgspec.Struct):
    candidateCount: Annotated[int, msgspec.Meta(ge=1, le=8)] = 1  # noqa: N815
    stopSequences: Annotated[list[str], msgspec.Meta(max_length=5)] = []  # noqa: N815
    maxOutputTokens: Count | None = None  # noqa: N815
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    responseMimeType: str = "text/plain"  # noqa: N815
    responseSchema: Object | None = None  # noqa: N815
    responseJsonSchema: Object | bool | None = None  # noqa: N815
    responseLogprobs: bool = False  # noqa: N815
    logprobs: Annotated[int, msgspec.Meta(ge=0, le=MAX_TOP)] | None = None
    thinkingConfig: ThinkingConfig | None = None  # noqa: N815


class GenerateRequest(msgspec.Struct):
    contents: list[Content] = []
    systemInstruction: Content | None = None  # noqa: N815
    tools: list[ToolSet] = []
    toolConfig: ToolConfig | None = None  # noqa: N815
    generationConfig: Config = msgspec.field(default_factory=Config)  # noqa: N815
    cachedContent: str | None = None  # noqa: N815


def parse_fields(body: bytes, kind: Kind, shape: type[_T]) -> _T:
    """Decode a body with names of either spelling. Errors: ProviderError 400, also for names that the API does not know."""
    return as_shape(read_fields(parse_body(body, dict[str, Any]), kind), shape)


def as_shape(fields: Any, shape: type[_T]) -> _T:
    try:
        return msgspec.convert(fields, shape, strict=False)  # numbers may come as texts, as 64-bit ones do in Google's JSON
    except msgspec.ValidationError as error:
        raise explain(str(error)) from error


def read_ask(body: bytes, model: str) -> tuple[Ask, Config]:
    """Return the question in a body, and how its answer is to be written. Errors: ProviderError 400, and those of the model."""
    asked = parse_fields(body, GENERATE, GenerateRequest)
    config = asked.generationConfig
    conversation = read_contents(asked)
    _check_turns(asked.contents)
    if asked.cachedContent is not None:
        raise ProviderError(403, "CachedContent not found (or permission denied)")
    if config.logprobs is not None and not config.responseLogprobs:
        raise invalid_request("logprobs can only be set when response_logprobs is true.", param="generation_config.logprobs")
    tools = tuple(_as_tool(function) for tool_set in asked.tools for function in tool_set.functionDeclarations)
    is_json, schema = _read_format(config)
    ask = Ask(
        conversation,
        get_chat_behaviour(model),
        config.maxOutputTokens,
        config.stopSequences,
        tools,
        _read_choice(asked.toolConfig, tools),
        is_json,
        schema,
        _thought_tokens(config.thinkingConfig),
    )
    return ask, config


def read_contents(asked: GenerateRequest) -> Conversation:
    """Return the conversation. Errors: ProviderError 400 for contents without parts and parts without data."""
    if not asked.contents:
        raise invalid_request("* GenerateContentRequest.contents: contents is not specified\n")
    messages = [_as_message(content, n) for n, content in enumerate(asked.contents)]
    system = texts(asked.systemInstruction) if asked.systemInstruction else ""
    declared = [msgspec.to_builtins(function) for tool_set in asked.tools for function in tool_set.functionDeclarations]
    return read_conversation(messages, system=system, tools=declared)


def texts(content: Content) -> str:
    return "\n".join(str(part["text"]) for part in content.parts if "text" in part)


def _as_message(content: Content, at: int) -> Object:
    if content.role not in ("user", "model", "function", ""):
        raise invalid_request("Please use a valid role: user, model.")
    if not content.parts:
        raise invalid_request(f"* GenerateContentRequest.contents[{at}].parts: contents.parts must not be empty.\n")
    said = []
    for n, part in enumerate(content.parts):
        if not any(name in part for name in _DATA):
            raise invalid_request(
                f"* GenerateContentRequest.contents[{at}].parts[{n}].data: required oneof field 'data' must have one initialized field\n"
            )
        said.append(_as_part(part))
    return {"role": "assistant" if content.role == "model" else "user", "content": said}


def _as_part(part: Mapping[str, Any]) -> Object:
    if "functionResponse" in part:
        return {"type": "tool_result", "content": dump(part["functionResponse"]).decode()}
    if "text" in part:
        return {"type": "text", "text": str(part["text"])}
    blob = part.get("inlineData") or part.get("fileData")
    if isinstance(blob, Mapping):
        return {"type": str(blob.get("mimeType", "")).partition("/")[0]}
    return {"type": "text", "text": dump(part).decode()}


def _check_turns(contents: Sequence[Content]) -> None:
    """Refuse calls that are not all answered in the next turn, as the real one does: a translator that loses one is found out here."""
    called = 0
    for content in contents:
        answered = sum("functionResponse" in part for part in content.parts)
        if called != answered:
            raise invalid_request(
                "Please ensure that the number of function response parts is equal to the number of function call parts of the "
                "function call turn."
            )
        called = sum("functionCall" in part for part in content.parts)
    if called:
        raise invalid_request("Please ensure that function response turn comes immediately after a function call turn.")


def _as_tool(function: Function) -> Tool:
    return Tool(function.name, function.parametersJsonSchema or function.parameters or {"type": "object", "properties": {}})


def _read_choice(config: ToolConfig | None, tools: Sequence[Tool]) -> ToolChoice:
    calling = config.functionCallingConfig if config else None
    if calling is None:
        return ToolChoice()
    allowed = tuple(calling.allowedFunctionNames)
    if allowed and calling.mode not in ("ANY", "VALIDATED"):
        raise invalid_request(
            "Function calling config is set without function_calling_mode ANY, but allowed_function_names is set.", param="tool_config"
        )
    unknown = set(allowed) - {tool.name for tool in tools}
    if unknown:
        raise invalid_request(f"allowed_function_names contains unknown functions: {', '.join(sorted(unknown))}", param="tool_config")
    match calling.mode:
        case "AUTO" | "MODE_UNSPECIFIED" | "VALIDATED":
            return ToolChoice("auto", allowed=allowed)
        case "NONE":
            return ToolChoice("none")
        case "ANY":
            return ToolChoice("required", is_parallel=len(allowed) != 1, allowed=allowed)
    raise invalid_request(
        f"Invalid value at 'tool_config.function_calling_config.mode' (type.googleapis.com/...Mode), \"{calling.mode}\"",
        param="tool_config",
    )


def _read_format(config: Config) -> tuple[bool, Mapping[str, Any] | None]:
    if config.responseMimeType not in ("text/plain", "application/json"):
        raise invalid_request(
            "* GenerateContentRequest.generation_config.response_mime_type: allowed mimetypes are `text/plain` and `application/json`.\n"
        )
    schema = config.responseSchema or config.responseJsonSchema
    is_json = config.responseMimeType == "application/json"
    if schema and not is_json:
        raise invalid_request(
            "* GenerateContentRequest.generation_config.response_schema: only allowed when response_mime_type is `application/json`.\n"
        )
    return is_json, schema if isinstance(schema, Mapping) else None


def _thought_tokens(config: ThinkingConfig | None) -> int | None:
    if config is None:
        return None
    if config.thinkingBudget is not None and config.thinkingLevel is not None:
        raise invalid_request("You can only set only one of thinking budget and thinking level.")
    if config.thinkingLevel is not None:
        level = config.thinkingLevel.lower()
        if level not in _LEVELS:
            raise invalid_request(f"Invalid value at 'generation_config.thinking_config.thinking_level', \"{config.thinkingLevel}\"")
        return _LEVELS[level]
    budget = config.thinkingBudget
    return _MOST_THOUGHT_TOKENS if budget is None or budget < 0 else min(budget, _MOST_THOUGHT_TOKENS)
