"""Whose address counts: the peer's, or behind trusted proxies the last one that none of them wrote."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from proxy.testing import create_bench, create_principal
from tests.proxy.asgi_help import Site
from tests.proxy.chat_help import answer, chat

PROXIES = (ip_network("10.0.0.0/8"), ip_network("::1/128"))


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "address"),
    [
        ("10.0.0.1", b"192.0.2.1", "192.0.2.1"),
        ("10.0.0.1", b"203.0.113.9, 192.0.2.1", "192.0.2.1"),
        ("10.0.0.1", b"192.0.2.1, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", b"192.0.2.1, 10.0.0.7", "192.0.2.1"),
        ("10.0.0.1", b"192.0.2.1,10.0.0.7,10.0.0.8", "192.0.2.1"),
        ("203.0.113.9", b"192.0.2.1", "203.0.113.9"),
        ("::1", b"192.0.2.1", "192.0.2.1"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", b"", "10.0.0.1"),
        ("10.0.0.1", b"garbage", "garbage"),
        ("10.0.0.1", b"192.0.2.1, garbage", "garbage"),
        ("10.0.0.1", b"192.0.2.1, \xff", "\xff"),
        ("10.0.0.1", b"192.0.2.1, 10.0.0.2, , ", ""),
    ],
)
async def test_the_address_is_the_last_that_no_trusted_proxy_wrote(peer, forwarded_for, address):
    site = Site(trusted_proxies=PROXIES)
    site.bench.upstream.answer(answer())
    extra = [] if forwarded_for is None else [(b"x-forwarded-for", forwarded_for)]

    await site.call(client=(peer, 1), headers=[site.bearer, *extra])

    assert site.logged()[0]["client_ip"] == address


async def test_without_trusted_proxies_the_header_is_nothing():
    site = Site(create_bench(create_principal(allowed_networks=("192.0.2.0/24",))))

    talk = await site.call(client=("203.0.113.9", 1), headers=[site.bearer, (b"x-forwarded-for", b"192.0.2.1")])

    assert talk.status == 403


async def test_a_server_that_knows_no_peer_is_not_an_error():
    site = Site()
    site.bench.upstream.answer(answer())

    talk = await site.call(body=chat(), client=None)

    assert talk.status == 200
