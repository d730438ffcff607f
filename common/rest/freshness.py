"""
Which answers of a workspace are still true: a version for each (workspace, resource) in Redis, raised by whoever writes.

    writer   writes ... note_change() = raise the version, leave a mark -> COMMIT -> take the mark away
    reader   asks for version and marks -> no mark: an answer kept under this version is true, and a new one may be kept under it

Rules: an answer is kept under the version that was read before its first query, so a write in between makes it unreachable. While a
mark stands nobody knows whether the write is to be seen yet, so nothing is kept and nothing kept is given. A mark that was not taken
away (its process died) ends by itself. The reader's other half is `proxy/rest_door/versions.py`; how it can go wrong and what then
holds: docs/design/0016-rest-cache.md
"""

from __future__ import annotations

import secrets
import threading
import time
import uuid
import weakref
from collections import Counter
from functools import cache
from typing import Any, Final

import redis
import structlog
from django.conf import settings
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from common.databases import database_of
from common.redis_clients import pooled_client
from common.rest.replicas import note_write
from common.rest.versions import END_MARK, LOOK, MARK, MARK_LIVES_MS, RAISE, ServerWatch, create_start, version_key

_TIMEOUT_S: Final = 0.2  # a worker whose cores are all busy does not look at an answer for 50 ms
_AWAY_S: Final = 0.25
"""How long a server that did not answer is not asked again on the way of a request."""

log = structlog.get_logger(__name__)


def note_change(workspace_id: uuid.UUID, resource: str) -> None:
    """
    Say, inside the transaction that writes, that answers about `resource` of this workspace are out of date once it commits.

    Call it after the last write, so that the mark stands no longer than it must. It is taken away after COMMIT and after a rollback,
    also one to a savepoint; calls for the same thing in one transaction are one.
    Errors: TransactionManagementError outside of a transaction on the workspace's database: what was written would be seen before.
    Cost: a round trip here and one after COMMIT.
    Guarantee: without Redis the write goes on. This process then gives no kept answer until it could raise the version.
    """
    connection = connections[database_of(workspace_id)]
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("note_change() belongs into the transaction that writes.")
    key = version_key(str(workspace_id), resource)
    if key in _open_marks(connection):
        return
    note_write(workspace_id)  # first, so that its hook runs first: once the mark is gone, readers know how far a replica must be
    mark = _Mark(connection, key)
    connection.on_commit(mark)


def is_behind() -> bool:
    """Tell whether this process wrote something whose version it could not raise: what is kept may be older than that."""
    return _debts.is_open


class _Mark:
    """
    A mark in Redis that lives as long as the hook which Django keeps of it: called after COMMIT, dropped by any rollback.

    A rollback has no hook of its own in Django; that it forgets the transaction's hooks is what tells us of it.
    """

    def __init__(self, connection: BaseDatabaseWrapper, key: bytes) -> None:
        self._name = f"w:{secrets.token_hex(8)}"
        is_set = _run(MARK, key, self._name, create_start(), MARK_LIVES_MS)
        if not is_set:
            _debts.open(key)
        self.key = key
        self._end = weakref.finalize(self, _end_by_rollback, connection, key, self._name, is_set)
        self._end.atexit = False
        self._is_set = is_set

    def __call__(self) -> None:
        """After COMMIT."""
        self._end.detach()
        _end(self.key, self._name, is_set=self._is_set)


def _open_marks(connection: BaseDatabaseWrapper) -> set[bytes]:
    return {hook.key for _, hook, *_ in connection.run_on_commit if isinstance(hook, _Mark)}


def _end_by_rollback(connection: BaseDatabaseWrapper, key: bytes, name: str, is_set: bool) -> None:
    raw = connection.connection
    if raw is not None and not raw.closed:
        _end(key, name, is_set=is_set)
    elif not is_set:  # the connection broke, perhaps during COMMIT, which may yet happen: a mark that stands ends by itself
        _debts.owe(key, after_s=MARK_LIVES_MS / 1000)


def _end(key: bytes, name: str, *, is_set: bool) -> None:
    if is_set and _run(END_MARK, key, name):
        return
    if is_set:
        _debts.open(key)
    if _run(RAISE, key, name):
        _debts.close(key)
    else:
        _debts.owe(key, name)


class _Debts:
    """
    Versions that are to be raised as soon as Redis answers again.

    Open from the moment when a mark could not be set; owed from the end of its transaction, because a version that was raised earlier
    says nothing of what is committed later.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: Counter[bytes] = Counter()
        self._owed: list[tuple[float, bytes, str]] = []
        self._payer: threading.Thread | None = None

    @property
    def is_open(self) -> bool:
        return bool(self._open)

    def open(self, key: bytes) -> None:
        with self._lock:
            self._open[key] += 1

    def close(self, key: bytes) -> None:
        with self._lock:
            self._open[key] -= 1
            if self._open[key] <= 0:
                del self._open[key]

    def owe(self, key: bytes, mark: str = "", after_s: float = 0.0) -> None:
        """Raise the version of `key` after some seconds, and take its mark away, if one may stand that nothing can come of."""
        log.warning("freshness_not_raised", key=key.decode())
        with self._lock:
            self._owed.append((time.monotonic() + after_s, key, mark))
            if self._payer is None or not self._payer.is_alive():
                self._payer = threading.Thread(target=self._pay_until_done, name="freshness", daemon=True)
                self._payer.start()

    def _pay_until_done(self) -> None:
        while True:
            time.sleep(_AWAY_S)
            with self._lock:
                if not self._owed:
                    self._payer = None
                    return
                due = [each for each in self._owed if each[0] <= time.monotonic()]
            for each in due:
                if not _run(RAISE, each[1], each[2], is_patient=True):
                    break
                with self._lock:
                    self._owed.remove(each)
                self.close(each[1])


_debts = _Debts()
_server = ServerWatch()


class _Away:
    """Until when Redis is not asked on the way of a request."""

    until: float = 0.0


def _run(script: str, key: bytes, *arguments: str | int, is_patient: bool = False) -> bool:
    """Run a script; return whether it was answered. Cost: a round trip, at most 0.4 s (to connect and to be answered)."""
    if not is_patient and time.monotonic() < _Away.until:
        return False
    try:
        _script(_client(), script)(keys=[key], args=list(arguments))
    except (redis.RedisError, OSError) as error:
        _note_away(error)
        return False
    _Away.until = 0.0
    return True


def find_version(workspace_id: uuid.UUID, resource: str) -> str | None:
    """
    Return the version under which an answer may be looked up and kept, None when there is none now: somebody writes, or no Redis.

    Cost: a round trip, at most 0.4 s.
    """
    if is_behind() or time.monotonic() < _Away.until:
        return None
    try:
        with _client().pipeline(transaction=False) as pipe:
            pipe.info("server")
            pipe.eval(LOOK, 1, version_key(str(workspace_id), resource), create_start())
            about, (version, marks_count) = pipe.execute()
    except (redis.RedisError, OSError) as error:
        _note_away(error)
        return None
    is_known = not marks_count and _server.is_trusted(about["run_id"])
    return f"{about['run_id'][:16]}:{version.decode()}" if is_known else None


def _note_away(error: Exception) -> None:
    log.warning("freshness_unavailable", error=type(error).__name__)
    _Away.until = time.monotonic() + _AWAY_S


def _client() -> redis.Redis:
    return pooled_client(settings.REDIS_URL, _TIMEOUT_S, 0)  # not tried again: the write waits


@cache
def _script(client: redis.Redis, script: str) -> Any:
    return client.register_script(script)
