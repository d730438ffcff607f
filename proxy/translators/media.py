"""Images, sounds and files as dialects write them: data URLs, names of formats, types by file name."""

from __future__ import annotations

import mimetypes
from typing import Final

UNKNOWN_TYPE: Final = "application/octet-stream"


def parse_data_url(url: str) -> tuple[str, str] | None:
    """
    Return the media type and the base64 text of a data URL, None for a URL of another kind.

    Errors: ValueError for a data URL without base64.
    Source: RFC 2397
    """
    if url[:5].lower() != "data:":
        return None
    head, found, data = url[5:].partition(",")
    media_type, *parameters = head.split(";")
    if not found or not parameters or parameters[-1].strip().lower() != "base64":
        raise ValueError("a data URL is written data:<media type>;base64,<data>")
    return media_type.strip().lower() or "text/plain", data


def dump_data_url(media_type: str, data: str) -> str:
    return f"data:{media_type};base64,{data}"


def guess_type(name: str) -> str:
    """Return the media type that a file's name says."""
    return mimetypes.guess_type(name, strict=False)[0] or UNKNOWN_TYPE
