"""Examples for the description of `/api/items`."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample

_NEW: Final[dict[str, Any]] = {
    "title": "Renew the contract",
    "description": "With the provider of the second region.",
    "category": "legal",
    "priority": "high",
    "tags": ["contract", "q4"],
    "due_at": "2026-12-01T00:00:00Z",
}
_ID: Final = "0193a1f2-7c00-7abc-8def-0123456789ab"
_SHOWN: Final = {
    "id": _ID,
    "object": "item",
    "workspace_id": "0193a1f0-1000-7abc-8def-0123456789ab",
    **_NEW,
    "status": "new",
    "assignee": None,
    "version": 1,
    "created_at": "2026-11-21T09:30:00.123456Z",
    "updated_at": "2026-11-21T09:30:00.123456Z",
}


def _request(name: str, value: dict[str, Any]) -> OpenApiExample:
    return OpenApiExample(name, value=value, request_only=True)


def _response(name: str, value: Any, *statuses: str, media_type: str = "application/json") -> OpenApiExample:
    return OpenApiExample(name, value=value, response_only=True, status_codes=statuses or ("200",), media_type=media_type)


PAGE: Final = [
    _response("A page", {"object": "list", "data": [_SHOWN], "next": "/api/items?status=new&after=kVb3...", "previous": None}),
    _response("Two fields", {"object": "list", "data": [{"id": _ID, "title": _NEW["title"]}], "next": None, "previous": None}),
]
CREATE: Final = [_request("A new item", _NEW), _response("The item", _SHOWN, "201")]
ONE: Final = [_response("The item", _SHOWN)]
REPLACE: Final = [
    _request("All that can be written", _NEW | {"status": "review", "assignee": "alice"}),
    _response("The item", _SHOWN | {"status": "review", "assignee": "alice", "version": 2}),
]
CHANGE: Final = [
    _request("Done", {"status": "done"}),
    _response("The item", _SHOWN | {"status": "done", "version": 2}),
]
CREATE_MANY: Final = [
    _request("Two items", {"items": [_NEW, {"title": "Call back"}]}),
    _response("The items", {"object": "list", "data": [_SHOWN]}, "201"),
]
CHANGE_MANY: Final = [
    _request("Two changes", {"items": [{"id": _ID, "status": "done", "version": 1}, {"id": _ID[:-1] + "c", "assignee": None}]}),
    _response("The items", {"object": "list", "data": [_SHOWN | {"status": "done", "version": 2}]}),
]
STATS: Final = [
    _response(
        "Counts",
        {
            "object": "item_stats",
            "items_count": 7,
            "overdue_count": 1,
            "by_status": {"new": 3, "in_progress": 1, "review": 0, "done": 2, "archived": 1},
            "by_priority": {"low": 0, "medium": 5, "high": 2, "critical": 0},
            "by_category": [
                {"category": "legal", "items_count": 5, "overdue_count": 1},
                {"category": "", "items_count": 2, "overdue_count": 0},
            ],
            "by_assignee": [
                {"assignee": None, "items_count": 6, "overdue_count": 1},
                {"assignee": "alice", "items_count": 1, "overdue_count": 0},
            ],
        },
    )
]
EXPORT: Final = [
    _response("CSV", "id,title\r\n" + _ID + ",Renew the contract\r\n", media_type="text/csv"),
    _response("NDJSON", '{"id":"' + _ID + '","title":"Renew the contract"}\n', media_type="application/x-ndjson"),
]
