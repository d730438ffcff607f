"""The embedded PostgreSQL: its first start, its second, and everything a crash can leave behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time

import psycopg
import pytest

from gatewaysite.services import postgres
from gatewaysite.services.child import is_alive, wait_until_gone
from gatewaysite.services.embedded import Services
from gatewaysite.services.errors import ServiceError
from gatewaysite.services.paths import DataDir


@pytest.fixture
def data_dir(tmp_path):
    return DataDir(tmp_path / "data")


@pytest.fixture(scope="module")
def made_once(tmp_path_factory):
    """A stopped database folder with one table, for tests that only need one to copy."""
    data_dir = DataDir(tmp_path_factory.mktemp("made") / "data")
    with _services(data_dir):
        _execute(data_dir, "CREATE TABLE kept AS SELECT 42 AS answer")
    return data_dir


@pytest.fixture
def stopped(made_once, data_dir):
    """A data folder whose database was stopped cleanly."""
    # Not shutil.copytree: the files must keep their owner, which is not us when we are root.
    subprocess.run(["cp", "-a", made_once.root, data_dir.root], check=True)
    return data_dir


def _services(data_dir):
    return Services(data_dir, valkey=False, fsync=False)


def _execute(data_dir, query):
    parts = data_dir.database_url_parts()
    with psycopg.connect(host=parts["host"], user=parts["user"], dbname=parts["name"], autocommit=True) as connection:
        cursor = connection.execute(query)
        return cursor.fetchall() if cursor.description else []


def _answer(data_dir):
    return _execute(data_dir, "SELECT answer FROM kept")[0][0]


def test_first_start_makes_the_database_and_bounds_its_queries(data_dir):
    with _services(data_dir):
        assert _execute(data_dir, "SELECT current_database(), current_user") == [("gateway", "postgres")]
        assert _execute(data_dir, "SHOW statement_timeout") == [("1min",)]
        assert _execute(data_dir, "SHOW idle_in_transaction_session_timeout") == [("1min",)]
        assert _execute(data_dir, "SELECT count(*) FROM pg_available_extensions WHERE name IN ('vector', 'pg_trgm')") == [(2,)]

    assert sorted(path.name for path in data_dir.root.glob("postgres*")) == ["postgres"]


def test_server_listens_on_no_tcp_port_and_syncs_unless_told_otherwise(stopped):
    with Services(stopped, valkey=False):
        assert _execute(stopped, "SHOW listen_addresses") == [("",)]
        assert _execute(stopped, "SHOW fsync") == [("on",)]
    with _services(stopped):
        assert _execute(stopped, "SHOW fsync") == [("off",)]


def test_second_start_keeps_data_and_an_admins_role_settings(stopped):
    with _services(stopped):
        _execute(stopped, "ALTER ROLE postgres SET statement_timeout = '5s'")
    with _services(stopped):
        assert _answer(stopped) == 42
        assert _execute(stopped, "SHOW statement_timeout") == [("5s",)]


@pytest.mark.parametrize("name", ["path with a space", "x" * 150, "größe, ünd 100%"])
def test_start_in_an_unusual_path(tmp_path, made_once, name):
    data_dir = DataDir(tmp_path / name)
    subprocess.run(["cp", "-a", made_once.root, data_dir.root], check=True)

    with _services(data_dir):
        assert _answer(data_dir) == 42
        outside = data_dir.run
        assert outside.is_dir()

    assert not outside.exists()


def test_first_start_in_a_path_with_a_space(tmp_path):
    data_dir = DataDir(tmp_path / "a path with spaces")

    with _services(data_dir):
        assert _execute(data_dir, "SELECT 1") == [(1,)]


def test_stop_does_not_wait_for_clients(stopped):
    services = _services(stopped)
    services.start()
    parts = stopped.database_url_parts()
    with psycopg.connect(host=parts["host"], user=parts["user"], dbname=parts["name"]) as connection:
        connection.execute("SELECT 1")

        services.stop()

        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    assert "database system is shut down" in (stopped.logs / "postgres.log").read_text()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("", id="empty"),
        pytest.param("{pid}\n/somewhere\n", id="cut off, with the pid of an unrelated process"),
        pytest.param("1\n{folder}\n1700000000\n5432\n{run}\n\n  1234  0\nready   \n", id="complete, with the pid of init"),
        pytest.param("4194303\n", id="of a process that is gone"),
        pytest.param("nonsense\n", id="damaged"),
    ],
)
def test_start_gets_over_a_stale_pid_file(stopped, content):
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    pid_file = stopped.postgres / "postmaster.pid"
    pid_file.write_text(content.format(pid=bystander.pid, folder=stopped.postgres, run=stopped.run))
    shutil.chown(pid_file, stopped.postgres.stat().st_uid)
    try:
        with _services(stopped):
            assert _answer(stopped) == 42
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_start_gets_over_the_pid_of_a_process_of_the_same_user_with_our_folder_in_its_name(stopped):
    """PostgreSQL itself refuses here; something that only mentions the folder is no server of it."""
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "-D", str(stopped.postgres)])
    (stopped.postgres / "postmaster.pid").write_text(f"{bystander.pid}\n{stopped.postgres}\n")
    try:
        with _services(stopped):
            assert _answer(stopped) == 42
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_start_after_kill_9_of_the_server_recovers(stopped):
    services = _services(stopped)
    services.start()
    _execute(stopped, "UPDATE kept SET answer = 43")
    os.kill(services.pids()["PostgreSQL"], signal.SIGKILL)
    services.stop()

    with _services(stopped):
        assert _answer(stopped) == 43


def test_restart_dead_brings_a_killed_server_back(stopped):
    with _services(stopped) as services:
        assert services.restart_dead() == []
        pid = services.pids()["PostgreSQL"]
        os.kill(pid, signal.SIGKILL)
        assert _eventually(lambda: services.restart_dead()) == ["PostgreSQL"]

        assert services.pids()["PostgreSQL"] != pid
        assert _answer(stopped) == 42


def test_start_ends_a_server_that_outlived_its_parent(stopped):
    """As after a kill between fork and prctl: no death signal, no parent, but the folder in use."""
    first = _services(stopped)
    first.start()
    orphan = first.pids()["PostgreSQL"]

    with _services(stopped) as second:
        assert second.pids()["PostgreSQL"] != orphan
        assert _answer(stopped) == 42
        assert not is_alive(orphan)
    first.stop()


def test_unfinished_initdb_is_thrown_away(data_dir):
    data_dir.create()
    leftover = data_dir.root / "postgres.new.abc"
    (leftover / "global").mkdir(parents=True)
    (leftover / "PG_VERSION").write_text("18\n")
    (leftover / "global" / "pg_control").write_text("")

    with _services(data_dir):
        assert _execute(data_dir, "SELECT 1") == [(1,)]

    assert not leftover.exists()


def test_initdb_cut_off_by_kill_9_leaves_nothing_that_a_later_start_trusts(data_dir):
    parent = subprocess.Popen([sys.executable, "-c", _START_AND_WAIT, str(data_dir.root)], stdout=subprocess.DEVNULL)
    try:
        assert _eventually(lambda: list(data_dir.root.glob("postgres.new.*/base/1")))
        parent.kill()
    finally:
        parent.kill()
        parent.wait()
    assert not data_dir.postgres.exists()

    with _services(data_dir):
        assert _execute(data_dir, "SELECT 1") == [(1,)]
    with _services(data_dir):  # by now initdb's own child, which nobody killed, has ended, too
        pass

    assert sorted(path.name for path in data_dir.root.glob("postgres*")) == ["postgres"]


def test_initdb_that_fails_is_reported_with_its_output_and_leaves_nothing(data_dir, monkeypatch):
    monkeypatch.setattr(postgres, "_INITIAL_SETTINGS", {"shared_buffers": "nonsense"})

    with pytest.raises(ServiceError, match=r"initdb ended with status 1[\s\S]*nonsense"):
        _services(data_dir).start()

    assert list(data_dir.root.glob("postgres*")) == []


def test_folder_with_foreign_files_is_refused_untouched(data_dir):
    data_dir.create()
    data_dir.postgres.mkdir()
    (data_dir.postgres / "thesis.txt").write_text("precious")

    with pytest.raises(ServiceError, match="neither empty nor a PostgreSQL folder"):
        _services(data_dir).start()

    assert [path.name for path in data_dir.postgres.iterdir()] == ["thesis.txt"]


def test_server_that_cannot_start_is_reported_with_its_log(stopped):
    with (stopped.postgres / "postgresql.conf").open("a") as config:
        config.write("shared_buffers = nonsense\n")
    services = _services(stopped)

    with pytest.raises(ServiceError, match=r"PostgreSQL ended while starting[\s\S]*postgres\.log[\s\S]*nonsense"):
        services.start()

    assert services.pids() == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts PostgreSQL as somebody else")
def test_root_runs_it_as_nobody_and_changes_no_parent_folder(tmp_path):
    parent = tmp_path / "private"
    parent.mkdir(mode=0o700)
    data_dir = DataDir(parent / "data")
    before = {folder: (folder.stat().st_mode, folder.stat().st_uid) for folder in (tmp_path, *tmp_path.parents, parent)}

    with _services(data_dir) as services:
        status = _status_of(services.pids()["PostgreSQL"])

    assert status["Uid"].split() == ["65534"] * 4
    assert status["Groups"].split() == []
    assert {folder: (folder.stat().st_mode, folder.stat().st_uid) for folder in before} == before
    assert data_dir.root.stat().st_uid == 0
    assert data_dir.postgres.stat().st_uid == 65534


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_root_keeps_the_owner_of_an_installation_that_a_user_began(stopped):
    subprocess.run(["chown", "-R", "1234:1234", stopped.postgres], check=True)

    with _services(stopped) as services:
        assert _status_of(services.pids()["PostgreSQL"])["Uid"].split() == ["1234"] * 4
        assert _answer(stopped) == 42

    assert stopped.postgres.stat().st_uid == 1234


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_folder_of_another_user_is_reported(stopped):
    (stopped.postgres / "global").chmod(0o000)
    try:
        with pytest.raises(ServiceError, match="as the user who started this installation"):
            _services(stopped).start()
    finally:
        (stopped.postgres / "global").chmod(0o700)


def test_both_services_end_when_their_parent_is_killed(data_dir):
    parent = subprocess.Popen([sys.executable, "-c", _START_AND_WAIT, str(data_dir.root)], stdout=subprocess.PIPE, text=True)
    try:
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert [is_alive(pid) for pid in pids] == [True, True]
    finally:
        parent.kill()
        parent.communicate()

    assert [wait_until_gone(pid, 30.0) for pid in pids] == [True, True]
    with Services(data_dir, fsync=False):
        assert _execute(data_dir, "SELECT 1") == [(1,)]


def _status_of(pid):
    with open(f"/proc/{pid}/status") as file:  # noqa: PTH123 - three lines from /proc
        return dict(line.rstrip("\n").split(":", 1) for line in file)


def _eventually(look, timeout_s=30.0):
    deadline = time.monotonic() + timeout_s
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return found


_START_AND_WAIT = """
import sys, time
from pathlib import Path
from gatewaysite.services.embedded import Services
from gatewaysite.services.paths import DataDir

services = Services(DataDir(Path(sys.argv[1])), fsync=False)
services.start()
print(*services.pids().values(), flush=True)
time.sleep(60)
"""
