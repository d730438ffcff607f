"""
What a key may do, as a whole, and whether that is within what another one may.

Rules: nobody makes, changes, rotates, revokes or widens a key beyond their own rights, because whoever may do that to a key can use it.
Knows no rows and no HTTP.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from apikeys.hotpath import Network

_EVERYWHERE = ("0.0.0.0/0", "::/0")


@dataclass(frozen=True, slots=True)
class Rights:
    """
    Empty `models` and `networks` are all of them; `expires_at` is unix time in seconds, None for never.

    `limit_ids` bind the key: more of them are fewer rights.
    """

    models: tuple[str, ...]
    networks: tuple[str, ...]
    permissions: frozenset[str]
    limit_ids: frozenset[str]
    expires_at: float | None


@dataclass(frozen=True, slots=True)
class Excess:
    """The first thing that goes beyond somebody's rights: the field, and what to change."""

    field: str
    message: str


def find_excess(wanted: Rights, own: Rights) -> Excess | None:
    """Return where `wanted` goes beyond `own`, None when it does not."""
    if more := sorted(wanted.permissions - own.permissions):
        return Excess("permissions", f"Your own key lacks the permission {more[0]!r}.")
    if (model := _find_wider_model(wanted.models or ("*",), own.models or ("*",))) is not None:
        return Excess("allowed_models", f"Your own key may not use {model!r}. Name models that it may.")
    if network := _find_wider_network(wanted.networks or _EVERYWHERE, own.networks or _EVERYWHERE):
        return Excess("allowed_networks", f"Your own key may not be used from {network}. Name networks within its own.")
    if own.expires_at is not None and (wanted.expires_at is None or wanted.expires_at > own.expires_at):
        return Excess("expires_at", "Your own key ends sooner. Set an end that is no later.")
    if own.limit_ids - wanted.limit_ids:
        return Excess("limits", "Your own key is bound by a limit that this one is not.")
    return None


def _find_wider_model(wanted: Iterable[str], own: Iterable[str]) -> str | None:
    own = tuple(own)
    return next((model for model in wanted if not any(_covers(mine, model) for mine in own)), None)


def _covers(mine: str, wanted: str) -> bool:
    """`gpt-*` covers `gpt-4` and `gpt-4*`; `gpt-4` covers itself alone."""
    return wanted.startswith(mine[:-1]) if mine.endswith("*") else wanted == mine


def _find_wider_network(wanted: Iterable[str], own: Iterable[str]) -> Network | None:
    held = _join(own)
    return next((network for network in _join(wanted) if not any(_lies_in(network, mine) for mine in held)), None)


def _join(texts: Iterable[str]) -> list[Network]:
    """Return the networks with neighbours joined, so that two halves hold what the whole does."""
    networks = [ipaddress.ip_network(text) for text in texts]
    old = ipaddress.collapse_addresses(network for network in networks if isinstance(network, ipaddress.IPv4Network))
    new = ipaddress.collapse_addresses(network for network in networks if isinstance(network, ipaddress.IPv6Network))
    return [*old, *new]


def _lies_in(network: Network, mine: Network) -> bool:
    if isinstance(network, ipaddress.IPv4Network):
        return isinstance(mine, ipaddress.IPv4Network) and network.subnet_of(mine)
    return isinstance(mine, ipaddress.IPv6Network) and network.subnet_of(mine)
