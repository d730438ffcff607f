"""
A conversation as Gemini's `generateContent` is asked.

Rules: pure. All system messages become the one `systemInstruction`, and messages of one role that follow each other one content, because
a turn of function calls has to be answered by one turn. What is left out is in docs/reference/dialects.md.
Source: https://ai.google.dev/api/generate-content
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import urlsplit

from proxy.translators.arguments import dump_arguments
from proxy.translators.conversation import Conversation, Media, Message, Part, Reasoning, Refusal, Text, ToolCall, ToolResult
from proxy.translators.effort import BUDGET_TOKENS, effort_for
from proxy.translators.media import UNKNOWN_TYPE, guess_type
from proxy.translators.providers.gemini_signatures import UNSIGNED, unmark_signature

PROVIDER: Final = "gemini"

Object = dict[str, Any]

_GENERATION: Final = re.compile(r"gemini-(\d+)(?:\.(\d+))?")
_LATEST: Final = re.compile(r"gemini-[a-z-]*latest$")
_THINKING: Final = (2, 5)  # the first generation that thinks, by a budget
_LEVELS: Final = (3, 0)  # the first one that thinks by levels, signs its function calls and takes pictures as results of functions
_BUDGET_MAX: Final = 24_576
_PRO_BUDGET_MAX: Final = 32_768


def build_request(conversation: Conversation) -> Object:
    """Return the body as objects. Errors: Untranslatable, which names the client's parameter."""
    _check(conversation)
    body = build_prompt(conversation)
    if config := _generation_config(conversation):
        body["generationConfig"] = config
    return body


def build_prompt(conversation: Conversation) -> Object:
    """Return what of the body is read by the model: messages and tools. Errors: Untranslatable."""
    system: list[Object] = []
    contents: list[Object] = []
    is_signing = generation(conversation.model) >= _LEVELS
    for message in conversation.messages:
        parts = _Parts(conversation, is_signing).build(message)
        if message.role == "system":
            system += parts
        else:
            _add_content(contents, "model" if message.role == "assistant" else "user", parts)
    if not contents:  # Gemini wants to be asked something
        contents, system = [{"role": "user", "parts": system or [{"text": ""}]}], []
    body: Object = {"contents": contents}
    if system:
        body["systemInstruction"] = {"parts": system}
    if tools := _tools(conversation):
        body["tools"] = [{"functionDeclarations": tools}]
    if choice := _tool_config(conversation):
        body["toolConfig"] = choice
    return body


def generation(model: str) -> tuple[int, int]:
    """Return the generation of a model by its name, (0, 0) where the name does not tell; `latest` is the newest."""
    name = model.rsplit("/", 1)[-1]
    if found := _GENERATION.match(name):
        return int(found[1]), int(found[2] or 0)
    return _LEVELS if _LATEST.match(name) else (0, 0)


def _check(conversation: Conversation) -> None:
    if conversation.has_parallel_tool_calls is False and conversation.tools:
        raise conversation.refuse("has_parallel_tool_calls", PROVIDER)
    if conversation.verbosity not in {"", "medium"}:
        raise conversation.refuse("verbosity", PROVIDER)


def _add_content(contents: list[Object], role: str, parts: list[Object]) -> None:
    if contents and contents[-1]["role"] == role:
        contents[-1]["parts"] += parts
    else:
        contents.append({"role": role, "parts": parts or [{"text": ""}]})


# --- what is said -----------------------------------------------------------------------------------------------------------------


class _Parts:
    """
    Writes the parts of one message.

    A seal belongs to the part behind the thoughts it is about, so that of a `Reasoning` waits for the next part.
    """

    def __init__(self, conversation: Conversation, is_signing: bool) -> None:
        self._conversation = conversation
        self._is_signing = is_signing
        self._waiting = ""
        self._has_call = False
        self._parts: list[Object] = []

    def build(self, message: Message) -> list[Object]:
        for part in message.parts:
            self._add(part)
        if self._waiting:
            self._put({"text": ""})
        return self._parts

    def _add(self, part: Part) -> None:
        if isinstance(part, Text | Refusal):
            self._put({"text": part.text})
        elif isinstance(part, Media):
            self._put(self._media(part))
        elif isinstance(part, Reasoning):
            if part.text:
                self._parts.append({"text": part.text, "thought": True})
            self._waiting = unmark_signature(part.signature) or self._waiting
        elif isinstance(part, ToolCall):
            self._add_call(part)
        else:
            self._add_result(part)

    def _put(self, part: Object, signature: str = "") -> None:
        signature = signature or self._waiting
        self._waiting = ""
        self._parts.append(part | {"thoughtSignature": signature} if signature else part)

    def _add_call(self, call: ToolCall) -> None:
        function_call = {"id": call.id, "name": call.name, "args": dump_arguments(self._conversation, call, PROVIDER)}
        signature = unmark_signature(call.signature) or self._waiting
        if not signature and self._is_signing and not self._has_call:  # of calls side by side only the first is signed
            signature = UNSIGNED
        self._has_call = True
        self._put({"functionCall": _without_empty(function_call)}, signature)

    def _add_result(self, result: ToolResult) -> None:
        if not result.name:
            reason = f"No tool call has the id {result.call_id!r}, so the result's tool is unknown."
            raise self._conversation.refuse("messages", PROVIDER, reason)
        text = "\n\n".join(part.text for part in result.parts if isinstance(part, Text))
        media = [part for part in result.parts if isinstance(part, Media)]
        inside = [part for part in media if part.data and self._is_signing]
        response: Object = {"id": result.call_id, "name": result.name, "response": {"error" if result.is_error else "output": text}}
        if inside:
            response["parts"] = [self._media(part) for part in inside]
        self._put({"functionResponse": _without_empty(response)})
        for part in media:
            if part not in inside:  # older models read it beside the result
                self._put(self._media(part))

    def _media(self, media: Media) -> Object:
        if media.data:
            if not media.media_type:
                raise self._conversation.refuse("messages", PROVIDER, f"The media type of {media.name or 'a file'!r} is missing.")
            return {"inlineData": {"mimeType": media.media_type, "data": media.data}}
        if not media.url.startswith(("https://", "gs://")):
            raise self._conversation.refuse("messages", PROVIDER, "Gemini fetches files from https:// and gs:// addresses only.")
        media_type = media.media_type or guess_type(urlsplit(media.url).path)
        return {"fileData": {"fileUri": media.url} | ({"mimeType": media_type} if media_type != UNKNOWN_TYPE else {})}


def _without_empty(fields: Object) -> Object:
    return {name: value for name, value in fields.items() if value != ""}


# --- how it is to be answered -------------------------------------------------------------------------------------------------------


def _tools(conversation: Conversation) -> list[Object]:
    """Return the tools. Where only some may be called, but none has to be, the others are not shown: Gemini knows no other way."""
    choice = conversation.tool_choice
    shown = set(choice.allowed) if choice is not None and choice.mode == "auto" and choice.allowed else None
    declarations = []
    for tool in conversation.tools:
        if shown is None or tool.name in shown:
            declaration: Object = {"name": tool.name, "description": tool.description}
            if tool.parameters is not None:
                declaration["parametersJsonSchema"] = tool.parameters
            declarations.append(declaration)
    return declarations


def _tool_config(conversation: Conversation) -> Object | None:
    choice = conversation.tool_choice
    if choice is None or (not conversation.tools and choice.mode in {"auto", "none"}):
        return None
    config: Object = {"mode": {"auto": "AUTO", "none": "NONE"}.get(choice.mode, "ANY")}
    if choice.mode == "tool":
        config["allowedFunctionNames"] = [choice.name]
    elif choice.mode == "required" and choice.allowed:
        config["allowedFunctionNames"] = list(choice.allowed)
    return {"functionCallingConfig": config}


def _generation_config(conversation: Conversation) -> Object:
    config: Object = {
        "temperature": conversation.temperature,
        "topP": conversation.top_p,
        "topK": conversation.top_k,
        "maxOutputTokens": conversation.output_limit_tokens,
        "stopSequences": list(conversation.stop) or None,
        "seed": conversation.seed,
        "frequencyPenalty": conversation.frequency_penalty,
        "presencePenalty": conversation.presence_penalty,
        "candidateCount": conversation.choices_count if conversation.choices_count > 1 else None,
        "responseLogprobs": True if conversation.has_logprobs else None,
        "logprobs": (conversation.top_logprobs_count or None) if conversation.has_logprobs else None,
        "thinkingConfig": _thinking_config(conversation),
    }
    if (output := conversation.output_format) is not None:
        config["responseMimeType"] = "application/json"
        config["responseJsonSchema"] = output.schema
    return {name: value for name, value in config.items() if value is not None}


def _thinking_config(conversation: Conversation) -> Object | None:
    """
    Return how the model may think: by a level from Gemini 3 on, by a budget before.

    Gemini 3 and later always think: there the least level stands for none.
    """
    wish = conversation.reasoning
    if wish is None:
        return None
    if wish.effort and wish.effort not in BUDGET_TOKENS:
        raise conversation.refuse("reasoning", PROVIDER, f"No effort is called {wish.effort!r}.")
    is_off = not wish.is_enabled or wish.effort == "none" or wish.budget_tokens == 0
    config: Object = {"includeThoughts": True} if wish.is_shown and not is_off else {}
    of_model = generation(conversation.model)
    if of_model >= _LEVELS:
        effort = "minimal" if is_off else wish.effort or ("" if wish.budget_tokens is None else effort_for(wish.budget_tokens))
        if effort:
            config["thinkingLevel"] = _level(conversation.model, effort)
    elif is_off:
        if of_model >= _THINKING:  # those before it do not think, and say so with an error
            config["thinkingBudget"] = 0
    else:
        budget = BUDGET_TOKENS.get(wish.effort) if wish.budget_tokens is None else wish.budget_tokens
        if budget is not None:
            config["thinkingBudget"] = min(budget, _PRO_BUDGET_MAX if "pro" in conversation.model else _BUDGET_MAX)
    return config or None


def _level(model: str, effort: str) -> str:
    if effort == "xhigh":
        return "HIGH"
    if effort == "minimal" and "pro" in model:
        return "LOW"
    return effort.upper()
