"""A whole answer out of stream events, so that a codec reads its provider's whole answers and streams by the same lines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from proxy.errors import UpstreamBroken
from proxy.translators.conversation import (
    ArgumentsDelta,
    Choice,
    Ended,
    Failed,
    Logprob,
    Part,
    Reasoning,
    ReasoningDelta,
    Refusal,
    RefusalDelta,
    Reply,
    Started,
    Stopped,
    StreamEvent,
    Text,
    TextDelta,
    ToolCall,
    ToolCallStarted,
    UsageCounted,
)
from proxy.wire.usage import Usage


def fold_reply(events: Iterable[StreamEvent], created_at_s: int = 0) -> Reply:
    """
    Return the answer that the events tell; pieces of text that follow each other become one part.

    Errors: UpstreamBroken for `Failed`; ValueError where `Started`, `Ended` or the end of a choice is missing.
    """
    reply_id = ""
    usage: Usage | None = None
    is_ended = False
    choices: dict[int, _Folding] = {}
    for event in events:
        if isinstance(event, Started):
            reply_id = event.id
        elif isinstance(event, UsageCounted):
            usage = event.usage
        elif isinstance(event, Failed):
            raise UpstreamBroken(f"The provider reported an error: {event.detail.message}")
        elif isinstance(event, Ended):
            is_ended = True
        else:
            choices.setdefault(event.choice, _Folding()).take(event)
    if not reply_id or not is_ended:
        raise ValueError("an answer without its end")
    return Reply(reply_id, tuple(choices[index].whole() for index in sorted(choices)), usage, created_at_s)


class _Folding:
    """One choice that is being put together: whole parts, and the pieces of the one that goes on."""

    __slots__ = ("_arguments", "_kind", "_logprobs", "_parts", "_pieces", "_stopped")

    def __init__(self) -> None:
        self._parts: list[Part] = []
        self._kind: type[Text | Reasoning | Refusal] | None = None
        self._pieces: list[str] = []
        self._arguments: dict[int, tuple[int, list[str]]] = {}  # of each call: where it stands among the parts, and its pieces
        self._logprobs: list[Logprob] | None = None
        self._stopped: Stopped | None = None

    def take(self, event: TextDelta | ReasoningDelta | RefusalDelta | ToolCallStarted | ArgumentsDelta | Stopped) -> None:
        if isinstance(event, TextDelta):
            self._add(Text, event.text)
            if event.logprobs is not None:
                self._logprobs = self._logprobs or []
                self._logprobs += event.logprobs
        elif isinstance(event, ReasoningDelta):
            self._take_reasoning(event)
        elif isinstance(event, RefusalDelta):
            self._add(Refusal, event.text)
        elif isinstance(event, ToolCallStarted):
            self._finish()
            self._arguments[event.index] = len(self._parts), []
            self._parts.append(ToolCall(event.id, event.name, "", event.signature))
        elif isinstance(event, ArgumentsDelta):
            if event.index not in self._arguments:
                raise ValueError("arguments without a tool call")
            self._arguments[event.index][1].append(event.text)
        else:
            self._stopped = event

    def whole(self) -> Choice:
        if self._stopped is None:
            raise ValueError("a choice without its end")
        self._finish()
        for at, pieces in self._arguments.values():
            call = self._parts[at]
            if isinstance(call, ToolCall):
                self._parts[at] = replace(call, arguments="".join(pieces))
        logprobs = None if self._logprobs is None else tuple(self._logprobs)
        return Choice(tuple(self._parts), self._stopped.reason, self._stopped.stop_sequence, logprobs)

    def _add(self, kind: type[Text | Reasoning | Refusal], text: str) -> None:
        if not text:
            return
        if kind is not self._kind:
            self._finish()
            self._kind = kind
        self._pieces.append(text)

    def _finish(self) -> None:
        if self._kind is not None:
            self._parts.append(self._kind("".join(self._pieces)))
            self._kind = None
            self._pieces = []

    def _take_reasoning(self, event: ReasoningDelta) -> None:
        """A signature closes the reasoning in front of it; a redacted block stands alone."""
        if event.redacted:
            self._finish()
            self._parts.append(Reasoning(event.text, event.signature, event.redacted))
            return
        self._add(Reasoning, event.text)
        if event.signature:
            text = "".join(self._pieces) if self._kind is Reasoning else ""
            if self._kind is Reasoning:
                self._kind, self._pieces = None, []
            self._finish()
            self._parts.append(Reasoning(text, event.signature))
