"""
Results of queries that add many rows up, kept for as long as nobody writes.

Rules: an aggregate is kept under the version of what it adds up (`freshness.py`), as an answer is. Whatever is not known, kept or
reachable is computed.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from django.core.cache import caches
from django.db import connections

from common.databases import database_of
from common.rest.freshness import find_version

QUERY_CACHE: Final = "queries"
"""The name in Django's `CACHES`: its own prefix and TTL."""
_encoder = msgspec.msgpack.Encoder(enc_hook=str)
_key_encoder = msgspec.msgpack.Encoder(enc_hook=str, order="deterministic")


def cached_query(workspace_id: uuid.UUID, resource: str, name: str, parameters: Mapping[str, Any], compute: Callable[[], Any]) -> Any:
    """
    Return what `compute` returns, or returned since the last write of `resource` in this workspace.

    `name` and `parameters` say which query it is. A value is of what JSON can say (ids, decimals and the like come as text), times are
    aware; it looks the same whether it was computed now or before.
    Cost: two round trips to Redis for what is kept; at most 0.2 s more than `compute` while Redis hangs, nothing more after that.
    Guarantee: what is returned holds all that was committed before the call. Inside a transaction nothing is kept: it may see what is
    never committed.
    """
    is_alone = not connections[database_of(workspace_id)].in_atomic_block
    version = find_version(workspace_id, resource) if is_alone else None
    if version is None:
        return _plain(compute())
    question = _key_encoder.encode((name, parameters))
    key = f"{{{workspace_id}}}:{resource}:{version}:{hashlib.blake2b(question, digest_size=16).hexdigest()}"
    cache = caches[QUERY_CACHE]
    kept = cache.get(key)
    if isinstance(kept, bytes):
        return msgspec.msgpack.decode(kept)
    value = _encoder.encode(compute())
    cache.set(key, value)
    return msgspec.msgpack.decode(value)


def _plain(value: Any) -> Any:
    return msgspec.msgpack.decode(_encoder.encode(value))
