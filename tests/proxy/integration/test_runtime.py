"""The data plane of one worker with everything real: PostgreSQL, Valkey, the spool, the HTTP client, and a provider on loopback."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis
from django.conf import settings

from apikeys.hotpath import create_key_text
from apikeys.public import revoke_key, save_limit
from proxy.adapters.shipper import Shipper
from proxy.adapters.usage_store import store_records
from proxy.lifecycle import Lifecycle
from proxy.models import UsageRecord
from proxy.runtime import Runtime, RuntimeSettings
from proxy.wire.spool import Closed
from tests.proxy.asgi_help import Talk, open_talk
from tests.proxy.chat_help import DONE, HELLO, ROLE, STOP, USAGE, answer, chat, parse_frames
from tests.proxy.integration.query_count import counted_queries
from tests.proxy.integration.rows_help import make_backend, make_key, make_limit, make_price, make_route
from tests.proxy.integration.valkey_help import own_valkey
from tests.proxy.integration.worker_help import PROMPTLY_S, LoopThread, loop_thread, patient_announcements, wait_for
from tests.proxy.spool_help import read_lines, spool_files

pytestmark = pytest.mark.django_db(transaction=True)

WHOLE = answer(usage={"prompt_tokens": 5, "completion_tokens": 3})
STREAM = b"".join([ROLE, HELLO, STOP, USAGE, DONE])


async def _provide(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every chat request on a connection."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
            request = json.loads(await reader.readexactly(length))
            kind, body = (b"text/event-stream", STREAM) if request.get("stream") else (b"application/json", WHOLE)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n%b" % (kind, len(body), body))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


class Plane:
    """A runtime on an event loop of its own."""

    def __init__(self, thread: LoopThread, folder, redis_url: str) -> None:
        self._thread = thread
        self.spool_folder = folder / "spool"
        self.lifecycle = Lifecycle()
        loopback = (ipaddress.ip_network("127.0.0.0/8"),)
        self._settings = RuntimeSettings(
            cache_redis_url="",
            reply_cache_bytes=1_000_000,
            automata_folder=folder / "automata",
            redis_url=redis_url,
            pepper=settings.GATEWAY_KEY_PEPPER.encode(),
            encryption_keys=tuple(settings.GATEWAY_ENCRYPTION_KEYS),
            spool_folder=self.spool_folder,
            snapshot_file=folder / "snapshot.bin",
            worker_count=1,
            body_limit_bytes=1_000_000,
            body_timeout_s=30,
            json_depth_count=64,
            concurrency_count=100,
            key_cache_count=100,
            key_cache_ttl_s=300,
            key_negative_ttl_s=10,
            revision_poll_s=60,
            keepalive_s=15,
            slow_overhead_ms=1e9,
            slow_total_ms=1e9,
            spool_file_bytes=1 << 20,
            trusted_proxies=(),
            allowed_private_upstreams=loopback,
        )

    async def start(self) -> None:
        self.runtime = Runtime(self._settings, self.lifecycle)
        await self.runtime.start()
        self._first_checked_at = self.runtime.watcher.checked_at

    def settle(self) -> None:
        """Wait until the watcher listens and has asked once more, so that the next query is a request's."""
        wait_for(lambda: self.runtime.watcher.checked_at > self._first_checked_at)

    def ask(self, key: str, **fields) -> Talk:
        return self._thread.run(self._ask(key, fields))

    async def _ask(self, key: str, fields) -> Talk:
        headers = [(b"authorization", b"Bearer " + key.encode()), (b"content-type", b"application/json")]
        return await open_talk(self.runtime.data_plane, body=chat(**fields), headers=headers).done(within_s=20)


@pytest.fixture
def thread():
    with patient_announcements(), loop_thread() as running:
        yield running
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.flushdb()
        client.connection_pool.disconnect()


@contextmanager
def running_plane(thread: LoopThread, folder, redis_url: str = "") -> Iterator[Plane]:
    plane = Plane(thread, folder, redis_url or os.environ["REDIS_URL"])
    thread.run(plane.start())
    try:
        yield plane
    finally:
        thread.run(plane.runtime.stop())


@pytest.fixture
def provider(thread):
    """A provider with the route `gpt` to it; yields its port."""

    async def serve() -> asyncio.Server:
        return await asyncio.start_server(_provide, "127.0.0.1", 0)

    server = thread.run(serve())
    port = server.sockets[0].getsockname()[1]
    make_route("gpt", make_backend(base_url=f"http://127.0.0.1:{port}/v1"))
    make_price("gpt-upstream")
    yield port

    async def close() -> None:
        server.close()

    thread.run(close())


def test_a_cold_request_makes_at_most_two_queries_and_a_warm_one_none(thread, tmp_path, provider):
    key = make_key(limits=[make_limit(amount=100)]).secret.reveal()
    with running_plane(thread, tmp_path) as plane:
        plane.settle()
        with counted_queries() as cold:
            assert plane.ask(key).status == 200
        with counted_queries() as warm:
            for _ in range(5):
                assert plane.ask(key).body == WHOLE
                assert plane.ask(key, stream=True).body == STREAM.replace(USAGE, b"")
                assert plane.ask(key, model="nothing").status == 404

    assert 1 <= len(cold) <= 2, cold
    assert warm == []


def test_a_key_that_another_worker_looked_up_makes_no_query(thread, tmp_path, provider):
    key = make_key().secret.reveal()
    with running_plane(thread, tmp_path / "one") as first:
        assert first.ask(key).status == 200
        with running_plane(thread, tmp_path / "two") as second:
            second.settle()
            with counted_queries() as queries:
                assert second.ask(key).status == 200

    assert queries == []


def test_garbage_makes_no_query_and_an_unknown_key_one(thread, tmp_path, provider):
    with running_plane(thread, tmp_path) as plane:
        plane.settle()
        with counted_queries() as garbage:
            for key in ("", "x" * 1000, "\"\x00'", "gw_live_" + "a" * 50, "sk-ü".encode().decode("latin-1")):
                assert plane.ask(key).status == 401
        unknown = create_key_text()[0]
        with counted_queries() as once:
            for _ in range(5):
                assert plane.ask(unknown).status == 401

    assert garbage == []
    assert len(once) == 1


def test_a_revoked_key_is_refused_promptly(thread, tmp_path, provider):
    created = make_key()
    key = created.secret.reveal()
    with running_plane(thread, tmp_path) as plane:
        assert plane.ask(key).status == 200

        revoke_key(created.api_key)

        wait_for(lambda: plane.ask(key).status == 401, PROMPTLY_S)


def test_a_limit_holds_and_its_change_is_in_use_promptly(thread, tmp_path, provider):
    limit = make_limit(amount=2, window_s=3600)
    key = make_key(limits=[limit]).secret.reveal()
    with running_plane(thread, tmp_path) as plane:
        assert [plane.ask(key).status for _ in range(3)] == [200, 200, 429]

        limit.amount = 1000
        save_limit(limit)

        wait_for(lambda: plane.ask(key).status == 200, PROMPTLY_S)


def test_what_was_answered_is_recorded_with_its_cost(thread, tmp_path, provider):
    created = make_key()
    with running_plane(thread, tmp_path) as plane:
        whole, stream = plane.ask(created.secret.reveal()), plane.ask(created.secret.reveal(), stream=True)
        Shipper(plane.spool_folder, store_records).ship()

        rows = {str(row.request_id): row for row in UsageRecord.objects.all()}
        assert set(rows) == {whole.headers["x-request-id"], stream.headers["x-request-id"]}
        for row in rows.values():
            assert (row.key_id, row.workspace_id, row.model) == (created.api_key.pk, created.api_key.workspace_id, "gpt")
            assert (row.input_tokens, row.output_tokens, row.cost_nano_usd) == (5, 3, 5 + 9)
            assert (row.outcome, row.status, row.backend, row.upstream_model) == ("ok", 200, "main", "gpt-upstream")
        assert parse_frames(stream.body)[-1] == "[DONE]"


def test_it_serves_without_valkey(thread, tmp_path, provider):
    key = make_key(limits=[make_limit(amount=3, window_s=3600)]).secret.reveal()
    with running_plane(thread, tmp_path, "unix:///nowhere") as plane:
        assert [plane.ask(key).status for _ in range(4)] == [200, 200, 200, 429]


def test_it_goes_on_while_valkey_hangs_and_after_it_was_killed(thread, tmp_path, provider):
    key = make_key(limits=[make_limit(amount=1000)]).secret.reveal()
    with own_valkey(tmp_path) as server, running_plane(thread, tmp_path, server.url) as plane:
        assert plane.ask(key).status == 200
        server.pause()
        assert [plane.ask(key).status for _ in range(5)] == [200] * 5
        server.resume()
        server.kill()
        assert [plane.ask(key).status for _ in range(5)] == [200] * 5
        server.start()
        wait_for(lambda: plane.runtime.redis.is_available)
        assert plane.ask(key).status == 200


def test_a_worker_that_stops_closes_its_spool_and_leaves_no_task(thread, tmp_path, provider):
    async def tasks():
        return {task for task in asyncio.all_tasks() if task is not asyncio.current_task() and "_provide" not in repr(task.get_coro())}

    before = thread.run(tasks())
    with running_plane(thread, tmp_path) as plane:
        assert plane.lifecycle.is_ready
        plane.ask(make_key().secret.reveal())

    assert thread.run(tasks()) == before
    (path,) = spool_files(plane.spool_folder)
    assert read_lines(path)[-1] == Closed()


def test_a_worker_that_cannot_record_does_not_start(thread, tmp_path, provider):
    (tmp_path / "spool").write_text("not a folder")

    with pytest.raises(OSError), running_plane(thread, tmp_path):
        pass
