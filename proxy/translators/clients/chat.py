"""OpenAI's chat dialect as the client's: its requests read into the neutral form, answers written as chat completions."""

from __future__ import annotations

from typing import Final

from proxy.translators.clients.chat_reply import dump_reply
from proxy.translators.clients.chat_request import read_conversation
from proxy.translators.clients.chat_stream import ChatWriter
from proxy.translators.conversation import Conversation, Reply
from proxy.translators.translation import ClientCodec
from proxy.wire.model_request import ModelRequest


class ChatCodec:
    """See `ClientCodec`."""

    def parse_conversation(self, request: ModelRequest) -> Conversation:
        return read_conversation(request)

    def dump_reply(self, reply: Reply, request: ModelRequest) -> bytes:
        return dump_reply(reply, request)

    def begin_stream(self, request: ModelRequest) -> ChatWriter:
        return ChatWriter(request)


CODEC: Final[ClientCodec] = ChatCodec()
