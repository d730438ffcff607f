"""How the network may cut a byte stream: what every suite of a decoder feeds."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For a property that is tested on a machine with other work: slowness is no failure."""


def byte_by_byte(stream: bytes) -> list[bytes]:
    return [stream[at : at + 1] for at in range(len(stream))]


def cut_at(stream: bytes, cuts: Sequence[int]) -> list[bytes]:
    """Cut a stream at these places, in any order; a place named twice gives an empty piece."""
    places = sorted(cuts)
    return [stream[begin:end] for begin, end in zip([0, *places], [*places, len(stream)], strict=True)]


def draw_pieces(data: st.DataObject, stream: bytes) -> list[bytes]:
    """Cut a stream where hypothesis likes it."""
    return cut_at(stream, data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
