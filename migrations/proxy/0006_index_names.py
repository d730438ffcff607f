"""
Indexes get names of ours, those of the partitioned tables and those of foreign keys; that of a target's route goes, because
`target_once_per_route` begins with it. Nothing waits. Before deploy.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from common.index_migrations import RenamePartitionedIndex

RENAMED = {
    "proxy_target_backend_id_d51c5a5e": "idx_targets_backend",
    "proxy_price_backend_id_bd79666a": "idx_prices_backend",
    "proxy_configurationrevision_actor_id_684e956f": "idx_revisions_actor",
}


class Migration(migrations.Migration):
    dependencies = [
        ("proxy", "0005_ledger"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        RenamePartitionedIndex(model_name="usagerecord", new_name="idx_request_log_created_at", old_name="usage_workspace_ts_idx"),
        RenamePartitionedIndex(model_name="usagerecord", new_name="idx_request_log_key_created_at", old_name="usage_key_ts_idx"),
        RenamePartitionedIndex(model_name="ledgerentry", new_name="idx_ledger_created_at", old_name="ledger_workspace_ts_idx"),
        RenamePartitionedIndex(model_name="ledgerentry", new_name="idx_ledger_key_created_at", old_name="ledger_key_ts_idx"),
        migrations.RenameIndex(model_name="usagerollup", new_name="idx_usage_rollups_key", old_name="usage_rollup_key_idx"),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                *(migrations.RunSQL(f"ALTER INDEX {old} RENAME TO {new}", f"ALTER INDEX {new} RENAME TO {old}") for old, new in RENAMED.items()),
                migrations.RunSQL(
                    "DROP INDEX proxy_target_route_id_9ae8165a",
                    "CREATE INDEX proxy_target_route_id_9ae8165a ON proxy_target (route_id)",
                ),
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="target",
                    name="route",
                    field=models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="targets", to="proxy.route"
                    ),
                ),
                migrations.AlterField(
                    model_name="target",
                    name="backend",
                    field=models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="targets", to="proxy.backend"
                    ),
                ),
                migrations.AlterField(
                    model_name="price",
                    name="backend",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        help_text="Empty: every backend.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="prices",
                        to="proxy.backend",
                    ),
                ),
                migrations.AlterField(
                    model_name="configurationrevision",
                    name="actor",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                migrations.AddIndex(
                    model_name="target",
                    index=models.Index(fields=["backend"], name="idx_targets_backend"),
                ),
                migrations.AddIndex(
                    model_name="price",
                    index=models.Index(fields=["backend"], name="idx_prices_backend"),
                ),
                migrations.AddIndex(
                    model_name="configurationrevision",
                    index=models.Index(fields=["actor"], name="idx_revisions_actor"),
                ),
            ],
        ),
    ]
