"""What a model name means here: how fast it answers, what kind of answer it gives and which fault it shows."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from proxy.simulator.errors import ProviderError, model_not_found, overloaded, rate_limited, server_error


class Fault(enum.Enum):
    NONE = "none"
    SERVER_ERROR = "server_error"
    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    HANG = "hang"
    CUT = "cut"
    ERROR_IN_STREAM = "error_in_stream"
    MALFORMED = "malformed"
    DRIP = "drip"
    SLOW_START = "slow_start"
    WRONG_TYPE = "wrong_type"


class Style(enum.Enum):
    TEXT = "text"
    TOOLS = "tools"
    JSON = "json"
    EMBEDDING = "embedding"
    REASONING = "reasoning"  # thinks without being asked to
    FILTERED = "filtered"  # stopped by the provider's own content filter
    BIG_LINE = "big_line"  # one token of 10 MB


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

    def thinking(self, token_count: int) -> Behaviour:
        """Return this behaviour with so many more tokens before the first that can be seen."""
        return replace(self, first_token_s=self.duration_s(token_count)) if token_count else self


INSTANT = Behaviour()
CHAT = Behaviour(first_token_s=0.25, tokens_per_s=60)
EMBEDDING = Behaviour(first_token_s=0.015, style=Style.EMBEDDING)

_BRISK = Behaviour(first_token_s=0.02, tokens_per_s=1000)
# Streams that break must break a while after their first content, as they do in life: what comes in one piece with the error is not sent.
_BREAKING = Behaviour(first_token_s=0.02, tokens_per_s=40)

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
        "sim-cut": replace(_BREAKING, fault=Fault.CUT),
        "sim-error-in-stream": replace(_BREAKING, fault=Fault.ERROR_IN_STREAM),
        "sim-malformed": replace(_BREAKING, fault=Fault.MALFORMED),
        "sim-drip": Behaviour(fault=Fault.DRIP),
        "sim-slow-start": Behaviour(first_token_s=3.0, fault=Fault.SLOW_START),
        "sim-wrong-type": Behaviour(fault=Fault.WRONG_TYPE),
        "sim-big-line": Behaviour(style=Style.BIG_LINE),
        "sim-reasoning": replace(_BRISK, style=Style.REASONING),
        "sim-filtered": replace(_BRISK, style=Style.FILTERED),
        "sim-overloaded": Behaviour(fault=Fault.OVERLOADED),
    }
)

_REFUSALS: Mapping[Fault, Callable[[str], ProviderError]] = MappingProxyType(
    {Fault.SERVER_ERROR: server_error, Fault.RATE_LIMITED: rate_limited, Fault.OVERLOADED: overloaded}
)


def get_behaviour(model: str, other: Behaviour = CHAT) -> Behaviour:
    """
    Return how `model` behaves; a name that does not begin with `sim-` behaves like `other`.

    Errors: ProviderError 404 for an unknown `sim-` name, and the very error of a model that only ever fails (`sim-500`, `sim-429`,
    `sim-overloaded`).
    """
    name = model.removesuffix(":latest")  # Ollama's clients add the tag by themselves
    if not name.startswith("sim-"):
        return other
    behaviour = BEHAVIOURS.get(name)
    if behaviour is None:
        raise model_not_found(model)
    refuse = _REFUSALS.get(behaviour.fault)
    if refuse is not None:
        raise refuse(model)
    return behaviour
