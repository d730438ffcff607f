"""Token counts in Anthropic's dialect from providers that speak it: only the model's name changes, the answer passes as it is."""

from __future__ import annotations

from typing import Final

from proxy.errors import Untranslatable
from proxy.snapshot import Backend, Target
from proxy.translators.anthropic_family import COUNT_TOKENS_PATH, call_headers, with_query
from proxy.translators.translation import Headers, StreamTranslation, TranslatedReply, Translation, UpstreamCall
from proxy.wire.messages import dump_messages_request
from proxy.wire.messages_reply import check_token_count, parse_error
from proxy.wire.model_request import ModelRequest
from proxy.wire.upstream_error import UpstreamErrorDetail


class DirectCountTokens:
    """See `Translation`."""

    def translate_request(self, request: ModelRequest, target: Target, backend: Backend, passed_headers: Headers) -> UpstreamCall:
        path = with_query(COUNT_TOKENS_PATH, request.query)
        headers = call_headers(backend, is_stream=False, passed_headers=passed_headers)
        return UpstreamCall(path, headers, dump_messages_request(request, target.upstream_model))

    def translate_reply(self, body: bytes, request: ModelRequest) -> TranslatedReply:
        """Counting takes no tokens, so there is no usage."""
        check_token_count(body)
        return TranslatedReply(body, None)

    def begin_stream(self, request: ModelRequest) -> StreamTranslation:
        raise Untranslatable("A count does not stream.", param="stream")

    def parse_error(self, status: int, body: bytes) -> UpstreamErrorDetail | None:
        return parse_error(status, body)


DIRECT: Final[Translation] = DirectCountTokens()
