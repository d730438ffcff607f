"""Two shards beside the primary database: each workspace's items, signals and usage in its own, everything else in none of them."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import uuid

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import OperationalError, connections
from django.test import Client
from django.utils import timezone

from apikeys.domain import create_workspace, delete_workspace
from common.databases import database_of, place_of
from common.ids import create_uuid7
from gatewaysite.database_routers import WorkspaceUnknown
from gatewaysite.databases import build_databases
from gatewaysite.shards import ShardMisplaced, prepare_databases
from items import domain as items
from items.models import Item
from proxy.adapters.django_store import DjangoStore
from proxy.adapters.partitions import drop_partitions
from proxy.adapters.request_records import find_record
from proxy.adapters.spend_history import DjangoSpendHistory
from proxy.adapters.usage_store import store_records
from proxy.guardrail_report import _newest
from proxy.ledger import adjust
from proxy.ledger_check import check_ledger
from proxy.limiter.ports import Subject
from proxy.models import LedgerEntry, UsageRecord, UsageRollup
from proxy.tasks import prune_minute_rollups
from tests.database_help import LIMITS, execute, known, own_postgres, url_of
from tests.proxy.limit_help import rule
from tests.proxy.spool_help import ended
from tests.rest_help import Program, check_error, make_program

DATABASES = ["default", "shard_1", "shard_2"]
pytestmark = pytest.mark.django_db(databases=DATABASES)
committing = pytest.mark.django_db(transaction=True, databases=DATABASES)

ALL = ["inference", "usage", "keys", "items_read", "items_write", "signals_read", "signals_write"]


@pytest.fixture(scope="module")
def servers():
    with own_postgres() as first, own_postgres() as second:
        yield first, second


@pytest.fixture(scope="module", autouse=True)
def _shards(servers, django_db_setup, django_db_blocker):
    """Two databases that were empty a moment ago."""
    urls = [url_of(server) for server in servers]
    built = build_databases({}, replica_urls=[], shard_urls=urls, limits=LIMITS, kind="gateway", is_behind_pooler=False)
    with django_db_blocker.unblock(), known(shard_1=built["shard_1"], shard_2=built["shard_2"]):
        assert prepare_databases() == ["shard_1", "shard_2"]
        yield


def _workspace(shard: str):
    for number in itertools.count():
        workspace = create_workspace(f"{shard.replace('_', '-')}-{number}", shard)
        if database_of(workspace.pk) == shard:
            return workspace
        delete_workspace(workspace)
    raise AssertionError


@pytest.fixture
def alice() -> Program:
    return make_program(_workspace("shard_1"), "alice", permissions=ALL)


@pytest.fixture
def bob() -> Program:
    return make_program(_workspace("shard_2"), "bob", permissions=ALL)


@pytest.fixture
def console() -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root", password="x"))
    return client


def _used(program, count=1, **fields):
    owner = {"workspace_id": str(program.key.workspace_id), "key_id": str(program.key.pk)}
    return [ended(**(owner | fields)) for _ in range(count)]


def _count(alias, table):
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608  # a table's name of this file
        return cursor.fetchone()[0]


def _everywhere(table):
    return {alias: _count(alias, table) for alias in ("default", "shard_1", "shard_2")}


# --- places -----------------------------------------------------------------------------------------------------------------------


def test_a_workspace_has_the_same_place_for_ever():
    places = [[place_of(uuid.UUID(int=number), count) for number in range(8)] for count in (1, 2, 3)]

    assert places == [[0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 1, 0, 1, 1, 1, 1], [0, 0, 1, 1, 0, 2, 0, 2]]
    assert place_of(str(uuid.UUID(int=1)), 2) == place_of(uuid.UUID(int=1), 2)


def test_workspaces_are_spread_evenly():
    counts = [0] * 4
    for _ in range(4000):
        counts[place_of(create_uuid7(), 4)] += 1

    assert all(850 < count < 1150 for count in counts)


def test_a_query_that_does_not_say_whose_rows_it_wants_is_a_bug_and_not_an_empty_list():
    with pytest.raises(WorkspaceUnknown, match="Item"):
        Item.objects.count()
    with pytest.raises(WorkspaceUnknown, match="UsageRollup"):
        UsageRollup.objects.create()


def test_shards_are_ready_once_and_say_so(capsys):
    call_command("migrate_databases")

    assert capsys.readouterr().out.splitlines() == ["default: up to date", "shard_1: up to date", "shard_2: up to date"]


@committing
def test_shards_in_another_order_are_refused_before_anything_happens(servers):
    urls = [url_of(server) for server in reversed(servers)]
    swapped = build_databases({}, replica_urls=[], shard_urls=urls, limits=LIMITS, kind="gateway", is_behind_pooler=False)
    places = {alias: connections[alias].settings_dict["HOST"] for alias in ("shard_1", "shard_2")}
    for alias in places:
        connections[alias].close()
        connections[alias].close_pool()
        connections[alias].settings_dict["HOST"] = swapped[alias]["HOST"] or swapped[alias]["OPTIONS"].get("host")
    try:
        with pytest.raises(ShardMisplaced, match="shard 2 of 2"):
            prepare_databases()
        with pytest.raises(CommandError, match="move rows first"):
            call_command("migrate_databases")
    finally:
        for alias, host in places.items():
            connections[alias].close()
            connections[alias].close_pool()
            connections[alias].settings_dict["HOST"] = host


def test_operator_sees_where_a_workspace_is_and_would_be(alice, bob, capsys):
    call_command("shard_of")
    call_command("shard_of", bob.key.workspace.slug, count=1)

    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [(line[0], line[2]) for line in lines] == [
        (alice.key.workspace.slug, "1"),
        (bob.key.workspace.slug, "2"),
        (bob.key.workspace.slug, "1"),
    ]


# --- usage ------------------------------------------------------------------------------------------------------------------------


def test_one_batch_of_usage_is_split_by_workspace_with_all_that_follows_from_it(alice, bob):
    lines = [*_used(alice, 3), *_used(bob, 2, tags=("team=b",))]

    store_records(lines)
    store_records(lines)  # as after a crash

    assert _everywhere("proxy_usagerecord") == {"default": 0, "shard_1": 3, "shard_2": 2}
    assert _everywhere("proxy_ledgerentry") == {"default": 0, "shard_1": 6, "shard_2": 4}
    assert _everywhere("proxy_usagerollup") == {"default": 0, "shard_1": 3, "shard_2": 3}
    assert _everywhere("proxy_usagetagrollup") == {"default": 0, "shard_1": 0, "shard_2": 1}
    assert check_ledger() == []


def test_a_shard_that_is_away_holds_back_its_own_rows_alone(alice, bob, servers, monkeypatch):
    stored = []

    def store_in(alias, lines):
        if alias == "shard_1":
            raise OperationalError("gone")
        stored.append((alias, len(lines)))

    monkeypatch.setattr("proxy.adapters.usage_store._store", store_in)
    with pytest.raises(OperationalError, match="gone"):
        store_records([*_used(alice, 2), *_used(bob, 2)])

    assert stored == [("shard_2", 2)]


def test_reports_are_of_the_callers_shard(alice, bob):
    lines = _used(bob, 2)
    store_records([*_used(alice, 3), *lines])

    assert alice.get("/api/usage", {"from": "1d"}).json()["data"][0]["requests_count"] == 3
    assert len(bob.get("/api/usage/records", {"from": "1d"}).json()["data"]) == 2
    assert len(bob.get("/api/ledger", {"from": "1d"}).json()["data"]) == 4
    found = bob.get(f"/api/requests/{lines[0].request_id}")
    assert (found.status_code, found.json()["id"] if "id" in found.json() else found.json()["request_id"]) == (200, lines[0].request_id)
    assert alice.get(f"/api/requests/{lines[0].request_id}").status_code == 404


def test_a_person_who_asks_for_usage_names_the_workspace(alice, console):
    store_records(_used(alice, 3))

    refused = console.get("/api/usage", {"from": "1d"})
    answered = console.get("/api/usage", {"from": "1d", "workspace": alice.key.workspace.slug})

    check_error(refused, 400, "invalid_request_error", "invalid_request", "workspace")
    assert answered.json()["data"][0]["requests_count"] == 3


def test_records_are_found_by_their_id_in_whichever_shard(alice, bob, tmp_path):
    lines = [*_used(alice), *_used(bob)]
    store_records(lines)

    assert [find_record(tmp_path, uuid.UUID(line.request_id)).key_id for line in lines] == [str(alice.key.pk), str(bob.key.pk)]
    assert find_record(tmp_path, create_uuid7()) is None


def test_a_correction_stands_beside_what_it_corrects(bob):
    (line,) = _used(bob)
    store_records([line])

    adjust(bob.key.workspace, bob.key, "gpt", 5, "an invoice", uuid.UUID(line.request_id))

    assert LedgerEntry.objects.using("shard_2").filter(kind="adjust").count() == 1


def test_a_report_over_all_workspaces_reads_the_newest_of_both(alice, bob):
    lines = [line for _ in range(4) for line in (*_used(alice), *_used(bob))]
    store_records(lines)

    rows = list(_newest(timezone.now() - dt.timedelta(hours=1)))

    assert [str(row.request_id) for row in rows] == [
        line.request_id for line in sorted(lines, key=lambda line: line.request_id, reverse=True)
    ]


def test_days_and_rollups_end_in_every_shard(alice, bob):
    store_records([*_used(alice), *_used(bob)])
    for alias in ("shard_1", "shard_2"):
        UsageRollup.objects.using(alias).filter(period="minute").update(starts_at=timezone.now() - dt.timedelta(days=8))

    assert prune_minute_rollups() == 2
    assert drop_partitions(3650) == []
    assert timezone.now().date() in drop_partitions(-1)
    assert _everywhere("proxy_usagerecord") == {"default": 0, "shard_1": 0, "shard_2": 0}


@committing
def test_budgets_are_counted_from_the_shards(alice, bob, tmp_path):
    store_records([*_used(alice, 3), *_used(bob, 2)])
    since_at = timezone.now() - dt.timedelta(hours=1)

    async def ask(**subject):
        store = DjangoStore()
        try:
            return await DjangoSpendHistory(store, tmp_path).spent(rule(unit="cost"), Subject(**subject), since_at)
        finally:
            store.close()

    assert asyncio.run(ask(workspace_id=str(alice.key.workspace_id))) == 21
    assert asyncio.run(ask(workspace_id=str(bob.key.workspace_id), key_id=str(bob.key.pk))) == 14
    assert asyncio.run(ask(model="gpt")) == 35


# --- items and signals --------------------------------------------------------------------------------------------------------------


def test_items_live_with_their_workspace_and_rest_works_for_both(alice, bob):
    made = [program.post("/api/items", {"title": name}) for program, name in ((alice, "hers"), (bob, "his"))]

    assert [answer.status_code for answer in made] == [201, 201]
    assert _everywhere("items_item") == {"default": 0, "shard_1": 1, "shard_2": 1}
    for program, title in ((alice, "hers"), (bob, "his")):
        assert [row["title"] for row in program.get("/api/items").json()["data"]] == [title]
        assert program.get("/api/items/stats").json()["items_count"] == 1
    theirs = made[0].json()["id"]
    assert bob.get(f"/api/items/{theirs}").status_code == 404
    assert bob.patch(f"/api/items/{theirs}", title="mine").status_code == 404
    assert alice.patch(f"/api/items/{theirs}", title="changed").json()["title"] == "changed"


def test_signals_live_with_their_workspace_and_every_report_of_them_does(alice, bob):
    for program, symbols in ((alice, ("AAA", "BBB")), (bob, ("AAA",))):
        assert program.post("/api/signals/channels", {"name": "desk"}).status_code == 201
        for symbol in symbols:
            signal = {"channel": "desk", "symbol": symbol, "action": "buy", "price": "1.5", "external_id": f"id-{symbol}"}
            assert program.post("/api/signals", signal).status_code == 201, program.post("/api/signals", signal).content
            assert program.post("/api/signals", signal).status_code == 200  # known already

    tables = ("items_channel", "items_signal", "items_signalkey", "items_latestsignal")
    assert {table: _everywhere(table) for table in tables} == {
        "items_channel": {"default": 0, "shard_1": 1, "shard_2": 1},
        "items_signal": {"default": 0, "shard_1": 2, "shard_2": 1},
        "items_signalkey": {"default": 0, "shard_1": 2, "shard_2": 1},
        "items_latestsignal": {"default": 0, "shard_1": 2, "shard_2": 1},
    }
    for program, count in ((alice, 2), (bob, 1)):
        assert len(program.get("/api/signals").json()["data"]) == count
        assert len(program.get("/api/signals/latest").json()["data"]) == count
        assert program.get("/api/signals/hourly", {"from": "1d"}).status_code == 200
        assert len(program.get("/api/signals/channels").json()["data"]) == 1


def test_console_shows_channels_and_signals_of_one_workspace(alice, console):
    alice.post("/api/signals/channels", {"name": "desk"})
    alice.post("/api/signals", {"channel": "desk", "symbol": "AAA", "action": "buy"})
    chosen = {"workspace__id__exact": str(alice.key.workspace_id)}

    for name in ("channel", "signal"):
        assert "Choose a workspace" in console.get(f"/admin/items/{name}/").content.decode()
        (row,) = console.get(f"/admin/items/{name}/", chosen).context["cl"].result_list
        assert console.get(f"/admin/items/{name}/{row.pk}/change/").status_code == 200


def test_console_shows_the_items_of_one_workspace_and_writes_where_they_are(alice, bob, console):
    item, _ = items.create_items(alice.key.workspace_id, [{"title": "Answer the mail"}, {"title": "Call"}])
    list_url, page = "/admin/items/item/", f"/admin/items/item/{item.pk}/change/"

    nothing = console.get(list_url)
    chosen = console.get(list_url, {"workspace__id__exact": str(alice.key.workspace_id)})

    assert "Choose a workspace" in nothing.content.decode()
    assert "Answer the mail" not in nothing.content.decode()
    assert [row.title for row in chosen.context["cl"].result_list] == ["Call", "Answer the mail"]
    assert "Answer the mail" in chosen.content.decode()
    assert alice.key.workspace.name in chosen.content.decode()
    form = console.get(page).context["adminform"].form
    values = {name: value for name, value in form.initial.items() if value is not None} | {"title": "Answered", "tags": ""}
    values |= {"due_at_0": "", "due_at_1": ""}
    saved = console.post(page, values)
    assert saved.status_code == 302, saved.context["errors"] if saved.context else saved.content
    assert Item.objects.using("shard_1").get(pk=item.pk).title == "Answered"
    assert console.get("/admin/items/item/nothing/change/").status_code == 302


def test_console_makes_an_item_where_its_workspace_is(bob, console):
    values = {"workspace": str(bob.key.workspace_id), "title": "New", "priority": "low", "status": "new", "due_at_0": "", "due_at_1": ""}

    saved = console.post("/admin/items/item/add/", values)

    assert saved.status_code == 302, saved.context["errors"]
    assert _everywhere("items_item") == {"default": 0, "shard_1": 0, "shard_2": 1}


def test_console_shows_usage_and_ledger_of_one_workspace(alice, console):
    (line,) = _used(alice)
    store_records([line])
    chosen = {"workspace__id__exact": str(alice.key.workspace_id)}

    for name in ("usagerecord", "ledgerentry"):
        assert "Choose a workspace" in console.get(f"/admin/proxy/{name}/").content.decode()
        shown = console.get(f"/admin/proxy/{name}/", chosen).context["cl"].result_list
        assert {row.key.name for row in shown} == {"alice"}
    assert console.get(f"/admin/proxy/usagerecord/{line.request_id}/change/").status_code == 200
    assert UsageRecord.objects.using("shard_1").count() == 1


def test_a_deleted_workspace_leaves_no_items_behind(servers):
    workspace = _workspace("shard_2")
    items.create_items(workspace.pk, [{"title": "Left"}])

    delete_workspace(workspace)

    assert _everywhere("items_item") == {"default": 0, "shard_1": 0, "shard_2": 0}
    assert execute(servers[1], "SELECT count(*) FROM items_item") == [(0,)]
