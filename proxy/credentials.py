"""
Credentials at rest: sealed with the installation's key ring, bound to their table, row and field.

Rules: the only place that opens or seals one. What it returns is a `Secret`.
"""

from __future__ import annotations

import uuid
from functools import cache

from django.conf import settings

from common.aead import KeyRing
from common.secret import Secret


@cache
def key_ring() -> KeyRing:
    return KeyRing.parse(settings.GATEWAY_ENCRYPTION_KEYS)


def _place(backend_id: uuid.UUID) -> str:
    return f"proxy_backend:{backend_id}:credential"


def seal_credential(backend_id: uuid.UUID, credential: Secret) -> bytes:
    return key_ring().seal(credential.reveal().encode(), _place(backend_id))


def open_credential(backend_id: uuid.UUID, sealed: bytes) -> Secret:
    """Errors: DecryptionError."""
    return Secret(key_ring().open(sealed, _place(backend_id)).decode())
