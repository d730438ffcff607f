"""What Google's errors say: `{"error": {code, message, status, details}}`, at times in a list of one."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from proxy.wire.bad_request import UNREADABLE
from proxy.wire.upstream_error import ErrorClass, UpstreamErrorDetail

_UNTOLD: Final = "The provider reported an error."
# "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."
_TOO_LONG: Final = re.compile(r"token count\b.*\bexceeds|exceeds the maximum number of tokens", re.IGNORECASE | re.DOTALL)
_SPENT: Final = re.compile(r"spending cap|credits are depleted", re.IGNORECASE)
_CLASSES: Final[dict[str, ErrorClass]] = {"NOT_FOUND": "not_found", "UNAVAILABLE": "overloaded"}


class GoogleError(msgspec.Struct):
    code: int | None = None
    message: str | None = None
    status: str | None = None
    details: Any = None


class _ErrorBody(msgspec.Struct):
    error: GoogleError


_decoder: Final = msgspec.json.Decoder(_ErrorBody | list[_ErrorBody])


def parse_error(_status: int, body: bytes) -> UpstreamErrorDetail | None:
    """Return what an error body says, None for what is none of Google's."""
    try:
        parsed = _decoder.decode(body)
    except UNREADABLE:
        return None
    if isinstance(parsed, list):
        return read_error(parsed[0].error) if parsed else None
    return read_error(parsed.error)


def read_error(error: GoogleError) -> UpstreamErrorDetail:
    return UpstreamErrorDetail(error.message or _UNTOLD, code=error.status, error_class=_classify(error))


def _classify(error: GoogleError) -> ErrorClass:
    message = error.message or ""
    if error.status == "RESOURCE_EXHAUSTED":
        return "quota" if _is_quota_spent(error) else "rate_limit"
    if error.status == "INVALID_ARGUMENT":
        if "API_KEY_INVALID" in _texts(error.details, "reason"):
            return "credential"  # Google says 400 to a key it does not know
        return "context_length" if _TOO_LONG.search(message) else ""
    return _CLASSES.get(error.status or "", "")


def _is_quota_spent(error: GoogleError) -> bool:
    """Tell a day's or a month's quota, which no short wait brings back, from the limit of a minute; both have the same status."""
    if _SPENT.search(error.message or ""):
        return True
    quotas = [
        quota
        for detail in _mappings(error.details)
        for violation in _mappings(detail.get("violations"))
        for quota in _texts([violation], "quotaId")
    ]
    return any("PerDay" in quota for quota in quotas)


def _texts(items: Any, name: str) -> list[str]:
    return [item[name] for item in _mappings(items) if isinstance(item.get(name), str)]


def _mappings(items: Any) -> list[dict[str, Any]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
