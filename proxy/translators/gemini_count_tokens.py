"""
Anthropic's token counting to Gemini's `countTokens`: the whole question counts, its tools and system prompt included.

Source: https://ai.google.dev/api/tokens
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import msgspec

from proxy.errors import Untranslatable, UpstreamBroken
from proxy.snapshot import Backend, Target
from proxy.translators.clients import messages
from proxy.translators.providers.gemini import call_headers, model_name, model_path
from proxy.translators.providers.gemini_errors import GoogleError, parse_error, read_error
from proxy.translators.providers.gemini_request import build_prompt
from proxy.translators.translation import Headers, StreamTranslation, TranslatedReply, Translation, UpstreamCall
from proxy.wire.bad_request import UNREADABLE
from proxy.wire.model_request import ModelRequest
from proxy.wire.upstream_error import UpstreamErrorDetail
from proxy.wire.usage import clamp_tokens

_ONE: Final = msgspec.Raw(b"1")


class _Answer(msgspec.Struct, rename="camel"):
    total_tokens: int | None = None
    error: GoogleError | None = None


_decoder: Final = msgspec.json.Decoder(_Answer)
_encoder: Final = msgspec.json.Encoder()


class GeminiCountTokens:
    """See `Translation`."""

    def translate_request(self, request: ModelRequest, target: Target, backend: Backend, passed_headers: Headers) -> UpstreamCall:
        """`passed_headers` belong to the client's dialect, so none of them crosses."""
        # A question is a message's request without what limits its answer, which the dialect asks for.
        asked = messages.CODEC.parse_conversation(msgspec.structs.replace(request, fields=request.fields | {"max_tokens": _ONE}))
        prompt = build_prompt(replace(asked, model=target.upstream_model))
        body = _encoder.encode({"generateContentRequest": {"model": model_name(target.upstream_model)} | prompt})
        return UpstreamCall(model_path(target.upstream_model, "countTokens"), call_headers(backend), body)

    def translate_reply(self, body: bytes, request: ModelRequest) -> TranslatedReply:
        """Counting takes no tokens, so there is no usage."""
        try:
            answer = _decoder.decode(body)
        except UNREADABLE as error:
            raise ValueError("no count of Gemini") from error
        if answer.error is not None:
            raise UpstreamBroken(f"The provider reported an error: {read_error(answer.error).message}")
        if answer.total_tokens is None:
            raise ValueError("a count without a number")
        return TranslatedReply(_encoder.encode({"input_tokens": clamp_tokens(answer.total_tokens)}), None)

    def begin_stream(self, request: ModelRequest) -> StreamTranslation:
        raise Untranslatable("A count does not stream.", param="stream")

    def parse_error(self, status: int, body: bytes) -> UpstreamErrorDetail | None:
        return parse_error(status, body)


TRANSLATION: Final[Translation] = GeminiCountTokens()
