"""
Decides which addresses the gateway may connect to.

Rules: the address is checked, never the name (`2130706433` and `0x7f.1` are 127.0.0.1 to some resolvers); every address of a name is
checked and one bad address refuses the whole name; what passed is what gets connected to, so a second look-up cannot slip another
address in between. Knows nothing of HTTP.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from proxy.ports import UpstreamFailure

Network = IPv4Network | IPv6Network
LookUp = Callable[[str, int], Awaitable[Sequence[str]]]

# Own tables instead of `is_private` and `is_global`: their meaning changed between patch releases of Python 3.11.
# Source: IANA special-purpose address registries, RFC 6890.
_REFUSED_IPV4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT, also used inside clouds
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local: the metadata services of clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
# Everything outside 2000::/3 is refused: unspecified, loopback, IPv4-mapped, NAT64 (64:ff9b::/96 and 64:ff9b:1::/48), unique local,
# link-local, multicast. Inside it these are no public hosts, or carry an IPv4 address that nobody checked:
_GLOBAL_IPV6 = IPv6Network("2000::/3")
_REFUSED_IPV6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "3fff::/20",
    )
)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Say whether an address is one of the public internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_IPV4)
    return address in _GLOBAL_IPV6 and not any(address in network for network in _REFUSED_IPV6)


async def look_up_addresses(host: str, port: int) -> tuple[str, ...]:
    """
    Return the addresses of a name in the resolver's order, each once.

    Errors: OSError (`socket.gaierror`), UnicodeError for a name that cannot be one.
    Cost: a thread for the time of the look-up.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


class EgressPolicy:
    """
    Resolves names to addresses that the gateway may connect to.

    Guarantee: an address outside the public internet is returned only if one of `allowed_networks` contains it; for an
    IPv4-mapped IPv6 address the IPv4 address counts too. NAT64 and 6to4 forms are refused whatever they carry.
    """

    def __init__(
        self,
        allowed_networks: Sequence[Network] = (),
        *,
        look_up: LookUp = look_up_addresses,
        keep_s: float = 30.0,
        max_names: int = 1024,
    ) -> None:
        self._allowed = tuple(allowed_networks)
        self._look_up = look_up
        self._keep_s = keep_s
        self._max_names = max_names
        self._known: dict[str, tuple[float, tuple[str, ...]]] = {}
        self._pending: dict[str, asyncio.Task[tuple[str, ...]]] = {}

    async def resolve(self, host: str, port: int) -> tuple[str, ...]:
        """
        Return the addresses of `host`; connect to these and to nothing else.

        Errors: UpstreamFailure, phase `resolve`: `blocked` if one address is not allowed, `dns` if there is none.
        Cost: nothing for a name looked up within `keep_s`; callers that ask at the same time share one look-up.
        """
        known = self._known.get(host)
        if known is not None and known[0] > asyncio.get_running_loop().time():
            return known[1]
        pending = self._pending.get(host)
        if pending is None:
            pending = asyncio.get_running_loop().create_task(self._resolve(host, port))
            self._pending[host] = pending
            pending.add_done_callback(partial(self._forget_pending, host))
        # Shielded: one caller that gives up must not take the answer from the others.
        return await asyncio.shield(pending)

    def is_allowed(self, address: str) -> bool:
        """Say whether the gateway may connect to this address."""
        parsed = ip_address(address)
        if is_public(parsed):
            return True
        mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
        return any(parsed in network or (mapped is not None and mapped in network) for network in self._allowed)

    async def _resolve(self, host: str, port: int) -> tuple[str, ...]:
        addresses = (host,) if _is_address(host) else await self._find_addresses(host, port)
        for address in addresses:
            if not self.is_allowed(address):
                raise UpstreamFailure("resolve", "blocked", is_sent=False, detail=f"{host} has the address {address}")
        while len(self._known) >= self._max_names:
            del self._known[next(iter(self._known))]
        self._known[host] = (asyncio.get_running_loop().time() + self._keep_s, addresses)
        return addresses

    async def _find_addresses(self, host: str, port: int) -> tuple[str, ...]:
        try:
            addresses = tuple(await self._look_up(host, port))
        except (OSError, UnicodeError) as error:
            raise UpstreamFailure("resolve", "dns", is_sent=False, detail=f"{host}: {error}") from error
        if not addresses:
            raise UpstreamFailure("resolve", "dns", is_sent=False, detail=f"{host} has no address")
        return addresses

    def _forget_pending(self, host: str, task: asyncio.Task[tuple[str, ...]]) -> None:
        del self._pending[host]
        if not task.cancelled():
            task.exception()  # seen: the callers may all be gone


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
