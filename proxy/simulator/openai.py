"""OpenAI's dialect: chat completions, legacy completions, models, and how it writes errors."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Annotated, Any

import msgspec

from proxy.simulator.answer import Answer, Ask, Conversation, answer, read_conversation
from proxy.simulator.behaviour import BEHAVIOURS, Behaviour, Style, get_behaviour
from proxy.simulator.errors import ProviderError, invalid_request, model_not_found, server_error
from proxy.simulator.exchange import Request
from proxy.simulator.options import Object, read_format, read_stop, read_tool_choice, read_tools
from proxy.simulator.reply import Headers, JsonReply, Reply, StreamReply
from proxy.simulator.text import count_tokens
from proxy.simulator.wire import BROKEN_SSE, DONE, JSON_HEADERS, SSE_HEADERS, create_id, dump, parse_body, retry_after

FINGERPRINT = "fp_simulator"
CREATED_S = 1_735_689_600  # when the models say that they were made

# What the real one sends beside its answers; a gateway must keep all of it to itself.
_PROVIDER_HEADERS: Headers = (
    (b"openai-organization", b"simulator"),
    (b"openai-version", b"2020-10-01"),
    (b"x-ratelimit-limit-requests", b"10000"),
    (b"x-ratelimit-remaining-requests", b"9999"),
    (b"x-ratelimit-reset-requests", b"6ms"),
    (b"set-cookie", b"__cf_bm=simulator; path=/; HttpOnly; Secure; SameSite=None"),
)

Count = Annotated[int, msgspec.Meta(ge=1)]
Choices = Annotated[int, msgspec.Meta(ge=1, le=128)]
Temperature = Annotated[float, msgspec.Meta(ge=0, le=2)]


class StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


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


class CompletionRequest(msgspec.Struct):
    model: str
    prompt: str | list[str | int | list[int]] = "<|endoftext|>"
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Annotated[int, msgspec.Meta(ge=0)] | None = None
    n: Choices | None = None
    stop: str | list[str] | None = None
    temperature: Temperature | None = None
    echo: bool | None = None


def provider_headers(base: Headers) -> Headers:
    return (*base, (b"x-request-id", create_id("req_").encode()), *_PROVIDER_HEADERS)


def error_object(error: ProviderError) -> Object:
    return {"error": {"message": error.message, "type": error.type, "param": error.param, "code": error.code}}


# What an answer ends in that fails after its head: the 200 has long been sent, so only the body can say it.
FAILURE_BODY = dump(error_object(server_error("")))
_FAILURE_FRAME = b"data: " + FAILURE_BODY + b"\n\n"


def render_error(error: ProviderError) -> JsonReply:
    headers = (*provider_headers(JSON_HEADERS), *retry_after(error))
    return JsonReply(dump(error_object(error)), error.status, headers, model=error.model)


def get_chat_behaviour(model: str) -> Behaviour:
    """Return how a model that generates text behaves. Errors: ProviderError as `get_behaviour`, and 400 for an embedding model."""
    behaviour = get_behaviour(model)
    if behaviour.style is Style.EMBEDDING:
        raise invalid_request(f"{model} is an embedding model and does not generate text.", param="model", model=model)
    return behaviour


def chat(request: Request) -> Reply:
    """POST /v1/chat/completions"""
    asked = parse_body(request.body, ChatRequest)
    _check_stream_options(asked.stream, asked.stream_options)
    is_json, schema = read_format(asked.response_format)
    ask = Ask(
        read_conversation(asked.messages, tools=asked.tools),
        get_chat_behaviour(asked.model),
        asked.max_completion_tokens or asked.max_tokens,
        read_stop(asked.stop),
        read_tools(asked.tools),
        read_tool_choice(asked.tool_choice, is_parallel=asked.parallel_tool_calls),
        is_json,
        schema,
    )
    answers = [answer(ask, variant) for variant in range(asked.n or 1)]
    usage = usage_object(ask.conversation.tokens, sum(each.output_tokens for each in answers))
    if asked.stream:
        chunks = _Chunks("chat.completion.chunk", "chatcmpl-", asked.model, asked.stream_options)
        return chunks.reply(answers, usage, ask, _chat_choice, _chat_deltas)
    body = {
        "id": create_id("chatcmpl-"),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": asked.model,
        "choices": [
            {"index": n, "message": _message(each), "logprobs": None, "finish_reason": _finish_reason(each, ask)}
            for n, each in enumerate(answers)
        ],
        "usage": usage,
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
    }
    return _json_reply(body, ask.behaviour, answers, asked.model)


def completions(request: Request) -> Reply:
    """POST /v1/completions"""
    asked = parse_body(request.body, CompletionRequest)
    _check_stream_options(asked.stream, asked.stream_options)
    prompts = _read_prompts(asked.prompt)
    max_tokens = 16 if asked.max_tokens is None else asked.max_tokens  # 16 is the real default, and surprises people as much there
    behaviour, stop = get_chat_behaviour(asked.model), read_stop(asked.stop)
    asks = [Ask(prompt, behaviour, max_tokens, stop) for prompt in prompts]
    answers = [answer(ask, variant) for ask in asks for variant in range(asked.n or 1)]
    usage = usage_object(sum(prompt.tokens for prompt in prompts), sum(each.output_tokens for each in answers))
    if asked.echo:  # after the usage: an echoed prompt is not charged twice
        answers = [_echoed(each, asks[n // (asked.n or 1)]) for n, each in enumerate(answers)]
    if asked.stream:
        chunks = _Chunks("text_completion", "cmpl-", asked.model, asked.stream_options)
        return chunks.reply(answers, usage, asks[0], _text_choice, lambda each: (None, [dump(piece) for piece in each.pieces]))
    body = {
        "id": create_id("cmpl-"),
        "object": "text_completion",
        "created": int(time.time()),
        "model": asked.model,
        "choices": [{"text": each.text, "index": n, "logprobs": None, "finish_reason": each.finish} for n, each in enumerate(answers)],
        "usage": usage,
    }
    return _json_reply(body, behaviour, answers, asked.model)


def models(_request: Request) -> Reply:
    """GET /v1/models"""
    body = {"object": "list", "data": [_model(name) for name in BEHAVIOURS]}
    return JsonReply(dump(body), headers=provider_headers(JSON_HEADERS))


def model(request: Request) -> Reply:
    """GET /v1/models/{id}"""
    name = request.path.removeprefix("/v1/models/")
    if name not in BEHAVIOURS:
        raise model_not_found(name)
    return JsonReply(dump(_model(name)), headers=provider_headers(JSON_HEADERS), model=name)


def usage_object(prompt_tokens: int, completion_tokens: int) -> Object:
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


class _Chunks:
    """
    Writes the chunks of one stream, in OpenAI's order: roles, contents, reasons to finish, usage if asked for, the end mark.

    `usage` is null in all chunks but that last one when the client asked for it, and absent when it did not.
    """

    def __init__(self, object_name: str, id_prefix: str, model_name: str, options: StreamOptions | None) -> None:
        self._has_usage = options is not None and options.include_usage is True
        common: Object = {"id": create_id(id_prefix), "object": object_name, "created": int(time.time()), "model": model_name}
        if object_name == "chat.completion.chunk":
            common |= {"service_tier": "default", "system_fingerprint": FINGERPRINT}
        self._model = model_name
        self._head = b"data: " + dump(common)[:-1] + b',"choices":['
        self._tail = b'],"usage":null}\n\n' if self._has_usage else b"]}\n\n"

    def reply(
        self,
        answers: Sequence[Answer],
        usage: Object,
        ask: Ask,
        choice: Callable[[int, bytes, str | None], bytes],
        deltas: Callable[[Answer], tuple[bytes | None, list[bytes]]],
    ) -> StreamReply:
        """Return the stream: `deltas` gives an opening delta, if the dialect has one, and one delta per token; `choice` wraps them."""
        written = [deltas(each) for each in answers]
        opening = [self._frame(choice(n, first, None)) for n, (first, _) in enumerate(written) if first is not None]
        lines = [[self._frame(choice(n, delta, None)) for delta in later] for n, (_, later) in enumerate(written)]
        paced = lines[0] if len(lines) == 1 else [b"".join(step) for step in zip_longest(*lines, fillvalue=b"")]
        closing = [self._frame(choice(n, b"", _finish_reason(each, ask))) for n, each in enumerate(answers)]
        if self._has_usage:
            closing.append(self._head + b'],"usage":' + dump(usage) + b"}\n\n")
        closing.append(DONE)
        return StreamReply(
            opening,
            paced,
            closing,
            error=(_FAILURE_FRAME, DONE),
            broken=BROKEN_SSE,
            headers=provider_headers(SSE_HEADERS),
            behaviour=ask.behaviour,
            model=self._model,
        )

    def _frame(self, choice: bytes) -> bytes:
        return self._head + choice + self._tail


def _chat_choice(index: int, delta: bytes, finish: str | None) -> bytes:
    return b'{"index":%d,"delta":%b,"logprobs":null,"finish_reason":%b}' % (index, delta or b"{}", dump(finish))


def _text_choice(index: int, text: bytes, finish: str | None) -> bytes:
    return b'{"text":%b,"index":%d,"logprobs":null,"finish_reason":%b}' % (text or b'""', index, dump(finish))


def _chat_deltas(each: Answer) -> tuple[bytes | None, list[bytes]]:
    if not each.tool_calls:
        return b'{"role":"assistant","content":"","refusal":null}', [b'{"content":%b}' % dump(piece) for piece in each.pieces]
    deltas: list[bytes] = []
    for n, call in enumerate(each.tool_calls):
        function = {"name": call.name, "arguments": ""}
        deltas.append(dump({"tool_calls": [{"index": n, "id": create_id("call_"), "type": "function", "function": function}]}))
        deltas += [dump({"tool_calls": [{"index": n, "function": {"arguments": piece}}]}) for piece in call.pieces]
    return b'{"role":"assistant","content":null}', deltas


def _message(each: Answer) -> Object:
    message: Object = {"role": "assistant", "content": None if each.tool_calls else each.text, "refusal": None, "annotations": []}
    if each.tool_calls:
        message["tool_calls"] = [
            {"id": create_id("call_"), "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in each.tool_calls
        ]
    return message


def _finish_reason(each: Answer, ask: Ask) -> str:
    # OpenAI says `stop` where the caller had named the tool: nothing was left to decide.
    return "stop" if each.finish == "tool_calls" and ask.tool_choice.mode == "named" else each.finish


def _json_reply(body: Object, behaviour: Behaviour, answers: Sequence[Answer], model_name: str) -> JsonReply:
    return JsonReply(
        dump(body),
        headers=provider_headers(JSON_HEADERS),
        behaviour=behaviour,
        output_tokens=max(each.output_tokens for each in answers),
        model=model_name,
        error_body=FAILURE_BODY,
    )


def _check_stream_options(stream: bool | None, options: StreamOptions | None) -> None:
    if options is not None and not stream:
        raise invalid_request("The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options")


def _read_prompts(prompt: str | Sequence[Any]) -> list[Conversation]:
    """Return each prompt as a conversation; a prompt may be a text or the numbers of its tokens."""
    if isinstance(prompt, str):
        return [Conversation(prompt, prompt, count_tokens(prompt))]
    if not prompt:
        raise invalid_request("Invalid 'prompt': empty array.", param="prompt", code="empty_array")
    if all(isinstance(part, int) for part in prompt):
        return [_numbered(prompt)]
    return [_read_prompts(part)[0] if isinstance(part, str) else _numbered(part) for part in prompt if not isinstance(part, int)]


def _numbered(token_ids: Sequence[Any]) -> Conversation:
    text = " ".join(map(str, token_ids))
    return Conversation(text, text, len(token_ids))


def _echoed(each: Answer, ask: Ask) -> Answer:
    return Answer((ask.conversation.text, *each.pieces), finish=each.finish)


def _model(name: str) -> Object:
    return {"id": name, "object": "model", "created": CREATED_S, "owned_by": "simulator"}
