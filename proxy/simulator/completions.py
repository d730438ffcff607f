"""OpenAI's legacy completions, whole and as a stream."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from proxy.simulator.answer import Answer, Ask, answer
from proxy.simulator.chunks import ChoiceLines, Chunks, StreamOptions, check_stream_options
from proxy.simulator.conversation import Conversation
from proxy.simulator.errors import invalid_request
from proxy.simulator.exchange import Request
from proxy.simulator.logprobs import as_legacy, score
from proxy.simulator.openai import Choices, Temperature, get_chat_behaviour, json_reply, usage_object
from proxy.simulator.options import Object, read_stop
from proxy.simulator.reply import Reply
from proxy.simulator.text import count_tokens
from proxy.simulator.wire import create_id, dump, parse_body


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
    logprobs: Annotated[int, msgspec.Meta(ge=0, le=5)] | None = None


def completions(request: Request) -> Reply:
    """POST /v1/completions"""
    asked = parse_body(request.body, CompletionRequest)
    check_stream_options(asked.stream, asked.stream_options)
    prompts = _read_prompts(asked.prompt)
    max_tokens = 16 if asked.max_tokens is None else asked.max_tokens  # 16 is the real default, and surprises people as much there
    behaviour, stop = get_chat_behaviour(asked.model), read_stop(asked.stop)
    # These models are older than thinking.
    asks = [Ask(prompt, behaviour, max_tokens, stop, thought_tokens=0) for prompt in prompts]
    answers = [answer(ask, variant) for ask in asks for variant in range(asked.n or 1)]
    usage = usage_object(sum(prompt.tokens for prompt in prompts), answers, sum(prompt.cached_tokens for prompt in prompts))
    if asked.echo:  # after the usage: an echoed prompt is not charged twice
        answers = [_echoed(each, asks[n // (asked.n or 1)]) for n, each in enumerate(answers)]
    if asked.stream:
        chunks = Chunks("text_completion", "cmpl-", asked.model, asked.stream_options)
        return chunks.reply([_lines(n, each, asked.logprobs) for n, each in enumerate(answers)], usage, behaviour)
    body = {
        "id": create_id("cmpl-"),
        "object": "text_completion",
        "created": int(time.time()),
        "model": asked.model,
        "choices": [
            {"text": each.text, "index": n, "logprobs": _logprobs(each.pieces, asked.logprobs), "finish_reason": each.finish}
            for n, each in enumerate(answers)
        ],
        "usage": usage,
    }
    return json_reply(body, behaviour, answers, asked.model)


def _lines(index: int, each: Answer, top_count: int | None) -> ChoiceLines:
    paced: list[bytes] = []
    offset = 0
    for piece in each.pieces:
        paced.append(_choice(index, piece, _logprobs((piece,), top_count, offset)))
        offset += len(piece)
    return ChoiceLines(None, paced, _choice(index, "", None, each.finish))


def _choice(index: int, text: str, logprobs: Object | None, finish: str | None = None) -> bytes:
    return dump({"text": text, "index": index, "logprobs": logprobs, "finish_reason": finish})


def _logprobs(pieces: Sequence[str], top_count: int | None, offset: int = 0) -> Object | None:
    return None if top_count is None else as_legacy(score(pieces, top_count), offset)


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
