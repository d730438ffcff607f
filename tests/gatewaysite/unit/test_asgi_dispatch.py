"""One worker's application: the data plane beside Django, told apart by path and role; started once, stopped with the worker."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from gatewaysite import asgi
from gatewaysite.asgi import Application


class FakeServices:
    """Services at `/infer`, and at paths that are ours, as a stale snapshot could have them."""

    def find(self, path: str) -> str | None:
        return next((at for at in ("/infer", "/admin", "/api", "/v1", "/apix", "/administrate") if f"{path}/".startswith(f"{at}/")), None)

    async def __call__(self, scope: Any, receive: Any, send: Any, service: str) -> None:
        await _answer(send, f"service {service}".encode())


class FakeRuntime:
    """A data plane that answers with its name."""

    made: list[FakeRuntime] = []

    def __init__(self, settings: Any, lifecycle: Any) -> None:
        self.lifecycle = lifecycle
        self.services = FakeServices()
        self.starts_count = self.stops_count = self.doors_count = 0
        FakeRuntime.made.append(self)

    async def start(self) -> None:
        await asyncio.sleep(0.01)
        self.starts_count += 1
        self.lifecycle.mark_ready()

    async def stop(self) -> None:
        self.stops_count += 1

    async def data_plane(self, scope: Any, receive: Any, send: Any) -> None:
        await _answer(send, b"data plane")

    def open_rest_door(self, application: Any) -> Any:
        self.doors_count += 1

        async def door(scope: Any, receive: Any, send: Any) -> None:
            await _answer(send, b"door")

        return door


async def _answer(send: Any, body: bytes) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


async def _django(scope: Any, receive: Any, send: Any) -> None:
    await _answer(send, b"django")


@pytest.fixture
def create(monkeypatch, settings):
    FakeRuntime.made.clear()
    monkeypatch.setattr(asgi, "Runtime", FakeRuntime)
    monkeypatch.setattr(asgi, "runtime_settings", lambda: None)
    monkeypatch.setattr(asgi, "_django", _django)

    def make(role: str = "all") -> Application:
        settings.GATEWAY_ROLE = role
        return Application()

    return make


async def _ask(application: Application, path: str, kind: str = "http", headers: Sequence[tuple[bytes, bytes]] = ()) -> tuple[int, bytes]:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await application({"type": kind, "path": path, "method": "GET", "headers": list(headers)}, None, send)  # type: ignore[arg-type]
    if kind == "websocket":
        return sent[0]["code"], b""
    return sent[0]["status"], sent[1]["body"]


@pytest.mark.parametrize(
    ("role", "path", "by"),
    [
        ("all", "/v1/chat/completions", b"data plane"),
        ("all", "/v1/anything", b"data plane"),
        ("all", "/admin/", b"django"),
        ("all", "/", b"django"),
        ("all", "/v10/", b"django"),
        ("all", "/livez", b"alive"),
        ("proxy", "/v1/models", b"data plane"),
        ("proxy", "/admin/", b"not served"),
        ("proxy", "/", b"not served"),
        ("proxy", "/readyz", b"ready"),
        ("console", "/v1/models", b"django"),
        ("console", "/admin/", b"django"),
        ("console", "/metrics", b"# HELP"),
        ("all", "/infer", b"service /infer"),
        ("proxy", "/infer/deep", b"service /infer"),
        ("console", "/infer", b"django"),
        ("all", "/inferno", b"django"),
        ("all", "/apix", b"service /apix"),
        ("all", "/administrate/x", b"service /administrate"),
        ("all", "/api/items", b"django"),
        ("proxy", "/api", b"not served"),
        ("all", "/v1", b"data plane"),
    ],
)
async def test_who_answers(create, role, path, by):
    _, body = await _ask(create(role), path)

    assert by in body


@pytest.mark.parametrize(
    ("role", "path", "header", "by"),
    [
        ("all", "/api/items", (b"authorization", b"Bearer k"), b"door"),
        ("all", "/api/items", (b"x-api-key", b"k"), b"door"),
        ("console", "/api/items", (b"x-api-key", b"k"), b"door"),
        ("all", "/api", (b"x-api-key", b"k"), b"door"),
        ("proxy", "/api/items", (b"x-api-key", b"k"), b"not served"),
        ("all", "/api/items", (b"authorization", b"Basic YTpi"), b"django"),
        ("all", "/api/items", (b"cookie", b"sessionid=1"), b"django"),
        ("all", "/admin/", (b"x-api-key", b"k"), b"django"),
    ],
)
async def test_a_program_with_a_key_comes_through_the_door(create, role, path, header, by):
    assert by in (await _ask(create(role), path, headers=[header]))[1]


async def test_there_is_one_door_however_many_come_at_once(create):
    application = create("console")

    await asyncio.gather(*[_ask(application, "/api/items", headers=[(b"x-api-key", b"k")]) for _ in range(10)])

    (runtime,) = FakeRuntime.made
    assert (runtime.starts_count, runtime.doors_count) == (1, 1)


async def test_what_a_process_does_not_serve_is_a_404(create):
    assert (await _ask(create("proxy"), "/admin/"))[0] == 404


@pytest.mark.parametrize("role", ["all", "proxy", "console"])
async def test_a_websocket_is_closed_politely(create, role):
    assert await _ask(create(role), "/v1/realtime", "websocket") == (4404, b"")


async def test_the_first_requests_start_the_data_plane_once_under_a_server_without_lifespan(create):
    application = create()

    answers = await asyncio.gather(*[_ask(application, "/v1/models") for _ in range(20)])

    assert answers == [(200, b"data plane")] * 20
    (runtime,) = FakeRuntime.made
    assert runtime.starts_count == 1
    assert runtime.lifecycle is application.lifecycle


async def test_a_start_that_fails_is_tried_again_with_the_next_request(create, monkeypatch):
    application = create()

    async def fail(self) -> None:
        raise OSError("the spool cannot be written")

    with monkeypatch.context() as patch, pytest.raises(OSError):
        patch.setattr(FakeRuntime, "start", fail)
        await _ask(application, "/v1/models")

    assert await _ask(application, "/v1/models") == (200, b"data plane")


async def _live(application: Application) -> list[str]:
    """Run the lifespan to its end; return what it said."""
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    said: list[str] = []

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        said.append(message["type"])

    await application({"type": "lifespan"}, receive, send)
    return said


async def test_the_data_plane_lives_as_long_as_the_worker(create):
    application = create()

    said = await _live(application)

    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    (runtime,) = FakeRuntime.made
    assert (runtime.starts_count, runtime.stops_count) == (1, 1)


async def test_a_console_starts_no_data_plane_and_is_ready(create):
    application = create("console")

    await _live(application)

    assert FakeRuntime.made == []
    assert application.lifecycle.is_ready


async def test_the_console_never_takes_more_than_two_requests_at_once(create, monkeypatch):
    running, most = 0, 0

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.005)
        running -= 1
        await _answer(send, b"django")

    monkeypatch.setattr(asgi, "_django", slow)
    application = create()

    await asyncio.gather(*[_ask(application, "/admin/") for _ in range(10)])

    assert most == 2


async def test_the_console_does_not_wait_for_the_data_plane(create, monkeypatch):
    async def fail(self) -> None:
        raise OSError("the spool cannot be written")

    monkeypatch.setattr(FakeRuntime, "start", fail)

    assert await _ask(create(), "/admin/") == (200, b"django")


# Cross-origin requests

_ORIGIN = (b"origin", b"https://app.example")
_PREFLIGHT = (_ORIGIN, (b"access-control-request-method", b"POST"))


async def _head(application: Application, path: str, method: str, *headers: tuple[bytes, bytes]) -> tuple[int, set[str]]:
    """Return the status, and the names of the answer's headers."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "path": path, "method": method, "headers": list(headers)}
    await application(scope, None, send)  # type: ignore[arg-type]
    return sent[0]["status"], {name.decode() for name, _ in sent[0]["headers"]}


@pytest.mark.parametrize("path", ["/v1/models", "/api/items", "/infer", "/infer/x", "/nothing"])
async def test_a_page_may_call_and_read_where_its_origin_is_listed(create, monkeypatch, path):
    monkeypatch.setenv("GATEWAY_CORS_ORIGINS", "https://app.example, https://b.example")
    application = create()

    status, preflight = await _head(application, path, "OPTIONS", *_PREFLIGHT)
    _, answer = await _head(application, path, "GET", _ORIGIN)

    assert status == 204
    assert {"access-control-allow-origin", "access-control-allow-methods"} <= preflight
    times = {
        "/api/items": {"x-response-time", "x-process-time", "x-cache-status"},
        "/nothing": {"x-response-time", "x-process-time"},
    }.get(path, set())
    assert answer == {"access-control-allow-origin", "access-control-expose-headers", "vary"} | times


async def test_a_preflight_needs_no_data_plane(create, monkeypatch):
    monkeypatch.setenv("GATEWAY_CORS_ORIGINS", "*")

    assert (await _head(create(), "/v1/models", "OPTIONS", *_PREFLIGHT))[0] == 204
    assert FakeRuntime.made == []


@pytest.mark.parametrize("path", ["/admin/", "/static/a.js", "/accounts/login/", "/ws/v1/stream", "/metrics", "/livez"])
@pytest.mark.parametrize(("method", "headers"), [("OPTIONS", _PREFLIGHT), ("GET", (_ORIGIN,))])
async def test_other_origins_never_reach_the_console(create, monkeypatch, path, method, headers):
    monkeypatch.setenv("GATEWAY_CORS_ORIGINS", "*")

    _, names = await _head(create(), path, method, *headers)

    assert [name for name in names if name.startswith("access-control-")] == []


@pytest.mark.parametrize(("method", "headers"), [("OPTIONS", _PREFLIGHT), ("GET", (_ORIGIN,))])
async def test_without_origins_nothing_is_said_of_any(create, monkeypatch, method, headers):
    monkeypatch.delenv("GATEWAY_CORS_ORIGINS", raising=False)

    assert await _head(create(), "/v1/models", method, *headers) == (200, set())
