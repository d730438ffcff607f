"""How Anthropic's Messages API is asked on behalf of clients of other dialects, and understood."""

from __future__ import annotations

from typing import Final

import msgspec

from proxy.snapshot import Backend, Target
from proxy.translators.anthropic_family import MESSAGES_PATH, call_headers
from proxy.translators.conversation import Conversation, Reply
from proxy.translators.fold import fold_reply
from proxy.translators.providers.anthropic_content import PROVIDER
from proxy.translators.providers.anthropic_events import AnthropicStream
from proxy.translators.providers.anthropic_request import dump_body
from proxy.translators.translation import ProviderCodec, UpstreamCall
from proxy.wire.messages_reply import parse_error, parse_message
from proxy.wire.upstream_error import UpstreamErrorDetail

_encoder = msgspec.json.Encoder()


class AnthropicCodec:
    """See `ProviderCodec`."""

    name = PROVIDER

    def dump_request(self, conversation: Conversation, target: Target, backend: Backend) -> UpstreamCall:
        headers = call_headers(backend, is_stream=conversation.is_stream, passed_headers=[])
        return UpstreamCall(MESSAGES_PATH, headers, _encoder.encode(dump_body(conversation, target.upstream_model)))

    def parse_reply(self, body: bytes) -> Reply:
        return fold_reply(AnthropicStream().read_message(parse_message(body)))

    def begin_stream(self) -> AnthropicStream:
        return AnthropicStream()

    def parse_error(self, status: int, body: bytes) -> UpstreamErrorDetail | None:
        return parse_error(status, body)


CODEC: Final[ProviderCodec] = AnthropicCodec()
