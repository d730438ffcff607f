"""
A stream of Anthropic's dialect under a guard.

Rules: a block of text is one text; what is held of it goes out before the block stops, and what was thought before its signature. A
signature over other words than the client got is left out. Tool calls are held from their beginning to their stop.
"""

from __future__ import annotations

from typing import Final

import msgspec

from proxy.guarding.stream_base import GuardedStream, HeldCall, KeptSlot, StreamGuard, TextKind
from proxy.guarding.stream_json import (
    Fields,
    encode,
    guard_leaves,
    is_null,
    named_event,
    number_of,
    object_of,
    parse_text,
    raw,
    raw_text,
    read_event,
    text_of,
    with_data,
)
from proxy.guarding.stream_template import Template, learn
from proxy.translators.translation import StreamTranslation
from proxy.wire.sse import event_data

_DELTAS: Final[dict[str, tuple[str, TextKind]]] = {"text_delta": ("text", "text"), "thinking_delta": ("thinking", "reasoning")}
_BLOCKS: Final[dict[str, tuple[str, TextKind]]] = {"text": ("text", "text"), "thinking": ("thinking", "reasoning")}
_TEXT_KINDS: Final = {"text": "text_delta", "thinking": "thinking_delta"}
_CALL_BLOCKS: Final = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"})


class _Block:
    """A content block that was begun. `name` is of the field that `slot` guards; `call` and `held` are of one that is held."""

    __slots__ = ("call", "given", "held", "index", "name", "slot")

    def __init__(self, index: int) -> None:
        self.index = index
        self.name = ""
        self.slot: KeptSlot | None = None
        self.call: HeldCall | None = None
        self.given = "{}"  # the arguments that came with the beginning
        self.held: list[bytes] = []


class MessagesStream(GuardedStream):
    """See `GuardedStream`. Cost: a delta that differs from the one before in its text alone is not read as JSON but for the text."""

    __slots__ = ("_blocks", "_template")

    def __init__(self, inner: StreamTranslation, guard: StreamGuard) -> None:
        super().__init__(inner, guard)
        self._blocks: dict[int, _Block] = {}
        self._template: Template[KeptSlot] | None = None

    def _take(self, event: bytes) -> bytes:
        template = self._template
        known = template.read(event) if template is not None else None
        if template is None or known is None:
            return self._read(event)
        text, rest = known
        passed = template.slot.feed(text)
        if not passed:
            return b"" if text else event
        self.has_content = True
        return event if passed == text else template.prefix + encode(passed) + rest

    def _read(self, event: bytes) -> bytes:
        """Errors: ValueError for what is no event."""
        data = event_data(event)
        if not data:
            return event
        event, fields = read_event(event, data)
        kind = text_of(fields, "type")
        if kind == "ping":
            return event
        self._template = None
        if kind == "content_block_delta":
            return self._read_delta(event, fields)
        if kind == "content_block_start":
            return self._begin_block(event, fields)
        if kind == "content_block_stop":
            block = self._blocks.pop(number_of(fields, "index"), None)
            return self._end_block(block) + event if block is not None else event
        if kind == "message_delta":
            before = self._finish()
            self.has_content |= not is_null(object_of(fields, "delta").get("stop_reason"))
            return before + event
        return event

    # --- blocks -------------------------------------------------------------------------------------------------------------------

    def _begin_block(self, event: bytes, fields: Fields) -> bytes:
        index = number_of(fields, "index")
        before = self._finish()  # a block that was never stopped
        begun = object_of(fields, "content_block")
        kind = text_of(begun, "type")
        block = self._blocks[index] = _Block(index)
        if kind in _CALL_BLOCKS:
            block.call = HeldCall(text_of(begun, "id"), text_of(begun, "name"))
            block.given = bytes(begun.get("input", b"{}")).decode()
            self._hold(len(event))
            block.held.append(event)
            return before
        if kind not in _BLOCKS:
            return before + self._put_other(event, fields, "content_block", f"content.{index}")
        name = _BLOCKS[kind][0]
        if text := text_of(begun, name):
            passed = self._slot(block, name).feed(text)
            if passed != text:
                fields["content_block"] = raw(begun | {name: raw_text(passed)})
                event = with_data(event, encode(fields))
            self.has_content |= bool(passed)
        return before + event

    def _put_other(self, event: bytes, fields: Fields, name: str, path: str) -> bytes:
        """Return an event of what comes whole: the result of a tool that the provider ran, a citation."""
        self.has_content = True
        passed = guard_leaves(fields[name], path, self._pass_whole) if name in fields else None
        return event if passed is None else with_data(event, encode(fields | {name: passed}))

    def _slot(self, block: _Block, name: str) -> KeptSlot:
        slot = block.slot
        if slot is None or block.name != name:
            kind: TextKind = "reasoning" if name == "thinking" else "text"
            slot = block.slot = KeptSlot(self._guard.open_text(f"content.{block.index}.{name}", kind))
            block.name = name
        return slot

    def _read_delta(self, event: bytes, fields: Fields) -> bytes:
        index = number_of(fields, "index")
        delta = object_of(fields, "delta")
        kind = text_of(delta, "type")
        block = self._blocks.get(index)
        if block is None:
            block = self._blocks[index] = _Block(index)
        if block.call is not None:
            self._hold(len(event))
            block.held.append(event)
            block.call.arguments.append(text_of(delta, "partial_json"))
            return b""
        if kind in _DELTAS:
            return self._read_text(event, fields, delta, block, _DELTAS[kind][0])
        if kind == "signature_delta":
            return self._read_signature(event, block)
        return self._put_other(event, fields, "delta", f"content.{index}")

    def _read_text(self, event: bytes, fields: Fields, delta: Fields, block: _Block, name: str) -> bytes:
        before = b""
        if block.slot is not None and block.name != name:
            before = self._close_text(block)
        slot = self._slot(block, name)
        written = delta.get(name, msgspec.Raw(b'""'))
        text = parse_text(written)
        passed = slot.feed(text)
        self._template = learn(event, name, bytes(written), slot)
        if not passed:
            return before if text else before + event
        self.has_content = True
        if passed == text:
            return before + event
        fields["delta"] = raw(delta | {name: raw_text(passed)})
        return before + with_data(event, encode(fields))

    def _read_signature(self, event: bytes, block: _Block) -> bytes:
        self.has_content = True
        slot = block.slot
        if slot is None:
            return event
        rest = self._close_text(block, is_kept=True)
        return rest if slot.sent != slot.received else rest + event

    def _close_text(self, block: _Block, *, is_kept: bool = False) -> bytes:
        slot = block.slot
        if slot is None:
            return b""
        rest = slot.close()
        if not is_kept:
            block.slot = None
        if not rest:
            return b""
        self.has_content = True
        delta = {"type": _TEXT_KINDS[block.name], block.name: rest}
        return named_event({"type": "content_block_delta", "index": block.index, "delta": delta})

    def _end_block(self, block: _Block) -> bytes:
        """Return what was held of a block that ends."""
        if block.call is None:
            return self._close_text(block)
        changed = self._finish_call(block.call, block.given)
        self.has_content = True
        if changed is None:
            return b"".join(block.held)
        return self._begin_anew(block.held[0]) + named_event(
            {"type": "content_block_delta", "index": block.index, "delta": {"type": "input_json_delta", "partial_json": changed}}
        )

    def _begin_anew(self, event: bytes) -> bytes:
        """Return the beginning of a call without the arguments that it may have held."""
        event, fields = read_event(event, event_data(event) or b"{}")
        begun = object_of(fields, "content_block")
        if bytes(begun.get("input", b"{}")) == b"{}":
            return event
        fields["content_block"] = raw(begun | {"input": msgspec.Raw(b"{}")})
        return with_data(event, encode(fields))

    # --- ends ---------------------------------------------------------------------------------------------------------------------

    def _is_end(self, event: bytes) -> bool:
        return text_of(read_event(event, event_data(event) or b"{}")[1], "type") == "message_stop"

    def _finish(self) -> bytes:
        """Blocks that were never stopped."""
        self._template = None
        blocks = list(self._blocks.values())
        self._blocks.clear()
        return b"".join([self._end_block(block) for block in blocks])

    def _end_blocked(self) -> bytes:
        """A block that the client saw begin is stopped; of one that was held it has seen nothing."""
        stops = [named_event({"type": "content_block_stop", "index": block.index}) for block in self._blocks.values() if block.call is None]
        tokens = self.usage.output_tokens if self.usage is not None else 0
        delta = {"stop_reason": "refusal", "stop_sequence": None}
        return b"".join(stops) + named_event({"type": "message_delta", "delta": delta, "usage": {"output_tokens": tokens}})
