"""What holds whoever asks, however, and whatever goes wrong: nothing passes that a policy did not let pass."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from proxy.guarding.active import Ports
from proxy.guarding.book import PolicyBook
from proxy.snapshot import Route, Target
from proxy.testing import FakeUpstream, MemoryResponses, create_principal, create_snapshot
from tests.proxy import messages_help
from tests.proxy.asgi_help import Site
from tests.proxy.chat_help import DONE, ROLE, STOP, USAGE, answer, chat, delta, event
from tests.proxy.guard_help import guarded_site, numbers, published, rule
from tests.proxy.socket_help import SocketSite

ASKED = [{"role": "user", "content": "close ticket 12345 today"}]
CALM = [{"role": "user", "content": "close it today"}]


class Service:
    """The outside of rules that ask: flags texts that hold `bad`, after a while; counts what is under way and what was asked."""

    def __init__(self, after_s: float = 0.0, *, flagged: bool | None = None, error: Exception | None = None, word: str = "bad") -> None:
        self.after_s = after_s
        self.flagged = flagged
        self.error = error
        self.word = word
        self.texts: list[list[str]] = []
        self.running = 0
        self.cancelled = 0
        self.findings: list[dict[str, Any]] = []

    async def post_json(self, url: str, headers: Any, body: bytes, timeout_s: float) -> tuple[int, bytes]:
        texts = json.loads(body)["texts"]
        self.texts.append(texts)
        self.running += 1
        try:
            await asyncio.sleep(self.after_s)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        if self.error is not None:
            raise self.error
        flagged = any(self.word in text for text in texts) if self.flagged is None else self.flagged
        found = [
            {"text": place, "start": text.index(self.word), "end": text.index(self.word) + len(self.word)}
            for place, text in enumerate(texts)
            if self.findings == [{}] and self.word in text
        ]
        return 200, json.dumps({"flagged": flagged, "score": 1.0, "findings": found}).encode()


def asking(phase: str = "request", action: str = "block", **fields: Any) -> dict[str, Any]:
    parameters = {"kind": "webhook", "url": "https://checks.example/v1"}
    return rule("external", action, phase, **({"parameters": parameters, "deadline_ms": 2000} | fields))


def content(text: str, **fields: Any) -> bytes:
    return event({"choices": [{"index": 0, "delta": {"content": text}} | fields]})


def said(talk: Any) -> str:
    """Return what a client puts together of a chat stream."""
    pieces = []
    for block in talk.body.split(b"\n\n"):
        if block.startswith(b"data: {"):
            for choice in json.loads(block[6:]).get("choices", ()):
                pieces.append(choice.get("delta", {}).get("content") or "")
    return "".join(pieces)


def cached_snapshot(site: Site, **route: Any) -> None:
    """Give the site's route other settings."""
    snapshot = site.bench.gateway.snapshots.current
    assert snapshot is not None
    site.bench.use(replace(snapshot, routes={"gpt": Route("gpt", (Target("main", "gpt"),), **route)}))


def verdicts(site: Site, line: int = 0) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(bytes(site.bench.spool.ends[line].decision)).get("verdicts", [])
    return found


# --- a slow check of the request, whoever answers ---------------------------------------------------------------------------------


async def test_a_slow_check_that_blocks_holds_for_an_answer_from_the_cache():
    service = Service(flagged=False)
    site = guarded_site(published("house", asking()), ports=Ports(egress=service), replies=_memory_cache())
    cached_snapshot(site, exact_cache_ttl_s=60)
    policies = published("house", asking())
    site.bench.use(replace(site.bench.gateway.snapshots.current, policies=(policies,)))
    site.bench.upstream.answer(answer("first"))
    assert (await site.ask(messages=CALM, temperature=0)).status == 200
    again = await site.ask(messages=CALM, temperature=0)
    assert again.headers["x-cache"] == "HIT"

    service.flagged = True
    talk = await site.ask(messages=CALM, temperature=0)

    assert (talk.status, talk.json["error"]["code"]) == (400, "content_filter")
    assert site.bench.spool.ends[-1].error_code == "content_filter"


def _memory_cache() -> Any:
    from proxy.reply_cache import TwoLevelCache

    return TwoLevelCache(None)


async def test_a_slow_check_that_blocks_holds_for_one_who_rides_along():
    service = Service(0.05, word="secret")
    # What each asks differs only in what is hidden before it goes on, so the second rides on the first one's call.
    hiding = numbers("redact", parameters={"patterns": [{"name": "word", "expression": "secret|harmless", "label": "WORD"}]})
    site = guarded_site(published("house", hiding, asking()), ports=Ports(egress=service))
    cached_snapshot(site, is_coalesced=True)
    site.bench.use(replace(site.bench.gateway.snapshots.current, policies=(published("house", hiding, asking()),)))
    site.bench.upstream.answer([0.15, answer("first")])

    one = site.open(body=chat(messages=[{"role": "user", "content": "it is harmless"}]))
    await asyncio.sleep(0.02)
    two = site.open(body=chat(messages=[{"role": "user", "content": "it is secret"}]))
    await one.done()
    await two.done()

    assert one.status == 200
    assert two.status == 400
    assert len(site.bench.upstream.sent) == 1


async def test_a_client_that_leaves_takes_the_slow_check_along():
    service = Service(5)
    site = guarded_site(published("house", asking()), ports=Ports(egress=service))
    site.bench.upstream.answer([asyncio.Event()])

    talk = site.open(body=chat(messages=CALM))
    async with asyncio.timeout(5):
        while not service.running:
            await asyncio.sleep(0.005)
    talk.leave()
    await talk.done()
    await asyncio.sleep(0.01)

    assert (service.running, service.cancelled) == (0, 1)


# --- keepalives while something is held ---------------------------------------------------------------------------------------------


def keepalive_site(*rules: dict[str, Any], service: Service) -> Site:
    site = guarded_site(published("house", *rules), ports=Ports(egress=service), keepalive_s=0.02)
    site.bench.principals.principals.update(
        {digest: create_principal(is_keepalive_enabled=True) for digest in site.bench.principals.principals}
    )
    return site


async def test_a_keepalive_does_not_swallow_the_block_of_a_slow_check():
    service = Service(0.1, flagged=True)
    site = keepalive_site(asking(), service=service)
    response = site.bench.upstream.answer([ROLE, 0.05, content("held"), asyncio.Event()])

    talk = await site.ask(messages=CALM, stream=True)

    assert b"held" not in talk.body
    assert b"content_filter" in talk.body
    assert response.is_aborted
    assert [(line.status, line.error_code) for line in site.bench.spool.ends] == [(400, "content_filter")]


async def test_a_keepalive_that_waits_for_a_slow_check_does_not_let_content_past_it():
    service = Service(0.15, flagged=False)
    site = keepalive_site(asking(), service=service)
    site.bench.upstream.answer([ROLE, 0.06, content("fine"), STOP, DONE])

    talk = await site.ask(messages=CALM, stream=True)

    assert talk.status == 200
    assert said(talk) == "fine"


async def test_keepalives_while_an_answer_is_held_do_not_replace_its_check():
    service = Service(0.0)
    site = keepalive_site(asking("response"), service=service)
    site.bench.upstream.answer([ROLE, content("it is "), 0.1, content("bad"), 0.05, STOP, DONE])

    talk = await site.ask(messages=CALM, stream=True)

    assert "bad" not in said(talk)
    assert b"content_filter" in talk.body


# --- a slow check of the answer sees all of it ----------------------------------------------------------------------------------------


STREAMS = {
    "text": [ROLE, content("it is "), content("bad"), STOP, DONE],
    "reasoning first": [ROLE, delta(reasoning_content="let me think. "), content("it is bad"), STOP, DONE],
    "thought": [ROLE, delta(reasoning_content="this is bad. "), content("fine"), STOP, DONE],
    "two choices": [
        ROLE,
        content("fine"),
        STOP,
        event({"choices": [{"index": 1, "delta": {"content": "bad"}, "finish_reason": None}]}),
        event({"choices": [{"index": 1, "delta": {}, "finish_reason": "stop"}]}),
        DONE,
    ],
    "a call": [
        ROLE,
        delta(tool_calls=[{"index": 0, "id": "c", "type": "function", "function": {"name": "send", "arguments": '{"to": "bad"}'}}]),
        delta("tool_calls"),
        DONE,
    ],
    "a call behind a text": [
        ROLE,
        content("fine"),
        delta(tool_calls=[{"index": 0, "id": "c", "type": "function", "function": {"name": "send", "arguments": '{"to": "bad"}'}}]),
        delta("tool_calls"),
        DONE,
    ],
}


@pytest.mark.parametrize("kind", STREAMS)
async def test_a_slow_check_of_a_stream_sees_the_whole_answer(kind):
    service = Service()
    site = guarded_site(published("house", asking("response")), ports=Ports(egress=service))
    site.bench.upstream.answer(STREAMS[kind])

    talk = await site.ask(messages=CALM, stream=True)

    assert (talk.status, talk.json["error"]["code"]) == (400, "content_filter")
    assert b"bad" not in talk.body


async def test_a_slow_check_of_a_messages_stream_sees_all_its_blocks():
    service = Service()
    site = guarded_site(published("house", asking("response")), ports=Ports(egress=service))
    site.bench.upstream.answer(STREAMS["reasoning first"])

    talk = await site.call(path="/v1/messages", body=messages_help.ask(model="gpt", messages=CALM, stream=True))

    assert talk.status == 400
    assert b"bad" not in talk.body


@pytest.mark.parametrize("is_stream", [False, True])
async def test_what_a_slow_check_wants_hidden_is_hidden_or_stopped(is_stream):
    service = Service(flagged=True)
    service.findings = [{}]
    site = guarded_site(published("house", asking("response", "redact")), ports=Ports(egress=service))
    site.bench.upstream.answer([ROLE, content("it is bad"), STOP, DONE] if is_stream else answer("it is bad"))

    talk = await site.ask(messages=CALM, stream=is_stream)

    assert b"bad" not in talk.body


@pytest.mark.parametrize("trouble", ["timeout", "exception", "unavailable"])
@pytest.mark.parametrize("fail_mode", ["open", "closed"])
@pytest.mark.parametrize("phase", ["request", "response"])
@pytest.mark.parametrize("action", ["block", "redact"])
@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_slow_check_that_cannot_look_never_passes_silently(trouble, fail_mode, phase, action, is_stream):
    service = Service(5) if trouble == "timeout" else Service(error=RuntimeError("x") if trouble == "exception" else OSError("away"))
    site = guarded_site(published("house", asking(phase, action, fail_mode=fail_mode, deadline_ms=30)), ports=Ports(egress=service))
    site.bench.upstream.answer([ROLE, content("an answer"), STOP, DONE] if is_stream else answer("an answer"))

    talk = await site.ask(messages=CALM, stream=is_stream)

    (verdict,) = verdicts(site)
    assert verdict["result"] == ("timeout" if trouble == "timeout" else "error")
    if fail_mode == "open":
        assert talk.status == 200
        assert verdict["degraded"] is True
    else:
        assert (talk.status, talk.json["error"]["code"]) == (400, "content_filter")


# --- one verdict for whole answers and streams ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize("action", ["redact", "tokenise", "block"])
async def test_a_finding_of_the_whole_text_that_cannot_be_hidden_stops_it(action, is_stream):
    german = "Das ist ein deutscher Satz, den hier niemand lesen soll, weil er nicht erlaubt ist und niemand ihn versteht."
    only = rule("language", action, "response", parameters={"allow": ["en"]})
    site = guarded_site(published("house", only))
    site.bench.upstream.answer([ROLE, content(german), STOP, DONE] if is_stream else answer(german))

    talk = await site.ask(messages=CALM, stream=is_stream)

    assert b"deutscher" not in talk.body
    assert talk.status == 400


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_value_that_the_model_came_up_with_is_hidden_by_tokens_too(is_stream):
    site = guarded_site(published("house", numbers("tokenise", "both")))
    site.bench.upstream.answer([ROLE, content("see ticket 99999"), STOP, DONE] if is_stream else answer("see ticket 99999"))

    talk = await site.ask(messages=CALM, stream=is_stream)

    assert talk.status == 200
    assert b"99999" not in talk.body


async def test_a_retried_stream_pays_for_both_answers():
    service = Service()
    site = guarded_site(published("house", asking("response", "retry")), ports=Ports(egress=service))
    for text in ("it is bad", "it is fine"):
        site.bench.upstream.answer([ROLE, content(text), STOP, USAGE, DONE])

    talk = await site.ask(messages=CALM, stream=True)

    assert said(talk) == "it is fine"
    assert site.bench.spool.ends[0].output_tokens == 6


# --- which policies hold ---------------------------------------------------------------------------------------------------------------


async def test_an_alias_is_no_way_around_a_policy_of_the_model():
    site = guarded_site(published("house", numbers("block"), scope={"models": ("gpt",)}))
    snapshot = site.bench.gateway.snapshots.current
    site.bench.use(replace(snapshot, routes={"gpt": Route("gpt", (Target("main", "gpt"),), aliases=("other-name",))}))
    site.bench.upstream.answer(answer())

    talk = await site.ask(model="other-name", messages=ASKED)

    assert talk.status == 400


async def test_policies_of_the_same_scope_add_though_their_rules_have_one_name():
    words = rule("keywords", "block", name="mine", parameters={"words": ["secretword"]})
    site = guarded_site(published("one", words), published("two", numbers("block", name="mine")))
    site.bench.upstream.answer(answer())

    assert (await site.ask(messages=[{"role": "user", "content": "secretword"}])).status == 400
    assert (await site.ask(messages=ASKED)).status == 400


@pytest.mark.parametrize("where", ["policy", "rule"])
async def test_a_more_specific_policy_in_shadow_takes_nothing_away(where):
    trial = numbers("log", mode="shadow") if where == "rule" else numbers("log")
    fields = {"mode": "shadow"} if where == "policy" else {}
    site = guarded_site(published("house", numbers("block")), published("trial", trial, scope={"models": ("gpt",)}, **fields))
    site.bench.upstream.answer(answer())

    assert (await site.ask(messages=ASKED)).status == 400


def routed_site(*policies: Any, allowed: tuple[str, ...] = ()) -> Site:
    site = guarded_site(*policies)
    site.bench.use(replace(create_snapshot("gpt", "other"), policies=policies))
    if allowed:
        site.bench.principals.principals.update(
            {digest: create_principal(allowed_models=allowed) for digest in site.bench.principals.principals}
        )
    return site


async def test_a_request_that_was_sent_to_another_model_is_under_its_policies():
    sending = published("house", numbers("route", "request", route_to="other"), scope={"models": ("gpt",)})
    strict = published("strict", rule("keywords", "block", parameters={"words": ["today"]}), scope={"models": ("other",)})
    site = routed_site(sending, strict)
    site.bench.upstream.answer(answer())

    talk = await site.ask(messages=ASKED)

    assert (talk.status, talk.json["error"]["details"]["policy"]) == (400, "strict")
    assert site.bench.upstream.sent == []


async def test_two_policies_that_send_a_request_to_and_fro_end():
    to = published("to", numbers("route", "request", route_to="other"), scope={"models": ("gpt",)})
    fro = published("fro", numbers("route", "request", route_to="gpt"), scope={"models": ("other",)})
    site = routed_site(to, fro)
    site.bench.upstream.answer(answer())

    talk = await site.ask(messages=ASKED)

    assert talk.status in {200, 400}


async def test_a_policy_cannot_send_a_key_where_it_may_not_go():
    site = routed_site(published("house", numbers("route", "request", route_to="other")), allowed=("gpt",))

    talk = await site.ask(messages=ASKED)

    assert talk.status == 403
    assert site.bench.upstream.sent == []


async def test_a_request_that_waited_for_an_old_policy_does_not_leave_it_behind(monkeypatch):
    old, new = published("house", numbers("log")), published("house", numbers("block"), version=2)
    book = PolicyBook(None)
    snapshot = create_snapshot()
    before, after = replace(snapshot, policies=(old,)), replace(snapshot, policies=(new,))
    principal = create_principal()
    await book.open(after, principal, _exchange(), "gpt")
    gate = asyncio.Event()
    compile_one = book._compile

    async def slow(published, left_out):
        if published is old:
            await gate.wait()
        return await compile_one(published, left_out)

    monkeypatch.setattr(book, "_compile", slow)
    waiting = asyncio.ensure_future(book.open(before, principal, _exchange(), "gpt"))
    await asyncio.sleep(0)
    await book.open(after, principal, _exchange(), "gpt2")
    gate.set()
    await waiting

    call = await book.open(after, principal, _exchange(), "gpt")

    assert call is not None
    assert call.version == new.digest
    book.close()


def _exchange() -> Any:
    class Plain:
        route = "/v1/chat/completions"
        endpoint = "chat"
        reservation = None

        def __init__(self) -> None:
            self.verdicts: list[Any] = []

    return Plain()


# --- Responses that go on from earlier ones -----------------------------------------------------------------------------------------------


class Echoing(FakeUpstream):
    """A model that says what it was sent."""

    async def send(self, endpoint, method, path, headers, body, timeouts, **options):
        spoken = json.loads(body)["messages"][-1]["content"]
        self.answer(answer(spoken if isinstance(spoken, str) else spoken[0]["text"]))
        return await super().send(endpoint, method, path, headers, body, timeouts, **options)


@pytest.mark.parametrize("action", ["redact", "tokenise"])
async def test_going_on_from_a_response_sends_no_value_that_was_taken_out(action):
    upstream = Echoing()
    site = guarded_site(published("house", numbers(action, "request")), upstream=upstream, responses=MemoryResponses())

    first = await site.call(path="/v1/responses", body=json.dumps({"model": "gpt", "input": "close ticket 12345 today"}).encode())
    assert first.status == 200, first.body
    body = {"model": "gpt", "input": "and now?", "previous_response_id": first.json["id"]}
    second = await site.call(path="/v1/responses", body=json.dumps(body).encode())

    assert second.status == 200, second.body
    assert len(upstream.sent) == 2
    assert b"12345" not in upstream.sent[1].body


async def test_going_on_from_a_response_is_under_the_policies_of_now():
    store = MemoryResponses()
    site = guarded_site(published("house", numbers("log")), responses=store)
    site.bench.upstream.answer(answer())
    first = await site.call(path="/v1/responses", body=json.dumps({"model": "gpt", "input": "close ticket 12345 today"}).encode())
    snapshot = site.bench.gateway.snapshots.current
    site.bench.use(replace(snapshot, policies=(published("house", numbers("redact"), version=2),)))
    site.bench.upstream.answer(answer())

    body = {"model": "gpt", "input": "and now?", "previous_response_id": first.json["id"]}
    second = await site.call(path="/v1/responses", body=json.dumps(body).encode())

    assert second.status == 200, second.body
    assert b"12345" not in site.bench.upstream.sent[-1].body


# --- what cannot be read ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prompt", [[1, 2, 3], [[1, 2], [3]], ["text", [1, 2]]])
@pytest.mark.parametrize(("fail_mode", "status"), [("closed", 400), ("open", 200)])
async def test_a_prompt_of_tokens_goes_by_the_fail_mode_because_nobody_can_read_it(prompt, fail_mode, status):
    site = guarded_site(published("house", numbers("block", fail_mode=fail_mode)))
    site.bench.upstream.answer(json.dumps({"choices": [{"index": 0, "text": "Hi.", "finish_reason": "stop"}]}).encode())

    talk = await site.call(path="/v1/completions", body=json.dumps({"model": "gpt", "prompt": prompt}).encode())

    assert talk.status == status, talk.body
    assert len(site.bench.upstream.sent) == (status == 200)
    assert verdicts(site)[0]["result"] == "error"


async def test_an_input_of_tokens_for_vectors_passes_and_the_record_says_that_nobody_looked():
    site = guarded_site(published("house", numbers("block")))
    vectors = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}], "model": "gpt"}
    site.bench.upstream.answer(json.dumps(vectors | {"usage": {"prompt_tokens": 3, "total_tokens": 3}}).encode())

    talk = await site.call(path="/v1/embeddings", body=json.dumps({"model": "gpt", "input": [[1, 2, 3]]}).encode())

    assert talk.status == 200, talk.body
    assert [(each["result"], each["degraded"]) for each in verdicts(site)] == [("error", True)]


async def test_a_document_that_is_no_policy_lets_nothing_pass():
    site = guarded_site(replace(published("house", numbers("block")), document=b"{not json"))

    assert (await site.ask(messages=CALM)).status == 503
    assert site.bench.upstream.sent == []


@pytest.mark.parametrize(
    "fields",
    [
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"description": "ticket 12345"}}}},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"description": "ticket 12345"}}}]},
    ],
)
async def test_descriptions_that_a_model_is_told_are_texts(fields):
    site = guarded_site(published("house", numbers("block")))

    talk = await site.ask(messages=CALM, **fields)

    assert talk.status == 400
    assert site.bench.upstream.sent == []


# --- tools --------------------------------------------------------------------------------------------------------------------------------


class Calling(FakeUpstream):
    """A model that calls a tool with the token it was sent."""

    def __init__(self, tool: str, shape: str) -> None:
        super().__init__()
        self.tool = tool
        self.shape = shape

    async def send(self, endpoint, method, path, headers, body, timeouts, **options):
        asked = json.loads(body)
        content = asked["messages"][0]["content"]
        token = content[content.index("[") : content.index("]") + 1]
        self.answer(call_of(self.tool, _shaped(self.shape, token), is_stream=asked.get("stream", False)))
        return await super().send(endpoint, method, path, headers, body, timeouts, **options)


def _shaped(shape: str, text: str) -> str:
    match shape:
        case "nested":
            return json.dumps({"body": json.dumps({"note": text})})
        case "key":
            return json.dumps({text: 1})
    return '{"n":1.0e5,"m":12345678901234567890,"to":' + json.dumps(f"see {text}!") + "}"


def call_of(tool: str, arguments: str, *, is_stream: bool) -> Any:
    """Return an answer that calls a tool, in pieces of a few characters if it is a stream."""
    whole = {"index": 0, "id": "c", "type": "function", "function": {"name": tool, "arguments": "" if is_stream else arguments}}
    if not is_stream:
        message = {"role": "assistant", "content": None, "tool_calls": [whole]}
        return json.dumps({"id": "c1", "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}).encode()
    cuts = [arguments[at : at + 5] for at in range(0, len(arguments), 5)]
    pieces = [delta(tool_calls=[{"index": 0, "function": {"arguments": cut}}]) for cut in cuts]
    return [ROLE, delta(tool_calls=[whole]), *pieces, delta("tool_calls"), DONE]


def arguments_in(talk: Any, *, is_stream: bool) -> str:
    if not is_stream:
        return str(talk.json["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"])
    blocks = [json.loads(block[6:]) for block in talk.body.split(b"\n\n") if block.startswith(b"data: {")]
    calls = [call for block in blocks for choice in block["choices"] for call in choice["delta"].get("tool_calls", ())]
    return "".join(call["function"].get("arguments", "") for call in calls)


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize("shape", ["flat", "nested", "key"])
async def test_a_value_with_quotes_comes_back_into_arguments_that_stay_json(shape, is_stream):
    value = 'ticket 12345 "x\\y\nz'
    pattern = {"patterns": [{"name": "rest", "expression": r"ticket \d{5}[^.]*", "label": "TICKET"}]}
    site = guarded_site(published("house", numbers("tokenise", "request", parameters=pattern)), upstream=Calling("file", shape))

    talk = await site.ask(messages=[{"role": "user", "content": value}], stream=is_stream)

    arguments = arguments_in(talk, is_stream=is_stream)
    assert json.loads(arguments) == json.loads(_shaped(shape, value))
    if shape == "flat":
        assert arguments.startswith('{"n":1.0e5,"m":12345678901234567890,')
    if shape == "nested":
        assert json.loads(json.loads(arguments)["body"]) == {"note": value}


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize("tool", ["mail_send", "MAIL_send"])
async def test_no_value_comes_back_into_a_tool_that_leaves_the_house(tool, is_stream):
    site = guarded_site(published("house", numbers("tokenise", "request"), external_tools=["mail_*"]), upstream=Calling(tool, "flat"))

    talk = await site.ask(messages=ASKED, stream=is_stream)

    assert "12345678901234567890" in arguments_in(talk, is_stream=is_stream)
    assert b"ticket 12345" not in talk.body


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_call_of_nothing_is_looked_at_like_any(is_stream):
    site = guarded_site(published("house", numbers("redact", "response")))
    site.bench.upstream.answer(call_of("", '{"a":"ticket 12345"}', is_stream=is_stream))

    talk = await site.ask(messages=CALM, stream=is_stream)

    assert talk.status == 200, talk.body
    assert json.loads(arguments_in(talk, is_stream=is_stream)) == {"a": "[TICKET]"}


# --- how it ends --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/responses"])
async def test_an_answer_that_was_held_says_nothing_when_it_fails(path):
    site = keepalive_site(asking("response"), service=Service())
    site.bench.upstream.answer([ROLE, content("it is "), 0.1, content("bad"), STOP, DONE])
    asked = {"input": "x"} if path == "/v1/responses" else {"messages": CALM, "max_tokens": 5}

    talk = await site.call(path=path, body=json.dumps({"model": "gpt", "stream": True} | asked).encode())

    assert b"content_filter" in talk.body
    assert b"it is" not in talk.body
    assert b"bad" not in talk.body


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_response_that_was_blocked_is_not_kept(is_stream):
    store = MemoryResponses()
    site = guarded_site(published("house", asking("response")), ports=Ports(egress=Service()), responses=store)
    for text in ("all fine", "all bad"):
        site.bench.upstream.answer([ROLE, content(text), STOP, USAGE, DONE] if is_stream else answer(text))

    talks = [
        await site.call(path="/v1/responses", body=json.dumps({"model": "gpt", "input": "x", "stream": is_stream}).encode())
        for _ in range(2)
    ]

    assert [talk.status for talk in talks] == [200, 400]
    assert len(store.responses) == 1


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_client_that_leaves_while_its_answer_is_checked_takes_the_check_along_and_pays(is_stream):
    service = Service(5)
    site = guarded_site(published("house", asking("response")), ports=Ports(egress=service))
    whole = answer("x", usage={"prompt_tokens": 5, "completion_tokens": 3})
    site.bench.upstream.answer([ROLE, content("x"), STOP, USAGE, DONE] if is_stream else whole)

    talk = site.open(body=chat(messages=CALM, stream=is_stream))
    async with asyncio.timeout(5):
        while not service.running:
            await asyncio.sleep(0.005)
    talk.leave()
    await talk.done()

    assert service.running == 0
    assert [(line.status, line.output_tokens) for line in site.bench.spool.ends] == [(499, 3)]


async def test_a_second_answer_that_fails_does_not_make_the_first_one_free():
    site = guarded_site(published("house", numbers("retry", "response", note="No.")))
    site.bench.upstream.answer(answer("ticket 12345", usage={"prompt_tokens": 5, "completion_tokens": 3}))
    site.bench.upstream.answer(b"broken", status=500)

    talk = await site.ask(messages=CALM)

    assert talk.status >= 500
    assert site.bench.spool.ends[0].output_tokens == 3


async def test_a_stream_goes_on_under_the_policies_that_it_began_with():
    site = guarded_site(published("house", numbers("redact", "response")))
    gate = asyncio.Event()
    site.bench.upstream.answer([ROLE, content("hello there. "), gate, content("tick"), content("et 12345."), STOP, DONE])

    talk = site.open(body=chat(messages=CALM, stream=True))
    await talk.until(b"hello")
    other = replace(site.bench.gateway.snapshots.current, policies=(published("house", numbers("log", "response"), version=2),))
    await site.bench.gateway.guardrails.prepare(other)
    site.bench.use(other)
    gate.set()
    await talk.done()

    assert said(talk) == "hello there. [TICKET]."


# --- the same request by other ways -------------------------------------------------------------------------------------------------------

OF_A_PATH = published("house", numbers("block"), scope={"routes": ("/v1/chat/completions",)})


async def test_an_entry_of_a_batch_is_under_the_policies_of_its_own_path():
    site = guarded_site(OF_A_PATH)
    entry = {"custom_id": "a", "endpoint": "/v1/chat/completions", "body": json.loads(chat(messages=ASKED))}

    talk = await site.call(path="/v1/batch", body=json.dumps({"requests": [entry]}).encode())

    assert talk.json["results"][0]["body"]["error"]["code"] == "content_filter"
    assert site.bench.upstream.sent == []


async def test_what_a_request_would_come_to_is_told_by_the_policies_of_its_own_path():
    site = guarded_site(OF_A_PATH)
    body = {"endpoint": "/v1/chat/completions", "body": json.loads(chat(messages=ASKED))}

    talk = await site.call(path="/v1/explain", body=json.dumps(body).encode())

    assert talk.json["would"] == "refuse"
    assert b"12345" not in talk.body


async def test_what_a_request_would_come_to_waits_for_slow_checks():
    service = Service(flagged=True)
    site = guarded_site(published("house", asking()), ports=Ports(egress=service))
    body = {"endpoint": "/v1/chat/completions", "body": json.loads(chat(messages=CALM))}

    talk = await site.call(path="/v1/explain", body=json.dumps(body).encode())

    assert (talk.json["would"], talk.json["error"]["code"]) == ("refuse", "content_filter")
    assert service.running == 0


async def test_a_socket_is_no_way_around_the_policies_of_a_path():
    site = SocketSite(guardrails=PolicyBook(None))
    snapshot = site.bench.gateway.snapshots.current
    assert snapshot is not None
    site.bench.use(replace(snapshot, policies=(OF_A_PATH,)))
    client = site.connect()

    client.create(body=chat(messages=ASKED, stream=True))
    ended = await client.ended()
    client.leave()
    await client.done()

    assert "content_filter" in json.dumps(ended[-1])
    assert site.bench.upstream.sent == []


@pytest.mark.parametrize("path", ["/v1/messages/count_tokens", "/v1/embeddings", "/v1/moderations", "/v1/responses", "/v1/completions"])
@pytest.mark.parametrize(
    "text", ["ticket 12345", "tic\u200bket 12345", "\uff54icket \uff11\uff12345", "ticket\u00a012345", "\x00ticket 12345\x00"]
)
async def test_every_endpoint_is_looked_at_and_nothing_tells_the_value(path, text):
    site = guarded_site(published("house", numbers("block")))
    fields = {"messages": [{"role": "user", "content": text}]} if "messages" in path else {"input": text, "prompt": text}
    fields.pop("input" if path == "/v1/completions" else "prompt", None)

    talk = await site.call(path=path, body=json.dumps({"model": "gpt", **fields}).encode())

    assert talk.status == 400, talk.body
    assert site.bench.upstream.sent == []
    assert b"12345" not in talk.body + bytes(site.bench.spool.ends[0].decision)


@pytest.mark.parametrize(("fail_mode", "status"), [("closed", 400), ("open", 200)])
async def test_a_prompt_that_a_rule_reads_in_parts_goes_by_its_fail_mode_and_the_record_says_so(fail_mode, status):
    site = guarded_site(published("house", rule("injection", "block", "request", fail_mode=fail_mode)))
    site.bench.upstream.answer(answer())
    long = "The weather was fine, and they walked along the river until it was late. " * 200

    talk = await site.ask(messages=[{"role": "user", "content": long}])

    assert talk.status == status
    (verdict,) = verdicts(site)
    assert (verdict["result"], verdict["partial"]) == ("error" if fail_mode == "closed" else "pass", True)
