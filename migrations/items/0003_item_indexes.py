"""The indexes of items, each led by the workspace because every query is. Made without stopping writes. Before deploy."""

import django.contrib.postgres.indexes
from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations, models

from common.index_migrations import AddPartitionedIndexConcurrently


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("items", "0002_item_versions_and_search")]

    operations = [
        AddPartitionedIndexConcurrently(
            model_name="item",
            index=models.Index(fields=["workspace", "-created_at", "-id"], name="idx_items_created_at"),  # the list
        ),
        AddPartitionedIndexConcurrently(
            model_name="item",
            index=models.Index(fields=["workspace", "-updated_at", "-id"], name="idx_items_updated_at"),  # what changed last
        ),
        AddPartitionedIndexConcurrently(
            model_name="item",
            index=models.Index(fields=["workspace", "category"], name="idx_items_category"),  # how many are in each category
        ),
        AddPartitionedIndexConcurrently(
            model_name="item",
            index=models.Index(fields=["workspace", "category", "-created_at", "-id"], name="idx_items_category_created_at"),  # the list of one category
        ),
        AddPartitionedIndexConcurrently(
            model_name="item",
            index=models.Index(fields=["workspace", "-priority_rank", "-id"], name="idx_items_priority"),  # the most urgent first
        ),
        AddPartitionedIndexConcurrently(
            model_name="item",
            index=models.Index(fields=["workspace", "status", "-created_at", "-id"], name="idx_items_status"),  # the list of one status
        ),
        AddPartitionedIndexConcurrently(
            model_name="item",
            index=models.Index(fields=["workspace", "status", "-priority_rank", "-id"], name="idx_items_status_priority"),  # the most urgent of one status: a board's column
        ),
        AddPartitionedIndexConcurrently(
            model_name="item",
            index=models.Index(
                condition=models.Q(("assignee__isnull", False)), fields=["workspace", "assignee", "-created_at"], name="idx_items_assignee"
            ),  # what somebody has to do
        ),
        AddPartitionedIndexConcurrently(
            model_name="item",
            index=models.Index(fields=["workspace", "due_at", "id"], name="idx_items_due_at"),  # what is due first; without a day: last
        ),
        AddPartitionedIndexConcurrently(
            model_name="item",
            index=models.Index(fields=["workspace", "title", "id"], name="idx_items_title"),  # the list by title
        ),
        AddPartitionedIndexConcurrently(
            model_name="item",
            index=django.contrib.postgres.indexes.GinIndex(fields=["workspace", "tags"], name="idx_items_tags"),  # any or all of some tags
        ),
        AddPartitionedIndexConcurrently(
            model_name="item",
            index=django.contrib.postgres.indexes.GinIndex(fields=["workspace", "search"], name="idx_items_search"),  # words in title and description
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
