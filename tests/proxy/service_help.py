"""Services behind the worker of `asgi_help`: on a fake upstream, or on real ones through the gateway's own HTTP client."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from proxy.ports import Endpoint, Timeouts
from proxy.reply_cache import TwoLevelCache
from proxy.services import ServicePlane
from proxy.snapshot import LimitRule, Service, Snapshot
from proxy.testing import Bench, MemoryReplies, create_bench
from tests.proxy.asgi_help import LOOPBACK, Pairs, Site, Talk

UPSTREAM = Endpoint("http", "10.0.0.9", 8081)
PATIENT = Timeouts(connect_s=20, first_token_s=20, idle_s=20, total_s=40)


def service(path: str = "/infer", endpoint: Endpoint = UPSTREAM, timeouts: Timeouts = PATIENT, **fields: Any) -> Service:
    return Service(path, endpoint, timeouts, **fields)


class ServiceSite(Site):
    """One worker with services. `shared` is what all workers share of its cache; its time is `bench.clock`."""

    def __init__(
        self,
        *services: Service,
        bench: Bench | None = None,
        limits: Sequence[LimitRule] = (),
        shared: MemoryReplies | None = None,
        **options: Any,
    ) -> None:
        bench = bench or create_bench()
        bench.use(Snapshot(revision=7, services=services or (service(),), limits=tuple(limits)))
        super().__init__(bench, replies=TwoLevelCache(shared, now_s=bench.clock), now_s=bench.clock, **options)
        self.plane = ServicePlane(self.application.door)

    def begin(
        self,
        target: str = "/infer",
        method: str = "GET",
        body: bytes | None = None,
        headers: Pairs | None = None,
        client: tuple[str, int] | None = LOOPBACK,
        key: bytes | None = None,
    ) -> Talk:
        """Begin a request as a server does: `target` is what stands in the request line; a body is announced with its length."""
        path, _, query = target.partition("?")
        named = dict(headers or ())
        sent = list(headers or ())
        if b"authorization" not in named:
            sent.append((b"authorization", b"Bearer " + (key or self.bench.key)))
        if body is not None and not {b"content-length", b"transfer-encoding"} & named.keys():
            sent.append((b"content-length", b"%d" % len(body)))
        has_body = body is not None or {b"content-length", b"transfer-encoding"} & named.keys()
        talk = Talk()
        if body is not None or not has_body:
            talk.send_body(body or b"")
        scope = {
            "type": "http",
            "method": method,
            "path": unquote(path),
            "raw_path": path.encode("latin-1"),
            "query_string": query.encode("latin-1"),
            "headers": sent,
            "client": client,
        }
        found = self.plane.find(scope["path"])
        assert found is not None, f"no service at {scope['path']}"
        talk.task = asyncio.ensure_future(self.plane(scope, talk.receive, talk.send, found))
        return talk

    async def fetch(self, target: str = "/infer", method: str = "GET", body: bytes | None = None, **options: Any) -> Talk:
        return await self.begin(target, method, body, **options).done()
