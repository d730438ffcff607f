"""The published list prices in the table, and the prices of targets."""

from __future__ import annotations

import datetime as dt
import io
import time

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from proxy.models import Backend, ConfigurationRevision, Price, Route, Target
from proxy.prices.digest import RATES, price_list_version, rate_column, stored_price_list_version
from proxy.prices.load import load_list_prices, read_list_prices
from proxy.prices.stored import TargetPrices, prices_for_targets, unpriced_targets
from proxy.snapshot import Price as AppliedPrice

pytestmark = pytest.mark.django_db


def make_target(model="gpt-4o-mini", *, backend="b", provider="openai", price_provider=""):
    place, _ = Backend.objects.get_or_create(
        name=backend, defaults={"provider": provider, "base_url": "http://b/v1", "price_provider": price_provider}
    )
    route = Route.objects.create(model=f"{backend}-{model}")
    return Target.objects.create(route=route, backend=place, upstream_model=model)


def make_price(model, input_, **changes):
    values = {"provider": "openai", "effective_at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC), "output_nano_usd_per_mtok": 2}
    return Price.objects.create(upstream_model=model, input_nano_usd_per_mtok=input_, **values | changes)


def targets():
    return Target.objects.select_related("backend")


def _heads(found):
    return [(price.effective_at, price.input_nano_usd_per_mtok) for price in found.prices]


def test_load_list_prices_makes_the_table_equal_to_the_list():
    loaded = load_list_prices()

    stored = {
        (price.provider, price.upstream_model, int(price.effective_at.timestamp())): (
            *(getattr(price, rate_column(name)) for name in RATES),
        )
        for price in Price.objects.filter(source="snapshot")
    }
    assert stored == {row[:3]: row[3:] for row in read_list_prices()}
    assert (loaded.is_changed, loaded.prices_count) == (True, len(stored))
    assert stored_price_list_version() == loaded.version == price_list_version(read_list_prices())


def test_load_list_prices_again_does_nothing():
    first = load_list_prices()

    with CaptureQueriesContext(connection) as queries:
        second = load_list_prices()

    assert (second.is_changed, second.version) == (False, first.version)
    assert len(queries) == 1
    assert ConfigurationRevision.objects.count() == 1


def test_load_list_prices_is_a_revision_so_that_workers_reload():
    loaded = load_list_prices()

    revision = ConfigurationRevision.objects.get()

    assert revision.diff == f"~ price list none -> {loaded.version}"
    assert revision.document["price_list_version"] == loaded.version


def test_load_list_prices_repairs_what_differs_and_keeps_what_does_not():
    load_list_prices()
    kept = Price.objects.get(provider="openai", upstream_model="gpt-4o")
    other_class = Price.objects.get(provider="openai", upstream_model="gpt-realtime")
    Price.objects.filter(pk=other_class.pk).update(audio_output_nano_usd_per_mtok=1)
    changed = Price.objects.get(provider="openai", upstream_model="gpt-4o-mini")
    Price.objects.filter(pk=changed.pk).update(input_nano_usd_per_mtok=1)
    Price.objects.filter(provider="openai", upstream_model="gpt-4.1").delete()
    stale = make_price("no-longer-listed", 5, source="snapshot")

    loaded = load_list_prices()

    assert loaded.is_changed
    assert Price.objects.get(provider="openai", upstream_model="gpt-4o").pk == kept.pk
    assert Price.objects.get(pk=changed.pk).input_nano_usd_per_mtok == 150_000_000
    assert Price.objects.get(pk=other_class.pk).audio_output_nano_usd_per_mtok == 64_000_000_000
    assert Price.objects.filter(provider="openai", upstream_model="gpt-4.1").exists()
    assert not Price.objects.filter(pk=stale.pk).exists()


def test_load_list_prices_leaves_operators_prices_alone():
    own = make_price("gpt-4o", 7)

    load_list_prices()

    assert Price.objects.get(pk=own.pk).input_nano_usd_per_mtok == 7
    assert Price.objects.filter(provider="openai", upstream_model="gpt-4o").count() == 2


def test_load_list_prices_is_one_statement_however_long_the_list():
    with CaptureQueriesContext(connection) as queries:
        started_at = time.perf_counter()
        load_list_prices()
        took_s = time.perf_counter() - started_at

    assert sum("INSERT INTO proxy_price" in query["sql"] for query in queries) == 1
    assert took_s < 5  # about 0.15 s; ten times that would still be a loop over rows


def test_load_prices_command_says_what_it_did():
    outputs = []
    for _ in range(2):
        out = io.StringIO()
        call_command("load_prices", stdout=out)
        outputs.append(out.getvalue())

    assert outputs[0].endswith("loaded.\n")
    assert outputs[1].endswith("there already.\n")


def test_prices_for_targets_follow_list_operator_and_backend():
    load_list_prices()
    listed, own, backends_own, unknown = (
        make_target("gpt-4o-mini"),
        make_target("gpt-4o"),
        make_target("gpt-4o", backend="special"),
        make_target("nobody-knows"),
    )
    make_price("gpt-4o", 7)
    make_price("gpt*", 9, backend=backends_own.backend, provider="whatever")

    found = prices_for_targets(targets())

    input_, output = 150_000_000, 600_000_000
    assert found[listed.pk].prices == (AppliedPrice(0.0, input_, 75_000_000, output, input_, input_, output, input_, output),)
    assert _heads(found[own.pk]) == [(0.0, 2_500_000_000), (1767225600.0, 7)]
    assert _heads(found[backends_own.pk]) == [(0.0, 2_500_000_000), (1767225600.0, 9)]
    assert found[unknown.pk] == TargetPrices()


def test_prices_for_targets_price_provider_names_the_list():
    load_list_prices()
    target = make_target("claude-sonnet-4-5", provider="openai_compatible", price_provider="anthropic")

    (price,) = prices_for_targets(targets())[target.pk].prices
    assert (price.input_nano_usd_per_mtok, price.cache_write_5m_nano_usd_per_mtok) == (3_000_000_000, 3_750_000_000)
    assert price.cache_write_1h_nano_usd_per_mtok == 6_000_000_000


def test_prices_for_targets_with_a_star_know_every_model_of_their_list():
    load_list_prices()
    target = make_target("claude-*", backend="a", provider="anthropic")

    found = prices_for_targets(targets())[target.pk]

    known = {pattern: prices[0].input_nano_usd_per_mtok for pattern, prices in found.price_list}
    assert found.prices == ()
    assert known["claude-sonnet-4-5*"] == 3_000_000_000
    assert all(pattern.startswith("claude") for pattern in known)


@pytest.mark.parametrize(("provider", "model"), [("gemini", "gemini-2.5-flash"), ("azure", "gpt-4o"), ("anthropic", "claude-sonnet-4-5")])
def test_prices_for_targets_every_provider_has_its_list(provider, model):
    load_list_prices()
    target = make_target(model, provider=provider)

    assert len(prices_for_targets(targets())[target.pk].prices) == 1
    assert unpriced_targets(targets()) == set()


def test_unpriced_targets_are_those_that_nobody_has_a_price_for_now():
    load_list_prices()
    make_target("gpt-4o")
    make_target("anything", backend="local", provider="ollama")
    make_target("*", backend="wild")
    unknown = make_target("nobody-knows")
    later = make_target("next-year")
    make_price("next-year", 5, effective_at=dt.datetime.now(dt.UTC) + dt.timedelta(days=1))
    unknown_star = make_target("*", backend="other", provider="openai_compatible")

    assert unpriced_targets(targets()) == {unknown.pk, later.pk, unknown_star.pk}


def test_prices_for_targets_queries_do_not_grow():
    counts = []
    for number in (1, 2, 3):
        make_target(f"m{number}", backend=f"b{number}")
        loaded = list(targets())
        with CaptureQueriesContext(connection) as queries:
            prices_for_targets(loaded)
        counts.append(len(queries))

    assert counts == [1, 1, 1]


def test_prices_for_targets_without_targets_is_empty():
    assert prices_for_targets([]) == {}
