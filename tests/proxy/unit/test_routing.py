"""Where a request goes: the route of its model, a target by weight, the next one while the client has seen nothing."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import replace

import pytest

from proxy.errors import NoHealthyBackend
from proxy.ports import Endpoint, Timeouts, UpstreamFailure
from proxy.snapshot import Backend, Route, Snapshot, Target
from proxy.stages.route import route
from proxy.testing import create_bench, create_principal, create_snapshot
from tests.proxy.asgi_help import Site, check_error
from tests.proxy.chat_help import DONE, HELLO, ROLE, STOP, USAGE, answer, chat, event, parse_frames

REFUSED = UpstreamFailure("connect", "refused", is_sent=False)
RESET = UpstreamFailure("head", "reset", is_sent=True)


def _route(*weights: int) -> Route:
    return Route("gpt", tuple(Target(f"b{at}", f"m{at}", weight) for at, weight in enumerate(weights)))


def _site(*weights: int) -> Site:
    backends = {
        f"b{at}": Backend(f"b{at}", "openai", Endpoint("http", "127.0.0.1", 9 + at, "/v1"), Timeouts()) for at in range(len(weights))
    }
    return Site(create_bench(snapshot=Snapshot(revision=1, backends=backends, routes={"gpt": _route(*weights)})))


def test_every_target_gets_its_share():
    found = _route(70, 20, 10)

    chosen = Counter(route(found, 0.0)[0].backend for _ in range(5000))

    assert chosen["b0"] == pytest.approx(3500, abs=300)
    assert chosen["b1"] == pytest.approx(1000, abs=250)
    assert chosen["b2"] == pytest.approx(500, abs=200)


def test_the_others_follow_by_falling_weight():
    found = _route(1, 5, 3)

    orders = {tuple(target.backend for target in route(found, 0.0)) for _ in range(300)}

    assert orders == {("b0", "b1", "b2"), ("b1", "b2", "b0"), ("b2", "b1", "b0")}


def test_a_target_without_weight_gets_nothing():
    found = _route(0, 1, 0)

    assert {tuple(target.backend for target in route(found, 0.0)) for _ in range(100)} == {("b1",)}


@pytest.mark.parametrize("weights", [(), (0,), (0, 0)])
async def test_a_route_that_leads_nowhere_is_a_503(weights):
    with pytest.raises(NoHealthyBackend):
        route(_route(*weights), 0.0)
    site = _site(*weights)
    check_error(await site.ask(), 503, "api_error", "no_healthy_backend")
    assert site.bench.spool.starts == []


async def test_the_next_target_is_tried_while_nothing_was_sent():
    site = _site(1, 1)
    site.bench.upstream.answers += [REFUSED]
    site.bench.upstream.answer(answer())

    talk = await site.ask()

    assert talk.status == 200
    assert talk.headers["x-gateway-attempts"] == "2"
    first, second = site.bench.upstream.sent
    assert first.endpoint != second.endpoint
    (ended,) = site.bench.spool.ends
    assert (ended.backend, ended.attempts_count) == (talk.headers["x-gateway-backend"], 2)
    assert ended.upstream_model == ended.backend.replace("b", "m")
    assert f'"{ended.upstream_model}"'.encode() in second.body


async def test_the_next_target_is_tried_when_the_first_broke_before_it_answered():
    site = _site(1, 1)
    site.bench.upstream.answers += [RESET]
    site.bench.upstream.answer(answer())

    talk = await site.ask()

    assert (talk.status, talk.headers["x-gateway-attempts"]) == (200, "2")
    (ended,) = site.bench.spool.ends
    assert [attempt["result"] for attempt in json.loads(bytes(ended.decision))["attempts"]] == ["head_reset", "ok"]


@pytest.mark.parametrize(
    "first",
    [
        [ROLE, UpstreamFailure("body", "reset", is_sent=True)],
        [ROLE, event({"error": {"message": "overloaded"}})],
        [ROLE, b"data: {garbage\n\n"],
        [ROLE],
        [b"<html>busy</html>\n\n"],
    ],
)
async def test_a_stream_that_fails_before_its_first_content_goes_to_the_next_target_unseen(first):
    site = _site(1, 1)
    site.bench.upstream.answer(first)
    site.bench.upstream.answer([ROLE, HELLO, STOP, USAGE, DONE])

    talk = await site.ask(stream=True)

    assert (talk.status, talk.headers["x-gateway-attempts"]) == (200, "2")
    assert [frame["choices"][0]["delta"] for frame in parse_frames(talk.body)[:-1]] == [
        {"role": "assistant", "content": ""},
        {"content": "Hel"},
        {},
    ]
    (ended,) = site.bench.spool.ends
    assert (ended.outcome, ended.usage_source, ended.attempts_count) == ("ok", "provider", 2)


async def test_a_stream_slower_than_its_backend_may_be_goes_to_the_next_target():
    site = _site(1, 1)
    slow = replace(
        site.bench.gateway.snapshot(),
        backends={
            name: replace(backend, min_stream_bytes_per_s=1_000_000) for name, backend in site.bench.gateway.snapshot().backends.items()
        },
    )
    site.bench.use(slow)
    site.bench.upstream.answer([ROLE, 30.0, HELLO])
    site.bench.upstream.answer([ROLE, HELLO, STOP, USAGE, DONE])

    talk = await site.ask(stream=True)

    assert (talk.status, talk.headers["x-gateway-attempts"]) == (200, "2")


async def test_a_request_that_no_patience_is_left_for_is_not_tried_elsewhere():
    site = _site(1, 1)
    site.bench.upstream.answers += [0.05, RESET]

    talk = await site.call(body=chat(), headers=[site.bearer, (b"x-stainless-read-timeout", b"0.01")])

    assert talk.status == 502
    assert len(site.bench.upstream.sent) == 1


async def test_when_all_targets_are_down_the_last_failure_is_told():
    site = _site(1, 1, 1)
    site.bench.upstream.answers += [REFUSED, REFUSED, UpstreamFailure("connect", "timeout", is_sent=False, timer="connect")]

    check_error(await site.ask(), 504, "api_error", "timeout")
    assert len({sent.endpoint for sent in site.bench.upstream.sent}) == 3
    assert site.bench.spool.ends[0].attempts_count == 3


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_caller_s_mistake_is_not_tried_elsewhere(status):
    site = _site(1, 1)
    site.bench.upstream.answer(b'{"error":{"message":"no"}}', status)

    assert (await site.ask()).status == status
    assert len(site.bench.upstream.sent) == 1


@pytest.mark.parametrize("status", [401, 404, 429, 500, 503, 529])
async def test_a_target_that_cannot_answer_now_gives_way_to_the_next(status):
    site = _site(1, 1)
    site.bench.upstream.answer(b"", status)
    site.bench.upstream.answer(answer())

    assert (await site.ask()).status == 200


async def test_when_all_targets_are_limited_the_soonest_one_says_when_to_come_back():
    site = _site(1, 1)
    site.bench.upstream.answer(b"", 429, ((b"retry-after", b"20"),))
    site.bench.upstream.answer(b"", 429, ((b"retry-after", b"3"),))

    talk = await site.ask()

    assert (talk.status, talk.headers["retry-after"]) == (429, "3")


async def test_a_stream_that_broke_is_never_continued_elsewhere():
    site = _site(1, 1)
    site.bench.upstream.answer([ROLE, HELLO, UpstreamFailure("body", "reset", is_sent=True)])

    talk = await site.ask(stream=True)

    assert talk.body.endswith(DONE)
    assert len(site.bench.upstream.sent) == 1


async def test_a_request_reads_one_configuration_from_beginning_to_end():
    site = Site()
    site.bench.upstream.answer([0.02, answer()])
    talk = site.open(body=b'{"model":"gpt","messages":[{"role":"user"}]}')
    while not site.bench.upstream.sent:
        await asyncio.sleep(0)

    site.bench.use(create_snapshot("another", revision=8))
    await talk.done()

    assert (talk.status, talk.headers["x-gateway-revision"]) == (200, "7")
    assert (await site.ask()).headers["x-gateway-revision"] == "8"


# --- what a key may see -----------------------------------------------------------------------------------------------------------


async def test_a_model_that_is_not_allowed_is_a_403_whether_it_exists_or_not():
    site = Site(create_bench(create_principal(allowed_models=("gpt",)), create_snapshot("gpt", "secret")))

    exists, invented = await site.ask(model="secret"), await site.ask(model="invented")

    check_error(exists, 403, "permission_error", "model_not_allowed", "model")
    check_error(invented, 403, "permission_error", "model_not_allowed", "model")
    assert exists.json["error"]["message"].replace("secret", "invented") == invented.json["error"]["message"]


async def test_models_are_listed_as_far_as_the_key_may_use_them():
    site = Site(create_bench(create_principal(allowed_models=("gpt*",)), create_snapshot("gpt-b", "gpt-a", "secret")))

    talk = await site.call("GET", "/v1/models")

    assert talk.status == 200
    assert [model["id"] for model in talk.json["data"]] == ["gpt-a", "gpt-b"]
    assert talk.headers["x-gateway-revision"] == "7"


@pytest.mark.parametrize("name", ["gpt", "org/model", "a b", "ü🔑", "x:free"])
async def test_one_model_is_shown_by_its_name(name):
    site = Site(create_bench(snapshot=create_snapshot(name)))

    talk = await site.call("GET", f"/v1/models/{name}")

    assert (talk.status, talk.json["id"], talk.json["object"]) == (200, name, "model")


async def test_a_model_that_is_not_there_or_not_allowed():
    site = Site(create_bench(create_principal(allowed_models=("gpt", "other")), create_snapshot("gpt", "secret")))

    check_error(await site.call("GET", "/v1/models/other"), 404, "invalid_request_error", "model_not_found", "model")
    check_error(await site.call("GET", "/v1/models/secret"), 403, "permission_error", "model_not_allowed", "model")


async def test_models_need_a_key():
    check_error(await Site().call("GET", "/v1/models", headers=[]), 401, "authentication_error", "invalid_api_key")
