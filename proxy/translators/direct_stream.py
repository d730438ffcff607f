"""A chat or completions stream on its way from a provider to a client that speak the same dialect."""

from __future__ import annotations

from typing import Final

from proxy.errors import GatewayError, UpstreamBroken
from proxy.wire.chat_chunk import count_plain, view_chunk
from proxy.wire.errors import dump_openai_stream_error
from proxy.wire.openai_error import describe_error
from proxy.wire.sse import DONE, SseSplitter, event_data, split_events
from proxy.wire.usage import Usage

_END: Final = b"data: [DONE]\n\n"


class DirectStream:
    """
    See `StreamTranslation`. The usage that we asked for is taken out again when the client did not; comments are dropped until content
    flows. Once it does, a block of events that holds nothing we act on passes unread, its bytes untouched.

    `tail` holds all events of the block that the end mark came in, so that they leave in one piece with it. `content_bytes` is exact for
    the events that were read; for those that passed unread it takes what came beyond the frame of the last one that was read.
    """

    __slots__ = ("_frame_bytes", "_is_usage_wanted", "_splitter", "content_bytes", "has_content", "is_done", "tail", "usage")

    def __init__(self, is_usage_wanted: bool) -> None:
        self.has_content = False
        self.is_done = False
        self.tail = b""
        self.usage: Usage | None = None
        self.content_bytes = 0
        self._is_usage_wanted = is_usage_wanted
        self._splitter = SseSplitter()
        self._frame_bytes = 0

    def feed(self, data: bytes) -> bytes:
        block = self._splitter.feed_block(data)
        if self.has_content and (count := count_plain(block)) >= 0:
            self.content_bytes += max(len(block) - count * self._frame_bytes, count)
            return block
        return self._take(block)

    def close(self) -> bytes:
        """The end mark may come without its empty line: that is an end all the same."""
        if not self.is_done:
            data = event_data(self._splitter.take_rest())
            if data is None or not data.startswith(DONE):
                raise UpstreamBroken("The provider closed the stream before its end.")
            self._end(b"")
        return b""

    def fail(self, error: GatewayError) -> bytes:
        return dump_openai_stream_error(error)

    def _take(self, block: bytes) -> bytes:
        """Errors: UpstreamBroken for an error in the stream; ValueError."""
        shown: list[bytes] = []
        for event in split_events(block):
            data = event_data(event)
            if not data:
                continue  # a comment: ours keep the stream alive, the upstream's say nothing
            if data.startswith(DONE):
                self._end(b"".join(shown))
                return b""
            if self._is_shown(event, data):
                shown.append(event)
        return b"".join(shown)

    def _is_shown(self, event: bytes, data: bytes) -> bool:
        chunk = view_chunk(data)
        if chunk.error is not None:
            raise UpstreamBroken(describe_error(chunk.error))
        if chunk.usage is not None:
            self.usage = chunk.usage
        if chunk.text_length:
            self.content_bytes += chunk.text_length
            self._frame_bytes = len(event) - chunk.text_length
        if chunk.has_content:
            self.has_content = True
        return self._is_usage_wanted or not chunk.is_usage_only

    def _end(self, events: bytes) -> None:
        self.is_done = True
        self.tail = events + _END
