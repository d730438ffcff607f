"""The indexes of items, each led by the workspace because every query is. Made without stopping writes. Before deploy."""

import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("items", "0002_item_versions_and_search")]

    operations = [
        AddIndexConcurrently(
            model_name="item",
            index=models.Index(fields=["workspace", "-created_at", "-id"], name="idx_items_created_at"),
        ),
        AddIndexConcurrently(
            model_name="item",
            index=models.Index(fields=["workspace", "-updated_at", "-id"], name="idx_items_updated_at"),
        ),
        AddIndexConcurrently(
            model_name="item",
            index=models.Index(fields=["workspace", "category"], name="idx_items_category"),
        ),
        AddIndexConcurrently(
            model_name="item",
            index=models.Index(fields=["workspace", "category", "-created_at", "-id"], name="idx_items_category_created_at"),
        ),
        AddIndexConcurrently(
            model_name="item",
            index=models.Index(fields=["workspace", "-priority_rank", "-id"], name="idx_items_priority"),
        ),
        AddIndexConcurrently(
            model_name="item",
            index=models.Index(fields=["workspace", "status", "-created_at", "-id"], name="idx_items_status"),
        ),
        AddIndexConcurrently(
            model_name="item",
            index=models.Index(fields=["workspace", "status", "-priority_rank", "-id"], name="idx_items_status_priority"),
        ),
        AddIndexConcurrently(
            model_name="item",
            index=models.Index(
                condition=models.Q(("assignee__isnull", False)), fields=["workspace", "assignee", "-created_at"], name="idx_items_assignee"
            ),
        ),
        AddIndexConcurrently(
            model_name="item",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False)), fields=["workspace", "due_at", "id"], name="idx_items_due_at"
            ),
        ),
        AddIndexConcurrently(
            model_name="item",
            index=django.contrib.postgres.indexes.GinIndex(fields=["workspace", "tags"], name="idx_items_tags"),
        ),
        AddIndexConcurrently(
            model_name="item",
            index=django.contrib.postgres.indexes.GinIndex(fields=["workspace", "search"], name="idx_items_search"),
        ),
        RemoveIndexConcurrently(
            model_name="item",
            name="item_workspace_status_idx",
        ),
        RemoveIndexConcurrently(
            model_name="item",
            name="item_tags_idx",
        ),
    ]
