"""
Azure's dialect: OpenAI's endpoints under other addresses, with Azure's errors, headers and content filter.

`/openai/deployments/{deployment}/...` names the model in its path and needs an `api-version`; `/openai/v1/...` is OpenAI's own shape.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from proxy.simulator import chat as openai_chat
from proxy.simulator import completions as openai_completions
from proxy.simulator import embeddings as openai_embeddings
from proxy.simulator.errors import ProviderError
from proxy.simulator.exchange import Request
from proxy.simulator.openai import error_object
from proxy.simulator.options import Object
from proxy.simulator.reply import Headers, JsonReply, Reply, StreamReply
from proxy.simulator.wire import JSON_HEADERS, dump, parse_body, retry_after, sse

Handler = Callable[[Request], Reply]

# A prompt with this word is answered under the asynchronous filter, whose last chunk is a choice without a delta.
ASYNC_FILTER_WORD = b"sim-async-filter"
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?")
_OPEN_VERSIONS = ("preview", "latest", "v1")
_KEPT_HEADERS = (b"content-type", b"cache-control")
_SAFE: Object = {name: {"filtered": False, "severity": "safe"} for name in ("hate", "self_harm", "sexual", "violence")}
_PROMPT_FILTER: list[Object] = [
    {"prompt_index": 0, "content_filter_results": _SAFE | {"jailbreak": {"filtered": False, "detected": False}}}
]
_EMPTY: Object = {"id": "", "object": "", "created": 0, "model": ""}
_OPENING_FRAME = sse(_EMPTY | {"choices": [], "prompt_filter_results": _PROMPT_FILTER})
_OFFSETS: Object = {"check_offset": 44, "start_offset": 44, "end_offset": 198}
_LATE_FRAME = sse(
    _EMPTY
    | {"choices": [{"index": 0, "finish_reason": None, "content_filter_results": _SAFE, "content_filter_offsets": _OFFSETS}], "usage": None}
)
_MISSING_KEY = "Access denied due to missing subscription key. Make sure to include subscription key when making requests to an API."
_WRONG_KEY = (
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active "
    "subscription and use a correct regional API endpoint for your resource."
)
_NO_DEPLOYMENT = (
    "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a "
    "moment and try again."
)
_TOO_MANY = (
    "Requests to the ChatCompletions_Create Operation under Azure OpenAI API have exceeded call rate limit of your current OpenAI S0 "
    "pricing tier. Please retry after 2 seconds."
)
_RESTATED: Mapping[str, tuple[str, str]] = {
    "invalid_api_key": ("401", _WRONG_KEY),
    "model_not_found": ("DeploymentNotFound", _NO_DEPLOYMENT),
    "rate_limit_exceeded": ("429", _TOO_MANY),
}


def render_error(error: ProviderError) -> JsonReply:
    """Write an error: those of Azure's front door have a `code` and a `message` alone, those of the models are OpenAI's."""
    if error.code is not None and error.code in _RESTATED:
        body = _plain(*_RESTATED[error.code])
    elif error.status == 401:
        body = _plain("401", _MISSING_KEY)
    elif error.status in (404, 405) and error.code in (None, "method_not_supported"):
        body = _plain("404", "Resource not found")
    elif error.code == "unsupported_version":
        body = _plain("BadRequest", error.message)
    else:
        body = error_object(error)
    return JsonReply(dump(body), error.status, (*_headers(JSON_HEADERS), *retry_after(error)), model=error.model)


def chat(request: Request) -> Reply:
    """POST /openai/deployments/{deployment}/chat/completions"""
    return _filtered(openai_chat.chat(_for_deployment(request)), request)


def completions(request: Request) -> Reply:
    """POST /openai/deployments/{deployment}/completions"""
    return _filtered(openai_completions.completions(_for_deployment(request)), request)


def embeddings(request: Request) -> Reply:
    """POST /openai/deployments/{deployment}/embeddings"""
    return _as_azure(openai_embeddings.embeddings(_for_deployment(request)))


def filtered(handler: Handler) -> Handler:
    """Return OpenAI's handler of an endpoint that generates text, for `/openai/v1/...`."""

    def handle(request: Request) -> Reply:
        _check_open_version(request)
        return _filtered(handler(request), request)

    return handle


def plain(handler: Handler) -> Handler:
    """Return OpenAI's handler of any other endpoint, for `/openai/v1/...`."""

    def handle(request: Request) -> Reply:
        _check_open_version(request)
        return _as_azure(handler(request))

    return handle


def _for_deployment(request: Request) -> Request:
    """Return OpenAI's request for Azure's: the deployment is the model, whatever the body says."""
    if not _VERSION.fullmatch(request.query.get("api-version", "")):
        raise ProviderError(404, "Resource not found")
    fields = parse_body(request.body, dict[str, Any])
    return dataclasses.replace(request, body=dump(fields | {"model": request.params["deployment"]}))


def _check_open_version(request: Request) -> None:
    if request.query.get("api-version", "v1") not in _OPEN_VERSIONS:
        raise ProviderError(400, "API version not supported", code="unsupported_version")


def _filtered(reply: Reply, request: Request) -> Reply:
    """Add what the content filter says: a first chunk without choices, fields in a body, and at will a last chunk without a delta."""
    if isinstance(reply, StreamReply):
        closing = reply.closing
        if ASYNC_FILTER_WORD in request.body:
            closing = (*closing[:-1], _LATE_FRAME, closing[-1])
        return _as_azure(dataclasses.replace(reply, opening=(_OPENING_FRAME, *reply.opening), closing=closing))
    body = msgspec.json.decode(reply.body)
    for choice in body["choices"]:
        choice["content_filter_results"] = _SAFE
    return _as_azure(dataclasses.replace(reply, body=dump(body | {"prompt_filter_results": _PROMPT_FILTER})))


def _as_azure(reply: Reply) -> Reply:
    kept = tuple(pair for pair in reply.headers if pair[0] in _KEPT_HEADERS)
    return dataclasses.replace(reply, headers=_headers(kept))


def _headers(base: Headers) -> Headers:
    return (
        *base,
        (b"apim-request-id", os.urandom(16).hex().encode()),
        (b"x-ms-region", b"Simulated"),
        (b"x-ratelimit-limit-requests", b"1000"),
        (b"x-ratelimit-remaining-requests", b"999"),
        (b"azureml-model-session", b"simulator"),
    )


def _plain(code: str, message: str) -> Object:
    return {"error": {"code": code, "message": message}}
