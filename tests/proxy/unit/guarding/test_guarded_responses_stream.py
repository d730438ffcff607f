"""A stream of the Responses dialect under a guard: deltas, what is said again, calls, numbers, and how it ends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.errors import ContentFiltered, UpstreamBroken
from proxy.guarding.stream import guard_stream
from proxy.response_state import response_in_tail
from proxy.translators.direct_responses import DirectStream
from proxy.translators.translation import StreamTranslation
from tests.proxy.guarding_help import HIDDEN, HidingGuard, run
from tests.proxy.responses_help import (
    COMPLETED,
    CREATED,
    HELLO,
    IN_PROGRESS,
    ITEM_ADDED,
    call_item,
    event,
    message_item,
    parse_events,
    response,
    text_delta,
)

TEXT = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
CALL = {"item_id": "fc_1", "output_index": 0}
BEGIN = [CREATED, IN_PROGRESS]


def guarded(guard: HidingGuard | None = None) -> StreamTranslation:
    return guard_stream(DirectStream(), "responses", guard or HidingGuard())


def events(*pieces: bytes, guard: HidingGuard | None = None) -> list[dict[str, Any]]:
    return parse_events(run(guarded(guard), pieces))


def whole(text: str, *pieces: str) -> list[bytes]:
    """Return the events of a message in these pieces."""
    item = message_item(text)
    ends = [
        event("response.output_text.done", 3 + len(pieces), **TEXT, text=text, logprobs=[]),
        event("response.content_part.done", 4 + len(pieces), **TEXT, part=item["content"][0]),
        event("response.output_item.done", 5 + len(pieces), output_index=0, item=item),
        event("response.completed", 6 + len(pieces), response=response(item)),
    ]
    return [*BEGIN, ITEM_ADDED, *(text_delta(piece, 3 + at) for at, piece in enumerate(pieces)), *ends]


def call(*pieces: str, start: int = 2) -> list[bytes]:
    """Return the events of a call in these pieces, up to the item's end; their numbers begin with `start`."""
    item = call_item(arguments="".join(pieces))
    return [
        event("response.output_item.added", start, output_index=0, item=call_item(arguments="") | {"status": "in_progress"}),
        *(event("response.function_call_arguments.delta", start + 1 + at, **CALL, delta=piece) for at, piece in enumerate(pieces)),
        event("response.function_call_arguments.done", start + 1 + len(pieces), **CALL, arguments="".join(pieces)),
        event("response.output_item.done", start + 2 + len(pieces), output_index=0, item=item),
    ]


def numbers(sent: list[dict[str, Any]]) -> list[int]:
    return [each["sequence_number"] for each in sent]


def test_a_stream_that_nothing_is_found_in_passes_at_once_as_its_own_bytes():
    stream = guarded()

    assert [stream.feed(piece) for piece in HELLO[:-1]] == HELLO[:-1]
    assert (stream.feed(COMPLETED), stream.tail) == (b"", COMPLETED)


def test_all_that_is_said_again_holds_what_was_let_go():
    guard = HidingGuard()
    sent = events(*whole("a secret b se", "a sec", "ret", " b", " se"), guard=guard)

    said = f"a {HIDDEN} b se"
    assert "".join(each["delta"] for each in sent if each["type"] == "response.output_text.delta") == said
    assert [each["text"] for each in sent if each["type"] == "response.output_text.done"] == [said]
    assert [each["part"]["text"] for each in sent if each["type"] == "response.content_part.done"] == [said]
    assert [each["item"]["content"][0]["text"] for each in sent if each["type"] == "response.output_item.done"] == [said]
    assert sent[-1]["response"]["output"][0]["content"][0]["text"] == said
    assert numbers(sent) == list(range(len(sent)))
    assert guard.paths == [("output.0.content.0.text", "text")]


def test_a_chunk_that_is_held_leaves_no_gap_in_the_numbers():
    sent = events(*whole("secret", "s", "e", "c", "r", "e", "t"))

    assert [each["delta"] for each in sent if each["type"] == "response.output_text.delta"] == [HIDDEN]
    assert numbers(sent) == list(range(len(sent)))


def test_what_is_stored_of_the_response_is_what_the_client_got():
    stream = guarded()
    run(stream, whole("a secret", "a secret"))

    assert json.loads(response_in_tail(stream.tail) or b"")["output"][0]["content"][0]["text"] == f"a {HIDDEN}"


def test_what_is_said_only_at_the_end_is_guarded_too():
    sent = events(*HELLO[:-1], event("response.completed", 8, response=response(message_item("a secret"), output_text="a secret")))

    assert "secret" not in json.dumps(sent)


def test_a_text_that_is_not_ended_goes_out_before_the_response_ends():
    sent = events(*BEGIN, ITEM_ADDED, text_delta("a sec", 3), event("response.completed", 4, response=response(message_item("a sec"))))

    assert [each["type"] for each in sent][-3:] == ["response.output_text.delta", "response.output_text.delta", "response.completed"]
    assert numbers(sent) == list(range(len(sent)))


def test_logprobs_of_a_text_that_was_changed_go():
    logprobs = [{"token": "secret", "logprob": -0.1, "bytes": [], "top_logprobs": []}]
    delta = event("response.output_text.delta", 3, **TEXT, delta="secret", logprobs=logprobs)
    done = event("response.output_text.done", 4, **TEXT, text="secret", logprobs=logprobs)

    sent = events(*BEGIN, ITEM_ADDED, delta, done, event("response.completed", 5, response=response(message_item("secret"))))

    assert [each["logprobs"] for each in sent if "logprobs" in each] == [[], []]


def test_what_is_thought_is_guarded_as_such():
    place = {"item_id": "rs_1", "output_index": 0, "summary_index": 0}
    item = {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "a secret"}], "encrypted_content": "secret"}
    guard = HidingGuard()

    sent = events(
        *BEGIN,
        event("response.output_item.added", 2, output_index=0, item=item | {"summary": []}),
        event("response.reasoning_summary_text.delta", 3, **place, delta="a sec"),
        event("response.reasoning_summary_text.delta", 4, **place, delta="ret"),
        event("response.reasoning_summary_text.done", 5, **place, text="a secret"),
        event("response.reasoning_summary_part.done", 6, **place, part=item["summary"][0]),
        event("response.output_item.done", 7, output_index=0, item=item),
        event("response.completed", 8, response=response(item)),
        guard=guard,
    )

    assert guard.paths == [("output.0.summary.0.text", "reasoning")]
    assert "a secret" not in json.dumps(sent)
    assert sent[-1]["response"]["output"] == [item | {"summary": [{"type": "summary_text", "text": f"a {HIDDEN}"}]}]


def test_a_call_is_held_with_its_beginning_and_passes_as_its_own_bytes():
    guard = HidingGuard()
    stream = guarded(guard)
    pieces = call('{"a":', "1}")

    sent = [stream.feed(piece) for piece in [*BEGIN, *pieces]]

    assert sent == [*BEGIN, b"", b"", b"", b"".join(pieces[:4]), pieces[4]]
    assert guard.calls == [("look_up", '{"a":1}')]


def test_changed_arguments_come_in_one_piece_and_again_at_each_end():
    sent = events(
        *BEGIN, *call('{"a":"sec', 'ret"}'), event("response.completed", 7, response=response(call_item(arguments='{"a":"secret"}')))
    )

    changed = f'{{"a":"{HIDDEN}"}}'
    assert [each["delta"] for each in sent if "delta" in each] == [changed]
    assert [each["arguments"] for each in sent if "arguments" in each] == [changed]
    assert sent[-2]["item"]["arguments"] == sent[-1]["response"]["output"][0]["arguments"] == changed
    assert numbers(sent) == list(range(len(sent)))


def test_items_begin_in_their_order_though_a_call_is_held():
    second = event("response.output_item.added", 3, output_index=1, item=message_item("", "msg_2") | {"content": []})
    first, *pieces = call("{}", start=3)

    sent = events(
        *BEGIN, first.replace(b'": 3', b'": 2', 1), second, *pieces, event("response.completed", 7, response=response(call_item()))
    )

    begun = [each["output_index"] for each in sent if each["type"] == "response.output_item.added"]
    assert begun == [0, 1]
    assert numbers(sent) == list(range(len(sent)))


def test_the_input_of_a_custom_tool_is_checked():
    item = {"id": "ct_1", "type": "custom_tool_call", "call_id": "c", "name": "shell", "input": ""}
    guard = HidingGuard()

    sent = events(
        *BEGIN,
        event("response.output_item.added", 2, output_index=0, item=item),
        event("response.custom_tool_call_input.delta", 3, **CALL, delta="cat secret"),
        event("response.custom_tool_call_input.done", 4, **CALL, input="cat secret"),
        event("response.output_item.done", 5, output_index=0, item=item | {"input": "cat secret"}),
        event("response.completed", 6, response=response(item | {"input": "cat secret"})),
        guard=guard,
    )

    assert guard.calls == [("shell", "cat secret")]
    assert "secret" not in json.dumps(sent)


def test_the_code_that_the_provider_runs_is_guarded():
    item = {"id": "ci_1", "type": "code_interpreter_call", "code": "a secret", "outputs": [{"type": "logs", "logs": "a secret"}]}
    place = {"item_id": "ci_1", "output_index": 0}

    sent = events(
        *BEGIN,
        event("response.output_item.added", 2, output_index=0, item=item | {"code": "", "outputs": None}),
        event("response.code_interpreter_call_code.delta", 3, **place, delta="a sec"),
        event("response.code_interpreter_call_code.delta", 4, **place, delta="ret"),
        event("response.code_interpreter_call_code.done", 5, **place, code="a secret"),
        event("response.output_item.done", 6, output_index=0, item=item),
        event("response.completed", 7, response=response(item)),
    )

    assert sent[-1]["response"]["output"] == [item | {"code": f"a {HIDDEN}", "outputs": [{"type": "logs", "logs": f"a {HIDDEN}"}]}]
    assert "secret" not in json.dumps(sent)


def test_what_tools_of_the_provider_found_is_guarded_whole():
    item = {"id": "m_1", "type": "mcp_call", "name": "find", "arguments": "{}", "output": "a secret"}

    sent = events(
        *BEGIN, event("response.output_item.done", 2, output_index=0, item=item), event("response.completed", 3, response=response(item))
    )

    assert [sent[2]["item"]["output"], sent[3]["response"]["output"][0]["output"]] == [f"a {HIDDEN}"] * 2


def test_a_block_before_anything_was_sent_is_told_as_a_response_that_failed_to_begin():
    stream = guarded()

    with pytest.raises(ContentFiltered) as caught:
        stream.feed(b"".join(BEGIN) + ITEM_ADDED + text_delta("forbidden", 3))

    assert not stream.has_content
    assert [each["type"] for each in parse_events(stream.fail(caught.value))] == ["response.created", "response.failed"]


def test_a_block_ends_the_response_as_filtered_and_then_says_why():
    stream = guarded()
    stream.feed(b"".join(BEGIN) + ITEM_ADDED + text_delta("a ", 3))

    with pytest.raises(ContentFiltered) as caught:
        stream.feed(text_delta("forbidden", 4))
    sent = parse_events(stream.fail(caught.value))

    assert [(each["type"], each["sequence_number"]) for each in sent] == [("response.incomplete", 4), ("response.failed", 5)]
    assert sent[0]["response"]["incomplete_details"] == {"reason": "content_filter"}
    assert sent[1]["response"]["error"]["code"] == "content_filter"
    assert sent[0]["response"]["id"] == sent[1]["response"]["id"] == "resp_1"


def test_a_failure_says_nothing_of_the_output_again():
    stream = guarded()
    stream.feed(b"".join(BEGIN) + ITEM_ADDED + text_delta("a sec", 3))

    sent = parse_events(stream.fail(UpstreamBroken()))

    assert [(each["type"], each["sequence_number"], each["response"]["output"]) for each in sent] == [("response.failed", 4, [])]


def test_a_blocked_call_was_never_seen():
    stream = guarded()
    seen = stream.feed(b"".join(BEGIN) + b"".join(call("forbidden")[:2]))

    with pytest.raises(ContentFiltered):
        stream.feed(call("forbidden")[2])

    assert b"look_up" not in seen
