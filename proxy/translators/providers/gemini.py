"""Google's Gemini: `generateContent`. The backend's endpoint reaches up to and with the version (`/v1beta`)."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

import msgspec

from proxy.snapshot import Backend, Target
from proxy.translators.conversation import Conversation, Reply
from proxy.translators.providers import gemini_errors, gemini_reply
from proxy.translators.providers.gemini_request import PROVIDER, build_request
from proxy.translators.translation import Headers, ProviderCodec, UpstreamCall
from proxy.wire.upstream_error import UpstreamErrorDetail

_encoder: Final = msgspec.json.Encoder()


class GeminiCodec:
    """See `ProviderCodec`."""

    name = PROVIDER

    def dump_request(self, conversation: Conversation, target: Target, backend: Backend) -> UpstreamCall:
        method = "streamGenerateContent?alt=sse" if conversation.is_stream else "generateContent"
        body = _encoder.encode(build_request(conversation))
        return UpstreamCall(model_path(target.upstream_model, method), call_headers(backend, is_stream=conversation.is_stream), body)

    def parse_reply(self, body: bytes) -> Reply:
        return gemini_reply.parse_reply(body)

    def begin_stream(self) -> gemini_reply.GeminiStream:
        return gemini_reply.GeminiStream()

    def parse_error(self, status: int, body: bytes) -> UpstreamErrorDetail | None:
        return gemini_errors.parse_error(status, body)


def model_name(upstream_model: str) -> str:
    """Return a model's name as Gemini's resources are called; a tuned model stands in a collection of its own already."""
    return upstream_model if "/" in upstream_model else f"models/{upstream_model}"


def model_path(upstream_model: str, method: str) -> str:
    return f"/{quote(model_name(upstream_model))}:{method}"


def call_headers(backend: Backend, *, is_stream: bool = False) -> Headers:
    """Return the headers of a call. The credential is never a part of the URL, which ends up in logs."""
    headers = [(b"content-type", b"application/json"), (b"accept", b"text/event-stream" if is_stream else b"application/json")]
    if backend.credential is not None:
        headers.append((b"x-goog-api-key", backend.credential.reveal().encode()))
    return headers


CODEC: ProviderCodec = GeminiCodec()
