"""Requests at a steady pace, whatever becomes of them: what a limit must stand, because callers who wait for answers slow down with it."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.http_talk import CHAT, render_request

_CONNECTIONS_COUNT = 32


@dataclass(frozen=True, slots=True)
class Answered:
    """One request: when it was due and how long its answer took, in seconds since the begin; status 0 for none."""

    due_s: float
    took_s: float
    status: int
    head: bytes
    body: bytes

    @property
    def total_tokens(self) -> int:
        return int(json.loads(self.body)["usage"]["total_tokens"]) if self.status == 200 else 0

    @property
    def cost_nano_usd(self) -> int:
        """What the answer says that it cost."""
        value = self.head.lower().partition(b"x-gateway-cost-usd: ")[2].partition(b"\r\n")[0]
        whole, _, rest = value.partition(b".")
        return int(whole) * 10**9 + int(rest) if value else 0


@dataclass
class OpenLoop:
    """
    Sends `per_s` requests a second of one key to an installation for `seconds`, on as many connections as it takes.

    `sockets` are connected ones to begin with, used in turn.
    """

    port: int
    key: str
    per_s: float
    seconds: float
    body: dict[str, Any]
    sockets: Sequence[socket.socket] = ()
    answered: list[Answered] = field(default_factory=list)
    _idle: deque[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=deque)
    _began_at: float = 0.0

    def run(self) -> OpenLoop:
        asyncio.run(self._run())
        return self

    def count(self, status: int) -> int:
        return sum(each.status == status for each in self.answered)

    @property
    def elapsed_s(self) -> float:
        return max(each.due_s + each.took_s for each in self.answered)

    def latency_s(self, quantile: float, *, from_s: float = 0.0) -> float:
        """Return how long answers took, of requests that were due from `from_s` on."""
        took = sorted(each.took_s for each in self.answered if each.due_s >= from_s)
        return took[min(len(took) - 1, int(quantile * len(took)))]

    def stage_ms(self, stage: str, quantile: float, *, from_s: float = 0.0) -> float:
        """Return how long a stage took according to the answers' own headers, of requests that were due from `from_s` on."""
        found = [re.search(rb"[ ,]" + stage.encode() + rb";dur=([\d.]+)", each.head) for each in self.answered if each.due_s >= from_s]
        took = sorted(float(match[1]) for match in found if match)
        return took[min(len(took) - 1, int(quantile * len(took)))]

    async def _run(self) -> None:
        encoded = json.dumps(self.body).encode()
        fields = [
            ("Host", "gateway"),
            ("Authorization", f"Bearer {self.key}"),
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(encoded))),
        ]
        request = render_request("POST", CHAT, fields, encoded)
        self._idle.extend([await asyncio.open_connection(sock=each) for each in self.sockets])
        self._idle.extend([await asyncio.open_connection("127.0.0.1", self.port) for _ in range(_CONNECTIONS_COUNT - len(self._idle))])
        self._began_at = time.monotonic()
        tasks = []
        for number in range(int(self.per_s * self.seconds)):
            due_s = number / self.per_s
            if (early_s := self._began_at + due_s - time.monotonic()) > 0:
                await asyncio.sleep(early_s)
            tasks.append(asyncio.ensure_future(self._send(request, due_s)))
        await asyncio.gather(*tasks)
        for _, writer in self._idle:
            writer.close()

    async def _send(self, request: bytes, due_s: float) -> None:
        status, head, body = 0, b"", b""
        try:
            reader, writer = self._idle.popleft() if self._idle else await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line.partition(b":")[2]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
            body = await reader.readexactly(length)
            status = int(head[9:12])
            self._idle.append((reader, writer))
        except (OSError, EOFError):
            pass  # no answer: that is what status 0 says
        took_s = time.monotonic() - self._began_at - due_s
        self.answered.append(Answered(due_s, took_s, status, head, body))
