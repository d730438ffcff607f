"""Counts of items as they are shown."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from items.rest.items_serializers import name_accounts


class _Counted(serializers.Serializer[Any]):
    items_count = serializers.IntegerField()
    overdue_count = serializers.IntegerField(help_text="Those whose time is over and that are neither done nor archived.")


class _OfCategory(_Counted):
    category = serializers.CharField()


class _OfAssignee(_Counted):
    assignee = serializers.CharField(allow_null=True)


class StatsOut(_Counted):
    object = serializers.CharField(help_text="`item_stats`")
    by_status = serializers.DictField(child=serializers.IntegerField())
    by_priority = serializers.DictField(child=serializers.IntegerField())
    by_category = _OfCategory(many=True, help_text="The 100 that have most.")
    by_assignee = _OfAssignee(many=True, help_text="The 100 who have most.")


def describe_stats(counts: dict[str, Any]) -> dict[str, Any]:
    """Cost: one query where somebody is assigned."""
    names = name_accounts({group["assignee_id"] for group in counts["by_assignee"]} - {None})
    by_assignee = [
        {"assignee": names.get(group["assignee_id"]), "items_count": group["items_count"], "overdue_count": group["overdue_count"]}
        for group in counts["by_assignee"]
    ]
    return {"object": "item_stats"} | counts | {"by_assignee": by_assignee}
