"""Every way in which an upstream can fail has its own name: phase, kind and, for a timeout, the timer."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from proxy.ports import Endpoint, Timeouts, UpstreamFailure
from tests.proxy import misbehaving
from tests.proxy.integration.http_client_help import PATIENT, http_client, name, post, read_to_end
from tests.proxy.loops import on_both_loops
from tests.proxy.upstreams import CHUNKED_END, CHUNKED_HEAD, Behaviour, Peer, dump_answer, dump_chunk, refusing_port, serve, silent_port


def timeouts(**shorter: float) -> Timeouts:
    values: dict[str, Any] = {"connect_s": 20, "first_token_s": 20, "idle_s": 20, "total_s": 40, **shorter}
    return Timeouts(**values)


async def failure_before_head(endpoint: Endpoint, limits: Timeouts = PATIENT, **options: Any) -> UpstreamFailure:
    async with http_client(**options) as client:
        with pytest.raises(UpstreamFailure) as caught:
            await post(client, endpoint, timeouts=limits)
    return caught.value


# Before anything is sent


@on_both_loops
async def test_refused_connection_is_named() -> None:
    with refusing_port() as port:
        failure = await failure_before_head(Endpoint("http", "127.0.0.1", port))

    assert name(failure) == ("connect", "refused", None)
    assert not failure.is_sent


@on_both_loops
async def test_silent_address_ends_by_the_connect_timer() -> None:
    with silent_port() as port:
        failure = await failure_before_head(Endpoint("http", "127.0.0.1", port), timeouts(connect_s=0.1))

    assert name(failure) == ("connect", "timeout", "connect")
    assert not failure.is_sent


@on_both_loops
async def test_silent_address_ends_by_the_total_timer_when_that_is_shorter() -> None:
    with silent_port() as port:
        failure = await failure_before_head(Endpoint("http", "127.0.0.1", port), timeouts(total_s=0.1))

    assert name(failure) == ("connect", "timeout", "total")


@on_both_loops
async def test_silent_tls_handshake_ends_by_the_connect_timer() -> None:
    async with serve(misbehaving.never_speaks) as server:
        endpoint = Endpoint("https", "127.0.0.1", server.endpoint.port)
        failure = await failure_before_head(endpoint, timeouts(connect_s=0.2))
        await server.saw_close()

    assert name(failure) == ("connect", "timeout", "connect")


@on_both_loops
async def test_hanging_resolver_ends_by_the_connect_timer() -> None:
    async def hang(host: str, port: int) -> tuple[str, ...]:
        await asyncio.Event().wait()
        return ()

    failure = await failure_before_head(Endpoint("http", "slow.example", 80), timeouts(connect_s=0.05), look_up=hang)

    assert name(failure) == ("resolve", "timeout", "connect")
    assert not failure.is_sent


@pytest.mark.parametrize("addresses", [("10.0.0.1",), ("127.0.0.1", "10.0.0.1"), ("::ffff:10.0.0.1",), ("169.254.169.254",)])
@on_both_loops
async def test_blocked_address_is_never_connected_to(addresses: tuple[str, ...]) -> None:
    async def look_up(host: str, port: int) -> tuple[str, ...]:
        return addresses

    async with serve(misbehaving.hangs_before_head) as server:
        failure = await failure_before_head(Endpoint("http", "inside.example", server.endpoint.port), look_up=look_up)

        assert name(failure) == ("resolve", "blocked", None)
        assert not failure.is_sent
        assert server.peers == []


@on_both_loops
async def test_next_address_is_tried_when_one_refuses() -> None:
    async def look_up(host: str, port: int) -> tuple[str, ...]:
        return ("127.0.0.2", "127.0.0.1")

    async with serve(misbehaving.answers(dump_answer(b"ok"))) as server, http_client(look_up=look_up) as client:
        response = await post(client, Endpoint("http", "two.example", server.endpoint.port))

        assert await response.read_all(10) == b"ok"


@on_both_loops
async def test_silent_address_leaves_time_for_the_next_one() -> None:
    async with serve(misbehaving.answers(dump_answer(b"ok"))) as server:
        port = server.endpoint.port

        async def look_up(host: str, port: int) -> tuple[str, ...]:
            return ("127.0.0.2", "127.0.0.1")

        with silent_port("127.0.0.2", port):
            async with http_client(look_up=look_up) as client:
                response = await post(client, Endpoint("http", "two.example", port), timeouts=timeouts(connect_s=1.0))

                assert await response.read_all(10) == b"ok"


# Before the head

BEFORE_HEAD = [
    (misbehaving.resets_before_head, ("head", "reset", None)),
    (misbehaving.closes_before_head, ("head", "eof", None)),
    (misbehaving.closes_in_head, ("head", "eof", None)),
    (misbehaving.sends_garbage, ("head", "protocol", None)),
    (misbehaving.sends_endless_head, ("head", "too_large", None)),
    (misbehaving.sends_endless_interim_answers, ("head", "too_large", None)),
    (misbehaving.switches_protocols, ("head", "protocol", None)),
    (misbehaving.sends_two_lengths, ("head", "protocol", None)),
    (misbehaving.sends_length_and_chunks, ("head", "protocol", None)),
    (misbehaving.sends_unknown_coding, ("head", "protocol", None)),
]


@pytest.mark.parametrize(("behaviour", "expected"), BEFORE_HEAD, ids=[behaviour.__name__ for behaviour, _ in BEFORE_HEAD])
@on_both_loops
async def test_failure_before_the_head_is_named(behaviour: Behaviour, expected: tuple[str, str, str | None]) -> None:
    async with serve(behaviour) as server:
        failure = await failure_before_head(server.endpoint)

        assert name(failure) == expected
        assert failure.is_sent
        assert len(server.peers) == 1
        await server.saw_close()


@pytest.mark.parametrize("behaviour", [misbehaving.hangs_before_head, misbehaving.hangs_in_head])
@pytest.mark.parametrize("timer", ["first_token", "total"])
@on_both_loops
async def test_wait_for_the_head_ends_by_the_first_token_or_the_total_timer(behaviour: Behaviour, timer: str) -> None:
    async with serve(behaviour) as server:
        failure = await failure_before_head(server.endpoint, timeouts(**{f"{timer}_s": 0.3}))

        assert name(failure) == ("head", "timeout", timer)
        assert failure.is_sent
        await server.saw_close()


@on_both_loops
async def test_idle_timer_does_not_run_before_the_head() -> None:
    async def answers_late(peer: Peer) -> None:
        await peer.read_request()
        await asyncio.sleep(0.15)
        await peer.write(dump_answer(b"ok"))

    async with serve(answers_late) as server, http_client() as client:
        response = await post(client, server.endpoint, timeouts=timeouts(idle_s=0.05))

        assert await response.read_all(10) == b"ok"


@pytest.mark.parametrize(("farewell", "kind"), [("close", "eof"), ("reset", "reset"), ("greet", "protocol")])
@on_both_loops
async def test_connection_that_ends_before_the_request_is_no_answer(farewell: str, kind: str) -> None:
    async def behave(peer: Peer) -> None:
        if farewell == "greet":
            await peer.write(b"220 mail.example ESMTP\r\n")
        elif farewell == "close":
            await peer.close()
        else:
            peer.reset()

    async with serve(behave) as server:
        failure = await failure_before_head(server.endpoint)

    # It depends on the moment whether the request was on its way already.
    assert (failure.phase, failure.kind) in {("connect", kind), ("head", kind), ("head", "reset")}


# In the body

IN_BODY = [
    (misbehaving.half_closes_mid_body, "eof"),
    (misbehaving.closes_mid_length, "eof"),
    (misbehaving.closes_mid_chunk, "eof"),
    (misbehaving.closes_without_last_chunk, "eof"),
    (misbehaving.breaks_chunking, "protocol"),
    (misbehaving.sends_endless_trailer, "too_large"),
]


@pytest.mark.parametrize(("behaviour", "kind"), IN_BODY, ids=[behaviour.__name__ for behaviour, _ in IN_BODY])
@on_both_loops
async def test_failure_in_the_body_comes_after_the_bytes_before_it(behaviour: Behaviour, kind: str) -> None:
    async with serve(behaviour) as server, http_client() as client:
        response = await post(client, server.endpoint)
        data, failure = await read_to_end(response)

        assert (response.status, data) == (200, b"one")
        assert name(failure) == ("body", kind, None)
        assert failure is not None
        assert failure.is_sent
        await server.saw_close()


@on_both_loops
async def test_failure_of_a_body_repeats_on_each_read() -> None:
    async with serve(misbehaving.closes_mid_chunk) as server, http_client() as client:
        response = await post(client, server.endpoint)
        _, first = await read_to_end(response)
        _, second = await read_to_end(response)

    assert name(first) == name(second) == ("body", "eof", None)


@pytest.mark.parametrize("behaviour", [misbehaving.resets_mid_body, misbehaving.resets_unframed_body])
@on_both_loops
async def test_reset_in_the_body_is_named(behaviour: Any) -> None:
    may_reset = asyncio.Event()
    async with serve(behaviour(may_reset)) as server, http_client() as client:
        response = await post(client, server.endpoint)
        first = await response.read()
        may_reset.set()
        data, failure = await read_to_end(response)

    assert first + data == b"one"
    assert name(failure) == ("body", "reset", None)


@on_both_loops
async def test_framing_without_content_is_bounded() -> None:
    async with serve(misbehaving.sends_endless_extension) as server, http_client() as client:
        data, failure = await read_to_end(await post(client, server.endpoint))
        await server.saw_close()

    assert data == b""
    assert name(failure) == ("body", "too_large", None)


@pytest.mark.parametrize("timer", ["first_token", "total"])
@on_both_loops
async def test_body_that_has_not_started_ends_by_the_first_token_or_the_total_timer(timer: str) -> None:
    async with serve(misbehaving.hangs_mid_body) as server, http_client() as client:
        response = await post(client, server.endpoint, timeouts=timeouts(**{f"{timer}_s": 0.5}))
        data, failure = await read_to_end(response)
        await server.saw_close()

    assert data == b"one"
    assert name(failure) == ("body", "timeout", timer)


@pytest.mark.parametrize("timer", ["idle", "total"])
@on_both_loops
async def test_started_body_ends_by_the_idle_or_the_total_timer(timer: str) -> None:
    async with serve(misbehaving.hangs_mid_body) as server, http_client() as client:
        response = await post(client, server.endpoint, timeouts=timeouts(**{f"{timer}_s": 0.5}))
        response.mark_started()
        data, failure = await read_to_end(response)
        await server.saw_close()

    assert data == b"one"
    assert name(failure) == ("body", "timeout", timer)


@on_both_loops
async def test_first_token_timer_is_not_moved_by_bytes_that_are_no_content() -> None:
    async with serve(misbehaving.streams(*[b": keepalive\n\n"] * 1000, pause_s=0.01)) as server, http_client() as client:
        response = await post(client, server.endpoint, timeouts=timeouts(first_token_s=0.5))
        _, failure = await read_to_end(response)

    assert name(failure) == ("body", "timeout", "first_token")


@on_both_loops
async def test_idle_timer_starts_anew_with_each_wait() -> None:
    async with serve(misbehaving.streams(*[b"x"] * 12, pause_s=0.1)) as server, http_client() as client:
        response = await post(client, server.endpoint, timeouts=timeouts(first_token_s=0.9, idle_s=0.9))
        response.mark_started()
        data, failure = await read_to_end(response)

    assert (data, failure) == (b"x" * 12, None)


@on_both_loops
async def test_slow_reader_is_not_an_idle_upstream() -> None:
    async with serve(misbehaving.hangs_mid_body) as server, http_client() as client:
        response = await post(client, server.endpoint, timeouts=timeouts(idle_s=0.3))
        response.mark_started()
        await asyncio.sleep(0.5)

        assert await response.read() == b"one"
        started = time.monotonic()
        _, failure = await read_to_end(response)

    assert name(failure) == ("body", "timeout", "idle")
    assert time.monotonic() - started > 0.25


@on_both_loops
async def test_idle_timer_stands_still_while_nobody_reads() -> None:
    async def behave(peer: Peer) -> None:
        await peer.read_request()
        await peer.write(CHUNKED_HEAD)
        for piece in (b"one", b"two"):
            await asyncio.sleep(0.05)
            await peer.write(dump_chunk(piece))
        await asyncio.sleep(1.2)
        await peer.write(CHUNKED_END)

    async with serve(behave) as server, http_client() as client:
        response = await post(client, server.endpoint, timeouts=timeouts(idle_s=0.7))
        response.mark_started()
        first = await response.read()
        await asyncio.sleep(1.3)
        data, failure = await read_to_end(response)

    assert (first + data, failure) == (b"onetwo", None)


@on_both_loops
async def test_total_timer_runs_while_nobody_reads() -> None:
    async with serve(misbehaving.hangs_mid_body) as server, http_client() as client:
        response = await post(client, server.endpoint, timeouts=timeouts(total_s=0.5))
        await server.saw_close()
        data, failure = await read_to_end(response)

    assert data == b"one"
    assert name(failure) == ("body", "timeout", "total")


@on_both_loops
async def test_timers_of_a_reused_connection_are_those_of_its_own_exchange() -> None:
    async def answers_then_hangs(peer: Peer) -> None:
        await peer.read_request()
        await peer.write(dump_answer(b"ok"))
        await peer.read_request()

    async with serve(answers_then_hangs) as server, http_client() as client:
        await (await post(client, server.endpoint)).read_all(10)
        with pytest.raises(UpstreamFailure) as caught:
            await post(client, server.endpoint, timeouts=timeouts(first_token_s=0.1))

        assert name(caught.value) == ("head", "timeout", "first_token")
        assert len(server.peers) == 1


@on_both_loops
async def test_short_timers_of_an_earlier_exchange_do_not_end_a_later_one() -> None:
    async def behave(peer: Peer) -> None:
        await peer.read_request()
        await peer.write(dump_answer(b"ok"))
        await peer.read_request()
        await asyncio.sleep(0.9)
        await peer.write(dump_answer(b"late"))

    async with serve(behave) as server, http_client() as client:
        await (await post(client, server.endpoint, timeouts=timeouts(first_token_s=0.6, total_s=0.7))).read_all(10)
        response = await post(client, server.endpoint)

        assert await response.read_all(10) == b"late"
        assert len(server.peers) == 1


@on_both_loops
async def test_whole_body_over_its_limit_is_too_large_and_closes() -> None:
    async with serve(misbehaving.floods(100)) as server, http_client() as client:
        response = await post(client, server.endpoint)
        with pytest.raises(UpstreamFailure) as caught:
            await response.read_all(100_000)
        await server.saw_close()

    assert name(caught.value) == ("body", "too_large", None)
