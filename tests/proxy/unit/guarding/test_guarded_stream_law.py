"""The law of guarded streams: what a client puts together is what may pass of the whole text, however text and bytes were cut."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.guarding.stream import guard_stream
from proxy.wire.sse import SseDecoder
from tests.proxy import chat_help, messages_help, responses_help
from tests.proxy.guarding_help import BEGIN, FORBIDDEN, HidingGuard, hide, run, texts_of
from tests.proxy.pieces import draw_pieces, unhurried

_TEXTS = st.lists(
    st.one_of(
        st.sampled_from(
            ["secret", "sec", "ret", "s", '"', "\\", '"}],', "data: [DONE]", "\n\n", "message_stop", " ", "é", "✓", "😀", "\u2028"]
        ),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    ),
    max_size=20,
).filter(lambda pieces: FORBIDDEN not in "".join(pieces))


def _chat(pieces: list[str]) -> bytes:
    return b"".join([chat_help.ROLE, *(chat_help.delta(content=piece) for piece in pieces), chat_help.STOP, chat_help.DONE])


def _padded_chat(pieces: list[str]) -> bytes:
    stream = _chat(pieces).split(b"\n\n")
    return b"\n\n".join(
        event[:-1] + b', "obfuscation": "%b"}' % (b"x" * at) if event[-1:] == b"}" else event for at, event in enumerate(stream)
    )


def _completions(pieces: list[str]) -> bytes:
    chunks = [{"id": "c", "choices": [{"index": 0, "text": piece, "finish_reason": None}]} for piece in pieces]
    return b"".join([*map(chat_help.event, chunks), chat_help.DONE])


def _messages(pieces: list[str]) -> bytes:
    deltas = (messages_help.delta(0, "text_delta", text=piece) for piece in pieces)
    return b"".join(
        [messages_help.START, messages_help.TEXT_START, *deltas, messages_help.TEXT_STOP, messages_help.END_TURN, messages_help.STOP]
    )


def _responses(pieces: list[str]) -> bytes:
    item = responses_help.message_item("".join(pieces))
    deltas = (responses_help.text_delta(piece, 3 + at) for at, piece in enumerate(pieces))
    completed = responses_help.event("response.completed", 3 + len(pieces), response=responses_help.response(item))
    return b"".join([responses_help.CREATED, responses_help.IN_PROGRESS, responses_help.ITEM_ADDED, *deltas, completed])


@pytest.mark.parametrize(
    ("operation", "dump"),
    [("chat", _chat), ("chat", _padded_chat), ("completions", _completions), ("messages", _messages), ("responses", _responses)],
)
@given(data=st.data(), pieces=_TEXTS)
@unhurried
def test_the_whole_is_what_may_pass_of_the_whole(
    operation: str, dump: Callable[[list[str]], bytes], data: st.DataObject, pieces: list[str]
):
    sent = run(guard_stream(BEGIN[operation](), operation, HidingGuard()), draw_pieces(data, dump(pieces)))

    decoder = SseDecoder()
    events = [json.loads(event.data) for event in decoder.feed(sent) if event.data != b"[DONE]"]
    assert "".join(texts_of(operation, events).values()) == hide("".join(pieces))
    if operation == "responses":
        assert events[-1]["response"]["output"][0]["content"][0]["text"] == hide("".join(pieces))
        assert [each["sequence_number"] for each in events] == list(range(len(events)))
