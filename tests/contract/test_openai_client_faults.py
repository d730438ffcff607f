"""The official `openai` client, unchanged: what it sees of a provider that fails, in every way that the simulator knows."""

from __future__ import annotations

import time
from typing import Any

import openai
import pytest

from tests.http_talk import CHAT, bearer, chat, check_error
from tests.installation import Installation
from tests.shared_installation import CREDENTIAL

HELLO = [{"role": "user", "content": "Hello!"}]
UPSTREAM = ("api_error", "upstream_error")


@pytest.fixture
def once(client: openai.OpenAI) -> openai.OpenAI:
    """The client without its own retries."""
    return client.with_options(max_retries=0)


def _stream(client: openai.OpenAI, model: str) -> list[Any]:
    """Return the chunks up to the end or the error, which comes last."""
    chunks: list[Any] = []
    try:
        with client.chat.completions.create(model=model, messages=HELLO, stream=True) as stream:
            for chunk in stream:
                chunks.append(chunk)  # noqa: PERF402  # what came before the error counts
    except openai.APIError as error:
        chunks.append(error)
    return chunks


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize("model", ["sim-500", "test-unreachable"])
def test_a_provider_that_fails_at_once_is_a_502(once: openai.OpenAI, model: str, is_stream: bool) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        once.chat.completions.create(model=model, messages=HELLO, stream=is_stream)

    assert caught.value.status_code == 502
    assert (caught.value.type, caught.value.code) == UPSTREAM


@pytest.mark.parametrize("model", ["sim-cut", "sim-malformed", "sim-error-in-stream"])
def test_an_answer_that_cannot_be_read_is_a_502(once: openai.OpenAI, model: str) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        once.chat.completions.create(model=model, messages=HELLO)

    assert caught.value.status_code == 502
    assert (caught.value.type, caught.value.code) == UPSTREAM


@pytest.mark.parametrize("is_stream", [False, True])
def test_the_providers_own_rate_limit_is_passed_on_with_its_wait(once: openai.OpenAI, is_stream: bool) -> None:
    with pytest.raises(openai.RateLimitError) as caught:
        once.chat.completions.create(model="sim-429", messages=HELLO, stream=is_stream)

    assert caught.value.code == "rate_limit_exceeded"
    assert float(caught.value.response.headers["retry-after"]) > 0
    assert caught.value.message.startswith("Error code: 429 - Rate limit reached for sim-429")


@pytest.mark.parametrize("model", ["sim-cut", "sim-error-in-stream", "sim-malformed"])
def test_a_stream_that_breaks_raises_after_what_came(once: openai.OpenAI, model: str) -> None:
    *chunks, error = _stream(once, model)

    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert isinstance(error, openai.APIError), error
    assert (error.type, error.code) == UPSTREAM


@pytest.mark.parametrize("model", ["sim-cut", "sim-error-in-stream", "sim-malformed"])
def test_a_stream_that_breaks_says_so_in_its_last_frame(installation: Installation, keys: dict[str, str], model: str) -> None:
    reply = installation.post(CHAT, chat(model, stream=True), keys["everything"])

    *_, failure, done = reply.events
    assert reply.status == 200
    assert set(failure["error"]) == {"message", "type", "param", "code"}
    assert failure["choices"] == [{"index": 0, "delta": {}, "finish_reason": "error"}]
    assert done == "[DONE]"
    record = installation.record_of(reply.request_id)
    assert (record["outcome"], record["status"], record["error_code"]) == ("error", 502, "upstream_error")


def test_a_stream_that_trickles_arrives_whole(client: openai.OpenAI) -> None:
    with client.chat.completions.create(
        model="sim-drip", messages=[{"role": "user", "content": "Repeat: one two"}], stream=True, stream_options={"include_usage": True}
    ) as stream:
        chunks = list(stream)

    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "one two"
    assert chunks[-1].usage.completion_tokens == 2


@pytest.mark.parametrize("is_stream", [False, True])
def test_a_provider_that_hangs_is_a_504_when_the_backends_time_is_over(once: openai.OpenAI, is_stream: bool) -> None:
    started_at = time.monotonic()

    with pytest.raises(openai.InternalServerError) as caught:
        once.chat.completions.create(model="test-hang", messages=HELLO, stream=is_stream)

    assert caught.value.status_code == 504
    assert (caught.value.type, caught.value.code) == ("api_error", "timeout")
    assert 0.4 < time.monotonic() - started_at < 5


def test_a_clients_own_timeout_is_the_deadline(installation: Installation, keys: dict[str, str]) -> None:
    started_at = time.monotonic()

    reply = installation.post(CHAT, chat("sim-hang"), headers=bearer(keys["everything"]) | {"x-stainless-read-timeout": "0.5"})

    check_error(reply, 504, "api_error", "timeout")
    assert 0.4 < time.monotonic() - started_at < 5


def test_a_client_with_a_timeout_of_its_own_is_not_kept_longer(once: openai.OpenAI) -> None:
    # It tells us its timeout, so the two clocks strike at once: either it gives up, or it is told that the provider was too slow.
    with pytest.raises((openai.APITimeoutError, openai.InternalServerError), match=r"timed out|504"):
        once.with_options(timeout=0.4).chat.completions.create(model="sim-hang", messages=HELLO)


def test_a_provider_sees_its_own_credential_and_never_ours(installation: Installation, keys: dict[str, str]) -> None:
    installation.clear_simulator_log()
    sent = {"x-api-key": "another", "cookie": "session=1", "openai-organization": "org-1", "x-forwarded-for": "203.0.113.9"}

    reply = installation.post(CHAT, chat("test-guarded"), keys["everything"], sent)

    assert reply.status == 200
    assert "set-cookie" not in reply.headers
    [entry] = installation.simulator_log()
    assert {"authorization", "openai-organization", "content-type", "content-length", "host"} <= set(entry["headers"])
    assert not {"x-api-key", "cookie", "x-forwarded-for"} & set(entry["headers"])
    assert CREDENTIAL.encode() not in reply.body
