"""Who shares an answer with somebody else is under the same rules: neither the cache nor a call in flight leads around one's own."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from apikeys.hotpath import create_key_text, digest_key
from proxy.reply_cache import TwoLevelCache
from proxy.snapshot import PublishedPolicy, Route, Target
from proxy.testing import KEY_ID, PEPPER, create_principal
from tests.proxy.asgi_help import Site, Talk
from tests.proxy.chat_help import DONE, ROLE, STOP, answer, chat, delta
from tests.proxy.guard_help import guarded_site, numbers, published

OTHER_KEY_ID = "0192f6b0-0000-7000-8000-000000000009"
SAID = "see ticket 12345"


class TwoKeys:
    """A worker that shares calls and answers, and two keys of one workspace."""

    def __init__(self, *policies: PublishedPolicy) -> None:
        self.site: Site = guarded_site(*policies, replies=TwoLevelCache(None))
        bench = self.site.bench
        snapshot = bench.gateway.snapshots.current
        assert snapshot is not None
        route = Route("gpt", (Target("main", "gpt"),), exact_cache_ttl_s=60, is_coalesced=True)
        bench.use(replace(snapshot, routes={"gpt": route}))
        other = create_key_text()[0].encode()
        bench.principals.principals[digest_key(PEPPER, other)] = create_principal(key_id=OTHER_KEY_ID)
        self.bearers = [self.site.bearer, (b"authorization", b"Bearer " + other)]

    def ask(self, whose: int, **fields: Any) -> Talk:
        body = chat(temperature=0, **fields)
        return self.site.open(body=body, headers=[self.bearers[whose], (b"content-type", b"application/json")])


def _same_name(*, first: str, second: str) -> tuple[PublishedPolicy, PublishedPolicy]:
    """Return two policies with a rule of one name: for the key that names the first, its rule takes the place of the other's."""
    mine = published("mine", numbers(first, "response", name="tickets"), scope={"attached_key_ids": (KEY_ID,)})
    house = published("house", numbers(second, "response", name="tickets"))
    return mine, house


POLICIES: dict[str, tuple[PublishedPolicy, ...]] = {
    "a policy of its own": (
        published("lax", numbers("log", "response"), scope={"key_ids": (KEY_ID,)}),
        published("strict", numbers("redact", "response"), scope={"key_ids": (OTHER_KEY_ID,)}),
    ),
    "no policy for one": (published("strict", numbers("redact", "response"), scope={"key_ids": (OTHER_KEY_ID,)}),),
    "a rule that takes the place of another": _same_name(first="log", second="redact"),
}


@pytest.mark.parametrize("kind", POLICIES)
@pytest.mark.parametrize("is_stream", [False, True])
async def test_one_who_could_ride_along_is_under_rules_of_its_own(kind, is_stream):
    keys = TwoKeys(*POLICIES[kind])
    if is_stream:
        pieces = [0.05, ROLE, delta(content=SAID), STOP, DONE]
        for _ in range(2):
            keys.site.bench.upstream.answer(pieces)
    else:
        for _ in range(2):
            keys.site.bench.upstream.answer([0.05, answer(SAID)])

    first = keys.ask(0, stream=is_stream)
    await asyncio.sleep(0.01)
    second = keys.ask(1, stream=is_stream)
    await first.done()
    await second.done()

    assert b"12345" in first.body
    assert second.status == 200
    assert b"12345" not in second.body
    assert len(keys.site.bench.upstream.sent) == 2


@pytest.mark.parametrize("kind", POLICIES)
async def test_an_answer_kept_for_one_is_not_given_to_another_under_other_rules(kind):
    keys = TwoKeys(*POLICIES[kind])
    for _ in range(2):
        keys.site.bench.upstream.answer(answer(SAID))

    first = await keys.ask(0).done()
    second = await keys.ask(1).done()

    assert b"12345" in first.body
    assert b"12345" not in second.body


async def test_one_who_rides_along_under_the_same_rules_shares_the_block():
    keys = TwoKeys(published("house", numbers("block", "response")))
    keys.site.bench.upstream.answer([0.05, answer(SAID)])

    first = keys.ask(0)
    await asyncio.sleep(0.01)
    second = keys.ask(1)
    await first.done()
    await second.done()

    assert [(talk.status, talk.json["error"]["code"]) for talk in (first, second)] == [(400, "content_filter")] * 2
    assert len(keys.site.bench.upstream.sent) == 1
