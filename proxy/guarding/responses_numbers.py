"""
The numbers of a Responses stream's events, which have no gaps whatever is held, left out or put in.

Rules: an event whose number and fields stay is sent as its own bytes.
"""

from __future__ import annotations

import msgspec

from proxy.guarding.stream_json import Fields, encode, number_of, raw_text, read_event, with_data
from proxy.wire.sse import event_data


class Numbers:
    """`written` is the number of the last event that was written, None before it; `shift` what is added to those of the provider."""

    __slots__ = ("shift", "written")

    def __init__(self) -> None:
        self.shift = 0
        self.written: int | None = None

    def put(self, event: bytes, fields: Fields, *, is_changed: bool = False) -> bytes:
        """Return an event as it goes out, under its number; `is_changed` when the fields are not those of the event any more."""
        number = number_of(fields, "sequence_number", -1)
        if number >= 0:
            self.written = number + self.shift
            if self.shift:
                fields["sequence_number"] = msgspec.Raw(b"%d" % self.written)
                is_changed = True
        return with_data(event, encode(fields)) if is_changed else event

    def skip(self, fields: Fields) -> None:
        """An event goes nowhere."""
        if number_of(fields, "sequence_number", -1) >= 0:
            self.shift -= 1

    def put_more(self, template: tuple[bytes, Fields], **changes: msgspec.Raw) -> bytes:
        """Return an event that the provider did not send, made like one that it did."""
        event, fields = template
        fields = fields | changes
        fields.pop("obfuscation", None)
        if "sequence_number" in fields and self.written is not None:
            self.shift += 1
            self.written += 1
            fields["sequence_number"] = msgspec.Raw(b"%d" % self.written)
        return with_data(event, encode(fields))

    def put_held(self, event: bytes, delta: str | None = None) -> bytes:
        """Return an event that was skipped before, perhaps with another delta."""
        event, fields = read_event(event, event_data(event) or b"{}")
        if delta is not None:
            fields["delta"] = raw_text(delta)
            fields.pop("obfuscation", None)
        number = number_of(fields, "sequence_number", -1)
        if number < 0 or self.written is None:
            return with_data(event, encode(fields)) if delta is not None else event
        self.shift += 1
        self.written += 1
        if delta is None and self.written == number:
            return event
        fields["sequence_number"] = msgspec.Raw(b"%d" % self.written)
        return with_data(event, encode(fields))

    def next_number(self, unsent: int) -> int:
        """Return the number of an event of our own; `unsent` events have theirs already, and are never sent."""
        self.written = (-1 if self.written is None else self.written) - unsent + 1
        return self.written
