"""
How OpenAI's dialects count tokens, taken apart into classes that do not overlap, and put together again.

`prompt_tokens` hold the cached, the written and the heard ones; `completion_tokens` hold reasoning and speech. Vendors differ in where
they say what was cached; xAI counts reasoning beside `completion_tokens`, which its `total_tokens` gives away.
Source: https://platform.openai.com/docs/api-reference/chat/object, https://api-docs.deepseek.com/guides/kv_cache,
https://docs.x.ai/docs/key-information/consumption-and-rate-limits; Groq and Mistral: recorded traffic.
"""

from __future__ import annotations

from typing import Any

import msgspec

from proxy.wire.usage import Usage, clamp_tokens


class _InputDetails(msgspec.Struct, gc=False):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: int | None = None


class _OutputDetails(msgspec.Struct, gc=False):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None


class UsageBody(msgspec.Struct):
    """A `usage` object. `prompt_cache_hit_tokens` is DeepSeek's, `num_cached_tokens` was Mistral's."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: _InputDetails | None = None
    completion_tokens_details: _OutputDetails | None = None
    prompt_cache_hit_tokens: int | None = None
    num_cached_tokens: int | None = None


class VendorUsage(msgspec.Struct):
    """Groq's `x_groq`, which held the usage of streams before `stream_options` did."""

    usage: UsageBody | None = None


_NO_INPUT = _InputDetails()
_NO_OUTPUT = _OutputDetails()


def read_usage(body: UsageBody | None) -> Usage | None:
    """
    Return what was counted, None when nothing was.

    Guarantee: `input_tokens` of the result are the provider's `prompt_tokens`, whatever its details claim.
    """
    if body is None or (body.prompt_tokens is None and body.completion_tokens is None):
        return None
    if not (body.prompt_tokens_details or body.completion_tokens_details or body.prompt_cache_hit_tokens or body.num_cached_tokens):
        return Usage(clamp_tokens(body.prompt_tokens), clamp_tokens(body.completion_tokens))  # nothing to take apart
    given = body.prompt_tokens_details or _NO_INPUT
    fresh = clamp_tokens(body.prompt_tokens)
    cached = min(clamp_tokens(given.cached_tokens or body.prompt_cache_hit_tokens or body.num_cached_tokens), fresh)
    fresh -= cached
    written = min(clamp_tokens(given.cache_write_tokens), fresh)
    fresh -= written
    heard = min(clamp_tokens(given.audio_tokens), fresh)
    text, reasoning, spoken = _split_output(body)
    return Usage(
        fresh_input_tokens=fresh - heard,
        text_output_tokens=text,
        cache_read_tokens=cached,
        cache_write_5m_tokens=written,
        reasoning_tokens=reasoning,
        audio_input_tokens=heard,
        audio_output_tokens=spoken,
    )


def _split_output(body: UsageBody) -> tuple[int, int, int]:
    """Return the tokens of text, of reasoning and of speech."""
    details = body.completion_tokens_details or _NO_OUTPUT
    text = clamp_tokens(body.completion_tokens)
    reasoning = clamp_tokens(details.reasoning_tokens)
    is_beside = reasoning > 0 and body.total_tokens == clamp_tokens(body.prompt_tokens) + text + reasoning
    if not is_beside:
        reasoning = min(reasoning, text)
        text -= reasoning
    spoken = min(clamp_tokens(details.audio_tokens), text)
    return text - spoken, reasoning, spoken


def dump_usage(usage: Usage) -> dict[str, Any]:
    """Return the `usage` object of a chat completion: all input and all output, and what of them was cached or thought."""
    of_input = {"cached_tokens": usage.cache_read_tokens}
    of_output = {"reasoning_tokens": usage.reasoning_tokens}
    if written := usage.cache_write_5m_tokens + usage.cache_write_1h_tokens:
        of_input["cache_write_tokens"] = written
    if usage.audio_input_tokens:
        of_input["audio_tokens"] = usage.audio_input_tokens
    if usage.audio_output_tokens:
        of_output["audio_tokens"] = usage.audio_output_tokens
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": of_input,
        "completion_tokens_details": of_output,
    }
