"""deploy/pgbouncer/pgbouncer.ini in front of a real PostgreSQL: everything the product does works through it, and nothing leaks."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import uuid

import psycopg
import pytest
from django.conf import settings
from django.db import connection, connections, transaction
from psycopg.conninfo import make_conninfo

from apikeys.domain import create_workspace
from gatewaysite.databases import build_databases
from gatewaysite.services.child import find_account, guarded_command
from gatewaysite.services.ports import is_listening
from proxy.adapters.partitions import ensure_partitions
from proxy.adapters.shipper import Shipper
from proxy.adapters.spool import SpoolWriter
from proxy.adapters.usage_store import store_records
from proxy.models import UsageRecord
from proxy.tasks import take_lease
from tests.database_help import LIMITS
from tests.http_talk import wait_for
from tests.installation import free_port
from tests.proxy.spool_help import ended, started
from tests.rest_help import make_program
from tests.tools import need_tool

INI = settings.BASE_DIR / "deploy" / "pgbouncer" / "pgbouncer.ini"


def test_pools_are_those_that_were_asked_for():
    text = INI.read_text()
    wanted = {
        "pool_mode": "transaction",
        "max_client_conn": "200",
        "default_pool_size": "25",
        "reserve_pool_size": "5",
        "reserve_pool_timeout": "3",
        "server_lifetime": "3600",
        "server_idle_timeout": "600",
    }

    assert {name: value for name, value in re.findall(r"^(\w+) = (\S+)$", text, re.MULTILINE) if name in wanted} == wanted


@pytest.fixture
def pooler(tmp_path, transactional_db):
    """Yield the address of a pgbouncer with our file before this test's database; paths, ports and the server's place are the test's."""
    program = need_tool("pgbouncer")
    database = connection.settings_dict
    port = free_port()
    place = make_conninfo(host=database["HOST"], port=database["PORT"] or 5432, dbname=database["NAME"])
    text = INI.read_text()
    for old, new in {
        "gateway = host=127.0.0.1 port=5432 dbname=gateway": f"gateway = {place}",
        "listen_port = 6432": f"listen_port = {port}",
        "/var/run/postgresql": str(tmp_path),
        "/var/log/postgresql": str(tmp_path),
        "/etc/pgbouncer": str(tmp_path),
    }.items():
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "pgbouncer.ini").write_text(text)
    (tmp_path / "userlist.txt").write_text(f'"{database["USER"]}" "{database["PASSWORD"] or "secret"}"\n')
    account = find_account(tmp_path)  # it refuses to run as root, as PostgreSQL does
    if account is not None:
        for path in (tmp_path, *tmp_path.iterdir()):
            os.chown(path, account.uid, account.gid)
    argv = guarded_command([program, "-q", str(tmp_path / "pgbouncer.ini")], death_signal=signal.SIGKILL, account=account)
    process = subprocess.Popen(argv, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        wait_for(lambda: is_listening("127.0.0.1", port) or process.poll() is not None)
        assert process.poll() is None, process.stdout.read().decode()
        yield make_conninfo(host="127.0.0.1", port=port, dbname="gateway", user=database["USER"], password=database["PASSWORD"] or "secret")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def through(pooler):
    """Let Django reach this test's database through the pooler, as with DATABASE_BEHIND_POOLER, in all threads."""
    built = build_databases(pooler, replica_urls=[], shard_urls=[], limits=LIMITS, kind="gateway", is_behind_pooler=True)["default"]
    direct = connections["default"]
    direct.close()
    direct.close_pool()
    kept = {name: direct.settings_dict[name] for name in built}
    direct.settings_dict.update(built)  # the same dictionary in every thread
    try:
        yield pooler
    finally:
        connections["default"].close()
        connections["default"].close_pool()
        direct.settings_dict.update(kept)


def _shown(cursor, name):
    cursor.execute(f"SHOW {name}")
    return cursor.fetchone()[0]


def test_connection_that_asks_for_settings_is_refused_loudly(pooler):
    with pytest.raises(psycopg.OperationalError, match="unsupported startup parameter"):
        psycopg.connect(pooler, options="-c statement_timeout=10000")


def test_session_has_its_name_and_the_limits_of_its_role(through):
    with connection.cursor() as cursor:
        assert _shown(cursor, "application_name") == "gatewaysite-gateway"
        assert _shown(cursor, "statement_timeout") == "1min"  # the embedded server's role has that


def test_rest_lists_and_writes(through, client):
    program = make_program(create_workspace("acme", "Acme"), "alice")
    store_records([ended(workspace_id=str(program.key.workspace_id), key_id=str(program.key.pk)) for _ in range(3)])

    made = program.post("/api/keys", {"name": "second"})
    page = program.get("/api/usage/records", {"from": "1d", "limit": 2})
    sums = program.get("/api/usage", {"from": "1d"})

    assert made.status_code == 201, made.content
    assert (page.status_code, len(page.json()["data"])) == (200, 2)
    assert program.client.get(page.json()["next"], headers=program.headers).status_code == 200
    assert sums.json()["data"][0]["requests_count"] == 3


def test_usage_is_shipped_and_the_lease_and_days_are_kept(through, tmp_path):
    writer = SpoolWriter(tmp_path / "spool", 1 << 20)
    writer.start()
    lines = [ended() for _ in range(50)]
    for line in lines:
        writer.started(started(line.request_id))
        writer.ended(line)
    writer.stop()

    assert Shipper(tmp_path / "spool", store_records).ship() == 50
    ensure_partitions()

    one, other = uuid.uuid4(), uuid.uuid4()
    assert (take_lease(one), take_lease(other), take_lease(one)) == (True, False, True)
    assert UsageRecord.objects.count() == 50
    assert sum(1 for _ in UsageRecord.objects.iterator(chunk_size=10)) == 50


def test_two_clients_at_once_share_servers_and_see_nothing_of_each_other(through):
    program = make_program(create_workspace("acme", "Acme"), "alice")
    owner = {"workspace_id": str(program.key.workspace_id), "key_id": str(program.key.pk)}
    failures, leaked = [], []

    def work(rounds, step):
        try:
            for _ in range(rounds):
                step()
        except Exception as error:
            failures.append(error)
        finally:
            connections.close_all()

    def ship():
        store_records([ended(**owner) for _ in range(20)])

    def bounded():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '1234ms'")
            assert _shown(cursor, "statement_timeout") == "1234ms"
        with connection.cursor() as cursor:
            leaked.append(_shown(cursor, "statement_timeout"))

    def read():
        assert program.get("/api/usage", {"from": "1d"}).status_code == 200

    threads = [threading.Thread(target=work, args=(15, step)) for step in (ship, bounded, read, read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert failures == []
    assert set(leaked) == {"1min"}
    assert program.get("/api/usage", {"from": "1d"}).json()["data"][0]["requests_count"] == 300
