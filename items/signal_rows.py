"""
Signals as a client writes them: taken out of JSON, checked, and made rows. No database.

Rules: whatever is wrong with a row is said of the row, with its field; what comes through here is taken by PostgreSQL.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, Literal, TypeVar

import msgspec

from common.ids import create_uuid7_text

MANY_MAX_COUNT: Final = 10_000
"""Signals that are checked and stored at once."""
FUTURE_MAX: Final = dt.timedelta(minutes=5)
PAYLOAD_MAX_BYTES: Final = 16 * 1024
EXTERNAL_ID_MAX_LENGTH: Final = 200
CHANNEL_MAX_LENGTH: Final = 63
_PRICE_END: Final = Decimal(10) ** 16
_PLACES_MAX_COUNT: Final = 8
_DIGITS_MAX_COUNT: Final = 40
_FLOAT_NOISE: Final = Decimal(2) ** -51
"""Of a value: what floating point leaves behind the places that were meant, as in 114.62000000000001."""
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_UNIX_MAX_S: Final = 1e11  # within what a date can be; a time in milliseconds is beyond it

_SYMBOL: Final = re.compile(r"[A-Z0-9][A-Z0-9._:/-]{0,31}\Z", re.ASCII | re.IGNORECASE)
_ESCAPED_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_AT: Final = re.compile(r" - at `\$\.?(.*)`\Z", re.DOTALL)
_NAMED: Final = re.compile(r"(?:missing required|contains unknown) field `(.*)`", re.DOTALL)
_FIELD_MAX_LENGTH: Final = 100


_SHORT: Final = {
    "id": "i",
    "ts": "t",
    "channel": "c",
    "symbol": "s",
    "action": "a",
    "price": "p",
    "confidence": "f",
    "external_id": "e",
    "payload": "d",
}
"""Names that each row repeats on its way to PostgreSQL."""


class SignalIn(msgspec.Struct, forbid_unknown_fields=True):
    """One signal as it is sent."""

    channel: str
    symbol: str
    action: Literal["buy", "sell", "hold", "close"]
    price: Decimal | None = None
    confidence: float | None = None
    timestamp: dt.datetime | int | float | None = None
    payload: msgspec.Raw = msgspec.Raw(b"null")
    external_id: str | None = None


class SignalRow(msgspec.Struct, frozen=True, rename=_SHORT):
    """One signal as it is stored. `id` is a UUIDv7 of `ts`, as text; `payload` is JSON as it was sent."""

    id: str
    ts: dt.datetime
    channel: str
    symbol: str
    action: str
    price: str | None
    confidence: float | None
    external_id: str
    payload: msgspec.Raw


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a signal. `param` is its field, None for the signal as a whole."""

    param: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Span:
    """When a signal may have been given, for one that arrives now."""

    now: dt.datetime
    retention: dt.timedelta

    @property
    def first(self) -> dt.datetime:
        return self.now - self.retention

    @property
    def last(self) -> dt.datetime:
        return self.now + FUTURE_MAX


@dataclass(slots=True)
class Checked:
    """Signals by their place in what was sent: those that are right in themselves, and what is wrong with each of the others."""

    rows: dict[int, SignalRow] = field(default_factory=dict)
    wrong: dict[int, Wrong] = field(default_factory=dict)


_row_decoder: Final = msgspec.json.Decoder(SignalIn)
_rows_decoder: Final = msgspec.json.Decoder(list[SignalIn])
_raws_decoder: Final = msgspec.json.Decoder(list[msgspec.Raw])
_object_decoder: Final = msgspec.json.Decoder(dict[str, Any])


class NotManySignals(ValueError):
    """A body is no JSON array of 1 to `MANY_MAX_COUNT` signals."""


def check_many(body: msgspec.Raw | bytes, span: Span) -> Checked:
    """
    Return the signals of a JSON array. Errors: NotManySignals.

    Cost: 7 us a signal where all are right; where one has a wrong type, all are read one by one.
    """
    try:
        signals = _rows_decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return check_texts(list(enumerate(_bounded(_read_raws(body)))), span)
    return check_rows(enumerate(_bounded(signals)), span)


def _read_raws(body: msgspec.Raw | bytes) -> list[msgspec.Raw]:
    try:
        return _raws_decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise NotManySignals from None


_Sent = TypeVar("_Sent", SignalIn, msgspec.Raw)


def _bounded(signals: list[_Sent]) -> list[_Sent]:
    if not 0 < len(signals) <= MANY_MAX_COUNT:
        raise NotManySignals
    return signals


def check_texts(texts: Sequence[tuple[int, msgspec.Raw]] | Sequence[tuple[int, bytes]], span: Span) -> Checked:
    """Return signals that are JSON texts of their own, each by its place. What is wrong with one does not touch the others."""
    checked = Checked()
    read: list[tuple[int, SignalIn]] = []
    for place, text in texts:
        try:
            read.append((place, _row_decoder.decode(text)))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            checked.wrong[place] = _describe(error)
    right = check_rows(read, span)
    return Checked(right.rows, checked.wrong | right.wrong)


def check_rows(signals: Iterable[tuple[int, SignalIn]], span: Span) -> Checked:
    checked = Checked()
    for place, signal in signals:
        row = _check(signal, span)
        if isinstance(row, Wrong):
            checked.wrong[place] = row
        else:
            checked.rows[place] = row
    return checked


def _check(signal: SignalIn, span: Span) -> SignalRow | Wrong:
    symbol, ts, price = _symbol(signal.symbol), _moment(signal.timestamp, span), _price(signal.price)
    payload, external_id = _payload(signal.payload), signal.external_id or ""
    if symbol is None:
        return Wrong("symbol", "Write 1 to 32 letters, digits and . _ : / - that begin with a letter or a digit.")
    if isinstance(ts, Wrong):
        return ts
    if isinstance(price, Wrong):
        return price
    if isinstance(payload, Wrong):
        return payload
    if signal.confidence is not None and not 0 <= signal.confidence <= 1:
        return Wrong("confidence", "Write a number from 0 to 1.")
    if len(external_id) > EXTERNAL_ID_MAX_LENGTH or "\0" in external_id:
        return Wrong("external_id", f"Write at most {EXTERNAL_ID_MAX_LENGTH} characters, none of them NUL.")
    if signal.external_id == "":
        return Wrong("external_id", "Leave it out, or write an id.")
    if not signal.channel or len(signal.channel) > CHANNEL_MAX_LENGTH or "\0" in signal.channel:
        return Wrong("channel", "Write the name of a channel.")
    at_ms = (ts - _EPOCH) // _MICROSECOND // 1000
    return SignalRow(create_uuid7_text(at_ms), ts, signal.channel, symbol, signal.action, price, signal.confidence, external_id, payload)


@lru_cache(maxsize=4096)
def _symbol(text: str) -> str | None:
    return text.upper() if _SYMBOL.match(text) else None


def read_symbol(text: str) -> str | None:
    """Return a symbol as it is stored, None for a text that is none."""
    return _symbol(text)


def plain_price(price: Decimal | str) -> str:
    """Return a price as it is shown: without an exponent, and without the zeros that its column adds."""
    text = f"{Decimal(price):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _moment(value: dt.datetime | float | None, span: Span) -> dt.datetime | Wrong:
    if value is None:
        return span.now
    if isinstance(value, dt.datetime):
        moment = value if value.tzinfo is not None else value.replace(tzinfo=dt.UTC)
    elif abs(value) < _UNIX_MAX_S:
        moment = _EPOCH + dt.timedelta(seconds=value)
    else:
        return Wrong("timestamp", "Write unix time in seconds, or a time as 2026-03-01T12:00:00Z.")
    if moment > span.last:
        return Wrong("timestamp", f"This is more than {FUTURE_MAX.seconds // 60} minutes in the future.")
    if moment < span.first:
        return Wrong("timestamp", f"This is more than {span.retention.days} days ago: signals are kept no longer.")
    return moment


def _price(price: Decimal | None) -> str | Wrong | None:
    if price is None:
        return None
    if not price.is_finite() or not 0 <= price < _PRICE_END:
        return Wrong("price", "Write a number from 0 to below 10,000,000,000,000,000.")
    _, digits, exponent = price.as_tuple()
    if -int(exponent) <= _PLACES_MAX_COUNT and len(digits) <= _DIGITS_MAX_COUNT:
        return str(price)
    rounded = round(price, _PLACES_MAX_COUNT)
    if abs(price - rounded) > price * _FLOAT_NOISE:
        return Wrong("price", f"Write at most {_PLACES_MAX_COUNT} decimal places.")
    return str(rounded)


def _payload(payload: msgspec.Raw) -> msgspec.Raw | Wrong:
    raw = bytes(payload)
    if raw == b"null":
        return payload
    if len(raw) > PAYLOAD_MAX_BYTES:
        return Wrong("payload", f"This is larger than {PAYLOAD_MAX_BYTES} bytes.")
    try:
        _object_decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return Wrong("payload", f"Write a JSON object: {str(error)[:200]}.")
    if b"\\u0000" in raw and _ESCAPED_NUL.search(raw):
        return Wrong("payload", "A text in it has the character NUL, which cannot be stored.")
    return payload


def _describe(error: Exception) -> Wrong:
    text = str(error)
    if isinstance(error, RecursionError):
        return Wrong(None, "This is nested too deeply.")
    if not isinstance(error, msgspec.ValidationError):
        return Wrong(None, f"This is no JSON: {text[:200]}.")
    if named := _NAMED.search(text):
        is_missing = text.startswith("Object missing")
        fields = ", ".join(SignalIn.__struct_fields__)
        return Wrong(named[1][:_FIELD_MAX_LENGTH], "This is required." if is_missing else f"There is no such field. There are: {fields}.")
    at = _AT.search(text)
    message = text[: at.start()] if at else text
    return Wrong(at[1][:_FIELD_MAX_LENGTH] if at and at[1] else None, f"{message[:300]}.")


def dump_rows(rows: Sequence[SignalRow]) -> str:
    """Return rows as JSON that `json_to_recordset` takes."""
    return msgspec.json.encode(rows).decode()
