"""A small ASGI application that the server tests run under the real gunicorn; it leaves its marks in the file SERVER_TEST_MARKS."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs

from proxy.lifecycle import Lifecycle

TICK_S = 0.1


def mark(word: str) -> None:
    with Path(os.environ["SERVER_TEST_MARKS"]).open("a") as file:
        file.write(f"{word} {os.getpid()}\n")


class Application:
    def __init__(self) -> None:
        self.lifecycle = Lifecycle()

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await self.live(receive, send)
            return
        try:
            if scope["type"] == "websocket":
                await self.on_websocket(scope, receive, send)
            else:
                with self.counted():
                    await self.on_http(scope, receive, send)
        except asyncio.CancelledError:
            mark("cancelled")
            raise

    @contextmanager
    def counted(self):
        self.lifecycle.stream_started()
        try:
            yield
        finally:
            self.lifecycle.stream_ended()

    async def live(self, receive, send):
        await receive()
        if Path(os.environ["SERVER_TEST_MARKS"] + ".refuse-startup").exists():
            mark("refused")
            await send({"type": "lifespan.startup.failed", "message": "told so"})
            return
        mark("startup")
        self.lifecycle.mark_ready()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        mark("shutdown")
        await send({"type": "lifespan.shutdown.complete"})

    async def on_http(self, scope, receive, send):
        path = scope["path"]
        duration_s = float(parse_qs(scope["query_string"].decode()).get("s", ["0"])[0])
        if path == "/readyz":
            await answer(send, 200 if self.lifecycle.is_ready else 503, {})
        elif self.lifecycle.is_draining:
            await answer(send, 503, {"draining": True})
        elif path == "/stream":
            await stream(send, duration_s)
        elif path == "/flood":
            await flood(receive, send)
        elif path == "/early":
            await answer(send, 413, {})
        else:
            body = await read_body(receive)
            await asyncio.sleep(duration_s)
            headers = [[name.decode(), value.decode("latin-1")] for name, value in scope["headers"]]
            await answer(send, 200, {"pid": os.getpid(), "body": body.decode("latin-1"), "headers": headers})

    async def on_websocket(self, scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        if scope["path"] == "/ws/flood":
            with suppress(OSError):
                while True:
                    await send({"type": "websocket.send", "bytes": bytes(65536)})
            mark("flood-ended")
            return
        if scope["path"] == "/ws/bug":
            raise ValueError("a bug")
        if scope["path"] == "/ws/stream":
            with self.counted():
                await stream_on_socket(send, float(scope["query_string"]))
        while (await receive())["type"] != "websocket.disconnect":
            pass


async def answer(send, status, value):
    body = json.dumps(value).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def read_body(receive):
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            mark("body-broken")
            return body
        body += message["body"]
        if not message["more_body"]:
            return body


async def stream(send, duration_s):
    async def write(data, *, more=True):
        await send({"type": "http.response.body", "body": data, "more_body": more})

    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    try:
        for _ in range(round(duration_s / TICK_S)):
            await write(b"data: tick\n\n")
            await asyncio.sleep(TICK_S)
    except asyncio.CancelledError:
        await write(b"data: stopped\n\n", more=False)
        raise
    await write(b"data: [DONE]\n\n", more=False)


async def flood(receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await receive()
    gone = asyncio.ensure_future(receive())
    while not gone.done():
        await send({"type": "http.response.body", "body": bytes(65536), "more_body": True})
        await asyncio.sleep(0)
    mark("flood-ended")


async def stream_on_socket(send, duration_s):
    try:
        for _ in range(round(duration_s / TICK_S)):
            await send({"type": "websocket.send", "text": "tick"})
            await asyncio.sleep(TICK_S)
    except asyncio.CancelledError:
        await send({"type": "websocket.send", "text": "stopped"})
        raise
    await send({"type": "websocket.send", "text": "done"})


application = Application()
