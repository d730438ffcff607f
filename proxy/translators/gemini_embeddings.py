"""
OpenAI's embeddings to Gemini's `batchEmbedContents`.

Gemini counts no tokens here, so the answer says 0 and the usage is left to whoever estimates it. A batch holds 100 texts; Gemini refuses
more.
Source: https://ai.google.dev/api/embeddings
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from proxy.errors import Untranslatable, UpstreamBroken
from proxy.snapshot import Backend, Target
from proxy.translators.embedding_task import dump_vectors, read_task
from proxy.translators.providers.gemini import call_headers, model_name, model_path
from proxy.translators.providers.gemini_errors import GoogleError, parse_error, read_error
from proxy.translators.providers.gemini_request import PROVIDER
from proxy.translators.translation import Headers, StreamTranslation, TranslatedReply, Translation, UpstreamCall
from proxy.wire.bad_request import UNREADABLE
from proxy.wire.model_request import ModelRequest
from proxy.wire.upstream_error import UpstreamErrorDetail


class _Embedding(msgspec.Struct):
    values: list[float]


class _Answer(msgspec.Struct):
    embeddings: list[_Embedding] = []
    error: GoogleError | None = None


_decoder: Final = msgspec.json.Decoder(_Answer)
_encoder: Final = msgspec.json.Encoder()


class GeminiEmbeddings:
    """See `Translation`."""

    def translate_request(self, request: ModelRequest, target: Target, backend: Backend, passed_headers: Headers) -> UpstreamCall:
        """`passed_headers` belong to the client's dialect, so none of them crosses."""
        task = read_task(request, PROVIDER)
        shared: dict[str, Any] = {"model": model_name(target.upstream_model)}
        if task.dimensions is not None:
            shared["outputDimensionality"] = task.dimensions
        requests = [shared | {"content": {"parts": [{"text": text}]}} for text in task.texts]
        path = model_path(target.upstream_model, "batchEmbedContents")
        return UpstreamCall(path, call_headers(backend), _encoder.encode({"requests": requests}))

    def translate_reply(self, body: bytes, request: ModelRequest) -> TranslatedReply:
        try:
            answer = _decoder.decode(body)
        except UNREADABLE as error:
            raise ValueError("no embeddings of Gemini") from error
        if answer.error is not None:
            raise UpstreamBroken(f"The provider reported an error: {read_error(answer.error).message}")
        vectors = [embedding.values for embedding in answer.embeddings]
        return TranslatedReply(dump_vectors(vectors, read_task(request, PROVIDER), request.model, 0), None)

    def begin_stream(self, request: ModelRequest) -> StreamTranslation:
        raise Untranslatable("Embeddings do not stream.", param="stream")

    def parse_error(self, status: int, body: bytes) -> UpstreamErrorDetail | None:
        return parse_error(status, body)


TRANSLATION: Final[Translation] = GeminiEmbeddings()
