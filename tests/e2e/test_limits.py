"""Limits over two workers, as a fresh installation has them and as an operator sets them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from tests.http_talk import CHAT, chat, check_error, render_request
from tests.installation import Installation

GLOBAL_PER_S, GLOBAL_BURST = 150, 300
_CONNECTIONS_COUNT = 40


@dataclass(frozen=True)
class _Burst:
    statuses: list[int]
    heads: list[bytes]
    seconds: float

    def count(self, status: int) -> int:
        return self.statuses.count(status)


def _request(key: str) -> bytes:
    body = b'{"model":"sim-fast","messages":[{"role":"user","content":"Repeat: x"}]}'
    fields = [
        ("Host", "gateway"),
        ("Authorization", f"Bearer {key}"),
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
    ]
    return render_request("POST", CHAT, fields, body)


async def _send_all(port: int, request: bytes, count: int) -> _Burst:
    """Send `count` requests over 40 connections as fast as they are answered."""
    heads: list[bytes] = []
    left = iter(range(count))

    async def call_on() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in left:
            writer.write(request)
            heads.append(await _read_head(reader))
        writer.close()
        await writer.wait_closed()

    started_at = time.monotonic()
    await asyncio.gather(*(call_on() for _ in range(_CONNECTIONS_COUNT)))
    return _Burst([int(head[9:12]) for head in heads], heads, time.monotonic() - started_at)


async def _read_head(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line.partition(b":")[2]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
    await reader.readexactly(length)
    return head.lower()


async def test_the_installations_limit_holds_over_both_workers(installation: Installation, keys: dict[str, str]) -> None:
    await asyncio.sleep(GLOBAL_BURST / GLOBAL_PER_S)  # whatever was used before is there again

    burst = await _send_all(installation.port, _request(keys["everything"]), 400)
    await asyncio.sleep(0.5)  # for who comes next

    refilled_count = burst.seconds * GLOBAL_PER_S
    print(f"400 at once in {burst.seconds:.2f} s: {burst.count(200)} passed, {burst.count(429)} refused, {refilled_count:.0f} refilled")
    assert set(burst.statuses) <= {200, 429}
    assert 280 <= burst.count(200) <= GLOBAL_BURST + refilled_count + 1
    refused = [head for head in burst.heads if head.startswith(b"http/1.1 429")]
    assert len(refused) == 400 - burst.count(200)
    assert all(b"\r\nretry-after: 1\r\n" in head and b"\r\nretry-after-ms: " in head for head in refused)
    assert all(b"\r\nx-ratelimit-limit-requests: 300\r\n" in head for head in burst.heads)


async def test_a_small_limit_is_exact_over_both_workers(installation: Installation) -> None:
    key = installation.apply(
        "{limits: [{name: ten-an-hour, scope: key, amount: 10, window_s: 3600, burst: 10}],"
        " api_keys: [{name: ten-an-hour, workspace: acme, limits: [ten-an-hour]}]}"
    )["ten-an-hour"]

    burst = await _send_all(installation.port, _request(key), 60)

    assert (burst.count(200), burst.count(429)) == (10, 50)
    refused = installation.post(CHAT, chat(), key)
    check_error(refused, 429, "rate_limit_error", "rate_limit_exceeded")
    # Ten an hour is one each six minutes.
    assert 300 < int(refused.headers["retry-after"]) <= 360
    assert refused.headers["x-ratelimit-limit-requests"] == "10"
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"
    assert refused.headers["x-ratelimit-reset-requests"].startswith(("59m", "1h0m"))


async def test_one_key_refused_leaves_the_others_alone(installation: Installation, keys: dict[str, str]) -> None:
    await _send_all(installation.port, _request(keys["paced"]), 20)

    assert installation.post(CHAT, chat(), keys["everything"]).status == 200


async def test_a_refused_request_is_not_charged_elsewhere(installation: Installation, keys: dict[str, str]) -> None:
    key = installation.apply(
        "{workspaces: [{slug: fenced, name: Fenced}],"
        " limits: [{name: fence, scope: workspace, workspace: fenced, amount: 20, window_s: 3600, burst: 20},"
        "          {name: two-an-hour, scope: key, amount: 2, window_s: 3600, burst: 2}],"
        " api_keys: [{name: small, workspace: fenced, limits: [two-an-hour]}, {name: large, workspace: fenced}]}"
    )

    small = await _send_all(installation.port, _request(key["small"]), 40)
    await asyncio.sleep(1)  # what a worker took and may not use goes back within a quarter of a second
    large = await _send_all(installation.port, _request(key["large"]), 40)

    assert small.count(200) == 2
    assert large.count(200) == 18
    assert installation.post(CHAT, chat(), keys["everything"]).status == 200
