"""What a model name means here: how fast it answers, what kind of answer it gives and which fault it shows."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from proxy.simulator.errors import model_not_found, rate_limited, server_error


class Fault(enum.Enum):
    NONE = "none"
    SERVER_ERROR = "server_error"
    RATE_LIMITED = "rate_limited"
    HANG = "hang"
    CUT = "cut"
    ERROR_IN_STREAM = "error_in_stream"
    MALFORMED = "malformed"
    DRIP = "drip"


class Style(enum.Enum):
    TEXT = "text"
    TOOLS = "tools"
    JSON = "json"
    EMBEDDING = "embedding"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """
    The timing, the kind of answer and the fault of one model.

    Units: `first_token_s` seconds until the head and the first token; `tokens_per_s` after that, 0 for no pause at all.
    """

    first_token_s: float = 0.0
    tokens_per_s: float = 0.0
    style: Style = Style.TEXT
    fault: Fault = Fault.NONE

    def duration_s(self, output_tokens: int) -> float:
        """Return how long a whole answer of so many tokens takes."""
        return self.first_token_s + (output_tokens / self.tokens_per_s if self.tokens_per_s else 0.0)

    def delayed(self, first_token_s: float | None) -> Behaviour:
        """Return this behaviour with another time to the first token; None leaves it as it is."""
        return self if first_token_s is None else replace(self, first_token_s=first_token_s)


INSTANT = Behaviour()
CHAT = Behaviour(first_token_s=0.25, tokens_per_s=60)
EMBEDDING = Behaviour(first_token_s=0.015, style=Style.EMBEDDING)

# Streams that break must break between separate writes, as they do in life, so these are paced, only faster.
_BRISK = Behaviour(first_token_s=0.02, tokens_per_s=1000)

BEHAVIOURS: Mapping[str, Behaviour] = MappingProxyType(
    {
        "sim-chat": CHAT,
        "sim-fast": INSTANT,
        "sim-slow": Behaviour(first_token_s=2.0, tokens_per_s=8),
        "sim-tools": replace(_BRISK, style=Style.TOOLS),
        "sim-json": replace(_BRISK, style=Style.JSON),
        "sim-embed": EMBEDDING,
        "sim-500": Behaviour(fault=Fault.SERVER_ERROR),
        "sim-429": Behaviour(fault=Fault.RATE_LIMITED),
        "sim-hang": Behaviour(fault=Fault.HANG),
        "sim-cut": replace(_BRISK, fault=Fault.CUT),
        "sim-error-in-stream": replace(_BRISK, fault=Fault.ERROR_IN_STREAM),
        "sim-malformed": replace(_BRISK, fault=Fault.MALFORMED),
        "sim-drip": Behaviour(fault=Fault.DRIP),
    }
)


def get_behaviour(model: str, other: Behaviour = CHAT) -> Behaviour:
    """
    Return how `model` behaves; a name that does not begin with `sim-` behaves like `other`.

    Errors: ProviderError 404 for an unknown `sim-` name, and the very error of a model that only ever fails (`sim-500`, `sim-429`).
    """
    name = model.removesuffix(":latest")  # Ollama's clients add the tag by themselves
    if not name.startswith("sim-"):
        return other
    behaviour = BEHAVIOURS.get(name)
    if behaviour is None:
        raise model_not_found(model)
    if behaviour.fault is Fault.SERVER_ERROR:
        raise server_error(model)
    if behaviour.fault is Fault.RATE_LIMITED:
        raise rate_limited(model)
    return behaviour
