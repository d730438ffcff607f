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
from typing import Final, Literal
from uuid import UUID

from proxy.prices.patterns import fold_model, is_exact, matches, may_match, rank_pattern, sample_of
from proxy.snapshot import Price

_OTHER_NAMES: Final = {"gemini": ("gemini", "google")}
"""What price lists call a provider, where that is not its own name only."""
_LOCAL: Final = "ollama"
FREE: Final = Price(0.0, 0, 0, 0, 0, 0, 0, 0, 0)
"""What a model on the company's own machines costs unless an operator says otherwise: nothing, which is a price."""


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
    cache_write_5m_nano_usd_per_mtok: int | None = None
    cache_write_1h_nano_usd_per_mtok: int | None = None
    reasoning_nano_usd_per_mtok: int | None = None
    audio_input_nano_usd_per_mtok: int | None = None
    audio_output_nano_usd_per_mtok: int | None = None

    def applied(self) -> Price:
        """Return the price with a number for every class of usage."""
        input_, output = self.input_nano_usd_per_mtok, self.output_nano_usd_per_mtok
        write_5m = _or(self.cache_write_5m_nano_usd_per_mtok, input_)
        return Price(
            effective_at=self.effective_at_s,
            input_nano_usd_per_mtok=input_,
            cached_input_nano_usd_per_mtok=_or(self.cached_input_nano_usd_per_mtok, input_),
            output_nano_usd_per_mtok=output,
            cache_write_5m_nano_usd_per_mtok=write_5m,
            cache_write_1h_nano_usd_per_mtok=_or(self.cache_write_1h_nano_usd_per_mtok, write_5m),
            reasoning_nano_usd_per_mtok=_or(self.reasoning_nano_usd_per_mtok, output),
            audio_input_nano_usd_per_mtok=_or(self.audio_input_nano_usd_per_mtok, input_),
            audio_output_nano_usd_per_mtok=_or(self.audio_output_nano_usd_per_mtok, output),
        )


def _or(price: int | None, otherwise: int) -> int:
    return otherwise if price is None else price


def list_names(provider: str, price_provider: str) -> tuple[str, ...]:
    """Return whose price lists count for a backend: those of `price_provider`, or of its provider where that is empty."""
    name = price_provider or provider
    return _OTHER_NAMES.get(name, (name,))


def find_prices(provider: str, price_provider: str, backend_id: UUID, upstream_model: str, rows: Iterable[PriceRow]) -> tuple[Price, ...]:
    """
    Return the prices of one target in the order in which they begin; each holds until the next one.

    `price_provider` names whose list counts; empty means the list of `provider`. A price for the backend itself counts whatever
    list it names.
    Guarantee: the last entry that has begun is the price; without an entry that has begun the price is not known.
    """
    names, model = list_names(provider, price_provider), fold_model(upstream_model)
    candidates = [row for row in rows if _applies(row, names, backend_id) and matches(fold_model(row.upstream_model), model)]
    found = _timeline(candidates)
    if list_names(provider, price_provider) == (_LOCAL,) and (not found or found[0].effective_at > FREE.effective_at):
        return (FREE, *found)
    return found


class PriceBook:
    """Many prices, arranged so that finding those of one target does not look at all of them."""

    def __init__(self, rows: Iterable[PriceRow]) -> None:
        self._exact: dict[tuple[str, str], list[PriceRow]] = defaultdict(list)
        self._patterns: dict[str, list[PriceRow]] = defaultdict(list)
        self._of_lists: dict[str, list[PriceRow]] = defaultdict(list)
        self._of_backends: dict[UUID, list[PriceRow]] = defaultdict(list)
        for row in rows:
            name = fold_model(row.upstream_model)
            if row.backend_id is not None:
                self._of_backends[row.backend_id].append(row)
                continue
            self._of_lists[row.provider].append(row)
            if is_exact(name):
                self._exact[row.provider, name].append(row)
            else:
                self._patterns[row.provider].append(row)

    def find(self, provider: str, price_provider: str, backend_id: UUID, upstream_model: str) -> tuple[Price, ...]:
        """Do as `find_prices` does with all rows."""
        names, model = list_names(provider, price_provider), fold_model(upstream_model)
        rows = [
            *self._of_backends.get(backend_id, ()),
            *(row for name in names for row in (*self._exact.get((name, model), ()), *self._patterns.get(name, ()))),
        ]
        return find_prices(provider, price_provider, backend_id, upstream_model, rows)

    def find_all(
        self, provider: str, price_provider: str, backend_id: UUID, upstream_model: str
    ) -> tuple[tuple[str, tuple[Price, ...]], ...]:
        """
        Return the prices of all models that a name with a `*` in it may stand for, by the names and patterns of the price rows, the
        one that gives more characters first: the first that matches a model has its prices.
        """
        names = list_names(provider, price_provider)
        rows = [*self._of_backends.get(backend_id, ()), *(row for name in names for row in self._of_lists.get(name, ()))]
        patterns = {pattern for row in rows if may_match(pattern := fold_model(row.upstream_model), fold_model(upstream_model))}
        if names == (_LOCAL,):
            patterns.add("*")
        ordered = sorted(patterns, key=lambda pattern: (-rank_pattern(pattern), pattern))
        return tuple((pattern, self.find(provider, price_provider, backend_id, sample_of(pattern))) for pattern in ordered)


def _applies(row: PriceRow, names: tuple[str, ...], backend_id: UUID) -> bool:
    return row.provider in names if row.backend_id is None else row.backend_id == backend_id


def _timeline(rows: list[PriceRow]) -> tuple[Price, ...]:
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
