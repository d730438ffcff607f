"""
What the guards of all dialects' streams share: the texts and calls that pass, the events they come in, and the stream around them.

Rules: only what the guard let go is sent; what was held when it said no is dropped. Of an event that is changed, all fields but the
changed ones keep their bytes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final, Literal, Protocol

from guardrails.engine.off_loop import LARGE_CHARACTERS
from guardrails.engine.transform import StreamBlocked, TextTransformer
from proxy.errors import ContentFiltered, GatewayError, UpstreamBroken
from proxy.translators.translation import StreamTranslation
from proxy.wire.sse import DONE, event_data, split_events
from proxy.wire.usage import Usage

TextKind = Literal["text", "reasoning"]

HELD_LIMIT_BYTES: Final = 64 * 1024 * 1024
"""So much of one stream's tool calls is held, their frames included; who sends more is cut off."""


class StreamGuard(Protocol):
    """
    Who decides what of a stream may pass. `path` is where a whole answer of the dialect has the text, such as
    `choices.0.message.content`.

    Errors of all that comes from it: StreamBlocked, or a GatewayError; nothing of the stream is sent then.
    """

    def open_text(self, path: str, kind: TextKind) -> TextTransformer: ...

    def finish_call(self, tool: str, arguments: str) -> str:
        """Return the arguments that may go on. `arguments` is all of them, JSON where the model kept to it."""


# --- texts and calls ------------------------------------------------------------------------------------------------------------


class TextSlot:
    """One text of a stream, between what came of it and what was let go."""

    __slots__ = ("_transformer",)

    def __init__(self, transformer: TextTransformer) -> None:
        self._transformer = transformer

    def feed(self, text: str) -> str:
        return self._transformer.feed(text) if text else ""

    def close(self) -> str:
        return self._transformer.close()


class KeptSlot(TextSlot):
    """The same for a text that is said again, or vouched for, at its end."""

    __slots__ = ("_received", "_sent", "is_closed")

    def __init__(self, transformer: TextTransformer) -> None:
        super().__init__(transformer)
        self._received: list[str] = []
        self._sent: list[str] = []
        self.is_closed = False

    def feed(self, text: str) -> str:
        self._received.append(text)
        sent = super().feed(text)
        self._sent.append(sent)
        return sent

    def close(self) -> str:
        """Return the rest; nothing when it was closed before."""
        if self.is_closed:
            return ""
        self.is_closed = True
        rest = super().close()
        self._sent.append(rest)
        return rest

    @property
    def received(self) -> str:
        return "".join(self._received)

    @property
    def sent(self) -> str:
        return "".join(self._sent)


class HeldCall:
    """A tool call that is held until it is whole."""

    __slots__ = ("arguments", "id", "name")

    def __init__(self, call_id: str = "", name: str = "") -> None:
        self.id = call_id
        self.name = name
        self.arguments: list[str] = []

    @property
    def whole(self) -> str:
        return "".join(self.arguments)


# --- the stream -----------------------------------------------------------------------------------------------------------------


class GuardedStream(ABC):
    """
    See `StreamTranslation`. It reads what another one gives, which is whole events.

    `has_content` only once something that a reader would see was let go. `usage` and `content_bytes` are of what the provider made,
    passed on or not.
    """

    __slots__ = ("_guard", "_held_bytes", "_inner", "_shown", "_unread_bytes", "content_bytes", "has_content", "is_done", "tail", "usage")

    def __init__(self, inner: StreamTranslation, guard: StreamGuard) -> None:
        self._inner = inner
        self._guard = guard
        self._held_bytes = 0
        self._unread_bytes = 0  # of an event that is not complete
        self._shown: list[bytes] = []  # of the piece that is being read, or that was not read to its end
        self.has_content = inner.has_content
        self.is_done = inner.is_done
        self.tail = inner.tail
        self.usage: Usage | None = inner.usage
        self.content_bytes = inner.content_bytes

    @property
    def is_heavy(self) -> bool:
        """Whether the next piece may end a long call, or an event that is long by itself."""
        return self._held_bytes + self._unread_bytes > LARGE_CHARACTERS

    def feed(self, data: bytes) -> bytes:
        """Errors: ContentFiltered as well."""
        return self._pass(self._inner.feed, data)

    def close(self) -> bytes:
        """Errors: ContentFiltered as well."""
        return self._pass(self._close_inner, b"")

    def fail(self, error: GatewayError) -> bytes:
        """A client that has seen nothing is told of the error alone. What had been let go of the last piece is still sent."""
        if not self.has_content:
            return self._inner.fail(error)
        ended = self._end_blocked() if isinstance(error, ContentFiltered) else b""
        return b"".join(self._shown) + ended + self._inner.fail(error)

    def _close_inner(self, _: bytes) -> bytes:
        return self._inner.close()

    def _pass(self, read: Callable[[bytes], bytes], data: bytes) -> bytes:
        inner = self._inner
        if self.is_done:
            return b""
        had_content = self.has_content
        shown: list[bytes] = []
        self._shown = shown
        try:
            block = read(data)
            if block:
                self._unread_bytes = 0
                self._take_block(block)
            else:
                self._unread_bytes += len(data)
            sent = shown[0] if len(shown) == 1 else b"".join(shown)
            if inner.is_done:
                self.tail = self._take_tail(inner.tail)
                self.is_done = True
            self._shown = []
            return sent
        except BaseException as error:
            self.has_content = had_content  # nothing of this piece goes out by itself
            if isinstance(error, StreamBlocked):
                raise ContentFiltered("The answer was blocked by a guardrail.") from error
            raise
        finally:
            self.usage = inner.usage
            self.content_bytes = inner.content_bytes

    def _take_block(self, block: bytes) -> None:
        for event in split_events(block):
            if passed := self._take(event):
                self._shown.append(passed)

    def _take_tail(self, tail: bytes) -> bytes:
        """Return the last events, with what is still held in front of the one that ends the stream."""
        begin = len(self._shown)
        is_ended = False
        for event in split_events(tail):
            if not is_ended and self._is_end(event):
                is_ended = True
                self._shown.append(self._finish())
            self._shown.append(self._take(event))
        if not is_ended:
            self._shown.append(self._finish())
        return b"".join(self._shown[begin:])

    def _is_end(self, event: bytes) -> bool:
        """Tell whether an event is the mark before which everything must have been said."""
        return (event_data(event) or b"").startswith(DONE)

    def _hold(self, size_bytes: int) -> None:
        self._held_bytes += size_bytes
        if self._held_bytes > HELD_LIMIT_BYTES:
            raise UpstreamBroken("The provider's tool calls are too long to be checked.")

    def _pass_whole(self, path: str, text: str) -> str:
        """Return what may pass of a text that came in one piece."""
        opened = self._guard.open_text(path, "text")
        return opened.feed(text) + opened.close()

    def _finish_call(self, call: HeldCall, otherwise: str = "") -> str | None:
        """Return other arguments for a call, None where it may stay as it is."""
        arguments = call.whole
        passed = self._guard.finish_call(call.name, arguments or otherwise)
        return None if passed == (arguments or otherwise) else passed

    @abstractmethod
    def _take(self, event: bytes) -> bytes:
        """Return what of an event may be sent now, and of what was held before it."""

    @abstractmethod
    def _finish(self) -> bytes:
        """Return what is still held: nothing more comes."""

    @abstractmethod
    def _end_blocked(self) -> bytes:
        """Return what ends an answer that a guard stopped, as the dialect says it."""
