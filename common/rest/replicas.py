"""
Reads of one workspace from a replica, and never older than what the workspace itself wrote.

A writer leaves in Redis how far PostgreSQL's log was once its transaction was committed; a reader takes a replica that has replayed as
much, else the primary. Before the commit the writer leaves a mark without a position, so that a Redis that fails just then sends
readers to the primary.

Rules: nothing here ever waits for a replica: how far it is, a thread of its own asks it, every 100 ms while somebody reads. Redis away,
replica away, nothing known yet: the primary. Without DATABASE_REPLICA_URLS all of it does nothing.
Source: docs/design/0018-replicas-and-shards.md
"""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Final

import redis
import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connections, transaction
from psycopg_pool import PoolTimeout

from common.databases import PRIMARY, database_of, has_shards, reading_from, replica_databases
from common.redis_clients import pooled_client

log = structlog.get_logger(__name__)

FRESH_S: Final = 60
"""How long a write sends its workspace's readers elsewhere than to a replica that is behind; no replica is used that is as late."""
_LATE_MAX_S: Final = 30.0
_ASK_EVERY_S: Final = 0.1
_KNOWN_S: Final = 2.0
_REST_S: Final = 5.0
_REDIS_TIMEOUT_S: Final = 0.05
_PREFIX: Final = "gw:written:"
_DATABASE_ERRORS: Final = (DatabaseError, InterfaceError, PoolTimeout)

# The furthest of two writes at once stays; a mark goes only with the writer who left it last.
_LEAVE_POSITION: Final = """
local position = redis.call('GET', KEYS[1])
if not position or tonumber(position) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end
redis.call('EXPIRE', KEYS[1], ARGV[3])
if redis.call('GET', KEYS[2]) == ARGV[2] then redis.call('DEL', KEYS[2]) end
"""

_NOW_SQL: Final = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint"
# A replica whose receiver is gone looks as if it had caught up; one that only waits for news is not late.
_REPLICA_SQL: Final = """
SELECT (pg_last_wal_replay_lsn() - '0/0')::bigint,
    EXISTS (SELECT FROM pg_stat_wal_receiver WHERE pid IS NOT NULL)
        AND (pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()
            OR coalesce(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 0) < %s)
"""


# --- writing ----------------------------------------------------------------------------------------------------------------------


def note_write(workspace_id: uuid.UUID) -> None:
    """
    Say, inside the transaction that writes, that this workspace's readers must see it from its commit on.

    Cost: nothing without replicas; else a query and two round trips to Redis, of at most 0.2 s each when it is away.
    Guarantee: a read that begins after the writing call has returned sees it, unless Redis was away for the writer and is there for the
    reader; then it is behind by what the replica is.
    """
    if not replica_databases():
        return
    token = uuid.uuid4().hex
    _try_redis(lambda client: client.set(_mark_key(workspace_id), token, ex=FRESH_S))
    transaction.on_commit(partial(_leave_position, workspace_id, token), using=PRIMARY, robust=True)


def _leave_position(workspace_id: uuid.UUID, token: str) -> None:
    with connections[PRIMARY].cursor() as cursor:
        cursor.execute(_NOW_SQL)
        (position,) = cursor.fetchone()
    keys = (_position_key(workspace_id), _mark_key(workspace_id))
    _try_redis(lambda client: client.eval(_LEAVE_POSITION, len(keys), *keys, str(position), token, str(FRESH_S)))


def _position_key(workspace_id: uuid.UUID) -> str:
    return f"{_PREFIX}{{{workspace_id}}}"


def _mark_key(workspace_id: uuid.UUID) -> str:
    return f"{_PREFIX}{{{workspace_id}}}:mark"


def _try_redis(call: Callable[[redis.Redis], Any]) -> Any:
    """Return what Redis answered, False when it is away."""
    try:
        return call(pooled_client(settings.REDIS_URL, _REDIS_TIMEOUT_S))
    except (redis.RedisError, OSError) as error:
        log.warning("replica_marks_unavailable", error=type(error).__name__)
        return False


# --- reading ----------------------------------------------------------------------------------------------------------------------


@contextmanager
def reading(workspace_id: uuid.UUID) -> Iterator[None]:
    """Let the reads of this workspace inside the block go to a replica that has what it wrote, else to where it is written."""
    with reading_from(workspace_id, choose_database(workspace_id)):
        yield


def choose_database(workspace_id: uuid.UUID) -> str:
    """Cost: nothing without replicas; else one round trip to Redis."""
    aliases = replica_databases()
    if not aliases:
        return database_of(workspace_id)
    wanted = _find_wanted(workspace_id)
    if wanted is None:
        return PRIMARY
    first = next(_turns)
    for offset in range(len(aliases)):
        alias = aliases[(first + offset) % len(aliases)]
        if _watch(alias).has_replayed(wanted):
            return alias
    return PRIMARY


def _find_wanted(workspace_id: uuid.UUID) -> int | None:
    """Return how far a replica must be for this workspace, None where nobody can say."""
    found = _try_redis(lambda client: client.mget(_position_key(workspace_id), _mark_key(workspace_id)))
    if not found or found[1] is not None:
        return None
    return int(found[0] or 0)


def read_nearby(view: Callable[..., Any], workspace_id: uuid.UUID) -> Callable[..., Any]:
    """
    Return `view`, which only reads, so that its reads of this workspace go to a replica or to the workspace's shard.

    Where a replica fails it is called once more, with the primary. Without replicas and shards it is the view itself.
    """
    if not replica_databases() and not has_shards():
        return view

    def read(*args: Any, **kwargs: Any) -> Any:
        alias = choose_database(workspace_id)
        try:
            with reading_from(workspace_id, alias):
                return view(*args, **kwargs)
        except (OperationalError, InterfaceError, PoolTimeout) as error:
            if alias not in replica_databases():
                raise
            log.warning("replica_read_failed", database=alias, error=type(error).__name__)
            _watch(alias).rest()
        with reading_from(workspace_id, PRIMARY):
            return view(*args, **kwargs)

    return read


# --- how far a replica is -----------------------------------------------------------------------------------------------------------

_turns = itertools.count()


@dataclass(frozen=True, slots=True)
class _State:
    position: int
    is_usable: bool
    known_at: float


class ReplicaWatch:
    """What this process knows of one replica. A position may be old: a replica only ever moves forward."""

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._state = _State(0, is_usable=False, known_at=float("-inf"))
        self._rest_until = float("-inf")
        self._asking = threading.Lock()
        self._asker = ThreadPoolExecutor(1, thread_name_prefix=f"watch-{alias}")

    def has_replayed(self, wanted: int) -> bool:
        """Tell from what is known now, and see that more is known soon."""
        now = time.monotonic()
        state = self._state
        if now - state.known_at >= _ASK_EVERY_S and now >= self._rest_until and self._asking.acquire(blocking=False):
            self._asker.submit(self._ask)
        return now >= self._rest_until and state.is_usable and now - state.known_at < _KNOWN_S and state.position >= wanted

    def rest(self) -> None:
        """Leave the replica alone for a while."""
        self._rest_until = time.monotonic() + _REST_S

    def _ask(self) -> None:
        try:
            with connections[self._alias].cursor() as cursor:
                cursor.execute(_REPLICA_SQL, [_LATE_MAX_S])
                position, is_usable = cursor.fetchone()
            self._state = _State(position or 0, is_usable=bool(is_usable) and position is not None, known_at=time.monotonic())
        except _DATABASE_ERRORS as error:
            log.warning("replica_unavailable", database=self._alias, error=type(error).__name__)
            self.rest()
        finally:
            connections[self._alias].close()  # gives it back to the pool
            self._asking.release()


@cache
def _watch(alias: str) -> ReplicaWatch:
    return ReplicaWatch(alias)
