"""The page of docs/reference that names every index and what it is for."""

from __future__ import annotations

from itertools import groupby

from gatewaysite.index_report.declared import declared_indexes


def indexes_page(note: str) -> str:
    """Return the page as Markdown. Asks no database."""
    lines = [note, "# Indexes", ""]
    lines += [
        "Each index of ours with its columns and the query it serves. Keys and unique constraints have indexes of their own beside these.",
        "`manage.py index_report` tells how they are used, `manage.py index_report --sql` prints them.",
        "",
    ]
    for table, indexes in groupby(declared_indexes(), lambda declared: declared.table):
        lines += [f"## {table}", "", "| index | columns | serves |", "|---|---|---|"]
        lines += [f"| `{declared.name}` | {declared.columns} | {declared.serves} |" for declared in indexes]
        lines.append("")
    return "\n".join(lines)
