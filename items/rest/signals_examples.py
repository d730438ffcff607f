"""Examples for the description of `/api/signals`."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample

_NEW: Final[dict[str, Any]] = {
    "channel": "momentum",
    "symbol": "BTC-USD",
    "action": "buy",
    "price": "68250.5",
    "confidence": 0.82,
    "timestamp": "2026-11-21T09:30:00Z",
    "external_id": "m-20261121-0930-btc",
    "payload": {"rsi": 31.4},
}
_SHOWN: Final = {
    "id": "01a1fda5-1340-7abc-8def-0123456789ab",
    "object": "signal",
    **_NEW,
    "created_at": "2026-11-21T09:30:00.412345Z",
}
_HOUR: Final = {
    "bucket": "2026-11-21T09:00:00Z",
    "symbol": "BTC-USD",
    "channel": "momentum",
    "action": "buy",
    "signal_count": 12,
    "avg_confidence": 0.74,
}
_CHANNEL: Final = {
    "id": "01a1fd00-0000-7abc-8def-0123456789ab",
    "object": "channel",
    "name": "momentum",
    "description": "Crosses of two averages",
    "is_active": True,
    "created_at": "2026-11-21T08:00:00Z",
}
_PROGRESS: Final = {
    "object": "signal_stream",
    "lines_count": 12_000,
    "accepted_count": 11_898,
    "duplicates_count": 100,
    "errors_count": 2,
    "errors": [{"line": 17, "param": "action", "message": "Invalid enum value 'short'."}],
    "is_complete": True,
}


def _request(name: str, value: dict[str, Any], media_type: str = "application/json") -> OpenApiExample:
    return OpenApiExample(name, value=value, request_only=True, media_type=media_type)


def _response(name: str, value: Any, *statuses: str) -> OpenApiExample:
    return OpenApiExample(name, value=value, response_only=True, status_codes=statuses or ("200",))


PAGE: Final = [_response("A page", {"object": "list", "data": [_SHOWN], "next": "/api/signals?after=kVb3...", "previous": None})]
ONE: Final = [_response("The signal", _SHOWN)]
CREATE: Final = [
    _request("A signal", _NEW),
    _response("Stored", _SHOWN | {"is_duplicate": False}, "201"),
    _response("Sent before", _SHOWN | {"is_duplicate": True}),
]
CREATE_MANY: Final = [
    _request("Two signals", {"signals": [_NEW, {"channel": "momentum", "symbol": "ETH-USD", "action": "hold"}]}),
    _response("Stored", {"object": "signal_batch", "accepted_count": 1, "duplicates_count": 1, "duplicates": [0]}, "201"),
]
STREAM: Final = [_request("One of many lines", _NEW, "application/x-ndjson"), _response("All of them", _PROGRESS)]
HOURS: Final = [
    _response(
        "Hours",
        {"object": "list", "data": [_HOUR], "since": "2026-10-22T09:00:00Z", "until": "2026-11-21T10:00:00Z", "has_more": False},
    )
]
CHANNELS: Final = [_response("Channels", {"object": "list", "data": [_CHANNEL], "next": None, "previous": None})]
CREATE_CHANNEL: Final = [
    _request("A channel", {"name": "momentum", "description": "Crosses of two averages"}),
    _response("The channel", _CHANNEL, "201"),
]
CHANGE_CHANNEL: Final = [_request("Take no more", {"is_active": False}), _response("The channel", _CHANNEL | {"is_active": False})]
