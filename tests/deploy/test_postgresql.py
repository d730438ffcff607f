"""deploy/postgresql is what PostgreSQL understands."""

from __future__ import annotations

import os
import re
import signal
import subprocess

import pytest
from django.conf import settings

from gatewaysite.services.binaries import find_postgres
from gatewaysite.services.child import find_account, guarded_command
from tests.database_help import execute, own_postgres

FOLDER = settings.BASE_DIR / "deploy" / "postgresql"
_LINE = re.compile(r"^(\w+) = (?:'([^']*)'|(\S+))$")


def _settings():
    lines = [line for line in (FOLDER / "postgresql.conf").read_text().splitlines() if line and not line.startswith("#")]
    matched = [_LINE.match(line) for line in lines]
    assert all(matched), lines
    return {match[1]: match[2] or match[3] for match in matched}


@pytest.fixture(scope="module")
def postgres():
    with own_postgres() as data_dir:
        yield data_dir


def test_sizes_are_those_that_were_asked_for():
    found = _settings()

    assert {name: found[name] for name in ("max_connections", "shared_buffers", "effective_cache_size", "work_mem")} == {
        "max_connections": "200",
        "shared_buffers": "4GB",
        "effective_cache_size": "12GB",
        "work_mem": "10MB",
    }


def test_every_line_has_a_reason_above_it():
    blocks = (FOLDER / "postgresql.conf").read_text().split("\n#")

    assert all(_LINE.match(line) for block in blocks for line in block.splitlines()[1:] if line)
    assert sum(1 for block in blocks if block.startswith(" ") and "---" not in block) > 10


@pytest.fixture
def read_as_postgresql(tmp_path):
    """Let PostgreSQL read a file of settings and say one of them: (status, output)."""

    def read(text, name):
        (tmp_path / "postgresql.conf").write_text(text)
        (tmp_path / "PG_VERSION").write_text("18\n")
        account = find_account(tmp_path)
        if account is not None:
            for path in (tmp_path, *tmp_path.iterdir()):
                os.chown(path, account.uid, account.gid)
        argv = [str(find_postgres().postgres), "-D", str(tmp_path), "-C", name]
        done = subprocess.run(
            guarded_command(argv, death_signal=signal.SIGKILL, account=account), capture_output=True, text=True, check=False, cwd="/"
        )
        return done.returncode, done.stdout.strip() or done.stderr

    return read


def test_postgresql_reads_the_file(read_as_postgresql):
    assert read_as_postgresql((FOLDER / "postgresql.conf").read_text(), "work_mem") == (0, "10240")


def test_a_line_that_postgresql_does_not_know_would_be_found(read_as_postgresql):
    status, output = read_as_postgresql("shared_bufers = 4GB\n", "work_mem")

    assert status != 0
    assert "shared_bufers" in output


def test_values_are_taken_by_a_running_server(postgres):
    for name, value in _settings().items():
        execute(postgres, f"ALTER SYSTEM SET {name} = '{value}'")  # refuses a name or a value that it does not know

    assert execute(postgres, "SELECT count(*) FROM pg_file_settings WHERE sourcefile LIKE '%auto.conf'") == [(len(_settings()),)]
    execute(postgres, "ALTER SYSTEM RESET ALL")


def test_roles_get_their_limits(postgres):
    script = (FOLDER / "roles.sql").read_text().replace(":password", "'secret'")
    script = script.replace("CREATE DATABASE gateway ", "CREATE DATABASE another ")  # the embedded server has made its own
    for statement in (part.strip() for part in re.sub(r"^--.*$", "", script, flags=re.MULTILINE).split(";")):
        if statement:
            execute(postgres, statement)

    (row,) = execute(postgres, "SELECT setconfig FROM pg_db_role_setting JOIN pg_roles ON oid = setrole WHERE rolname = 'gateway'")
    assert {"statement_timeout=10s", "idle_in_transaction_session_timeout=60s"} <= set(row[0])
