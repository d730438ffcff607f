"""
What version a workspace's resource has now, asked of Redis: the readers' half of `common/rest/freshness.py`.

Rules: a version is only given while nobody writes, and by a server that knows all who do. No answer in time is no version.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

from common.rest.versions import LOOK, ServerWatch, create_start, version_key
from proxy.adapters.redis_connection import RedisConnection, RedisRefused, RedisUnavailable

_LOOK: Final = LOOK.encode()
_ASK_AGAIN_S: Final = 0.004
_WAIT_S: Final = 0.02
_BUSY_S: Final = 0.1
_BUSY_MAX_COUNT: Final = 1024


class Versions:
    """
    The versions of all workspaces, as one worker asks for them.

    Cost: one command of Redis for all requests of a tick that ask for the same; 20 ms and no more while somebody writes, and nothing for
    a while after such a wait was in vain.
    Guarantee: a version that is returned was the newest at some time after the call, with no write that could be committed since and
    not be in it.
    """

    def __init__(
        self,
        redis: RedisConnection,
        server: ServerWatch | None = None,
        clock: Callable[[], float] = time.monotonic,
        wait_s: float = _WAIT_S,
    ) -> None:
        self._redis = redis
        self._server = server or ServerWatch()
        self._clock = clock
        self._wait_s = wait_s
        self._asked: dict[bytes, asyncio.Future[Any]] = {}
        self._busy: dict[bytes, float] = {}
        self._connection_number = -1
        self._run_id = ""

    async def find(self, workspace_id: str, resource: str) -> bytes | None:
        """Return the version to look up and keep answers under, None where there is none now."""
        key = version_key(workspace_id, resource)
        try:
            version, is_written = await self._look(key)
            if is_written:
                version = await self._wait(key)
        except (RedisUnavailable, RedisRefused):
            return None
        return version

    async def _wait(self, key: bytes) -> bytes | None:
        """Let those who write come to their end, which takes milliseconds; where it is written all the time, do not wait."""
        now = self._clock()
        if self._busy.get(key, 0.0) > now:
            return None
        until = now + self._wait_s
        while now < until:
            await asyncio.sleep(_ASK_AGAIN_S)
            version, is_written = await self._look(key)
            if not is_written:
                self._busy.pop(key, None)
                return version
            now = self._clock()
        if len(self._busy) >= _BUSY_MAX_COUNT:
            self._busy.clear()
        self._busy[key] = now + _BUSY_S
        return None

    async def _look(self, key: bytes) -> tuple[bytes | None, bool]:
        """Return the version, and whether somebody writes. Errors: RedisUnavailable, RedisRefused."""
        number = self._redis.connection_number
        fields = await self._ask(key)
        if len(fields) != 2 or fields[0] != b"v":  # marks, which may have ended by themselves, or no version at all
            found, marks_count = await self._redis.run_script(_LOOK, [key], [create_start()])
            if marks_count:
                return None, True
            fields = [b"v", found]
        if number != self._redis.connection_number:
            raise RedisUnavailable("another server may have answered")
        if number != self._connection_number:
            await self._meet_server(number)
        return (self._run_id.encode() + fields[1], False) if self._server.is_trusted(self._run_id) else (None, False)

    def _ask(self, key: bytes) -> asyncio.Future[Any]:
        """Ask, or join the question of this tick, which has not left yet. Errors: RedisUnavailable now, or from the future."""
        asked = self._asked.get(key)
        if asked is None:
            asked = self._asked[key] = self._redis.submit(b"HGETALL", key)
            asyncio.get_running_loop().call_soon(self._asked.pop, key, None)
        return asyncio.shield(asked)

    async def _meet_server(self, number: int) -> None:
        """Find out which server it is: one that was restarted may have forgotten the newest versions and marks."""
        about: bytes = await self._redis.call(b"INFO", b"server")
        run_id = next((line[7:] for line in about.splitlines() if line.startswith(b"run_id:")), b"")
        if number != self._redis.connection_number or not run_id:
            raise RedisUnavailable("another server may have answered")
        self._connection_number = number
        self._run_id = run_id.decode("latin-1")[:16] + ":"
