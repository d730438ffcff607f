"""A completions stream under a guard: as a chat stream, but that a choice itself holds its text."""

from __future__ import annotations

from proxy.guarding.chat_stream import ChatStream
from proxy.guarding.stream_json import Fields


class CompletionsStream(ChatStream):
    """See `ChatStream`."""

    __slots__ = ()

    def _delta_of(self, choice: Fields) -> Fields:
        return {"text": choice["text"]} if "text" in choice else {}

    def _put_delta(self, choice: Fields, delta: Fields) -> None:
        choice.update(delta)

    def _dump_choice(self, index: int, delta: bytes, finish: bytes) -> bytes:
        text = delta[1:-1] or b'"text":""'
        return b'{"index":%d,%b,"logprobs":null,"finish_reason":%b}' % (index, text, finish)

    def _path(self, choice: int, name: str) -> str:
        return f"choices.{choice}.{name}"
