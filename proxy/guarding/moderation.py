"""
`/v1/moderations` from our own engine, in OpenAI's shape: how harmful texts are, by category.

Rules: nothing leaves the installation. Images are not looked at: a request that holds one and no text is refused, so that "not looked
at" never reads as "harmless".
Source: https://platform.openai.com/docs/api-reference/moderations/object
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec

from guardrails.detection import Subject, TextUnit
from proxy.errors import BadRequest
from proxy.wire.bad_request import UNREADABLE
from proxy.wire.model_request import ModelRequest

MODEL: Final = "gateway-moderation"
_FLAGGED_FROM: Final = 0.5
_LARGE_CHARACTERS: Final = 4_096
_encode = msgspec.json.Encoder().encode


class _Part(msgspec.Struct):
    type: str = ""
    text: str | None = None


_decoder: Final = msgspec.json.Decoder(str | list[str | _Part])


class Moderator:
    """The `Moderation` of a worker. Cost: 0.4 ms per KB; more than a few KB are looked at in a thread."""

    async def moderate(self, request: ModelRequest, request_id: str) -> bytes:
        texts = _read_inputs(request)
        if sum(map(len, texts)) > _LARGE_CHARACTERS:
            results = await asyncio.get_running_loop().run_in_executor(None, _judge_all, texts)
        else:
            results = _judge_all(texts)
        return _encode({"id": f"modr-{request_id}", "model": MODEL, "results": results})


def _read_inputs(request: ModelRequest) -> list[str]:
    """Return one text for each result: a text, each of several texts, or all text parts together. Errors: BadRequest."""
    try:
        given = _decoder.decode(request.fields["input"])
    except UNREADABLE as error:
        raise BadRequest("'input' is a text, a list of texts, or a list of parts.", param="input") from error
    if isinstance(given, str):
        return [given]
    parts = [part for part in given if isinstance(part, _Part)]
    if not parts:
        return [text for text in given if isinstance(text, str)]
    if any(isinstance(part, str) for part in given):
        raise BadRequest("'input' holds either texts or parts, not both.", param="input")
    if any(part.text is None for part in parts):
        raise BadRequest("This gateway moderates text. Send images to a model whose route leads to a provider that does.", param="input")
    return ["\n".join(part.text or "" for part in parts)]


def _judge_all(texts: list[str]) -> list[dict[str, Any]]:
    return [_judge(text) for text in texts]


def _judge(text: str) -> dict[str, Any]:
    from guardrails.detectors.toxicity import categories  # its words and weights are loaded by the first who asks

    scores = {name: round(score, 6) for name, score in categories(Subject(TextUnit(text))).items()}
    flags = {name: score >= _FLAGGED_FROM for name, score in scores.items()}
    return {
        "flagged": any(flags.values()),
        "categories": flags,
        "category_scores": scores,
        "category_applied_input_types": {name: ["text"] for name in scores},
    }
