"""
A stream of which nothing goes out before all of it is there: somebody else is asked about the whole answer, and may object.

Rules: it says what the stream inside says, all at once, in its tail. If it fails, nothing of what was held is sent.
"""

from __future__ import annotations

from proxy.errors import GatewayError, UpstreamBroken
from proxy.guarding.stream_base import HELD_LIMIT_BYTES
from proxy.translators.translation import StreamTranslation, WeighedStream
from proxy.wire.usage import Usage


class HeldStream:
    """
    `inner` is the stream as it may be seen.

    Errors: those of `inner`, and UpstreamBroken for a stream that is too long to be held. Cost: memory for the whole answer.
    """

    __slots__ = ("_held", "_inner", "_size_bytes", "_weighed", "content_bytes", "has_content", "is_done", "tail", "usage")

    def __init__(self, inner: StreamTranslation) -> None:
        self._inner = inner
        self._weighed = inner if isinstance(inner, WeighedStream) else None
        self._held: list[bytes] = []
        self._size_bytes = 0
        self.has_content = False
        self.is_done = False
        self.tail = b""
        self.usage: Usage | None = inner.usage
        self.content_bytes = inner.content_bytes

    @property
    def is_heavy(self) -> bool:
        return self._weighed is not None and self._weighed.is_heavy

    def feed(self, data: bytes) -> bytes:
        try:
            self._hold(self._inner.feed(data))
        finally:
            self._count()
        return b""

    def close(self) -> bytes:
        try:
            self._hold(self._inner.close())
        finally:
            self._count()
        return b""

    def fail(self, error: GatewayError) -> bytes:
        self._inner.has_content = False  # whatever it let go, nobody has seen it
        return self._inner.fail(error)

    def _hold(self, piece: bytes) -> None:
        inner = self._inner
        if self.is_done:
            return
        self._held.append(piece)
        self._size_bytes += len(piece)
        if self._size_bytes > HELD_LIMIT_BYTES:
            raise UpstreamBroken("The provider's answer is too long to be checked.")
        if inner.is_done:
            self.tail = b"".join(self._held) + inner.tail
            self._held.clear()
            self.has_content = inner.has_content
            self.is_done = True

    def _count(self) -> None:
        self.usage = self._inner.usage
        self.content_bytes = self._inner.content_bytes
