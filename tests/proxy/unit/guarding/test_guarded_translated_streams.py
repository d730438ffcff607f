"""Streams that were translated from another provider's dialect, under a guard: the clients' four dialects over what providers sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, cast

import pytest

from proxy.errors import GatewayError
from proxy.guarding.stream import guard_stream
from proxy.translators.clients import chat, completions, messages, responses
from proxy.translators.providers import anthropic, gemini, openai
from proxy.translators.translated import TranslatedStream
from proxy.translators.translation import StreamTranslation
from proxy.wire.completions import parse_completions_request
from proxy.wire.openai import parse_chat_request
from proxy.wire.sse import SseDecoder
from tests.proxy import messages_help, responses_help
from tests.proxy.chat_help import chat as ask_chat
from tests.proxy.guarding_help import HIDDEN, HidingGuard, PassingGuard, run, texts_of
from tests.proxy.recorded import recorded_streams

CLIENTS = {"chat": chat.CODEC, "completions": completions.CODEC, "messages": messages.CODEC, "responses": responses.CODEC}
PROVIDERS = {"openai": openai.CODEC, "anthropic": anthropic.CODEC, "gemini": gemini.CODEC}
REQUESTS = {
    "chat": parse_chat_request(ask_chat(stream=True), 64),
    "completions": parse_completions_request(b'{"model":"m","prompt":"Hi","stream":true}', 64),
    "messages": messages_help.asked(stream=True),
    "responses": responses_help.asked(stream=True),
}
_WORD = re.compile(r"[a-zA-Z]{4,}")


def begin(operation: str, provider: str) -> StreamTranslation:
    return TranslatedStream(CLIENTS[operation], PROVIDERS[provider], REQUESTS[operation])


def _readable() -> list[tuple[str, str, str]]:
    found = []
    for name, stream in recorded_streams().items():
        for operation in CLIENTS:
            for provider in PROVIDERS:
                try:
                    run(begin(operation, provider), [stream])
                except (ValueError, GatewayError):
                    continue
                found.append((operation, provider, name))
    return found


READABLE = _readable()


def events_of(stream: bytes) -> Iterable[Any]:
    decoder = SseDecoder()
    events = [*decoder.feed(stream), *decoder.close()]
    return [json.loads(event.data) for event in events if event.data != b"[DONE]"]


def texts_sent(operation: str, provider: str, name: str, guard: HidingGuard) -> dict[str, str]:
    stream = recorded_streams()[name]
    pieces = [stream[at : at + 777] for at in range(0, len(stream), 777)]
    return texts_of(operation, events_of(run(guard_stream(begin(operation, provider), operation, guard), pieces)))


def test_every_dialect_is_written_from_every_provider():
    assert len({(operation, provider) for operation, provider, _ in READABLE}) == len(CLIENTS) * len(PROVIDERS)


@pytest.mark.parametrize(("operation", "provider", "name"), READABLE)
def test_a_word_is_hidden_and_nothing_else_changed(operation: str, provider: str, name: str, monkeypatch: pytest.MonkeyPatch):
    texts = texts_sent(operation, provider, name, PassingGuard())
    words = [word for text in texts.values() for word in _WORD.findall(text)]
    if not words:
        pytest.skip("a stream without words")
    word = max(sorted(set(words)), key=words.count)
    monkeypatch.setattr("tests.proxy.guarding_help.SECRET", word)

    sent = texts_sent(operation, provider, name, HidingGuard())

    assert sent == {place: text.replace(word, HIDDEN) for place, text in texts.items()}


@pytest.mark.parametrize(("operation", "provider", "name"), [each for each in READABLE if each[0] == "responses"])
def test_a_failure_repeats_nothing_that_was_hidden(operation: str, provider: str, name: str, monkeypatch: pytest.MonkeyPatch):
    stream = recorded_streams()[name]
    texts = texts_sent(operation, provider, name, PassingGuard())
    words = [word for text in texts.values() for word in _WORD.findall(text)] or ["secret"]
    monkeypatch.setattr("tests.proxy.guarding_help.SECRET", max(sorted(set(words)), key=lambda word: (words.count(word), len(word))))
    guarded = guard_stream(begin(operation, provider), operation, HidingGuard())
    guarded.feed(stream[: len(stream) - 40])

    failed = cast("dict[str, Any]", list(events_of(guarded.fail(GatewayError())))[-1])

    assert (failed["type"], failed["response"]["output"]) == ("response.failed", [])
