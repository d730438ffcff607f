"""Encryption at rest: AES-256-GCM with a key id in front and the place of the value as associated data."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12
_KEY_BYTES = 32


class DecryptionError(Exception):
    """The value was made with a key that is not configured, belongs to another place, or was changed."""


class KeyRing:
    """
    Encrypt with the first key, decrypt with any: keys rotate by putting a new one in front.

    Shapes: a sealed value is `len(key id) (1 byte) | key id | nonce (12) | ciphertext and tag`.
    Guarantee: a value copied to another row or field does not decrypt, because its place is authenticated.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        if not keys:
            raise ValueError("at least one encryption key is needed")
        for key_id, key in keys.items():
            if len(key) != _KEY_BYTES or not 0 < len(key_id.encode()) < 256:
                raise ValueError(f"encryption key {key_id!r}: expected 32 bytes and an id of 1 to 255 bytes")
        self._ciphers = {key_id.encode(): AESGCM(key) for key_id, key in keys.items()}
        self._primary = next(iter(self._ciphers))

    @classmethod
    def parse(cls, pairs: Sequence[str]) -> KeyRing:
        """Read `id:base64` pairs. Errors: ValueError."""
        keys: dict[str, bytes] = {}
        for pair in pairs:
            key_id, found, encoded = pair.partition(":")
            if not found:
                raise ValueError("an encryption key is written id:base64")
            key_id = key_id.strip()
            if key_id in keys:
                raise ValueError(f"encryption key {key_id!r} stands twice: what the one sealed the other cannot open")
            keys[key_id] = base64.b64decode(encoded, validate=True)
        return cls(keys)

    def seal(self, plaintext: bytes, place: str) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._primary].encrypt(nonce, plaintext, place.encode())
        return bytes([len(self._primary)]) + self._primary + nonce + sealed

    def open(self, sealed: bytes, place: str) -> bytes:
        """Errors: DecryptionError."""
        length = sealed[0] if sealed else 0
        key_id, rest = sealed[1 : 1 + length], sealed[1 + length :]
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise DecryptionError(f"encryption key {key_id.decode(errors='replace')!r} is not configured")
        try:
            return cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], place.encode())
        except (InvalidTag, ValueError) as error:
            raise DecryptionError(f"the value at {place} was changed or belongs elsewhere") from error

    @staticmethod
    def key_id(sealed: bytes) -> str:
        """Return the id of the key that `sealed` was made with, which need not be configured."""
        return sealed[1 : 1 + sealed[0]].decode(errors="replace")

    def is_primary(self, sealed: bytes) -> bool:
        """Tell whether `sealed` was made with the key that encrypts now (else it waits for re-encryption)."""
        return sealed[1 : 1 + sealed[0]] == self._primary
