"""What the suites of the HTTP client share: a client that may use the loopback interface, and one call that says how it ended."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Any

from proxy.adapters.egress import EgressPolicy, LookUp, look_up_addresses
from proxy.adapters.http import HttpClient
from proxy.ports import Endpoint, Timeouts, UpstreamFailure, UpstreamResponse

LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1/128")]
PATIENT = Timeouts(connect_s=20, first_token_s=20, idle_s=20, total_s=40)
"""Timers that no well-behaved test meets."""


@asynccontextmanager
async def http_client(*, look_up: LookUp = look_up_addresses, **options: Any) -> AsyncIterator[HttpClient]:
    client = HttpClient(EgressPolicy(LOOPBACK, look_up=look_up), **options)
    try:
        yield client
    finally:
        await client.close()


async def post(
    client: HttpClient,
    endpoint: Endpoint,
    body: bytes | AsyncIterator[bytes] = b"{}",
    *,
    method: str = "POST",
    path: str = "/v1/call",
    headers: Sequence[tuple[bytes, bytes]] = (),
    timeouts: Timeouts = PATIENT,
    body_length: int | None = None,
) -> UpstreamResponse:
    return await client.send(endpoint, method, path, headers, body, timeouts, body_length=body_length)


async def read_to_end(response: UpstreamResponse) -> tuple[bytes, UpstreamFailure | None]:
    """Return the bytes of a body and the failure that ended it, if one did."""
    data = b""
    try:
        while piece := await response.read():
            data += piece
    except UpstreamFailure as failure:
        return data, failure
    return data, None


def name(failure: UpstreamFailure | None) -> tuple[str, str, str | None]:
    """Return how a failure is told from the others: phase, kind, timer."""
    assert failure is not None
    return failure.phase, failure.kind, failure.timer
