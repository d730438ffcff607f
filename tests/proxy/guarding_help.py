"""Guards of streams for the suites of `proxy/guarding`, and what a client makes of a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from guardrails.engine.transform import StreamBlocked
from proxy.translators.direct_messages import MessagesStream
from proxy.translators.direct_responses import DirectStream as ResponsesStream
from proxy.translators.direct_stream import DirectStream
from proxy.translators.translation import StreamTranslation

SECRET = "secret"
HIDDEN = "[HIDDEN]"
FORBIDDEN = "forbidden"

BEGIN: dict[str, Callable[[], StreamTranslation]] = {
    "chat": lambda: DirectStream(True),
    "completions": lambda: DirectStream(True),
    "messages": MessagesStream,
    "responses": ResponsesStream,
}


def hide(text: str) -> str:
    """Return what a `HidingText` lets go of a whole text."""
    return text.replace(SECRET, HIDDEN)


class HidingText:
    """Hides one word, holds what may become it, stops at another."""

    def __init__(self, *, holds_all: bool = False) -> None:
        self._rest = ""
        self._seen = ""
        self._holds_all = holds_all

    def feed(self, text: str) -> str:
        self._seen = self._seen[-len(FORBIDDEN) :] + text
        if FORBIDDEN in self._seen:
            raise StreamBlocked("no-forbidden")
        self._rest += text
        if self._holds_all:
            return ""
        whole = hide(self._rest)
        held = next((count for count in range(len(SECRET) - 1, 0, -1) if whole.endswith(SECRET[:count])), 0)
        passed, self._rest = whole[: len(whole) - held], whole[len(whole) - held :]
        return passed

    def close(self) -> str:
        rest, self._rest = hide(self._rest), ""
        return rest


class HidingGuard:
    """A `StreamGuard` that notes what it was asked."""

    def __init__(self, *, holds_all: bool = False) -> None:
        self.paths: list[tuple[str, str]] = []
        self.calls: list[tuple[str, str]] = []
        self._holds_all = holds_all

    def open_text(self, path: str, kind: str) -> HidingText:
        self.paths.append((path, kind))
        return HidingText(holds_all=self._holds_all)

    def finish_call(self, tool: str, arguments: str) -> str:
        self.calls.append((tool, arguments))
        if FORBIDDEN in arguments:
            raise StreamBlocked("no-forbidden")
        return hide(arguments)


class PassingGuard(HidingGuard):
    """Lets everything go at once."""

    def open_text(self, path: str, kind: str) -> Any:
        return _Passing()

    def finish_call(self, tool: str, arguments: str) -> str:
        return arguments


class _Passing:
    def feed(self, text: str) -> str:
        return text

    def close(self) -> str:
        return ""


def run(stream: StreamTranslation, pieces: Iterable[bytes]) -> bytes:
    """Return all that a client gets of a stream whose bytes come in these pieces."""
    out = b""
    for piece in pieces:
        out += stream.feed(piece)
        if stream.is_done:
            break
    if not stream.is_done:
        out += stream.close()
    return out + stream.tail


def texts_of(operation: str, events: Iterable[Any]) -> dict[str, str]:
    """Return every text that a client puts together of a stream's events, calls included."""
    texts: dict[str, str] = {}

    def add(place: object, text: object) -> None:
        if isinstance(text, str) and text:
            texts[str(place)] = texts.get(str(place), "") + text

    for event in events:
        if not isinstance(event, dict):
            continue
        if operation in ("chat", "completions"):
            for choice in event.get("choices") or ():
                _add_choice(choice, add)
        elif operation == "messages":
            _add_delta(event, add)
        elif event.get("type", "").endswith(".delta"):
            place = [event.get(name) for name in ("type", "output_index", "content_index", "summary_index")]
            add(place, event["delta"])
    return texts


def _add_choice(choice: dict[str, Any], add: Callable[[object, object], None]) -> None:
    index = choice.get("index")
    add((index, "text"), choice.get("text"))
    delta = choice.get("delta") or {}
    for name in ("content", "refusal", "reasoning", "reasoning_content"):
        value = delta.get(name)
        for part in value if isinstance(value, list) else ():
            add((index, name), part.get("text"))
            for each in part.get("thinking") or ():
                add((index, name, "thinking"), each.get("text"))
        add((index, name), value)
    for detail in delta.get("reasoning_details") or ():
        add((index, "details", detail.get("index")), detail.get("text"))
    for call in delta.get("tool_calls") or ():
        add((index, "call", call.get("index")), (call.get("function") or {}).get("arguments"))


def _add_delta(event: dict[str, Any], add: Callable[[object, object], None]) -> None:
    delta = event.get("delta") or {}
    for name in ("text", "thinking", "partial_json"):
        add((event.get("index"), name), delta.get(name))
