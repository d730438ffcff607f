"""Whole answers: the upstream's bytes, our headers, the cost, and the contract's answer for whatever goes wrong."""

from __future__ import annotations

import json
import re
import uuid

import pytest

from common.ids import timestamp_ms
from common.secret import Secret
from proxy.ports import Endpoint, Timeouts, UpstreamFailure
from proxy.snapshot import Backend, Route, Snapshot, Target
from proxy.testing import create_bench, create_price
from tests.proxy.asgi_help import Site, check_error
from tests.proxy.chat_help import answer, chat

USAGE = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
SENT = {"is_sent": True}
UNSENT = {"is_sent": False}


def _priced() -> Snapshot:
    prices = (create_price(2_500_000_000, 1_250_000_000, 10_000_000_000),)
    backend = Backend("main", "openai", Endpoint("https", "api.example", 443, "/v1"), Timeouts(), Secret("sk-theirs"))
    return Snapshot(revision=12, backends={"main": backend}, routes={"gpt": Route("gpt", (Target("main", "gpt-2026", prices=prices),))})


async def test_the_body_passes_as_the_upstream_wrote_it():
    site = Site()
    body = b'{ "choices":[] ,\n"invented": 1e5 }'
    site.bench.upstream.answer([body[:5], body[5:]])

    talk = await site.ask()

    assert (talk.status, talk.body) == (200, body)


async def test_the_headers_of_an_answer():
    site = Site(create_bench(snapshot=_priced()))
    site.bench.upstream.answer(answer(usage=USAGE), headers=[(b"content-type", b"application/json")])

    talk = await site.ask()

    headers = talk.headers
    assert headers["content-type"] == "application/json"
    assert int(headers["content-length"]) == len(talk.body)
    assert headers["x-request-id"] == headers["request-id"] == site.bench.spool.ends[0].request_id
    assert uuid.UUID(headers["x-request-id"]).version == 7
    assert timestamp_ms(uuid.UUID(headers["x-request-id"])) > 1_600_000_000_000
    assert headers["x-gateway-revision"] == "12"
    assert headers["x-gateway-backend"] == "main"
    assert headers["x-gateway-attempts"] == "1"
    assert headers["x-gateway-cost-usd"] == "0.003500000"
    assert re.fullmatch(r"\d+\.\d\dms", headers["x-response-time"])
    assert re.fullmatch(r"\d+\.\d+", headers["x-process-time"])
    stages = [part.split(";")[0] for part in headers["server-timing"].split(", ")]
    assert stages[0] == "authenticate"
    assert "upstream" in stages
    assert stages[-1] == "total"
    assert all(re.fullmatch(r"[a-z_]+;dur=\d+\.\d+", part) for part in headers["server-timing"].split(", "))


async def test_the_times_of_the_stages_add_up_to_no_more_than_the_total():
    site = Site()
    site.bench.upstream.answer([0.05, answer()])

    talk = await site.ask()

    times = {part.split(";dur=")[0]: float(part.split(";dur=")[1]) for part in talk.headers["server-timing"].split(", ")}
    assert times["upstream"] >= 49
    assert sum(times.values()) - times["total"] <= times["total"] + 0.1
    assert float(talk.headers["x-process-time"]) * 1000 >= times["upstream"]


async def test_every_request_has_an_id_of_its_own():
    site = Site()
    for _ in range(20):
        site.bench.upstream.answer(answer())

    ids = {(await site.ask()).headers["x-request-id"] for _ in range(20)}

    assert len(ids) == 20


async def test_nothing_of_the_upstream_s_head_crosses():
    site = Site()
    site.bench.upstream.answer(
        answer(),
        headers=[(b"set-cookie", b"a=b"), (b"server", b"nginx"), (b"openai-organization", b"theirs"), (b"x-request-id", b"theirs")],
    )

    talk = await site.ask()

    assert not {"set-cookie", "server", "openai-organization"} & set(talk.headers)
    assert talk.headers["x-request-id"] != "theirs"


async def test_what_the_upstream_gets():
    site = Site(create_bench(snapshot=_priced()))
    site.bench.upstream.answer(answer())
    extra = [
        (b"cookie", b"a=b"),
        (b"x-forwarded-for", b"192.0.2.1"),
        (b"user-agent", b"client"),
        (b"connection", b"keep-alive, openai-beta"),
        (b"te", b"trailers"),
        (b"openai-organization", b"acme"),
        (b"openai-project", b"p1"),
        (b"x-api-key", b"ours too"),
    ]

    await site.call(headers=[site.bearer, *extra], body=chat(temperature=0.5))

    (sent,) = site.bench.upstream.sent
    assert (sent.method, sent.path, sent.endpoint) == ("POST", "/chat/completions", Endpoint("https", "api.example", 443, "/v1"))
    assert sorted(sent.headers) == [
        (b"accept", b"application/json"),
        (b"authorization", b"Bearer sk-theirs"),
        (b"content-type", b"application/json"),
        (b"openai-organization", b"acme"),
        (b"openai-project", b"p1"),
    ]
    assert json.loads(sent.body) == json.loads(chat("gpt-2026", temperature=0.5))
    assert site.bench.key not in sent.body + b"".join(value for _, value in sent.headers)


@pytest.mark.parametrize(
    ("patience", "total_s"),
    [(b"5", 5.0), (b"0.5", 0.5), (b"1000", 600.0), (b"-1", 600.0), (b"0", 600.0), (b"nan", 600.0), (b"inf", 600.0), (b"x", 600.0)],
)
async def test_the_caller_s_patience_shortens_the_upstream_s_time(patience, total_s):
    site = Site()
    site.bench.upstream.answer(answer())

    await site.call(headers=[site.bearer, (b"x-stainless-read-timeout", patience)])

    timeouts = site.bench.upstream.sent[0].timeouts
    assert total_s - 0.2 < timeouts.total_s <= total_s  # less what the gateway itself took
    assert max(timeouts.first_token_s, timeouts.idle_s) <= total_s


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (UpstreamFailure("connect", "refused", **UNSENT), 502, "upstream_error"),
        (UpstreamFailure("resolve", "dns", **UNSENT, detail="internal.host.example"), 502, "upstream_error"),
        (UpstreamFailure("connect", "timeout", **UNSENT, timer="connect"), 504, "timeout"),
        (UpstreamFailure("connect", "tls", **UNSENT), 502, "upstream_error"),
        (UpstreamFailure("connect", "blocked", **UNSENT, detail="10.0.0.1 is private"), 502, "upstream_error"),
        (UpstreamFailure("send", "reset", **SENT), 502, "upstream_error"),
        (UpstreamFailure("head", "eof", **SENT), 502, "upstream_error"),
        (UpstreamFailure("head", "protocol", **SENT), 502, "upstream_error"),
        (UpstreamFailure("head", "timeout", **SENT, timer="total"), 504, "timeout"),
        (UpstreamFailure("head", "too_large", **SENT), 502, "upstream_error"),
    ],
)
async def test_an_upstream_that_fails(failure, status, code):
    site = Site()
    site.bench.upstream.answers.append(failure)

    talk = await site.ask()

    message = check_error(talk, status, "api_error", code)
    assert "10.0.0.1" not in message
    assert "example" not in message
    (ended,) = site.bench.spool.ends
    assert (ended.status, ended.outcome, ended.error_code, ended.backend) == (status, "error", code, "main")


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b'{"choices": 1}', b"\xff", b'{"choices": []', b'{"choices": [], "usage": {"prompt_tokens": "x"}}'],
)
async def test_an_answer_that_is_none_is_a_502(body):
    site = Site()
    site.bench.upstream.answer(body)

    talk = await site.ask()

    check_error(talk, 502, "api_error", "upstream_error")
    assert (site.bench.spool.ends[0].outcome, site.bench.spool.ends[0].error_code) == ("error", "upstream_error")


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [("eof", 502, "upstream_error"), ("reset", 502, "upstream_error"), ("timeout", 504, "timeout"), ("too_large", 502, "upstream_error")],
)
async def test_an_answer_that_breaks_off(kind, status, code):
    site = Site()
    response = site.bench.upstream.answer([answer()[:20], UpstreamFailure("body", kind, is_sent=True)])

    talk = await site.ask()

    check_error(talk, status, "api_error", code)
    assert response.is_aborted


# --- the upstream's own refusals --------------------------------------------------------------------------------------------------

REFUSAL = json.dumps(
    {"error": {"message": "too long", "type": "invalid_request_error", "param": "messages", "code": "context_length_exceeded"}}
).encode()


@pytest.mark.parametrize("status", [400, 404, 409, 413, 422])
async def test_a_refusal_passes_with_its_words(status):
    site = Site()
    site.bench.upstream.answer(REFUSAL, status)

    talk = await site.ask()

    assert check_error(talk, status, "invalid_request_error", "context_length_exceeded", "messages") == "too long"
    assert site.bench.spool.ends[0].error_code == "upstream_refused"


@pytest.mark.parametrize("body", [b"", b"<html>nginx 400 at 10.0.0.1</html>", b"[]", b"\xff"])
async def test_a_refusal_without_words_gets_ours(body):
    site = Site()
    site.bench.upstream.answer(body, 400)

    assert check_error(await site.ask(), 400, "invalid_request_error", None) == "The provider refused this request."


@pytest.mark.parametrize("status", [401, 403])
async def test_our_credential_s_refusal_is_never_shown_as_the_caller_s(status):
    site = Site()
    site.bench.upstream.answer(b'{"error": {"message": "Incorrect API key provided: sk-theirs"}}', status)

    talk = await site.ask()

    message = check_error(talk, 502, "api_error", "upstream_credential_rejected")
    assert "sk-" not in message
    assert talk.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("status", [201, 204, 301, 302, 304, 500, 502, 503, 529])
async def test_any_other_status_is_a_502(status):
    site = Site()
    site.bench.upstream.answer(b'{"error": {"message": "internal trace"}}', status, [(b"location", b"http://10.0.0.1/")])

    talk = await site.ask()

    message = check_error(talk, 502, "api_error", "upstream_error")
    assert "trace" not in message
    assert "location" not in talk.headers


@pytest.mark.parametrize(
    ("headers", "retry_after", "milliseconds"),
    [
        ([], None, None),
        ([(b"retry-after", b"7")], "7", "7000"),
        ([(b"retry-after", b"1.5")], "2", "1500"),
        ([(b"retry-after", b"0")], "1", "1"),
        ([(b"retry-after-ms", b"250"), (b"retry-after", b"9")], "1", "250"),
        ([(b"retry-after", b"999999999")], "3600", "3600000"),
        ([(b"retry-after", b"Fri, 31 Dec 2999 23:59:59 GMT")], "3600", "3600000"),
        ([(b"retry-after", b"Fri, 31 Dec 1999 23:59:59 GMT")], None, None),
        ([(b"retry-after", b"-5")], None, None),
        ([(b"retry-after", b"nan")], None, None),
        ([(b"retry-after", b"inf")], None, None),
        ([(b"retry-after", b"soon")], None, None),
        ([(b"retry-after", b"\xff")], None, None),
        ([(b"retry-after", b"0 Jan 0 0:0 2400000000000")], None, None),
        ([(b"retry-after-ms", b"x"), (b"retry-after", b"3")], "3", "3000"),
    ],
)
async def test_a_429_says_when_to_come_back_if_the_upstream_did(headers, retry_after, milliseconds):
    site = Site()
    site.bench.upstream.answer(b'{"error": {"message": "slow down", "type": "tokens", "code": "rate_limit_exceeded"}}', 429, headers)

    talk = await site.ask()

    assert check_error(talk, 429, "tokens", "rate_limit_exceeded") == "slow down"
    assert (talk.headers.get("retry-after"), talk.headers.get("retry-after-ms")) == (retry_after, milliseconds)


async def test_a_stream_that_is_refused_is_answered_with_a_status():
    site = Site()
    site.bench.upstream.answer(REFUSAL, 400)

    check_error(await site.ask(stream=True), 400, "invalid_request_error", "context_length_exceeded", "messages")
