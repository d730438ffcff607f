"""Where guardrail policies and response caches attach: what they decide is what happens."""

from __future__ import annotations

import dataclasses
import json

import msgspec
import pytest

from proxy.errors import ContentFiltered
from proxy.stages.guard import Verdict
from proxy.stages.look_up import CachedReply
from tests.proxy.asgi_help import Site, check_error
from tests.proxy.chat_help import answer

MESSAGES = [{"role": "user", "content": "my number is 555"}]


class Guard:
    """A policy that remembers what it saw and lets it pass."""

    def __init__(self):
        self.seen = []

    async def check_request(self, principal, request):
        self.seen.append((principal.key_id, bytes(request.fields["messages"])))
        return Verdict(request)

    async def check_reply(self, principal, body):
        self.seen.append((principal.key_id, body))
        return body


class Redacting(Guard):
    async def check_request(self, principal, request):
        cleaned = msgspec.Raw(bytes(request.fields["messages"]).replace(b"555", b"[number]"))
        return Verdict(dataclasses.replace(request, fields=request.fields | {"messages": cleaned}))

    async def check_reply(self, principal, body):
        return body.replace(b"555", b"[number]")


class Blocking(Guard):
    async def check_request(self, principal, request):
        return Verdict(request, blocked_by="no numbers")


class Broken(Guard):
    async def check_request(self, principal, request):
        raise RuntimeError("a bug")


class Cache:
    """A cache that knows one answer, or none."""

    def __init__(self, reply=None):
        self.reply = reply
        self.asked = []

    async def find(self, principal, request, snapshot):
        self.asked.append(request.model)
        return self.reply


async def test_guards_see_what_is_asked_and_what_is_answered():
    guard = Guard()
    site = Site(guards=(guard,))
    site.bench.upstream.answer(answer())

    talk = await site.ask(messages=MESSAGES)

    assert talk.status == 200
    assert [json.loads(seen) for _, seen in guard.seen] == [MESSAGES, json.loads(answer())]


async def test_a_redaction_changes_what_the_upstream_gets_and_what_the_client_gets():
    site = Site(guards=(Redacting(), after := Guard()))
    site.bench.upstream.answer(answer("call 555"))

    talk = await site.ask(messages=MESSAGES)

    assert json.loads(site.bench.upstream.sent[0].body)["messages"][0]["content"] == "my number is [number]"
    assert talk.json["choices"][0]["message"]["content"] == "call [number]"
    assert b"555" not in b"".join(seen for _, seen in after.seen)


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_block_is_told_with_its_policy_and_reaches_no_backend(is_stream):
    after = Guard()
    site = Site(guards=(Blocking(), after))

    talk = await site.ask(messages=MESSAGES, stream=is_stream)

    message = check_error(talk, 400, "invalid_request_error", "content_filter")
    assert "no numbers" in message
    assert talk.headers["x-should-retry"] == "false"
    assert after.seen == []
    assert site.bench.upstream.sent == []
    assert site.bench.spool.starts == []


async def test_an_answer_that_is_blocked_is_not_sent_and_what_it_cost_is_recorded():
    class NoAnswer(Guard):
        async def check_reply(self, principal, body):
            raise ContentFiltered

    site = Site(guards=(NoAnswer(),))
    site.bench.upstream.answer(answer("the hidden answer", usage={"prompt_tokens": 5, "completion_tokens": 3}))

    talk = await site.ask()

    check_error(talk, 400, "invalid_request_error", "content_filter")
    assert b"hidden" not in talk.body
    (ended,) = site.bench.spool.ends
    assert (ended.status, ended.outcome, ended.error_code, ended.output_tokens) == (400, "error", "content_filter", 3)


async def test_a_guard_that_breaks_lets_nothing_pass():
    site = Site(guards=(Broken(),))

    check_error(await site.ask(messages=MESSAGES), 500, "api_error", "internal_error")
    assert site.bench.upstream.sent == []


async def test_a_cached_answer_is_given_with_its_age_and_costs_no_call():
    site = Site(caches=(miss := Cache(), Cache(CachedReply(answer("known"), 12.9, "HIT")), after := Cache()))

    talk = await site.ask()

    assert (talk.status, talk.body) == (200, answer("known"))
    assert (talk.headers["x-cache"], talk.headers["age"]) == ("HIT", "12")
    assert talk.headers["x-gateway-revision"] == "7"
    assert (miss.asked, after.asked) == (["gpt"], [])
    assert site.bench.upstream.sent == []
    assert site.bench.spool.starts == []


async def test_without_a_known_answer_the_request_is_forwarded():
    site = Site(caches=(Cache(), Cache()))
    site.bench.upstream.answer(answer())

    talk = await site.ask()

    assert talk.status == 200
    assert "x-cache" not in talk.headers


async def test_a_cache_is_asked_for_no_model_that_is_not_there():
    cache = Cache(CachedReply(answer(), 1, "HIT"))
    site = Site(caches=(cache,))

    assert (await site.ask(model="nothing")).status == 404
    assert cache.asked == []
