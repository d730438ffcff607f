"""A chat or completions stream under a guard: what is held, what is sent instead, and how it ends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from guardrails.engine.transform import StreamBlocked
from proxy.errors import ContentFiltered, UpstreamBroken
from proxy.guarding.stream import guard_stream
from proxy.translators.direct_stream import DirectStream
from proxy.translators.translation import StreamTranslation
from tests.proxy.chat_help import DONE, ROLE, STOP, USAGE, delta, event, parse_frames
from tests.proxy.guarding_help import HIDDEN, HidingGuard, run, texts_of


def guarded(guard: HidingGuard | None = None, operation: str = "chat") -> StreamTranslation:
    return guard_stream(DirectStream(True), operation, guard or HidingGuard())


def frames(*pieces: bytes, guard: HidingGuard | None = None, operation: str = "chat") -> list[Any]:
    return parse_frames(run(guarded(guard, operation), pieces))


def deltas(chunks: list[Any]) -> list[dict[str, Any]]:
    return [chunk["choices"][0]["delta"] for chunk in chunks if chunk != "[DONE]" and chunk["choices"]]


def call(arguments: str, index: int = 0, finish_reason: str | None = None, **fields: Any) -> bytes:
    """Return a chunk with a piece of a call; `fields`: `id` and `name` of its beginning."""
    name = {"name": fields.pop("name")} if "name" in fields else {}
    return delta(finish_reason, tool_calls=[{"index": index, **fields, "function": {**name, "arguments": arguments}}])


# --- texts ----------------------------------------------------------------------------------------------------------------------


def test_a_text_that_nothing_is_found_in_passes_at_once_as_its_own_bytes():
    stream = guarded()
    pieces = [ROLE, delta(content="Hallo "), delta(content="W\u00f6rld \u2713"), delta(content=", all."), STOP]

    assert [stream.feed(piece) for piece in pieces] == pieces


def test_a_chunk_that_is_held_goes_nowhere_and_what_it_held_comes_with_the_next():
    stream = guarded()
    stream.feed(ROLE + delta(content="a "))

    sent = [stream.feed(delta(content=text)) for text in ("b se", "cr", "et c")]

    assert sent[1] == b""
    assert deltas(parse_frames(b"".join(sent))) == [{"content": "b "}, {"content": f"{HIDDEN} c"}]


def test_what_is_held_at_the_end_goes_out_in_front_of_the_finish_with_the_fields_of_the_stream():
    sent = frames(ROLE, delta(content="a sec"), STOP, USAGE, DONE)

    assert deltas(sent) == [{"role": "assistant", "content": ""}, {"content": "a "}, {"content": "sec"}, {}]
    assert sent[2] == {
        "id": "c1",
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": {"content": "sec"}, "logprobs": None, "finish_reason": None}],
    }
    assert sent[-1] == "[DONE]"


def test_a_finish_that_brings_text_itself_brings_what_was_held_as_well():
    sent = frames(ROLE, delta(content="my sec"), delta("stop", content="ret!"), DONE)

    assert deltas(sent)[1:] == [{"content": "my "}, {"content": f"{HIDDEN}!"}]
    assert sent[-2]["choices"][0]["finish_reason"] == "stop"


def test_what_is_held_when_no_finish_comes_goes_out_before_the_end_mark():
    sent = frames(ROLE, delta(content="a sec"), DONE)

    assert deltas(sent)[-1] == {"content": "sec"}


def test_a_chunk_that_says_more_than_its_text_is_sent_without_it():
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    held = {"id": "c1", "choices": [{"index": 0, "delta": {"content": "sec"}, "finish_reason": None}], "usage": usage}

    sent = frames(ROLE, event(held), STOP, DONE)

    assert deltas(sent) == [{"role": "assistant", "content": ""}, {"content": ""}, {"content": "sec"}, {}]
    assert sent[1]["usage"] == usage


def test_a_role_that_is_said_with_every_piece_keeps_no_empty_chunk_alive():
    sent = frames(ROLE, delta(role="assistant", content="sec"), delta(role="assistant", content="ret"), STOP, DONE)

    assert deltas(sent)[1:] == [{"role": "assistant", "content": HIDDEN}, {}]


def test_logprobs_of_a_text_that_was_changed_go_and_others_stay():
    def chunk(text: str) -> bytes:
        logprobs = {"content": [{"token": text, "logprob": -0.1, "bytes": None, "top_logprobs": []}]}
        return event({"id": "c1", "choices": [{"index": 0, "delta": {"content": text}, "logprobs": logprobs, "finish_reason": None}]})

    sent = frames(ROLE, chunk("plain "), chunk("secret"), STOP, DONE)

    kept, dropped = (frame["choices"][0]["logprobs"] for frame in sent[1:3])
    assert kept["content"][0]["token"] == "plain "
    assert dropped is None


def test_numbers_and_fields_nobody_knows_stay_in_a_chunk_that_is_changed():
    chunk = b'data: {"big":123456789.00000000000001,"choices":[{"x":[0.30],"index":0,"delta":{"content":"secret"}}],"new":0.10}\n\n'

    sent = guarded().feed(ROLE + chunk).removeprefix(ROLE)

    assert sent == chunk.replace(b"secret", HIDDEN.encode())


def test_the_padding_of_chunks_may_differ():
    def chunk(text: str, padding: str) -> bytes:
        return event({"id": "c1", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}], "obfuscation": padding})

    sent = frames(ROLE, chunk("a ", "x"), chunk("b sec", "yy"), chunk("ret c", "z"), chunk("}], ", "}]"), STOP, DONE)

    assert [each.get("content") for each in deltas(sent)] == ["", "a ", "b ", f"{HIDDEN} c", "}], ", None]
    assert [frame.get("obfuscation") for frame in sent[1:5]] == ["x", "yy", "z", "}]"]


def test_a_word_is_hidden_in_each_choice_by_itself():
    def both(first: str, second: str) -> bytes:
        choices = [{"index": at, "delta": {"content": text}, "finish_reason": None} for at, text in enumerate((first, second))]
        return event({"id": "c1", "choices": choices})

    guard = HidingGuard()
    sent = frames(both("sec", "sec"), both("ret", "ond"), DONE, guard=guard)

    assert texts_of("chat", sent) == {"(0, 'content')": HIDDEN, "(1, 'content')": "second"}
    assert guard.paths == [("choices.0.message.content", "text"), ("choices.1.message.content", "text")]


def test_what_is_thought_is_a_text_of_its_own_that_ends_where_the_answer_begins():
    guard = HidingGuard()
    sent = frames(ROLE, delta(reasoning_content="so sec"), delta(reasoning_content="ret se"), delta(content="Hi "), STOP, DONE, guard=guard)

    assert deltas(sent)[1:] == [
        {"reasoning_content": "so "},
        {"reasoning_content": f"{HIDDEN} "},
        {"reasoning_content": "se"},
        {"content": "Hi "},
        {},
    ]
    assert guard.paths == [("choices.0.message.reasoning_content", "reasoning"), ("choices.0.message.content", "text")]


def test_a_content_in_parts_is_guarded_across_them():
    def parts(*texts: str, is_thought: bool = False) -> bytes:
        said = [{"type": "text", "text": text} for text in texts]
        return delta(content=[{"type": "thinking", "thinking": said}] if is_thought else said)

    sent = frames(
        ROLE, parts("a sec", is_thought=True), parts("ret", is_thought=True), parts("b s", "ec"), delta(content="ret"), STOP, DONE
    )

    assert texts_of("chat", sent) == {"(0, 'content', 'thinking')": f"a {HIDDEN}", "(0, 'content')": f"b {HIDDEN}"}


def test_details_of_what_was_thought_are_guarded_and_seals_stay():
    def detail(text: str, **fields: Any) -> bytes:
        return delta(reasoning=text, reasoning_details=[{"type": "reasoning.text", "index": 0, "text": text, **fields}])

    sent = frames(ROLE, detail("a sec"), detail("ret", signature="abc"), delta(content="Hi"), STOP, DONE)

    assert texts_of("chat", sent) == {"(0, 'reasoning')": f"a {HIDDEN}", "(0, 'details', 0)": f"a {HIDDEN}", "(0, 'content')": "Hi"}
    assert '"signature": "abc"' in json.dumps(sent)


def test_texts_in_fields_nobody_knows_are_guarded_as_they_come():
    sent = frames(ROLE, delta(executed_tools=[{"type": "search", "output": "a secret"}]), STOP, DONE)

    assert deltas(sent)[1] == {"executed_tools": [{"type": "search", "output": f"a {HIDDEN}"}]}


def test_halves_of_a_character_are_replaced_rather_than_passed_unread():
    stream = guarded()
    stream.feed(ROLE + delta(content="a "))

    sent = stream.feed(delta(content="secret ").replace(b"secret ", rb"secret \ud83d"))

    assert deltas(parse_frames(sent)) == [{"content": f"{HIDDEN} \ufffd"}]


def test_what_is_no_chunk_is_no_stream():
    stream = guarded()
    stream.feed(ROLE + delta(content="a "))

    with pytest.raises(ValueError, match="not an event"):
        stream.feed(b'data: {"choices":[}\n\n')


# --- calls ----------------------------------------------------------------------------------------------------------------------


def test_a_call_is_held_until_the_finish_and_passes_as_its_own_bytes():
    guard = HidingGuard()
    stream = guarded(guard)
    pieces = [delta(role="assistant", content=None), call("", id="c", name="find"), call('{"a":'), call("1}")]

    sent = [stream.feed(piece) for piece in pieces]
    finished = stream.feed(delta("tool_calls"))

    assert sent == [pieces[0], b"", b"", b""]
    assert finished == b"".join(pieces[1:]) + delta("tool_calls")
    assert guard.calls == [("find", '{"a":1}')]


def test_changed_arguments_stand_where_the_call_began():
    pieces = [call("", id="c", name="find"), call('{"a":"sec'), call('ret"}'), call("", 1, id="d", name="ask"), call('{"b":2}', 1)]

    sent = frames(ROLE, *pieces, delta("tool_calls"), DONE)

    assert texts_of("chat", sent) == {"(0, 'call', 0)": f'{{"a":"{HIDDEN}"}}', "(0, 'call', 1)": '{"b":2}'}
    assert deltas(sent)[1]["tool_calls"][0]["function"] == {"name": "find", "arguments": f'{{"a":"{HIDDEN}"}}'}


def test_a_call_that_comes_with_the_finish_is_checked_too():
    sent = frames(ROLE, call('{"a":"secret"}', finish_reason="tool_calls", id="c", name="find"), DONE)

    assert texts_of("chat", sent) == {"(0, 'call', 0)": f'{{"a":"{HIDDEN}"}}'}


def test_text_that_comes_with_a_call_is_guarded_and_the_call_still_held():
    both = delta(content="a secret ", tool_calls=[{"index": 0, "id": "c", "function": {"name": "find", "arguments": "{}"}}])
    stream = guarded()

    first = stream.feed(ROLE + both)
    rest = stream.feed(delta("tool_calls"))

    assert deltas(parse_frames(first))[1:] == [{"content": f"a {HIDDEN} "}]
    assert texts_of("chat", parse_frames(rest)) == {"(0, 'call', 0)": "{}"}


def test_calls_of_one_index_with_ids_of_their_own_are_calls_of_their_own():
    guard = HidingGuard()
    frames(ROLE, call('{"a":1}', id="c", name="find"), call('{"b":2}', id="d", name="ask"), delta("tool_calls"), DONE, guard=guard)

    assert guard.calls == [("find", '{"a":1}'), ("ask", '{"b":2}')]


def test_the_older_form_of_a_call_is_checked():
    pieces = [delta(function_call={"name": "find", "arguments": ""}), delta(function_call={"arguments": '"secret"'})]
    guard = HidingGuard()

    sent = frames(ROLE, *pieces, delta("function_call"), DONE, guard=guard)

    assert guard.calls == [("find", '"secret"')]
    assert deltas(sent)[1]["function_call"] == {"name": "find", "arguments": f'"{HIDDEN}"'}


def test_calls_that_are_endless_are_cut_off(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("proxy.guarding.stream_base.HELD_LIMIT_BYTES", 1000)
    stream = guarded()
    stream.feed(ROLE)

    with pytest.raises(UpstreamBroken, match="too long"):
        for _ in range(100):
            stream.feed(call("12345"))


# --- ends -----------------------------------------------------------------------------------------------------------------------


def test_a_block_before_anything_was_sent_leaves_nothing_to_see():
    stream = guarded()

    with pytest.raises(ContentFiltered) as caught:
        stream.feed(ROLE + delta(content="it is forbidden"))

    assert isinstance(caught.value.__cause__, StreamBlocked)
    assert not stream.has_content
    assert [frame for frame in parse_frames(stream.fail(caught.value)) if frame != "[DONE]" and "error" not in frame] == []


def test_what_was_let_go_of_the_piece_that_is_blocked_counts_as_unseen():
    stream = guarded()

    with pytest.raises(ContentFiltered) as caught:
        stream.feed(ROLE + delta(content="a good ") + delta(content="forbidden"))

    assert not stream.has_content
    assert b"good" not in stream.fail(caught.value)


def test_a_block_ends_the_choice_as_filtered_and_then_says_why():
    stream = guarded()
    stream.feed(ROLE + delta(content="a sec"))

    with pytest.raises(ContentFiltered) as caught:
        stream.feed(delta(content="ret b ") + delta(content="forbidden"))
    sent = parse_frames(stream.fail(caught.value))

    assert [frame["choices"][0]["delta"] for frame in sent[:2]] == [{"content": f"{HIDDEN} b "}, {}]
    assert [frame["choices"][0]["finish_reason"] for frame in sent[:2]] == [None, "content_filter"]
    assert sent[2]["error"]["code"] == "content_filter"
    assert sent[3] == "[DONE]"


def test_a_call_that_is_blocked_was_never_seen():
    stream = guarded()
    seen = stream.feed(ROLE + delta(content="a ") + call("forbidden", id="c", name="find"))

    with pytest.raises(ContentFiltered):
        stream.feed(delta("tool_calls"))

    assert b"find" not in seen


def test_another_failure_says_nothing_of_what_was_held():
    stream = guarded()
    stream.feed(ROLE + delta(content="a sec"))

    sent = parse_frames(stream.fail(UpstreamBroken()))

    assert "sec" not in json.dumps(sent)
    assert "content_filter" not in json.dumps(sent)


def test_content_is_there_once_something_was_let_go_and_counts_are_the_providers():
    stream = guarded()

    stream.feed(ROLE + delta(content="sec"))
    assert (stream.has_content, stream.content_bytes) == (False, 3)
    stream.feed(delta(content="ond"))
    assert (stream.has_content, stream.content_bytes) == (True, 6)
    stream.feed(USAGE)
    assert stream.usage is not None


def test_a_stream_held_whole_leaves_with_its_end():
    stream = guarded(HidingGuard(holds_all=True))

    sent = stream.feed(ROLE + delta(content="a secret") + delta(content="!") + STOP + USAGE + DONE)

    assert (sent, stream.is_done, stream.has_content) == (b"", True, True)
    assert texts_of("chat", parse_frames(stream.tail)) == {"(0, 'content')": f"a {HIDDEN}!"}


# --- completions ----------------------------------------------------------------------------------------------------------------


def completion(text: str, finish_reason: str | None = None) -> bytes:
    choices = [{"index": 0, "text": text, "logprobs": None, "finish_reason": finish_reason}]
    return event({"id": "c1", "object": "text_completion", "choices": choices})


def test_a_completion_is_guarded_in_its_own_form():
    guard = HidingGuard()
    sent = frames(completion("a sec"), completion("ret b se"), completion("", "stop"), DONE, guard=guard, operation="completions")

    assert [frame["choices"][0]["text"] for frame in sent[:-1]] == ["a ", f"{HIDDEN} b ", "se"]
    assert sent[-2]["choices"][0]["finish_reason"] == "stop"
    assert guard.paths == [("choices.0.text", "text")]


def test_a_blocked_completion_ends_as_filtered():
    stream = guarded(operation="completions")
    stream.feed(completion("a "))

    with pytest.raises(ContentFiltered) as caught:
        stream.feed(completion("forbidden"))

    assert parse_frames(stream.fail(caught.value))[0]["choices"] == [
        {"index": 0, "text": "", "logprobs": None, "finish_reason": "content_filter"}
    ]
