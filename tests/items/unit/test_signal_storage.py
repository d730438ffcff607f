"""Which way signals are kept, and what TimescaleDB is told."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from items.signal_storage import MISSING, ROLLUPS, VIEWS, choose_storage, drop_hours_of, hours_of, timescale_policies


@pytest.mark.parametrize(
    ("setting", "is_available", "expected"),
    [
        ("auto", True, "timescaledb"),
        ("auto", False, "native"),
        ("on", True, "timescaledb"),
        ("off", True, "native"),
        ("off", False, "native"),
    ],
)
def test_the_setting_and_the_server_decide(setting, is_available, expected):
    assert choose_storage(setting, is_available=is_available) == expected


def test_on_without_the_extension_is_an_error_that_says_what_to_do():
    with pytest.raises(ImproperlyConfigured, match="no extension timescaledb") as raised:
        choose_storage("on", is_available=False)

    assert str(raised.value) == MISSING


@pytest.mark.parametrize("is_available", [True, False])
def test_a_value_that_is_none_is_an_error(is_available):
    with pytest.raises(ImproperlyConfigured, match="Choose one of auto, on, off"):
        choose_storage("yes", is_available=is_available)


def test_chunks_are_compressed_after_a_week_and_dropped_after_the_retention():
    policies = [" ".join(policy.split()) for policy in timescale_policies(90)]

    assert policies == [
        (
            "ALTER TABLE items_signal SET (timescaledb.compress, timescaledb.compress_segmentby = 'symbol, channel_id', "
            "timescaledb.compress_orderby = 'ts DESC, id DESC')"
        ),
        "SELECT add_compression_policy('items_signal', compress_after => INTERVAL '7 days')",
        "SELECT add_retention_policy('items_signal', drop_after => INTERVAL '90 days')",
        *(
            f"SELECT add_continuous_aggregate_policy('{name}', start_offset => INTERVAL '3 hours', end_offset => INTERVAL '1 hour', "
            "schedule_interval => INTERVAL '1 hour')"
            for name in ROLLUPS
        ),
        *(f"SELECT add_retention_policy('{name}', drop_after => INTERVAL '90 days')" for name in ROLLUPS),
    ]


def test_the_aggregates_are_continuous_and_in_real_time():
    made = {name: next(step for step in hours_of("timescaledb") if f"VIEW {name} WITH" in step) for name in ROLLUPS}

    for name, columns in ROLLUPS.items():
        assert made[name] == (
            f"CREATE MATERIALIZED VIEW {name} WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS "  # noqa: S608  # compared, never run
            f"SELECT workspace_id, time_bucket(INTERVAL '1 hour', ts) AS bucket, {columns}, count(*) AS signal_count, "
            "count(confidence) AS confidence_count, sum(confidence::numeric) AS confidence_sum FROM items_signal WHERE true "
            f"GROUP BY 1, 2, {columns} WITH NO DATA"
        )


@pytest.mark.parametrize("storage", ["native", "timescaledb"])
def test_both_ways_make_and_drop_the_same_names(storage):
    text = "\n".join(hours_of(storage))
    dropped = {step.rpartition(" ")[2] for step in drop_hours_of(storage)}

    assert dropped == {*VIEWS, *ROLLUPS, "items_signalhorizon", "items_latesignalhour"}
    for name in dropped:
        assert f"{name} " in text


def test_the_views_of_both_ways_have_the_same_columns():
    heads = {
        storage: [step.partition("FROM (")[0].split() for step in hours_of(storage) if "CREATE VIEW signals_hourly" in step]
        for storage in ("native", "timescaledb")
    }

    assert len(heads["native"]) == 2
    assert heads["native"] == heads["timescaledb"]
