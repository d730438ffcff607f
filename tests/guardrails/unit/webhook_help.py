"""A service on a loopback port that answers what a test tells it to, and the ports that reach it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

Reply = tuple[int, bytes]


@dataclass
class Service:
    """`reply` makes the answer of each question from its body."""

    reply: Callable[[Any], Reply]
    url: str = ""
    heads: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def questions(self) -> list[Any]:
        return [json.loads(body) for body in self.bodies]

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers["content-length"]))
        self.heads.append(headers)
        self.bodies.append(body)
        status, content = self.reply(json.loads(body))
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: {len(content)}\r\nconnection: close\r\n\r\n".encode() + content)
        await writer.drain()
        writer.close()


def answer(value: Any, status: int = 200) -> Callable[[Any], Reply]:
    return lambda question: (status, value if isinstance(value, bytes) else json.dumps(value).encode())


@asynccontextmanager
async def running(reply: Callable[[Any], Reply]) -> AsyncIterator[Service]:
    service = Service(reply)
    server = await asyncio.start_server(service.handle, "127.0.0.1", 0)
    async with server:
        service.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
        yield service


class TinyEgress:
    """An HTTP client that is just enough."""

    async def post_json(self, url: str, headers: Mapping[str, str], body: bytes, timeout_s: float) -> tuple[int, bytes]:
        parts = urlsplit(url)
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            try:
                lines = [f"POST {parts.path} HTTP/1.1", f"host: {parts.netloc}", f"content-length: {len(body)}"]
                lines += [f"{name}: {value}" for name, value in headers.items()]
                writer.write("\r\n".join([*lines, "", ""]).encode() + body)
                head = await reader.readuntil(b"\r\n\r\n")
                return int(head.split()[1]), await reader.read()
            finally:
                writer.close()


@dataclass
class ScriptedJudge:
    """Answers with what `reply` makes of the messages."""

    reply: Callable[[Sequence[Mapping[str, str]]], str]
    asked: list[Sequence[Mapping[str, str]]] = field(default_factory=list)
    model: str = ""

    async def ask(self, model: str, messages: Sequence[Mapping[str, str]], timeout_s: float) -> str:
        self.model = model
        self.asked.append(messages)
        return self.reply(messages)
