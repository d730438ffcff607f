"""OpenAI's chat dialect to providers that speak it: only the model's name, the wish for usage and a vendor's words change."""

from __future__ import annotations

from typing import ClassVar, Final

import msgspec

from proxy.snapshot import Backend
from proxy.translators.direct import Direct
from proxy.translators.translation import Translation
from proxy.translators.vendors import find_vendor, speak_as
from proxy.wire.model_request import ModelRequest
from proxy.wire.openai import upstream_fields


class DirectChat(Direct):
    path: ClassVar = "/chat/completions"

    def fields_for(self, request: ModelRequest, upstream_model: str, backend: Backend) -> dict[str, msgspec.Raw]:
        fields = upstream_fields(request, upstream_model)
        return speak_as(find_vendor(backend.vendor), fields) if backend.vendor else fields


DIRECT: Final[Translation] = DirectChat()
