"""The prices in the table, for those who build snapshots."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q

from proxy.models import Price, Target
from proxy.prices.match import AppliedPrice, PriceBook, PriceRow


def prices_for_targets(targets: Iterable[Target]) -> dict[UUID, tuple[AppliedPrice, ...]]:
    """
    Return the prices of each target by its id, in the form of `find_prices`; a target without a known price has an empty tuple.

    Cost: one query for all targets, given that their backends are loaded.
    """
    loaded = list(targets)
    book = _load_book({to.backend.price_provider or to.backend.provider for to in loaded}, {to.backend_id for to in loaded})
    return {to.pk: book.find(to.backend.provider, to.backend.price_provider, to.backend_id, to.upstream_model) for to in loaded}


def _load_book(lists: set[str], backend_ids: set[UUID]) -> PriceBook:
    rows = Price.objects.filter(Q(provider__in=lists, backend=None) | Q(backend__in=backend_ids)).order_by()
    columns = rows.values_list(
        "provider",
        "upstream_model",
        "backend_id",
        "source",
        "effective_at",
        "input_nano_usd_per_mtok",
        "cached_input_nano_usd_per_mtok",
        "output_nano_usd_per_mtok",
    )
    return PriceBook(
        PriceRow(provider, model, backend_id, "operator" if source == "operator" else "snapshot", at.timestamp(), input_, cached, output)
        for provider, model, backend_id, source, at, input_, cached, output in columns
    )
