"""
The last good snapshot, sealed, where a worker finds it when the database is away: in the data folder and in Redis.

Guarantee: what is stored is encrypted with the installation's keys and whole or absent.
"""

from __future__ import annotations

import os
from pathlib import Path

import structlog

from common.aead import DecryptionError, KeyRing
from proxy.adapters.redis_connection import RedisConnection, RedisRefused, RedisUnavailable
from proxy.snapshot import Snapshot, dump_snapshot, parse_snapshot

log = structlog.get_logger(__name__)

_PLACE = "snapshot"
_REDIS_KEY = b"gw:snapshot"


class SnapshotVault:
    """Keep and find the sealed snapshot."""

    def __init__(self, path: Path, redis: RedisConnection, key_ring: KeyRing) -> None:
        self._path = path
        self._redis = redis
        self._key_ring = key_ring

    async def keep(self, snapshot: Snapshot) -> None:
        """Store the snapshot in both places; one that cannot take it is logged."""
        sealed = self._key_ring.seal(dump_snapshot(snapshot), _PLACE)
        try:
            self._write(sealed)
        except OSError as error:
            log.error("snapshot_not_kept", reason=str(error))
        try:
            await self._redis.call(b"SET", _REDIS_KEY, sealed)
        except (RedisUnavailable, RedisRefused) as error:
            log.warning("snapshot_not_shared", reason=str(error))

    def _write(self, sealed: bytes) -> None:
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(sealed)
        draft.replace(self._path)

    async def find(self) -> Snapshot | None:
        """Return the newest of both places, None when neither holds a readable one."""
        found = [snapshot for snapshot in (self._read_file(), await self._read_redis()) if snapshot is not None]
        return max(found, key=lambda snapshot: snapshot.revision, default=None)

    def _read_file(self) -> Snapshot | None:
        try:
            return self._open(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            log.error("snapshot_unreadable", reason=str(error))
            return None

    async def _read_redis(self) -> Snapshot | None:
        try:
            sealed = await self._redis.call(b"GET", _REDIS_KEY)
        except (RedisUnavailable, RedisRefused):
            return None
        return self._open(sealed) if sealed else None

    def _open(self, sealed: bytes) -> Snapshot | None:
        try:
            return parse_snapshot(self._key_ring.open(sealed, _PLACE))
        except (DecryptionError, ValueError) as error:
            log.error("snapshot_unreadable", reason=str(error))
            return None
