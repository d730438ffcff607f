"""The HTTP protocol on a transport that only remembers: the same bytes whole, one by one, and in random pieces."""

from __future__ import annotations

import asyncio
import random
import re

import pytest
from uvicorn.config import Config

from gatewaysite.server.limits import ServerLimits
from gatewaysite.server.protocol import GuardedHttp
from gatewaysite.server.state import GuardedState
from proxy.http_sink import TAKE_BODY

LIMITS = ServerLimits(head_limit_bytes=1024, head_timeout_s=60, write_timeout_s=0.05)


class RememberingTransport:
    def __init__(self) -> None:
        self.written = b""
        self.is_closed = False
        self.is_aborted = False
        self.unsent_bytes = 0

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_aborted = self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed

    def can_write_eof(self) -> bool:
        return False

    def get_extra_info(self, name: str) -> None:
        return None

    def get_write_buffer_size(self) -> int:
        return self.unsent_bytes

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


async def echo(scope, receive, send):
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body, more = body + message["body"], message["more_body"]
    answer = scope["path"].encode() + b"?" + body + b"?" + b",".join(name for name, _ in scope["headers"])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(answer))]})
    await send({"type": "http.response.body", "body": answer})


def make_protocol(app=echo) -> tuple[GuardedHttp, RememberingTransport]:
    config = Config(app, http=GuardedHttp, ws="none", lifespan="off", log_config=None, access_log=False, proxy_headers=False)
    config.load()
    protocol = GuardedHttp(config, GuardedState(LIMITS), {}, asyncio.get_running_loop())
    transport = RememberingTransport()
    protocol.connection_made(transport)
    return protocol, transport


async def settle(protocol: GuardedHttp) -> None:
    while protocol.tasks:
        await asyncio.gather(*protocol.tasks)


async def feed(pieces: list[bytes]) -> tuple[list[bytes], bool]:
    """Return the status lines and bodies that came back, and whether the connection was (or would be) closed."""
    protocol, transport = make_protocol()
    for piece in pieces:
        protocol.data_received(piece)
        await asyncio.sleep(0)
    for _ in range(10):
        await asyncio.sleep(0)
    closed = transport.is_closed or protocol._is_refusing
    protocol.connection_lost(None)
    await settle(protocol)
    return re.findall(rb"HTTP/1.1 (\d+)|(/[^\n]*\?[^\n]*?)(?=HTTP/1.1|$)", transport.written), closed


CASES = {
    "get": b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
    "post": b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
    "chunked with trailer": b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nabc\r\n2\r\nde\r\n0\r\nx-late: 1\r\n\r\n",
    "two in a row": b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n\r\nPOST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi",
    "ignored upgrade": b"POST /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\nhello"
    b"GET /b HTTP/1.1\r\nHost: x\r\n\r\n",
    "http/1.0": b"GET /a HTTP/1.0\r\n\r\n",
    "no host": b"GET /a HTTP/1.1\r\n\r\n",
    "two lengths": b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "garbage": b"\0\1\2\3 nothing of ours\r\n\r\n",
    "long head": b"GET /a HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 2000 + b"\r\n\r\n",
    "long head behind a request": b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n" + b"b" * 900 + b"GET /" + b"u" * 900
    + b" HTTP/1.1\r\nHost: x\r\n\r\n",
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
async def test_the_answer_does_not_depend_on_how_the_bytes_arrive(case: str):
    data = CASES[case]
    random_places = random.Random(case)

    whole = await feed([data])

    assert whole[0]
    assert await feed([data[index : index + 1] for index in range(len(data))]) == whole
    for _ in range(20):
        cuts = sorted(random_places.sample(range(1, len(data)), 5))
        pieces = [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
        assert await feed(pieces) == whole


async def test_a_request_that_is_cut_in_its_body_never_reaches_an_answer():
    assert await feed([CASES["post"][:-1]]) == ([], False)


async def test_the_running_request_of_a_pipeline_hears_that_its_client_left():
    heard = asyncio.Event()

    async def wait_for_disconnect(scope, receive, send):
        await receive()
        if (await receive())["type"] == "http.disconnect":
            heard.set()

    protocol, _ = make_protocol(wait_for_disconnect)
    protocol.data_received(CASES["get"] + CASES["get"])
    await asyncio.sleep(0)
    protocol.connection_lost(None)

    await asyncio.wait_for(heard.wait(), 10)


async def test_a_body_that_came_with_its_head_is_handed_over_without_a_message_and_the_end_is_still_heard():
    heard: list[object] = []

    async def take(scope, receive, send):
        heard.append(scope[TAKE_BODY]())
        heard.append((await receive())["type"])

    protocol, _ = make_protocol(take)
    protocol.data_received(CASES["post"])
    await asyncio.sleep(0)
    protocol.connection_lost(None)
    await settle(protocol)

    assert heard == [b"hello", "http.disconnect"]


async def test_a_body_that_is_still_coming_is_not_handed_over_in_part():
    heard: list[object] = []

    async def take(scope, receive, send):
        heard.append(scope[TAKE_BODY]())
        while (message := await receive())["type"] == "http.request":
            heard.append((message["body"], message["more_body"]))

    protocol, _ = make_protocol(take)
    protocol.data_received(CASES["post"][:-2])
    await asyncio.sleep(0)
    protocol.data_received(CASES["post"][-2:])
    await asyncio.sleep(0)
    protocol.connection_lost(None)
    await settle(protocol)

    assert heard == [None, (b"hel", True), (b"lo", False)]


async def test_a_reader_that_is_slow_but_alive_is_kept_and_one_that_stops_is_dropped():
    protocol, transport = make_protocol()

    protocol.pause_writing()
    protocol.resume_writing()
    await asyncio.sleep(LIMITS.write_timeout_s * 3)
    was_kept = not transport.is_aborted
    protocol.pause_writing()
    await asyncio.sleep(LIMITS.write_timeout_s * 3)

    assert (was_kept, transport.is_aborted) == (True, True)


async def test_a_connection_that_cannot_finish_closing_is_dropped():
    protocol, transport = make_protocol()
    transport.unsent_bytes = 100

    protocol.abort_if_stuck(now_s=1000.0)
    transport.close()
    protocol.abort_if_stuck(now_s=2000.0)
    protocol.abort_if_stuck(now_s=2000.0 + LIMITS.write_timeout_s)
    was_kept = not transport.is_aborted
    protocol.abort_if_stuck(now_s=2000.1 + LIMITS.write_timeout_s)

    assert (was_kept, transport.is_aborted) == (True, True)


async def test_a_connection_is_busy_until_its_answer_is_with_the_kernel():
    protocol, transport = make_protocol()
    before = protocol.is_busy

    protocol.data_received(CASES["get"])
    while_answering = protocol.is_busy
    await settle(protocol)
    after = protocol.is_busy
    transport.unsent_bytes = 1

    assert (before, while_answering, after, protocol.is_busy) == (False, True, False, True)


async def test_every_answer_of_a_leaving_server_closes_its_connection():
    protocol, transport = make_protocol()

    protocol.server_state.is_leaving = True
    protocol.data_received(CASES["get"])
    await settle(protocol)

    assert b"connection: close\r\n" in transport.written
    assert transport.is_closed
