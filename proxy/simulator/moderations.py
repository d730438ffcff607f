"""OpenAI's moderations endpoint: one word, `sim-flagged`, is what it objects to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from proxy.simulator.behaviour import Behaviour, get_behaviour
from proxy.simulator.errors import invalid_request
from proxy.simulator.exchange import Request
from proxy.simulator.openai import FAILURE_BODY, provider_headers
from proxy.simulator.options import Object
from proxy.simulator.reply import JsonReply, Reply
from proxy.simulator.text import Dice
from proxy.simulator.wire import JSON_HEADERS, create_id, dump, parse_body

FLAGGED_WORD = "sim-flagged"
_MODERATION = Behaviour(first_token_s=0.03)
_CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "sexual",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm/intent",
    "self-harm/instructions",
    "self-harm",
    "sexual/minors",
    "violence",
    "violence/graphic",
)
_FOUND = frozenset({"violence", "harassment"})
_SEEN_IN_IMAGES = frozenset({"sexual", "self-harm", "self-harm/intent", "self-harm/instructions", "violence", "violence/graphic"})


class ModerationRequest(msgspec.Struct):
    input: str | list[str | Object]
    model: str = "omni-moderation-latest"


def moderations(request: Request) -> Reply:
    """POST /v1/moderations"""
    asked = parse_body(request.body, ModerationRequest)
    behaviour = get_behaviour(asked.model, _MODERATION)
    body = {
        "id": create_id("modr-"),
        "model": asked.model,
        "results": [_result(text, has_image) for text, has_image in _read_inputs(asked.input)],
    }
    return JsonReply(dump(body), headers=provider_headers(JSON_HEADERS), behaviour=behaviour, model=asked.model, error_body=FAILURE_BODY)


def _read_inputs(given: str | Sequence[str | Mapping[str, Any]]) -> list[tuple[str, bool]]:
    """Return each text to judge and whether an image belongs to it: texts are judged one by one, the parts of a message together."""
    if isinstance(given, str):
        return [(given, False)]
    if not given:
        raise invalid_request("Invalid 'input': empty array.", param="input", code="empty_array")
    texts = [part for part in given if isinstance(part, str)]
    if len(texts) == len(given):
        return [(text, False) for text in texts]
    parts = [part for part in given if isinstance(part, Mapping)]
    if len(parts) != len(given) or any(part.get("type") not in ("text", "image_url") for part in parts):
        raise invalid_request("Invalid type for 'input': expected texts, or parts of type 'text' and 'image_url'.", param="input")
    has_image = any(part["type"] == "image_url" for part in parts)
    return [("\n".join(str(part.get("text", "")) for part in parts), has_image)]


def _result(text: str, has_image: bool) -> Object:
    is_flagged = FLAGGED_WORD in text
    dice = Dice(text)
    scores = {name: _category_score(dice, is_flagged and name in _FOUND) for name in _CATEGORIES}
    applied = {name: ["text", "image"] if has_image and name in _SEEN_IN_IMAGES else ["text"] for name in _CATEGORIES}
    return {
        "flagged": is_flagged,
        "categories": {name: is_flagged and name in _FOUND for name in _CATEGORIES},
        "category_scores": scores,
        "category_applied_input_types": applied,
    }


def _category_score(dice: Dice, is_found: bool) -> float:
    share = dice.below(1_000_000) / 1_000_000
    return round(0.8 + share / 5 if is_found else share / 1000, 9)
