"""
Make `list_prices.json` out of the package genai-prices (MIT), which only development needs.

Rules: everything written can be matched exactly; what our patterns cannot say is left out, never widened. Of several tiers the
lowest counts, of several times of day the one that holds longest. Equal input gives equal bytes.
Source: docs/design/0004-prices.md
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from genai_prices import types
from genai_prices.data import providers as published_providers

from proxy.prices.patterns import fold_model, is_exact

PACKAGE: Final = "genai-prices"
PATH: Final = Path(__file__).with_name("list_prices.json")
FORMAT: Final = (
    "[model pattern, first day (UTC) or null for always, input, cached input, output, cache write for 5 minutes, cache write for an hour,"
    " reasoning, audio input, audio output]; null, and what is missing at the end, says nothing of its class"
)
_DAY: Final = dt.timedelta(days=1)
_OTHER_OUTPUT: Final = ("output_image_mtok", "output_video_mtok")
_LONG_WRITE_FACTOR: Final = 2  # Anthropic's: a cache write for an hour costs twice the input
_DATE_TAIL = re.compile(r"^\^(?P<name>[A-Za-z0-9/_.\\-]+?)(?P<tail>\[-@\]|[-])(?P<digits>\\d\{8\}|\\d\{4\}-\\d\{2\}-\\d\{2\})\$$")

Rates = tuple[int | None, ...]
"""Prices in the order of `digest.RATES`, in nano-dollars per million tokens, up to the last one that the list tells."""
Row = tuple[Any, ...]
"""Pattern, first day or None, then the rates."""


def generate() -> str:
    """Return the text of `list_prices.json` for the installed version of the package."""
    own = {provider.id: _rows(provider) for provider in published_providers}
    by_provider = dict(own)
    for provider in published_providers:
        for other in provider.fallback_model_providers or ():
            # One step, as the package looks it up: what azure does not list itself costs as at openai.
            unlisted = [row for row in own[other] if provider.find_model(row[0]) is None]
            by_provider[provider.id] = _merge(by_provider[provider.id], unlisted)
    return _dump({name: rows for name, rows in sorted(by_provider.items()) if rows})


def _dump(by_provider: dict[str, list[Row]]) -> str:
    head = {
        "source": {
            "package": PACKAGE,
            "version": metadata.version(PACKAGE),
            "license": _license_text(),
        },
        "unit": "nano-dollars per million tokens",
        "format": FORMAT,
    }
    body = ",\n".join(f"{json.dumps(name)}: [\n{_dump_rows(rows)}\n]" for name, rows in by_provider.items())
    return json.dumps(head, indent=1)[:-2] + ',\n "prices": {\n' + body + "\n}\n}\n"


def _dump_rows(rows: Iterable[Row]) -> str:
    return ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)


def _license_text() -> str:
    files = metadata.files(PACKAGE) or []
    text = next(file.read_text() for file in files if file.name == "LICENSE")
    return " ".join(text.split())


def _rows(provider: types.Provider) -> list[Row]:
    rows: list[Row] = []
    for model in provider.models:
        names = _own_names(provider, model)
        rows = _merge(rows, [(name, day, *rates) for day, rates in _timeline(model) for name in names])
    return rows


def _merge(first: list[Row], second: list[Row]) -> list[Row]:
    """Return both, sorted, without what `second` says of a name that `first` has: the package's first match wins."""
    taken = {row[0] for row in first}
    return sorted([*first, *(row for row in second if row[0] not in taken)], key=lambda row: (row[0], row[1] or ""))


def _own_names(provider: types.Provider, model: types.ModelInfo) -> list[str]:
    """Return the patterns of a model, less the exact names that the package gives to another model."""
    names = {fold_model(model.id), *(fold_model(name) for name in _patterns(model.match))}
    names -= {name.removesuffix("*") for name in names if name.endswith("*")}
    return sorted(name for name in names if not is_exact(name) or provider.find_model(name) is model)


def _patterns(clause: Any) -> Iterator[str]:
    """Yield what our patterns can say of a clause; `contains`, `ends with`, `and` and free regular expressions they cannot."""
    if isinstance(clause, types.ClauseEquals):
        yield clause.equals
    elif isinstance(clause, types.ClauseStartsWith):
        yield f"{clause.starts_with}*"
    elif isinstance(clause, types.ClauseOr):
        for part in clause.or_:
            yield from _patterns(part)
    elif isinstance(clause, types.ClauseRegex) and (found := _DATE_TAIL.match(clause.regex)):
        name = found["name"].replace("\\", "")
        digits = found["digits"].replace("\\d{8}", "#" * 8).replace("\\d{4}", "####").replace("\\d{2}", "##")
        yield from (f"{name}{separator}{digits}" for separator in ("-@" if found["tail"] == "[-@]" else "-"))


def _timeline(model: types.ModelInfo) -> Iterator[tuple[str | None, Rates]]:
    """Yield the token prices of a model, each with its first day, in order; days on which nothing changed are left out."""
    conditional = model.prices if isinstance(model.prices, list) else [types.ConditionalPrice(prices=model.prices)]
    dated = [price for price in conditional if not _is_for_few_hours(price.constraint)]
    first_days = sorted({price.constraint.start_date for price in dated if isinstance(price.constraint, types.StartDateConstraint)})
    before: Rates | None = None
    for day in [None, *first_days]:
        rates = _rates(model, _price_on(dated, day))
        if rates is not None and rates != before:
            yield day.isoformat() if day else None, rates
        before = rates or before


def _price_on(prices: list[types.ConditionalPrice], day: dt.date | None) -> types.ModelPrice:
    """Return the last price that has begun, else the first one: the package's own rule."""
    begun = [price for price in prices if _has_begun(price.constraint, day)]
    return (begun[-1] if begun else prices[0]).prices


def _has_begun(constraint: Any, day: dt.date | None) -> bool:
    return not isinstance(constraint, types.StartDateConstraint) or (day is not None and constraint.start_date <= day)


def _is_for_few_hours(constraint: Any) -> bool:
    """Tell whether a price holds for less than half of every day; a longer window counts as the whole day."""
    if not isinstance(constraint, types.TimeOfDateConstraint):
        return False
    start, end = (dt.timedelta(hours=at.hour, minutes=at.minute) for at in (constraint.start_time, constraint.end_time))
    return (end - start) % _DAY < _DAY / 2


def _rates(model: types.ModelInfo, price: types.ModelPrice) -> Rates | None:
    """Return the rates of a model that answers in text or audio; None for other output, and for prices by the hour, page or character."""
    input_, output = _nano_usd(price.input_mtok), _nano_usd(price.output_mtok)
    if input_ is None or any(getattr(price, name, None) is not None for name in _OTHER_OUTPUT):
        return None
    audio_output = _nano_usd(price.output_audio_mtok)
    if output is None and audio_output is not None:
        return None
    rates = (
        input_,
        _nano_usd(price.cache_read_mtok),
        output or 0,  # embeddings have no output; they are priced by their input alone
        _nano_usd(price.cache_write_mtok),
        _nano_usd(price.cache_write_1h_mtok) or _long_write(model, price),
        _nano_usd(price.output_reasoning_mtok),
        _nano_usd(price.input_audio_mtok),
        audio_output,
    )
    return _without_silent_tail(rates)


def _long_write(model: types.ModelInfo, price: types.ModelPrice) -> int | None:
    """Return what Anthropic asks for a cache write that lasts an hour, where a list has its model and says nothing of it."""
    input_ = _nano_usd(price.input_mtok)
    if input_ is None or price.cache_write_mtok is None or "claude" not in fold_model(model.id):
        return None
    return _LONG_WRITE_FACTOR * input_


def _without_silent_tail(rates: Rates) -> Rates:
    while rates[-1] is None:
        rates = rates[:-1]
    return rates


def _nano_usd(price: Decimal | types.TieredPrices | None) -> int | None:
    base = price.base if isinstance(price, types.TieredPrices) else price
    # Rounded, because some published prices are floats: 0.18000000000000002.
    return None if base is None else int((base * 1_000_000_000).to_integral_value(ROUND_HALF_UP))
