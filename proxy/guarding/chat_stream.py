"""
A chat stream under a guard.

Rules: each text of a choice is guarded from its first piece to the choice's end; what is thought ends where the answer begins. Tool
calls are held until the choice is finished. A chunk in which nothing was changed passes as its own bytes; one whose texts were all held
goes nowhere, unless it says something else.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from proxy.guarding.chat_calls import ChoiceCalls, called_entries, without_calls
from proxy.guarding.chat_choices import Around, Choice, Edit, Slot
from proxy.guarding.stream_base import GuardedStream, StreamGuard, TextKind
from proxy.guarding.stream_json import (
    BRACKET,
    QUOTE,
    Fields,
    encode,
    first_byte,
    guard_leaves,
    is_null,
    number_of,
    object_of,
    objects_of,
    parse_text,
    raw,
    raw_text,
    read_event,
    with_data,
)
from proxy.guarding.stream_template import Template, learn
from proxy.translators.translation import StreamTranslation
from proxy.wire.sse import DONE, encode_event, event_data

TEXTS: Final[dict[str, TextKind]] = {
    "text": "text",
    "content": "text",
    "refusal": "text",
    "reasoning_content": "reasoning",
    "reasoning": "reasoning",
    "reasoning_text": "reasoning",
    "thinking": "reasoning",
}
"""Fields that are pieces of a text. `text` is the completions dialect's; the names of reasoning are the vendors'."""

_DETAILS: Final = "reasoning_details"
_DETAIL_TEXTS: Final = ("text", "summary")
_DETAIL_SEALS: Final = ("signature", "data")
_KNOWN: Final = frozenset({*TEXTS, _DETAILS, "role", "tool_calls", "function_call"})
_WORDS: Final = frozenset({"channel", "name", "id"})
"""Other fields of a delta that hold a word of the protocol."""

_HEAD: Final = ("id", "object", "created", "model", "system_fingerprint", "service_tier", "provider")
_NULL: Final = msgspec.Raw(b"null")
_NOTHING: Final = frozenset({b"null", b'""', b"[]", b"{}"})


class ChatStream(GuardedStream):
    """See `GuardedStream`. Cost: a chunk that differs from the one before in its text alone is not read as JSON but for the text."""

    __slots__ = ("_choices", "_last", "_template")

    def __init__(self, inner: StreamTranslation, guard: StreamGuard) -> None:
        super().__init__(inner, guard)
        self._choices: dict[int, Choice] = {}
        self._last: Fields = {}
        self._template: Template[Slot] | None = None

    # --- where the dialect has things ---------------------------------------------------------------------------------------------

    def _delta_of(self, choice: Fields) -> Fields:
        return object_of(choice, "delta")

    def _put_delta(self, choice: Fields, delta: Fields) -> None:
        choice["delta"] = raw(delta)

    def _dump_choice(self, index: int, delta: bytes, finish: bytes) -> bytes:
        return b'{"index":%d,"delta":%b,"logprobs":null,"finish_reason":%b}' % (index, delta, finish)

    def _path(self, choice: int, name: str) -> str:
        return f"choices.{choice}.message.{name}"

    # --- events -------------------------------------------------------------------------------------------------------------------

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
        """Errors: ValueError for what is no chunk."""
        self._template = None
        data = event_data(event)
        if not data:
            return event
        if data.startswith(DONE):
            return self._finish() + event
        event, chunk = read_event(event, data)
        choices = objects_of(chunk, "choices")
        self._last = chunk
        before: list[bytes] = []
        edits = [self._edit(before, event, chunk, choice, is_alone=len(choices) == 1) for choice in choices]
        shown = self._put(event, chunk, choices, edits) if choices else event
        return b"".join(before) + shown if before else shown

    def _put(self, event: bytes, chunk: Fields, choices: list[Fields], edits: list[Edit | None]) -> bytes:
        """Return the chunk with its edits, nothing if it says nothing any more."""
        left = [(choice, edit) for choice, edit in zip(choices, edits, strict=True) if edit is not None]
        is_changed = len(left) < len(choices) or any(edit.is_changed for _, edit in left)
        is_said = any(edit.is_said for _, edit in left)
        if is_changed and not is_said and is_null(chunk.get("usage")) and not any(edit.is_needed for _, edit in left):
            return b""
        self.has_content |= is_said
        if not is_changed:
            return event
        for choice, edit in left:
            if edit.is_changed:
                self._put_delta(choice, edit.delta)
                if "logprobs" in choice:
                    choice["logprobs"] = _NULL
        chunk["choices"] = raw([choice for choice, _ in left])
        return with_data(event, encode(chunk))

    def _edit(self, before: list[bytes], event: bytes, chunk: Fields, choice: Fields, *, is_alone: bool) -> Edit | None:
        """Take one choice of a chunk; what must go out in front of the chunk goes into `before`. None: the choice is held."""
        index = number_of(choice, "index")
        state = self._choices.get(index)
        if state is None:
            state = self._choices[index] = Choice(index)
        delta = self._delta_of(choice)
        entries = called_entries(delta)
        is_answering = bool(entries) or _is_answer(delta.get("content"))
        edit = Edit(delta, is_finished=not is_null(choice.get("finish_reason")), is_answering=is_answering)
        written = {name: value for name, value in delta.items() if name in TEXTS} if is_alone else {}
        self._edit_texts(state, edit)
        self._edit_others(state, edit)
        self._close_slots(before, state, edit)
        if entries:
            self._hold(len(event))
            here = state.calls.note(entries)
            if not edit.is_finished:
                if is_alone and not edit.has_text:
                    state.calls.hold(event, here)
                    return None
                state.calls.hold(self._dump_calls(index, delta), here)
                edit.delta, edit.is_changed = without_calls(delta), True
        if edit.is_finished:
            self._release_calls(before, state, edit)
            state.is_open = False
        elif is_alone and edit.plain and not entries and is_null(choice.get("logprobs")) and is_null(chunk.get("usage")):
            self._template = learn(event, edit.plain, bytes(written[edit.plain]), state.slots[edit.plain])
        return edit

    # --- texts --------------------------------------------------------------------------------------------------------------------

    def _edit_texts(self, state: Choice, edit: Edit) -> None:
        delta = edit.delta
        fed = 0
        for name in list(delta):
            kind = TEXTS.get(name)
            if kind is not None and first_byte(delta[name]) == QUOTE:
                text = parse_text(delta[name])
                if not text and name not in state.slots:
                    continue
                passed = self._feed(state, edit, name, name, kind, (b'{"%b":' % name.encode(), b"}"), text)
                fed += bool(text)
                edit.plain = name if text else edit.plain
                if passed != text:
                    delta[name] = raw_text(passed)
            elif first_byte(delta[name]) == BRACKET and (kind is not None or name == _DETAILS):
                fed += 2
                self._edit_list(state, edit, name)
        if fed != 1:
            edit.plain = ""

    def _feed(self, state: Choice, edit: Edit, key: str, name: str, kind: TextKind, around: Around, text: str) -> str:
        slot = state.slots.get(key)
        if slot is None:
            if not text:
                return ""
            slot = state.slots[key] = Slot(self._guard.open_text(self._path(state.index, name), kind), kind, around)
        passed = slot.feed(text)
        if state.is_ending(kind, is_finished=edit.is_finished, is_answering=edit.is_answering):
            passed += slot.close()
            del state.slots[key]
        edit.has_text |= bool(text)
        edit.is_said |= bool(passed)
        edit.is_changed |= passed != text
        return passed

    def _edit_list(self, state: Choice, edit: Edit, name: str) -> None:
        """Take a content that comes in parts, as Mistral's does, or OpenRouter's details of what was thought."""
        items = msgspec.json.decode(edit.delta[name])
        was_changed, edit.is_changed = edit.is_changed, False
        for item in items:
            if not isinstance(item, dict):
                edit.is_needed = True
            elif name == _DETAILS:
                self._edit_detail(state, edit, item)
            else:
                self._edit_part(state, edit, item, name, "text")
        if edit.is_changed:
            edit.delta[name] = raw(items)
        edit.is_changed |= was_changed

    def _edit_detail(self, state: Choice, edit: Edit, detail: dict[str, Any]) -> None:
        if any(detail.get(name) for name in _DETAIL_SEALS):
            edit.is_needed = edit.is_said = True
        place = detail.get("index", 0)
        for name in _DETAIL_TEXTS:
            if isinstance(text := detail.get(name), str):
                head = encode({"type": detail.get("type"), "index": place})[:-1]
                around = (b'{"%b":[%b,"%b":' % (_DETAILS.encode(), head, name.encode()), b"}]}")
                path = f"{_DETAILS}.{place}.{name}"
                detail[name] = self._feed(state, edit, path, path, "reasoning", around, text)

    def _edit_part(self, state: Choice, edit: Edit, part: dict[str, Any], name: str, kind: TextKind) -> None:
        """Parts of what is said go on from each other and from plain pieces; those of what is thought are a text of their own."""
        if isinstance(inner := part.get("thinking"), list):
            for each in inner:
                if isinstance(each, dict):
                    self._edit_part(state, edit, each, name, "reasoning")
            return
        text = part.get("text")
        if not isinstance(text, str):
            edit.is_needed = edit.is_said = True
            return
        field = name.encode()
        if kind == "text":
            part["text"] = self._feed(state, edit, name, name, kind, (b'{"%b":' % field, b"}"), text)
            return
        around = (b'{"%b":[{"type":"thinking","thinking":[{"type":"text","text":' % field, b"}]}]}")
        part["text"] = self._feed(state, edit, f"{name}.thinking", f"{name}.thinking", kind, around, text)

    def _edit_others(self, state: Choice, edit: Edit) -> None:
        """Take what a delta says besides its texts, which comes whole. Many vendors repeat the role; once is enough."""
        for name, value in list(edit.delta.items()):
            if name == "role" and not state.has_role:
                state.has_role = edit.is_needed = True
                edit.plain = ""
            elif name not in _KNOWN and bytes(value) not in _NOTHING:
                edit.is_needed = edit.is_said = True
                edit.plain = ""
                passed = None if name in _WORDS else guard_leaves(value, self._path(state.index, name), self._pass_whole)
                if passed is not None:
                    edit.delta[name], edit.is_changed = passed, True

    def _close_slots(self, before: list[bytes], state: Choice, edit: Edit) -> None:
        """Let go what is left of the texts that end here; those of this chunk itself have ended in it."""
        if not (edit.is_finished or edit.is_answering):
            return
        for key, slot in list(state.slots.items()):
            if state.is_ending(slot.kind, is_finished=edit.is_finished, is_answering=edit.is_answering):
                del state.slots[key]
                if rest := slot.close():
                    before.append(self._dump_delta(state.index, slot.around[0] + encode(rest) + slot.around[1]))
                    self.has_content = True

    # --- calls and ends -----------------------------------------------------------------------------------------------------------

    def _release_calls(self, before: list[bytes], state: Choice, edit: Edit | None = None) -> None:
        changed = state.calls.finish(self._finish_call)
        for event in state.calls.release(changed):
            before.append(event)
            self.has_content = True
        if edit is not None and changed and (delta := state.calls.rewrite_last(edit.delta, changed)) is not None:
            edit.delta, edit.is_changed = delta, True
        state.calls = ChoiceCalls()

    def _dump_calls(self, index: int, delta: Fields) -> bytes:
        return self._dump_delta(index, encode({name: value for name, value in delta.items() if name in ("tool_calls", "function_call")}))

    def _dump_delta(self, index: int, delta: bytes, finish: bytes = b"null") -> bytes:
        head = encode({name: self._last[name] for name in _HEAD if name in self._last})[:-1]
        comma = b"," if len(head) > 1 else b""
        return encode_event(b'%b%b"choices":[%b]}' % (head, comma, self._dump_choice(index, delta, finish)))

    def _finish(self) -> bytes:
        """Choices that were never finished; the template may not outlive its text."""
        self._template = None
        shown: list[bytes] = []
        for state in self._choices.values():
            self._close_slots(shown, state, Edit({}, is_finished=True, is_answering=True))
            self._release_calls(shown, state)
        return b"".join(shown)

    def _end_blocked(self) -> bytes:
        return b"".join(self._dump_delta(state.index, b"{}", b'"content_filter"') for state in self._choices.values() if state.is_open)


def _is_answer(content: msgspec.Raw | None) -> bool:
    """Tell whether a content says something that is not merely thought."""
    if first_byte(content) == QUOTE:
        return bytes(content or b"") not in _NOTHING
    return first_byte(content) == BRACKET and any("thinking" not in part for part in objects_of({"": content or _NULL}, ""))
