"""What a request finally cost."""

from __future__ import annotations

from proxy.snapshot import Price, Target
from proxy.wire.openai import Usage

_MILLION = 1_000_000
_COST_MAX_NANO_USD = 10**15  # a million dollars: a mistyped price must not make sums that no column holds


def settle(target: Target, usage: Usage | None, now_s: float) -> int:
    """
    Return the cost of an answer in nano-dollars, rounded half up, at most a million dollars; 0 without usage or without a price.

    Guarantee: integers all the way, so sums of records equal sums of rollups.
    """
    price: Price | None = target.price_at(now_s)
    if usage is None or price is None:
        return 0
    cached = min(usage.cached_input_tokens, usage.input_tokens)
    total = (
        (usage.input_tokens - cached) * price.input_nano_usd_per_mtok
        + cached * price.cached_input_nano_usd_per_mtok
        + usage.output_tokens * price.output_nano_usd_per_mtok
    )
    return min((total + _MILLION // 2) // _MILLION, _COST_MAX_NANO_USD)
