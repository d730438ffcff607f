"""What the door needs of the REST application behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol

from proxy.exchange import Headers
from proxy.query_notes import QueryNotes


@dataclass(frozen=True, slots=True)
class RestRoute:
    """
    Where a path leads. `label` is from a closed set, such as `/api/items`; `cached_as` the resource whose changes make answers to a
    GET there out of date, empty for answers that are not kept.
    """

    label: str
    cached_as: str = ""


UNKNOWN_ROUTE = RestRoute("/api")


@dataclass(slots=True)
class Whole:
    """An answer that is there. `spent_s` is what it took to make. Header names are in lower case."""

    status: int
    headers: Headers
    body: bytes
    spent_s: float
    notes: QueryNotes = field(default_factory=QueryNotes)


class Pieces(Protocol):
    """An answer that comes piece by piece; whoever was given one closes it."""

    status: int
    headers: Headers
    spent_s: float
    notes: QueryNotes

    async def read(self) -> bytes:
        """Return the next piece, nothing at the end."""

    async def close(self) -> None: ...


class RestApplication(Protocol):
    """Answers requests; it bounds by itself how many at once."""

    def find_route(self, path: str) -> RestRoute:
        """Cost: 20 us."""

    async def ask(self, scope: dict[str, Any], body: BinaryIO) -> Whole | Pieces:
        """
        Errors: none of its own making; a caller that is cancelled leaves, and what was begun ends by itself.

        Guarantee: what it read was read after the call.
        """

    def is_behind(self) -> bool:
        """Tell whether this process wrote what no version tells of yet: nothing that was kept may be given."""
