"""Recorded streams of real providers under a guard: what it does not change stays, and what it hides is hidden wherever it was cut."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.errors import GatewayError
from proxy.guarding.stream import guard_stream
from proxy.wire.sse import SseDecoder
from tests.proxy.guarding_help import BEGIN, HIDDEN, HidingGuard, PassingGuard, run, texts_of
from tests.proxy.pieces import byte_by_byte, draw_pieces
from tests.proxy.recorded import recorded_streams


def _readable() -> list[tuple[str, str]]:
    """Return (operation, name) of the streams that pass to a client of the dialect."""
    found = []
    for name, stream in recorded_streams().items():
        for operation, begin in BEGIN.items():
            if (b'"text_completion"' in stream) != (operation == "completions"):
                continue
            try:
                run(begin(), [stream])
            except (ValueError, GatewayError):
                continue
            found.append((operation, name))
    return found


READABLE = _readable()
_WORD = re.compile(r"[a-zA-Z]{4,}")


def events_of(stream: bytes) -> list[Any]:
    decoder = SseDecoder()
    events = [*decoder.feed(stream), *decoder.close()]
    return [json.loads(event.data) for event in events if event.data != b"[DONE]"]


def _commonest_word(texts: dict[str, str]) -> str:
    words = [word for text in texts.values() for word in _WORD.findall(text)]
    return max(sorted(set(words)), key=words.count) if words else ""


def test_there_are_streams_of_three_dialects():
    assert {operation for operation, _ in READABLE} >= {"chat", "messages", "responses"}
    assert len(READABLE) > 30


@pytest.mark.parametrize(("operation", "name"), READABLE)
def test_a_stream_in_which_nothing_is_changed_passes_byte_by_byte_as_it_was(operation: str, name: str):
    stream = recorded_streams()[name]

    sent = run(guard_stream(BEGIN[operation](), operation, PassingGuard()), [stream])

    assert sent == run(BEGIN[operation](), [stream])


@pytest.mark.parametrize(("operation", "name"), READABLE)
@pytest.mark.parametrize("holds_all", [False, True])
def test_a_hidden_word_is_hidden_in_every_text(operation: str, name: str, holds_all: bool, monkeypatch: pytest.MonkeyPatch):
    stream = recorded_streams()[name]
    texts = texts_of(operation, events_of(run(BEGIN[operation](), [stream])))
    word = _commonest_word(texts)
    if not word:
        pytest.skip("a stream without words")
    monkeypatch.setattr("tests.proxy.guarding_help.SECRET", word)

    sent = run(guard_stream(BEGIN[operation](), operation, HidingGuard(holds_all=holds_all)), [stream])

    assert texts_of(operation, events_of(sent)) == {place: text.replace(word, HIDDEN) for place, text in texts.items()}


@pytest.mark.parametrize("name", [name for operation, name in READABLE if operation == "responses"])
def test_a_hidden_word_is_hidden_where_a_response_says_all_again(name: str, monkeypatch: pytest.MonkeyPatch):
    stream = recorded_streams()[name]
    word = _commonest_word(texts_of("responses", events_of(stream)))
    if not word:
        pytest.skip("a stream without words")
    monkeypatch.setattr("tests.proxy.guarding_help.SECRET", word)

    sent = events_of(run(guard_stream(BEGIN["responses"](), "responses", HidingGuard()), [stream]))

    said = [json.dumps([item.get("content"), item.get("arguments"), item.get("code")]) for item in sent[-1]["response"]["output"]]
    said += [json.dumps(event.get("text")) for event in sent] + [json.dumps(event.get("part")) for event in sent]
    assert not [text for text in said if word in re.sub(r'"annotations": \[.*?\], "logprobs"|"type": "\w+"', "", text)]
    numbers = [event["sequence_number"] for event in sent if "sequence_number" in event]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True


@given(data=st.data())
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_how_the_bytes_come_changes_no_text(data: st.DataObject, monkeypatch: pytest.MonkeyPatch):
    operation, name = data.draw(st.sampled_from(READABLE))
    stream = recorded_streams()[name]
    texts = texts_of(operation, events_of(run(BEGIN[operation](), [stream])))
    monkeypatch.setattr("tests.proxy.guarding_help.SECRET", _commonest_word(texts) or "secret")

    sent = run(guard_stream(BEGIN[operation](), operation, HidingGuard()), draw_pieces(data, stream))

    whole = run(guard_stream(BEGIN[operation](), operation, HidingGuard()), [stream])
    assert texts_of(operation, events_of(sent)) == texts_of(operation, events_of(whole))


@pytest.mark.parametrize("operation", ["chat", "messages", "responses"])
def test_a_stream_may_come_byte_by_byte(operation: str):
    name = min((name for each, name in READABLE if each == operation), key=lambda name: len(recorded_streams()[name]))
    stream = recorded_streams()[name]

    sent = run(guard_stream(BEGIN[operation](), operation, HidingGuard()), byte_by_byte(stream))

    assert events_of(sent) == events_of(run(guard_stream(BEGIN[operation](), operation, HidingGuard()), [stream]))
