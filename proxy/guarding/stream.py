"""The texts of a stream, piece by piece, under a guard: one wrapper for each of the clients' dialects."""

from __future__ import annotations

from typing import Final

from proxy.guarding.chat_stream import ChatStream
from proxy.guarding.completions_stream import CompletionsStream
from proxy.guarding.messages_stream import MessagesStream
from proxy.guarding.responses_stream import ResponsesStream
from proxy.guarding.stream_base import GuardedStream, StreamGuard, TextKind
from proxy.translators.translation import StreamTranslation

__all__ = ["StreamGuard", "TextKind", "guard_stream"]

_STREAMS: Final[dict[str, type[GuardedStream]]] = {
    "chat": ChatStream,
    "completions": CompletionsStream,
    "messages": MessagesStream,
    "responses": ResponsesStream,
}


def guard_stream(inner: StreamTranslation, operation: str, guard: StreamGuard) -> StreamTranslation:
    """
    Return the stream with only that in it which the guard let go: pieces of text as it gives them, tool calls once they are whole.

    `operation` is the client's. The result's `feed` and `close` raise ContentFiltered besides, whose cause is the guard's StreamBlocked;
    `fail` then ends the answer as the dialect ends one that was filtered, and says why. Errors: KeyError for an operation that has no
    streams.
    Cost: 9 us for a chunk of 16 characters, 5 of them the engine's; memory for what is held, and in Responses for the whole text.
    Guarantee: what the client puts together is what the guard lets go of the whole text, however the bytes were cut.
    """
    return _STREAMS[operation](inner, guard)
