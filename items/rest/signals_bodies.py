"""
Bodies with signals: taken as they come, and made rows by `signal_rows.py`.

Rules: a body of JSON is stored as a whole or not at all. A body of NDJSON is stored a batch at a time, and what became of each line up to
which is told exactly.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import msgspec
from django.conf import settings
from django.utils import timezone
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import BaseParser

from common.rest.formats import read_bounded
from items.errors import Refusal
from items.signal_rows import MANY_MAX_COUNT, Checked, NotManySignals, SignalRow, Span, Wrong, check_many, check_texts
from items.signal_store import Stored

BULK_LIMIT_BYTES: Final = 16 * 1024 * 1024
NDJSON: Final = "application/x-ndjson"
_LINE_MAX_BYTES: Final = 64 * 1024
_CHUNK_BYTES: Final = 256 * 1024
_BATCH_COUNT: Final = 5000
_BATCH_BYTES: Final = 8 * 1024 * 1024
_TOLD_MAX_COUNT: Final = 100
_REFUSALS: Final[Mapping[Refusal, str]] = {
    "unknown": "There is no channel {name!r}. Make it first: POST /api/signals/channels.",
    "inactive": "The channel {name!r} is not active.",
}


class RawJsonParser(BaseParser):
    """The bytes of a body of JSON, as large as the view's `body_limit_bytes`. Errors: BodyTooLarge."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        return read_bounded(stream, parser_context)


class NdjsonParser(BaseParser):
    """Names the type; the lines are read by `read_lines`, for a body without a length, too."""

    media_type = NDJSON


class _Bulk(msgspec.Struct, forbid_unknown_fields=True):
    signals: msgspec.Raw


_bulk_decoder: Final = msgspec.json.Decoder(_Bulk)
_object_decoder: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def span_of_now() -> Span:
    return Span(timezone.now(), dt.timedelta(days=settings.GATEWAY_SIGNAL_RETENTION_DAYS))


def read_one(body: Any) -> SignalRow:
    """Errors: ParseError, ValidationError."""
    checked = check_texts([(0, _object(body))], span_of_now())
    if wrong := checked.wrong.get(0):
        raise ValidationError({wrong.param or "non_field_errors": [wrong.message]})
    return checked.rows[0]


def read_many(body: Any) -> Checked:
    """Return the signals of `{"signals": [...]}`. Errors: ParseError, ValidationError for anything else."""
    text = _object(body)
    try:
        return check_many(_bulk_decoder.decode(text).signals, span_of_now())
    except NotManySignals:
        raise ValidationError({"signals": [f"Send a list of 1 to {MANY_MAX_COUNT} signals."]}) from None
    except msgspec.ValidationError as error:
        unknown = sorted(set(_object_decoder.decode(text)) - {"signals"})
        if not unknown:
            raise ValidationError({"signals": [f"Send a list of 1 to {MANY_MAX_COUNT} signals."]}) from error
        raise ValidationError({unknown[0]: ["There is no such field. There are: signals."]}) from error


def _object(body: Any) -> bytes:
    """Return the text of a JSON object. Errors: ParseError."""
    text = body if isinstance(body, bytes) else b""  # nothing at all was sent
    try:
        _object_decoder.decode(text)
    except msgspec.ValidationError as error:
        raise ParseError("The body is no JSON object.") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ParseError(f"The body is no JSON: {str(error)[:200]}.") from error
    return text


def refusal_of(row: SignalRow, refusal: Refusal) -> Wrong:
    """Return why the channel of a signal does not take it."""
    return Wrong("channel", _REFUSALS[refusal].format(name=row.channel))


# --- NDJSON -----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LineError:
    line: int
    param: str | None
    message: str


@dataclass(slots=True)
class Progress:
    """
    What became of the lines up to `lines_count`, the last one that was read and stored (or refused). Nothing after it was stored.
    """

    object: str = "signal_stream"
    lines_count: int = 0
    accepted_count: int = 0
    duplicates_count: int = 0
    errors_count: int = 0
    errors: list[LineError] = field(default_factory=list)

    def describe(self, *, is_complete: bool) -> dict[str, Any]:
        return asdict(self) | {"is_complete": is_complete}

    def note(self, last_line: int, stored: Stored, wrong: Mapping[int, Wrong]) -> None:
        self.lines_count = last_line
        self.accepted_count += stored.accepted_count
        self.duplicates_count += len(stored.duplicates)
        self.errors_count += len(wrong)
        told = sorted(wrong.items())[: _TOLD_MAX_COUNT - len(self.errors)]
        self.errors += [LineError(line, each.param, each.message) for line, each in told]


@dataclass(slots=True)
class Batch:
    """Some lines by their numbers from 1; None in the place of one that is too long. `last_line` counts the empty ones, too."""

    lines: dict[int, bytes | None]
    last_line: int

    def check(self, span: Span) -> Checked:
        texts = [(number, line) for number, line in self.lines.items() if line is not None]
        checked = check_texts(texts, span)
        too_long = {number: Wrong(None, f"This line is longer than {_LINE_MAX_BYTES} bytes.") for number in self.lines.keys() - dict(texts)}
        return Checked(checked.rows, checked.wrong | too_long)


def read_batches(read: Callable[[int], bytes]) -> Iterator[Batch]:
    """
    Yield the lines of a body, at most 5,000 or 8 MiB at once.

    Guarantee: memory for one batch, however long the body or a line is. An empty line is none.
    """
    batch, size = Batch({}, 0), 0
    for number, line in _number_lines(_chunks(read)):
        batch.last_line = number
        if line is None or line.strip():
            batch.lines[number] = line
            size += len(line or b"")
        if len(batch.lines) == _BATCH_COUNT or size >= _BATCH_BYTES:
            yield batch
            batch, size = Batch({}, number), 0
    if batch.lines or batch.last_line:
        yield batch


def _chunks(read: Callable[[int], bytes]) -> Iterator[bytes]:
    while chunk := read(_CHUNK_BYTES):
        yield chunk


def _number_lines(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes | None]]:
    number, rest, is_too_long = 0, b"", False
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            number += 1
            yield number, None if is_too_long or len(line) > _LINE_MAX_BYTES else line
            is_too_long = False
        if len(rest) > _LINE_MAX_BYTES:
            rest, is_too_long = b"", True
    if rest or is_too_long:
        yield number + 1, None if is_too_long else rest
