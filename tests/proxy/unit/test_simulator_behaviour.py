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


def body(model: str, **options: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "What is a rate limiter?"}], **options}


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


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/responses", "/api/chat"])
@pytest.mark.parametrize(("model", "is_complete"), [("sim-cut", False), ("sim-error-in-stream", True), ("sim-malformed", True)])
async def test_faults_are_the_same_in_every_dialect(path, model, is_complete):
    request = body(model, stream=True, max_tokens=50, input="What is a rate limiter?")

    called = await call(Simulator(), "POST", path, request, {"anthropic-version": "2023-06-01"})

    assert called.status == 200
    assert called.is_complete is is_complete
    assert len(called.chunks) > 4
    assert (b'"error"' in called.body.replace(b'"error":null', b"")) is (model == "sim-error-in-stream")


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
    ("headers", "status"),
    [
        ({"authorization": "Bearer right"}, 200),
        ({"x-api-key": "right"}, 200),
        ({"api-key": "right"}, 200),
        ({"authorization": "Bearer wrong"}, 401),
        ({"authorization": "Basic right"}, 401),
        ({}, 401),
    ],
)
async def test_required_key_refuses_every_other(headers, status):
    called = await call(Simulator("right"), "POST", CHAT_PATH, body("sim-fast"), headers)

    assert called.status == status
    if status == 401:
        assert called.json()["error"]["code"] == "invalid_api_key"


async def test_any_key_or_none_will_do_where_none_is_required():
    assert (await ask("sim-fast")).status == 200
    assert (await call(Simulator(), "POST", CHAT_PATH, body("sim-fast"), {"authorization": "nonsense"})).status == 200


async def test_body_above_the_limit_is_refused(monkeypatch):
    monkeypatch.setattr("proxy.simulator.exchange.MAX_BODY_BYTES", 10)

    called = await ask("sim-fast")

    assert called.status == 413
