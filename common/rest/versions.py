"""
The version of what a workspace has of a resource, as it lies in Redis: what writers and readers of any process must agree on.

One hash for each (workspace, resource): `v` is the version, `w:<name>` a write that may be committed by now or not, with the time in
unix milliseconds at which its mark ends by itself. A version that is missing begins at a random number, so that none comes twice
when a server lost what it had. A server that was restarted from its files may have lost the newest raises: the version counts
together with the server's run id, and for as long as a mark lives nothing is believed that it says.

Rules: no Django; times are the server's.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Final

MARK_LIVES_MS: Final = 15_000
"""Longer than a transaction takes from its mark to the end of its COMMIT; a statement is ended by its own timeout before that."""
_KEPT_S: Final = 7 * 86_400
_START_BITS: Final = 60

# KEYS: the hash. ARGV: the mark's name, a version to begin with, how long the mark lives in ms.
MARK: Final = f"""
local time = redis.call('TIME')
redis.call('HSETNX', KEYS[1], 'v', ARGV[2])
redis.call('HINCRBY', KEYS[1], 'v', 1)
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[3]))
redis.call('EXPIRE', KEYS[1], {_KEPT_S})
return 1
"""
# KEYS: the hash. ARGV: the mark's name. A mark that ended by itself may have been followed by a reader that kept something.
END_MARK: Final = """
if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 and redis.call('HEXISTS', KEYS[1], 'v') == 1 then
  redis.call('HINCRBY', KEYS[1], 'v', 1)
end
return 1
"""
# KEYS: the hash. ARGV: a mark's name or nothing.
RAISE: Final = """
redis.call('HDEL', KEYS[1], ARGV[1])
if redis.call('HEXISTS', KEYS[1], 'v') == 1 then redis.call('HINCRBY', KEYS[1], 'v', 1) end
return 1
"""
# KEYS: the hash. ARGV: a version to begin with. Returns the version and how many marks stand.
LOOK: Final = f"""
local time = redis.call('TIME')
local now, count, fields = time[1] * 1000 + math.floor(time[2] / 1000), 0, redis.call('HGETALL', KEYS[1])
for at = 1, #fields, 2 do
  if fields[at] ~= 'v' then
    if tonumber(fields[at + 1]) > now then count = count + 1 else redis.call('HDEL', KEYS[1], fields[at]) end
  end
end
if redis.call('HSETNX', KEYS[1], 'v', ARGV[1]) == 1 then redis.call('EXPIRE', KEYS[1], {_KEPT_S}) end
return {{redis.call('HGET', KEYS[1], 'v'), count}}
"""


def version_key(workspace_id: str, resource: str) -> bytes:
    return f"gw:{{{workspace_id}}}:fresh:{resource}".encode()


def create_start() -> int:
    """Return a version to begin with where none is known."""
    return secrets.randbits(_START_BITS) + 1


class ServerWatch:
    """Which server answers, by its run id, and whether its marks can be believed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, mark_lives_s: float = MARK_LIVES_MS / 1000) -> None:
        self._clock = clock
        self._mark_lives_s = mark_lives_s
        self._run_id = ""
        self._trusted_from = 0.0

    def is_trusted(self, run_id: str) -> bool:
        """
        Tell whether every write that may not be committed yet has its mark on this server.

        Of the first server that is all that can be known; one that took its place may have lost marks, which are over by and by.
        """
        if run_id != self._run_id:
            if self._run_id:
                self._trusted_from = self._clock() + self._mark_lives_s
            self._run_id = run_id
        return self._clock() >= self._trusted_from
