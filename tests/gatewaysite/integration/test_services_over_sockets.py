"""Services over real sockets on both sides: the server's protocol, the gateway, its HTTP client, and upstreams that misbehave."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from uvicorn.config import Config

from gatewaysite.server.limits import ServerLimits
from gatewaysite.server.protocol import GuardedHttp
from gatewaysite.server.state import GuardedState
from proxy.snapshot import Service
from tests.proxy.integration.http_client_help import PATIENT, http_client
from tests.proxy.misbehaving import hangs_before_head
from tests.proxy.service_help import ServiceSite
from tests.proxy.upstreams import CHUNKED_END, CHUNKED_HEAD, Behaviour, Peer, Server, dump_answer, dump_chunk, refusing_port, serve

PATIENCE_S = 10.0
LIMITS = ServerLimits(head_limit_bytes=16_384, head_timeout_s=60, write_timeout_s=60)


class Client:
    """One connection to the gateway."""

    def __init__(self, key: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._key = key
        self.reader = reader
        self.writer = writer

    def ask(self, target: str = "/sim", *lines: str, method: str = "GET", body: bytes = b"") -> None:
        head = [f"{method} {target} HTTP/1.1", "host: gateway", f"authorization: Bearer {self._key.decode()}", *lines]
        if body:
            head.append(f"content-length: {len(body)}")
        self.writer.write("\r\n".join([*head, "", ""]).encode() + body)

    async def head(self) -> tuple[int, dict[str, str]]:
        async with asyncio.timeout(PATIENCE_S):
            head = await self.reader.readuntil(b"\r\n\r\n")
        line, *lines = head[:-4].decode().split("\r\n")
        return int(line.split()[1]), {name: value for name, _, value in (entry.partition(": ") for entry in lines)}

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Return a whole answer. Errors: IncompleteReadError for one that breaks off."""
        status, headers = await self.head()
        async with asyncio.timeout(PATIENCE_S):
            if headers.get("transfer-encoding") == "chunked":
                return status, headers, await self._chunks()
            return status, headers, await self.reader.readexactly(int(headers.get("content-length", "0")))

    async def _chunks(self) -> bytes:
        body = b""
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            body += (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readexactly(2)
        return body

    async def rest(self) -> bytes:
        """Return all that comes until the gateway closes."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.reader.read()


class Gateway:
    """A worker with one service at `/sim`, listening."""

    def __init__(self, site: ServiceSite, port: int) -> None:
        self.site = site
        self.port = port
        self._writers: list[asyncio.StreamWriter] = []

    async def connect(self) -> Client:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._writers.append(writer)
        return Client(self.site.bench.key, reader, writer)

    async def ask(self, *arguments: str, method: str = "GET", body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
        client = await self.connect()
        client.ask(*arguments, method=method, body=body)
        return await client.answer()

    async def recorded(self) -> tuple[int, str, str]:
        """Return the last record, once it is there."""
        async with asyncio.timeout(PATIENCE_S):
            while not self.site.bench.spool.ends:
                await asyncio.sleep(0.005)
        line = self.site.bench.spool.ends[-1]
        return line.status, line.outcome, line.error_code

    def close(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


@asynccontextmanager
async def gateway(service: Service) -> AsyncIterator[Gateway]:
    async with http_client() as upstream:
        site = ServiceSite(service, upstream=upstream)

        async def application(scope, receive, send) -> None:
            found = site.plane.find(scope["path"])
            assert found is not None
            await site.plane(scope, receive, send, found)

        config = Config(application, http=GuardedHttp, ws="none", lifespan="off", log_config=None, access_log=False, proxy_headers=False)
        config.load()
        state = GuardedState(LIMITS)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: GuardedHttp(config, state, {}, loop), "127.0.0.1", 0)
        running = Gateway(site, server.sockets[0].getsockname()[1])
        try:
            yield running
        finally:
            running.close()
            server.close()
            async with asyncio.timeout(PATIENCE_S):
                while state.tasks or state.connections:
                    await asyncio.sleep(0.005)


@asynccontextmanager
async def behind(behaviour: Behaviour, **fields) -> AsyncIterator[tuple[Gateway, Server]]:
    async with serve(behaviour) as upstream:
        fields = {"timeouts": PATIENT, "is_prefix_stripped": True} | fields
        async with gateway(Service("/sim", upstream.endpoint, **fields)) as running:
            yield running, upstream


def answers_with(answer: bytes) -> Behaviour:
    async def behave(peer: Peer) -> None:
        while True:
            await peer.read_request()
            await peer.write(answer)

    return behave


async def test_what_the_upstream_gets_and_what_comes_back():
    answer = dump_answer(b"# HELP", b"content-type: text/plain", b"set-cookie: a=1", b"x-internal: 1", b"connection: x-drop", b"x-drop: 1")
    async with behind(answers_with(answer), response_headers=("x-drop",)) as (running, upstream):
        status, headers, body = await running.ask(
            "/sim/metrics?a=%2F&b", "cookie: a=1", "x-api-key: k", "te: trailers", "accept: text/plain"
        )

        (request,) = upstream.requests
        assert request.line == b"GET /metrics?a=%2F&b HTTP/1.1"
        assert {name for name, _ in request.headers} == {b"host", b"accept", b"x-request-id", b"x-forwarded-for", b"accept-encoding"}
        assert request.header(b"host") == b"127.0.0.1:%d" % upstream.endpoint.port
        assert request.header(b"x-forwarded-for") == b"127.0.0.1"
        assert (status, body, headers["content-type"]) == (200, b"# HELP", "text/plain")
        assert headers["x-request-id"] == request.header(b"x-request-id").decode()
        assert {"set-cookie", "x-internal", "x-drop"}.isdisjoint(headers)


async def test_one_connection_serves_request_after_request_also_from_the_cache():
    async with behind(answers_with(dump_answer(b"one")), cache_get_ttl_s=60) as (running, upstream):
        client = await running.connect()
        results = []
        for method in ("GET", "GET", "HEAD", "POST", "GET"):
            client.ask("/sim/a", method=method)
            status, headers = await client.head()
            body = await client.reader.readexactly(0 if method == "HEAD" else int(headers["content-length"]))
            results.append((status, headers["x-cache"], body))

        assert results == [(200, "MISS", b"one"), (200, "HIT", b"one"), (200, "HIT", b""), (200, "BYPASS", b"one"), (200, "HIT", b"one")]
        assert [request.line.split()[0] for request in upstream.requests] == [b"GET", b"POST"]


@pytest.mark.parametrize("framing", ["content-length: 300000", "transfer-encoding: chunked"])
async def test_bodies_stream_up_with_their_framing(framing):
    async def echo(peer: Peer) -> None:
        request = await peer.read_request()
        await peer.write(dump_answer(request.body))

    body = bytes(range(250)) * 1200
    async with behind(echo) as (running, upstream):
        client = await running.connect()
        client.ask("/sim/x", framing, "content-type: application/octet-stream", method="PUT")
        for start in range(0, len(body), 50_000):
            piece = body[start : start + 50_000]
            client.writer.write(dump_chunk(piece) if "chunked" in framing else piece)
            await client.writer.drain()
        if "chunked" in framing:
            client.writer.write(CHUNKED_END)

        status, _, echoed = await client.answer()

        assert (status, echoed == body) == (200, True)
        name, _, value = framing.encode().partition(b": ")
        assert upstream.requests[0].header(name) == value


async def test_upload_reaches_the_upstream_before_it_is_complete():
    first = asyncio.Event()

    async def read_slowly(peer: Peer) -> None:
        _, headers = await peer.read_head()
        assert dict(headers)[b"content-length"] == b"6"
        assert await peer.reader.readexactly(3) == b"one"
        first.set()
        assert await peer.reader.readexactly(3) == b"two"
        await peer.write(dump_answer(b"ok"))

    async with behind(read_slowly) as (running, _):
        client = await running.connect()
        client.ask("/sim", "content-length: 6", method="POST")
        client.writer.write(b"one")
        async with asyncio.timeout(PATIENCE_S):
            await first.wait()
        client.writer.write(b"two")

        assert (await client.answer())[2] == b"ok"


async def test_events_come_as_they_are_sent_and_the_head_before_them():
    go_on = [asyncio.Event(), asyncio.Event()]

    async def stream(peer: Peer) -> None:
        await peer.read_request()
        await peer.write(CHUNKED_HEAD)
        for number, event in enumerate(go_on):
            await event.wait()
            await peer.write(dump_chunk(b"data: %d\n\n" % number))
        await peer.write(CHUNKED_END)

    async with behind(stream, cache_get_ttl_s=60) as (running, _):
        client = await running.connect()
        client.ask()
        status, headers = await client.head()
        assert (status, headers["content-type"], headers["transfer-encoding"]) == (200, "text/event-stream", "chunked")
        for number, event in enumerate(go_on):
            event.set()
            async with asyncio.timeout(PATIENCE_S):
                assert await client.reader.readuntil(b"\n\n\r\n") == dump_chunk(b"data: %d\n\n" % number)
        assert await client.reader.readexactly(5) == CHUNKED_END


@pytest.mark.parametrize(
    "beginning",
    [CHUNKED_HEAD + dump_chunk(b"part"), b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart"],
)
@pytest.mark.parametrize("ending", ["close", "reset"])
async def test_answer_that_breaks_off_breaks_off_for_the_client(beginning, ending):
    heard = asyncio.Event()

    async def break_off(peer: Peer) -> None:
        await peer.read_request()
        await peer.write(beginning)
        await heard.wait()
        if ending == "reset":
            peer.reset()
        else:
            await peer.close()

    async with behind(break_off) as (running, _):
        client = await running.connect()
        client.ask()
        await client.head()
        async with asyncio.timeout(PATIENCE_S):
            received = await client.reader.readuntil(b"part")
        heard.set()
        received += await client.rest()

        assert b"part" in received
        assert b"0\r\n\r\n" not in received
        assert len(received) < 100
        assert await running.recorded() == (502, "error", "upstream_error")


async def test_client_that_leaves_closes_the_upstream_in_every_phase():
    async def answers_head_only(peer: Peer) -> None:
        await peer.read_request()
        await peer.write(CHUNKED_HEAD)

    async def reads_the_body(peer: Peer) -> None:
        await peer.read_head()
        await peer.reader.readexactly(3)
        peer.server.requests.append(None)  # type: ignore[arg-type]  # only counted

    for behaviour, body in ((hangs_before_head, b""), (answers_head_only, b""), (reads_the_body, b"one")):
        async with behind(behaviour) as (running, upstream):
            client = await running.connect()
            if body:
                client.ask("/sim", "content-length: 6", method="POST")
                client.writer.write(body)
            else:
                client.ask()
            await upstream.saw_request()
            if behaviour is answers_head_only:
                await client.head()
            left_at = time.monotonic()
            client.writer.transport.abort()

            await upstream.saw_close()

            assert time.monotonic() - left_at < 3.0  # a second is promised; the machine is shared
            assert await running.recorded() == (499, "cancelled", "client_gone")


@pytest.mark.parametrize(
    ("behaviour", "timeouts"),
    [
        (hangs_before_head, replace(PATIENT, first_token_s=0.1)),
        (hangs_before_head, replace(PATIENT, total_s=0.1)),
    ],
)
async def test_silent_upstream_is_a_504(behaviour, timeouts):
    async with behind(behaviour, timeouts=timeouts) as (running, upstream):
        status, headers, body = await running.ask()

        assert (status, headers["content-type"]) == (504, "application/json")
        assert b'"code":"timeout"' in body
        assert b"127.0.0.1" not in body
        await upstream.saw_close()


async def test_silence_within_an_answer_cuts_it_by_the_idle_timer_and_not_by_the_first_byte():
    async def pauses(peer: Peer) -> None:
        await peer.read_request()
        await peer.write(CHUNKED_HEAD)
        await asyncio.sleep(0.3)
        await peer.write(dump_chunk(b"late"))

    async with behind(pauses, timeouts=replace(PATIENT, first_token_s=0.1, idle_s=1.5)) as (running, _):
        client = await running.connect()
        client.ask()

        assert (await client.head())[0] == 200
        assert await client.rest() == dump_chunk(b"late")
        assert await running.recorded() == (504, "error", "timeout")


async def test_upstream_that_refuses_is_a_502():
    with refusing_port() as port:
        async with serve(hangs_before_head) as server:
            endpoint = replace(server.endpoint, port=port)
        async with gateway(Service("/sim", endpoint, PATIENT)) as running:
            status, _, body = await running.ask()

    assert status == 502
    assert b'"code":"upstream_error"' in body


async def test_upload_beyond_the_limit_is_a_413_and_the_connection_ends():
    async def reads_all(peer: Peer) -> None:
        await peer.read_request()

    async with behind(reads_all, body_limit_bytes=10) as (running, upstream):
        client = await running.connect()
        client.ask("/sim", "transfer-encoding: chunked", method="POST")
        client.writer.write(dump_chunk(b"12345678") + dump_chunk(b"12345678"))

        status, headers, body = await client.answer()

        assert (status, headers["connection"]) == (413, "close")
        assert b"request_too_large" in body
        await upstream.saw_close()


@pytest.mark.parametrize("target", ["/sim/../x", "/sim/%2e%2e/x", "/sim%2f..%2fx", "/sim/%252e%252e/x", "/s%69m/x"])
async def test_paths_that_climb_are_refused(target):
    async with behind(answers_with(dump_answer(b"no"))) as (running, upstream):
        assert (await running.ask(target))[0] == 400
        assert upstream.requests == []


@pytest.mark.parametrize(
    "lines",
    [
        ("content-length: 3", "transfer-encoding: chunked"),
        ("content-length: 3", "content-length: 4"),
        ("transfer-encoding: gzip, chunked", "content-length: 3"),
        ("transfer-encoding : chunked",),
        ("content-length: 3\r\n x",),
    ],
)
async def test_heads_made_for_smuggling_reach_no_upstream(lines):
    async with behind(answers_with(dump_answer(b"no"))) as (running, upstream):
        client = await running.connect()
        client.ask("/sim", *lines, method="POST")
        client.writer.write(b"0\r\n\r\nGET /sim/smuggled HTTP/1.1\r\nhost: x\r\n\r\n")

        assert (await client.head())[0] == 400
        assert upstream.requests == []


async def test_two_lengths_of_an_upstream_are_a_502():
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    async with behind(answers_with(answer)) as (running, _):
        assert (await running.ask())[0] == 502
