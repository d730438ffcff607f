"""
OpenAI's chat dialect to providers that speak it: openai, openai_compatible and the simulator.

Only the model's name and the wish for usage change; all other fields pass as the client wrote them.
"""

from __future__ import annotations

from dataclasses import dataclass

from proxy.snapshot import Backend, Target
from proxy.wire.openai import ChatRequest, dump_chat_request

PROVIDERS = frozenset({"openai", "openai_compatible", "simulator"})
_PATH = "/chat/completions"


@dataclass(frozen=True, slots=True)
class UpstreamCall:
    """What is sent to a backend, relative to its endpoint."""

    path: str
    headers: list[tuple[bytes, bytes]]
    body: bytes


def translate_request(request: ChatRequest, target: Target, backend: Backend, passed_headers: list[tuple[bytes, bytes]]) -> UpstreamCall:
    """Return the call for one target. `passed_headers` are the caller's, already cut down to those that may cross."""
    headers = [
        (b"content-type", b"application/json"),
        (b"accept", b"text/event-stream" if request.is_stream else b"application/json"),
        *passed_headers,
    ]
    if backend.credential is not None:
        headers.append((b"authorization", b"Bearer " + backend.credential.reveal().encode()))
    return UpstreamCall(_PATH, headers, dump_chat_request(request, target.upstream_model))
