"""UUIDv7: identifiers that carry their own time, so that a retry carries the same (time, id)."""

from __future__ import annotations

import datetime as dt
import os
import time
import uuid

_VERSION = 7 << 76
_VARIANT = 2 << 62
_RANDOM_A = 0xFFF << 64
_RANDOM_B = (1 << 62) - 1
_TIMESTAMP_MAX_MS = 253_402_300_799_999  # the end of the year 9999, which dates cannot pass


def create_uuid7() -> uuid.UUID:
    """
    Return a new UUIDv7 (48 bits of unix milliseconds, 74 random bits).

    Source: RFC 9562, section 5.7
    """
    random = int.from_bytes(os.urandom(10), "big")
    return uuid.UUID(int=(time.time_ns() // 1_000_000 << 80) | _VERSION | (random & _RANDOM_A) | _VARIANT | (random & _RANDOM_B))


def timestamp_ms(identifier: uuid.UUID) -> int:
    """Return the unix time in milliseconds that a UUIDv7 carries."""
    return identifier.int >> 80


def timestamp(identifier: uuid.UUID) -> dt.datetime:
    """Return the aware UTC time that a UUIDv7 carries, cut to milliseconds (the partition key of usage tables)."""
    seconds, milliseconds = divmod(timestamp_ms(identifier), 1000)
    return dt.datetime.fromtimestamp(seconds, dt.UTC).replace(microsecond=milliseconds * 1000)


def find_timestamp(identifier: uuid.UUID) -> dt.datetime | None:
    """Return the time that an identifier from outside carries, None for one that is no UUIDv7 or of no year that a date can have."""
    if identifier.version != 7 or timestamp_ms(identifier) > _TIMESTAMP_MAX_MS:
        return None
    return timestamp(identifier)
