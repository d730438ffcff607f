"""A value that a client cuts into several text parts of one message is found, and taken out of each of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.guarding.parts import join_parts
from proxy.guarding.texts import read_request
from proxy.testing import FakeUpstream
from tests.proxy.chat_help import answer
from tests.proxy.guard_help import guarded_site, published, rule
from tests.proxy.texts_help import request_of

CARD = ("4111 1111", "1111 1111")
PAYMENT = rule("pii", "redact", "request", name="payment", parameters={"include": ["banking"]})


class _Echoing(FakeUpstream):
    """A model that says what it was sent."""

    async def send(self, endpoint, method, path, headers, body, timeouts, **options):
        parts = json.loads(body)["messages"][-1]["content"]
        self.answer(answer("it was " + "".join(part["text"] for part in parts)))
        return await super().send(endpoint, method, path, headers, body, timeouts, **options)


def _parts(*texts: str, kind: str = "text") -> list[dict[str, str]]:
    return [{"type": kind, "text": text} for text in texts]


BODIES: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/v1/chat/completions", {"messages": [{"role": "user", "content": _parts(*CARD)}]}),
    "chat, a tool's result": (
        "/v1/chat/completions",
        {"messages": [{"role": "user", "content": "?"}, {"role": "tool", "tool_call_id": "c", "content": _parts(*CARD)}]},
    ),
    "messages": ("/v1/messages", {"max_tokens": 9, "messages": [{"role": "user", "content": _parts(*CARD)}]}),
    "messages, the operator's": (
        "/v1/messages",
        {"max_tokens": 9, "system": _parts(*CARD), "messages": [{"role": "user", "content": "?"}]},
    ),
    "responses": ("/v1/responses", {"input": [{"role": "user", "content": _parts(*CARD, kind="input_text")}]}),
}


@pytest.mark.parametrize("kind", BODIES)
async def test_a_value_across_two_parts_is_taken_out_of_both(kind):
    path, body = BODIES[kind]
    site = guarded_site(published("house", PAYMENT))
    site.bench.upstream.answer(answer())

    talk = await site.call(path=path, body=json.dumps({"model": "gpt", **body}).encode())

    assert talk.status == 200, talk.body
    (sent,) = site.bench.upstream.sent
    assert b"1111" not in sent.body
    assert sent.body.count(b"[CREDIT_CARD]") == 2


@pytest.mark.parametrize("cut", range(1, 19))
async def test_a_value_is_found_wherever_it_is_cut(cut):
    site = guarded_site(published("house", rule("pii", "block", "request", parameters={"include": ["banking"]})))
    text = "4111 1111 1111 1111"

    talk = await site.ask(messages=[{"role": "user", "content": _parts("pay with " + text[:cut], text[cut:] + " today")}])

    assert talk.status == 400
    assert site.bench.upstream.sent == []


async def test_a_value_in_more_than_two_parts_is_found():
    site = guarded_site(published("house", PAYMENT))
    site.bench.upstream.answer(answer())

    await site.ask(messages=[{"role": "user", "content": _parts("4111", " 1111 ", "1111", " 1111")}])

    assert b"1111" not in site.bench.upstream.sent[0].body


async def test_a_value_with_a_picture_between_its_halves_is_found():
    site = guarded_site(published("house", PAYMENT))
    site.bench.upstream.answer(answer())
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}

    await site.ask(messages=[{"role": "user", "content": [_parts(CARD[0])[0], picture, _parts(CARD[1])[0]]}])

    assert b"1111" not in site.bench.upstream.sent[0].body


async def test_two_halves_of_a_value_in_long_parts_are_found():
    site = guarded_site(published("house", PAYMENT))
    site.bench.upstream.answer(answer())
    prose = "The weather is fine and nobody pays. " * 400

    await site.ask(messages=[{"role": "user", "content": _parts(prose + CARD[0], f"{CARD[1]} {prose}")}])

    sent = json.loads(site.bench.upstream.sent[0].body)["messages"][0]["content"]
    assert [part["text"] for part in sent] == [prose + "[CREDIT_CARD]", "[CREDIT_CARD] " + prose]


async def test_a_phrase_across_two_parts_is_found_though_no_blank_stands_between():
    words = rule("keywords", "block", "request", parameters={"words": ["purple elephant"]})
    site = guarded_site(published("house", words))

    talk = await site.ask(messages=[{"role": "user", "content": _parts("the purple", "elephant")}])

    assert talk.status == 400


async def test_what_is_whole_in_one_part_does_not_swallow_the_next():
    site = guarded_site(published("house", rule("pii", "redact", "request", parameters={"include": ["email"]})))
    site.bench.upstream.answer(answer())

    await site.ask(messages=[{"role": "user", "content": _parts("mail bob@example.com", "munity news")}])

    sent = json.loads(site.bench.upstream.sent[0].body)["messages"][0]["content"]
    assert [part["text"] for part in sent] == ["mail [EMAIL]", "munity news"]


async def test_parts_of_different_messages_are_not_joined():
    site = guarded_site(published("house", PAYMENT))
    site.bench.upstream.answer(answer())

    await site.ask(messages=[{"role": "user", "content": _parts(CARD[0])}, {"role": "user", "content": _parts(CARD[1])}])

    assert b"4111 1111" in site.bench.upstream.sent[0].body


async def test_tokens_in_the_place_of_halves_are_turned_back_in_the_answer():
    tokens = rule("pii", "tokenise", "both", parameters={"include": ["banking"]})
    site = guarded_site(published("house", tokens), upstream=_Echoing())

    talk = await site.ask(messages=[{"role": "user", "content": _parts(*CARD)}])

    assert talk.json["choices"][0]["message"]["content"] == "it was 4111 11111111 1111"


async def test_a_finding_across_parts_is_noted_once_for_each_of_them():
    site = guarded_site(published("house", PAYMENT))
    site.bench.upstream.answer(answer())

    await site.ask(messages=[{"role": "user", "content": _parts(*CARD)}])

    (verdict,) = json.loads(bytes(site.bench.spool.ends[0].decision))["verdicts"]
    assert (verdict["rule"], verdict["result"], verdict["findings"]) == ("payment", "hit", 2)
    assert [(each["path"], each["start"], each["end"]) for each in verdict["samples"]] == [
        ("messages.0.content.0.text", 0, 9),
        ("messages.0.content.1.text", 0, 9),
    ]


@pytest.mark.parametrize(
    "content", ["one text", [{"type": "text", "text": "one part"}], [{"type": "image_url", "image_url": {"url": "https://a.example/b"}}]]
)
def test_messages_of_one_text_are_not_joined(content):
    units = read_request(request_of("chat", {"messages": [{"role": "user", "content": content}] * 3})).units

    assert join_parts(units) is None
