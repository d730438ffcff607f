"""Bodies that no well-behaved client sends: the contract's status and error, never a 500, and the connection goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection
from typing import Any

import pytest

from tests.http_talk import CHAT, PATIENCE_S, bearer, chat, check_error, read, send
from tests.installation import Installation

BODY_LIMIT_BYTES = 32 * 1024 * 1024
_HELLO = [{"role": "user", "content": "Hello!"}]


@pytest.fixture
def connection(installation: Installation) -> Iterator[HTTPConnection]:
    connection = HTTPConnection("127.0.0.1", installation.port, timeout=PATIENCE_S)
    yield connection
    connection.close()


def _is_usable(connection: HTTPConnection, key: str) -> bool:
    """Send a good request over the very connection of the bad one."""
    assert connection.sock is not None, "the connection was closed"
    return read(send(connection, "POST", CHAT, chat(), bearer(key))).status == 200


NO_JSON = {
    "nothing": b"",
    "only half": b'{"model": "sim-fast", "messages": [',
    "text": b"hello",
    "a comma too many": b'{"model": "sim-fast",}',
    "text behind it": json.dumps(chat()).encode() + b" and more",
    "NaN": b'{"model": "sim-fast", "temperature": NaN, "messages": [{"role": "user", "content": "x"}]}',
    "no UTF-8": b'{"model": "sim-\xff\xfe", "messages": [{"role": "user", "content": "x"}]}',
    "UTF-16": json.dumps(chat()).encode("utf-16"),
    "a lone surrogate": rb'{"model": "sim-fast", "messages": [{"role": "user", "content": "\ud800"}]}',
    "a NUL": b'{"model": "sim-fast\x00", "messages": [{"role": "user", "content": "x"}]}',
    "a list": b"[]",
    "a number": b"1" * 5000,
    "null": b"null",
    "a deep list": b"[" * 100_000,
    "a deep object": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
}


@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in NO_JSON.items()])
def test_a_body_that_is_no_json_object_is_a_400(connection: HTTPConnection, keys: dict[str, str], body: bytes) -> None:
    reply = read(send(connection, "POST", CHAT, body, bearer(keys["everything"])))

    check_error(reply, 400, "invalid_request_error", "invalid_request")
    assert _is_usable(connection, keys["everything"])


WRONG: dict[str, tuple[str, dict[str, Any]]] = {
    "no model": ("model", {"messages": _HELLO}),
    "a model that is a number": ("model", chat() | {"model": 1}),
    "a model that is null": ("model", chat() | {"model": None}),
    "an empty model": ("model", chat("")),
    "an endless model": ("model", chat("m" * 100_000)),
    "no messages": ("messages", {"model": "sim-fast"}),
    "messages that are text": ("messages", {"model": "sim-fast", "messages": "hello"}),
    "no message": ("messages", {"model": "sim-fast", "messages": []}),
    "a message that is text": ("messages[0]", {"model": "sim-fast", "messages": ["hello"]}),
    "a message of nobody": ("messages[0].role", {"model": "sim-fast", "messages": [{"content": "hello"}]}),
    "a content that is a number": ("messages[0].content", {"model": "sim-fast", "messages": [{"role": "user", "content": 1}]}),
    "a temperature in words": ("temperature", chat(temperature="hot")),
    "a stream that is text": ("stream", chat(stream="yes")),
    "no tokens at all": ("max_tokens", chat(max_tokens=0)),
    "fewer than no tokens": ("max_completion_tokens", chat(max_completion_tokens=-1)),
    "half a choice": ("n", chat(n=1.5)),
    "stream options that are a list": ("stream_options", chat(stream=True, stream_options=[])),
    "stream options without a stream": ("stream_options", chat(stream_options={"include_usage": True})),
    "usage that is text": ("stream_options.include_usage", chat(stream=True, stream_options={"include_usage": "yes"})),
}


@pytest.mark.parametrize(("param", "body"), [pytest.param(*case, id=name) for name, case in WRONG.items()])
def test_a_value_of_the_wrong_type_is_a_400_that_names_the_parameter(
    connection: HTTPConnection, keys: dict[str, str], param: str, body: dict[str, Any]
) -> None:
    reply = read(send(connection, "POST", CHAT, body, bearer(keys["everything"])))

    check_error(reply, 400, "invalid_request_error", "invalid_request", param)
    assert _is_usable(connection, keys["everything"])


@pytest.mark.parametrize("model", ["gpt-99", "sim-fast ", "SIM-FAST", "../../etc/passwd", "'; DROP TABLE x; --", "模型", "\u0000", "sim-*"])
def test_an_unknown_model_is_a_404(connection: HTTPConnection, keys: dict[str, str], model: str) -> None:
    reply = read(send(connection, "POST", CHAT, chat(model), bearer(keys["everything"])))

    check_error(reply, 404, "invalid_request_error", "model_not_found", "model")
    assert _is_usable(connection, keys["everything"])


def test_sixty_four_levels_pass_and_one_more_is_a_400(connection: HTTPConnection, keys: dict[str, str]) -> None:
    def nested(levels_count: int) -> bytes:
        inner = b"[" * (levels_count - 1) + b"]" * (levels_count - 1)
        return json.dumps(chat()).encode()[:-1] + b', "metadata": ' + inner + b"}"

    passes = read(send(connection, "POST", CHAT, nested(64), bearer(keys["everything"])))
    refused = read(send(connection, "POST", CHAT, nested(65), bearer(keys["everything"])))

    assert passes.status == 200, passes.body
    check_error(refused, 400, "invalid_request_error", "invalid_request")
    assert _is_usable(connection, keys["everything"])


def test_brackets_in_text_are_no_levels(connection: HTTPConnection, keys: dict[str, str]) -> None:
    reply = read(send(connection, "POST", CHAT, chat(content='["{' * 5000), bearer(keys["everything"])))

    assert reply.status == 200


def test_a_body_over_the_limit_is_a_413_and_its_rest_is_read_away(connection: HTTPConnection, keys: dict[str, str]) -> None:
    reply = read(send(connection, "POST", CHAT, b"x" * (BODY_LIMIT_BYTES + 1), bearer(keys["everything"])))

    check_error(reply, 413, "invalid_request_error", "request_too_large")
    if connection.sock is not None:
        assert _is_usable(connection, keys["everything"])


def test_a_chunked_body_over_the_limit_is_a_413(installation: Installation, keys: dict[str, str]) -> None:
    connection = HTTPConnection("127.0.0.1", installation.port, timeout=PATIENCE_S)
    sent_bytes = 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent_bytes
        while sent_bytes <= BODY_LIMIT_BYTES + 1024 * 1024:
            sent_bytes += 1024 * 1024
            yield b"x" * (1024 * 1024)

    try:
        with suppress(ConnectionResetError, BrokenPipeError):  # answered and closed before all was sent
            connection.request(
                "POST", CHAT, pieces(), bearer(keys["everything"]) | {"content-type": "application/json"}, encode_chunked=True
            )
        reply = read(connection.getresponse())
    finally:
        connection.close()

    check_error(reply, 413, "invalid_request_error", "request_too_large")


def test_a_body_at_the_limit_is_read(connection: HTTPConnection, keys: dict[str, str]) -> None:
    body = json.dumps(chat()).encode()

    reply = read(send(connection, "POST", CHAT, body + b" " * (BODY_LIMIT_BYTES - len(body)), bearer(keys["everything"])))

    assert reply.status == 200


def test_repeated_fields_reach_the_provider_once_as_they_were_checked(connection: HTTPConnection, keys: dict[str, str]) -> None:
    body = b'{"model": "sim-500", "messages": [{"role": "user", "content": "Repeat: x"}], "model": "sim-fast"}'

    reply = read(send(connection, "POST", CHAT, body, bearer(keys["narrow"])))

    assert reply.status == 200
    assert reply.json["model"] == "sim-fast"


def test_unknown_fields_and_roles_are_the_providers_business(connection: HTTPConnection, keys: dict[str, str]) -> None:
    body = chat(a_field_of_tomorrow={"x": [1, 2]}) | {"messages": [{"role": "developer", "content": [{"type": "text", "text": "Hi"}]}]}

    assert read(send(connection, "POST", CHAT, body, bearer(keys["everything"]))).status == 200
