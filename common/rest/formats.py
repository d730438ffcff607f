"""How bodies are read and written: strict JSON, and CSV for lists."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

BODY_LIMIT_BYTES: Final = 1024 * 1024
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_encoder = msgspec.json.Encoder(enc_hook=str)


class BodyTooLarge(APIException):
    status_code = 413
    default_code = "request_too_large"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The request body is larger than {limit_bytes} bytes.")


class BrokenText(ParseError):
    """Some text of a body is no Unicode; `param` names it."""

    def __init__(self, param: str) -> None:
        super().__init__("This text is no Unicode: its bytes are no UTF-8, or half of a surrogate pair is missing.")
        self.param = param


def read_bounded(stream: Any, parser_context: Mapping[str, Any] | None) -> bytes:
    """Return a body that is as large as the view's `body_limit_bytes` at most, or 1 MiB. Errors: BodyTooLarge."""
    limit_bytes: int = getattr((parser_context or {}).get("view"), "body_limit_bytes", BODY_LIMIT_BYTES)
    body: bytes = stream.read(limit_bytes + 1)
    if len(body) > limit_bytes:
        raise BodyTooLarge(limit_bytes)
    return body


class JsonParser(BaseParser):
    """
    An object of JSON in UTF-8, as large as the view's `body_limit_bytes`, or 1 MiB.

    Errors: ParseError, also for what Python's own parser takes and a database does not (lone surrogates) or dies of (deep nesting);
    BodyTooLarge.
    """

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        body = read_bounded(stream, parser_context)
        try:
            parsed = msgspec.json.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            if (param := _find_broken_text(body)) is not None:
                raise BrokenText(param) from error
            raise ParseError(f"The body is no JSON: {str(error)[:200]}.") from error
        if not isinstance(parsed, dict):
            raise ParseError("The body is no JSON object.")
        return parsed


def _find_broken_text(body: bytes) -> str | None:
    """Return where a text is no Unicode, such as `items.0.title`, in a body that is JSON otherwise."""
    try:
        parsed = json.loads(body.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        return None
    left: list[tuple[str, Any]] = [("", parsed)]
    while left:
        path, value = left.pop()
        match value:
            case dict():
                left += [(f"{path}.{name}", inner) for name, inner in reversed(value.items())]
            case list():
                left += [(f"{path}.{index}", inner) for index, inner in reversed(list(enumerate(value)))]
            case str() if _SURROGATE.search(value):
                return path.strip(".").encode("utf-8", "replace").decode() or None
    return None


class JsonRenderer(BaseRenderer):
    """JSON by msgspec: times as ISO 8601, ids as text, what is JSON already as it is."""

    media_type = "application/json"
    format = "json"
    charset = None
    render_style = "binary"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None) -> bytes:
        return b"" if data is None else _encoder.encode(data)


class CsvRenderer(BaseRenderer):
    """
    The rows of a list as CSV, their names in the first line.

    Guarantee: no spreadsheet takes a cell for a formula; a text that looks like one gets a quote in front.
    """

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None) -> str:
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        rows: list[dict[str, Any]] = data["data"]
        names: list[str] = data.get("columns") or list(rows[0] if rows else ())
        writer.writerow(names)
        writer.writerows([csv_cell(row[name]) for name in names] for row in rows)
        return out.getvalue()


def csv_cell(value: Any) -> Any:
    """Return a value as a cell of CSV that no spreadsheet takes for a formula."""
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return "'" + value
    if isinstance(value, list):
        return csv_cell(", ".join(map(str, value)))
    return value.isoformat() if hasattr(value, "isoformat") else value
