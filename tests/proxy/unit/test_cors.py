"""Cross-origin requests: who may call, what a preflight is told, and what a page may read."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.cors import Cors

APP = b"https://app.example"
OTHER = b"https://other.example"


async def preflight(cors: Cors, *headers: tuple[bytes, bytes], method: str = "OPTIONS") -> tuple[int, dict[str, str]] | None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": "/v1/models", "headers": list(headers)}
    if not await cors.answer_preflight(scope, send):
        assert sent == []
        return None
    start, body = sent
    assert body == {"type": "http.response.body", "body": b""}
    named = {name.decode(): value.decode() for name, value in start["headers"]}
    assert len(named) == len(start["headers"])
    return start["status"], named


def asking(origin: bytes, method: bytes = b"POST", names: bytes | None = None) -> list[tuple[bytes, bytes]]:
    headers = [(b"origin", origin), (b"access-control-request-method", method)]
    return headers + ([(b"access-control-request-headers", names)] if names is not None else [])


async def answered(cors: Cors, *headers: tuple[bytes, bytes], own=((b"content-type", b"a/b"),)) -> list[tuple[bytes, bytes]]:
    """Return what `wrap` adds to an answer."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    wrapped = cors.wrap({"type": "http", "method": "GET", "headers": list(headers)}, send)
    start = {"type": "http.response.start", "status": 500, "headers": list(own)}
    await wrapped(start)
    await wrapped({"type": "http.response.body", "body": b"x"})
    assert start["headers"] == list(own), "the application's own message was changed"
    assert sent[0]["status"] == 500
    assert sent[1] == {"type": "http.response.body", "body": b"x"}
    assert sent[0]["headers"][: len(own)] == list(own)
    added: list[tuple[bytes, bytes]] = sent[0]["headers"][len(own) :]
    return added


def test_without_origins_it_is_off():
    assert not Cors([]).is_on
    assert Cors(["*"]).is_on
    assert Cors(["https://app.example"]).is_on


@pytest.mark.parametrize(
    ("origins", "origin", "is_allowed"),
    [
        (["https://app.example"], APP, True),
        (["https://app.example/"], APP, True),
        (["HTTPS://App.Example"], APP, True),
        (["https://app.example", "http://localhost:3000"], b"http://localhost:3000", True),
        (["chrome-extension://abcdef"], b"chrome-extension://abcdef", True),
        (["*"], OTHER, True),
        (["*"], b"null", True),
        (["https://app.example"], OTHER, False),
        (["https://app.example"], b"http://app.example", False),
        (["https://app.example"], b"https://app.example:8443", False),
        (["https://app.example"], b"https://app.example.evil.example", False),
        (["https://app.example"], b"https://evil.example?https://app.example", False),
        (["https://app.example"], b"null", False),
        (["https://app.example"], b"", False),
        (["https://app.example"], b"https://x.app.example", False),
    ],
)
async def test_origins_are_compared_whole(origins, origin, is_allowed):
    cors = Cors(origins)

    status, headers = await preflight(cors, *asking(origin))
    added = dict(await answered(cors, (b"origin", origin)))

    assert status == (204 if is_allowed else 403)
    assert headers.get("access-control-allow-origin") == (origin.decode() if is_allowed else None)
    assert added.get(b"access-control-allow-origin") == (origin if is_allowed else None)
    assert (b"access-control-expose-headers" in added) is is_allowed


@pytest.mark.parametrize(
    "origin",
    ["app.example", "https://app.example/path", "https://*.example", "null", "https://", "https://a b", "https://u@a", "https://é"],
)
def test_what_is_no_origin_is_refused_at_the_start(origin):
    with pytest.raises(ValueError, match="no origin"):
        Cors([origin])


async def test_preflight_tells_methods_headers_and_how_long_it_holds():
    names = (
        b"Authorization,content-type, X-Api-Key,  anthropic-version,anthropic-dangerous-direct-browser-access,openai-organization,"
        b"x-stainless-lang,x-gateway-tags,idempotency-key,traceparent,if-none-match,cookie,x-evil,,x-gatewayx"
    )

    status, headers = await preflight(Cors(["*"]), *asking(APP, b"DELETE", names))

    assert status == 204
    assert headers == {
        "access-control-allow-origin": "https://app.example",
        "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
        "access-control-allow-headers": "authorization, content-type, x-api-key, anthropic-version, "
        "anthropic-dangerous-direct-browser-access, openai-organization, x-stainless-lang, x-gateway-tags, "
        "idempotency-key, traceparent, if-none-match",
        "access-control-max-age": "600",
        "vary": "origin, access-control-request-method, access-control-request-headers",
    }


@pytest.mark.parametrize("names", [None, b"", b"cookie", b" , "])
async def test_preflight_that_asks_for_no_header_of_the_list_is_told_of_none(names):
    status, headers = await preflight(Cors(["*"]), *asking(APP, b"GET", names))

    assert status == 204
    assert "access-control-allow-headers" not in headers


async def test_refused_preflight_says_nothing_of_what_is_allowed():
    status, headers = await preflight(Cors(["https://app.example"]), *asking(OTHER, b"GET", b"authorization"))

    assert status == 403
    assert headers == {"content-length": "0", "vary": "origin, access-control-request-method, access-control-request-headers"}


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", asking(APP)),
        ("POST", asking(APP)),
        ("OPTIONS", []),
        ("OPTIONS", [(b"origin", APP)]),
        ("OPTIONS", [(b"access-control-request-method", b"GET")]),
    ],
)
async def test_what_is_no_preflight_goes_on(method, headers):
    assert await preflight(Cors(["*"]), *headers, method=method) is None


async def test_answers_name_the_origin_what_may_be_read_and_what_they_vary_by():
    added = await answered(Cors(["*"]), (b"host", b"x"), (b"origin", APP))

    assert [name for name, _ in added] == [b"access-control-allow-origin", b"access-control-expose-headers", b"vary"]
    named = dict(added)
    assert (named[b"access-control-allow-origin"], named[b"vary"]) == (APP, b"origin")
    exposed = set(named[b"access-control-expose-headers"].decode().split(", "))
    assert exposed >= {"x-request-id", "request-id", "retry-after", "retry-after-ms", "x-ratelimit-remaining-tokens", "x-gateway-cost-usd"}
    assert exposed >= {"x-cache", "age", "etag", "x-response-time", "server-timing", "x-should-retry"}
    assert exposed.isdisjoint({"set-cookie", "*"})


@pytest.mark.parametrize("headers", [[], [(b"origin", OTHER)]])
async def test_answers_to_others_only_say_that_they_vary(headers):
    assert await answered(Cors(["https://app.example"]), *headers) == [(b"vary", b"origin")]


async def test_credentials_are_never_allowed():
    _, headers = await preflight(Cors(["*"]), *asking(APP))
    added = await answered(Cors(["*"]), (b"origin", APP))

    assert "access-control-allow-credentials" not in headers
    assert b"access-control-allow-credentials" not in dict(added)
