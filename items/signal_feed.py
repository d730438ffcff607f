"""
New signals as they are stored, from Redis to whoever listens in this process.

Messages are JSON arrays of signals, published after COMMIT (`items/announcements.py`). One connection of a process carries those of all
workspaces that somebody listens to.

Rules: no Django. A message that is lost is lost: listeners are told that some may be missing, and ask the database.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import Final

import redis.asyncio as redis_asyncio
import structlog
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

_PREFIX: Final = "gw:signals:"
_WAITING_MAX_COUNT: Final = 256
"""Messages that wait for a slow listener."""
_RETRY_S: Final = 0.5
_CONNECT_TIMEOUT_S: Final = 1.0
_READ_S: Final = 5.0
_STOP_RETRY_S: Final = 0.05

log = structlog.get_logger(__name__)


def feed_name(workspace_id: str) -> str:
    """Return what the messages of a workspace are published as."""
    return _PREFIX + workspace_id


class Listener:
    """Who listens to a workspace. `take` is for one task; `is_live` is set once Redis sends what is published."""

    __slots__ = ("_is_incomplete", "_news", "_waiting", "is_live", "workspace_id")

    def __init__(self, workspace_id: str) -> None:
        self.workspace_id = workspace_id
        self.is_live = asyncio.Event()
        self._waiting: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._is_incomplete = False

    def put(self, message: bytes) -> None:
        """Cost: none that waits; a listener that is too slow loses all that waits for it, and is told."""
        if len(self._waiting) >= _WAITING_MAX_COUNT:
            self.miss()
            return
        self._waiting.append(message)
        self._news.set()

    def go_live(self) -> None:
        """Note that messages come from now on: for the first time, or again after some that were lost."""
        if self.is_live.is_set():
            self.miss()
        self.is_live.set()

    def miss(self) -> None:
        """Note that messages may have been lost."""
        self._waiting.clear()
        self._is_incomplete = True
        self._news.set()

    async def take(self) -> bytes | None:
        """Return the next message, None once after some may have been lost."""
        await self._news.wait()
        if self._is_incomplete:
            self._is_incomplete = False
            message = None
        else:
            message = self._waiting.popleft()
        if not self._waiting:
            self._news.clear()
        return message


class SignalFeed:
    """The messages of one process's listeners. Connects for the first of them; all methods belong to one event loop."""

    def __init__(self, redis_url: str) -> None:
        self._redis_url = redis_url
        self._listeners: dict[str, set[Listener]] = {}
        self._pubsub: PubSub | None = None
        self._reader: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._asking = asyncio.Lock()  # of the connection: what two tasks ask of it at once may connect it twice

    async def listen(self, workspace_id: str) -> Listener:
        """Return a listener, to be given back to `leave`."""
        listener = Listener(workspace_id)
        others = self._listeners.setdefault(workspace_id, set())
        if any(other.is_live.is_set() for other in others):
            listener.is_live.set()
        others.add(listener)
        if self._reader is None:
            self._reader = asyncio.create_task(self._read_forever(), name="signal-feed")
        elif len(others) == 1:
            await self._tell("subscribe", workspace_id)
        return listener

    async def leave(self, listener: Listener) -> None:
        others = self._listeners.get(listener.workspace_id, set())
        others.discard(listener)
        if not others and self._listeners.pop(listener.workspace_id, None) is not None:
            await self._tell("unsubscribe", listener.workspace_id)

    async def stop(self) -> None:
        # Once is not enough: redis.asyncio swallows a cancellation that comes while it connects.
        while self._reader is not None and not self._reader.done():
            self._reader.cancel()
            await asyncio.wait({self._reader}, timeout=_STOP_RETRY_S)
        self._reader = None

    async def _tell(self, what: str, workspace_id: str) -> None:
        """Change what the open connection carries; one that breaks is made again with all that is wanted then."""
        self._changed.set()
        async with self._asking:
            if self._pubsub is not None:
                with contextlib.suppress(RedisError, OSError):
                    await getattr(self._pubsub, what)(feed_name(workspace_id))

    async def _read_forever(self) -> None:
        while True:
            try:
                await self._read()
            except (RedisError, OSError) as error:
                log.warning("signal_feed_lost", reason=type(error).__name__)
            except Exception:
                log.exception("signal_feed_failed")
            self._pubsub = None
            await asyncio.sleep(_RETRY_S)

    async def _read(self) -> None:
        client = redis_asyncio.Redis.from_url(
            self._redis_url, socket_connect_timeout=_CONNECT_TIMEOUT_S, retry=Retry(NoBackoff(), 0), health_check_interval=5
        )
        try:
            async with client.pubsub() as pubsub:
                async with self._asking:
                    if self._listeners:
                        await pubsub.subscribe(*(feed_name(each) for each in self._listeners))
                    self._pubsub = pubsub
                while True:
                    await self._pass_on(pubsub)
        finally:
            await client.aclose()

    async def _pass_on(self, pubsub: PubSub) -> None:
        if not pubsub.subscribed:
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), _READ_S)
            return
        message = await pubsub.get_message(timeout=_READ_S)
        if message is None:
            return
        listeners = self._listeners.get(message["channel"].decode().removeprefix(_PREFIX), ())
        for listener in tuple(listeners):
            if message["type"] == "message":
                listener.put(message["data"])
            elif message["type"] == "subscribe":
                listener.go_live()
