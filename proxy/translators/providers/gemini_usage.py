"""Gemini's counts, taken apart into classes that do not overlap."""

from __future__ import annotations

import msgspec

from proxy.wire.usage import Usage, clamp_tokens


class _ModalityCount(msgspec.Struct, rename="camel"):
    modality: str = ""
    token_count: int | None = None


class UsageMetadata(msgspec.Struct, rename="camel"):
    """`usageMetadata`. The prompt's count holds the cached tokens; thoughts and what Google's own tools read stand beside the others."""

    prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    prompt_tokens_details: list[_ModalityCount] | None = None
    cache_tokens_details: list[_ModalityCount] | None = None
    candidates_tokens_details: list[_ModalityCount] | None = None


def read_usage(metadata: UsageMetadata) -> Usage:
    prompt = clamp_tokens(metadata.prompt_token_count)
    cached = min(clamp_tokens(metadata.cached_content_token_count), prompt)
    heard = _audio_tokens(metadata.prompt_tokens_details) - _audio_tokens(metadata.cache_tokens_details)
    heard = min(max(heard, 0), prompt - cached)
    said = clamp_tokens(metadata.candidates_token_count)
    spoken = min(_audio_tokens(metadata.candidates_tokens_details), said)
    return Usage(
        fresh_input_tokens=clamp_tokens(prompt - cached - heard + clamp_tokens(metadata.tool_use_prompt_token_count)),
        text_output_tokens=said - spoken,
        cache_read_tokens=cached,
        reasoning_tokens=clamp_tokens(metadata.thoughts_token_count),
        audio_input_tokens=heard,
        audio_output_tokens=spoken,
    )


def _audio_tokens(counts: list[_ModalityCount] | None) -> int:
    return clamp_tokens(sum(clamp_tokens(count.token_count) for count in counts or () if count.modality == "AUDIO"))
