"""Gemini's dialect: generate, stream, count, embed, list models, and how it writes errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

import msgspec

from proxy.simulator.answer import CONTEXT_TOKENS, answer
from proxy.simulator.behaviour import BEHAVIOURS, EMBEDDING, Style, get_behaviour
from proxy.simulator.embeddings import read_inputs, usual_dimensions
from proxy.simulator.errors import ProviderError, invalid_request, model_not_found, server_error
from proxy.simulator.exchange import Request
from proxy.simulator.gemini_fields import BATCH, COUNT, EMBED
from proxy.simulator.gemini_reply import JSON_HEADERS, GeminiWriter, prompt_details
from proxy.simulator.gemini_request import Content, GenerateRequest, parse_fields, read_ask, read_contents, texts
from proxy.simulator.openai import get_chat_behaviour
from proxy.simulator.options import Object
from proxy.simulator.reply import JsonReply, Reply
from proxy.simulator.vectors import MAX_DIMENSIONS, embed_text
from proxy.simulator.wire import dump, retry_after

_STATUSES: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
_TYPE = "type.googleapis.com/google.rpc."
_MAX_BATCH = 100


class CountRequest(msgspec.Struct):
    contents: list[Content] = []
    generateContentRequest: GenerateRequest | None = None  # noqa: N815 (Google's names, here and below)


class EmbedRequest(msgspec.Struct):
    content: Content
    model: str = ""
    outputDimensionality: Annotated[int, msgspec.Meta(ge=1, le=MAX_DIMENSIONS)] | None = None  # noqa: N815


class BatchRequest(msgspec.Struct):
    requests: Annotated[list[EmbedRequest], msgspec.Meta(min_length=1, max_length=_MAX_BATCH)]


def render_error(error: ProviderError) -> JsonReply:
    status, message = _restate(error)
    return JsonReply(dump(_error_object(error, status, message)), status, (*JSON_HEADERS, *retry_after(error)), model=error.model)


def generate(request: Request) -> Reply:
    """POST /v1beta/models/{model}:generateContent"""
    name = request.params["model"]
    ask, config = read_ask(request.body, name)
    answers = [answer(ask, variant) for variant in range(config.candidateCount)]
    return JsonReply(
        dump(GeminiWriter(name, ask.conversation, config, answers).whole()),
        headers=JSON_HEADERS,
        behaviour=ask.behaviour,
        output_tokens=max(given.output_tokens for given in answers),
        model=name,
        error_body=dump(_failure()),
    )


def stream(request: Request) -> Reply:
    """POST /v1beta/models/{model}:streamGenerateContent: SSE with `alt=sse`, one JSON array without"""
    name = request.params["model"]
    ask, config = read_ask(request.body, name)
    answers = [answer(ask, variant) for variant in range(config.candidateCount)]
    writer = GeminiWriter(name, ask.conversation, config, answers)
    return writer.stream(ask.behaviour.thinking(writer.hidden_tokens), _failure(), is_sse=request.query.get("alt") == "sse")


def count_tokens(request: Request) -> Reply:
    """POST /v1beta/models/{model}:countTokens"""
    name = request.params["model"]
    behaviour = get_chat_behaviour(name).delayed(0.0)
    asked = parse_fields(request.body, COUNT, CountRequest)
    conversation = read_contents(asked.generateContentRequest or GenerateRequest(asked.contents))
    body: Object = {"totalTokens": conversation.tokens, "promptTokensDetails": prompt_details(conversation)}
    if conversation.cached_tokens:
        body["cachedContentTokenCount"] = conversation.cached_tokens
    return JsonReply(dump(body), headers=JSON_HEADERS, behaviour=behaviour, model=name)


def embed(request: Request) -> Reply:
    """POST /v1beta/models/{model}:embedContent"""
    asked = parse_fields(request.body, EMBED, EmbedRequest)
    return _embedding_reply(request, lambda name: {"embedding": _embedding(name, asked)})


def embed_batch(request: Request) -> Reply:
    """POST /v1beta/models/{model}:batchEmbedContents"""
    asked = parse_fields(request.body, BATCH, BatchRequest)
    for n, each in enumerate(asked.requests):
        if each.model != f"models/{request.params['model']}":
            message = f"* BatchEmbedContentsRequest.requests[{n}].model: the model in the request must match the one in the URL\n"
            raise invalid_request(message)
    return _embedding_reply(request, lambda name: {"embeddings": [_embedding(name, each) for each in asked.requests]})


def models(_request: Request) -> Reply:
    """GET /v1beta/models"""
    return JsonReply(dump({"models": [_model(name) for name in BEHAVIOURS]}), headers=JSON_HEADERS)


def model(request: Request) -> Reply:
    """GET /v1beta/models/{model}"""
    name = request.params["model"]
    if name not in BEHAVIOURS:
        raise model_not_found(name)
    return JsonReply(dump(_model(name)), headers=JSON_HEADERS, model=name)


def _restate(error: ProviderError) -> tuple[int, str]:
    """Return the status and the message that Google has for an error."""
    match error.code:
        case "invalid_api_key":
            return 400, "API key not valid. Please pass a valid API key."
        case "model_not_found":
            return 404, f"models/{error.model} is not found for API version v1beta, or is not supported for generateContent."
        case "missing_required_parameter":
            return 400, f"* {error.param}: is required\n"
        case "overloaded":
            return 503, "The model is overloaded. Please try again later."
    if error.status == 401:
        return 403, (
            "Method doesn't allow unregistered callers (callers without established identity). "
            "Please use API Key or other form of API consumer identity to call this API."
        )
    if error.status == 429:
        return 429, "You exceeded your current quota, please check your plan and billing details. Please retry in 2s."
    return error.status, error.message


def _error_object(error: ProviderError, status: int, message: str) -> Object:
    details: list[Object] = []
    if error.code == "invalid_api_key":
        info = {"reason": "API_KEY_INVALID", "domain": "googleapis.com", "metadata": {"service": "generativelanguage.googleapis.com"}}
        details.append({"@type": _TYPE + "ErrorInfo"} | info)
    if error.code == "unknown_parameter":
        details.append({"@type": _TYPE + "BadRequest", "fieldViolations": [{"field": error.param or "", "description": message}]})
    if error.retry_after_s is not None:
        details.append({"@type": _TYPE + "RetryInfo", "retryDelay": f"{error.retry_after_s}s"})
    body: Object = {"code": status, "message": message, "status": _STATUSES.get(status, "UNKNOWN")}
    return {"error": body | {"details": details} if details else body}


def _failure() -> Object:
    message = "An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting"
    return _error_object(server_error(""), 500, message)


def _embedding_reply(request: Request, write: Callable[[str], Object]) -> JsonReply:
    name = request.params["model"]
    behaviour = get_behaviour(name, EMBEDDING)
    return JsonReply(dump(write(name)), headers=JSON_HEADERS, behaviour=behaviour, model=name, error_body=dump(_failure()))


def _embedding(name: str, asked: EmbedRequest) -> Object:
    read, _ = read_inputs(texts(asked.content))
    return {"values": embed_text(read[0], asked.outputDimensionality or usual_dimensions(name)).tolist()}


def _model(name: str) -> Object:
    is_embedding = BEHAVIOURS[name].style is Style.EMBEDDING
    methods = ["embedContent", "batchEmbedContents"] if is_embedding else ["generateContent", "streamGenerateContent", "countTokens"]
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": name,
        "inputTokenLimit": CONTEXT_TOKENS,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": methods,
    }
