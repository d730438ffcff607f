"""
Idempotency keys in Redis or Valkey, for all workers.

Guarantee: one of any number of claims at once gets the key; an answer or a release touches only the claim it belongs to. An outage
refuses calls that name a key and lets none of them run twice.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Final

import msgspec
import structlog

from proxy.adapters.redis_connection import RedisConnection, RedisRefused, RedisUnavailable
from proxy.errors import Overloaded
from proxy.idempotency import IdempotencyPlace, Running, StoredAnswer

log = structlog.get_logger(__name__)

CLAIM_TTL_S: Final = 15 * 60.0
ANSWER_TTL_S: Final = 24 * 3600.0
_GIVE_BACK_AFTER_S: Final = (0.0, 0.2, 1.0, 5.0)
_GIVING_BACK_MAX_COUNT: Final = 1000

_KEEP: Final = b"""
local found = redis.call('GET', KEYS[1])
if not found or found == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  return 1
end
return 0
"""
_RELEASE: Final = b"if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"

_decoder: Final = msgspec.msgpack.Decoder(Running | StoredAnswer)
_encode: Final = msgspec.msgpack.Encoder().encode


def _redis_key(place: IdempotencyPlace) -> bytes:
    digest = hashlib.sha256(place.key.encode()).hexdigest()
    return f"gw:{{{place.workspace_id}}}:{place.key_id}:idempotency:{digest}".encode()


class RedisIdempotency:
    """
    The `IdempotencyStore` of a real installation.

    Answers are not sealed: they lie in the same trust as the response cache. Give it a connection with `noeviction` behind it: a claim
    that is evicted lets a call run twice.
    Units: `claim_ttl_s` is how long a key stays claimed by a call whose worker died; longer than any call takes.
    """

    def __init__(self, redis: RedisConnection, *, claim_ttl_s: float = CLAIM_TTL_S, answer_ttl_s: float = ANSWER_TTL_S) -> None:
        self._redis = redis
        self._claim_ttl_ms = round(claim_ttl_s * 1000)
        self._answer_ttl_ms = round(answer_ttl_s * 1000)
        self._giving_back: set[asyncio.Task[None]] = set()

    async def claim(self, place: IdempotencyPlace, claim: Running) -> StoredAnswer | Running | None:
        try:
            found = await self._redis.call(b"SET", _redis_key(place), _encode(claim), b"NX", b"GET", b"PX", self._claim_ttl_ms)
            return None if found is None else _decoder.decode(found)
        except RedisUnavailable as error:
            self._give_back_later(place, claim)
            raise _away() from error
        except asyncio.CancelledError:
            self._give_back_later(place, claim)
            raise
        except (RedisRefused, msgspec.MsgspecError) as error:
            log.error("idempotency_store_failed", reason=str(error))
            raise _away() from error

    async def keep(self, place: IdempotencyPlace, claim: Running, answer: StoredAnswer) -> None:
        arguments: list[bytes | str | int | float] = [_encode(claim), _encode(answer), self._answer_ttl_ms]
        try:
            is_kept = await self._redis.run_script(_KEEP, [_redis_key(place)], arguments)
            if not is_kept:
                log.warning("idempotent_answer_not_kept", request_id=claim.request_id, reason="the claim had expired")
        except (RedisUnavailable, RedisRefused) as error:
            log.warning("idempotent_answer_not_kept", request_id=claim.request_id, reason=str(error))

    async def release(self, place: IdempotencyPlace, claim: Running) -> None:
        if not await self._try_release(place, claim):
            self._give_back_later(place, claim)

    async def close(self) -> None:
        """Stop giving back what could not be given back yet; it expires."""
        for task in self._giving_back:
            task.cancel()
        await asyncio.gather(*self._giving_back, return_exceptions=True)

    async def _try_release(self, place: IdempotencyPlace, claim: Running) -> bool:
        try:
            await self._redis.run_script(_RELEASE, [_redis_key(place)], [_encode(claim)])
        except (RedisUnavailable, RedisRefused):
            return False
        return True

    def _give_back_later(self, place: IdempotencyPlace, claim: Running) -> None:
        """A command that was not answered may have run: the client would meet its own claim when it tries again."""
        if len(self._giving_back) < _GIVING_BACK_MAX_COUNT:
            task = asyncio.get_running_loop().create_task(self._give_back(place, claim))
            self._giving_back.add(task)
            task.add_done_callback(self._giving_back.discard)

    async def _give_back(self, place: IdempotencyPlace, claim: Running) -> None:
        for delay_s in _GIVE_BACK_AFTER_S:
            await asyncio.sleep(delay_s)
            if await self._try_release(place, claim):
                return


def _away() -> Overloaded:
    return Overloaded("The gateway cannot keep the promise of an idempotency key now. Try again.", retry_after_s=1)
