"""OpenAI's completions format (`/v1/completions`), as far as a gateway must understand it; everything else passes as it came."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from proxy.wire.bad_request import decode_body
from proxy.wire.model_request import ModelRequest
from proxy.wire.openai import ModelName, StreamOptions, TokenCount, wants_usage

OUTPUT_LIMIT_TOKENS: Final = 16
"""What `max_tokens` is when a client leaves it out."""

TokenLimit = Annotated[int, msgspec.Meta(ge=0)]


class _CompletionsBody(msgspec.Struct):
    model: ModelName
    prompt: str | list[str | int | list[int]] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: TokenLimit | None = None
    n: TokenCount | None = None
    best_of: TokenCount | None = None
    temperature: float | None = None
    top_p: float | None = None
    user: str | None = None


_decoder: Final = msgspec.json.Decoder(_CompletionsBody)


def parse_completions_request(body: bytes, depth_limit_count: int) -> ModelRequest:
    """
    Read and check a completions request. `choices_count` counts all that will be generated: of each prompt, and of `best_of`.

    Errors: BadRequest, with `param` where it is known.
    """
    checked, fields = decode_body(body, depth_limit_count, _decoder)
    return ModelRequest(
        "completions",
        checked.model,
        checked.stream is True,
        wants_usage(checked.stream, checked.stream_options),
        fields,
        checked.max_tokens,
        _prompts_count(checked.prompt) * max(checked.n or 1, checked.best_of or 1),
        checked.temperature == 0,
        checked.user or "",
    )


def _prompts_count(prompt: str | list[str | int | list[int]] | None) -> int:
    """A list of numbers is one prompt, as tokens."""
    if not isinstance(prompt, list) or not prompt or isinstance(prompt[0], int):
        return 1
    return len(prompt)
