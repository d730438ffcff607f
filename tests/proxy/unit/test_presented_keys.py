"""A presented key: garbage costs no look-up, every reason gets one and the same 401, an outage never does."""

from __future__ import annotations

import time

import pytest

from apikeys.hotpath import create_key_text, digest_key
from proxy.errors import StoreUnavailable
from proxy.testing import PEPPER, create_bench, create_principal
from tests.proxy.asgi_help import Site, check_error
from tests.proxy.chat_help import answer, chat

JSON = (b"content-type", b"application/json")
GARBAGE = {
    "nothing": b"",
    "quotes": b'"\'"',
    "NUL": b"\0" * 58,
    "1 MB": b"x" * 1_000_000,
    "unicode": "gw_live_ключ🔑".encode(),
    "not UTF-8": b"\xff" * 58,
    "our form without its checksum": b"gw_live_" + b"a" * 10 + b"_" + b"b" * 32 + b"_" + b"c" * 6,
    "two keys": (create_key_text()[0] + " " + create_key_text()[0]).encode(),
}


async def _refused(site: Site, headers) -> bytes:
    talk = await site.call(body=chat(), headers=[*headers, JSON])
    check_error(talk, 401, "authentication_error", "invalid_api_key")
    assert talk.headers["x-should-retry"] == "false"
    return talk.body


@pytest.mark.parametrize("key", GARBAGE.values(), ids=GARBAGE.keys())
@pytest.mark.parametrize("header", [b"authorization", b"x-api-key"])
async def test_garbage_is_a_401_without_any_look_up(key, header):
    site = Site()
    value = b"Bearer " + key if header == b"authorization" else key

    await _refused(site, [(header, value)])

    assert site.bench.principals.look_ups_count == 0
    assert site.bench.counter.calls_count == 0
    assert site.bench.spool.starts == []


async def test_every_reason_gets_the_same_body():
    site = Site()
    unknown = create_key_text()[0].encode()
    expired = create_key_text()[0].encode()
    site.bench.principals.principals[digest_key(PEPPER, expired)] = create_principal(expires_at=time.time() - 1)

    bodies = {
        await _refused(site, []),
        await _refused(site, [(b"authorization", b"Bearer garbage")]),
        await _refused(site, [(b"authorization", b"Bearer " + unknown)]),
        await _refused(site, [(b"authorization", b"Bearer " + expired)]),
        await _refused(site, [(b"authorization", b"Basic " + site.bench.key)]),
    }

    assert len(bodies) == 1


@pytest.mark.parametrize(
    "shape",
    [
        lambda key: (b"authorization", b"Bearer " + key),
        lambda key: (b"authorization", b"bearer " + key),
        lambda key: (b"authorization", b"BEARER   " + key + b"  "),
        lambda key: (b"x-api-key", key),
    ],
)
async def test_a_key_is_taken_from_either_header(shape):
    site = Site()
    site.bench.upstream.answer(answer())

    talk = await site.call(headers=[shape(site.bench.key), JSON])

    assert talk.status == 200


async def test_the_authorization_header_wins_over_the_other():
    site = Site()

    await _refused(site, [(b"authorization", b"Bearer garbage"), (b"x-api-key", site.bench.key)])


async def test_a_key_given_twice_is_a_bad_request():
    site = Site()

    talk = await site.call(headers=[site.bearer, site.bearer, JSON])

    check_error(talk, 400, "invalid_request_error", "invalid_request")


async def test_a_store_outage_is_a_503_and_never_a_401():
    site = Site()
    site.bench.principals.error = StoreUnavailable()

    talk = await site.ask()

    check_error(talk, 503, "api_error", "store_unavailable")
    site.bench.principals.error = None
    site.bench.upstream.answer(answer())
    assert (await site.ask()).status == 200


async def test_a_known_key_needs_no_store():
    site = Site()
    site.bench.upstream.answer(answer())
    await site.ask()
    site.bench.principals.error = StoreUnavailable()
    site.bench.upstream.answer(answer())

    talk = await site.ask()

    assert talk.status == 200
    assert site.bench.principals.look_ups_count == 1


async def test_a_key_that_expires_while_it_is_remembered_is_refused(monkeypatch):
    now = time.time()
    site = Site(create_bench(create_principal(expires_at=now + 60)))
    site.bench.upstream.answer(answer())
    assert (await site.ask()).status == 200

    monkeypatch.setattr(time, "time", lambda: now + 60)

    check_error(await site.ask(), 401, "authentication_error", "invalid_api_key")


async def test_an_address_outside_the_key_s_networks_is_a_403():
    site = Site(create_bench(create_principal(allowed_networks=("192.0.2.0/24",))))
    site.bench.upstream.answer(answer())

    refused = await site.call(client=("203.0.113.9", 1))
    passed = await site.call(client=("192.0.2.9", 1))

    check_error(refused, 403, "permission_error", "ip_not_allowed")
    assert passed.status == 200


async def test_an_unknown_key_from_anywhere_learns_nothing_of_networks():
    site = Site(create_bench(create_principal(allowed_networks=("192.0.2.0/24",))))

    await _refused(site, [(b"authorization", b"Bearer " + create_key_text()[0].encode())])
