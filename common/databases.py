"""
Where a workspace's rows are: in the primary database, or in the shard that its id chooses; and for reads perhaps in a replica.

Items, signals and usage of one workspace lie together in one database; everything else lies in the primary one. Nothing here asks a
database: who does is told its alias, for `using=` and `.using()`.

Rules: `database_of` for whatever writes, and for reads that must see what was just written in the same call; `database_to_read` for
reads that an endpoint opened a `reading` scope for. Without shards and replicas all of it is `default`.
Source: docs/design/0018-replicas-and-shards.md
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from django.conf import settings

PRIMARY: Final = "default"
WORKSPACE: Final = "apikeys.workspace"
SHARDED_APPS: Final = frozenset({"items"})
SHARDED_MODELS: Final = frozenset({"proxy.usagerecord", "proxy.usagerollup", "proxy.usagetagrollup", "proxy.ledgerentry"})
_SHARD_PREFIX: Final = "shard_"
_REPLICA_PREFIX: Final = "replica_"


@dataclass(frozen=True, slots=True)
class _Scope:
    workspace_id: uuid.UUID
    alias: str


_scope: ContextVar[_Scope | None] = ContextVar("reading", default=None)
_is_page: ContextVar[bool] = ContextVar("console_page", default=False)


def has_shards() -> bool:
    return f"{_SHARD_PREFIX}1" in settings.DATABASES


def data_databases() -> tuple[str, ...]:
    """Return the aliases of all databases with items, signals and usage: the shards, or the primary one."""
    shards = tuple(f"{_SHARD_PREFIX}{number}" for number in range(1, len(settings.DATABASES) + 1))
    return tuple(alias for alias in shards if alias in settings.DATABASES) or (PRIMARY,)


def written_databases() -> tuple[str, ...]:
    """Return the aliases of all databases that have a schema of their own to be migrated: the primary one first, then the shards."""
    return tuple(dict.fromkeys((PRIMARY, *data_databases())))


def replica_databases() -> tuple[str, ...]:
    """Return the aliases of the primary database's replicas; none where there are shards, because what they could answer is not in it."""
    return () if has_shards() else tuple(alias for alias in settings.DATABASES if alias.startswith(_REPLICA_PREFIX))


def is_read_only(alias: str) -> bool:
    return alias.startswith(_REPLICA_PREFIX)


def is_sharded(app_label: str, model_name: str | None) -> bool:
    return app_label in SHARDED_APPS or f"{app_label}.{model_name}" in SHARDED_MODELS


def database_of(workspace_id: uuid.UUID | str) -> str:
    """
    Return the alias of the database that items, signals and usage of this workspace are written to.

    Cost: 1 us. Guarantee: the same for the same id and number of shards, in every process and version.
    """
    if not has_shards():
        return PRIMARY
    aliases = data_databases()
    return aliases[place_of(workspace_id, len(aliases))]


def place_of(workspace_id: uuid.UUID | str, count: int) -> int:
    """Return which of `count` shards is a workspace's, from 0."""
    identity = workspace_id if isinstance(workspace_id, uuid.UUID) else uuid.UUID(workspace_id)
    return int.from_bytes(hashlib.blake2b(identity.bytes, digest_size=8).digest(), "big") % count


def database_to_read(workspace_id: uuid.UUID | str) -> str:
    """Return where to read this workspace's items, signals and usage: the replica that a surrounding scope chose, else as `database_of`."""
    scope = _scope.get()
    return scope.alias if scope is not None and str(scope.workspace_id) == str(workspace_id) else database_of(workspace_id)


def scope_database() -> str | None:
    """Return the alias that the surrounding scope reads from, None outside of one."""
    scope = _scope.get()
    return None if scope is None else scope.alias


@contextmanager
def reading_from(workspace_id: uuid.UUID, alias: str) -> Iterator[None]:
    """Let reads of this workspace inside the block go to `alias`. `common/rest/replicas.py` says which."""
    token = _scope.set(_Scope(workspace_id, alias))
    try:
        yield
    finally:
        _scope.reset(token)


@contextmanager
def console_page() -> Iterator[None]:
    """Let Django's pages begin their transaction before they know whose row it is: on the primary database, where none of it is stored."""
    token = _is_page.set(True)
    try:
        yield
    finally:
        _is_page.reset(token)


def is_console_page() -> bool:
    return _is_page.get()
