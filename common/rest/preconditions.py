"""
Optimistic locking: whoever writes may say with `If-Match` which version of a thing they saw.

Source: RFC 9110, sections 8.8.3 and 13.1.1
"""

from __future__ import annotations

import re
from typing import Any, Final

from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request

HEADER: Final = "If-Match"
_TAGS: Final = re.compile(r'\s*(?:(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"\s*(?:,\s*|\Z))+\Z')
_TAG: Final = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_VERSION: Final = re.compile(r"[1-9]\d{0,9}\Z", re.ASCII)


class PreconditionFailed(APIException):
    """It has another version than the caller saw."""

    status_code = 412

    def __init__(self, message: str = "It changed since you read it. Read it again and repeat what is still needed.") -> None:
        super().__init__(message)
        self.param = HEADER


def etag_of(version: int) -> str:
    """Return the strong tag of a thing that counts its changes."""
    return f'"{version}"'


def seen_versions(request: Request) -> frozenset[int] | None:
    """
    Return the versions that the caller would write over, None for any (`*`, or no header: the last writer wins).

    Weak tags match nothing, and neither do tags that are none of ours. Errors: ValidationError for what is no list of tags.
    """
    sent = request.headers.get(HEADER)
    if sent is None or sent.strip() == "*":
        return None
    if not _TAGS.match(sent):
        raise ValidationError({HEADER: ['Send the ETag of the version that you saw, such as "3", or *.']})
    found: list[Any] = _TAG.findall(sent)
    return frozenset(int(tag) for weak, tag in found if not weak and _VERSION.match(tag))
