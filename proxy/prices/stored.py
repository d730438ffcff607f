"""The prices in the table, for those who build snapshots and for the console's pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from proxy.models import Price, Target
from proxy.prices.digest import RATES, rate_column
from proxy.prices.match import PriceBook, PriceRow, list_names
from proxy.snapshot import Price as AppliedPrice

_COLUMNS = ("provider", "upstream_model", "backend_id", "source", "effective_at", *map(rate_column, RATES))


@dataclass(frozen=True, slots=True)
class TargetPrices:
    """The prices of a target as the snapshot has them (`snapshot.Target`): its own, or those of all models its `*` may stand for."""

    prices: tuple[AppliedPrice, ...] = ()
    price_list: tuple[tuple[str, tuple[AppliedPrice, ...]], ...] = ()

    def is_known(self, at_s: float) -> bool:
        """Tell whether there is a price at this moment, for a name with a `*` one for any model."""
        timelines = (self.prices, *(prices for _, prices in self.price_list))
        return any(prices and prices[0].effective_at <= at_s for prices in timelines)


def prices_for_targets(targets: Iterable[Target]) -> dict[UUID, TargetPrices]:
    """
    Return the prices of each target by its id; a target without a known price has none.

    Cost: one query for all targets, given that their backends are loaded.
    """
    loaded = list(targets)
    lists = {name for to in loaded for name in list_names(to.backend.provider, to.backend.price_provider)}
    book = _load_book(lists, {to.backend_id for to in loaded})
    return {to.pk: _find(book, to) for to in loaded}


def unpriced_targets(targets: Iterable[Target]) -> set[UUID]:
    """Return the ids of those whose price is not known now: what they answer counts as free. Cost: as `prices_for_targets`."""
    now_s = timezone.now().timestamp()
    return {target_id for target_id, found in prices_for_targets(targets).items() if not found.is_known(now_s)}


def _find(book: PriceBook, to: Target) -> TargetPrices:
    at = (to.backend.provider, to.backend.price_provider, to.backend_id, to.upstream_model)
    return TargetPrices(price_list=book.find_all(*at)) if "*" in to.upstream_model else TargetPrices(book.find(*at))


def _load_book(lists: set[str], backend_ids: set[UUID]) -> PriceBook:
    rows = Price.objects.filter(Q(provider__in=lists, backend=None) | Q(backend__in=backend_ids)).order_by()
    return PriceBook(
        PriceRow(provider, model, backend_id, "operator" if source == "operator" else "snapshot", at.timestamp(), *rates)
        for provider, model, backend_id, source, at, *rates in rows.values_list(*_COLUMNS)
    )
