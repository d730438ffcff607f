"""What a request finally cost."""

from __future__ import annotations

import msgspec

from proxy.snapshot import Target
from proxy.wire.usage import Usage

_MILLION = 1_000_000
_COST_MAX_NANO_USD = 10**15  # a million dollars: a mistyped price must not make sums that no column holds


class Settlement(msgspec.Struct, frozen=True, gc=False):
    """What an answer cost, and from when on the price holds that was used (unix seconds); None: nothing was charged by a price."""

    cost_nano_usd: int = 0
    price_effective_at: float | None = None


UNSETTLED = Settlement()
"""The settlement of a request that used nothing."""


def settle(target: Target, usage: Usage | None, now_s: float) -> Settlement:
    """
    Return the cost of an answer: each class of usage at its own price, rounded half up once, at most a million dollars.

    Without usage or without a price nothing is charged. The price is the one that holds at `now_s`, unix seconds.
    Guarantee: integers all the way, so sums of records equal sums of rollups and of the ledger.
    """
    if usage is None or (price := target.price_at(now_s)) is None:
        return UNSETTLED
    total = (
        usage.fresh_input_tokens * price.input_nano_usd_per_mtok
        + usage.text_output_tokens * price.output_nano_usd_per_mtok
        + usage.cache_read_tokens * price.cached_input_nano_usd_per_mtok
        + usage.cache_write_5m_tokens * price.cache_write_5m_nano_usd_per_mtok
        + usage.cache_write_1h_tokens * price.cache_write_1h_nano_usd_per_mtok
        + usage.reasoning_tokens * price.reasoning_nano_usd_per_mtok
        + usage.audio_input_tokens * price.audio_input_nano_usd_per_mtok
        + usage.audio_output_tokens * price.audio_output_nano_usd_per_mtok
    )
    return Settlement(min((total + _MILLION // 2) // _MILLION, _COST_MAX_NANO_USD), price.effective_at)


def is_unpriced(target: Target, now_s: float) -> bool:
    """Tell whether no price is known for a target: its answers cost nothing here, whatever the provider charges."""
    return target.price_at(now_s) is None
