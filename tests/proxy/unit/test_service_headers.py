"""Which headers cross between a client and a plain HTTP upstream."""

from __future__ import annotations

import pytest

from proxy.ports import Endpoint
from proxy.service_headers import FORBIDDEN, request_headers, response_headers, rewrite_location
from tests.proxy.service_help import service

OURS = [(b"x-request-id", b"id"), (b"x-forwarded-for", b"192.0.2.1")]


def sent(*headers: tuple[bytes, bytes], more: tuple[str, ...] = ()) -> list[tuple[bytes, bytes]]:
    found = request_headers(list(headers), service(request_headers=more), "id", "192.0.2.1")
    assert found[-2:] == OURS
    return found[:-2]


def answered(*headers: tuple[bytes, bytes], more: tuple[str, ...] = ()) -> list[tuple[bytes, bytes]]:
    return response_headers(headers, service(response_headers=more))


def test_request_headers_of_the_list_cross_in_order_and_others_do_not():
    assert sent(
        (b"accept", b"text/csv"),
        (b"x-else", b"1"),
        (b"accept", b"*/*"),
        (b"user-agent", b"curl"),
        (b"range", b"bytes=0-1"),
        (b"origin", b"https://a.example"),
        (b"accept-encoding", b"gzip"),
    ) == [(b"accept", b"text/csv"), (b"accept", b"*/*"), (b"user-agent", b"curl"), (b"range", b"bytes=0-1")]


def test_service_adds_to_both_lists():
    assert sent((b"x-team", b"a"), (b"x-other", b"b"), more=("x-team",)) == [(b"x-team", b"a")]
    assert answered((b"x-cost", b"1"), (b"server", b"nginx"), more=("x-cost",)) == [(b"x-cost", b"1")]


FAMILIES = ("proxy-authorization", "x-forwarded-host", "x-gateway-end-user", "x-ratelimit-limit-requests", "access-control-allow-origin")


@pytest.mark.parametrize("name", [*sorted(FORBIDDEN), *FAMILIES])
def test_forbidden_headers_never_cross_even_when_a_service_lists_them(name):
    header = (name.encode(), b"secret")

    assert sent(header, more=(name,)) == []
    assert answered(header, more=(name,)) == []


@pytest.mark.parametrize("connection", [[b"close, X-Team"], [b"close", b"x-team ,x-b"], [b"X-TEAM"]])
def test_headers_named_by_connection_are_for_the_neighbour_alone(connection):
    hops = [(b"connection", value) for value in connection]

    assert sent((b"x-team", b"1"), *hops, (b"accept", b"a"), more=("x-team",)) == [(b"accept", b"a")]
    assert answered((b"x-team", b"1"), *hops, (b"etag", b'"a"'), more=("x-team",)) == [(b"etag", b'"a"')]


def test_client_cannot_write_who_asked():
    assert sent((b"x-forwarded-for", b"1.2.3.4"), (b"x-request-id", b"mine"), (b"forwarded", b"for=1.2.3.4")) == []


def test_client_without_an_address_is_not_named():
    assert request_headers([], service(), "id", "") == [(b"x-request-id", b"id")]


def test_response_headers_of_the_list_cross_and_others_do_not():
    passing = [
        (b"content-type", b"text/csv"),
        (b"content-language", b"de"),
        (b"content-disposition", b"inline"),
        (b"content-range", b"bytes 0-1/2"),
        (b"etag", b'W/"a"'),
        (b"last-modified", b"Tue, 01 Jan 2030 00:00:00 GMT"),
        (b"cache-control", b"no-store"),
        (b"vary", b"accept"),
        (b"retry-after", b"3"),
    ]

    assert (
        answered(*passing, (b"set-cookie", b"a=1"), (b"server", b"nginx"), (b"x-powered-by", b"php"), (b"content-length", b"3")) == passing
    )


BASED = Endpoint("https", "api.example", 443, "/base")
PLAIN = Endpoint("http", "10.0.0.9", 8081)


@pytest.mark.parametrize(
    ("endpoint", "location", "whole", "stripped"),
    [
        (PLAIN, b"/login?next=/a#b", b"/login?next=/a#b", b"/sim/login?next=/a#b"),
        (PLAIN, b"http://10.0.0.9:8081/login", b"/login", b"/sim/login"),
        (PLAIN, b"HTTP://10.0.0.9:8081", b"/", b"/sim/"),
        (PLAIN, b"//10.0.0.9:8081?a", b"/?a", b"/sim/?a"),
        (PLAIN, b"next?page=2", b"next?page=2", b"next?page=2"),
        (PLAIN, b"https://10.0.0.9:8081/x", b"https://10.0.0.9:8081/x", b"https://10.0.0.9:8081/x"),
        (PLAIN, b"https://login.example/x", b"https://login.example/x", b"https://login.example/x"),
        (PLAIN, b"//evil.example/x", b"//evil.example/x", b"//evil.example/x"),
        (BASED, b"/base/x", b"/x", b"/sim/x"),
        (BASED, b"/base", b"/", b"/sim"),
        (BASED, b"/base?q=1", b"/?q=1", b"/sim?q=1"),
        (BASED, b"/base//evil.example/x", b"/evil.example/x", b"/sim//evil.example/x"),
        (PLAIN, b"http://10.0.0.9:8081//evil.example/x", b"/evil.example/x", b"/sim//evil.example/x"),
        (BASED, b"https://API.example/base/x", b"/x", b"/sim/x"),
        (BASED, b"https://api.example:443/base/x", b"/x", b"/sim/x"),
        (BASED, b"https://api.example/outside", b"/outside", b"/outside"),
        (BASED, b"/baseless", b"/baseless", b"/baseless"),
        (Endpoint("http", "::1", 80), b"http://[::1]/x", b"/x", b"/sim/x"),
    ],
)
def test_redirects_lead_to_the_clients_paths_and_name_no_host_of_ours(endpoint, location, whole, stripped):
    assert rewrite_location(location, service("/sim", endpoint)) == whole
    assert rewrite_location(location, service("/sim", endpoint, is_prefix_stripped=True)) == stripped
    assert response_headers([(b"location", location)], service("/sim", endpoint)) == [(b"location", whole)]
