"""What Django is told of the databases."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from gatewaysite import env
from gatewaysite.databases import build_databases, count_workers, pool_limits, process_kind
from tests.database_help import LIMITS


def _build(primary="postgres://u:p@db/gw", **more):
    options = {"replica_urls": [], "shard_urls": [], "limits": LIMITS, "kind": "gateway", "is_behind_pooler": False}
    return build_databases(primary, **(options | more))


@pytest.mark.parametrize(
    ("argv", "kind"),
    [
        (["/opt/gw/.venv/bin/gunicorn", "--config", "x"], "gateway"),
        (["/opt/gw/.venv/lib/python3.11/site-packages/gunicorn/__main__.py"], "gateway"),
        (["/opt/gw/.venv/bin/uvicorn"], "gateway"),
        (["manage.py", "runserver"], "gateway"),
        (["manage.py", "maintenance"], "maintenance"),
        (["/opt/gw/manage.py", "migrate", "items"], "migrate"),
        (["manage.py"], "manage"),
        (["-c"], "-c"),
        ([""], "python"),
        ([], "python"),
    ],
)
def test_process_is_named_after_what_it_does(argv, kind):
    assert process_kind(argv) == kind


def test_worker_has_the_pool_that_the_settings_say():
    limits = pool_limits(env.read, "gateway", is_embedded=False, worker_count=64)

    assert (limits.min_count, limits.max_count, limits.idle_s, limits.timeout_s, limits.statement_timeout_s) == (5, 20, 60, 3, 10)


def test_command_keeps_one_connection_and_takes_its_time():
    limits = pool_limits(env.read, "migrate", is_embedded=False, worker_count=1)

    assert (limits.min_count, limits.max_count, limits.statement_timeout_s, limits.idle_in_transaction_s) == (1, 8, 0, 0)


@pytest.mark.parametrize("workers", [1, 2, 4, 8, 16, 100])
def test_workers_of_an_embedded_database_leave_room_in_its_hundred_connections(workers):
    limits = pool_limits(env.read, "gateway", is_embedded=True, worker_count=workers)

    assert 1 <= limits.min_count <= limits.max_count <= 20
    assert limits.max_count * workers <= max(80, workers)


def test_workers_are_counted_without_complaint_about_what_the_server_refuses_itself():
    assert count_workers({"GATEWAY_WORKERS": "3"}) == 3
    assert count_workers({"GATEWAY_WORKERS": "many"}) == 1


@pytest.mark.parametrize(
    "environ",
    [
        {"DATABASE_POOL_MIN_COUNT": "30"},
        {"DATABASE_POOL_MAX_COUNT": "0"},
        {"DATABASE_POOL_TIMEOUT_S": "0"},
        {"DATABASE_STATEMENT_TIMEOUT_S": "-1"},
    ],
)
def test_pool_that_cannot_be_is_refused(monkeypatch, environ):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ImproperlyConfigured, match="DATABASE_"):
        pool_limits(env.read, "gateway", is_embedded=False, worker_count=1)


def test_address_is_taken_apart_and_its_own_parameters_win():
    database = _build("postgres://u:p%40ss@db:6000/gw?sslmode=verify-full&application_name=mine")["default"]

    assert {name: database[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")} == {
        "NAME": "gw", "USER": "u", "PASSWORD": "p@ss", "HOST": "db", "PORT": "6000",
    }  # fmt: skip
    assert database["OPTIONS"]["sslmode"] == "verify-full"
    assert database["OPTIONS"]["application_name"] == "mine"


def test_session_begins_with_its_limits_but_never_behind_a_pooler():
    direct, pooled = _build(), _build(is_behind_pooler=True)

    assert direct["default"]["OPTIONS"]["options"] == "-c statement_timeout=10000 -c idle_in_transaction_session_timeout=60000"
    assert "options" not in pooled["default"]["OPTIONS"]


def test_replicas_and_shards_have_numbers_and_pools_of_their_own():
    databases = _build(replica_urls=["postgres://r1/gw", "postgres://r2/gw"], shard_urls=["postgres://s1/gw"])

    assert {alias: database["HOST"] for alias, database in databases.items()} == {
        "default": "db", "replica_1": "r1", "replica_2": "r2", "shard_1": "s1",
    }  # fmt: skip
    assert databases["replica_2"]["TEST"] == {"MIRROR": "default"}
    assert all(database["OPTIONS"]["pool"]["max_size"] == 4 for database in databases.values())


@pytest.mark.parametrize("setting", ["DATABASE_URL", "DATABASE_REPLICA_URLS", "DATABASE_SHARD_URLS"])
def test_address_that_is_none_is_refused_without_its_password(setting):
    broken = "postgres://user:secret@host:port:port/x y"
    options = {"DATABASE_REPLICA_URLS": {"replica_urls": [broken]}, "DATABASE_SHARD_URLS": {"shard_urls": [broken]}}.get(setting, {})

    with pytest.raises(ImproperlyConfigured, match=setting) as raised:
        _build(broken if setting == "DATABASE_URL" else "postgres://db/gw", **options)

    assert "secret" not in str(raised.value)
