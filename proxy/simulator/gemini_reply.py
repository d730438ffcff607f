"""Writes answers as Gemini's GenerateContentResponse: whole, as SSE, or as the parts of one JSON array."""

from __future__ import annotations

import os
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import shake_256
from itertools import zip_longest
from typing import Any

import msgspec

from proxy.simulator.answer import Answer, ToolCall
from proxy.simulator.behaviour import Behaviour
from proxy.simulator.conversation import Conversation
from proxy.simulator.gemini_request import Config
from proxy.simulator.logprobs import Scored, score
from proxy.simulator.options import Object
from proxy.simulator.reply import Headers, StreamReply
from proxy.simulator.text import Dice
from proxy.simulator.wire import dump

GEMINI_HEADERS: Headers = ((b"server-timing", b"gfet4t7; dur=312"), (b"x-frame-options", b"SAMEORIGIN"))
JSON_HEADERS: Headers = ((b"content-type", b"application/json; charset=UTF-8"), *GEMINI_HEADERS)
_SSE_HEADERS: Headers = ((b"content-type", b"text/event-stream"), (b"content-disposition", b"attachment"), *GEMINI_HEADERS)
_FINISH = {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP", "content_filter": "SAFETY"}
_HALF = b'{"candidates": [{"content": {"parts": [{"text": "lo'

Part = tuple[Object, int, Scored | None]  # as it is written, its tokens, and how sure the model was of it


class GeminiWriter:
    """Writes the `answers` to one question, each as a candidate."""

    def __init__(self, model: str, conversation: Conversation, config: Config, answers: Sequence[Answer]) -> None:
        thinking = config.thinkingConfig
        self._model = model
        self._conversation = conversation
        self._config = config
        self._answers = answers
        self._shows_thought = thinking is not None and thinking.includeThoughts
        self._id = urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")

    @property
    def hidden_tokens(self) -> int:
        """Return the tokens of thoughts that are not shown."""
        return 0 if self._shows_thought else self._answers[0].thought_tokens

    def whole(self) -> Object:
        candidates = []
        for index, given in enumerate(self._answers):
            parts = _joined([part for part, _, _ in self._parts(given)])
            candidates.append(self._candidate(index, parts, self._scores(given)) | _end(given))
        return self._response(candidates, sum(given.said_tokens for given in self._answers))

    def stream(self, behaviour: Behaviour, error: Object, *, is_sse: bool) -> StreamReply:
        """Return the stream: one response for each token of all candidates, and one that says why each of them ended."""
        told = 0
        responses: list[Object] = []
        for step in zip_longest(*(self._parts(given) for given in self._answers)):
            candidates = []
            for index, entry in enumerate(step):
                if entry is None:
                    continue
                part, tokens, scored = entry
                told += tokens
                candidates.append(self._candidate(index, [part], [scored] if scored else []))
            responses.append(self._response(candidates, told))
        last = [self._candidate(index, [{"text": ""}], []) | _end(given) for index, given in enumerate(self._answers)]
        closing = self._response(last, told)
        return (_as_sse if is_sse else _as_array)(responses, closing, error, behaviour, self._model)

    def _parts(self, given: Answer) -> list[Part]:
        parts: list[Part] = []
        if self._shows_thought:
            parts += [({"text": piece, "thought": True}, 0, None) for piece in given.thought]
        signature = _sign(given.thought)
        if given.tool_calls:
            for n, call in enumerate(given.tool_calls):
                arguments = _parsed(call)
                if arguments is None:
                    continue  # cut off by the limit: half a call is none
                part: Object = {"functionCall": {"id": _create_call_id(), "name": call.name, "args": arguments}}
                if n == 0 and signature:
                    part["thoughtSignature"] = signature
                parts.append((part, call.tokens, None))
            return parts
        scored: Sequence[Scored | None] = self._scores(given) or [None] * len(given.pieces)
        return parts + [({"text": piece}, 1, each) for piece, each in zip(given.pieces, scored, strict=True)]

    def _scores(self, given: Answer) -> list[Scored]:
        if not self._config.responseLogprobs or given.tool_calls:
            return []
        return list(score(given.pieces, self._config.logprobs or 0))

    def _candidate(self, index: int, parts: list[Object], scores: Sequence[Scored]) -> Object:
        content: Object = {"parts": parts, "role": "model"} if parts else {"role": "model"}
        candidate: Object = {"content": content, "index": index}
        if scores:
            candidate["avgLogprobs"] = sum(each.logprob for each in scores) / len(scores)
            candidate["logprobsResult"] = _logprobs(scores, has_top=self._config.logprobs is not None)
        return candidate

    def _response(self, candidates: list[Object], said_tokens: int) -> Object:
        return {"candidates": candidates, "usageMetadata": self._usage(said_tokens), "modelVersion": self._model, "responseId": self._id}

    def _usage(self, said_tokens: int) -> Object:
        """Return the tokens so far. Thoughts stand beside what was said, not in it, and are all there from the first response on."""
        conversation = self._conversation
        thought_tokens = sum(given.thought_tokens for given in self._answers)
        usage: Object = {
            "promptTokenCount": conversation.tokens,
            "candidatesTokenCount": said_tokens,
            "totalTokenCount": conversation.tokens + said_tokens + thought_tokens,
            "promptTokensDetails": prompt_details(conversation),
            "serviceTier": "standard",
        }
        if not said_tokens:
            del usage["candidatesTokenCount"]  # zero is left out in Google's JSON
        if thought_tokens:
            usage["thoughtsTokenCount"] = thought_tokens
        if conversation.cached_tokens:
            usage["cachedContentTokenCount"] = conversation.cached_tokens
            usage["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": conversation.cached_tokens}]
        return usage


def prompt_details(conversation: Conversation) -> list[Object]:
    """Return the tokens of a prompt by what they stand for."""
    details = [{"modality": "TEXT", "tokenCount": conversation.tokens - conversation.image_tokens}]
    if conversation.image_tokens:
        details.append({"modality": "IMAGE", "tokenCount": conversation.image_tokens})
    return details


def _end(given: Answer) -> Object:
    end: Object = {"finishReason": _FINISH[given.finish]}
    if given.finish == "tool_calls":
        end["finishMessage"] = "Model generated function call(s)."
    return end


def _joined(parts: Sequence[Object]) -> list[Object]:
    """Return parts with neighbouring texts of one kind in one part, as in a body that is no stream."""
    joined: list[Object] = []
    for part in parts:
        if joined and "text" in part and "text" in joined[-1] and part.get("thought") == joined[-1].get("thought"):
            joined[-1] = joined[-1] | {"text": joined[-1]["text"] + part["text"]}
        else:
            joined.append(part)
    return joined


def _logprobs(scores: Sequence[Scored], *, has_top: bool) -> Object:
    result: Object = {"chosenCandidates": [_token(each.token, each.logprob) for each in scores]}
    if has_top:
        result["topCandidates"] = [{"candidates": [_token(token, logprob) for token, logprob in each.top]} for each in scores]
    return result


def _token(token: str, logprob: float) -> Object:
    return {"token": token, "tokenId": Dice(token).below(256_000), "logProbability": logprob}


def _sign(thought: Sequence[str]) -> str:
    return b64encode(shake_256("".join(thought).encode()).digest(48)).decode() if thought else ""


def _create_call_id() -> str:
    return urlsafe_b64encode(os.urandom(6)).decode()


def _parsed(call: ToolCall) -> Any:
    try:
        return msgspec.json.decode(call.arguments)
    except msgspec.DecodeError:
        return None


def _as_sse(responses: Sequence[Object], closing: Object, error: Object, behaviour: Behaviour, model: str) -> StreamReply:
    return StreamReply(
        opening=(),
        paced=[_sse(response) for response in responses],
        closing=(_sse(closing),),
        error=(_sse(error),),
        broken=b"data: " + _HALF + b"\r\n\r\n",
        headers=_SSE_HEADERS,
        behaviour=behaviour,
        model=model,
    )


def _sse(value: Object) -> bytes:
    return b"data: " + dump(value) + b"\r\n\r\n"  # Google's lines end in CRLF


def _as_array(responses: Sequence[Object], closing: Object, error: Object, behaviour: Behaviour, model: str) -> StreamReply:
    frames = [(b"," if n else b"[") + dump(response) + b"\r\n" for n, response in enumerate((*responses, closing))]
    return StreamReply(
        opening=(),
        paced=frames[:-1],
        closing=(frames[-1], b"]\r\n"),
        error=(b"," + dump(error) + b"\r\n", b"]\r\n"),
        broken=b"," + _HALF + b"\r\n",
        headers=JSON_HEADERS,
        behaviour=behaviour,
        model=model,
    )
