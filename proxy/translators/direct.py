"""What the direct translations of OpenAI's dialects share: bytes pass, only the model's name changes."""

from __future__ import annotations

from typing import ClassVar, Final

import msgspec

from proxy.snapshot import Backend, Target
from proxy.translators.direct_stream import DirectStream
from proxy.translators.openai_family import credential_headers, upstream_path
from proxy.translators.translation import Headers, TranslatedReply, UpstreamCall
from proxy.wire.model_request import ModelRequest
from proxy.wire.openai import parse_answer, upstream_fields
from proxy.wire.openai_error import parse_openai_error
from proxy.wire.upstream_error import UpstreamErrorDetail

_encoder: Final = msgspec.json.Encoder()
_JSON: Final = (b"accept", b"application/json")
_EVENTS: Final = (b"accept", b"text/event-stream")
_BODY: Final = (b"content-type", b"application/json")


class Direct:
    """See `Translation`. A subclass names the path and says what else differs."""

    path: ClassVar[str]

    def translate_request(self, request: ModelRequest, target: Target, backend: Backend, passed_headers: Headers) -> UpstreamCall:
        model = target.upstream_model
        headers = [_BODY, _EVENTS if request.is_stream else _JSON, *passed_headers, *credential_headers(backend)]
        return UpstreamCall(upstream_path(backend, self.path, model), headers, _encoder.encode(self.fields_for(request, model, backend)))

    def fields_for(self, request: ModelRequest, upstream_model: str, backend: Backend) -> dict[str, msgspec.Raw]:
        """Return the fields as this backend gets them."""
        return upstream_fields(request, upstream_model)

    def translate_reply(self, body: bytes, request: ModelRequest) -> TranslatedReply:
        return TranslatedReply(body, parse_answer(body))

    def begin_stream(self, request: ModelRequest) -> DirectStream:
        return DirectStream(request.is_usage_wanted)

    def parse_error(self, status: int, body: bytes) -> UpstreamErrorDetail | None:
        return parse_openai_error(status, body)
