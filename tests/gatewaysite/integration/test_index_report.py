"""The indexes of a migrated database, the report about them, and the SQL that makes them."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from drf_spectacular.generators import SchemaGenerator

from apikeys.public import create_workspace
from gatewaysite.index_report.catalog import read_catalog
from gatewaysite.index_report.declared import declared_indexes
from gatewaysite.index_report.lists import LISTS
from gatewaysite.index_report.scripts import write_script
from tests.scratch_database import scratch_database

_OURS = "^(apikeys|guardrails|items|proxy)_"
_BY_DJANGO = ("_like", "apikeys_apikey_limits_")  # of unique texts, and of the table between keys and limits


def _report(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("index_report", *arguments, stdout=out, stderr=StringIO())
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def _execute(on: BaseDatabaseWrapper, script: str) -> None:
    with on.cursor() as cursor:
        for statement in script.split(";\n"):
            if lines := [line for line in statement.splitlines() if line and not line.startswith("--")]:
                cursor.execute("\n".join(lines))


def _indexes(on: BaseDatabaseWrapper) -> set[tuple[Any, ...]]:
    """Return table, definition without names, what it belongs to and its comment, of each index of ours."""
    query = """
    SELECT t.relname, regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX \\S+', 'CREATE \\1INDEX'), i.indisvalid,
        CASE WHEN above.inhparent IS NULL THEN c.relname ELSE above.inhparent::regclass::text END, obj_description(c.oid, 'pg_class')
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
    LEFT JOIN pg_inherits above ON above.inhrelid = i.indexrelid
    WHERE t.relname ~ %s
    """
    with on.cursor() as cursor:
        cursor.execute(query, [_OURS])
        return set(cursor.fetchall())


@pytest.mark.django_db
def test_every_index_of_ours_has_our_kind_of_name_and_is_declared():
    found = {index.name for index in read_catalog(connection).indexes if not index.is_constraint}
    ours = {name for name in found if not name.endswith(_BY_DJANGO[0]) and not name.startswith(_BY_DJANGO[1])}

    assert {name for name in ours if not name.startswith("idx_")} == set()
    assert ours == {declared.name for declared in declared_indexes()}
    assert len(ours) >= 20


@pytest.mark.django_db
def test_every_index_says_in_code_and_database_which_query_it_serves():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, obj_description(oid, 'pg_class') FROM pg_class WHERE relname LIKE 'idx\\_%%' AND relkind IN ('i', 'I')"
        )
        stored = dict(cursor.fetchall())

    declared = {declared.name: declared.serves for declared in declared_indexes()}

    assert [name for name, serves in declared.items() if not serves] == []
    assert {name: stored[name] for name in declared} == declared


def test_script_makes_what_the_migrations_make_and_may_be_run_again(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), scratch_database() as scratch:
        call_command("migrate", database="scratch", verbosity=0)
        _execute(scratch, "CREATE TABLE items_signal_20260301 PARTITION OF items_signal FOR VALUES FROM ('2026-03-01') TO ('2026-03-02')")
        migrated = _indexes(scratch)

        _execute(scratch, write_script(scratch, is_drop=True))
        left = {row[3] for row in _indexes(scratch)}
        _execute(scratch, write_script(scratch, is_drop=True))
        _execute(scratch, write_script(scratch))
        made = _indexes(scratch)
        _execute(scratch, write_script(scratch))
        made_again = _indexes(scratch)

    assert {name for name in left if name.startswith("idx_")} == set()
    assert left
    assert made == migrated
    assert made_again == migrated


@pytest.mark.django_db
def test_command_prints_the_script():
    _, created = _report("--sql")
    _, dropped = _report("--sql", "drop")

    assert created == write_script(connection)
    assert dropped == write_script(connection, is_drop=True)
    assert 'DROP INDEX CONCURRENTLY IF EXISTS "idx_items_tags";' in dropped.splitlines()
    assert 'DROP INDEX IF EXISTS "idx_signals_symbol";' in dropped.splitlines()


@pytest.mark.django_db
def test_report_of_a_migrated_database_has_no_faults():
    status, text = _report()
    json_status, body = _report("--json")

    report = json.loads(body)
    assert (status, json_status, report["faults"]) == (0, 0, [])
    assert text.endswith("No faults.\n")
    assert {declared.name for declared in declared_indexes()} <= {index["name"] for index in report["databases"][0]["catalog"]["indexes"]}


@pytest.mark.django_db
def test_report_fails_for_an_index_that_the_database_lacks():
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX idx_items_tags")

    status, text = _report()

    assert status == 1
    assert "FAULT idx_items_tags: items_item lacks it." in text


def _fill_items() -> None:
    workspace = create_workspace("alice", "Alice")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO items_item"
            " (id, workspace_id, title, description, category, priority, status, tags, version, created_at, updated_at)"
            " SELECT gen_random_uuid(), %s, 'Task ' || n, '', 'c' || n %% 5, 'low', 'new', ARRAY['t' || n %% 9], 1,"
            " now() - n * interval '1 minute', now() FROM generate_series(1, 3000) n",
            [workspace.pk],
        )
        cursor.execute("ANALYZE items_item")


def _faults_of_lists(*arguments: str) -> tuple[int, list[str]]:
    status, body = _report("--json", *arguments)
    return status, [fault for fault in json.loads(body)["faults"] if fault.startswith("/api/")]


@pytest.mark.django_db
def test_report_fails_for_a_list_that_reads_a_big_table_through():
    _fill_items()
    indexed = _faults_of_lists("--rows", "3000")
    with connection.cursor() as cursor:
        for name in {index.name for index in read_catalog(connection).indexes if index.table == "items_item" and not index.is_constraint}:
            cursor.execute(f"DROP INDEX {name}")

    status, faults = _faults_of_lists("--rows", "3000")
    _, faults_of_bigger_tables = _faults_of_lists("--rows", "3001")

    assert indexed == (0, [])
    assert status == 1
    assert "/api/items: it reads all 3,000 rows of items_item." in faults
    assert faults_of_bigger_tables == []


def test_report_watches_every_list_of_the_rest_api():
    paths = SchemaGenerator().get_schema(public=True)["paths"]
    operations = {path: methods["get"]["operationId"] for path, methods in paths.items() if "get" in methods}
    routes = {path for path, name in operations.items() if path.startswith("/api/") and name.startswith("list_")}

    assert "/api/usage/records" in routes
    assert routes == {one.path for one in LISTS}
