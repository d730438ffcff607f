"""OpenAI's completions dialect to providers that speak it: only the model's name and the wish for usage change."""

from __future__ import annotations

from typing import ClassVar, Final

from proxy.translators.direct import Direct
from proxy.translators.translation import Translation


class DirectCompletions(Direct):
    path: ClassVar = "/completions"


DIRECT: Final[Translation] = DirectCompletions()
