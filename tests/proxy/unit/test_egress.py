from __future__ import annotations

import asyncio
from collections.abc import Sequence
from ipaddress import ip_network

import pytest

from proxy.adapters.egress import EgressPolicy, look_up_addresses
from proxy.ports import UpstreamFailure


class Names:
    """A resolver with fixed answers that counts how often it is asked."""

    def __init__(self, *addresses: str, error: Exception | None = None) -> None:
        self.addresses = addresses
        self.error = error
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return self.addresses


async def resolve(host: str, *allowed: str, look_up: Names | None = None) -> tuple[str, ...]:
    policy = EgressPolicy([ip_network(network) for network in allowed], look_up=look_up or look_up_addresses)
    return await policy.resolve(host, 443)


async def refusal(host: str, *allowed: str, look_up: Names | None = None) -> UpstreamFailure:
    with pytest.raises(UpstreamFailure) as caught:
        await resolve(host, *allowed, look_up=look_up)
    assert (caught.value.phase, caught.value.is_sent) == ("resolve", False)
    return caught.value


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1", "2606:4700::1111"])
async def test_public_address_is_returned_as_it_is(address: str) -> None:
    assert await resolve(address) == (address,)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104 -- an address to refuse, not to listen on
        "10.1.2.3",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::7f00:1",
        "64:ff9b::808:808",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:808:808::1",
        "3fff::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fe80::1%lo",
        "fec0::1",
        "ff02::1",
    ],
)
async def test_special_address_is_blocked(address: str) -> None:
    assert (await refusal(address)).kind == "blocked"


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "localhost"])
async def test_other_spellings_of_loopback_never_pass(host: str) -> None:
    # What the resolver makes of them differs from system to system; none may end in a connection.
    assert (await refusal(host)).kind in ("blocked", "dns")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.1.2.3", "10.1.0.0/16"),
        ("127.0.0.1", "127.0.0.0/8"),
        ("::1", "::1/128"),
        ("::ffff:10.1.2.3", "10.1.0.0/16"),
        ("::ffff:10.1.2.3", "::ffff:0:0/96"),
        ("64:ff9b::808:808", "64:ff9b::/96"),
        ("2002:808:808::1", "2002::/16"),
    ],
)
async def test_allowed_network_lets_its_addresses_through(address: str, network: str) -> None:
    assert await resolve(address, "192.168.0.0/16", network) == (address,)


@pytest.mark.parametrize("address", ["10.2.0.1", "127.0.0.1", "::ffff:10.2.0.1", "64:ff9b::a01:1", "2002:a01:1::"])
async def test_allowed_network_lets_nothing_else_through(address: str) -> None:
    assert (await refusal(address, "10.1.0.0/16")).kind == "blocked"


async def test_name_gives_all_its_addresses_in_order() -> None:
    look_up = Names("8.8.8.8", "2606:4700::1111", "1.1.1.1")

    assert await resolve("api.example.com", look_up=look_up) == ("8.8.8.8", "2606:4700::1111", "1.1.1.1")


@pytest.mark.parametrize("addresses", [("8.8.8.8", "10.0.0.1"), ("10.0.0.1", "8.8.8.8"), ("8.8.8.8", "::ffff:127.0.0.1")])
async def test_name_with_one_bad_address_is_blocked_as_a_whole(addresses: tuple[str, ...]) -> None:
    failure = await refusal("mixed.example.com", look_up=Names(*addresses))

    assert failure.kind == "blocked"


@pytest.mark.parametrize("error", [OSError("Name or service not known"), UnicodeError("label too long")])
async def test_name_that_does_not_resolve_is_a_dns_failure(error: Exception) -> None:
    assert (await refusal("nowhere.example.com", look_up=Names(error=error))).kind == "dns"


async def test_name_without_addresses_is_a_dns_failure() -> None:
    assert (await refusal("empty.example.com", look_up=Names())).kind == "dns"


async def test_answer_is_kept_for_a_while() -> None:
    look_up = Names("8.8.8.8")
    policy = EgressPolicy(look_up=look_up)

    answers = [await policy.resolve("api.example.com", port) for port in (443, 443, 8443)]

    assert answers == [("8.8.8.8",)] * 3
    assert look_up.asked == ["api.example.com"]


async def test_answer_is_looked_up_again_when_its_time_is_over() -> None:
    look_up = Names("8.8.8.8")
    policy = EgressPolicy(look_up=look_up, keep_s=0.0)

    for _ in range(3):
        await policy.resolve("api.example.com", 443)

    assert len(look_up.asked) == 3


async def test_refusal_is_not_kept() -> None:
    look_up = Names("10.0.0.1")
    policy = EgressPolicy(look_up=look_up)
    with pytest.raises(UpstreamFailure):
        await policy.resolve("api.example.com", 443)

    look_up.addresses = ("8.8.8.8",)

    assert await policy.resolve("api.example.com", 443) == ("8.8.8.8",)


async def test_number_of_kept_names_is_bounded() -> None:
    look_up = Names("8.8.8.8")
    policy = EgressPolicy(look_up=look_up, max_names=2)

    for host in ("a", "b", "c", "c", "b", "a"):
        await policy.resolve(host, 443)

    assert look_up.asked == ["a", "b", "c", "a"]


async def test_callers_at_the_same_time_share_one_look_up() -> None:
    look_up = Names("8.8.8.8")
    policy = EgressPolicy(look_up=look_up)

    answers = await asyncio.gather(*(policy.resolve("api.example.com", 443) for _ in range(10)))

    assert answers == [("8.8.8.8",)] * 10
    assert look_up.asked == ["api.example.com"]


async def test_caller_that_gives_up_does_not_disturb_the_others() -> None:
    policy = EgressPolicy(look_up=Names("8.8.8.8"))
    first = asyncio.create_task(policy.resolve("api.example.com", 443))
    second = asyncio.create_task(policy.resolve("api.example.com", 443))
    await asyncio.sleep(0)

    first.cancel()

    assert await second == ("8.8.8.8",)
    with pytest.raises(asyncio.CancelledError):
        await first
