"""Stream events as the chunks of a chat completion."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import msgspec

from proxy.errors import GatewayError
from proxy.translators.clients.chat_reply import Object, dump_call, dump_detail, dump_logprobs, finish_reason
from proxy.translators.conversation import (
    ArgumentsDelta,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    Started,
    Stopped,
    StreamEvent,
    TextDelta,
    ToolCallStarted,
    UsageCounted,
)
from proxy.translators.ids import create_reply_id
from proxy.wire.errors import dump_openai_stream_error
from proxy.wire.model_request import ModelRequest
from proxy.wire.openai_usage import dump_usage
from proxy.wire.usage import Usage

_encode: Final = msgspec.json.Encoder().encode
_END: Final = b"data: [DONE]\n\n"


class _Choice:
    """What has been written of one answer. `thought` is the reasoning since the last seal."""

    __slots__ = ("details_count", "has_refusal", "thought")

    def __init__(self) -> None:
        self.has_refusal = False
        self.thought: list[str] = []
        self.details_count = 0


class ChatWriter:
    """See `ClientStream`. A role chunk goes before the first of each choice, a usage chunk before the end mark if it was asked for."""

    __slots__ = ("_choices", "_created_s", "_is_usage_wanted", "_model", "_prefix", "_usage")

    def __init__(self, request: ModelRequest) -> None:
        self._model = request.model
        self._is_usage_wanted = request.is_usage_wanted
        self._created_s = int(time.time())
        self._prefix = self._head(create_reply_id())
        self._choices: dict[int, _Choice] = {}
        self._usage: Usage | None = None

    def feed(self, events: Sequence[StreamEvent]) -> bytes:
        return b"".join([self._write(event) for event in events])

    def end(self) -> bytes:
        if self._is_usage_wanted and self._usage is not None:
            return self._prefix + b'[],"usage":' + _encode(dump_usage(self._usage)) + b"}\n\n" + _END
        return _END

    def fail(self, error: GatewayError) -> bytes:
        return dump_openai_stream_error(error)

    def _head(self, reply_id: str) -> bytes:
        fields = {"id": reply_id, "object": "chat.completion.chunk", "created": self._created_s, "model": self._model}
        return b"data: " + _encode(fields)[:-1] + b',"choices":'

    def _write(self, event: StreamEvent) -> bytes:
        if isinstance(event, TextDelta):
            logprobs = b"null" if event.logprobs is None else _encode(dump_logprobs(event.logprobs))
            return self._role(event.choice) + self._chunk(event.choice, b'{"content":' + _encode(event.text) + b"}", logprobs)
        if isinstance(event, ArgumentsDelta):
            return self._delta(event.choice, {"tool_calls": [{"index": event.index, "function": {"arguments": event.text}}]})
        if isinstance(event, ReasoningDelta):
            return self._write_reasoning(event)
        if isinstance(event, ToolCallStarted):
            call = {"index": event.index, **dump_call(event.id, event.name, "", event.signature)}
            return self._delta(event.choice, {"tool_calls": [call]})
        if isinstance(event, Started):
            if event.id:
                self._prefix = self._head(event.id)
            return self._role(0)
        return self._write_rare(event)

    def _write_rare(self, event: StreamEvent) -> bytes:
        if isinstance(event, RefusalDelta):
            piece = self._delta(event.choice, {"refusal": event.text})
            self._choices[event.choice].has_refusal = True
            return piece
        if isinstance(event, Stopped):
            role = self._role(event.choice)
            reason = finish_reason(event.reason, self._choices[event.choice].has_refusal)
            return role + self._chunk(event.choice, b"{}", finish=_encode(reason))
        if isinstance(event, UsageCounted):
            self._usage = event.usage
        return b""

    def _write_reasoning(self, event: ReasoningDelta) -> bytes:
        """A seal comes with the whole text that it closes, so that a client need not put pieces together to send it back."""
        role = self._role(event.choice)
        choice = self._choices[event.choice]
        delta: Object = {}
        if event.text:
            choice.thought.append(event.text)
            delta["reasoning_content"] = event.text
        details = []
        if event.signature:
            details.append(dump_detail(Reasoning("".join(choice.thought), event.signature), choice.details_count))
            choice.thought.clear()
        if event.redacted:
            details.append(dump_detail(Reasoning(redacted=event.redacted), choice.details_count + len(details)))
        if details:
            choice.details_count += len(details)
            delta["reasoning_details"] = details
        return role + self._chunk(event.choice, _encode(delta)) if delta else role

    def _role(self, index: int) -> bytes:
        """Return the role chunk of a choice that has not begun, nothing for one that has."""
        if index in self._choices:
            return b""
        self._choices[index] = _Choice()
        return self._chunk(index, b'{"role":"assistant","content":""}')

    def _delta(self, index: int, delta: Object) -> bytes:
        return self._role(index) + self._chunk(index, _encode(delta))

    def _chunk(self, index: int, delta: bytes, logprobs: bytes = b"null", finish: bytes = b"null") -> bytes:
        return b'%b[{"index":%d,"delta":%b,"logprobs":%b,"finish_reason":%b}]}\n\n' % (self._prefix, index, delta, logprobs, finish)
