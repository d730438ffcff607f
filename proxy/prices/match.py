"""
Which prices hold for a target, and from when on.

Rules: pure, reads no rows. Of the prices that have begun, the most specific wins and of equally specific ones the latest: an
operator's price for the backend, an operator's price, the list price; in each of them an exact name before a pattern.
Source: docs/design/0004-prices.md
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from proxy.prices.patterns import fold_model, is_exact, matches, rank_pattern

AppliedPrice = tuple[float, int, int, int]
"""Begins at (unix seconds), then input, cached input and output in nano-dollars per million tokens."""


@dataclass(frozen=True, slots=True)
class PriceRow:
    """A stored price, as far as matching needs it. Units: unix seconds; nano-dollars per million tokens."""

    provider: str
    upstream_model: str
    backend_id: UUID | None
    source: Literal["operator", "snapshot"]
    effective_at_s: float
    input_nano_usd_per_mtok: int
    cached_input_nano_usd_per_mtok: int | None
    output_nano_usd_per_mtok: int

    def applied(self) -> AppliedPrice:
        cached = self.cached_input_nano_usd_per_mtok
        input_ = self.input_nano_usd_per_mtok
        return self.effective_at_s, input_, input_ if cached is None else cached, self.output_nano_usd_per_mtok


def find_prices(
    provider: str, price_provider: str, backend_id: UUID, upstream_model: str, rows: Iterable[PriceRow]
) -> tuple[AppliedPrice, ...]:
    """
    Return the prices of one target in the order in which they begin; each holds until the next one.

    `price_provider` names whose list counts; empty means the list of `provider`. A price for the backend itself counts whatever
    list it names.
    Guarantee: the last entry that has begun is the price; without an entry that has begun the price is not known.
    """
    list_name, model = price_provider or provider, fold_model(upstream_model)
    candidates = [row for row in rows if _applies(row, list_name, backend_id) and matches(fold_model(row.upstream_model), model)]
    return _timeline(candidates)


class PriceBook:
    """Many prices, arranged so that finding those of one target does not look at all of them."""

    def __init__(self, rows: Iterable[PriceRow]) -> None:
        self._exact: dict[tuple[str, str], list[PriceRow]] = defaultdict(list)
        self._patterns: dict[str, list[PriceRow]] = defaultdict(list)
        self._of_backends: dict[UUID, list[PriceRow]] = defaultdict(list)
        for row in rows:
            name = fold_model(row.upstream_model)
            if row.backend_id is not None:
                self._of_backends[row.backend_id].append(row)
            elif is_exact(name):
                self._exact[row.provider, name].append(row)
            else:
                self._patterns[row.provider].append(row)

    def find(self, provider: str, price_provider: str, backend_id: UUID, upstream_model: str) -> tuple[AppliedPrice, ...]:
        """Do as `find_prices` does with all rows."""
        list_name = price_provider or provider
        rows = (
            *self._of_backends.get(backend_id, ()),
            *self._exact.get((list_name, fold_model(upstream_model)), ()),
            *self._patterns.get(list_name, ()),
        )
        return find_prices(provider, price_provider, backend_id, upstream_model, rows)


def _applies(row: PriceRow, list_name: str, backend_id: UUID) -> bool:
    return row.provider == list_name if row.backend_id is None else row.backend_id == backend_id


def _timeline(rows: list[PriceRow]) -> tuple[AppliedPrice, ...]:
    """Return who wins from each moment on at which a price begins; a moment at which the winner stays is left out."""
    winners: list[PriceRow] = []
    for row in sorted(rows, key=lambda row: (row.effective_at_s, _precedence(row))):
        if not winners or _precedence(row) >= _precedence(winners[-1]):
            if winners and winners[-1].effective_at_s == row.effective_at_s:
                winners.pop()
            winners.append(row)
    return tuple(row.applied() for row in winners)


def _precedence(row: PriceRow) -> tuple[bool, bool, int]:
    return row.backend_id is not None, row.source == "operator", rank_pattern(fold_model(row.upstream_model))
