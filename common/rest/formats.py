"""How bodies are read and written: strict JSON, and CSV for lists."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

BODY_LIMIT_BYTES: Final = 1024 * 1024
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
_encoder = msgspec.json.Encoder(enc_hook=str)


class BodyTooLarge(APIException):
    status_code = 413
    default_code = "request_too_large"
    default_detail = f"The request body is larger than {BODY_LIMIT_BYTES} bytes."


class JsonParser(BaseParser):
    """
    An object of JSON in UTF-8.

    Errors: ParseError, also for what Python's own parser takes and a database does not (lone surrogates) or dies of (deep nesting);
    BodyTooLarge.
    """

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        body: bytes = stream.read(BODY_LIMIT_BYTES + 1)
        if len(body) > BODY_LIMIT_BYTES:
            raise BodyTooLarge
        try:
            parsed = msgspec.json.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise ParseError(f"The body is no JSON: {str(error)[:200]}.") from error
        if not isinstance(parsed, dict):
            raise ParseError("The body is no JSON object.")
        return parsed


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
        writer.writerows([_cell(row[name]) for name in names] for row in rows)
        return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return "'" + value
    if isinstance(value, list):
        return _cell(", ".join(map(str, value)))
    return value.isoformat() if hasattr(value, "isoformat") else value
