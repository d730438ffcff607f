"""What a provider says in the place of an answer is under the rules for answers, and so is an answer that is fetched later."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from proxy.guarding.active import Ports
from proxy.response_state import StoredResponse
from proxy.snapshot import Route, Target
from proxy.testing import FakeUpstream, MemoryResponses, create_principal
from tests.proxy.asgi_help import Site
from tests.proxy.chat_help import DONE, HELLO, ROLE, answer, event
from tests.proxy.guard_help import guarded_site, numbers, published, rule

VALUE = "ticket 12345"
CALM = [{"role": "user", "content": "hello"}]


def refused_body(message: str, **fields: Any) -> bytes:
    return json.dumps({"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None, **fields}}).encode()


def verdicts(site: Site) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(bytes(site.bench.spool.ends[-1].decision)).get("verdicts", [])
    return found


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_refusals_words_are_redacted(path, is_stream):
    site = guarded_site(published("house", numbers("redact", "response")))
    site.bench.upstream.answer(refused_body(f"Cannot close {VALUE}."), 422)
    body = {"model": "gpt", "messages": CALM, "stream": is_stream, "max_tokens": 9}

    talk = await site.call(path=path, body=json.dumps(body).encode())

    assert (talk.status, talk.json["error"]["message"]) == (422, "Cannot close [TICKET].")
    assert [(each["phase"], each["result"]) for each in verdicts(site)] == [("response", "hit")]


@pytest.mark.parametrize("action", ["block", "retry"])
async def test_words_that_a_rule_would_stop_are_not_passed_on(action):
    site = guarded_site(published("house", numbers(action, "response")))
    site.bench.upstream.answer(refused_body(f"Cannot close {VALUE}.", param=VALUE, code=VALUE), 422)

    talk = await site.ask(messages=CALM)

    assert talk.status == 422
    assert talk.json["error"]["message"] == "The provider refused this request."
    assert b"12345" not in talk.body


async def test_type_param_and_code_of_a_refusal_are_looked_at():
    site = guarded_site(published("house", numbers("redact", "response")))
    site.bench.upstream.answer(refused_body("No.", param=VALUE, code=VALUE, type=VALUE), 422)

    talk = await site.ask(messages=CALM)

    assert talk.json["error"]["message"] == "No."
    assert (talk.json["error"]["param"], talk.json["error"]["code"]) == (None, None)
    assert b"12345" not in talk.body


async def test_an_error_in_the_place_of_an_answer_is_redacted():
    site = guarded_site(published("house", numbers("redact", "response")))
    site.bench.upstream.answer(refused_body(f"Cannot close {VALUE}."), 200)

    talk = await site.ask(messages=CALM)

    assert talk.status == 502
    assert "[TICKET]" in talk.json["error"]["message"]


@pytest.mark.parametrize("begun", [[], [ROLE, HELLO]])
async def test_an_error_in_a_stream_is_redacted(begun):
    site = guarded_site(published("house", numbers("redact", "response")))
    site.bench.upstream.answer([*begun, event({"error": {"message": f"Cannot close {VALUE}.", "code": 500}}), DONE])

    talk = await site.ask(messages=CALM, stream=True)

    assert b"[TICKET]" in talk.body
    assert b"12345" not in talk.body


async def test_a_rule_in_shadow_changes_no_words_and_is_written_down():
    site = guarded_site(published("house", numbers("redact", "response"), mode="shadow"))
    site.bench.upstream.answer(refused_body(f"Cannot close {VALUE}."), 422)

    talk = await site.ask(messages=CALM)

    assert talk.json["error"]["message"] == f"Cannot close {VALUE}."
    assert [(each["mode"], each["result"]) for each in verdicts(site)] == [("shadow", "hit")]


async def test_rules_for_requests_alone_leave_a_refusal_as_it_is():
    site = guarded_site(published("house", numbers("redact", "request")))
    site.bench.upstream.answer(refused_body(f"Cannot close {VALUE}."), 422)

    assert VALUE in (await site.ask(messages=CALM)).json["error"]["message"]


async def test_a_token_that_a_refusal_quotes_is_turned_back():
    class Quoting(FakeUpstream):
        async def send(self, endpoint, method, path, headers, body, timeouts, **options):
            self.answer(refused_body("Too odd: " + json.loads(body)["messages"][-1]["content"]), 422)
            return await super().send(endpoint, method, path, headers, body, timeouts, **options)

    site = guarded_site(published("house", numbers("tokenise", "request")), upstream=Quoting())

    talk = await site.ask(messages=[{"role": "user", "content": VALUE}])

    assert talk.json["error"]["message"] == f"Too odd: {VALUE}"


@pytest.mark.parametrize(("fail_mode", "message"), [("closed", "The provider refused this request."), ("open", "Too odd.")])
async def test_words_that_somebody_else_was_not_asked_about_go_by_the_rules_fail_mode(fail_mode, message):
    parameters = {"kind": "webhook", "url": "https://checks.example/v1"}
    site = guarded_site(
        published("house", rule("external", "block", "response", parameters=parameters, fail_mode=fail_mode)), ports=Ports()
    )
    site.bench.upstream.answer(refused_body("Too odd."), 422)

    assert (await site.ask(messages=CALM)).json["error"]["message"] == message


# --- answers that a provider keeps ------------------------------------------------------------------------------------------------------


async def kept_site(*rules: dict[str, Any]) -> Site:
    store = MemoryResponses()
    await store.put(create_principal().workspace_id, StoredResponse("resp_1", "gpt", "main"), 60)
    site = guarded_site(published("house", *rules, scope={"routes": ("/v1/responses",)}), responses=store)
    snapshot = site.bench.gateway.snapshots.current
    assert snapshot is not None
    backends = {"main": replace(snapshot.backends["main"], provider="openai")}
    site.bench.use(replace(snapshot, backends=backends, routes={"gpt": Route("gpt", (Target("main", "gpt"),))}))
    return site


def response_body(**fields: Any) -> bytes:
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": f"closed {VALUE}"}]}
    return json.dumps({"id": "resp_1", "object": "response", "status": "completed", "output": [said], "error": None, **fields}).encode()


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/responses/resp_1"), ("POST", "/v1/responses/resp_1/cancel")])
async def test_an_answer_that_a_provider_kept_is_looked_at_when_it_is_fetched(method, path):
    site = await kept_site(numbers("redact", "response"))
    site.bench.upstream.answer(response_body())

    talk = await site.call(method, path, None if method == "GET" else b"")

    assert talk.status == 200, talk.body
    assert talk.json["output"][0]["content"][0]["text"] == "closed [TICKET]"


@pytest.mark.parametrize("action", ["block", "retry"])
async def test_an_answer_that_a_provider_kept_is_stopped_when_it_is_fetched(action):
    site = await kept_site(numbers(action, "response"))
    site.bench.upstream.answer(response_body())

    talk = await site.call("GET", "/v1/responses/resp_1")

    assert (talk.status, talk.json["error"]["code"]) == (400, "content_filter")


async def test_the_error_of_an_answer_that_a_provider_kept_is_looked_at():
    site = await kept_site(numbers("redact", "response"))
    site.bench.upstream.answer(response_body(status="failed", error={"code": "server_error", "message": f"no {VALUE}"}))

    talk = await site.call("GET", "/v1/responses/resp_1")

    assert talk.json["error"] == {"code": "server_error", "message": "no [TICKET]"}


async def test_what_only_lists_the_callers_own_words_passes():
    site = await kept_site(numbers("block", "response"))
    site.bench.upstream.answer(answer(VALUE))

    assert (await site.call("GET", "/v1/responses/resp_1/input_items")).status == 200
