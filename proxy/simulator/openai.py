"""What OpenAI's endpoints share: models, errors, headers, usage, and how a body without a stream is sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from proxy.simulator.answer import Answer
from proxy.simulator.behaviour import BEHAVIOURS, Behaviour, Style, get_behaviour
from proxy.simulator.errors import ProviderError, invalid_request, model_not_found, server_error
from proxy.simulator.exchange import Request
from proxy.simulator.options import Object
from proxy.simulator.reply import Headers, JsonReply, Reply
from proxy.simulator.wire import JSON_HEADERS, create_id, dump, retry_after

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


def provider_headers(base: Headers) -> Headers:
    return (*base, (b"x-request-id", create_id("req_").encode()), *_PROVIDER_HEADERS)


def error_object(error: ProviderError) -> Object:
    return {"error": {"message": error.message, "type": error.type, "param": error.param, "code": error.code}}


# What an answer ends in that fails after its head: the 200 has long been sent, so only the body can say it.
FAILURE_BODY = dump(error_object(server_error("")))


def render_error(error: ProviderError) -> JsonReply:
    headers = (*provider_headers(JSON_HEADERS), *retry_after(error))
    return JsonReply(dump(error_object(error)), error.status, headers, model=error.model)


def get_chat_behaviour(model: str) -> Behaviour:
    """Return how a model that generates text behaves. Errors: ProviderError as `get_behaviour`, and 400 for an embedding model."""
    behaviour = get_behaviour(model)
    if behaviour.style is Style.EMBEDDING:
        raise invalid_request(f"{model} is an embedding model and does not generate text.", param="model", model=model)
    return behaviour


def models(_request: Request) -> Reply:
    """GET /v1/models"""
    body = {"object": "list", "data": [_model(name) for name in BEHAVIOURS]}
    return JsonReply(dump(body), headers=provider_headers(JSON_HEADERS))


def model(request: Request) -> Reply:
    """GET /v1/models/{model}"""
    name = request.params["model"]
    if name not in BEHAVIOURS:
        raise model_not_found(name)
    return JsonReply(dump(_model(name)), headers=provider_headers(JSON_HEADERS), model=name)


def usage_object(prompt_tokens: int, answers: Sequence[Answer], cached_tokens: int = 0) -> Object:
    """Return the usage of chat completions and of legacy completions; reasoning is a part of the completion tokens."""
    completion_tokens = sum(each.output_tokens for each in answers)
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "prompt_tokens_details": {"cached_tokens": cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": sum(each.thought_tokens for each in answers),
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def json_reply(body: Object, behaviour: Behaviour, answers: Sequence[Answer], model_name: str) -> JsonReply:
    return JsonReply(
        dump(body),
        headers=provider_headers(JSON_HEADERS),
        behaviour=behaviour,
        output_tokens=max(each.output_tokens for each in answers),
        model=model_name,
        error_body=FAILURE_BODY,
    )


def _model(name: str) -> Object:
    return {"id": name, "object": "model", "created": CREATED_S, "owned_by": "simulator"}
