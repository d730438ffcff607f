"""Requests of all dialects, and what rules are shown of them in a form that is short to compare."""

from __future__ import annotations

import json
from typing import Any

from guardrails.detection import TextUnit
from proxy.guarding.texts import DIALECTS, read_all, read_request
from proxy.guarding.turns import list_units
from proxy.wire.completions import parse_completions_request
from proxy.wire.embeddings import parse_embeddings_request
from proxy.wire.messages import parse_count_tokens_request, parse_messages_request
from proxy.wire.model_request import ModelRequest
from proxy.wire.moderations import parse_moderations_request
from proxy.wire.openai import parse_chat_request
from proxy.wire.responses import parse_responses_request

PARSERS = {
    "chat": parse_chat_request,
    "completions": parse_completions_request,
    "embeddings": parse_embeddings_request,
    "moderations": parse_moderations_request,
    "responses": parse_responses_request,
    "messages": parse_messages_request,
    "count_tokens": parse_count_tokens_request,
}


def request_of(operation: str, body: dict[str, Any] | bytes) -> ModelRequest:
    written = body if isinstance(body, bytes) else json.dumps({"model": "m", **body}).encode()
    return PARSERS[operation](written, 128)


def shown(operation: str, body: dict[str, Any] | bytes) -> list[tuple[str, str, str]]:
    """Return path, trust and text of what rules are shown."""
    return [(unit.path, unit.trust, unit.text) for unit in read_request(request_of(operation, body)).units]


def exact_units(request: ModelRequest) -> list[TextUnit]:
    """Return the units as the reading says that sees every key."""
    return list_units(read_all(request), DIALECTS[request.operation])
