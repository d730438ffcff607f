"""
How PostgreSQL keeps signals: in partitions of its own with our rollup, or as a hypertable of TimescaleDB.

Both have the same tables for whoever reads and writes: `items_signal`, `items_signalhorizon` (before which hour a new row is late),
`items_latesignalhour` (the hours that late rows touched) and the views `signals_hourly` and `signals_hourly_by_channel`, whose numbers
are those of the rows at any moment: what is summed up already, and the rows themselves where nothing is or where a late one came.
Source: docs/design/0015-signals.md
"""

from __future__ import annotations

from typing import Any, Final, Literal, Protocol

from django.core.exceptions import ImproperlyConfigured

Storage = Literal["native", "timescaledb"]
CHOICES: Final = ("auto", "on", "off")
MISSING: Final = (
    "GATEWAY_TIMESCALE is on, but this PostgreSQL has no extension timescaledb. Install it there, or set GATEWAY_TIMESCALE to auto or off."
)


class Cursor(Protocol):
    """What is needed of a cursor of Django's."""

    def execute(self, sql: str, params: Any = None, /) -> Any: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> Any: ...


def choose_storage(setting: str, *, is_available: bool) -> Storage:
    """
    Return how signals are to be kept under a value of GATEWAY_TIMESCALE, on a server that has the extension or has not.

    Errors: ImproperlyConfigured for a value that is none, and for `on` without the extension.
    """
    if setting not in CHOICES:
        raise ImproperlyConfigured(f"GATEWAY_TIMESCALE is {setting!r}. Choose one of {', '.join(CHOICES)}.")
    if setting == "on" and not is_available:
        raise ImproperlyConfigured(MISSING)
    return "timescaledb" if is_available and setting != "off" else "native"


def is_timescale_available(cursor: Cursor) -> bool:
    cursor.execute("SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')")
    return bool(cursor.fetchone()[0])


def storage_of(cursor: Cursor) -> Storage:
    """Return how signals are kept now. A hypertable is a plain table to PostgreSQL; ours is a partitioned one."""
    cursor.execute("SELECT relkind FROM pg_class WHERE oid = 'items_signal'::regclass")
    return "native" if cursor.fetchone()[0] in ("p", b"p") else "timescaledb"


# --- what both share --------------------------------------------------------------------------------------------------------------

_SUMS: Final = "count(*) AS signal_count, count(confidence) AS confidence_count, sum(confidence::numeric) AS confidence_sum"
_ALL: Final = "symbol, channel_id, action"
_BY_CHANNEL: Final = "channel_id, action"  # a chart of a whole workspace reads this: by symbol there may be as many hours as signals
ROLLUPS: Final = {"items_signalhour": _ALL, "items_signalchannelhour": _BY_CHANNEL}
"""What is summed up, in tables of ours or in TimescaleDB's aggregates, and by which columns beside workspace and hour."""
VIEWS: Final = {"signals_hourly": "items_signalhour", "signals_hourly_by_channel": "items_signalchannelhour"}
SHARED_COLUMNS: Final = "signal_count, confidence_count, confidence_sum"


def hours_of_rows(columns: str, bucket: str, condition: str) -> str:
    """Return the query that adds signals up by the hour. All of ours that do are this one, so that they agree to the last digit."""
    return f"SELECT workspace_id, {bucket} AS bucket, {columns}, {_SUMS} FROM items_signal WHERE {condition} GROUP BY 1, 2, {columns}"


def _view(name: str, columns: str, summed: str, is_late: str) -> str:
    """Return the view over what is `summed`, in which the hours with late rows are added up anew."""
    shown = ", ".join(f"hours.{column}" for column in columns.split(", "))
    late = hours_of_rows(
        columns, "late.bucket", "workspace_id = late.workspace_id AND ts >= late.bucket AND ts < late.bucket + interval '1 hour'"
    )
    return f"""
CREATE VIEW {name} AS
SELECT hours.bucket, hours.workspace_id, {shown}, channel.name AS channel, hours.signal_count,
    (hours.confidence_sum / NULLIF(hours.confidence_count, 0))::double precision AS avg_confidence,
    hours.confidence_count, hours.confidence_sum
FROM (
    {summed}
    UNION ALL
    SELECT each.*
    FROM (SELECT DISTINCT workspace_id, bucket FROM items_latesignalhour WHERE {is_late}) late
    CROSS JOIN LATERAL ({late}) each
) hours
LEFT JOIN items_channel channel ON channel.id = hours.channel_id;
"""


_LATE: Final = """
CREATE TABLE items_latesignalhour (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id uuid NOT NULL,
    bucket timestamptz NOT NULL,
    is_taken boolean NOT NULL DEFAULT false
);
-- which hours of a workspace have late rows
CREATE INDEX idx_late_signal_hours_bucket ON items_latesignalhour (workspace_id, bucket);
"""
_NOT_LATE: Final = "(workspace_id, bucket) NOT IN (SELECT workspace_id, bucket FROM items_latesignalhour)"

# --- our own ----------------------------------------------------------------------------------------------------------------------

_WATERMARK: Final = "(SELECT watermark FROM items_signalhorizon)"
# The indexes hold all that is read of them: the rows of one symbol lie far apart.
_DAYS: Final = """
CREATE TABLE items_signalhorizon (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    horizon timestamptz NOT NULL,
    watermark timestamptz NOT NULL
);
INSERT INTO items_signalhorizon (horizon, watermark)
    SELECT since, since FROM (SELECT date_trunc('hour', coalesce(min(ts), now()), 'UTC') - interval '2 hours' AS since FROM items_signal) s;
CREATE TABLE items_signalhour (
    workspace_id uuid NOT NULL,
    bucket timestamptz NOT NULL,
    symbol varchar(32) NOT NULL,
    channel_id uuid NOT NULL,
    action varchar(8) NOT NULL,
    signal_count bigint NOT NULL,
    confidence_count bigint NOT NULL,
    confidence_sum numeric
);
-- all symbols of some hours, each added up once
CREATE UNIQUE INDEX idx_signal_hours_bucket ON items_signalhour (workspace_id, bucket DESC, symbol, channel_id, action);
-- one symbol's hours
CREATE INDEX idx_signal_hours_symbol ON items_signalhour (workspace_id, symbol, bucket DESC, channel_id, action)
    INCLUDE (signal_count, confidence_count, confidence_sum);
CREATE TABLE items_signalchannelhour (
    workspace_id uuid NOT NULL,
    bucket timestamptz NOT NULL,
    channel_id uuid NOT NULL,
    action varchar(8) NOT NULL,
    signal_count bigint NOT NULL,
    confidence_count bigint NOT NULL,
    confidence_sum numeric
);
-- some hours of all channels, each added up once
CREATE UNIQUE INDEX idx_signal_channel_hours_bucket ON items_signalchannelhour (workspace_id, bucket DESC, channel_id, action)
    INCLUDE (signal_count, confidence_count, confidence_sum);
"""


def _own_view(name: str, table: str) -> str:
    columns = ROLLUPS[table]
    summed = f"SELECT workspace_id, bucket, {columns}, {SHARED_COLUMNS} FROM {table} WHERE bucket < {_WATERMARK} AND {_NOT_LATE}"
    rows = hours_of_rows(columns, "date_trunc('hour', ts, 'UTC')", f"ts >= {_WATERMARK}")
    return _view(name, columns, f"{summed} UNION ALL {rows}", f"bucket < {_WATERMARK}")


def _own_hours() -> tuple[str, ...]:
    return (_LATE, _DAYS, *(_own_view(name, table) for name, table in VIEWS.items()))


# --- TimescaleDB's ----------------------------------------------------------------------------------------------------------------

# It refreshes what ended an hour ago by itself. Rows of hours that are over are late here: whether they were refreshed is not ours to know.
_TIMESCALE_HORIZON: Final = "CREATE VIEW items_signalhorizon AS SELECT date_trunc('hour', now(), 'UTC') AS horizon"


def _aggregate(name: str) -> str:
    rows = hours_of_rows(ROLLUPS[name], "time_bucket(INTERVAL '1 hour', ts)", "true")
    return f"CREATE MATERIALIZED VIEW {name} WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS {rows} WITH NO DATA"


def _timescale_view(name: str, table: str) -> str:
    summed = f"SELECT workspace_id, bucket, {ROLLUPS[table]}, {SHARED_COLUMNS} FROM {table} WHERE {_NOT_LATE}"
    return _view(name, ROLLUPS[table], summed, "true")


def _timescale_hours() -> tuple[str, ...]:
    views = (_timescale_view(name, table) for name, table in VIEWS.items())
    return (_LATE, _TIMESCALE_HORIZON, *(_aggregate(name) for name in ROLLUPS), *views)


def timescale_policies(retention_days: int) -> tuple[str, ...]:
    """
    Return what TimescaleDB is to do by itself.

    Compressed chunks keep the key (ts, id) unique only when it is part of what they are ordered by.
    """
    kept = f"drop_after => INTERVAL '{retention_days} days'"
    refreshed = "start_offset => INTERVAL '3 hours', end_offset => INTERVAL '1 hour', schedule_interval => INTERVAL '1 hour'"
    return (
        """ALTER TABLE items_signal SET (timescaledb.compress, timescaledb.compress_segmentby = 'symbol, channel_id',
            timescaledb.compress_orderby = 'ts DESC, id DESC')""",
        "SELECT add_compression_policy('items_signal', compress_after => INTERVAL '7 days')",
        f"SELECT add_retention_policy('items_signal', {kept})",
        *(f"SELECT add_continuous_aggregate_policy('{name}', {refreshed})" for name in ROLLUPS),
        *(f"SELECT add_retention_policy('{name}', {kept})" for name in ROLLUPS),
    )


# --- from one to the other --------------------------------------------------------------------------------------------------------

_EARLIER: Final = "items_signal_earlier"
_INDEXES: Final = """
SELECT replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') FROM pg_index
WHERE indrelid = 'items_signal'::regclass AND NOT indisprimary ORDER BY indexrelid::regclass::text
"""
_COMMENTS: Final = """
SELECT indexrelid::regclass::text, obj_description(indexrelid, 'pg_class') FROM pg_index
WHERE indrelid = 'items_signal'::regclass AND obj_description(indexrelid, 'pg_class') IS NOT NULL
"""
_HYPERTABLE: Final = (
    "CREATE EXTENSION IF NOT EXISTS timescaledb",
    f"CREATE TABLE items_signal (LIKE {_EARLIER} INCLUDING DEFAULTS)",
    "SELECT create_hypertable('items_signal', by_range('ts', INTERVAL '1 day'), create_default_indexes => false)",
)
_PARTITIONED: Final = (
    f"CREATE TABLE items_signal (LIKE {_EARLIER} INCLUDING DEFAULTS) PARTITION BY RANGE (ts)",
    "CREATE TABLE items_signal_default PARTITION OF items_signal DEFAULT",
    f"""
DO $$ DECLARE day date; BEGIN
    FOR day IN SELECT DISTINCT date_trunc('day', ts, 'UTC') AT TIME ZONE 'UTC' FROM {_EARLIER} LOOP
        EXECUTE format('CREATE TABLE items_signal_%s PARTITION OF items_signal FOR VALUES FROM (%L) TO (%L)',
            to_char(day, 'YYYYMMDD'), day || ' 00:00+00', day + 1 || ' 00:00+00');
    END LOOP;
END $$
""",
)


def drop_hours_of(storage: Storage) -> tuple[str, ...]:
    """Return what takes the rollup away; its numbers can be made again from the rows."""
    kind = "TABLE" if storage == "native" else "MATERIALIZED VIEW"
    horizon = "TABLE" if storage == "native" else "VIEW"
    return (
        *(f"DROP VIEW {name}" for name in VIEWS),
        *(f"DROP {kind} {name}" for name in ROLLUPS),
        f"DROP {horizon} items_signalhorizon",
        "DROP TABLE items_latesignalhour",
    )


def hours_of(storage: Storage) -> tuple[str, ...]:
    """Return what makes the rollup, with nothing summed up yet."""
    return _own_hours() if storage == "native" else _timescale_hours()


def move(cursor: Cursor, storage: Storage, retention_days: int) -> None:
    """
    Keep signals in another way, or anew in the same way, inside the caller's transaction, which holds all others back.

    Whoever calls it sums up again afterwards (`signal_hours.roll_up_anew`): until then the numbers are right and slow.
    Cost: all signals are copied once, a minute for a few millions.
    """
    now = storage_of(cursor)
    cursor.execute("SET LOCAL statement_timeout = 0")
    cursor.execute("SET LOCAL timezone = 'UTC'")
    cursor.execute("LOCK TABLE items_signal IN ACCESS EXCLUSIVE MODE")
    cursor.execute(_INDEXES)
    indexes = [row[0] for row in cursor.fetchall()]
    cursor.execute(_COMMENTS)
    comments = cursor.fetchall()
    for statement in _move_steps(now, storage, indexes, retention_days):
        cursor.execute(statement)
    for name, comment in comments:
        quoted = comment.replace("'", "''")
        cursor.execute(f"COMMENT ON INDEX {name} IS '{quoted}'")


def _move_steps(now: Storage, storage: Storage, indexes: list[str], retention_days: int) -> tuple[str, ...]:
    made = _PARTITIONED if storage == "native" else _HYPERTABLE
    return (
        *drop_hours_of(now),
        f"ALTER TABLE items_signal RENAME TO {_EARLIER}",
        *(_rename_partitions() if now == "native" else ()),
        *made,
        f"INSERT INTO items_signal SELECT * FROM {_EARLIER}",
        f"DROP TABLE {_EARLIER}",
        "ALTER TABLE items_signal ADD CONSTRAINT items_signal_pkey PRIMARY KEY (ts, id)",
        *indexes,
        *hours_of(storage),
        *(timescale_policies(retention_days) if storage == "timescaledb" else ()),
    )


def _rename_partitions() -> tuple[str, ...]:
    """Make way for days of the same names."""
    return (
        f"""
DO $$ DECLARE part regclass; BEGIN
    FOR part IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = '{_EARLIER}'::regclass LOOP
        EXECUTE format('ALTER TABLE %s RENAME TO %I', part, replace(part::text, 'items_signal_', '{_EARLIER}_'));
    END LOOP;
END $$
""",
    )
