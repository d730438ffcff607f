"""What the request log and the rollups lacked. Made without stopping writes, and may be run again after a break-off. Before deploy."""

from django.db import migrations, models

from common.index_migrations import AddPartitionedIndexConcurrently


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("proxy", "0006_index_names")]

    operations = [
        AddPartitionedIndexConcurrently(
            model_name="usagerecord",
            index=models.Index(  # what failed in a workspace: few rows among many that did not
                condition=models.Q(("outcome", "ok"), _negated=True), fields=["workspace", "-ts"], name="idx_request_log_failures"
            ),
        ),
        AddPartitionedIndexConcurrently(
            model_name="usagerollup",
            index=models.Index(fields=["workspace", "period", "-starts_at"], name="idx_usage_rollups_workspace"),  # a workspace's chart
        ),
        AddPartitionedIndexConcurrently(
            model_name="usagetagrollup",
            index=models.Index(fields=["workspace", "-starts_at"], name="idx_tag_rollups_workspace"),  # a workspace's usage by tag
        ),
    ]
