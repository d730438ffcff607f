"""OpenAI's moderations dialect to providers that speak it: only the model's name changes. Nobody counts tokens."""

from __future__ import annotations

from typing import ClassVar, Final

from proxy.translators.direct import Direct
from proxy.translators.translation import TranslatedReply, Translation
from proxy.wire.model_request import ModelRequest
from proxy.wire.moderations import check_moderations_reply


class DirectModerations(Direct):
    path: ClassVar = "/moderations"

    def translate_reply(self, body: bytes, request: ModelRequest) -> TranslatedReply:
        check_moderations_reply(body)
        return TranslatedReply(body, None)


DIRECT: Final[Translation] = DirectModerations()
