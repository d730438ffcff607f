"""What each model name does: timing, faults, refused keys, and clients that leave."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import msgspec
import pytest

from proxy.simulator.app import Simulator
from proxy.simulator.behaviour import BEHAVIOURS, CHAT, get_behaviour
from proxy.simulator.testing import Called, call

CHAT_PATH = "/v1/chat/completions"
DIALECTS = ("openai", "azure", "responses", "anthropic", "gemini", "ollama")
BIG_BYTES = 10 * 1024 * 1024
SAID = "Repeat: Hello there"


def body(model: str, **options: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "What is a rate limiter?"}], **options}


async def call_dialect(
    dialect: str,
    model: str,
    *,
    stream: bool = False,
    app: Simulator | None = None,
    headers: dict[str, str] | None = None,
    delay_ms: int | None = None,
    leave_after: int | None = None,
) -> Called:
    """Ask the same of `model` in any of the dialects."""
    said = SAID if model == "sim-slow-start" else "What is a rate limiter?"
    messages = [{"role": "user", "content": said}]
    actions = {False: "generateContent", True: "streamGenerateContent?alt=sse"}
    path, request = {
        "openai": (CHAT_PATH, {"messages": messages}),
        "azure": (f"/openai/deployments/{model}/chat/completions?api-version=2024-10-21", {"messages": messages}),
        "responses": ("/v1/responses", {"input": said}),
        "anthropic": ("/v1/messages", {"messages": messages, "max_tokens": 500}),
        "gemini": (f"/v1beta/models/{model}:{actions[stream]}", {"contents": [{"parts": [{"text": said}]}]}),
        "ollama": ("/api/chat", {"messages": messages}),
    }[dialect]
    sent = {"anthropic-version": "2023-06-01"} if dialect == "anthropic" else {}
    if delay_ms is not None:
        sent["x-sim-delay-ms"] = str(delay_ms)
    if dialect != "gemini":
        request |= {"model": model, "stream": stream}
    return await call(app or Simulator(), "POST", path, request, sent | (headers or {}), leave_after=leave_after)


def split_slow_start(called: Called, end: bytes = b"\n\n") -> tuple[list[bytes], list[bytes]]:
    """Return the writes that are whole events, and those after them that together make up the first event with content."""
    first = next(n for n, chunk in enumerate(called.chunks) if not chunk.endswith(end))
    last = next(n for n, chunk in enumerate(called.chunks) if n > first and chunk.endswith(end))
    return list(called.chunks[:first]), list(called.chunks[first : last + 1])


async def ask(model: str, app: Simulator | None = None, **options: Any) -> Called:
    return await call(app or Simulator(), "POST", CHAT_PATH, body(model, **options))


async def logs(app: Simulator) -> list[dict[str, Any]]:
    return (await call(app, "GET", "/logs")).json()["requests"]


def test_chat_takes_a_quarter_of_a_second_and_sixty_tokens_a_second():
    assert BEHAVIOURS["sim-chat"].duration_s(60) == pytest.approx(1.25)
    assert BEHAVIOURS["sim-slow"].duration_s(8) == pytest.approx(3.0)
    assert BEHAVIOURS["sim-fast"].duration_s(1000) == 0.0


def test_a_name_of_another_family_behaves_like_chat_and_a_tag_is_ignored():
    assert get_behaviour("gpt-4o-mini") == CHAT
    assert get_behaviour("sim-slow:latest") == BEHAVIOURS["sim-slow"]


async def test_chat_waits_before_the_first_token_and_between_tokens():
    started_s = time.perf_counter()

    called = await ask("sim-chat", stream=True, max_tokens=4)

    assert called.is_complete
    assert time.perf_counter() - started_s >= 0.25 + 3 / 60 - 0.01


async def test_delay_header_replaces_the_time_to_the_first_token():
    called = await call(Simulator(), "POST", CHAT_PATH, body("sim-fast"), {"x-sim-delay-ms": "60000"}, leave_after=0)

    assert called.status is None  # a model without delay has answered before it can notice that nobody listens
    assert BEHAVIOURS["sim-slow"].delayed(0.5).first_token_s == 0.5


@pytest.mark.parametrize("value", ["soon", "-1", "nan", "1e9"])
async def test_delay_header_that_is_no_delay_is_a_bad_request(value):
    called = await call(Simulator(), "POST", CHAT_PATH, body("sim-fast"), {"x-sim-delay-ms": value})

    assert called.status == 400


@pytest.mark.parametrize("stream", [False, True])
async def test_500_and_429_fail_before_anything_is_sent(stream):
    failed, limited = await ask("sim-500", stream=stream), await ask("sim-429", stream=stream)

    assert (failed.status, failed.json()["error"]["type"]) == (500, "server_error")
    assert (limited.status, limited.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert limited.headers["retry-after"] == "2"


async def test_unknown_sim_model_is_not_found():
    called = await ask("sim-nothing")

    assert called.status == 404
    assert called.json()["error"] == {
        "message": "The model `sim-nothing` does not exist or you do not have access to it.",
        "type": "invalid_request_error",
        "param": None,
        "code": "model_not_found",
    }


@pytest.mark.parametrize("stream", [False, True])
async def test_hang_never_answers_and_ends_when_the_client_leaves(stream):
    app = Simulator()

    called = await call(app, "POST", CHAT_PATH, body("sim-hang", stream=stream), leave_after=0)

    assert called == Called(None, {}, (), False)
    (entry,) = await logs(app)
    assert (entry["status"], entry["disconnected"]) == (None, True)


async def test_cut_stream_ends_after_some_content_without_an_end_mark():
    called = await ask("sim-cut", stream=True)

    assert called.status == 200
    assert not called.is_complete
    assert [event["choices"][0]["finish_reason"] for event in called.events()] == [None] * 9


async def test_cut_body_is_shorter_than_it_announced():
    called = await ask("sim-cut")

    assert not called.is_complete
    assert 0 < len(called.body) < int(called.headers["content-length"])


async def test_error_in_stream_follows_some_content():
    called = await ask("sim-error-in-stream", stream=True)

    *chunks, error, end = called.events()
    assert called.status == 200
    assert len(chunks) == 9
    assert list(error) == ["error"]
    assert list(error["error"]) == ["message", "type", "param", "code"]
    assert end == "[DONE]"


async def test_error_in_stream_without_a_stream_is_an_error_under_status_200():
    called = await ask("sim-error-in-stream")

    assert called.status == 200
    assert called.json()["error"]["type"] == "server_error"


async def test_malformed_body_and_malformed_stream_cannot_be_parsed():
    whole, streamed = await ask("sim-malformed"), await ask("sim-malformed", stream=True)

    assert whole.is_complete
    assert int(whole.headers["content-length"]) == len(whole.body)
    with pytest.raises(msgspec.DecodeError):
        whole.json()
    assert streamed.is_complete
    assert streamed.body.endswith(b"data: [DONE]\n\n")
    with pytest.raises(msgspec.DecodeError):
        streamed.events()


@pytest.mark.parametrize("stream", [False, True])
async def test_drip_sends_the_usual_answer_one_byte_at_a_time(stream):
    called = await ask("sim-drip", stream=stream, max_tokens=3)

    assert {len(chunk) for chunk in called.chunks} == {1}
    assert called.events()[-1] == "[DONE]" if stream else called.json()["usage"]["completion_tokens"] == 3


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("model", "is_complete"), [("sim-cut", False), ("sim-error-in-stream", True), ("sim-malformed", True)])
async def test_faults_of_a_stream_are_the_same_in_every_dialect(dialect, model, is_complete):
    called = await call_dialect(dialect, model, stream=True)

    assert called.status == 200
    assert called.is_complete is is_complete
    assert len(called.chunks) > 4
    assert (b'"error"' in called.body.replace(b'"error":null', b"")) is (model == "sim-error-in-stream")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("model", "status", "retry_after"), [("sim-500", 500, None), ("sim-429", 429, "2"), ("sim-nothing", 404, None)])
@pytest.mark.parametrize("stream", [False, True])
async def test_refusals_are_the_same_in_every_dialect(dialect, model, status, retry_after, stream):
    called = await call_dialect(dialect, model, stream=stream)

    assert called.status == status
    assert called.headers.get("retry-after") == retry_after
    assert "error" in called.json()


@pytest.mark.parametrize(("dialect", "status"), [("anthropic", 529), ("openai", 503), ("gemini", 503), ("ollama", 503)])
async def test_overloaded_has_the_status_of_its_provider(dialect, status):
    called = await call_dialect(dialect, "sim-overloaded", stream=True)

    assert (called.status, called.headers["retry-after"]) == (status, "1")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("stream", [False, True])
async def test_hang_and_drip_are_the_same_in_every_dialect(dialect, stream):
    hanging = await call_dialect(dialect, "sim-hang", stream=stream, leave_after=0)
    dripping = await call_dialect(dialect, "sim-drip", stream=stream)

    assert hanging.status is None
    assert {len(chunk) for chunk in dripping.chunks} == {1}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("stream", [False, True])
async def test_wrong_type_is_a_page_under_status_200(dialect, stream):
    called = await call_dialect(dialect, "sim-wrong-type", stream=stream)

    assert (called.status, called.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert called.body.startswith(b"<!DOCTYPE html>")


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_big_line_is_ten_megabytes_long_in_every_dialect(dialect):
    whole, streamed = await call_dialect(dialect, "sim-big-line"), await call_dialect(dialect, "sim-big-line", stream=True)

    assert whole.is_complete
    assert streamed.is_complete
    assert len(whole.body) > BIG_BYTES
    assert max(map(len, streamed.body.split(b"\n"))) > BIG_BYTES


@pytest.mark.parametrize("dialect", ["openai", "anthropic", "responses", "azure"])
async def test_slow_start_sends_its_opening_at_once_and_then_no_content_for_long(dialect):
    called = await call_dialect(dialect, "sim-slow-start", stream=True, delay_ms=100)

    opening, trickle = split_slow_start(called)
    assert called.is_complete
    assert opening
    assert b"Hello" not in b"".join(opening)
    assert b"Hello" in b"".join(trickle)
    assert len(trickle) >= 5


async def test_slow_start_lets_bytes_flow_for_the_whole_time_to_the_first_token():
    started_s = time.perf_counter()

    called = await call_dialect("ollama", "sim-slow-start", stream=True, delay_ms=200)

    assert time.perf_counter() - started_s >= 0.19
    assert len(split_slow_start(called, b"\n")[1]) >= 10


async def test_slow_start_of_a_body_sends_its_head_at_once_and_then_a_little_at_a_time():
    left = await call_dialect("openai", "sim-slow-start", delay_ms=60_000, leave_after=1)
    whole = await call_dialect("openai", "sim-slow-start", delay_ms=50)

    assert left.status == 200
    assert len(whole.chunks) >= 5
    assert whole.json()["choices"][0]["message"]["content"] == "Hello there"


async def test_client_that_leaves_a_stream_ends_it():
    app = Simulator()

    called = await call(app, "POST", CHAT_PATH, body("sim-slow", stream=True), {"x-sim-delay-ms": "0"}, leave_after=3)

    (entry,) = await logs(app)
    assert not called.is_complete
    assert len(called.chunks) <= 3
    assert (entry["status"], entry["stream"], entry["disconnected"]) == (200, True, True)


async def test_client_that_leaves_while_a_whole_answer_is_awaited_ends_it():
    app = Simulator()

    called = await call(app, "POST", CHAT_PATH, body("sim-slow"), leave_after=0)

    assert called.status is None
    assert (await logs(app))[0]["disconnected"] is True


async def test_client_that_leaves_before_its_body_is_complete_is_noticed():
    app = Simulator()
    messages = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: Any) -> None:
        raise AssertionError(message)

    await app({"type": "http", "method": "POST", "path": CHAT_PATH, "query_string": b"", "headers": []}, receive, send)

    assert (await logs(app))[0]["disconnected"] is True


async def test_stop_breaks_off_what_is_being_answered():
    app = Simulator()
    task = asyncio.create_task(call(app, "POST", CHAT_PATH, body("sim-hang")))
    await asyncio.sleep(0)  # one turn of the loop: the call runs until it has nothing left to do but wait

    app.stop()

    assert (await task).status is None
    assert (await logs(app))[0]["disconnected"] is False


@pytest.mark.parametrize(
    ("dialect", "headers", "status"),
    [
        ("openai", {"authorization": "Bearer right"}, 200),
        ("openai", {"authorization": "Bearer wrong"}, 401),
        ("openai", {"authorization": "Basic right"}, 401),
        ("openai", {"x-api-key": "right"}, 401),
        ("openai", {}, 401),
        ("ollama", {"authorization": "Bearer right"}, 200),
        ("anthropic", {"x-api-key": "right"}, 200),
        ("anthropic", {"authorization": "Bearer right"}, 200),
        ("anthropic", {"api-key": "right"}, 401),
        ("azure", {"api-key": "right"}, 200),
        ("azure", {"authorization": "Bearer right"}, 200),
        ("azure", {"x-api-key": "right"}, 401),
        ("gemini", {"x-goog-api-key": "right"}, 200),
        ("gemini", {"x-goog-api-key": "wrong"}, 400),
        ("gemini", {"authorization": "Bearer right"}, 403),
    ],
)
async def test_required_key_is_looked_for_where_the_provider_does(dialect, headers, status):
    called = await call_dialect(dialect, "sim-fast", app=Simulator("right"), headers=headers)

    assert called.status == status


async def test_wrong_key_is_named_and_a_missing_one_is_not():
    wrong = await call(Simulator("right"), "POST", CHAT_PATH, body("sim-fast"), {"authorization": "Bearer wrong"})
    missing = await call(Simulator("right"), "POST", CHAT_PATH, body("sim-fast"))

    assert wrong.json()["error"]["code"] == "invalid_api_key"
    assert missing.json()["error"]["code"] is None


async def test_any_key_or_none_will_do_where_none_is_required():
    assert (await ask("sim-fast")).status == 200
    assert (await call(Simulator(), "POST", CHAT_PATH, body("sim-fast"), {"authorization": "nonsense"})).status == 200


async def test_body_above_the_limit_is_refused(monkeypatch):
    monkeypatch.setattr("proxy.simulator.exchange.MAX_BODY_BYTES", 10)

    called = await ask("sim-fast")

    assert called.status == 413
