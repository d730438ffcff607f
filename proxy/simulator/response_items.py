"""The output items of a response: what each is at its end, and the events that it comes in."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import shake_256
from typing import Protocol

from proxy.simulator.answer import Answer
from proxy.simulator.options import Object
from proxy.simulator.wire import create_id

Event = tuple[str, Object]


class Item(Protocol):
    """One output item; `index` is its place in the output."""

    @property
    def done(self) -> Object: ...

    def begin(self, index: int) -> list[Event]: ...

    def deltas(self, index: int) -> list[Event]: ...

    def end(self, index: int) -> list[Event]: ...


def write_items(given: Answer, *, shows_summary: bool, is_encrypted: bool, logprobs: list[Object]) -> list[Item]:
    """Return the items of an answer: what was thought, if anything was, and then a message or the calls."""
    items: list[Item] = []
    if given.thought:
        items.append(ReasoningItem(given.thought if shows_summary else (), is_encrypted=is_encrypted))
    items += [CallItem(call.name, call.pieces, _status(given)) for call in given.tool_calls]
    # An answer that was cut while it was thought has no message at all.
    if not given.tool_calls and (given.pieces or not given.thought):
        items.append(MessageItem(given.pieces, _status(given), logprobs))
    return items


def _status(given: Answer) -> str:
    return "incomplete" if given.finish in ("length", "content_filter") else "completed"


class MessageItem:
    """A message with one part of text."""

    def __init__(self, pieces: Sequence[str], status: str, logprobs: list[Object]) -> None:
        self._pieces = pieces
        self._logprobs = logprobs
        self._head: Object = {"id": create_id("msg_"), "type": "message", "role": "assistant"}
        self.done: Object = self._head | {"status": status, "content": [_text_part("".join(pieces), logprobs)]}

    def begin(self, index: int) -> list[Event]:
        begun = self._head | {"status": "in_progress", "content": []}
        return [_added(index, begun), ("response.content_part.added", self._where(index) | {"part": _text_part("", [])})]

    def deltas(self, index: int) -> list[Event]:
        scored: Sequence[list[Object]] = [[each] for each in self._logprobs] or [[]] * len(self._pieces)
        return [
            ("response.output_text.delta", self._where(index) | {"delta": piece, "logprobs": each})
            for piece, each in zip(self._pieces, scored, strict=True)
        ]

    def end(self, index: int) -> list[Event]:
        part = self.done["content"][0]
        where = self._where(index)
        return [
            ("response.output_text.done", where | {"text": part["text"], "logprobs": self._logprobs}),
            ("response.content_part.done", where | {"part": part}),
            _done(index, self.done),
        ]

    def _where(self, index: int) -> Object:
        return {"item_id": self.done["id"], "output_index": index, "content_index": 0}


class CallItem:
    """A call of a function."""

    def __init__(self, name: str, pieces: Sequence[str], status: str) -> None:
        self._pieces = pieces
        self._head: Object = {"id": create_id("fc_"), "type": "function_call", "call_id": create_id("call_"), "name": name}
        self.done: Object = self._head | {"status": status, "arguments": "".join(pieces)}

    def begin(self, index: int) -> list[Event]:
        return [_added(index, self._head | {"status": "in_progress", "arguments": ""})]

    def deltas(self, index: int) -> list[Event]:
        return [("response.function_call_arguments.delta", self._where(index) | {"delta": piece}) for piece in self._pieces]

    def end(self, index: int) -> list[Event]:
        said = {"name": self.done["name"], "arguments": self.done["arguments"]}
        return [("response.function_call_arguments.done", self._where(index) | said), _done(index, self.done)]

    def _where(self, index: int) -> Object:
        return {"item_id": self.done["id"], "output_index": index}


class ReasoningItem:
    """What was thought: a summary where one was asked for, and the whole of it in a form that only the provider can read."""

    def __init__(self, summary: Sequence[str], *, is_encrypted: bool) -> None:
        self._pieces = summary
        text = "".join(summary)
        self._head: Object = {"id": create_id("rs_"), "type": "reasoning"}
        if is_encrypted:
            self._head["encrypted_content"] = _sealed(text)
        self.done: Object = self._head | {"summary": [_summary_part(text)] if summary else []}

    def begin(self, index: int) -> list[Event]:
        events = [_added(index, self._head | {"summary": []})]
        if self._pieces:
            events.append(("response.reasoning_summary_part.added", self._where(index) | {"part": _summary_part("")}))
        return events

    def deltas(self, index: int) -> list[Event]:
        return [("response.reasoning_summary_text.delta", self._where(index) | {"delta": piece}) for piece in self._pieces]

    def end(self, index: int) -> list[Event]:
        events: list[Event] = []
        if self._pieces:
            part = self.done["summary"][0]
            events.append(("response.reasoning_summary_text.done", self._where(index) | {"text": part["text"]}))
            events.append(("response.reasoning_summary_part.done", self._where(index) | {"part": part}))
        return [*events, _done(index, self.done)]

    def _where(self, index: int) -> Object:
        return {"item_id": self.done["id"], "output_index": index, "summary_index": 0}


def _added(index: int, item: Object) -> Event:
    return "response.output_item.added", {"output_index": index, "item": item}


def _done(index: int, item: Object) -> Event:
    return "response.output_item.done", {"output_index": index, "item": item}


def _text_part(text: str, logprobs: list[Object]) -> Object:
    return {"type": "output_text", "annotations": [], "logprobs": logprobs, "text": text}


def _summary_part(text: str) -> Object:
    return {"type": "summary_text", "text": text}


def _sealed(text: str) -> str:
    return "gAAAAA" + urlsafe_b64encode(shake_256(text.encode()).digest(96)).decode()
