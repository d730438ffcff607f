"""What a dialect hands to the player: a whole body, or the frames of a stream. All bytes are made before the first is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proxy.simulator.behaviour import INSTANT, Behaviour

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class JsonReply:
    """
    An answer with a known length.

    It is sent after the behaviour's time for `output_tokens`. `error_body` is sent in its place, still with a 200, where a stream
    would break off with an error: some providers do that. One that `is_receipt` says only that the work has begun, so no delay that
    was asked for holds it up.
    """

    body: bytes
    status: int = 200
    headers: Headers = ((b"content-type", b"application/json"),)
    behaviour: Behaviour = INSTANT
    output_tokens: int = 0
    model: str | None = None
    error_body: bytes = b""
    is_receipt: bool = False


@dataclass(frozen=True, slots=True)
class StreamReply:
    """
    An answer in frames, each of them one write.

    `opening` leaves with the first token; one frame of `paced` after each further pause; `closing`, with the end mark, right after
    the last. `error` are the frames that end a stream which failed after `faulty_after(len(paced))` tokens, `broken` is a frame
    that no parser accepts.
    """

    opening: Sequence[bytes]
    paced: Sequence[bytes]
    closing: Sequence[bytes]
    error: Sequence[bytes]
    broken: bytes
    headers: Headers
    behaviour: Behaviour
    model: str


Reply = JsonReply | StreamReply


def faulty_after(token_count: int) -> int:
    """Return how many tokens a failing stream sends before it fails: about half, at least one, at most eight."""
    return max(1, min(8, token_count // 2))
