"""What policies do to what is asked and what is answered, on the way of a request."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from proxy.guarding.active import Ports
from proxy.reply_cache import TwoLevelCache
from proxy.snapshot import Route, Target
from proxy.testing import FakeUpstream
from tests.proxy.asgi_help import check_error
from tests.proxy.chat_help import DONE, HELLO, ROLE, STOP, USAGE, answer, chat, event
from tests.proxy.guard_help import guarded_site, numbers, published, rule

ASKED = [{"role": "user", "content": "close ticket 12345 today"}]


def _content(content: str) -> bytes:
    return event({"choices": [{"index": 0, "delta": {"content": content}}]})


def _text(talk) -> str:
    """Return what a client puts together of a chat stream."""
    said = []
    for line in talk.body.split(b"\n\n"):
        if line.startswith(b"data: {"):
            for choice in json.loads(line[6:])["choices"]:
                said.append(choice.get("delta", {}).get("content") or "")
    return "".join(said)


async def test_a_redaction_reaches_the_backend_and_the_client_and_the_record_says_so_without_the_value():
    site = guarded_site(published("house", numbers("redact")))
    site.bench.upstream.answer(answer("I closed ticket 99999."))

    talk = await site.ask(messages=ASKED)

    assert json.loads(site.bench.upstream.sent[0].body)["messages"][0]["content"] == "close [TICKET] today"
    assert talk.json["choices"][0]["message"]["content"] == "I closed [TICKET]."
    (ended,) = site.bench.spool.ends
    verdicts = json.loads(bytes(ended.decision))["verdicts"]
    assert [(each["policy"], each["version"], each["rule"], each["phase"], each["action"], each["result"]) for each in verdicts] == [
        ("house", "1", "regex", "request", "redact", "hit"),
        ("house", "1", "regex", "response", "redact", "hit"),
    ]
    assert b"12345" not in bytes(ended.decision)
    assert b"99999" not in bytes(ended.decision)


async def test_a_block_names_policy_rule_and_detector_and_asks_no_backend():
    site = guarded_site(published("house", numbers("block", message="No ticket numbers, please.")))

    talk = await site.ask(messages=ASKED)

    assert talk.status == 400
    error = talk.json["error"]
    assert (error["code"], error["message"]) == ("content_filter", "No ticket numbers, please.")
    assert error["details"] == {"policy": "house", "policy_version": "1", "rule": "regex", "phase": "request", "detector": "regex"}
    assert site.bench.upstream.sent == []


async def test_an_answer_that_is_blocked_is_not_shown_and_is_paid_for():
    site = guarded_site(published("house", numbers("block", "response")))
    site.bench.upstream.answer(answer("it was ticket 12345", usage={"prompt_tokens": 5, "completion_tokens": 3}))

    talk = await site.ask()

    assert (talk.status, talk.json["error"]["details"]["phase"]) == (400, "response")
    assert b"12345" not in talk.body
    assert [(line.status, line.output_tokens) for line in site.bench.spool.ends] == [(400, 3)]


@pytest.mark.parametrize("cut", [3, 6, 7, 9, 12])
async def test_a_stream_says_what_a_whole_answer_would(cut):
    whole = "I closed ticket 99999. Anything else?"
    site = guarded_site(published("house", numbers("redact", "response")))
    pieces = [_content(whole[at : at + cut]) for at in range(0, len(whole), cut)]
    site.bench.upstream.answer([ROLE, *pieces, STOP, USAGE, DONE])

    talk = await site.ask(stream=True)

    assert _text(talk) == "I closed [TICKET]. Anything else?"
    assert talk.body.endswith(DONE)
    (ended,) = site.bench.spool.ends
    assert [each["rule"] for each in json.loads(bytes(ended.decision))["verdicts"]] == ["regex"]


async def test_a_stream_that_is_blocked_ends_with_an_error_frame_and_shows_nothing_of_it():
    site = guarded_site(published("house", numbers("block", "response")))
    response = site.bench.upstream.answer([ROLE, HELLO, _content(" it was tick"), _content("et 12345 or so"), asyncio.Event()])

    talk = await site.ask(stream=True)

    assert b"12345" not in talk.body
    assert b"tick" not in talk.body
    assert b"content_filter" in talk.body
    assert b'"rule":"regex"' in talk.body or b"guardrail" in talk.body
    assert response.is_aborted
    assert [(line.status, line.error_code) for line in site.bench.spool.ends] == [(400, "content_filter")]


async def test_a_stream_blocked_before_its_first_content_is_a_plain_refusal():
    site = guarded_site(published("house", numbers("block", "response")))
    site.bench.upstream.answer([ROLE, _content("ticket 12345 "), asyncio.Event()])

    talk = await site.ask(stream=True)

    check_error_code(talk, 400, "content_filter")


def check_error_code(talk, status: int, code: str) -> None:
    assert (talk.status, talk.json["error"]["code"]) == (status, code)


async def test_shadow_changes_nothing_and_is_written_down():
    site = guarded_site(published("house", numbers("block", mode="shadow")))
    site.bench.upstream.answer(answer("ticket 99999"))

    talk = await site.ask(messages=ASKED)

    assert talk.json["choices"][0]["message"]["content"] == "ticket 99999"
    assert json.loads(site.bench.upstream.sent[0].body)["messages"] == ASKED
    (ended,) = site.bench.spool.ends
    assert [each["mode"] for each in json.loads(bytes(ended.decision))["verdicts"]] == ["shadow", "shadow"]


class Repeating(FakeUpstream):
    """A model that repeats the token it was sent, letter by letter on streams."""

    async def send(self, endpoint, method, path, headers, body, timeouts, **options):
        content = json.loads(body)["messages"][0]["content"]
        said = f"Done: {content[content.index('[') : content.index(']') + 1]} is closed."
        is_stream = json.loads(body).get("stream", False)
        self.answer([ROLE, *(_content(each) for each in said), STOP, DONE] if is_stream else answer(said))
        return await super().send(endpoint, method, path, headers, body, timeouts, **options)


@pytest.mark.parametrize("is_stream", [False, True])
async def test_tokens_hide_a_value_from_the_model_and_give_it_back_to_the_client(is_stream):
    upstream = Repeating()
    site = guarded_site(published("house", numbers("tokenise", "request")), upstream=upstream)

    talk = await site.ask(messages=ASKED, stream=is_stream)

    sent = json.loads(upstream.sent[0].body)["messages"][0]["content"]
    assert "12345" not in sent
    assert sent.startswith("close [TICKET_1_")
    said = _text(talk) if is_stream else talk.json["choices"][0]["message"]["content"]
    assert said == "Done: ticket 12345 is closed."


async def test_route_sends_the_request_to_another_model():
    site = guarded_site(published("house", numbers("route", "request", route_to="other")))
    site.bench.upstream.answer(answer())

    talk = await site.ask(messages=ASKED)

    assert talk.status in {200, 404}
    if talk.status == 404:
        assert "other" in talk.json["error"]["message"]


async def test_retry_asks_once_more_with_the_note():
    site = guarded_site(published("house", numbers("retry", "response", note="Leave numbers out.")))
    site.bench.upstream.answer(answer("ticket 12345"))
    site.bench.upstream.answer(answer("your ticket"))

    talk = await site.ask()

    assert talk.json["choices"][0]["message"]["content"] == "your ticket"
    assert "Leave numbers out." in json.dumps(json.loads(site.bench.upstream.sent[1].body)["messages"])


async def test_the_most_specific_policy_wins_and_others_add():
    everywhere = published("everywhere", numbers("block"), rule("keywords", "redact", parameters={"words": ["secretword"]}))
    mine = published("mine", numbers("redact"), scope={"models": ("gpt",)})
    site = guarded_site(everywhere, mine)
    site.bench.upstream.answer(answer())

    await site.ask(messages=[{"role": "user", "content": "secretword of ticket 12345"}])

    sent = json.loads(site.bench.upstream.sent[0].body)["messages"][0]["content"]
    assert "12345" not in sent
    assert "secretword" not in sent


async def test_a_policy_that_does_not_hold_for_the_model_is_not_asked():
    site = guarded_site(published("house", numbers("block"), scope={"models": ("other",)}))
    site.bench.upstream.answer(answer())

    assert (await site.ask(messages=ASKED)).status == 200


async def test_a_policy_that_cannot_be_compiled_lets_nothing_pass():
    site = guarded_site(published("house", rule("regex", "block", parameters={"patterns": [{"name": "x", "expression": "(?=x)"}]})))

    check_error(await site.ask(messages=ASKED), 503, "api_error", "overloaded")
    assert site.bench.upstream.sent == []


class Services:
    """The outside of rules that ask: answers after a while, and counts."""

    def __init__(self, flagged: bool, after_s: float) -> None:
        self.flagged = flagged
        self.after_s = after_s
        self.asked = 0
        self.cancelled = 0
        self.done = 0

    async def post_json(self, url, headers, body, timeout_s):
        self.asked += 1
        try:
            await asyncio.sleep(self.after_s)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        self.done += 1
        return 200, json.dumps({"flagged": self.flagged, "score": 1.0}).encode()


def _asking(action: str = "block", **fields) -> dict:
    parameters = {"kind": "webhook", "url": "https://checks.example/v1"}
    return rule("external", action, "request", parameters=parameters, deadline_ms=2000, **fields)


async def test_a_slow_check_runs_beside_the_call_and_its_block_ends_it():
    services = Services(flagged=True, after_s=0.02)
    site = guarded_site(published("house", _asking()), ports=Ports(egress=services))
    response = site.bench.upstream.answer([asyncio.Event()])

    talk = await asyncio.wait_for(site.ask(messages=ASKED), 10)

    check_error_code(talk, 400, "content_filter")
    assert len(site.bench.upstream.sent) == 1
    assert response.is_aborted


async def test_an_answer_waits_for_a_slow_check_that_passes():
    services = Services(flagged=False, after_s=0.02)
    site = guarded_site(published("house", _asking()), ports=Ports(egress=services))
    site.bench.upstream.answer(answer("at once"))

    talk = await site.ask(messages=ASKED)

    assert (talk.status, services.asked) == (200, 1)


async def test_a_block_by_a_fast_rule_asks_nobody():
    services = Services(flagged=False, after_s=0.02)
    site = guarded_site(published("house", numbers("block"), _asking()), ports=Ports(egress=services))

    check_error_code(await site.ask(messages=ASKED), 400, "content_filter")
    assert services.asked == 0


@pytest.mark.parametrize(("fail_mode", "status"), [("closed", 400), ("open", 200)])
async def test_a_service_that_is_away_goes_by_the_rules_fail_mode(fail_mode, status):
    class Away:
        async def post_json(self, url, headers, body, timeout_s):
            raise OSError

    site = guarded_site(published("house", _asking(fail_mode=fail_mode)), ports=Ports(egress=Away()))
    site.bench.upstream.answer(answer())

    talk = await site.ask(messages=ASKED)

    assert talk.status == status
    (verdict,) = json.loads(bytes(site.bench.spool.ends[0].decision))["verdicts"]
    assert (verdict["result"], verdict.get("degraded", False)) == ("error", fail_mode == "open")


async def test_answers_are_shared_only_under_the_same_policy_version():
    assert chat()  # the fingerprint itself: tests/proxy/unit/test_fingerprint.py
    first = guarded_site(published("house", numbers("redact"), version=1))
    other = guarded_site(published("house", numbers("block"), version=2))
    opened = [
        await site.bench.gateway.guardrails.open(site.bench.gateway.snapshot(), (await _principal(site)), _Exchange(), "gpt")
        for site in (first, other)
    ]

    assert opened[0].version != opened[1].version


class _Exchange:
    route = "/v1/chat/completions"
    endpoint = "chat"
    reservation = None
    verdicts: list = []


async def _principal(site):
    return next(iter(site.bench.principals.principals.values()))


async def test_a_slow_rule_in_shadow_delays_nothing_and_is_counted():
    services = Services(flagged=True, after_s=0.05)
    site = guarded_site(published("house", _asking(mode="shadow")), ports=Ports(egress=services))
    site.bench.upstream.answer(answer("at once"))

    talk = await asyncio.wait_for(site.ask(messages=ASKED), 10)

    assert (talk.status, services.done) == (200, 0)
    while services.done == 0:
        await asyncio.sleep(0.01)
    assert (services.asked, services.cancelled) == (1, 0)


async def test_an_answer_with_values_put_back_is_not_cached():
    route = Route("gpt", (Target("main", "gpt"),), exact_cache_ttl_s=60)
    replies = TwoLevelCache(None)
    site = guarded_site(published("house", numbers("tokenise", "request")), upstream=Repeating(), replies=replies)
    site.bench.use(replace(site.bench.gateway.snapshots.current, routes={"gpt": route}))

    with_token = await site.ask(messages=ASKED, temperature=0)
    size_bytes = replies.size_bytes

    assert "12345" in with_token.json["choices"][0]["message"]["content"]
    assert size_bytes == 0
