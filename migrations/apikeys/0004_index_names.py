"""
Indexes of foreign keys get names of ours; where another index begins with the same column they go, below and in 0005. Nothing waits.

The state says `db_index=False` because the index is declared beside the others; the names that Django gave are the same everywhere.
Before deploy.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("apikeys", "0003_items_and_signals_permissions")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "ALTER INDEX apikeys_limit_workspace_id_2c17ef9e RENAME TO idx_limits_workspace",
                    "ALTER INDEX idx_limits_workspace RENAME TO apikeys_limit_workspace_id_2c17ef9e",
                )
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="limit",
                    name="workspace",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        help_text="Empty: every workspace.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="limits",
                        to="apikeys.workspace",
                    ),
                ),
                migrations.AddIndex(
                    model_name="limit",
                    index=models.Index(fields=["workspace"], name="idx_limits_workspace"),
                ),
            ],
        ),
    ]
