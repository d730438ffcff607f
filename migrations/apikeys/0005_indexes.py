"""The indexes of keys. Made without stopping writes, and may be run again after a break-off. Before deploy."""

import django.db.models.deletion
from django.db import migrations, models

from common.index_migrations import AddPartitionedIndexConcurrently


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("apikeys", "0004_index_names")]

    operations = [
        AddPartitionedIndexConcurrently(
            model_name="apikey",
            index=models.Index(fields=["workspace", "-id"], name="idx_api_keys_workspace"),  # a workspace's keys, the newest first
        ),
        AddPartitionedIndexConcurrently(
            model_name="apikeysecret",
            index=models.Index(  # whose a presented key is, of those that were not revoked: asked for every key a worker does not remember
                condition=models.Q(("revoked_at__isnull", True)),
                fields=["digest"],
                include=("api_key", "expires_at"),
                name="idx_api_keys_hash_active",
            ),
        ),
        AddPartitionedIndexConcurrently(
            model_name="apikeysecret",
            index=models.Index(fields=["api_key", "-created_at", "-id"], name="idx_api_key_secrets_key"),  # a key's secrets, the newest first
        ),
        AddPartitionedIndexConcurrently(
            model_name="keychange",
            index=models.Index(fields=["changed_at"], name="idx_key_changes_changed_at"),  # what is old enough to be forgotten
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "DROP INDEX CONCURRENTLY IF EXISTS apikeys_apikey_workspace_id_0236ef0d",
                    "CREATE INDEX CONCURRENTLY IF NOT EXISTS apikeys_apikey_workspace_id_0236ef0d ON apikeys_apikey (workspace_id)",
                ),
                migrations.RunSQL(
                    "DROP INDEX CONCURRENTLY IF EXISTS apikeys_apikeysecret_api_key_id_7810f8f1",
                    "CREATE INDEX CONCURRENTLY IF NOT EXISTS apikeys_apikeysecret_api_key_id_7810f8f1 ON apikeys_apikeysecret (api_key_id)",
                ),
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="apikey",
                    name="workspace",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="api_keys",
                        to="apikeys.workspace",
                    ),
                ),
                migrations.AlterField(
                    model_name="apikeysecret",
                    name="api_key",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="secrets",
                        to="apikeys.apikey",
                    ),
                ),
            ],
        ),
    ]
