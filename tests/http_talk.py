"""Plain HTTP for tests that look at the wire: requests, answers, server-sent events, and what the contract says of errors."""

from __future__ import annotations

import http.client
import json
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

PATIENCE_S = 30.0  # a busy machine; nothing that waits this long is expected to take long
PROMPTLY_S = 3.0  # where a second is promised: several installations may share the machine's two cores
CHAT = "/v1/chat/completions"
_INTERNALS = re.compile(r"Traceback|File \"|127\.0\.0\.1|localhost|\.py\b|psycopg|django|sqlstate", re.IGNORECASE)


def wait_for(is_true: Callable[[], Any], *, within_s: float = PATIENCE_S, every_s: float = 0.02) -> Any:
    """Return the first true value of `is_true()`. Errors: AssertionError."""
    deadline = time.monotonic() + within_s
    while not (value := is_true()):
        assert time.monotonic() < deadline, f"waited {within_s} s in vain"
        time.sleep(every_s)
    return value


@dataclass(frozen=True)
class Reply:
    """One whole answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def request_id(self) -> str:
        return self.headers["x-request-id"]

    @property
    def events(self) -> list[Any]:
        """The data of a stream's events: JSON, and `[DONE]` as the text it is. Comments are left out."""
        return list(parse_events(self.body))


def parse_events(body: bytes) -> Iterator[Any]:
    for block in body.split(b"\n\n"):
        data = block.removeprefix(b"data: ")
        if block.startswith(b"data: "):
            yield "[DONE]" if data == b"[DONE]" else json.loads(data)


def chat(model: str = "sim-fast", content: str = "Hello!", **options: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": content}], **options}


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def send(
    connection: http.client.HTTPConnection, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> http.client.HTTPResponse:
    """Send a request and return its answer once the head is there; anything but bytes in `body` goes out as JSON."""
    sent = dict(headers or {})
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    if body is not None:
        sent.setdefault("content-type", "application/json")
    connection.request(method, path, body, sent)
    return connection.getresponse()


def read(answer: http.client.HTTPResponse) -> Reply:
    return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())


def ask(
    port: int, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, *, timeout_s: float = PATIENCE_S
) -> Reply:
    """Send one request on a connection of its own and return the whole answer. Errors: OSError, HTTPException."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        return read(send(connection, method, path, body, headers))
    finally:
        connection.close()


@contextmanager
def open_socket(port: int, timeout_s: float = PATIENCE_S) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as client:
        yield client


def render_request(method: str, path: str, fields: list[tuple[str, str]], body: bytes = b"") -> bytes:
    """Return a request as these very bytes, nothing added."""
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body


def read_reply(client: socket.socket, method: str = "POST") -> Reply:
    """Read one answer from a raw connection and leave the connection as it is."""
    with _expecting_an_answer(client):
        answer = http.client.HTTPResponse(client, method=method)
        answer.begin()
        return read(answer)


@contextmanager
def _expecting_an_answer(client: socket.socket) -> Iterator[None]:
    """Turn an answer that never came into a failed test with a reason."""
    try:
        yield
    except (http.client.HTTPException, OSError) as error:
        raise AssertionError(f"no answer on {client}: {error!r}") from error


def is_closed(client: socket.socket, within_s: float = PATIENCE_S) -> bool:
    """Return whether the server has closed its end, or does so in time; bytes that come meanwhile are dropped."""
    client.settimeout(within_s)
    with suppress(ConnectionResetError, BrokenPipeError):
        try:
            while client.recv(65536):
                pass
        except TimeoutError:
            return False
    return True


def check_error(reply: Reply, status: int, kind: str, code: str | None, param: str | None = None) -> dict[str, Any]:
    """Check an answer against the contract's error: status, body with all four keys, ids, nothing of our inside. Return the error."""
    assert reply.status == status, (reply.status, reply.body[:500])
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-request-id"] == reply.headers["request-id"]
    assert set(reply.json) == {"error"}
    error: dict[str, Any] = reply.json["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["type"], error["code"], error["param"]) == (kind, code, param), error
    assert isinstance(error["message"], str)
    assert error["message"]
    assert not _INTERNALS.search(error["message"]), error["message"]
    return error
