"""
Composes the data plane of one worker: makes every port real, starts what runs beside requests, and stops it again.

Rules: built once, on the event loop that serves; the pipeline gets everything passed in and reads no setting.
"""

from __future__ import annotations

import ipaddress
import time
from dataclasses import dataclass
from pathlib import Path

import structlog

from common.aead import KeyRing
from proxy import tally
from proxy.adapters.django_store import DjangoStore
from proxy.adapters.egress import EgressPolicy
from proxy.adapters.http.client import HttpClient
from proxy.adapters.idempotency_store import RedisIdempotency
from proxy.adapters.redis_connection import RedisAddress, RedisConnection
from proxy.adapters.request_records import RecordReader
from proxy.adapters.rest_answers import RedisAnswers
from proxy.adapters.rest_versions import Versions
from proxy.adapters.shared_counter import RedisCounter
from proxy.adapters.shared_principals import RedisPrincipals
from proxy.adapters.shared_replies import RedisReplies
from proxy.adapters.shared_responses import RedisResponses
from proxy.adapters.snapshot_vault import SnapshotVault
from proxy.adapters.spend_history import DjangoSpendHistory
from proxy.adapters.spool import SpoolWriter
from proxy.adapters.watcher import Watcher
from proxy.asgi import DataPlane
from proxy.edge import Edge, FrontDoor
from proxy.gateway import Gateway
from proxy.guarding.active import Ports
from proxy.guarding.book import PolicyBook
from proxy.guarding.moderation import Moderator
from proxy.guarding.ports import GuardedEgress, RouteJudge
from proxy.key_directory import KeyDirectory
from proxy.lifecycle import Lifecycle
from proxy.limiter import Limiter
from proxy.reply_cache import TwoLevelCache
from proxy.request_log import RequestLog
from proxy.rest_door.answers import LEVEL_1_BYTES, AnswerCache
from proxy.rest_door.door import RestDoor
from proxy.rest_door.ports import RestApplication
from proxy.services import ServicePlane
from proxy.snapshot import SnapshotHolder
from proxy.stages.reserve import LimitPlans
from proxy.telemetry import note_key_lookup

_STATE_TIMEOUT_S = 1.0  # for values of megabytes, on a connection of their own so that limits do not wait behind them
log = structlog.get_logger(__name__)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class RuntimeSettings:
    """
    What an operator may set of the data plane; names and units as in `gatewaysite/env.py`.

    `is_console`: the process serves no inference, only REST: it needs keys and limits, and neither guardrails nor a spool.
    """

    redis_url: str
    cache_redis_url: str
    pepper: bytes
    encryption_keys: tuple[str, ...]
    spool_folder: Path
    snapshot_file: Path
    worker_count: int
    body_limit_bytes: int
    body_timeout_s: float
    json_depth_count: int
    concurrency_count: int
    key_cache_count: int
    key_cache_ttl_s: float
    key_negative_ttl_s: float
    revision_poll_s: float
    keepalive_s: float
    slow_overhead_ms: float
    slow_total_ms: float
    spool_file_bytes: int
    reply_cache_bytes: int
    automata_folder: Path
    trusted_proxies: tuple[Network, ...]
    allowed_private_upstreams: tuple[Network, ...]
    rest_cache_bytes: int = LEVEL_1_BYTES
    is_console: bool = False


class Runtime:
    """The data plane of one worker and all it holds on to."""

    def __init__(self, settings: RuntimeSettings, lifecycle: Lifecycle) -> None:
        self._settings = settings
        self._ring = KeyRing.parse(settings.encryption_keys)
        self.cache_redis = RedisConnection(RedisAddress.parse(settings.cache_redis_url or settings.redis_url))
        self.state_redis = RedisConnection(RedisAddress.parse(settings.redis_url), timeout_s=_STATE_TIMEOUT_S)
        self.redis = RedisConnection(RedisAddress.parse(settings.redis_url))
        self.holder = SnapshotHolder()
        self.store = DjangoStore()
        self.keys = KeyDirectory(
            self.store,
            RedisPrincipals(self.redis),
            max_count=settings.key_cache_count,
            ttl_s=settings.key_cache_ttl_s,
            negative_ttl_s=settings.key_negative_ttl_s,
            on_lookup=note_key_lookup,
        )
        history = DjangoSpendHistory(self.store, settings.spool_folder)
        self.limiter = Limiter(RedisCounter(self.redis), time.monotonic, share=1 / settings.worker_count, history=history)
        self.upstream = HttpClient(EgressPolicy(settings.allowed_private_upstreams))
        self.spool = SpoolWriter(settings.spool_folder, settings.spool_file_bytes)
        self.request_log = RequestLog(slow_overhead_ms=settings.slow_overhead_ms, slow_total_ms=settings.slow_total_ms)
        self.policies = PolicyBook(
            settings.automata_folder, Ports(GuardedEgress(self.upstream), RouteJudge(self.upstream, lambda: self.gateway.snapshot()))
        )
        self.watcher = Watcher(
            self.store,
            SnapshotVault(settings.snapshot_file, self.redis, self._ring),
            self.holder,
            self.keys,
            redis_url=settings.redis_url,
            poll_s=settings.revision_poll_s,
            on_snapshot=lifecycle.mark_ready,
            prepare=None if settings.is_console else self.policies.prepare,
        )
        self.replies = TwoLevelCache(RedisReplies(self.cache_redis), settings.reply_cache_bytes)
        self.idempotency = RedisIdempotency(self.state_redis)
        self.gateway = self._gateway()
        self.door = FrontDoor(self.gateway, self._edge(), lifecycle, self.request_log)
        self.data_plane = DataPlane(self.door)
        self.services = ServicePlane(self.door)
        self._rest_doors: list[RestDoor] = []

    def open_rest_door(self, application: RestApplication) -> RestDoor:
        """Return the door before the REST application; it is closed with all else."""
        answers = AnswerCache(RedisAnswers(self.cache_redis), self._settings.rest_cache_bytes)
        door = RestDoor(self.door, application, Versions(self.redis), answers)
        self._rest_doors.append(door)
        return door

    def _gateway(self) -> Gateway:
        return Gateway(
            snapshots=self.holder,
            keys=self.keys,
            pepper=self._settings.pepper,
            plans=LimitPlans(self.limiter),
            upstream=self.upstream,
            spool=self.spool,
            replies=self.replies,
            idempotency=self.idempotency,
            responses=RedisResponses(self.state_redis, self._ring),
            guardrails=self.policies,
            moderator=Moderator(),
            records=RecordReader(self._settings.spool_folder, self.store.run),
            json_depth_count=self._settings.json_depth_count,
            keepalive_s=self._settings.keepalive_s,
        )

    def _edge(self) -> Edge:
        settings = self._settings
        return Edge(settings.body_limit_bytes, settings.body_timeout_s, settings.concurrency_count, settings.trusted_proxies)

    async def start(self) -> None:
        """
        Come up as far as the stores allow: without the database from the kept snapshot, without Redis with limits enforced locally.

        Errors: OSError when the spool cannot be written: a worker that cannot record usage must not serve.
        """
        if not self._settings.is_console:
            self.spool.start()
        await self.redis.start()
        await self.cache_redis.start()
        await self.state_redis.start()
        self.limiter.start()
        await self.watcher.start()

    async def stop(self) -> None:
        await self.watcher.stop()
        await self.gateway.flights.close()
        for door in self._rest_doors:
            await door.close()
        await self.replies.close()
        await self.idempotency.close()
        await self.limiter.stop()
        await self.upstream.close()
        self.policies.close()
        await self.redis.stop()
        await self.cache_redis.stop()
        await self.state_redis.stop()
        if not self._settings.is_console:
            self.spool.stop()
        self.request_log.flush()
        tally.flush()
        self.store.close()
