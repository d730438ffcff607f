"""A stream of Anthropic's dialect under a guard: blocks, signatures, calls, and how it ends."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.errors import ContentFiltered, UpstreamBroken
from proxy.guarding.stream import guard_stream
from proxy.translators.direct_messages import MessagesStream
from proxy.translators.translation import StreamTranslation
from tests.proxy.guarding_help import HIDDEN, HidingGuard, run
from tests.proxy.messages_help import (
    END_TURN,
    HEL,
    HELLO,
    LO,
    PING,
    START,
    STOP,
    TEXT_START,
    TEXT_STOP,
    delta,
    event,
    parse_events,
    start_block,
    stop_block,
)

Events = list[tuple[str, dict[str, Any]]]


def guarded(guard: HidingGuard | None = None) -> StreamTranslation:
    return guard_stream(MessagesStream(), "messages", guard or HidingGuard())


def events(*pieces: bytes, guard: HidingGuard | None = None) -> Events:
    return parse_events(run(guarded(guard), pieces))


def text(piece: str, index: int = 0) -> bytes:
    return delta(index, "text_delta", text=piece)


def arguments(piece: str, index: int = 0) -> bytes:
    return delta(index, "input_json_delta", partial_json=piece)


def in_blocks(sent: Events) -> Events:
    return [(name, fields) for name, fields in sent if name.startswith("content_block")]


def test_a_stream_that_nothing_is_found_in_passes_at_once_as_its_own_bytes():
    stream = guarded()

    assert [stream.feed(piece) for piece in HELLO[:-1]] == HELLO[:-1]
    assert (stream.feed(STOP), stream.tail, stream.is_done) == (b"", STOP, True)


def test_what_is_held_goes_out_before_the_block_stops():
    guard = HidingGuard()
    sent = events(START, TEXT_START, text("a sec"), PING, text("ret b se"), TEXT_STOP, END_TURN, STOP, guard=guard)

    said = [fields["delta"]["text"] for name, fields in sent if name == "content_block_delta"]
    assert said == ["a ", f"{HIDDEN} b ", "se"]
    assert in_blocks(sent)[-1] == ("content_block_stop", {"index": 0})
    assert guard.paths == [("content.0.text", "text")]


def test_text_that_speaks_of_the_protocol_is_text():
    pieces = [START, TEXT_START, text("say message_stop sec"), text("ret"), TEXT_STOP, END_TURN, STOP]

    sent = events(b"".join(pieces))

    assert "".join(fields["delta"]["text"] for name, fields in sent if name == "content_block_delta") == f"say message_stop {HIDDEN}"


def test_a_block_that_is_never_stopped_ends_with_the_message():
    sent = events(START, TEXT_START, text("a sec"), END_TURN, STOP)

    assert [name for name, _ in sent][-4:] == ["content_block_delta", "content_block_delta", "message_delta", "message_stop"]


def test_a_signature_stays_over_words_that_stayed():
    thought = [START, start_block(0, "thinking", thinking="", signature=""), delta(0, "thinking_delta", thinking="so se")]

    sent = events(*thought, delta(0, "signature_delta", signature="abc"), stop_block(0), END_TURN, STOP)

    deltas = [fields["delta"] for name, fields in sent if name == "content_block_delta"]
    assert deltas == [
        {"type": "thinking_delta", "thinking": "so "},
        {"type": "thinking_delta", "thinking": "se"},
        {"type": "signature_delta", "signature": "abc"},
    ]


def test_a_signature_over_other_words_goes():
    thought = [START, start_block(0, "thinking", thinking="", signature=""), delta(0, "thinking_delta", thinking="a secret")]
    guard = HidingGuard()

    sent = events(*thought, delta(0, "signature_delta", signature="abc"), stop_block(0), END_TURN, STOP, guard=guard)

    assert [fields["delta"] for name, fields in sent if name == "content_block_delta"] == [
        {"type": "thinking_delta", "thinking": f"a {HIDDEN}"}
    ]
    assert guard.paths == [("content.0.thinking", "reasoning")]


def test_a_call_is_held_from_its_beginning_to_its_stop():
    stream = guarded()
    call = [start_block(0, "tool_use", id="t", name="find", input={}), arguments(""), arguments('{"a":'), arguments("1}")]

    sent = [stream.feed(piece) for piece in [START, *call]]

    assert sent == [START, b"", b"", b"", b""]
    assert not stream.has_content
    assert stream.feed(stop_block(0)) == b"".join(call) + stop_block(0)
    assert stream.has_content


def test_changed_arguments_come_in_one_piece():
    guard = HidingGuard()
    call = [start_block(0, "tool_use", id="t", name="find", input={}), arguments('{"a":"sec'), arguments('ret"}')]

    sent = events(START, *call, stop_block(0), END_TURN, STOP, guard=guard)

    assert guard.calls == [("find", '{"a":"secret"}')]
    assert in_blocks(sent) == [
        ("content_block_start", {"index": 0, "content_block": {"type": "tool_use", "id": "t", "name": "find", "input": {}}}),
        ("content_block_delta", {"index": 0, "delta": {"type": "input_json_delta", "partial_json": f'{{"a":"{HIDDEN}"}}'}}),
        ("content_block_stop", {"index": 0}),
    ]


def test_arguments_that_come_with_the_beginning_are_checked():
    sent = events(START, start_block(0, "tool_use", id="t", name="find", input={"a": "secret"}), stop_block(0), END_TURN, STOP)

    assert in_blocks(sent)[0][1]["content_block"]["input"] == {}
    assert HIDDEN in in_blocks(sent)[1][1]["delta"]["partial_json"]


def test_what_a_tool_of_the_provider_found_is_guarded_whole():
    found = {"type": "web_search_result", "title": "a secret", "url": "https://a.example", "encrypted_content": "secret"}
    block = start_block(0, "web_search_tool_result", tool_use_id="t", content=[found])

    sent = events(START, block, stop_block(0), END_TURN, STOP)

    assert in_blocks(sent)[0][1]["content_block"]["content"] == [found | {"title": f"a {HIDDEN}"}]


def test_a_citation_is_guarded():
    cited = delta(0, "citations_delta", citation={"type": "char_location", "cited_text": "a secret", "document_index": 0})

    sent = events(START, TEXT_START, HEL, cited, LO, TEXT_STOP, END_TURN, STOP)

    assert [fields["delta"]["citation"]["cited_text"] for _, fields in sent if "citation" in fields.get("delta", {})] == [f"a {HIDDEN}"]


def test_a_block_before_anything_was_sent_leaves_nothing_to_see():
    stream = guarded()

    with pytest.raises(ContentFiltered) as caught:
        stream.feed(START + TEXT_START + text("forbidden"))

    assert not stream.has_content
    assert [name for name, _ in parse_events(stream.fail(caught.value))] == ["error"]


def test_a_block_ends_the_message_as_a_refusal_and_then_says_why():
    stream = guarded()
    stream.feed(START + TEXT_START + text("a "))

    with pytest.raises(ContentFiltered) as caught:
        stream.feed(text("forbidden"))
    sent = parse_events(stream.fail(caught.value))

    assert sent[:2] == [
        ("content_block_stop", {"index": 0}),
        ("message_delta", {"delta": {"stop_reason": "refusal", "stop_sequence": None}, "usage": {"output_tokens": 1}}),
    ]
    assert sent[2][0] == "error"
    assert sent[2][1]["error"]["details"]["error_code"] == "content_filter"


def test_a_blocked_call_was_never_seen_nor_is_it_stopped():
    stream = guarded()
    stream.feed(START + TEXT_START + text("a ") + TEXT_STOP)
    stream.feed(start_block(1, "tool_use", id="t", name="find", input={}) + arguments("forbidden", 1))

    with pytest.raises(ContentFiltered) as caught:
        stream.feed(stop_block(1))

    assert [name for name, _ in parse_events(stream.fail(caught.value))] == ["message_delta", "error"]


def test_another_failure_says_nothing_of_what_was_held():
    stream = guarded()
    stream.feed(START + TEXT_START + text("a sec"))

    assert [name for name, _ in parse_events(stream.fail(UpstreamBroken()))] == ["error"]


def test_events_nobody_knows_pass():
    new = event("new_kind", value=1)

    assert guarded().feed(START + new) == START + new
