"""
Usage records, partitioned by day.

Django sees `request_id` as the primary key; PostgreSQL's is (ts, request_id), because the key of a partitioned table holds its
partition column. Days are made by `proxy/adapters/partitions.py`; what comes for a day that does not exist lands in the default
partition and is moved when the day is made.
"""

import django.db.models.deletion
from django.db import migrations, models

CREATE = """
CREATE TABLE proxy_usagerecord (
    request_id uuid NOT NULL,
    ts timestamptz NOT NULL,
    workspace_id uuid NOT NULL,
    key_id uuid NOT NULL,
    model varchar(200) NOT NULL,
    backend varchar(63) NOT NULL,
    provider varchar(32) NOT NULL,
    upstream_model varchar(200) NOT NULL,
    status smallint NOT NULL,
    outcome varchar(16) NOT NULL,
    error_code varchar(64) NOT NULL,
    is_stream boolean NOT NULL,
    input_tokens integer NOT NULL,
    cached_input_tokens integer NOT NULL,
    output_tokens integer NOT NULL,
    cost_nano_usd bigint NOT NULL,
    usage_source varchar(16) NOT NULL,
    attempts_count smallint NOT NULL,
    latency_ms double precision NOT NULL,
    first_token_ms double precision,
    revision bigint NOT NULL,
    PRIMARY KEY (ts, request_id)
) PARTITION BY RANGE (ts);
CREATE TABLE proxy_usagerecord_default PARTITION OF proxy_usagerecord DEFAULT;
CREATE INDEX usage_workspace_ts_idx ON proxy_usagerecord (workspace_id, ts DESC);
CREATE INDEX usage_key_ts_idx ON proxy_usagerecord (key_id, ts DESC);
"""


class Migration(migrations.Migration):
    dependencies = [("proxy", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(CREATE, "DROP TABLE proxy_usagerecord")],
            state_operations=[
                migrations.CreateModel(
                    name="UsageRecord",
                    fields=[
                        ("request_id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                        ("ts", models.DateTimeField()),
                        ("model", models.CharField(max_length=200)),
                        ("backend", models.CharField(blank=True, max_length=63)),
                        ("provider", models.CharField(blank=True, max_length=32)),
                        ("upstream_model", models.CharField(blank=True, max_length=200)),
                        ("status", models.PositiveSmallIntegerField(help_text="HTTP status; 499: the client left.")),
                        (
                            "outcome",
                            models.CharField(
                                choices=[
                                    ("ok", "Answered"),
                                    ("error", "Failed"),
                                    ("cancelled", "Client left"),
                                    ("interrupted", "Gateway process died"),
                                ],
                                max_length=16,
                            ),
                        ),
                        ("error_code", models.CharField(blank=True, max_length=64)),
                        ("is_stream", models.BooleanField()),
                        ("input_tokens", models.PositiveIntegerField(default=0)),
                        ("cached_input_tokens", models.PositiveIntegerField(default=0)),
                        ("output_tokens", models.PositiveIntegerField(default=0)),
                        ("cost_nano_usd", models.PositiveBigIntegerField(default=0)),
                        ("usage_source", models.CharField(choices=[("upstream", "Upstream"), ("none", "Unknown")], max_length=16)),
                        ("attempts_count", models.PositiveSmallIntegerField(default=0)),
                        ("latency_ms", models.FloatField(default=0)),
                        ("first_token_ms", models.FloatField(null=True)),
                        ("revision", models.BigIntegerField()),
                        (
                            "key",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="apikeys.apikey",
                            ),
                        ),
                        (
                            "workspace",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="apikeys.workspace",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-ts", "-request_id"],
                        "indexes": [
                            models.Index(fields=["workspace", "-ts"], name="usage_workspace_ts_idx"),
                            models.Index(fields=["key", "-ts"], name="usage_key_ts_idx"),
                        ],
                    },
                ),
            ],
        ),
    ]
