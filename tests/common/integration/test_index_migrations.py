"""Adding and renaming indexes of tables that are in use, partitioned or not."""

from __future__ import annotations

import threading

import psycopg
import pytest
from django.db import DatabaseError, NotSupportedError, connection, models, transaction
from django.db.migrations.state import ModelState, ProjectState

from common.index_migrations import AddPartitionedIndexConcurrently, RenamePartitionedIndex
from common.index_sql import create_statements, drop_statements, is_valid, name_in_partition, partitions_of
from tests.scratch_database import scratch_database

READINGS = """
CREATE TABLE items_reading (id bigint, ts timestamptz, sensor text NOT NULL, PRIMARY KEY (ts, id)) PARTITION BY RANGE (ts);
CREATE TABLE items_reading_default PARTITION OF items_reading DEFAULT;
CREATE TABLE items_reading_20260301 PARTITION OF items_reading FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-03-02 00:00+00');
CREATE TABLE items_reading_20260302 PARTITION OF items_reading FOR VALUES FROM ('2026-03-02 00:00+00') TO ('2026-03-03 00:00+00');
INSERT INTO items_reading SELECT n, timestamptz '2026-03-01 00:00+00' + n * interval '1 minute', 'sensor ' || n % 7
    FROM generate_series(1, 5000) n;
CREATE TABLE items_plain AS SELECT * FROM items_reading;
"""
INDEX = models.Index(fields=["sensor", "-ts"], name="idx_readings_sensor", condition=~models.Q(sensor="sensor 3"))
NAMES = ["idx_readings_sensor_20260301", "idx_readings_sensor_20260302", "idx_readings_sensor_default"]


@pytest.fixture(scope="module")
def _database(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), scratch_database() as scratch:
        yield scratch


@pytest.fixture
def scratch(_database):
    with _database.cursor() as cursor:
        cursor.execute(READINGS)
    yield _database
    with _database.cursor() as cursor:
        cursor.execute("DROP TABLE items_reading, items_plain")


def _state(table: str = "items_reading", *indexes: models.Index) -> ProjectState:
    fields = [
        ("id", models.BigIntegerField(primary_key=True)),
        ("ts", models.DateTimeField()),
        ("sensor", models.TextField()),
    ]
    state = ProjectState()
    state.add_model(ModelState("items", "Reading", fields, {"db_table": table, "indexes": list(indexes)}))
    return state


def _add(scratch, table: str = "items_reading") -> None:
    operation = AddPartitionedIndexConcurrently("reading", INDEX)
    before, after = _state(table), _state(table, INDEX)
    with scratch.schema_editor(atomic=False) as editor:
        operation.database_forwards("items", editor, before, after)


def _remove(scratch, table: str = "items_reading") -> None:
    operation = AddPartitionedIndexConcurrently("reading", INDEX)
    with scratch.schema_editor(atomic=False) as editor:
        operation.database_backwards("items", editor, _state(table, INDEX), _state(table))


def _run(scratch, *statements: str) -> None:
    with scratch.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _ask(scratch, query: str) -> list:
    with scratch.cursor() as cursor:
        cursor.execute(query)
        return [row[0] for row in cursor.fetchall()]


def _indexes(scratch) -> dict[str, str]:
    """Return the definitions of indexes that are no keys, from USING on, by their names."""
    with scratch.cursor() as cursor:
        cursor.execute("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE '%%pkey' ORDER BY 1")
        return {name: definition.partition(" USING ")[2] for name, definition in cursor.fetchall()}


def _leave_invalid(scratch, name: str, table: str) -> None:
    """Leave what a broken CREATE INDEX CONCURRENTLY leaves: an index that is kept up to date and never read."""
    with pytest.raises(DatabaseError, match="could not create unique index"):
        _run(scratch, f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table} (sensor)")
    assert is_valid(scratch, name) is False


def test_index_is_added_to_a_filled_partitioned_table_and_all_its_partitions(scratch):
    _add(scratch)

    definition = "btree (sensor, ts DESC) WHERE (NOT (sensor = 'sensor 3'::text))"
    assert _indexes(scratch) == dict.fromkeys(["idx_readings_sensor", *NAMES], definition)
    assert is_valid(scratch, "idx_readings_sensor") is True
    assert [part.attached for part in partitions_of(scratch, "items_reading", "idx_readings_sensor")] == NAMES


def test_rows_that_are_written_meanwhile_are_neither_refused_nor_left_out(scratch):
    begun, done, errors = threading.Event(), threading.Event(), []

    def write() -> None:
        place = {name: scratch.settings_dict[key] for name, key in (("host", "HOST"), ("user", "USER"), ("dbname", "NAME"))}
        try:
            with psycopg.connect(**place, autocommit=True) as writer:
                for number in range(100_000):
                    writer.execute("INSERT INTO items_reading VALUES (%s, '2026-03-01 12:00:30+00', 'written meanwhile')", [-1 - number])
                    begun.set()
                    if done.is_set():
                        return
        except psycopg.Error as error:
            errors.append(error)
            begun.set()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        begun.wait(30)
        _add(scratch)
    finally:
        done.set()
        thread.join(30)

    _run(scratch, "SET enable_seqscan = off", "SET enable_bitmapscan = off")
    through_index = _ask(scratch, "SELECT count(*) FROM items_reading WHERE sensor = 'written meanwhile' AND NOT (sensor = 'sensor 3')")
    _run(scratch, "RESET enable_seqscan", "RESET enable_bitmapscan", "SET enable_indexscan = off", "SET enable_indexonlyscan = off")
    through_table = _ask(scratch, "SELECT count(*) FROM items_reading WHERE sensor = 'written meanwhile' AND NOT (sensor = 'sensor 3')")
    _run(scratch, "RESET enable_indexscan", "RESET enable_indexonlyscan")
    assert errors == []
    assert is_valid(scratch, "idx_readings_sensor") is True
    assert through_index == through_table
    assert through_table[0] > 1


def test_index_of_a_partitioned_table_is_used_by_its_query(scratch):
    _add(scratch)
    _run(scratch, "ANALYZE items_reading")

    plan = _ask(scratch, "EXPLAIN SELECT * FROM items_reading WHERE sensor = 'sensor 5' AND sensor <> 'sensor 3' ORDER BY ts DESC LIMIT 5")

    assert any("idx_readings_sensor_20260302" in line for line in plan), plan


def test_partition_that_is_made_later_has_the_index(scratch):
    _add(scratch)

    _run(
        scratch,
        "CREATE TABLE items_reading_20260305 (LIKE items_reading INCLUDING ALL)",
        "WITH moved AS (DELETE FROM items_reading_default WHERE ts >= '2026-03-05 00:00+00' AND ts < '2026-03-06 00:00+00' RETURNING *) "
        "INSERT INTO items_reading_20260305 SELECT * FROM moved",
        "ALTER TABLE items_reading ATTACH PARTITION items_reading_20260305 "
        "FOR VALUES FROM ('2026-03-05 00:00+00') TO ('2026-03-06 00:00+00')",
    )

    assert None not in [part.attached for part in partitions_of(scratch, "items_reading", "idx_readings_sensor")]
    before = _indexes(scratch)
    _add(scratch)
    assert _indexes(scratch) == before


@pytest.mark.parametrize("done_count", range(8))
def test_adding_again_after_a_break_off_anywhere_completes_the_index(scratch, done_count):
    model = _state().apps.get_model("items", "reading")
    for number, statement in enumerate(create_statements(scratch, model, INDEX)):
        if number == done_count:
            break
        _run(scratch, statement)

    _add(scratch)

    assert is_valid(scratch, "idx_readings_sensor") is True
    assert [part.attached for part in partitions_of(scratch, "items_reading", "idx_readings_sensor")] == NAMES


def test_what_was_left_invalid_in_a_partition_is_made_anew(scratch):
    _run(scratch, "CREATE INDEX idx_readings_sensor ON ONLY items_reading (sensor, ts DESC) WHERE NOT (sensor = 'sensor 3')")
    _leave_invalid(scratch, NAMES[0], "items_reading_20260301")

    _add(scratch)

    assert is_valid(scratch, NAMES[0]) is True
    assert is_valid(scratch, "idx_readings_sensor") is True


def test_removing_takes_the_index_from_all_partitions_and_may_be_repeated(scratch):
    _add(scratch)

    _remove(scratch)
    _remove(scratch)

    assert _indexes(scratch) == {}


def test_removing_takes_what_was_left_before_it_was_attached(scratch):
    _run(scratch, "CREATE INDEX idx_readings_sensor ON ONLY items_reading (sensor, ts DESC) WHERE NOT (sensor = 'sensor 3')")
    _leave_invalid(scratch, NAMES[0], "items_reading_20260301")

    _remove(scratch)

    assert _indexes(scratch) == {}


def test_index_of_a_plain_table_is_added_again_where_it_was_left_invalid(scratch):
    _leave_invalid(scratch, "idx_readings_sensor", "items_plain")

    _add(scratch, "items_plain")
    _add(scratch, "items_plain")

    assert list(_indexes(scratch)) == ["idx_readings_sensor"]
    assert is_valid(scratch, "idx_readings_sensor") is True
    _remove(scratch, "items_plain")
    assert _indexes(scratch) == {}


def test_every_index_that_holds_rows_is_made_concurrently(scratch):
    model = _state().apps.get_model("items", "reading")

    statements = list(create_statements(scratch, model, INDEX))

    assert [statement.partition(" ON ")[0].partition(' "')[0] for statement in statements] == [
        "CREATE INDEX IF NOT EXISTS",  # on the parent alone, which holds no rows
        *["CREATE INDEX CONCURRENTLY IF NOT EXISTS", "ALTER INDEX"] * 3,
    ]
    assert " ON ONLY " in statements[0]


def test_table_that_timescaledb_keeps_gets_its_index_chunk_by_chunk(scratch):
    model = _state("items_plain").apps.get_model("items", "reading")
    names = "CREATE TABLE timescaledb_information.hypertables AS SELECT 'public' AS hypertable_schema, 'items_plain' AS hypertable_name"
    _run(scratch, "CREATE SCHEMA timescaledb_information", names)

    created, dropped = list(create_statements(scratch, model, INDEX)), list(drop_statements(scratch, model, INDEX))
    _run(scratch, "DROP SCHEMA timescaledb_information CASCADE")

    assert created == [
        (
            'CREATE INDEX IF NOT EXISTS "idx_readings_sensor" ON "items_plain" ("sensor", "ts" DESC) '
            "WITH (timescaledb.transaction_per_chunk) WHERE NOT (\"sensor\" = 'sensor 3')"
        )
    ]
    assert dropped == ['DROP INDEX IF EXISTS "idx_readings_sensor"']


def test_partition_with_partitions_of_its_own_is_refused(scratch):
    _run(
        scratch,
        "CREATE TABLE items_reading_20260310 PARTITION OF items_reading "
        "FOR VALUES FROM ('2026-03-10') TO ('2026-03-11') PARTITION BY HASH (id)",
    )

    with pytest.raises(ValueError, match="items_reading_20260310 is partitioned itself"):
        _add(scratch)


@pytest.mark.django_db
def test_adding_within_a_transaction_is_refused():
    operation = AddPartitionedIndexConcurrently("reading", INDEX)

    with transaction.atomic(), connection.schema_editor(atomic=False) as editor, pytest.raises(NotSupportedError):
        operation.database_forwards("items", editor, _state(), _state("items_reading", INDEX))


def test_renaming_takes_the_indexes_of_partitions_along_and_back(scratch):
    _add(scratch)
    _run(scratch, f"ALTER INDEX {NAMES[1]} RENAME TO items_reading_20260302_sensor_ts_idx")  # as PostgreSQL names what it makes itself
    renamed = INDEX.clone()
    renamed.name = "idx_readings_probe"
    before, after = _state("items_reading", INDEX), _state("items_reading", renamed)
    operation = RenamePartitionedIndex("reading", new_name="idx_readings_probe", old_name="idx_readings_sensor")

    with scratch.schema_editor() as editor:
        operation.database_forwards("items", editor, before, after)
    names = list(_indexes(scratch))
    with scratch.schema_editor() as editor:
        operation.database_backwards("items", editor, after, before)

    assert names == [
        "idx_readings_probe",
        "idx_readings_probe_20260301",
        "idx_readings_probe_default",
        "items_reading_20260302_sensor_ts_idx",
    ]
    assert list(_indexes(scratch)) == ["idx_readings_sensor", NAMES[0], NAMES[2], "items_reading_20260302_sensor_ts_idx"]


def test_name_in_a_partition_fits_and_stays_different():
    index, table = "idx_" + "i" * 26, "items_reading"

    names = {name_in_partition(index, table, f"{table}_{'p' * 60}{number}") for number in range(100)}

    assert name_in_partition("idx_readings", table, f"{table}_20260301") == "idx_readings_20260301"
    assert len(names) == 100
    assert max(map(len, names)) <= 63
