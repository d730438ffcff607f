"""
The ASGI application: reads a request, asks the handler of its path for a reply, has it played, and writes down what happened.

Handlers are pure functions from `Request` to `Reply`; an error they raise is written in the dialect of the path. Nothing here knows
a dialect. A client that leaves cancels the request, and so does `stop()`.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from proxy.simulator import anthropic, embeddings, ollama, openai, responses, service
from proxy.simulator.errors import ProviderError, unknown_path, wrong_key, wrong_method
from proxy.simulator.exchange import ClientGoneError, Exchange, Receive, Request, Scope, Send
from proxy.simulator.journal import Entry, Journal
from proxy.simulator.player import play
from proxy.simulator.reply import JsonReply, Reply, StreamReply

Handler = Callable[[Request], Reply]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The handlers of one path by method, and how it writes errors; one that is not recorded needs no key and stays out of the logs."""

    handlers: Mapping[str, Handler]
    render_error: Callable[[ProviderError], JsonReply]
    is_recorded: bool = True


class Simulator:
    """
    The provider as an ASGI application.

    With `required_key` every call but those to `/logs`, `/metrics` and `/healthz` must carry that key; without, any key or none will do.
    """

    def __init__(self, required_key: str | None = None) -> None:
        self.journal = Journal()
        self._required_key = required_key
        self._endpoints = _endpoints(service.Service(self.journal))
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_stopping = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(f"the simulator speaks HTTP, not {scope['type']}")
        exchange = Exchange(scope, receive, send)
        endpoint = self._find_endpoint(scope["path"], exchange)
        if not endpoint.is_recorded:
            await self._answer_or_leave(exchange, endpoint, None)
            return
        names = tuple(name.decode("latin-1") for name, _ in scope["headers"])
        entry = self.journal.open(scope["method"], scope["path"], names)
        try:
            await self._answer_or_leave(exchange, endpoint, entry)
        finally:
            self.journal.close(entry, exchange.status, is_disconnected=exchange.is_disconnected)

    def stop(self) -> None:
        """Break off everything that is being answered, as a provider does that crashes. Open connections are the server's to close."""
        self._is_stopping = True
        for task in self._tasks:
            task.cancel()

    async def _answer_or_leave(self, exchange: Exchange, endpoint: Endpoint, entry: Entry | None) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("an ASGI application runs in a task")
        self._tasks.add(task)
        try:
            await self._answer(exchange, endpoint, entry)
        except ClientGoneError:
            pass
        except asyncio.CancelledError:
            if not exchange.is_disconnected and not self._is_stopping:
                raise
            task.uncancel()
        finally:
            self._tasks.discard(task)
            exchange.close()

    async def _answer(self, exchange: Exchange, endpoint: Endpoint, entry: Entry | None) -> None:
        delay_s: float | None = None
        try:
            request = await exchange.read_request()
            delay_s = request.find_delay_s()
            if endpoint.is_recorded:
                self._check_key(request)
            reply = _find_handler(endpoint, request)(request)
        except ProviderError as error:
            reply = endpoint.render_error(error)
        if entry is not None:
            entry.model = reply.model
            if isinstance(reply, StreamReply):
                self.journal.begin_stream(entry)
        if delay_s is not None:
            reply = dataclasses.replace(reply, behaviour=reply.behaviour.delayed(delay_s))
        await play(exchange, reply)

    def _check_key(self, request: Request) -> None:
        if self._required_key is None:
            return
        key = request.find_key() or ""
        if not hmac.compare_digest(key.encode(), self._required_key.encode()):
            raise wrong_key()

    def _find_endpoint(self, path: str, exchange: Exchange) -> Endpoint:
        if path.startswith("/v1/models/"):
            path = "/v1/models/{id}"
        found = self._endpoints.get(path)
        if found is None:
            return _UNKNOWN
        if path == "/v1/models" and any(name == b"anthropic-version" for name, _ in exchange.scope["headers"]):
            return _ANTHROPIC_MODELS
        return found


def _find_handler(endpoint: Endpoint, request: Request) -> Handler:
    method = "GET" if request.method == "HEAD" else request.method
    if not endpoint.handlers:
        raise unknown_path(request.method, request.path)
    handler = endpoint.handlers.get(method)
    if handler is None:
        raise wrong_method(request.method, request.path, ", ".join(endpoint.handlers))
    return handler


_UNKNOWN = Endpoint({}, openai.render_error)
_ANTHROPIC_MODELS = Endpoint({"GET": anthropic.models}, anthropic.render_error)


def _endpoints(plain: service.Service) -> Mapping[str, Endpoint]:
    return {
        "/v1/chat/completions": Endpoint({"POST": openai.chat}, openai.render_error),
        "/v1/completions": Endpoint({"POST": openai.completions}, openai.render_error),
        "/v1/embeddings": Endpoint({"POST": embeddings.embeddings}, openai.render_error),
        "/v1/responses": Endpoint({"POST": responses.responses}, openai.render_error),
        "/v1/models": Endpoint({"GET": openai.models}, openai.render_error),
        "/v1/models/{id}": Endpoint({"GET": openai.model}, openai.render_error),
        "/v1/messages": Endpoint({"POST": anthropic.messages}, anthropic.render_error),
        "/v1/messages/count_tokens": Endpoint({"POST": anthropic.count_tokens}, anthropic.render_error),
        "/api/chat": Endpoint({"POST": ollama.chat}, ollama.render_error),
        "/api/generate": Endpoint({"POST": ollama.generate}, ollama.render_error),
        "/api/embed": Endpoint({"POST": ollama.embed}, ollama.render_error),
        "/api/tags": Endpoint({"GET": ollama.tags}, ollama.render_error),
        "/api/version": Endpoint({"GET": ollama.version}, ollama.render_error),
        "/infer": Endpoint({"GET": plain.infer, "POST": plain.infer}, service.render_error),
        "/logs": Endpoint({"GET": plain.logs, "DELETE": plain.clear_logs}, service.render_error, is_recorded=False),
        "/metrics": Endpoint({"GET": plain.metrics}, service.render_error, is_recorded=False),
        "/healthz": Endpoint({"GET": service.healthz}, service.render_error, is_recorded=False),
    }
