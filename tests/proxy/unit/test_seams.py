"""Where guardrail policies and response caches attach: what they decide is what happens."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import msgspec
import pytest

from proxy.errors import ContentFiltered
from proxy.snapshot import Route, Target
from proxy.stages.guard import AnswerRejected
from proxy.stages.look_up import CachedReply
from proxy.testing import create_bench, create_snapshot
from tests.proxy.asgi_help import Site, check_error
from tests.proxy.chat_help import DONE, HELLO, ROLE, STOP, USAGE, answer, chat, event

MESSAGES = [{"role": "user", "content": "my number is 555"}]


class Guard:
    """A policy that remembers what it saw and lets it pass: the `Guardrails` of an installation, and the `GuardedCall` of each request."""

    version = "v1"
    may_keep_answer = True

    def __init__(self):
        self.seen = []

    async def open(self, snapshot, principal, exchange, model):
        return self

    async def check_request(self, request):
        self.seen.append(bytes(request.fields["messages"]))
        return request

    async def check_reply(self, request, body):
        self.seen.append(body)
        return body

    async def before_answer(self):
        pass

    def watch(self, on_block):
        pass

    def guard_stream(self, request, stream):
        return stream

    def insert_note(self, request, note):
        noted = [*json.loads(bytes(request.fields["messages"])), {"role": "user", "content": note}]
        return msgspec.structs.replace(request, fields=request.fields | {"messages": msgspec.Raw(json.dumps(noted).encode())})

    def check_error(self, error):
        pass

    def note_stream(self):
        pass

    def close(self):
        self.seen.append("closed")


class Redacting(Guard):
    async def check_request(self, request):
        cleaned = msgspec.Raw(bytes(request.fields["messages"]).replace(b"555", b"[number]"))
        return msgspec.structs.replace(request, fields=request.fields | {"messages": cleaned})

    async def check_reply(self, request, body):
        return body.replace(b"555", b"[number]")


class Blocking(Guard):
    async def check_request(self, request):
        raise ContentFiltered("Blocked by 'no numbers'.", {"policy": "no numbers"})


class Broken(Guard):
    async def check_request(self, request):
        raise RuntimeError("a bug")


class Picky(Guard):
    """Wants every answer with a number in it once more."""

    async def check_reply(self, request, body):
        self.seen.append(body)
        if b"555" in body:
            raise AnswerRejected("No numbers, please.", ContentFiltered("numbers"))
        return body


class Cache:
    """A cache that knows one answer, or none, and keeps what it is given."""

    def __init__(self, reply=None):
        self.reply = reply
        self.asked = []
        self.kept = []

    async def find(self, plan, workspace_id):
        self.asked.append((plan.fingerprint, workspace_id))
        return self.reply

    def put(self, plan, workspace_id, reply):
        self.kept.append(reply)


def _cached(**fields) -> Site:
    """Return a site whose route caches for a minute; `fields` are further ones of the route."""
    route = Route("gpt", (Target("main", "gpt"),), **{"exact_cache_ttl_s": 60, **fields})
    return Site(create_bench(snapshot=replace(create_snapshot(), routes={"gpt": route})))


def _with(site: Site, cache: Cache, **changes) -> Site:
    return Site(site.bench, replies=cache, **changes)


async def test_guards_see_what_is_asked_and_what_is_answered():
    guard = Guard()
    site = Site(guardrails=guard)
    site.bench.upstream.answer(answer())

    talk = await site.ask(messages=MESSAGES)

    assert talk.status == 200
    assert [json.loads(seen) for seen in guard.seen[:2]] == [MESSAGES, json.loads(answer())]
    assert guard.seen[2:] == ["closed"]


async def test_a_redaction_changes_what_the_upstream_gets_and_what_the_client_gets():
    site = Site(guardrails=Redacting())
    site.bench.upstream.answer(answer("call 555"))

    talk = await site.ask(messages=MESSAGES)

    assert json.loads(site.bench.upstream.sent[0].body)["messages"][0]["content"] == "my number is [number]"
    assert talk.json["choices"][0]["message"]["content"] == "call [number]"


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_block_is_told_with_its_policy_and_reaches_no_backend(is_stream):
    guard = Blocking()
    site = Site(guardrails=guard)

    talk = await site.ask(messages=MESSAGES, stream=is_stream)

    assert (talk.status, talk.json["error"]["code"], talk.json["error"]["details"]) == (400, "content_filter", {"policy": "no numbers"})
    assert talk.headers["x-should-retry"] == "false"
    assert guard.seen == ["closed"]
    assert site.bench.upstream.sent == []
    assert site.bench.spool.starts == []


async def test_an_answer_that_is_blocked_is_not_sent_and_what_it_cost_is_recorded():
    class NoAnswer(Guard):
        async def check_reply(self, request, body):
            raise ContentFiltered

    site = Site(guardrails=NoAnswer())
    site.bench.upstream.answer(answer("the hidden answer", usage={"prompt_tokens": 5, "completion_tokens": 3}))

    talk = await site.ask()

    check_error(talk, 400, "invalid_request_error", "content_filter")
    assert b"hidden" not in talk.body
    (ended,) = site.bench.spool.ends
    assert (ended.status, ended.outcome, ended.error_code, ended.output_tokens) == (400, "error", "content_filter", 3)


async def test_a_guard_that_breaks_lets_nothing_pass():
    site = Site(guardrails=Broken())

    check_error(await site.ask(messages=MESSAGES), 500, "api_error", "internal_error")
    assert site.bench.upstream.sent == []


async def test_an_answer_that_is_rejected_is_asked_for_once_more_with_a_note_and_both_are_paid_for():
    site = Site(guardrails=Picky())
    usage = {"prompt_tokens": 5, "completion_tokens": 3}
    site.bench.upstream.answer(answer("call 555", usage=usage))
    site.bench.upstream.answer(answer("call me", usage=usage))

    talk = await site.ask(messages=MESSAGES)

    assert talk.json["choices"][0]["message"]["content"] == "call me"
    assert json.loads(site.bench.upstream.sent[1].body)["messages"][-1] == {"role": "user", "content": "No numbers, please."}
    (ended,) = site.bench.spool.ends
    assert (ended.status, ended.input_tokens, ended.output_tokens, ended.attempts_count) == (200, 10, 6, 2)


async def test_an_answer_that_is_rejected_twice_is_refused():
    site = Site(guardrails=Picky())
    for _ in range(2):
        site.bench.upstream.answer(answer("call 555", usage={"prompt_tokens": 5, "completion_tokens": 3}))

    check_error(await site.ask(messages=MESSAGES), 400, "invalid_request_error", "content_filter")
    assert [(line.status, line.output_tokens) for line in site.bench.spool.ends] == [(400, 6)]


async def test_a_check_beside_the_call_that_blocks_gives_the_upstream_up():
    class Slow(Guard):
        def watch(self, on_block):
            asyncio.get_running_loop().call_later(0.01, on_block)

        async def before_answer(self):
            raise ContentFiltered("found out late")

    site = Site(guardrails=Slow())
    stuck = site.bench.upstream.answer([asyncio.Event()])

    talk = await site.ask(messages=MESSAGES)

    assert check_error(talk, 400, "invalid_request_error", "content_filter") == "found out late"
    assert [line.status for line in site.bench.spool.ends] == [400]
    assert stuck.is_aborted


async def test_a_cached_answer_is_given_with_its_age_and_costs_no_call():
    cache = Cache(CachedReply(answer("known"), b"application/json", False, 1000.0))
    site = _with(_cached(), cache, now_s=lambda: 1012.9)

    talk = await site.ask(temperature=0)

    assert (talk.status, talk.body) == (200, answer("known"))
    assert (talk.headers["x-cache"], talk.headers["age"], talk.headers["x-gateway-cost-usd"]) == ("HIT", "12", "0.000000000")
    assert talk.headers["x-gateway-revision"] == "7"
    assert site.bench.upstream.sent == []
    assert site.bench.spool.starts == []
    (ended,) = site.bench.spool.ends
    assert (ended.outcome, ended.cache, ended.usage_source, ended.cost_nano_usd) == ("ok", "HIT", "none", 0)


async def test_a_cached_stream_is_played_as_a_stream():
    body = ROLE + HELLO + STOP + DONE
    site = _with(_cached(), Cache(CachedReply(body, b"text/event-stream; charset=utf-8", True, 1000.0)), now_s=lambda: 1000.0)

    talk = await site.ask(temperature=0, stream=True)

    assert (talk.status, talk.body, talk.headers["x-cache"]) == (200, body, "HIT")
    assert talk.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert "no-cache" in talk.headers["cache-control"]


@pytest.mark.parametrize("is_stream", [False, True])
async def test_an_answer_that_was_not_known_is_kept_whole(is_stream):
    site = _with(_cached(), cache := Cache())
    site.bench.upstream.answer([ROLE, HELLO, STOP, USAGE, DONE] if is_stream else answer())

    talk = await site.ask(temperature=0, stream=is_stream)

    assert talk.headers["x-cache"] == "MISS"
    (kept,) = cache.kept
    assert (kept.body, kept.is_stream) == (talk.body, is_stream)


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({}, ()),  # sampled: no temperature
        ({"temperature": 1}, ()),
        ({"temperature": 0}, ((b"x-gateway-cache", b"no-store"),)),
        ({"temperature": 0}, ((b"cache-control", b"max-age=0, no-store"),)),
    ],
)
async def test_what_may_not_be_cached_is_neither_looked_up_nor_kept(fields, headers):
    site = _with(_cached(), cache := Cache(CachedReply(answer("known"), b"application/json", False, 0.0)))
    site.bench.upstream.answer(answer())

    talk = await site.call(body=chat(**fields), headers=[site.bearer, *headers])

    assert talk.status == 200
    assert talk.body == answer()
    assert (cache.asked, cache.kept) == ([], [])


async def test_a_client_may_ask_for_a_fresh_answer_which_is_then_kept():
    site = _with(_cached(), cache := Cache(CachedReply(answer("known"), b"application/json", False, 0.0)))
    site.bench.upstream.answer(answer("fresh"))

    talk = await site.call(body=chat(temperature=0), headers=[site.bearer, (b"x-gateway-cache", b"no-cache")])

    assert (talk.body, talk.headers["x-cache"]) == (answer("fresh"), "BYPASS")
    assert [kept.body for kept in cache.kept] == [answer("fresh")]


@pytest.mark.parametrize("fields", [{"exact_cache_ttl_s": 60}, {"exact_cache_ttl_s": 0}])
async def test_only_if_cached_never_reaches_a_backend(fields):
    site = _with(_cached(**fields), Cache())

    talk = await site.call(body=chat(temperature=0), headers=[site.bearer, (b"x-gateway-cache", b"only-if-cached")])

    check_error(talk, 504, "invalid_request_error", "not_cached")
    assert site.bench.upstream.sent == []


@pytest.mark.parametrize("failing", [[ROLE, HELLO], [ROLE, HELLO, event({"error": {"message": "late"}})]])
async def test_an_answer_that_broke_off_is_not_kept(failing):
    site = _with(_cached(), cache := Cache())
    site.bench.upstream.answer(failing)

    await site.ask(temperature=0, stream=True)

    assert cache.kept == []


async def test_a_route_may_cache_sampled_answers():
    site = _with(_cached(is_sampled_cacheable=True), cache := Cache())
    site.bench.upstream.answer(answer())

    await site.ask(temperature=1)

    assert len(cache.kept) == 1


async def test_a_cache_is_asked_for_no_model_that_is_not_there():
    site = _with(_cached(), cache := Cache(CachedReply(answer(), b"application/json", False, 0.0)))

    assert (await site.ask(model="nothing", temperature=0)).status == 404
    assert cache.asked == []
