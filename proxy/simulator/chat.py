"""OpenAI's chat completions, whole and as a stream."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec

from proxy.simulator.answer import Answer, Ask, ToolCall, answer
from proxy.simulator.behaviour import Style
from proxy.simulator.chunks import ChoiceLines, Chunks, StreamOptions, check_stream_options
from proxy.simulator.conversation import read_conversation
from proxy.simulator.errors import invalid_request
from proxy.simulator.exchange import Request
from proxy.simulator.logprobs import MAX_TOP, as_openai, score
from proxy.simulator.openai import FINGERPRINT, Choices, Count, Temperature, get_chat_behaviour, json_reply, usage_object
from proxy.simulator.options import Object, read_effort, read_format, read_stop, read_tool_choice, read_tools
from proxy.simulator.reply import Reply
from proxy.simulator.wire import create_id, dump, parse_body

_CALLS_UNANSWERED = (
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
    "The following tool_call_ids did not have response messages: {ids}"
)
_RESULT_UNASKED = "Invalid parameter: messages with role 'tool' must be a response to a preceding message with 'tool_calls'."


class ChatRequest(msgspec.Struct):
    model: str
    messages: Annotated[list[Object], msgspec.Meta(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    n: Choices | None = None
    stop: str | list[str] | None = None
    temperature: Temperature | None = None
    tools: list[Object] | None = None
    tool_choice: str | Object | None = None
    parallel_tool_calls: bool | None = None
    response_format: Object | None = None
    reasoning_effort: str | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, msgspec.Meta(ge=0, le=MAX_TOP)] | None = None


def chat(request: Request) -> Reply:
    """POST /v1/chat/completions"""
    asked = parse_body(request.body, ChatRequest)
    check_stream_options(asked.stream, asked.stream_options)
    if asked.top_logprobs is not None and not asked.logprobs:
        raise invalid_request("The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.", param="top_logprobs")
    ask = _read(asked)
    answers = [answer(ask, variant) for variant in range(asked.n or 1)]
    usage = usage_object(ask.conversation.tokens, answers, ask.conversation.cached_tokens)
    writer = _Writer(ask, asked.top_logprobs or 0 if asked.logprobs else None)
    if asked.stream:
        # Thoughts that nobody sees are still waited for.
        hidden = 0 if ask.behaviour.style is Style.REASONING else answers[0].thought_tokens
        chunks = Chunks("chat.completion.chunk", "chatcmpl-", asked.model, asked.stream_options)
        return chunks.reply([writer.lines(n, each) for n, each in enumerate(answers)], usage, ask.behaviour.thinking(hidden))
    body = {
        "id": create_id("chatcmpl-"),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": asked.model,
        "choices": [writer.choice(n, each) for n, each in enumerate(answers)],
        "usage": usage,
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
    }
    return json_reply(body, ask.behaviour, answers, asked.model)


def _read(asked: ChatRequest) -> Ask:
    is_json, schema = read_format(asked.response_format)
    conversation = read_conversation(asked.messages, tools=asked.tools)
    _check_tool_turns(asked.messages)
    return Ask(
        conversation,
        get_chat_behaviour(asked.model),
        asked.max_completion_tokens or asked.max_tokens,
        read_stop(asked.stop),
        read_tools(asked.tools),
        read_tool_choice(asked.tool_choice, is_parallel=asked.parallel_tool_calls),
        is_json,
        schema,
        read_effort(asked.reasoning_effort, "reasoning_effort"),
    )


def _check_tool_turns(messages: Sequence[Mapping[str, Any]]) -> None:
    """Refuse calls without results and results without calls, as the real one does: a translator that loses one is found out here."""
    open_ids: list[str] = []
    has_calls = False
    for at, message in enumerate(messages):
        if message["role"] == "tool":
            if not has_calls:
                raise invalid_request(_RESULT_UNASKED, param=f"messages.[{at}].role")
            open_ids = [each for each in open_ids if each != message.get("tool_call_id")]
            continue
        if open_ids:
            break
        calls = message.get("tool_calls")
        open_ids = [str(each.get("id")) for each in calls if isinstance(each, Mapping)] if isinstance(calls, list) else []
        has_calls = bool(open_ids)
    if open_ids:
        raise invalid_request(_CALLS_UNANSWERED.format(ids=", ".join(open_ids)), param="messages")


class _Writer:
    """Writes the choices of one answer; `top_count` is None where nobody asked how likely the tokens were."""

    def __init__(self, ask: Ask, top_count: int | None) -> None:
        self._ask = ask
        self._top_count = top_count
        # OpenAI keeps its models' thoughts to itself; DeepSeek and those who follow it show them in a field of their own.
        self._shows_thought = ask.behaviour.style is Style.REASONING

    def choice(self, index: int, each: Answer) -> Object:
        message: Object = {"role": "assistant", "content": None if each.tool_calls else each.text, "refusal": None, "annotations": []}
        if self._shows_thought:
            message["reasoning_content"] = "".join(each.thought)
        if each.tool_calls:
            message["tool_calls"] = [
                {"id": create_id("call_"), "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for call in each.tool_calls
            ]
        logprobs = self._logprobs(each)
        whole = None if logprobs is None else {"content": logprobs, "refusal": None}
        return {"index": index, "message": message, "logprobs": whole, "finish_reason": self._finish_reason(each)}

    def lines(self, index: int, each: Answer) -> ChoiceLines:
        opening, deltas = _call_deltas(each.tool_calls) if each.tool_calls else self._text_deltas(each)
        logprobs = self._logprobs(each) or []
        # Only pieces of text have logarithms; whatever comes before them has none.
        padded: list[Object | None] = [None] * (len(deltas) - len(logprobs)) + [*logprobs]
        return ChoiceLines(
            _choice(index, opening),
            [_choice(index, delta, scored) for delta, scored in zip(deltas, padded, strict=True)],
            _choice(index, {}, None, self._finish_reason(each)),
        )

    def _text_deltas(self, each: Answer) -> tuple[Object, list[Object]]:
        opening: Object = {"role": "assistant", "content": "", "refusal": None}
        deltas: list[Object] = []
        if self._shows_thought:
            deltas = [{"content": None, "reasoning_content": piece} for piece in each.thought]
        return opening, deltas + [{"content": piece} for piece in each.pieces]

    def _logprobs(self, each: Answer) -> list[Object] | None:
        if self._top_count is None or each.tool_calls:
            return None
        return [as_openai(scored) for scored in score(each.pieces, self._top_count)]

    def _finish_reason(self, each: Answer) -> str:
        # OpenAI says `stop` where the caller had named the tool: nothing was left to decide.
        return "stop" if each.finish == "tool_calls" and self._ask.tool_choice.mode == "named" else each.finish


def _choice(index: int, delta: Object, scored: Object | None = None, finish: str | None = None) -> bytes:
    logprobs = b"null" if scored is None else dump({"content": [scored], "refusal": None})
    return b'{"index":%d,"delta":%b,"logprobs":%b,"finish_reason":%b}' % (index, dump(delta), logprobs, dump(finish))


def _call_deltas(calls: Sequence[ToolCall]) -> tuple[Object, list[Object]]:
    """Return the opening and the deltas of tool calls. A single one begins in the opening, as OpenAI has it; two do not."""
    opening: Object = {"role": "assistant", "content": None}
    deltas: list[Object] = []
    for n, call in enumerate(calls):
        begun = [{"index": n, "id": create_id("call_"), "type": "function", "function": {"name": call.name, "arguments": ""}}]
        if len(calls) == 1:
            opening |= {"tool_calls": begun, "refusal": None}
        else:
            deltas.append({"tool_calls": begun})
        deltas += [{"tool_calls": [{"index": n, "function": {"arguments": piece}}]} for piece in call.pieces]
    return opening, deltas
