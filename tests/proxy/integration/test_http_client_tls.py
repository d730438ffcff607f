"""TLS to a pinned address: the certificate must carry the name, whatever address the connection goes to."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from proxy.ports import Endpoint, UpstreamFailure
from tests.proxy import misbehaving
from tests.proxy.integration.http_client_help import http_client, name, post, read_to_end
from tests.proxy.loops import on_both_loops
from tests.proxy.upstreams import Peer, dump_answer, serve

LARGE = 4_000_000


class Authority:
    """A certificate authority of our own, and servers' contexts with certificates from it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        self.certificate = (
            self._builder(self.name, self.key, days=1)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .sign(self.key, hashes.SHA256())
        )

    def client_context(self) -> ssl.SSLContext:
        pem = self.certificate.public_bytes(serialization.Encoding.PEM).decode()
        return ssl.create_default_context(cadata=pem)

    def server_context(self, *names: str, days: int = 1) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
        certificate = (
            self._builder(subject, key, days=days)
            .add_extension(x509.SubjectAlternativeName([_general_name(entry) for entry in names]), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        path = self.folder / f"{names[0]}.pem"
        path.write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, days: int) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=2))
            .not_valid_after(now + dt.timedelta(days=days))
        )


def _general_name(entry: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(entry))
    except ValueError:
        return x509.DNSName(entry)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


async def to_loopback(host: str, port: int) -> tuple[str, ...]:
    return ("127.0.0.1",)


@on_both_loops
async def test_name_is_sent_and_checked_while_the_connection_goes_to_the_pinned_address(authority: Authority) -> None:
    asked: list[str | None] = []
    context = authority.server_context("api.example.com")
    context.sni_callback = lambda _socket, server_name, _context: asked.append(server_name)
    async with (
        serve(misbehaving.answers(dump_answer(b"ok")), ssl_context=context) as server,
        http_client(look_up=to_loopback, ssl_context=authority.client_context()) as client,
    ):
        for _ in range(3):
            response = await post(client, Endpoint("https", "api.example.com", server.endpoint.port))
            assert await response.read_all(10) == b"ok"

    assert asked == ["api.example.com"]
    assert len(server.peers) == 1


@on_both_loops
async def test_certificate_of_an_address_is_checked_too(authority: Authority) -> None:
    context = authority.server_context("127.0.0.1")
    async with (
        serve(misbehaving.answers(dump_answer(b"ok")), ssl_context=context) as server,
        http_client(ssl_context=authority.client_context()) as client,
    ):
        assert await (await post(client, server.endpoint)).read_all(10) == b"ok"


@pytest.mark.parametrize(("names", "days"), [(("other.example.com",), 1), (("127.0.0.1",), 1), (("api.example.com",), -1)])
@on_both_loops
async def test_wrong_or_expired_certificate_is_refused(authority: Authority, names: tuple[str, ...], days: int) -> None:
    context = authority.server_context(*names, days=days)
    async with (
        serve(misbehaving.answers(dump_answer(b"ok")), ssl_context=context) as server,
        http_client(look_up=to_loopback, ssl_context=authority.client_context()) as client,
    ):
        with pytest.raises(UpstreamFailure) as caught:
            await post(client, Endpoint("https", "api.example.com", server.endpoint.port))

        assert name(caught.value) == ("connect", "tls", None)
        assert not caught.value.is_sent
        assert server.requests == []


@on_both_loops
async def test_unknown_authority_is_refused_by_default(authority: Authority) -> None:
    context = authority.server_context("api.example.com")
    async with serve(misbehaving.hangs_before_head, ssl_context=context) as server, http_client(look_up=to_loopback) as client:
        with pytest.raises(UpstreamFailure) as caught:
            await post(client, Endpoint("https", "api.example.com", server.endpoint.port))

    assert name(caught.value) == ("connect", "tls", None)


@on_both_loops
async def test_plain_upstream_under_an_https_endpoint_is_a_tls_failure() -> None:
    async def greets(peer: Peer) -> None:
        await peer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with serve(greets) as server, http_client() as client:
        with pytest.raises(UpstreamFailure) as caught:
            await post(client, Endpoint("https", "127.0.0.1", server.endpoint.port))

    assert name(caught.value) == ("connect", "tls", None)


@on_both_loops
async def test_large_bodies_pass_both_ways(authority: Authority) -> None:
    body = b"x" * LARGE
    context = authority.server_context("127.0.0.1")
    async with (
        serve(misbehaving.answers(dump_answer(body)), ssl_context=context) as server,
        http_client(ssl_context=authority.client_context()) as client,
    ):
        for _ in range(2):
            response = await post(client, server.endpoint, body)
            await asyncio.sleep(0.05)
            assert await response.read_all(LARGE) == body
    assert [request.body == body for request in server.requests] == [True, True]
    assert len(server.peers) == 1


@on_both_loops
async def test_streamed_body_waits_for_a_slow_upstream(authority: Authority) -> None:
    may_read = asyncio.Event()
    given_bytes = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal given_bytes
        for _ in range(320):
            given_bytes += 100_000
            yield b"x" * 100_000

    context = authority.server_context("127.0.0.1")
    async with (
        serve(misbehaving.reads_slowly(may_read), ssl_context=context) as server,
        http_client(ssl_context=authority.client_context()) as client,
    ):
        task = asyncio.create_task(post(client, server.endpoint, body()))
        await server.saw_connection()
        await asyncio.sleep(0.2)
        given_before_bytes = given_bytes
        may_read.set()

        assert await (await task).read_all(10) == b"32000000"
    assert given_before_bytes <= 16_000_000


@pytest.mark.parametrize("is_clean", [True, False])
@on_both_loops
async def test_body_without_framing_needs_the_farewell_of_tls(authority: Authority, is_clean: bool) -> None:
    # Without it anybody on the way could cut the answer short unseen.
    async def behave(peer: Peer) -> None:
        await peer.read_request()
        await peer.write(b"HTTP/1.1 200 OK\r\n\r\none")
        if is_clean:
            await peer.close()
        else:
            peer.writer.transport.abort()

    context = authority.server_context("127.0.0.1")
    async with (
        serve(behave, ssl_context=context) as server,
        http_client(ssl_context=authority.client_context()) as client,
    ):
        data, failure = await read_to_end(await post(client, server.endpoint))

    assert data == b"one"
    assert (failure is None) == is_clean
    assert is_clean or (failure is not None and failure.phase == "body")


@on_both_loops
async def test_cancel_in_mid_body_closes_the_connection(authority: Authority) -> None:
    context = authority.server_context("127.0.0.1")
    async with (
        serve(misbehaving.hangs_mid_body, ssl_context=context) as server,
        http_client(ssl_context=authority.client_context()) as client,
    ):
        response = await post(client, server.endpoint)
        await response.read()
        task = asyncio.create_task(response.read())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

        await server.saw_close(within_s=1.0)


@on_both_loops
async def test_connection_closed_between_requests_is_replaced_silently(authority: Authority) -> None:
    context = authority.server_context("127.0.0.1")
    async with (
        serve(misbehaving.closes_after_each_answer, ssl_context=context) as server,
        http_client(ssl_context=authority.client_context()) as client,
    ):
        for _ in range(3):
            assert await (await post(client, server.endpoint)).read_all(10) == b"ok"
