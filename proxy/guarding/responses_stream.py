"""
A stream of the Responses dialect under a guard.

Rules: a text ends with its `done`; what is held goes out before. What is said again of it (the text, the part, the item, the response)
holds what was let go, or is guarded itself if it is not what came in pieces. The deltas of a call are held until it is whole, and with
them the item's beginning, unless another item begins meanwhile: clients count on the order of items. Numbers have no gaps.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from proxy.errors import ContentFiltered, GatewayError
from proxy.guarding.responses_events import BEGINNINGS, CALL_TEXTS, ENDS, PARTS, TEXTS, OpenCall, OpenText, path_of
from proxy.guarding.responses_items import CALLS, guard_item, guard_part, guard_response
from proxy.guarding.responses_numbers import Numbers
from proxy.guarding.stream_base import GuardedStream, KeptSlot, StreamGuard, TextKind
from proxy.guarding.stream_json import (
    BRACE,
    BRACKET,
    Fields,
    encode,
    first_byte,
    guard_leaves,
    named_event,
    number_of,
    object_of,
    raw,
    raw_text,
    read_event,
    text_of,
)
from proxy.guarding.stream_template import NumberedTemplate, learn_numbered
from proxy.translators.translation import StreamTranslation
from proxy.wire.responses import TERMINAL_EVENTS, begin_response, dump_failed_start, dump_failure
from proxy.wire.sse import event_data

_EMPTY_LIST: Final = msgspec.Raw(b"[]")
_NO_LOGPROBS: Final = frozenset({b"[]", b"null"})
_LEARNT_BYTES: Final = 4096
"""Longer events are not looked through for a form."""


class ResponsesStream(GuardedStream):
    """See `GuardedStream`. Keeps the whole texts of the answer, which are said again at its end."""

    __slots__ = ("_begun_items", "_calls", "_numbers", "_opening", "_passed", "_template", "_texts")

    def __init__(self, inner: StreamTranslation, guard: StreamGuard) -> None:
        super().__init__(inner, guard)
        self._texts: dict[str, OpenText] = {}
        self._calls: dict[str, OpenCall] = {}
        self._begun_items: list[bytes] = []  # beginnings of calls that are held
        self._passed: dict[tuple[str, str], str] = {}  # what was let go of texts that did not come in pieces
        self._opening: Fields = {}
        self._numbers = Numbers()
        self._template: NumberedTemplate[KeptSlot] | None = None

    # --- events -------------------------------------------------------------------------------------------------------------------

    def _take(self, event: bytes) -> bytes:
        template = self._template
        known = template.read(event) if template is not None else None
        if template is None or known is None or not known[1]:
            return self._read(event)
        number, text, rest = known
        passed = template.slot.feed(text)
        numbers = self._numbers
        if not passed:
            numbers.shift -= 1
            return b""
        self.has_content = True
        before = self._begin_held()
        numbers.written = number + numbers.shift
        if passed == text and not numbers.shift:
            return before + event
        return before + b"%b%d%b%b%b" % (template.head, numbers.written, template.between, encode(passed), rest)

    def _read(self, event: bytes) -> bytes:
        """Errors: ValueError for what is no event."""
        self._template = None
        data = event_data(event)
        if not data or not data.startswith(b"{"):
            return event
        event, fields = read_event(event, data)
        kind = text_of(fields, "type")
        if kind.endswith(".delta"):
            name = kind[:-6]
            if name in TEXTS:
                return self._take_piece(event, fields, name)
            if name in CALL_TEXTS:
                return self._take_arguments(event, fields)
        elif kind.endswith(".done"):
            return self._take_done(event, fields, kind[:-5])
        elif kind == "response.output_item.added":
            return self._begin_item(event, fields)
        elif kind in ENDS:
            return self._finish() + self._put_response(event, fields)
        elif kind in BEGINNINGS:
            self._opening = self._opening or object_of(fields, "response")
            return self._put_response(event, fields)
        elif kind.endswith(".added") and kind[:-6] in PARTS:
            return self._put_part(event, fields, kind[:-6], is_end=False)
        elif kind == "response.output_text.annotation.added" and "annotation" in fields:
            path = path_of(fields, "content", "content_index", "annotations")
            noted = guard_leaves(fields["annotation"], f"{path}.{number_of(fields, 'annotation_index')}", self.pass_whole)
            return self._put_whole(event, fields, {"annotation": noted} if noted is not None else {})
        return self._begin_held() + self._numbers.put(event, fields)

    # --- texts --------------------------------------------------------------------------------------------------------------------

    def _take_piece(self, event: bytes, fields: Fields, name: str) -> bytes:
        field, kind, index, whole = TEXTS[name]
        path = path_of(fields, field, index, whole)
        text = self._texts.get(path)
        if text is None or text.slot.is_closed:
            text = self._texts[path] = OpenText(KeptSlot(self._guard.open_text(path, kind)))
        piece = text_of(fields, "delta")
        passed = text.slot.feed(piece)
        text.template = (event[: event.find(b"data:")] + b"data:", fields)
        if len(event) < _LEARNT_BYTES and bytes(fields.get("logprobs", _EMPTY_LIST)) in _NO_LOGPROBS:
            self._template = learn_numbered(event, "delta", bytes(fields.get("delta", b"")), text.slot)
        if piece and not passed:
            self._numbers.skip(fields)
            return b""
        self.has_content |= bool(passed)
        before = self._begin_held()
        if passed == piece:
            return before + self._numbers.put(event, fields)
        changed = fields | {"delta": raw_text(passed)}
        if first_byte(fields.get("logprobs")) == BRACKET:
            changed["logprobs"] = _EMPTY_LIST
        return before + self._numbers.put(event, changed, is_changed=True)

    def _close_text(self, path: str) -> bytes:
        text = self._texts.get(path)
        rest = "" if text is None else text.slot.close()
        if text is None or not rest:
            return b""
        self.has_content = True
        changes = {"delta": raw_text(rest)}
        if first_byte(text.template[1].get("logprobs")) == BRACKET:
            changes["logprobs"] = _EMPTY_LIST
        return self._begin_held() + self._numbers.put_more(text.template, **changes)

    def _close_texts(self, path: str) -> bytes:
        """Close all texts of an item or a part."""
        return b"".join([self._close_text(each) for each in list(self._texts) if each.startswith(path + ".")])

    # --- ends of texts, parts and items -------------------------------------------------------------------------------------------

    def _take_done(self, event: bytes, fields: Fields, name: str) -> bytes:
        if name in TEXTS:
            field, kind, index, whole = TEXTS[name]
            path = path_of(fields, field, index, whole)
            before = self._close_text(path)
            text = text_of(fields, whole)
            passed = self.pass_text(path, kind, text) if text else text
            return before + self._put_whole(event, fields, {whole: raw_text(passed)} if passed != text else {})
        if name in CALL_TEXTS:
            return self._end_call(event, fields, CALL_TEXTS[name])
        if name in PARTS:
            return self._put_part(event, fields, name, is_end=True)
        if name == "response.output_item":
            return self._end_item(event, fields)
        return self._begin_held() + self._numbers.put(event, fields)

    def _put_whole(self, event: bytes, fields: Fields, changes: Fields) -> bytes:
        before = self._begin_held()
        if not changes:
            return before + self._numbers.put(event, fields)
        if first_byte(fields.get("logprobs")) == BRACKET:
            changes["logprobs"] = _EMPTY_LIST
        return before + self._numbers.put(event, fields | changes, is_changed=True)

    def _put_part(self, event: bytes, fields: Fields, name: str, *, is_end: bool) -> bytes:
        field, index = PARTS[name]
        path = path_of(fields, field, index)
        before = self._close_texts(path) if is_end else b""
        part = guard_part(object_of(fields, "part"), path, self)
        return before + self._put_whole(event, fields, {"part": raw(part)} if part is not None else {})

    def _end_item(self, event: bytes, fields: Fields) -> bytes:
        path = path_of(fields)
        before = self._close_texts(path)
        item = object_of(fields, "item")
        if text_of(item, "type") in CALLS:
            before += self._release(path, text_of(item, CALLS[text_of(item, "type")]))
        changed = guard_item(item, path, self)
        self.has_content = True
        return before + self._put_whole(event, fields, {"item": raw(changed)} if changed is not None else {})

    def _put_response(self, event: bytes, fields: Fields) -> bytes:
        if first_byte(fields.get("response")) != BRACE:
            return self._numbers.put(event, fields)
        changed = guard_response(object_of(fields, "response"), self)
        self.has_content |= text_of(fields, "type") in TERMINAL_EVENTS
        return self._put_whole(event, fields, {"response": raw(changed)} if changed is not None else {})

    def pass_text(self, path: str, kind: TextKind, text: str) -> str:
        """See `Passing`."""
        known = self._texts.get(path)
        if known is not None and known.slot.is_closed and known.slot.received == text:
            return known.slot.sent
        passed = self._passed.get((path, text))
        if passed is None:
            opened = self._guard.open_text(path, kind)
            passed = self._passed[path, text] = opened.feed(text) + opened.close()
        return passed

    def pass_whole(self, path: str, text: str) -> str:
        """See `Passing`."""
        return self.pass_text(path, "text", text)

    def pass_call(self, path: str, tool: str, arguments: str) -> str:
        """See `Passing`."""
        call = self._calls.get(path)
        if call is not None and call.passed is not None and call.whole == arguments:
            return call.passed
        passed = self._passed.get((path, arguments))
        if passed is None:
            passed = self._passed[path, arguments] = self._guard.finish_call(tool, arguments)
        return passed

    # --- calls --------------------------------------------------------------------------------------------------------------------

    def _begin_item(self, event: bytes, fields: Fields) -> bytes:
        item = object_of(fields, "item")
        path = path_of(fields)
        changed = guard_item(item, path, self)
        shown = self._begin_held() + self._put_whole(event, fields, {"item": raw(changed)} if changed is not None else {})
        if text_of(item, "type") not in CALLS:
            self.has_content |= text_of(item, "type") not in ("message", "reasoning")
            return shown
        self._calls[path] = OpenCall(text_of(item, "id"), text_of(item, "name"))
        self._begun_items.append(shown)
        return b""

    def _begin_held(self) -> bytes:
        """Return the beginnings of calls: something else is shown now, and they come before it."""
        if not self._begun_items:
            return b""
        begun = b"".join(self._begun_items)
        self._begun_items.clear()
        self.has_content = True
        return begun

    def _take_arguments(self, event: bytes, fields: Fields) -> bytes:
        call = self._call_of(fields)
        self._hold(len(event))
        call.events.append(event)
        call.arguments.append(text_of(fields, "delta"))
        self._numbers.skip(fields)
        return b""

    def _call_of(self, fields: Fields) -> OpenCall:
        path = path_of(fields)
        call = self._calls.get(path)
        if call is None:
            call = self._calls[path] = OpenCall("", "")
        return call

    def _end_call(self, event: bytes, fields: Fields, name: str) -> bytes:
        arguments = text_of(fields, name)
        call = self._call_of(fields)
        call.name = call.name or text_of(fields, "name")
        before = self._release(path_of(fields), arguments)
        passed = self.pass_call(path_of(fields), call.name, arguments) if arguments else arguments
        return before + self._put_whole(event, fields, {name: raw_text(passed)} if passed != arguments else {})

    def _release(self, path: str, arguments: str) -> bytes:
        """Return what was held of a call that is whole: its beginning, and its deltas, or one with what is let go instead."""
        call = self._calls.get(path)
        if call is None or call.passed is not None:
            return b""
        if not call.whole:
            call.arguments.append(arguments)
        whole = call.whole
        call.passed = self._guard.finish_call(call.name, whole) if whole else ""
        self.has_content = True
        shown = [self._begin_held()]
        if call.passed == whole:
            shown += [self._numbers.put_held(event) for event in call.events]
        elif call.events:
            shown.append(self._numbers.put_held(call.events[0], call.passed))
        call.events.clear()
        return b"".join(shown)

    # --- ends ---------------------------------------------------------------------------------------------------------------------

    def _is_end(self, event: bytes) -> bool:
        data = event_data(event)
        return bool(data) and text_of(read_event(event, data or b"")[1], "type") in ENDS

    def _finish(self) -> bytes:
        self._template = None
        shown = [self._close_text(path) for path in list(self._texts)]
        shown += [self._release(path, "") for path in list(self._calls)]
        return b"".join(shown)

    def fail(self, error: GatewayError) -> bytes:
        """The response that failed is the one that the provider began. Nothing of its output is said again."""
        response: dict[str, Any] = begin_response() | msgspec.json.decode(encode(self._opening)) | {"output": []}
        if not self.has_content:
            return dump_failed_start(response, error)
        shown = b"".join(self._shown)
        if isinstance(error, ContentFiltered):
            shown += self._end_blocked()
        return shown + dump_failure(response, error, self._next_number())

    def _end_blocked(self) -> bytes:
        response: dict[str, Any] = begin_response() | msgspec.json.decode(encode(self._opening))
        response |= {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}, "output": []}
        return named_event({"type": "response.incomplete", "sequence_number": self._next_number(), "response": response})

    def _next_number(self) -> int:
        """Beginnings that are held have their number already, and are never sent."""
        unsent = len(self._begun_items)
        self._begun_items.clear()
        return self._numbers.next_number(unsent)
