"""How many items there are, by everything they are sorted into, in one query."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from django.db import connections

from items.choices import Priority, Status
from items.querysets import CLOSED, ItemQuerySet

GROUPS_MAX_COUNT: Final = 100
"""Categories and assignees that are told, the most frequent first."""

_SQL: Final = """
WITH smallest AS (
    SELECT status, priority, category, assignee_id, count(*) AS items_count,
           count(*) FILTER (WHERE due_at < %s AND status <> ALL(%s)) AS overdue_count
    FROM ({items}) AS items
    GROUP BY status, priority, category, assignee_id
)
SELECT * FROM (
    SELECT status, priority, category, assignee_id, grouping(status, priority, category, assignee_id) AS grouped,
           coalesce(sum(items_count), 0)::bigint AS items_count, coalesce(sum(overdue_count), 0)::bigint AS overdue_count,
           row_number() OVER (
               PARTITION BY grouping(status, priority, category, assignee_id) ORDER BY sum(items_count) DESC, category, assignee_id
           ) AS place
    FROM smallest
    GROUP BY GROUPING SETS ((), (status), (priority), (category), (assignee_id))
) AS counted
WHERE place <= %s
"""
_NAMES: Final = {0b1111: "all", 0b0111: "status", 0b1011: "priority", 0b1101: "category", 0b1110: "assignee_id"}


def count_items(items: ItemQuerySet, now: dt.datetime) -> dict[str, Any]:
    """
    Return `items_count`, `overdue_count`; `by_status` and `by_priority` with every word; `by_category` and `by_assignee` as lists of the
    most frequent (`category` or `assignee_id`, `items_count`, `overdue_count`).

    Cost: one query over the items of `items`.
    """
    inner, parameters = items.order_by().values("status", "priority", "category", "assignee_id", "due_at").query.sql_with_params()
    with connections[items.db].cursor() as cursor:
        # What is put in is Django's own SQL, whose values stay parameters.
        cursor.execute(_SQL.format(items=inner), [now, list(CLOSED), *parameters, GROUPS_MAX_COUNT])
        rows = cursor.fetchall()
    found: dict[str, list[tuple[Any, ...]]] = {name: [] for name in _NAMES.values()}
    for row in sorted(rows, key=lambda row: row[7]):
        found[_NAMES[row[4]]].append(row)
    status = {row[0]: row[5] for row in found["status"]}
    priority = {row[1]: row[5] for row in found["priority"]}
    return {
        "items_count": sum(row[5] for row in found["all"]),
        "overdue_count": sum(row[6] for row in found["all"]),
        "by_status": {word: status.get(word, 0) for word in Status.values},
        "by_priority": {word: priority.get(word, 0) for word in Priority.values},
        "by_category": [{"category": row[2], "items_count": row[5], "overdue_count": row[6]} for row in found["category"]],
        "by_assignee": [{"assignee_id": row[3], "items_count": row[5], "overdue_count": row[6]} for row in found["assignee_id"]],
    }
