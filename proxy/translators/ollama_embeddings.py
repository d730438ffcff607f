"""
OpenAI's embeddings to Ollama's `/api/embed`. A text that does not fit is refused instead of cut (`truncate`).

Source: https://docs.ollama.com/api/embed
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from proxy.errors import Untranslatable, UpstreamBroken
from proxy.snapshot import Backend, Target
from proxy.translators.embedding_task import dump_vectors, read_task
from proxy.translators.providers.ollama import call_headers
from proxy.translators.providers.ollama_errors import OllamaError, parse_error, read_error
from proxy.translators.providers.ollama_request import PROVIDER
from proxy.translators.translation import Headers, StreamTranslation, TranslatedReply, Translation, UpstreamCall
from proxy.wire.bad_request import UNREADABLE
from proxy.wire.model_request import ModelRequest
from proxy.wire.upstream_error import UpstreamErrorDetail
from proxy.wire.usage import Usage, clamp_tokens


class _Answer(msgspec.Struct):
    embeddings: list[list[float]] = []
    prompt_eval_count: int | None = None
    error: OllamaError = None


_decoder: Final = msgspec.json.Decoder(_Answer)
_encoder: Final = msgspec.json.Encoder()


class OllamaEmbeddings:
    """See `Translation`."""

    def translate_request(self, request: ModelRequest, target: Target, backend: Backend, passed_headers: Headers) -> UpstreamCall:
        """`passed_headers` belong to the client's dialect, so none of them crosses."""
        task = read_task(request, PROVIDER)
        body: dict[str, Any] = {"model": target.upstream_model, "input": task.texts, "truncate": False}
        if task.dimensions is not None:
            body["dimensions"] = task.dimensions
        return UpstreamCall("/api/embed", call_headers(backend), _encoder.encode(body))

    def translate_reply(self, body: bytes, request: ModelRequest) -> TranslatedReply:
        try:
            answer = _decoder.decode(body)
        except UNREADABLE as error:
            raise ValueError("no embeddings of Ollama") from error
        if answer.error:
            raise UpstreamBroken(f"The provider reported an error: {read_error(answer.error).message}")
        count = answer.prompt_eval_count
        usage = None if count is None else Usage(fresh_input_tokens=clamp_tokens(count))
        tokens = 0 if usage is None else usage.input_tokens
        return TranslatedReply(dump_vectors(answer.embeddings, read_task(request, PROVIDER), request.model, tokens), usage)

    def begin_stream(self, request: ModelRequest) -> StreamTranslation:
        raise Untranslatable("Embeddings do not stream.", param="stream")

    def parse_error(self, status: int, body: bytes) -> UpstreamErrorDetail | None:
        return parse_error(status, body)


TRANSLATION: Final[Translation] = OllamaEmbeddings()
