"""A worker that starts, is full, drains: what it answers, what it counts, and what its log says of each request."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from proxy.endpoints import ROUTES
from proxy.lifecycle import Lifecycle
from proxy.operations import Operations
from proxy.testing import create_bench, create_principal
from tests.proxy.asgi_help import Site, check_error
from tests.proxy.chat_help import DONE, HELLO, ROLE, STOP, USAGE, answer, chat


async def test_before_the_first_configuration_everything_is_a_503():
    site = Site()
    site.bench.gateway.snapshots.current = None

    talk = await site.ask()

    check_error(talk, 503, "api_error", "overloaded")
    assert talk.headers["retry-after-ms"] == "1000"
    assert "x-gateway-revision" not in talk.headers


async def test_a_draining_worker_refuses_new_requests_and_closes_their_connection():
    site = Site()
    site.lifecycle.start_drain()

    talk = await site.ask()

    check_error(talk, 503, "api_error", "overloaded")
    assert talk.headers["connection"] == "close"
    assert talk.headers["retry-after-ms"] == "1000"


async def test_a_draining_worker_finishes_what_it_began():
    site = Site()
    goes_on = asyncio.Event()
    site.bench.upstream.answer([ROLE, HELLO, goes_on, STOP, USAGE, DONE])
    talk = site.open(body=chat(stream=True))
    await talk.until(HELLO)

    site.lifecycle.start_drain()
    assert site.lifecycle.active_streams == 1
    goes_on.set()
    await talk.done()

    assert talk.body.endswith(STOP + DONE)
    assert site.lifecycle.active_streams == 0


async def test_more_than_the_cap_at_once_are_refused_and_the_others_answered():
    site = Site(concurrency_count=3)
    goes_on = asyncio.Event()
    for _ in range(3):
        site.bench.upstream.answer([goes_on, answer()])
    running = [site.open(body=chat()) for _ in range(3)]
    await asyncio.sleep(0.01)

    refused = await site.ask()
    goes_on.set()

    check_error(refused, 503, "api_error", "overloaded")
    assert refused.headers["retry-after-ms"] == "200"
    assert [(await talk.done()).status for talk in running] == [200, 200, 200]
    site.bench.upstream.answer(answer())
    assert (await site.ask()).status == 200
    assert len(site.bench.upstream.sent) == 4


# --- what is counted --------------------------------------------------------------------------------------------------------------


async def _scrape() -> list[Sample]:
    """Return all samples as an operator gets them."""
    sent: list[dict[str, Any]] = []

    async def send(message):
        sent.append(message)

    await Operations(Lifecycle(), "")({"type": "http", "method": "GET", "path": "/metrics"}, None, send)
    return [sample for family in text_string_to_metric_families(sent[1]["body"].decode()) for sample in family.samples]


async def _sample(name: str, **labels: str) -> float:
    return sum(sample.value for sample in await _scrape() if sample.name == name and sample.labels == labels)


async def test_every_request_counts_once():
    before = await _sample("http_requests_total", route="/v1/chat/completions", method="POST", status_code="200")
    site = Site()
    for _ in range(7):
        site.bench.upstream.answer(answer())

    await asyncio.gather(*[site.ask() for _ in range(7)])

    assert await _sample("http_requests_total", route="/v1/chat/completions", method="POST", status_code="200") == before + 7


async def test_labels_come_from_closed_sets_whatever_a_caller_writes():
    site = Site()

    await site.call("BREW", "/v1/" + uuid.uuid4().hex)
    await site.ask(model=uuid.uuid4().hex)

    labels = [sample.labels for sample in await _scrape() if sample.name.startswith(("http_", "errors", "request_"))]
    routes = {label["route"] for label in labels if "route" in label}
    assert routes <= {*ROUTES, "unknown", "service", "/ws/v1/stream"}
    assert {label["method"] for label in labels if "method" in label} <= {
        "OTHER",
        "GET",
        "POST",
        "PUT",
        "PATCH",
        "DELETE",
        "HEAD",
        "OPTIONS",
    }


async def test_streams_at_once_are_back_at_where_they_were():
    before = await _sample("active_streams")
    site = Site()
    goes_on = asyncio.Event()
    site.bench.upstream.answer([ROLE, HELLO, goes_on, DONE])
    site.bench.upstream.answer([ROLE, HELLO, goes_on])
    finishing, failing = site.open(body=chat(stream=True)), site.open(body=chat(stream=True))
    await asyncio.gather(finishing.until(HELLO), failing.until(HELLO))

    assert await _sample("active_streams") == before + 2
    goes_on.set()
    await asyncio.gather(finishing.done(), failing.done())

    assert await _sample("active_streams") == before


async def test_errors_count_by_their_code():
    before = await _sample("errors_total", kind="model_not_found")

    await Site().ask(model="nothing")

    assert await _sample("errors_total", kind="model_not_found") == before + 1


# --- what the log says ------------------------------------------------------------------------------------------------------------


async def test_each_request_is_one_event_with_its_id_and_times():
    site = Site()
    site.bench.upstream.answer([0.02, answer()])

    answered = await site.call(client=("192.0.2.7", 1))
    refused = await site.ask(model="nothing")

    first, second = site.logged()
    assert (first["event"], first["level"]) == ("request", "info")
    assert first["request_id"] == answered.headers["x-request-id"]
    assert (first["method"], first["route"], first["status"], first["client_ip"]) == ("POST", "/v1/chat/completions", 200, "192.0.2.7")
    assert first["backend"] == "main"
    assert "error" not in first
    assert 19 <= first["latency_ms"] < 10_000
    assert 0 <= first["overhead_ms"] <= first["latency_ms"] - 19
    assert (second["status"], second["error"], second["request_id"]) == (404, "model_not_found", refused.headers["x-request-id"])
    assert first["ts"].endswith(("Z", "+00:00"))


@pytest.mark.parametrize(
    ("options", "is_slow"), [({"slow_total_ms": 5.0}, True), ({"slow_total_ms": 1e6}, False), ({"slow_overhead_ms": -1.0}, True)]
)
async def test_a_slow_request_says_where_its_time_went(options, is_slow):
    site = Site(**options)
    site.bench.upstream.answer([0.02, answer()])

    await site.ask()

    (event,) = site.logged()
    assert event["event"] == ("slow_request" if is_slow else "request")
    assert event["level"] == ("warning" if is_slow else "info")
    assert ("stages_ms" in event) is is_slow
    if is_slow:
        assert event["stages_ms"]["upstream"] >= 19


async def test_no_event_holds_a_key_a_prompt_or_an_answer():
    site = Site(create_bench(create_principal()), slow_total_ms=0.0)
    site.bench.upstream.answer(answer("the hidden answer"))

    await site.ask(messages=[{"role": "user", "content": "the hidden prompt"}])
    await site.call(headers=[(b"authorization", b"Bearer the-hidden-key"), (b"cookie", b"the-hidden-cookie")])

    text = str(site.logged())
    assert "hidden" not in text
    assert site.bench.key.decode() not in text
    assert len(site.logged()) == 2
