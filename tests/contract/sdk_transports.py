"""What the official SDKs are given in place of a network: a provider's recorded bytes, or the gateway's data plane over ASGI."""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx2

from tests.proxy.asgi_help import Site, Talk, open_talk


class Recording(httpx2.AsyncBaseTransport):
    """Answers everything with one recorded answer, as the provider's own server did."""

    def __init__(self, status: int, content_type: str, body: bytes) -> None:
        self._status, self._content_type, self._body = status, content_type, body

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(self._status, headers={"content-type": self._content_type}, content=self._body, request=request)


@dataclass
class ThroughSite(httpx2.AsyncBaseTransport):
    """Asks a `Site`; `talks` are the requests so far."""

    site: Site
    talks: list[Talk] = field(default_factory=list)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        headers = [(name.lower(), value) for name, value in request.headers.raw]
        path = request.url.path
        talk = open_talk(self.site.application, request.method, path, await request.aread(), headers, query=request.url.query)
        self.talks.append(talk)
        await talk.done()
        return httpx2.Response(talk.status, headers=talk.pairs, content=talk.body, request=request)
