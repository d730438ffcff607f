"""OpenAI's embeddings dialect to providers that speak it: only the model's name changes."""

from __future__ import annotations

from typing import ClassVar, Final

from proxy.translators.direct import Direct
from proxy.translators.translation import TranslatedReply, Translation
from proxy.wire.embeddings import parse_embeddings_reply
from proxy.wire.model_request import ModelRequest


class DirectEmbeddings(Direct):
    path: ClassVar = "/embeddings"

    def translate_reply(self, body: bytes, request: ModelRequest) -> TranslatedReply:
        return TranslatedReply(body, parse_embeddings_reply(body))


DIRECT: Final[Translation] = DirectEmbeddings()
