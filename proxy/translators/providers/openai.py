"""How OpenAI's chat API, Azure's, and those of vendors that speak its dialect are asked on behalf of other dialects, and understood."""

from __future__ import annotations

from typing import Final

import msgspec

from proxy.snapshot import Backend, Target
from proxy.translators.conversation import Conversation, Reply
from proxy.translators.fold import fold_reply
from proxy.translators.openai_family import credential_headers, upstream_path
from proxy.translators.providers.openai_events import OpenAIStream, parse_answer
from proxy.translators.providers.openai_request import dump_body
from proxy.translators.translation import ProviderCodec, UpstreamCall
from proxy.wire.openai_error import parse_openai_error
from proxy.wire.upstream_error import UpstreamErrorDetail

_PATH: Final = "/chat/completions"
_TIME_MAX_S: Final = 2**53
_encoder: Final = msgspec.json.Encoder()


class OpenAICodec:
    """See `ProviderCodec`."""

    name = "openai"

    def dump_request(self, conversation: Conversation, target: Target, backend: Backend) -> UpstreamCall:
        model = target.upstream_model
        accept = b"text/event-stream" if conversation.is_stream else b"application/json"
        headers = [(b"content-type", b"application/json"), (b"accept", accept), *credential_headers(backend)]
        return UpstreamCall(upstream_path(backend, _PATH, model), headers, _encoder.encode(dump_body(conversation, model, backend)))

    def parse_reply(self, body: bytes) -> Reply:
        answer = parse_answer(body)
        return fold_reply(OpenAIStream().read_whole(answer), min(max(int(answer.created or 0), 0), _TIME_MAX_S))

    def begin_stream(self) -> OpenAIStream:
        return OpenAIStream()

    def parse_error(self, status: int, body: bytes) -> UpstreamErrorDetail | None:
        return parse_openai_error(status, body)


CODEC: Final[ProviderCodec] = OpenAICodec()
