"""Ollama's own API: `/api/chat`. The backend's endpoint is the root of the server."""

from __future__ import annotations

from typing import Final

import msgspec

from proxy.snapshot import Backend, Target
from proxy.translators.conversation import Conversation, Reply
from proxy.translators.providers import ollama_errors, ollama_reply
from proxy.translators.providers.ollama_request import PROVIDER, build_request
from proxy.translators.translation import Headers, ProviderCodec, UpstreamCall
from proxy.wire.upstream_error import UpstreamErrorDetail

_encoder: Final = msgspec.json.Encoder()


class OllamaCodec:
    """See `ProviderCodec`."""

    name = PROVIDER

    def dump_request(self, conversation: Conversation, _target: Target, backend: Backend) -> UpstreamCall:
        return UpstreamCall(
            "/api/chat", call_headers(backend, is_stream=conversation.is_stream), _encoder.encode(build_request(conversation))
        )

    def parse_reply(self, body: bytes) -> Reply:
        return ollama_reply.parse_reply(body)

    def begin_stream(self) -> ollama_reply.OllamaStream:
        return ollama_reply.OllamaStream()

    def parse_error(self, status: int, body: bytes) -> UpstreamErrorDetail | None:
        return ollama_errors.parse_error(status, body)


def call_headers(backend: Backend, *, is_stream: bool = False) -> Headers:
    """Return the headers of a call. A credential is for a proxy in front of an Ollama, or for Ollama's own cloud."""
    headers = [(b"content-type", b"application/json"), (b"accept", b"application/x-ndjson" if is_stream else b"application/json")]
    if backend.credential is not None:
        headers.append((b"authorization", b"Bearer " + backend.credential.reveal().encode()))
    return headers


CODEC: ProviderCodec = OllamaCodec()
