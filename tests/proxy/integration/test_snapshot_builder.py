"""From the rows of the console to the snapshot: complete, of one moment, in a constant number of queries."""

from __future__ import annotations

import datetime as dt
import os
import threading
import time

import pytest
from django.db import connection, connections
from django.utils import timezone

from apikeys.public import KeyChangeCounter, revoke_key
from common.secret import Secret
from guardrails.documents import dump_document
from guardrails.public import attach_policy, save_and_publish
from proxy.adapters.snapshot_builder import build_snapshot
from proxy.domain import TargetDraft, save_route
from proxy.models import Backend, ConfigurationRevision, Route
from proxy.ports import Endpoint, Timeouts
from proxy.snapshot import LimitRule, Price, PublishedPolicy, dump_snapshot, parse_snapshot
from proxy.stages.settle import Settlement, is_unpriced, settle
from proxy.wire.usage import Usage
from tests.guardrails.policy_help import document, scope
from tests.proxy.integration.query_count import counted_queries
from tests.proxy.integration.rows_help import make_backend, make_key, make_limit, make_price, make_route, make_workspace

pytestmark = pytest.mark.django_db(transaction=True)  # it sets its own transaction's isolation


def _queries_count() -> int:
    with counted_queries() as queries:
        build_snapshot()
    return len(queries)


def test_one_of_everything_and_three_cost_the_same_queries():
    for name in ("one",):
        make_route(name, make_backend(name))
        make_limit(name)
        make_price(f"{name}-upstream")
        save_and_publish(document(name))
    first = _queries_count()
    for name in ("two", "three"):
        make_route(name, make_backend(name), make_backend(f"{name}-b"))
        make_limit(name)
        make_price(f"{name}-upstream")
        save_and_publish(document(name))

    assert first == _queries_count() == 11


def test_an_empty_installation_has_an_empty_snapshot():
    snapshot = build_snapshot()

    assert (snapshot.revision, snapshot.key_change_number, snapshot.backends, snapshot.routes, snapshot.limits) == (0, 0, {}, {}, ())


def test_a_policy_as_the_data_plane_reads_it():
    acme, key = make_workspace("acme"), make_key("ci").api_key
    written = document(scope=scope(workspaces=["acme"], models=["gpt*"]))
    policy = save_and_publish(written)
    attach_policy(key, policy)

    snapshot = build_snapshot()

    expected = PublishedPolicy(
        name="strict",
        version=1,
        digest=policy.published.digest,
        document=dump_document(written),
        workspace_ids=(str(acme.pk),),
        models=("gpt*",),
        attached_key_ids=(str(key.pk),),
    )
    assert snapshot.policies == (expected,)
    assert parse_snapshot(dump_snapshot(snapshot)) == snapshot


def test_a_backend_as_the_data_plane_reads_it():
    make_backend(
        base_url="https://api.example:8443/v1/",
        connect_timeout_s=1,
        first_token_timeout_s=2,
        idle_timeout_s=3,
        total_timeout_s=4,
        on_disconnect="drain",
        credential=Secret("sk-ü"),
    )

    backend = build_snapshot().backends["main"]

    assert backend.endpoint == Endpoint("https", "api.example", 8443, "/v1")
    assert backend.timeouts == Timeouts(1, 2, 3, 4)
    assert backend.is_drained_on_disconnect
    assert backend.credential == Secret("sk-ü")


def test_a_backend_without_a_credential_has_none():
    make_backend(credential=None)

    assert build_snapshot().backends["main"].credential is None


def test_a_credential_that_cannot_be_read_takes_no_other_backend_down():
    make_route("good", make_backend("good"))
    make_route("bad", make_backend("bad"))
    Backend.objects.filter(name="bad").update(credential_sealed=os.urandom(60))

    snapshot = build_snapshot()

    assert snapshot.backends["bad"].credential is None
    assert snapshot.backends["good"].credential == Secret("sk-theirs")
    assert set(snapshot.routes) == {"good", "bad"}


def test_what_is_not_active_is_not_there():
    on, off = make_backend("on"), make_backend("off", is_active=False)
    make_route("both", on, off)
    make_route("nowhere", off)
    make_route("inactive", on, is_active=False)

    snapshot = build_snapshot()

    assert set(snapshot.backends) == {"on"}
    assert {name: [target.backend for target in route.targets] for name, route in snapshot.routes.items()} == {
        "both": ["on"],
        "nowhere": [],
    }


def test_prices_come_sorted_by_the_moment_they_begin():
    now = timezone.now()
    make_route("gpt", make_backend())
    for days in (3, -3, 0):
        make_price("gpt-upstream", effective_at=now + dt.timedelta(days=days), input_nano_usd_per_mtok=1000 + days)

    (target,) = build_snapshot().routes["gpt"].targets

    begins = [(now + dt.timedelta(days=days)).timestamp() for days in (-3, 0, 3)]
    assert [price.effective_at for price in target.prices] == pytest.approx(begins)
    assert [price.input_nano_usd_per_mtok for price in target.prices] == [997, 1000, 1003]
    # what has no price of its own costs what it is part of
    assert target.prices[0] == Price(target.prices[0].effective_at, 997, 997, 3_000_000, 997, 997, 3_000_000, 997, 3_000_000)


def test_a_wildcard_finds_the_price_of_each_model_it_takes():
    backend = make_backend()
    make_price("gpt-*")
    make_price("gpt-4o", input_nano_usd_per_mtok=5)
    save_route(Route(model="any/*"), [TargetDraft(backend, "gpt-*")])

    snapshot = build_snapshot()

    prices = {model: snapshot.find_route(f"any/{model}").targets[0].price_at(time.time()) for model in ("4o", "4O", "5")}
    assert {model: price and price.input_nano_usd_per_mtok for model, price in prices.items()} == {"4o": 5, "4O": 5, "5": 1_000_000}


def test_a_model_of_an_ollama_costs_nothing_which_is_a_price():
    make_route("llama", make_backend("local", provider="ollama", base_url="http://127.0.0.1:9"))

    (target,) = build_snapshot().routes["llama"].targets

    assert not is_unpriced(target, time.time())
    assert settle(target, Usage(1000, 1000), time.time()) == Settlement(0, 0.0)


def test_limits_with_their_defaults():
    workspace = make_workspace()
    one = make_limit("one", amount=5, window_s=7)
    two = make_limit("two", scope="workspace", workspace=workspace, model="gpt", burst=9, mode="shadow")

    limits = {rule.name: rule for rule in build_snapshot().limits}

    assert limits == {
        "one": LimitRule(str(one.pk), "one", "key", "requests", 5, 7, 5),
        "two": LimitRule(str(two.pk), "two", "workspace", "requests", 10, 60, 9, False, str(workspace.pk), "gpt"),
    }


def test_it_carries_the_newest_revision_and_the_number_of_the_key_feed():
    make_route("gpt")
    make_limit("one")
    created = make_key()
    revoke_key(created.api_key)

    snapshot = build_snapshot()

    assert snapshot.revision == ConfigurationRevision.objects.latest("number").number
    assert snapshot.key_change_number == KeyChangeCounter.objects.get().value


def test_what_is_built_can_be_dumped_and_parsed():
    make_route("gpt", make_backend())
    make_price("gpt-upstream")
    make_limit()

    snapshot = build_snapshot()

    assert parse_snapshot(dump_snapshot(snapshot)) == snapshot


def test_it_is_of_one_moment_although_rows_change_while_it_is_read(monkeypatch):
    make_route("gpt", make_backend())
    revision = build_snapshot().revision
    is_changed = False

    def change_in_between(execute, sql, params, many, context):
        nonlocal is_changed
        result = execute(sql, params, many, context)
        if "configurationrevision" in sql.lower() and not is_changed:
            is_changed = True
            thread = threading.Thread(target=_add_a_route)
            thread.start()
            thread.join()
        return result

    with connection.execute_wrapper(change_in_between):
        snapshot = build_snapshot()

    assert is_changed
    assert (snapshot.revision, set(snapshot.routes)) == (revision, {"gpt"})
    assert set(build_snapshot().routes) == {"gpt", "meanwhile"}


def _add_a_route():
    make_route("meanwhile")
    connections.close_all()
