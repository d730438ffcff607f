"""The official `openai` client, unchanged: which of its exceptions a refusal becomes, and what it does by itself about it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import openai
import pytest

from tests.installation import Installation
from tests.metrics import answered_count

HELLO = [{"role": "user", "content": "Hello!"}]


@pytest.fixture
def paced(installation: Installation, keys: dict[str, str]) -> Iterator[openai.OpenAI]:
    """A client whose key may send two requests a second."""
    with openai.OpenAI(base_url=f"{installation.base_url}/v1", api_key=keys["paced"]) as client:
        yield client


def _body(error: openai.APIError) -> tuple[str | None, str | None, str | None]:
    return error.type, error.code, error.param


def test_a_wrong_key_is_an_authentication_error_and_not_retried(installation: Installation, client: openai.OpenAI) -> None:
    before = answered_count(installation, status="401")

    with pytest.raises(openai.AuthenticationError) as caught:
        client.with_options(api_key="sk-not-ours").chat.completions.create(model="sim-fast", messages=HELLO)

    assert caught.value.status_code == 401
    assert _body(caught.value) == ("authentication_error", "invalid_api_key", None)
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert caught.value.request_id == caught.value.response.headers["request-id"]
    assert answered_count(installation, status="401") == before + 1


def test_an_unknown_model_is_a_not_found_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="gpt-99", messages=HELLO)

    assert _body(caught.value) == ("invalid_request_error", "model_not_found", "model")


def test_retrieving_an_unknown_model_is_a_not_found_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("gpt-99")

    assert caught.value.code == "model_not_found"


def test_a_model_that_the_key_may_not_use_is_a_permission_denied_error(client: openai.OpenAI, keys: dict[str, str]) -> None:
    narrow = client.with_options(api_key=keys["narrow"])

    assert narrow.chat.completions.create(model="sim-fast", messages=HELLO).choices
    with pytest.raises(openai.PermissionDeniedError) as caught:
        narrow.chat.completions.create(model="sim-chat", messages=HELLO)
    assert _body(caught.value)[:2] == ("permission_error", "model_not_allowed")
    with pytest.raises(openai.PermissionDeniedError):
        narrow.models.retrieve("sim-chat")


def test_a_parameter_of_the_wrong_type_is_a_bad_request_error_that_names_it(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="sim-fast", messages=HELLO, temperature="hot")  # type: ignore[call-overload]

    assert caught.value.type == "invalid_request_error"
    assert caught.value.param == "temperature"


def test_what_the_provider_refuses_keeps_its_words(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="sim-fast", messages=[{"role": "user", "content": "word " * 140_000}])

    assert _body(caught.value) == ("invalid_request_error", "context_length_exceeded", "messages")
    assert "maximum context length is 131072 tokens" in caught.value.message


def test_a_rate_limited_client_waits_as_told_and_succeeds(installation: Installation, paced: openai.OpenAI) -> None:
    before = answered_count(installation, status="429")
    started_at = time.monotonic()

    answers = [paced.chat.completions.create(model="sim-fast", messages=HELLO) for _ in range(5)]

    # Two at once, then one each half second: three have to wait, a second and a half in all.
    assert all(answer.choices for answer in answers)
    assert time.monotonic() - started_at > 1.0
    assert answered_count(installation, status="429") > before


def test_a_rate_limited_client_without_retries_gets_an_error_that_says_how_long(paced: openai.OpenAI) -> None:
    eager = paced.with_options(max_retries=0)

    with pytest.raises(openai.RateLimitError) as caught:
        for _ in range(20):
            eager.chat.completions.create(model="sim-fast", messages=HELLO)

    headers = caught.value.response.headers
    assert _body(caught.value) == ("rate_limit_error", "rate_limit_exceeded", None)
    assert headers["retry-after"] == "1"
    assert 0 < int(headers["retry-after-ms"]) <= 500
    assert headers["x-ratelimit-limit-requests"] == "2"
    assert headers["x-ratelimit-remaining-requests"] == "0"
    assert headers["x-ratelimit-reset-requests"].endswith(("ms", "s"))
    assert "x-should-retry" not in headers


def test_a_rate_limited_stream_is_refused_before_it_begins(paced: openai.OpenAI) -> None:
    eager = paced.with_options(max_retries=0)

    def stream() -> None:
        with eager.chat.completions.create(model="sim-fast", messages=HELLO, stream=True) as chunks:
            assert list(chunks)

    with pytest.raises(openai.RateLimitError):
        for _ in range(20):
            stream()
