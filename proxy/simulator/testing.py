"""What tests use to talk to the simulator: a small ASGI driver for one call, and a real server in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from proxy.simulator.app import Simulator
from proxy.simulator.exchange import Message

_ROOT = Path(__file__).resolve().parents[2]
_STOP_S = 10.0


@dataclass(frozen=True, slots=True)
class Called:
    """What came back: one of `chunks` for each write, and `is_complete` only where the answer was ended properly."""

    status: int | None
    headers: Mapping[str, str]
    chunks: tuple[bytes, ...]
    is_complete: bool

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    def events(self) -> list[Any]:
        """Return the data of each SSE frame, decoded; the end mark stays the text `[DONE]`."""
        lines = [line for line in self.body.decode().split("\n") if line.startswith("data: ")]
        return [line[6:] if line == "data: [DONE]" else msgspec.json.decode(line[6:]) for line in lines]

    def lines(self) -> list[Any]:
        """Return each line of a JSON-lines body, decoded."""
        return [msgspec.json.decode(line) for line in self.body.splitlines()]


class _Client:
    """The other side of one ASGI call; it leaves after `leave_after` writes, or at once when that is 0."""

    def __init__(self, body: bytes, leave_after: int | None) -> None:
        self.messages: list[Message] = []
        self._body: bytes | None = body
        self._leave_after = leave_after
        self._gone = asyncio.Event()
        if leave_after == 0:
            self._gone.set()

    async def receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.messages.append(message)
        if len(self.messages) == self._leave_after:
            self._gone.set()


async def call(
    app: Simulator, method: str, path: str, body: Any = b"", headers: Mapping[str, str] | None = None, *, leave_after: int | None = None
) -> Called:
    """
    Make one call without a network and return the answer once the application is done.

    `body` is sent as it is when it is bytes, as JSON otherwise. The client leaves after `leave_after` messages, the head being one.
    """
    client = _Client(body if isinstance(body, bytes) else msgspec.json.encode(body), leave_after)
    path, _, query = path.partition("?")
    pairs = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": pairs}
    await app(scope, client.receive, client.send)
    return _as_called(client.messages)


def _as_called(messages: list[Message]) -> Called:
    if not messages:
        return Called(None, {}, (), False)
    head, *rest = messages
    names = {name.decode(): value.decode() for name, value in head["headers"]}
    chunks = tuple(message["body"] for message in rest if message["body"])
    return Called(head["status"], names, chunks, bool(rest) and not rest[-1]["more_body"])


@dataclass(frozen=True, slots=True)
class RunningSimulator:
    base_url: str
    port: int
    process: subprocess.Popen[str]


@contextlib.contextmanager
def running_simulator(*arguments: str) -> Iterator[RunningSimulator]:
    """
    Run `python -m proxy.simulator` on a free port for the length of a `with` block.

    Errors: RuntimeError where it does not come up; its messages go to this process's standard error.
    """
    command = [sys.executable, "-m", "proxy.simulator", "--port", "0", *arguments]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            first = process.stdout.readline() if process.stdout else ""
            if not first:
                raise RuntimeError(f"the simulator did not start: exit status {process.wait(_STOP_S)}")
            started = json.loads(first)
            yield RunningSimulator(started["base_url"], started["port"], process)
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
