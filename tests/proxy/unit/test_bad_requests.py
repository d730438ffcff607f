"""What is wrong with a request gets the contract's status and body, and nothing of it reaches a backend."""

from __future__ import annotations

import asyncio

import pytest

from tests.proxy.asgi_help import CHAT, Site, check_error
from tests.proxy.chat_help import answer, chat

INVALID = "invalid_request_error"


async def _check(site: Site, talk, status, code, param=None, kind=INVALID):
    message = check_error(talk, status, kind, code, param)
    assert site.bench.upstream.sent == []
    assert site.bench.spool.starts == []
    assert {ended.outcome for ended in site.bench.spool.ends} <= {"refused"}
    return message


@pytest.mark.parametrize("path", ["/v1/", "/v1/chat", "/v1/chat/completions/", "/v1/Chat/Completions", "/v1/models/", "/v1/\x00", "/v1/🔑"])
async def test_a_path_without_anything_is_a_404(path):
    site = Site()

    await _check(site, await site.call("POST", path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", CHAT, "POST"),
        ("DELETE", CHAT, "POST"),
        ("BREW", CHAT, "POST"),
        ("POST", "/v1/models", "GET"),
        ("HEAD", "/v1/models", "GET"),
        ("DELETE", "/v1/models/gpt", "GET"),
    ],
)
async def test_a_wrong_method_is_a_405_that_names_the_right_one(method, path, allowed):
    site = Site()

    talk = await site.call(method, path)

    await _check(site, talk, 405, "method_not_allowed")
    assert talk.headers["allow"] == allowed


@pytest.mark.parametrize(
    "kind", [b"text/plain", b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=x", b"", b"application/jsonp"]
)
async def test_a_wrong_content_type_is_a_415(kind):
    site = Site()

    talk = await site.call(headers=[site.bearer, (b"content-type", kind)])

    await _check(site, talk, 415, "unsupported_media_type")


@pytest.mark.parametrize("kind", [b"application/json", b"application/json; charset=utf-8", b"Application/JSON ;charset=UTF-8", None])
async def test_json_by_any_spelling_is_taken(kind):
    site = Site()
    site.bench.upstream.answer(answer())

    talk = await site.call(headers=[site.bearer, *([(b"content-type", kind)] if kind else [])])

    assert talk.status == 200


@pytest.mark.parametrize("name", [b"content-type", b"content-length", b"host", b"authorization", b"x-api-key", b"x-stainless-read-timeout"])
async def test_a_header_that_decides_something_may_come_once(name):
    site = Site()

    talk = await site.call(headers=[(name, b"1"), (b"accept", b"*/*"), (name, b"2")])

    message = await _check(site, talk, 400, "invalid_request")
    assert name.decode() in message


async def test_other_headers_may_come_any_number_of_times():
    site = Site()
    site.bench.upstream.answer(answer())

    talk = await site.call(headers=[site.bearer, *[(b"x-custom", b"1")] * 50])

    assert talk.status == 200


async def test_a_body_over_the_limit_is_a_413_before_it_is_read():
    site = Site(body_limit_bytes=100)

    talk = await site.open(headers=[site.bearer, (b"content-length", b"101")]).done()

    await _check(site, talk, 413, "request_too_large")


@pytest.mark.parametrize("length", [b"0", b"-5", b"garbage", b"", b"9" * 5000])
async def test_a_length_that_lies_or_is_none_does_not_let_more_in(length):
    site = Site(body_limit_bytes=100)

    talk = await site.call(body=b"x" * 101, headers=[site.bearer, (b"content-length", length)])

    await _check(site, talk, 413, "request_too_large")


async def test_a_body_that_grows_over_the_limit_is_given_up_and_the_connection_closed():
    site = Site(body_limit_bytes=100)
    talk = site.open()
    for _ in range(11):
        talk.send_body(b"x" * 10, more=True)

    await talk.done()

    await _check(site, talk, 413, "request_too_large")
    assert talk.headers["connection"] == "close"


async def test_a_body_of_exactly_the_limit_passes():
    body = chat()
    site = Site(body_limit_bytes=len(body))
    site.bench.upstream.answer(answer())
    talk = site.open()
    for at in range(0, len(body), 7):
        talk.send_body(body[at : at + 7], more=True)
    talk.send_body(b"")

    assert (await talk.done()).status == 200


async def test_a_body_that_does_not_arrive_in_time_is_a_408_and_the_connection_closed():
    site = Site(body_timeout_s=0.05)
    talk = site.open()
    talk.send_body(b'{"model":', more=True)

    await talk.done()

    await _check(site, talk, 408, "request_timeout")
    assert talk.headers["connection"] == "close"


async def test_a_client_that_leaves_within_its_body_gets_nothing_and_is_counted():
    site = Site()
    talk = site.open()
    talk.send_body(b'{"model":', more=True)
    await asyncio.sleep(0)
    talk.leave()

    await talk.done()

    assert talk.status == 0
    assert [(event["status"], event["error"]) for event in site.logged()] == [(499, "client_gone")]
    assert site.lifecycle.active_streams == 0


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b"\xff\xfe", b"\0", b"{'model': 1}", b'{"model":"gpt"}x', b"[" * 100_000])
async def test_malformed_json_is_a_400(body):
    site = Site()

    talk = await site.call(body=body, headers=[site.bearer])

    assert talk.status == 400, talk.body
    assert talk.json["error"]["type"] == INVALID
    assert site.bench.upstream.sent == []


async def test_a_garbage_body_without_a_key_is_a_401():
    site = Site()

    talk = await site.call(body=b"\xff", headers=[])

    check_error(talk, 401, "authentication_error", "invalid_api_key")


async def test_an_unknown_model_is_a_404():
    site = Site()

    await _check(site, await site.ask(model="nothing"), 404, "model_not_found", "model")


async def test_a_model_name_is_shown_back_without_breaking_the_answer():
    site = Site()

    talk = await site.ask(model='"><script>\x00\n🔑')

    await _check(site, talk, 404, "model_not_found", "model")


async def test_a_bad_parameter_is_named():
    site = Site()

    await _check(site, await site.ask(temperature="hot"), 400, "invalid_request", "temperature")


@pytest.mark.parametrize(
    ("status", "options"),
    [
        (200, {}),
        (400, {"body": b"{"}),
        (401, {"headers": []}),
        (404, {"path": "/v1/nothing"}),
        (404, {"body": chat("nothing")}),
        (405, {"method": "GET"}),
        (413, {"body": b"x" * 2_000_000}),
        (415, {"headers": [(b"content-type", b"text/plain")]}),
        (503, {"is_draining": True}),
    ],
)
async def test_every_answer_carries_its_id_its_times_and_the_revision(status, options):
    site = Site()
    site.bench.upstream.answer(answer())
    if options.pop("is_draining", False):
        site.lifecycle.start_drain()

    talk = await site.call(**options)

    assert talk.status == status
    assert talk.headers["x-request-id"] == talk.headers["request-id"]
    assert talk.headers["x-gateway-revision"] == "7"
    assert float(talk.headers["x-response-time"].removesuffix("ms")) >= 0
    assert float(talk.headers["x-process-time"]) >= 0
    assert "total;dur=" in talk.headers["server-timing"]
    assert site.logged()[0]["request_id"] == talk.headers["x-request-id"]
