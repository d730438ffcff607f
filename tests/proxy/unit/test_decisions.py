"""`/v1/requests/{id}` and `/v1/explain`: what was decided and what would be, for those whom it concerns, at the cost of one request."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from typing import Any

import pytest

from apikeys.hotpath import create_key_text, digest_key
from common.ids import create_uuid7
from proxy.errors import StoreUnavailable
from proxy.reply_cache import TwoLevelCache
from proxy.snapshot import LimitRule, Price, Route, Snapshot, Target
from proxy.testing import KEY_ID, PEPPER, WORKSPACE_ID, MemoryRecords, create_bench, create_principal, create_snapshot
from tests.proxy.asgi_help import Site, check_error
from tests.proxy.chat_help import answer, chat
from tests.proxy.spool_help import started

CHAT = "/v1/chat/completions"
USAGE = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}
PRICE = Price(0.0, *[1_000_000] * 8)
LIMIT = LimitRule("l", "all", "global", "requests", 100, 3600, 100)


def _snapshot(*, limits: tuple[LimitRule, ...] = (LIMIT,), **route: Any) -> Snapshot:
    snapshot = create_snapshot("gpt", "secret", limits=limits)
    priced = {name: Route(name, (Target("main", name, prices=(PRICE,)),), **route) for name in snapshot.routes}
    return replace(snapshot, routes=priced)


def _site(snapshot: Snapshot | None = None, **principal: Any) -> Site:
    bench = create_bench(create_principal(**principal), snapshot or _snapshot())
    site = Site(bench, records=MemoryRecords(bench.spool), replies=TwoLevelCache(None, now_s=bench.clock), now_s=bench.clock)
    site.bench.upstream.answer(answer("Hi.", USAGE))
    return site


def _add_key(site: Site, **principal: Any) -> tuple[bytes, bytes]:
    """Return the header of another key."""
    key = create_key_text()[0].encode()
    site.bench.principals.principals[digest_key(PEPPER, key)] = create_principal(**principal)
    return (b"authorization", b"Bearer " + key)


async def _read(site: Site, request_id: str, key: tuple[bytes, bytes] | None = None):
    return await site.call("GET", f"/v1/requests/{request_id}", headers=[key or site.bearer])


# --- a request that was -----------------------------------------------------------------------------------------------------------


async def test_a_request_is_described_as_it_was_decided():
    site = _site()
    asked = await site.ask()

    said = (await _read(site, asked.headers["x-request-id"])).json

    decision = said.pop("decision")
    assert said == said | {
        "id": asked.headers["x-request-id"],
        "object": "gateway.request",
        "key_id": KEY_ID,
        "workspace_id": WORKSPACE_ID,
        "endpoint": "chat",
        "model": "gpt",
        "outcome": "ok",
        "status": 200,
        "error": None,
        "backend": "main",
        "usage_source": "provider",
        "cost_usd": "0.000000008",
        "price": {name: getattr(PRICE, name) for name in PRICE.__dataclass_fields__},
    }
    assert (said["usage"]["input_tokens"], said["usage"]["output_tokens"]) == (5, 3)
    assert [limit["name"] for limit in decision["limits"]] == ["all"]
    assert [attempt["backend"] for attempt in decision["attempts"]] == ["main"]
    assert set(decision["estimate"]) == {"input_tokens", "output_tokens", "cost_nano_usd"}


async def test_a_price_that_the_configuration_no_longer_has_is_not_made_up():
    site = _site()
    asked = await site.ask()
    later = _snapshot()
    later.routes["gpt"] = Route("gpt", (Target("main", "gpt", prices=(replace(PRICE, effective_at=9.0),)),))
    site.bench.gateway.snapshots.current = later

    assert (await _read(site, asked.headers["x-request-id"])).json["price"] is None


async def test_a_request_that_runs_says_so():
    site = _site()
    line = started(workspace_id=WORKSPACE_ID, key_id=KEY_ID)
    site.bench.spool.started(line)

    said = (await _read(site, line.request_id)).json

    assert (said["outcome"], "status" in said) == ("running", False)


async def test_a_request_is_shown_to_its_key_and_to_readers_of_its_workspace_and_to_nobody_else():
    site = _site(permissions=("inference",))
    request_id = (await site.ask()).headers["x-request-id"]
    reader = _add_key(site, key_id=str(uuid.UUID(int=7)), permissions=("usage",))
    worker = _add_key(site, key_id=str(uuid.UUID(int=8)), permissions=("inference",))
    charlie = _add_key(site, key_id=str(uuid.UUID(int=9)), workspace_id=str(uuid.UUID(int=10)), permissions=("inference", "usage", "keys"))

    assert [(await _read(site, request_id, key)).status for key in (None, reader, worker, charlie)] == [200, 200, 404, 404]
    unknown = await _read(site, str(create_uuid7()), charlie)
    hidden = await _read(site, request_id, charlie)
    assert (
        check_error(unknown, 404, "invalid_request_error", "not_found")[:40]
        == check_error(hidden, 404, "invalid_request_error", "not_found")[:40]
    )


@pytest.mark.parametrize("request_id", ["x", "1" * 500, "%00", str(uuid.UUID(int=0)), str(uuid.UUID(int=2**128 - 1)), "a/b", "\u00e9"])
async def test_an_id_that_is_none_is_a_404(request_id):
    check_error(await _read(_site(), request_id), 404, "invalid_request_error", "not_found")


async def test_without_a_store_it_is_a_503_and_without_a_key_a_401():
    site = _site()
    site.bench.gateway.records.error = StoreUnavailable()

    check_error(await _read(site, str(create_uuid7())), 503, "api_error", "store_unavailable")
    check_error(await site.call("GET", f"/v1/requests/{create_uuid7()}", headers=[]), 401, "authentication_error", "invalid_api_key")
    assert check_error(await site.call("POST", "/v1/requests/x", b"{}"), 405, "invalid_request_error", "method_not_allowed")


async def test_reading_is_charged_one_request():
    site = _site()
    before = int((await site.ask()).headers["x-ratelimit-remaining-requests"])

    after = int((await _read(site, str(create_uuid7()))).headers["x-ratelimit-remaining-requests"])

    assert before - after == 1


# --- a request that could be ----------------------------------------------------------------------------------------------------------


async def _explain(site: Site, body: Any = None, endpoint: str = CHAT, headers: list[tuple[bytes, bytes]] | None = None) -> dict[str, Any]:
    """Return what is said of a request; a chat about nothing unless told otherwise."""
    body = json.loads(chat()) if body is None else body
    sent = json.dumps({"endpoint": endpoint, "body": body}).encode()
    talk = await site.call("POST", "/v1/explain", sent, headers=[site.bearer, *(headers or [])])
    assert talk.status == 200, talk.body
    return talk.json


async def test_what_would_be_forwarded_is_explained_and_no_provider_hears_of_it():
    site = _site()

    said = await _explain(site)

    assert (said["object"], said["would"], said["route"], said["revision"]) == ("gateway.explanation", "forward", "gpt", 7)
    assert [(one["backend"], one["upstream_model"], one["untranslatable"]) for one in said["candidates"]] == [("main", "gpt", None)]
    assert said["candidates"][0]["price"]["input_nano_usd_per_mtok"] == 1_000_000
    assert said["cache"] == {"would_hit": False, "may_store": False, "reason": "the route does not cache"}
    assert [(limit["name"], limit["would_refuse"]) for limit in said["limits"]] == [("all", False)]
    assert (site.bench.upstream.sent, site.bench.spool.starts, site.bench.spool.ends) == ([], [], [])


async def test_the_estimate_is_what_the_request_itself_would_reserve():
    site = _site()
    said = await _explain(site)
    decision = (await _read(site, (await site.ask()).headers["x-request-id"])).json["decision"]

    assert said["estimate"]["input_tokens"] == decision["estimate"]["input_tokens"]
    assert said["estimate"]["output_tokens"] == decision["estimate"]["output_tokens"]


async def test_explaining_charges_one_request_and_no_money():
    budget = LimitRule("b", "budget", "workspace", "cost", 10_000_000, 60, 10_000_000)
    site = _site(_snapshot(limits=(LIMIT, budget)))

    for _ in range(3):
        said = await _explain(site)

    left = {limit["name"]: limit["remaining"] for limit in said["limits"]}
    assert left == {"all": 97, "budget": 10_000_000}


@pytest.mark.parametrize(("mode", "would"), [(True, "refuse"), (False, "forward")])
async def test_a_limit_that_is_reached_would_refuse_unless_it_is_in_shadow_mode(mode, would):
    tight = LimitRule("t", "tight", "workspace", "input_tokens", 1, 1, 1, is_enforced=mode)
    site = _site(_snapshot(limits=(tight,)))
    site.bench.upstream.answer(answer("Hi.", USAGE))
    await site.ask()

    said = await _explain(site)

    assert said["would"] == would
    assert said["limits"][0]["would_refuse"] is True
    assert said.get("error", {}).get("code") == ("rate_limit_exceeded" if mode else None)


async def test_a_budget_that_is_spent_would_refuse_with_its_own_code():
    budget = LimitRule("b", "budget", "workspace", "cost", 1, 3600, 1)
    site = _site(_snapshot(limits=(budget,)))
    await site.ask()

    said = await _explain(site)

    assert (said["would"], said["error"]["type"], said["error"]["code"]) == ("refuse", "insufficient_quota", "insufficient_quota")


async def test_a_cached_answer_would_be_given_and_is_not_counted_as_a_hit():
    site = _site(_snapshot(exact_cache_ttl_s=60))
    body = json.loads(chat(temperature=0))
    assert (await _explain(site, body))["would"] == "forward"
    await site.ask(temperature=0)

    assert (await _explain(site, body))["would"] == "hit"
    assert (await _explain(site, body, headers=[(b"x-gateway-cache", b"no-cache")]))["would"] == "forward"


async def test_a_cached_answer_that_must_be_and_is_not_refuses():
    said = await _explain(_site(), headers=[(b"x-gateway-cache", b"only-if-cached")])

    assert (said["would"], said["error"]["code"]) == ("refuse", "not_cached")


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (json.loads(chat("none")), "model_not_found", "model"),
        ({"model": "gpt"}, "invalid_request", "messages"),
        ([], "invalid_request", None),
        (None, "invalid_request", None),
        ("x", "invalid_request", None),
    ],
)
async def test_what_would_be_refused_says_why(body, code, param):
    sent = json.dumps({"endpoint": CHAT, "body": body}).encode()

    said = (await _site().call("POST", "/v1/explain", sent)).json

    assert (said["would"], said["error"]["code"], said["error"]["param"]) == ("refuse", code, param)
    assert set(said["error"]) == {"message", "type", "param", "code"}


async def test_an_endpoint_that_no_model_has_would_be_refused():
    for endpoint in ("/v1/models", "/v1/explain", "/api/keys", ""):
        said = await _explain(_site(), endpoint=endpoint)
        assert (said["would"], said["error"]["code"], said["error"]["param"]) == ("refuse", "not_found", "endpoint")


async def test_a_key_learns_nothing_of_a_model_that_it_may_not_use():
    site = _site(allowed_models=("gpt",))

    hidden = await _explain(site, json.loads(chat("secret")))
    absent = await _explain(site, json.loads(chat("absent")))

    assert hidden["error"]["code"] == absent["error"]["code"] == "model_not_allowed"
    for said in (hidden, absent):
        for name in ("model", "error", "limits"):
            said.pop(name)
    assert hidden == absent


async def test_a_request_that_no_candidate_can_be_asked_would_be_refused():
    site = _site(replace(_snapshot(), backends={"main": replace(_snapshot().backends["main"], provider="anthropic")}))

    said = await _explain(site, {"model": "gpt", "input": "Hello"}, "/v1/embeddings")

    assert said["would"] == "refuse"
    assert said["error"] == said["candidates"][0]["untranslatable"]
    assert said["error"]["code"] == "unsupported_parameter"


async def test_tokens_that_no_provider_counts_would_be_estimated():
    body = {"model": "gpt", "messages": [{"role": "user", "content": "Hello"}]}

    assert (await _explain(_site(), body, "/v1/messages/count_tokens"))["would"] == "estimate"


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"endpoint": 1, "body": {}}', b'{"endpoint": "/v1/x"}', b"\xff", b"[" * 100_000])
async def test_an_envelope_that_cannot_be_read_is_a_400(body):
    check_error(await _site().call("POST", "/v1/explain", body), 400, "invalid_request_error", "invalid_request")


async def test_without_the_permission_nothing_is_explained():
    site = _site(permissions=("usage",))
    sent = json.dumps({"endpoint": CHAT, "body": {}}).encode()

    check_error(await site.call("POST", "/v1/explain", sent), 403, "permission_error", "permission_missing")
