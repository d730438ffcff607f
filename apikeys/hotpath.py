"""
What the data plane may know of API keys: their form, their digest, and who stands behind one.

Rules: no Django, no I/O. `gw_live_<public id>_<secret>_<checksum>`, all base62: the checksum turns garbage away before any look-up,
the digest is HMAC-SHA256 under a server pepper. A slow hash would buy nothing: the secret part has 190 random bits.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import zlib
from dataclasses import dataclass
from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ALPHABET_BYTES: Final = _ALPHABET.encode()
_PREFIX: Final = "gw_live_"
_PREFIX_BYTES: Final = b"gw_live_"
_PUBLIC_ID_LENGTH: Final = 10
_SECRET_LENGTH: Final = 32
_CHECKSUM_LENGTH: Final = 6
KEY_LENGTH: Final = len(_PREFIX) + _PUBLIC_ID_LENGTH + 1 + _SECRET_LENGTH + 1 + _CHECKSUM_LENGTH

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Principal:
    """
    Who calls: the key and its workspace, what they may use, and the limits they named.

    `as_of` is the number of the key change feed when this was read: what changed later makes it stale.
    `expires_at` is unix time in seconds, None for never.
    """

    key_id: str
    workspace_id: str
    allowed_models: tuple[str, ...]
    allowed_networks: tuple[str, ...]
    limit_ids: tuple[str, ...]
    is_keepalive_enabled: bool
    expires_at: float | None
    as_of: int
    permissions: tuple[str, ...] = ("inference", "usage")

    def may_use_model(self, model: str) -> bool:
        """Tell whether the allow-list names `model`; `*` at an entry's end matches any ending, an empty list matches all."""
        if not self.allowed_models:
            return True
        return any(model.startswith(name[:-1]) if name.endswith("*") else model == name for name in self.allowed_models)

    def may_come_from(self, address: str) -> bool:
        """Tell whether one of the key's networks holds `address`; no networks hold all."""
        if not self.allowed_networks:
            return True
        try:
            caller = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(caller, ipaddress.IPv6Address) and caller.ipv4_mapped:
            caller = caller.ipv4_mapped
        return any(caller in ipaddress.ip_network(network) for network in self.allowed_networks)


def _base62(number: int, length: int) -> bytes:
    digits = bytearray()
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_ALPHABET_BYTES[digit])
    return bytes(reversed(digits))


def create_key_text() -> tuple[str, str]:
    """Return a new key and the public id inside it."""
    public_id = "".join(secrets.choice(_ALPHABET) for _ in range(_PUBLIC_ID_LENGTH))
    secret = "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_LENGTH))
    body = f"{_PREFIX}{public_id}_{secret}"
    return f"{body}_{_base62(zlib.crc32(body.encode()), _CHECKSUM_LENGTH).decode()}", public_id


def is_well_formed(key: bytes) -> bool:
    """Tell whether `key` has our form and its checksum holds. Cost: no look-up, under 2 us whatever the input."""
    if len(key) != KEY_LENGTH or not key.startswith(_PREFIX_BYTES):
        return False
    body, _, checksum = key.rpartition(b"_")
    return _base62(zlib.crc32(body), _CHECKSUM_LENGTH) == checksum


def digest_key(pepper: bytes, key: bytes) -> bytes:
    """Return the 32 bytes that a key is stored and looked up by."""
    return hmac.digest(pepper, key, "sha256")
