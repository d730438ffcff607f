"""How values lie in Django's cache: msgpack, which can hold no code, unlike pickle. Rules: a value that cannot be read is not there."""

from __future__ import annotations

from typing import Any

import msgspec

_encoder = msgspec.msgpack.Encoder(enc_hook=str)


class MsgpackSerializer:
    """A serializer of django-redis. What JSON cannot say comes back as text."""

    def __init__(self, options: dict[str, Any]) -> None:
        """`options` are those of the cache; there is nothing to choose."""

    def dumps(self, value: Any) -> bytes:
        return _encoder.encode(value)

    def loads(self, value: bytes) -> Any:
        try:
            return msgspec.msgpack.decode(value)
        except msgspec.MsgspecError:
            return None
