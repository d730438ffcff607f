"""What is counted, recorded and logged of a request says what really happened to it."""

from __future__ import annotations

import asyncio

from prometheus_client import REGISTRY

from proxy.ports import Endpoint, Timeouts, UpstreamFailure
from proxy.snapshot import Backend, Route, Snapshot, Target
from proxy.testing import create_bench
from tests.proxy.asgi_help import Site
from tests.proxy.chat_help import DONE, HELLO, ROLE, STOP, USAGE, answer, chat


async def test_a_stream_whose_client_left_is_active_no_longer():
    before = REGISTRY.get_sample_value("active_streams")
    site = Site()
    site.bench.upstream.answer([ROLE, HELLO, asyncio.Event()])
    talk = site.open(body=chat(stream=True))
    await talk.until(HELLO)
    during = REGISTRY.get_sample_value("active_streams")

    talk.leave()
    await talk.done()

    assert (during, REGISTRY.get_sample_value("active_streams")) == (before + 1, before)


async def test_the_first_token_is_timed_also_when_a_keepalive_began_the_stream():
    site = Site(keepalive_s=0.02)
    site.bench.upstream.answer([ROLE, 0.1, HELLO, STOP, USAGE, DONE])

    await site.ask(stream=True)

    assert site.bench.spool.ends[0].first_token_ms >= 100


async def test_the_log_names_the_backend_that_answered_after_a_fallback():
    backends = {f"b{at}": Backend(f"b{at}", "openai", Endpoint("http", "127.0.0.1", 9 + at, "/v1"), Timeouts()) for at in range(2)}
    routes = {"gpt": Route("gpt", (Target("b0", "m"), Target("b1", "m")))}
    site = Site(create_bench(snapshot=Snapshot(revision=1, backends=backends, routes=routes)))
    site.bench.upstream.answers.append(UpstreamFailure("connect", "refused", is_sent=False))
    site.bench.upstream.answer(answer())

    talk = await site.ask()

    assert talk.headers["x-gateway-attempts"] == "2"
    assert site.logged()[0]["backend"] == talk.headers["x-gateway-backend"]
