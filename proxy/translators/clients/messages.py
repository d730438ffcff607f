"""Anthropic's Messages dialect on the client's side: requests into the neutral form, answers out of it."""

from __future__ import annotations

from typing import Final

from proxy.translators.clients.messages_reply import dump_message
from proxy.translators.clients.messages_request import read_conversation
from proxy.translators.clients.messages_stream import MessagesWriter
from proxy.translators.conversation import Conversation, Reply
from proxy.translators.translation import ClientCodec
from proxy.wire.model_request import ModelRequest


class MessagesCodec:
    """See `ClientCodec`."""

    def parse_conversation(self, request: ModelRequest) -> Conversation:
        return read_conversation(request)

    def dump_reply(self, reply: Reply, request: ModelRequest) -> bytes:
        return dump_message(reply, request.model)

    def begin_stream(self, request: ModelRequest) -> MessagesWriter:
        return MessagesWriter(request.model)


CODEC: Final[ClientCodec] = MessagesCodec()
