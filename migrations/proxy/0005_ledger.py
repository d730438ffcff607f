"""
The ledger, partitioned by day like the usage records: PostgreSQL's key is (ts, id), Django's `id`. Before deploy.
"""

import django.db.models.deletion
from django.db import migrations, models

CREATE = """
CREATE TABLE proxy_ledgerentry (
    id uuid NOT NULL,
    ts timestamptz NOT NULL,
    request_id uuid NOT NULL,
    kind varchar(8) NOT NULL,
    workspace_id uuid NOT NULL,
    key_id uuid NOT NULL,
    model varchar(200) NOT NULL,
    reserved_nano_usd bigint NOT NULL,
    spent_nano_usd bigint NOT NULL,
    tokens bigint NOT NULL,
    price_effective_at timestamptz,
    reason varchar(200) NOT NULL,
    PRIMARY KEY (ts, id)
) PARTITION BY RANGE (ts);
CREATE TABLE proxy_ledgerentry_default PARTITION OF proxy_ledgerentry DEFAULT;
CREATE INDEX ledger_workspace_ts_idx ON proxy_ledgerentry (workspace_id, ts DESC);
CREATE INDEX ledger_key_ts_idx ON proxy_ledgerentry (key_id, ts DESC);
"""


class Migration(migrations.Migration):
    dependencies = [("proxy", "0004_data_plane")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(CREATE, "DROP TABLE proxy_ledgerentry")],
            state_operations=[
                migrations.CreateModel(
                    name="LedgerEntry",
                    fields=[
                        ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                        ("ts", models.DateTimeField(help_text="When the request began: all its rows lie in one partition.")),
                        ("request_id", models.UUIDField()),
                        (
                            "kind",
                            models.CharField(
                                choices=[("reserve", "Reserved"), ("settle", "Settled"), ("refund", "Refunded"), ("adjust", "Adjusted")],
                                max_length=8,
                            ),
                        ),
                        ("model", models.CharField(max_length=200)),
                        ("reserved_nano_usd", models.BigIntegerField(default=0)),
                        ("spent_nano_usd", models.BigIntegerField(default=0)),
                        (
                            "tokens",
                            models.BigIntegerField(default=0, help_text="Tokens that were settled; reserved ones are in the reserve row."),
                        ),
                        ("price_effective_at", models.DateTimeField(null=True)),
                        ("reason", models.CharField(blank=True, max_length=200)),
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
                        "verbose_name_plural": "ledger entries",
                        "ordering": ["-ts", "-id"],
                        "indexes": [
                            models.Index(fields=["workspace", "-ts"], name="ledger_workspace_ts_idx"),
                            models.Index(fields=["key", "-ts"], name="ledger_key_ts_idx"),
                        ],
                    },
                ),
            ],
        ),
    ]
