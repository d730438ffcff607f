"""
The ASGI application: reads a request, asks the handler of its path for a reply, has it played, and writes down what happened.

Handlers are pure functions from `Request` to `Reply`; an error they raise is written in the dialect of the path. Nothing here knows
a dialect. A client that leaves cancels the request, and so does `stop()`.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hmac

from proxy.simulator.errors import ProviderError, missing_key, unknown_path, wrong_key, wrong_method
from proxy.simulator.exchange import ClientGoneError, Exchange, Receive, Request, Scope, Send
from proxy.simulator.journal import Entry, Journal
from proxy.simulator.player import play
from proxy.simulator.reply import JsonReply, StreamReply
from proxy.simulator.responses import Responses
from proxy.simulator.routes import Endpoint, Found, Handler, Routes
from proxy.simulator.service import Service


class Simulator:
    """
    The provider as an ASGI application.

    With `required_key` every call but those to `/logs`, `/metrics` and `/healthz` must carry that key in the place where the dialect
    of its path looks for it; without, any key or none will do.
    """

    def __init__(self, required_key: str | None = None) -> None:
        self.journal = Journal()
        self._required_key = required_key
        self._routes = Routes(Service(self.journal), Responses())
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_stopping = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(f"the simulator speaks HTTP, not {scope['type']}")
        exchange = Exchange(scope, receive, send)
        names = [name for name, _ in scope["headers"]]
        found = self._routes.find(scope["path"], frozenset(names))
        if not found[0].is_recorded:
            await self._answer_or_leave(exchange, found, None)
            return
        entry = self.journal.open(scope["method"], scope["path"], tuple(name.decode("latin-1") for name in names))
        try:
            await self._answer_or_leave(exchange, found, entry)
        finally:
            self.journal.close(entry, exchange.status, is_disconnected=exchange.is_disconnected)

    def stop(self) -> None:
        """Break off everything that is being answered, as a provider does that crashes. Open connections are the server's to close."""
        self._is_stopping = True
        for task in self._tasks:
            task.cancel()

    async def _answer_or_leave(self, exchange: Exchange, found: Found, entry: Entry | None) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("an ASGI application runs in a task")
        self._tasks.add(task)
        try:
            await self._answer(exchange, found, entry)
        except ClientGoneError:
            pass
        except asyncio.CancelledError:
            if not exchange.is_disconnected and not self._is_stopping:
                raise
            task.uncancel()
        finally:
            self._tasks.discard(task)
            exchange.close()

    async def _answer(self, exchange: Exchange, found: Found, entry: Entry | None) -> None:
        endpoint, params = found
        delay_s: float | None = None
        try:
            request = await exchange.read_request(params)
            delay_s = request.find_delay_s()
            if endpoint.is_recorded:
                self._check_key(endpoint.dialect.find_key(request))
            reply = _find_handler(endpoint, request)(request)
        except ProviderError as error:
            reply = endpoint.dialect.render_error(error)
        if entry is not None:
            entry.model = reply.model
            if isinstance(reply, StreamReply):
                self.journal.begin_stream(entry)
        is_receipt = isinstance(reply, JsonReply) and reply.is_receipt
        if delay_s is not None and not is_receipt:
            reply = dataclasses.replace(reply, behaviour=reply.behaviour.delayed(delay_s))
        await play(exchange, reply)

    def _check_key(self, key: str | None) -> None:
        if self._required_key is None:
            return
        if key is None:
            raise missing_key()
        if not hmac.compare_digest(key.encode(), self._required_key.encode()):
            raise wrong_key()


def _find_handler(endpoint: Endpoint, request: Request) -> Handler:
    method = "GET" if request.method == "HEAD" else request.method
    if not endpoint.handlers:
        raise unknown_path(request.method, request.path)
    handler = endpoint.handlers.get(method)
    if handler is None:
        raise wrong_method(request.method, request.path, ", ".join(endpoint.handlers))
    return handler
