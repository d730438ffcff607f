"""
Channels and signals. Signals are partitioned by day: Django sees `id` as the primary key, PostgreSQL's is (ts, id).

What a channel sent already stands in a table of its own, because a unique index of a partitioned table must hold the partition's column.
"""

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

import common.ids

CREATE = """
CREATE TABLE items_channel (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    name varchar(63) NOT NULL,
    description varchar(200) NOT NULL,
    is_active boolean NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT channel_name_in_workspace UNIQUE (workspace_id, name)
);
CREATE TABLE items_signal (
    id uuid NOT NULL,
    ts timestamptz NOT NULL,
    workspace_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    symbol varchar(32) NOT NULL,
    action varchar(8) NOT NULL,
    price numeric(24, 8),
    confidence double precision,
    external_id varchar(200) NOT NULL,
    payload jsonb,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (ts, id)
) PARTITION BY RANGE (ts);
CREATE TABLE items_signal_default PARTITION OF items_signal DEFAULT;
CREATE INDEX idx_signals_timestamp ON items_signal (workspace_id, ts DESC, id DESC); -- the list
CREATE INDEX idx_signals_symbol ON items_signal (workspace_id, symbol, ts DESC); -- a workspace's signals of one symbol
CREATE INDEX idx_signals_action ON items_signal (workspace_id, action, ts DESC); -- a workspace's signals of one action
CREATE INDEX idx_signals_symbol_timestamp ON items_signal (symbol, ts DESC); -- one symbol in all workspaces: the console
CREATE INDEX idx_signals_channel_timestamp ON items_signal (channel_id, ts DESC); -- one channel's signals
CREATE INDEX idx_signals_channel ON items_signal (channel_id, symbol, ts DESC); -- one channel's signals of one symbol
CREATE INDEX idx_signals_timestamp_brin ON items_signal USING brin (ts); -- how many in a span of hours
CREATE TABLE items_signalkey (
    channel_id uuid NOT NULL,
    external_id varchar(200) NOT NULL,
    signal_id uuid NOT NULL,
    ts timestamptz NOT NULL,
    CONSTRAINT signal_key_of_channel PRIMARY KEY (channel_id, external_id)
);
CREATE INDEX idx_signal_keys_timestamp ON items_signalkey (ts); -- what retention deletes
CREATE TABLE items_latestsignal (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    symbol varchar(32) NOT NULL,
    signal_id uuid NOT NULL,
    ts timestamptz NOT NULL,
    CONSTRAINT latest_signal_of_symbol UNIQUE (workspace_id, symbol)
);
CREATE INDEX idx_latest_signals_timestamp ON items_latestsignal (workspace_id, ts DESC); -- the symbols that moved last
"""
DROP = "DROP TABLE items_latestsignal, items_signalkey, items_signal, items_channel"


class Migration(migrations.Migration):
    dependencies = [
        ("apikeys", "0003_items_and_signals_permissions"),
        ("items", "0003_item_indexes"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(CREATE, DROP)],
            state_operations=[
                migrations.CreateModel(
                    name="Channel",
                    fields=[
                        ("id", models.UUIDField(default=common.ids.create_uuid7, editable=False, primary_key=True, serialize=False)),
                        ("name", models.SlugField(db_index=False, max_length=63)),
                        ("description", models.CharField(blank=True, max_length=200)),
                        (
                            "is_active",
                            models.BooleanField(default=True, help_text="An inactive channel takes no signals; what it took stays."),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                    ],
                    options={
                        "ordering": ["name"],
                    },
                ),
                migrations.CreateModel(
                    name="LatestSignal",
                    fields=[
                        ("id", models.UUIDField(default=common.ids.create_uuid7, editable=False, primary_key=True, serialize=False)),
                        ("symbol", models.CharField(max_length=32)),
                        ("signal_id", models.UUIDField()),
                        ("ts", models.DateTimeField()),
                    ],
                ),
                migrations.CreateModel(
                    name="Signal",
                    fields=[
                        ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                        ("ts", models.DateTimeField(help_text="When the signal was given.")),
                        ("symbol", models.CharField(max_length=32)),
                        (
                            "action",
                            models.CharField(
                                choices=[("buy", "Buy"), ("sell", "Sell"), ("hold", "Hold"), ("close", "Close")], max_length=8
                            ),
                        ),
                        ("price", models.DecimalField(decimal_places=8, max_digits=24, null=True)),
                        ("confidence", models.FloatField(help_text="From 0 to 1.", null=True)),
                        (
                            "external_id",
                            models.CharField(
                                blank=True, help_text="The channel's own id of it; a repeat of it is no new signal.", max_length=200
                            ),
                        ),
                        ("payload", models.JSONField(help_text="What the source sent.", null=True)),
                        ("created_at", models.DateTimeField(help_text="When it arrived.")),
                    ],
                    options={
                        "ordering": ["-ts", "-id"],
                    },
                ),
                migrations.CreateModel(
                    name="SignalKey",
                    fields=[
                        ("signal_id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                        ("ts", models.DateTimeField()),
                        ("external_id", models.CharField(max_length=200)),
                    ],
                ),
                migrations.AddField(
                    model_name="channel",
                    name="workspace",
                    field=models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="channels",
                        to="apikeys.workspace",
                    ),
                ),
                migrations.AddField(
                    model_name="latestsignal",
                    name="workspace",
                    field=models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="apikeys.workspace",
                    ),
                ),
                migrations.AddField(
                    model_name="signal",
                    name="channel",
                    field=models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="signals",
                        to="items.channel",
                    ),
                ),
                migrations.AddField(
                    model_name="signal",
                    name="workspace",
                    field=models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="apikeys.workspace",
                    ),
                ),
                migrations.AddField(
                    model_name="signalkey",
                    name="channel",
                    field=models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="items.channel",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="channel",
                    constraint=models.UniqueConstraint(fields=("workspace", "name"), name="channel_name_in_workspace"),
                ),
                migrations.AddIndex(
                    model_name="latestsignal",
                    index=models.Index(fields=["workspace", "-ts"], name="idx_latest_signals_timestamp"),
                ),
                migrations.AddConstraint(
                    model_name="latestsignal",
                    constraint=models.UniqueConstraint(fields=("workspace", "symbol"), name="latest_signal_of_symbol"),
                ),
                migrations.AddIndex(
                    model_name="signal",
                    index=models.Index(fields=["workspace", "-ts", "-id"], name="idx_signals_timestamp"),
                ),
                migrations.AddIndex(
                    model_name="signal",
                    index=models.Index(fields=["workspace", "symbol", "-ts"], name="idx_signals_symbol"),
                ),
                migrations.AddIndex(
                    model_name="signal",
                    index=models.Index(fields=["workspace", "action", "-ts"], name="idx_signals_action"),
                ),
                migrations.AddIndex(
                    model_name="signal",
                    index=models.Index(fields=["symbol", "-ts"], name="idx_signals_symbol_timestamp"),
                ),
                migrations.AddIndex(
                    model_name="signal",
                    index=models.Index(fields=["channel", "-ts"], name="idx_signals_channel_timestamp"),
                ),
                migrations.AddIndex(
                    model_name="signal",
                    index=models.Index(fields=["channel", "symbol", "-ts"], name="idx_signals_channel"),
                ),
                migrations.AddIndex(
                    model_name="signal",
                    index=django.contrib.postgres.indexes.BrinIndex(fields=["ts"], name="idx_signals_timestamp_brin"),
                ),
                migrations.AddIndex(
                    model_name="signalkey",
                    index=models.Index(fields=["ts"], name="idx_signal_keys_timestamp"),
                ),
                migrations.AddConstraint(
                    model_name="signalkey",
                    constraint=models.UniqueConstraint(fields=("channel", "external_id"), name="signal_key_of_channel"),
                ),
            ],
        ),
    ]
