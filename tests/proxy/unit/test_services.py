"""Services through a worker: who is let in, what crosses, what is recorded, and how each failure looks from outside."""

from __future__ import annotations

import asyncio

import pytest

from apikeys.hotpath import create_key_text, digest_key
from proxy.ports import Endpoint, UpstreamFailure
from proxy.snapshot import LimitRule
from proxy.testing import KEY_ID, PEPPER, WORKSPACE_ID, create_bench, create_principal
from tests.proxy.asgi_help import check_error
from tests.proxy.service_help import ServiceSite, service

CHUNKED = (b"transfer-encoding", b"chunked")


def answering(*pieces: object, status: int = 200, headers=(), of=None, **options) -> ServiceSite:
    site = ServiceSite(of or service(), **options)
    site.bench.upstream.answer(list(pieces), status, list(headers))
    return site


# Let in


@pytest.mark.parametrize("header", [(b"authorization", b"Bearer nonsense"), (b"authorization", b""), (b"authorization", b"Basic YTpi")])
async def test_request_without_a_valid_key_is_refused(header):
    site = ServiceSite()

    check_error(await site.fetch(headers=[header]), 401, "authentication_error", "invalid_api_key")
    assert site.bench.upstream.sent == []


async def test_key_in_x_api_key_is_as_good_and_crosses_as_little():
    site = answering(b"ok", of=service(request_headers=("x-api-key", "authorization", "cookie")))

    talk = await site.fetch(headers=[(b"authorization", b""), (b"x-api-key", site.bench.key), (b"cookie", b"a=1")])

    assert talk.status == 200
    assert [name for name, _ in site.bench.upstream.sent[0].headers] == [b"x-request-id", b"x-forwarded-for"]


@pytest.mark.parametrize(
    ("allowed", "status"),
    [((), 200), (("service:/infer",), 200), (("service:*",), 200), (("*",), 200), (("gpt",), 403), (("service:/inferno",), 403)],
)
async def test_allow_list_names_services(allowed, status):
    site = answering(b"ok", bench=create_bench(create_principal(allowed_models=allowed)))

    talk = await site.fetch()

    assert talk.status == status
    assert [line.outcome for line in site.bench.spool.ends] == (["ok"] if status == 200 else ["refused"])


async def test_key_without_the_permission_is_refused():
    site = ServiceSite(bench=create_bench(create_principal(permissions=("usage",))))

    check_error(await site.fetch(), 403, "permission_error", "permission_missing")


async def test_limits_bind_services_by_their_name_and_say_so():
    rule = LimitRule("l", "mine", "workspace", "requests", 1, 3600, 1, model="service:/infer")
    site = ServiceSite(service(), service("/other"), limits=[rule])
    for _ in range(2):
        site.bench.upstream.answer(b"ok")

    first, second, other = await site.fetch(), await site.fetch(), await site.fetch("/other")

    assert (first.status, first.headers["x-ratelimit-remaining-requests"]) == (200, "0")
    check_error(second, 429, "rate_limit_error", "rate_limit_exceeded")
    assert int(second.headers["retry-after"]) > 0
    assert other.status == 200
    assert [(line.status, line.outcome, line.error_code) for line in site.bench.spool.ends] == [
        (200, "ok", ""),
        (429, "refused", "rate_limit_exceeded"),
        (200, "ok", ""),
    ]


async def test_slot_of_a_concurrency_limit_is_held_until_the_answer_ends():
    rule = LimitRule("l", "slots", "workspace", "concurrency", 1, 0, 1)
    site = ServiceSite(limits=[rule])
    rest = asyncio.Event()
    site.bench.upstream.answer([b"one", rest, b"two"], headers=[CHUNKED])
    site.bench.upstream.answer(b"ok")

    first = site.begin()
    await first.until(b"one")
    check_error(await site.fetch(), 429, "rate_limit_error", "rate_limit_exceeded")
    rest.set()
    await first.done()

    assert (await site.fetch()).status == 200


async def test_stopping_worker_refuses_and_closes():
    site = ServiceSite()
    site.lifecycle.start_drain()

    talk = await site.fetch()

    check_error(talk, 503, "api_error", "overloaded")
    assert talk.headers["connection"] == "close"


async def test_request_that_cannot_be_recorded_is_not_forwarded():
    site = ServiceSite()
    site.bench.spool.is_full = True

    check_error(await site.fetch(), 503, "api_error", "overloaded")
    assert site.bench.upstream.sent == []


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "M-SEARCH", "get"])
async def test_methods_that_may_not_cross_are_refused(method):
    site = ServiceSite()

    talk = await site.fetch(method=method)

    check_error(talk, 405, "invalid_request_error", "method_not_allowed")
    assert talk.headers["allow"] == "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
    assert site.logged()[-1]["method"] == "OTHER"


@pytest.mark.parametrize("target", ["/infer/../v1/models", "/infer/%2e%2e/admin", "/infer%2f..%2fadmin", "/inf%65r", "/infer?a=é"])
async def test_paths_that_climb_or_hide_never_reach_the_upstream(target):
    site = ServiceSite()

    check_error(await site.fetch(target), 400, "invalid_request_error", "invalid_request")
    assert site.bench.upstream.sent == []


@pytest.mark.parametrize(
    "headers",
    [
        [(b"content-length", b"1"), (b"content-length", b"2")],
        [(b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"chunked")],
        [(b"host", b"a"), (b"host", b"b")],
        [(b"content-length", b"+1")],
        [(b"content-length", b"1, 1")],
        [(b"content-length", b"")],
        [(b"x-gateway-cache", b"sometimes")],
    ],
)
async def test_heads_that_two_readers_would_read_differently_are_refused(headers):
    site = ServiceSite()

    check_error(
        await site.fetch(method="POST", body=b"x", headers=headers), 400, "invalid_request_error", "invalid_request", param_of(headers)
    )
    assert site.bench.upstream.sent == []


def param_of(headers) -> str | None:
    return "x-gateway-cache" if headers[0][0] == b"x-gateway-cache" else None


async def test_key_sent_twice_is_refused():
    site = ServiceSite()
    bearer = (b"authorization", b"Bearer " + site.bench.key)

    check_error(await site.fetch(headers=[bearer, bearer]), 400, "invalid_request_error", "invalid_request")


# Forward


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_methods_cross(method):
    site = answering(b"")

    assert (await site.fetch(method=method, body=b"x" if method in {"POST", "PUT", "PATCH"} else None)).status == 200
    assert site.bench.upstream.sent[0].method == method


async def test_upstream_sees_the_path_the_query_and_the_allowed_headers():
    endpoint = Endpoint("http", "10.0.0.9", 8081, "/base")
    site = answering(b"ok", of=service("/sim", endpoint, is_prefix_stripped=True, request_headers=("x-team",)))

    talk = await site.fetch(
        "/sim/a%2Fb?x=%20&x=+&y",
        headers=[(b"accept", b"text/csv"), (b"x-team", b"a"), (b"x-else", b"b"), (b"origin", b"https://a.example")],
        client=("192.0.2.7", 1),
    )

    (sent,) = site.bench.upstream.sent
    assert (sent.endpoint, sent.path, sent.body, sent.is_streamed) == (endpoint, "/a%2Fb?x=%20&x=+&y", b"", False)
    assert list(sent.headers) == [
        (b"accept", b"text/csv"),
        (b"x-team", b"a"),
        (b"x-request-id", talk.headers["x-request-id"].encode()),
        (b"x-forwarded-for", b"192.0.2.7"),
    ]


async def test_conditions_cross_to_a_service_that_is_not_cached_and_304_comes_back():
    site = answering(status=304, headers=[(b"etag", b'"a"')])

    talk = await site.fetch(headers=[(b"if-none-match", b'"a"'), (b"range", b"bytes=0-1")])

    assert (talk.status, talk.body, talk.headers["etag"]) == (304, b"", '"a"')
    assert (b"if-none-match", b'"a"') in site.bench.upstream.sent[0].headers
    assert (b"range", b"bytes=0-1") in site.bench.upstream.sent[0].headers
    assert "x-cache" not in talk.headers


@pytest.mark.parametrize(
    ("method", "headers", "body", "length", "is_streamed"),
    [
        ("POST", [], b"abc", 3, True),
        ("POST", [CHUNKED], b"abc", None, True),
        ("POST", [], None, None, False),
        ("POST", [], b"", None, False),
        ("DELETE", [], None, None, False),
        ("DELETE", [], b"abc", 3, True),
        ("GET", [CHUNKED], b"abc", None, True),
        ("OPTIONS", [], None, None, False),
    ],
)
async def test_body_crosses_as_it_was_framed(method, headers, body, length, is_streamed):
    site = answering(b"ok")
    talk = site.begin(method=method, body=body, headers=headers)
    if body is None:
        talk.send_body(b"")

    assert (await talk.done()).status == 200

    (sent,) = site.bench.upstream.sent
    assert (sent.body, sent.body_length, sent.is_streamed) == (body or b"", length, is_streamed)


async def test_body_of_any_type_crosses_piece_by_piece():
    site = answering(b"ok")
    talk = site.begin(method="PUT", headers=[CHUNKED, (b"content-type", b"application/octet-stream")])

    for piece in (b"\x00\xff", b"", b"rest"):
        talk.send_body(piece, more=True)
    talk.send_body(b"")
    await talk.done()

    (sent,) = site.bench.upstream.sent
    assert sent.body == b"\x00\xffrest"
    assert (b"content-type", b"application/octet-stream") in sent.headers


@pytest.mark.parametrize("headers", [[], [CHUNKED]])
async def test_body_beyond_the_services_limit_is_refused_and_closes(headers):
    site = answering(b"never", of=service(body_limit_bytes=4))

    talk = await site.fetch(method="POST", body=b"12345", headers=headers)

    check_error(talk, 413, "invalid_request_error", "request_too_large")
    assert talk.headers["connection"] == "close"
    assert site.bench.upstream.sent == []


async def test_body_that_stops_coming_is_a_408():
    site = ServiceSite(body_timeout_s=0.05)
    talk = site.begin(method="POST", headers=[(b"content-length", b"10")])

    talk.send_body(b"12345", more=True)

    check_error(await talk.done(), 408, "invalid_request_error", "request_timeout")
    assert site.bench.spool.ends[-1].error_code == "request_timeout"


# Answers


@pytest.mark.parametrize("status", [200, 201, 204, 206, 301, 400, 401, 403, 404, 409, 422, 429, 500, 502, 503, 504])
async def test_upstreams_own_answers_pass_as_they_are(status):
    body = b"" if status == 204 else b"<p>mine</p>"
    site = answering(
        body, status=status, headers=[(b"content-type", b"text/html"), (b"retry-after", b"7"), (b"content-length", b"%d" % len(body))]
    )

    talk = await site.fetch()

    assert (talk.status, talk.body, talk.is_complete) == (status, body, True)
    assert (talk.headers["content-type"], talk.headers["retry-after"]) == ("text/html", "7")
    assert talk.headers.get("content-length") == (None if status == 204 else "11")
    assert talk.headers["x-gateway-backend"] == "/infer"
    assert talk.headers["x-gateway-revision"] == "7"
    (line,) = site.bench.spool.ends
    code = "" if status < 400 else "upstream_refused" if status < 500 else "upstream_error"
    assert (line.status, line.outcome, line.error_code) == (status, "ok" if status < 400 else "error", code)


async def test_status_that_is_none_is_a_502():
    check_error(await answering(b"", status=799).fetch(), 502, "api_error", "upstream_error")


async def test_redirect_of_a_stripped_service_leads_below_its_path():
    site = answering(status=302, headers=[(b"location", b"http://10.0.0.9:8081/login?a")], of=service("/sim", is_prefix_stripped=True))

    assert (await site.fetch("/sim/x")).headers["location"] == "/sim/login?a"


async def test_open_ended_answer_is_relayed_head_first_and_as_it_comes():
    steps = [asyncio.Event() for _ in range(2)]
    site = answering(steps[0], b"data: 1\n\n", steps[1], b"data: 2\n\n", headers=[CHUNKED, (b"content-type", b"text/event-stream")])

    talk = site.begin()
    await talk.until(b"")
    while not talk.pieces:
        await asyncio.sleep(0)
    assert (talk.status, talk.body) == (200, b"")
    steps[0].set()
    await talk.until(b"data: 1\n\n")
    steps[1].set()
    await talk.done()

    assert (talk.body, talk.is_complete) == (b"data: 1\n\ndata: 2\n\n", True)


@pytest.mark.parametrize(("framing", "sent_before"), [((b"content-length", b"6"), b"one"), (CHUNKED, b"onetwo")])
async def test_record_is_written_before_the_last_byte(framing, sent_before):
    site = answering(b"one", b"two", headers=[framing])
    talk = site.begin()
    seen: list[tuple[bytes, bool]] = []
    write = site.bench.spool.ended

    def note(line):
        seen.append((talk.body, talk.is_complete))
        write(line)

    site.bench.spool.ended = note  # type: ignore[method-assign]
    await talk.done()

    assert seen == [(sent_before, False)]
    assert (talk.body, talk.is_complete) == (b"onetwo", True)


async def test_record_names_the_service_and_costs_nothing():
    site = answering(b"ok")

    talk = await site.fetch("/infer/x", headers=[(b"x-gateway-tags", b"team=a"), (b"x-gateway-end-user", b"u1")])

    (start,), (end,) = site.bench.spool.starts, site.bench.spool.ends
    assert start.request_id == end.request_id == talk.headers["x-request-id"]
    assert (end.workspace_id, end.key_id, end.model, end.backend, end.provider) == (
        WORKSPACE_ID,
        KEY_ID,
        "service:/infer",
        "/infer",
        "service",
    )
    assert (end.endpoint, end.usage_source, end.cost_nano_usd, end.input_tokens, end.output_tokens) == ("service", "none", 0, 0, 0)
    assert (end.tags, end.end_user) == (("team=a",), "u1")
    (event,) = site.logged()
    assert (event["route"], event["backend"], event["status"]) == ("service", "/infer", 200)


# Failures


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (UpstreamFailure("connect", "refused", is_sent=False), 502, "upstream_error"),
        (UpstreamFailure("resolve", "dns", is_sent=False), 502, "upstream_error"),
        (UpstreamFailure("connect", "timeout", is_sent=False, timer="connect"), 504, "timeout"),
        (UpstreamFailure("head", "timeout", is_sent=True, timer="first_token"), 504, "timeout"),
        (UpstreamFailure("head", "timeout", is_sent=True, timer="total"), 504, "timeout"),
        (UpstreamFailure("head", "reset", is_sent=True), 502, "upstream_error"),
        (UpstreamFailure("head", "protocol", is_sent=True), 502, "upstream_error"),
        (UpstreamFailure("connect", "blocked", is_sent=False), 502, "upstream_error"),
    ],
)
async def test_upstream_that_gives_no_answer(failure, status, code):
    site = ServiceSite()
    site.bench.upstream.answers.append(failure)

    talk = await site.fetch()

    message = check_error(talk, status, "api_error", code)
    assert "10.0.0.9" not in message
    (line,) = site.bench.spool.ends
    assert (line.status, line.outcome, line.error_code) == (status, "error", code)


async def test_failure_before_the_first_byte_of_a_sized_answer_is_a_502():
    site = answering(UpstreamFailure("body", "eof", is_sent=True), headers=[(b"content-length", b"6")])

    check_error(await site.fetch(), 502, "api_error", "upstream_error")


@pytest.mark.parametrize("framing", [CHUNKED, (b"content-length", b"6")])
async def test_answer_that_breaks_off_never_ends_cleanly(framing):
    site = answering(b"one", UpstreamFailure("body", "reset", is_sent=True), headers=[framing])

    talk = await site.fetch()

    assert (talk.status, talk.body, talk.is_complete) == (200, b"one", False)
    (line,) = site.bench.spool.ends
    assert (line.status, line.outcome, line.error_code) == (502, "error", "upstream_error")
    assert site.logged()[-1]["error"] == "upstream_error"


async def test_unexpected_error_is_a_500_and_recorded():
    site = answering(b"ok")

    async def fail(*_args: object, **_options: object) -> None:
        raise RuntimeError("a bug")

    site.bench.upstream.send = fail  # type: ignore[method-assign]

    check_error(await site.fetch(), 500, "api_error", "internal_error")
    assert site.bench.spool.ends[-1].error_code == "internal_error"


async def test_client_that_leaves_before_the_head_ends_the_call():
    site = ServiceSite()
    site.bench.upstream.answers.append(60.0)

    talk = site.begin()
    while not site.bench.upstream.sent:
        await asyncio.sleep(0)
    talk.leave()
    await talk.done(within_s=5)

    assert talk.status == 0
    (line,) = site.bench.spool.ends
    assert (line.status, line.outcome, line.error_code) == (499, "cancelled", "client_gone")


async def test_client_that_leaves_in_the_answer_ends_the_call():
    site = ServiceSite()
    response = site.bench.upstream.answer([b"one", 60.0], headers=[CHUNKED])

    talk = site.begin()
    await talk.until(b"one")
    talk.leave()
    await talk.done(within_s=5)

    assert response.is_aborted
    (line,) = site.bench.spool.ends
    assert (line.status, line.outcome, line.error_code) == (499, "cancelled", "client_gone")


async def test_client_that_leaves_in_its_body_ends_the_call():
    site = ServiceSite()
    talk = site.begin(method="POST", headers=[(b"content-length", b"10")])

    talk.send_body(b"12345", more=True)
    await asyncio.sleep(0.01)
    talk.leave()
    await talk.done(within_s=5)

    assert talk.status == 0
    (line,) = site.bench.spool.ends
    assert (line.status, line.outcome) == (499, "cancelled")


async def test_stop_of_the_worker_is_told_before_the_head_and_cuts_after_it():
    site = ServiceSite()
    site.bench.upstream.answer([60.0], headers=[(b"content-length", b"3")])
    site.bench.upstream.answer([b"one", 60.0], headers=[CHUNKED])
    waiting, running = site.begin(), site.begin()
    await running.until(b"one")

    for talk in (waiting, running):
        talk.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await talk.done()

    check_error(waiting, 503, "api_error", "overloaded")
    assert not running.is_complete
    assert [line.outcome for line in site.bench.spool.ends] == ["error", "error"]


async def test_worker_without_services_finds_none():
    site = ServiceSite()
    site.bench.gateway.snapshots.current = None

    assert site.plane.find("/infer") is None


async def test_services_of_different_keys_are_told_apart_by_workspace_limits():
    bench = create_bench()
    other = create_key_text()[0].encode()
    bench.principals.principals[digest_key(PEPPER, other)] = create_principal(key_id="k2", workspace_id="w2")
    site = ServiceSite(bench=bench, limits=[LimitRule("l", "one", "workspace", "requests", 1, 3600, 1)])
    for _ in range(2):
        bench.upstream.answer(b"ok")

    assert [(await site.fetch(key=key)).status for key in (bench.key, other, bench.key)] == [200, 200, 429]
