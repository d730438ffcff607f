"""
What rules that ask somebody else ask through: the gateway's own guarded client, and a model behind one of its own routes.

Rules: nothing here follows a redirect or connects to an address that the egress policy refuses; an answer is read up to a bound. A judge
is asked under no policy, or it would wait for itself, and within the snapshot of the moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from guardrails.egress import LONGEST_ANSWER
from proxy.ports import Endpoint, Timeouts, Upstream
from proxy.snapshot import Snapshot
from proxy.translators.registry import find_translation
from proxy.wire.openai import parse_chat_request

_encode = msgspec.json.Encoder().encode
_SUCCESS = 200


class GuardedEgress:
    """The `Egress` of guardrails. Errors: ValueError for what is no http URL, UpstreamFailure."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def post_json(self, url: str, headers: Mapping[str, str], body: bytes, timeout_s: float) -> tuple[int, bytes]:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
            raise ValueError("a guardrail asks an http or https URL without a user name")
        scheme: Literal["http", "https"] = "https" if parts.scheme == "https" else "http"
        endpoint = Endpoint(scheme, parts.hostname, parts.port or (443 if scheme == "https" else 80))
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        pairs = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
        response = await self._upstream.send(endpoint, "POST", target, pairs, body, Timeouts(timeout_s, timeout_s, timeout_s, timeout_s))
        try:
            return response.status, await response.read_all(LONGEST_ANSWER)
        finally:
            response.abort()


class _ReplyMessage(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    message: _ReplyMessage


class _Reply(msgspec.Struct):
    choices: list[_Choice]


_reply_decoder = msgspec.json.Decoder(_Reply)


class RouteJudge:
    """The `Judge` of guardrails: the first target of a route. Errors: LookupError without one, and what its call fails with."""

    def __init__(self, upstream: Upstream, snapshot: Callable[[], Snapshot]) -> None:
        self._upstream = upstream
        self._snapshot = snapshot

    async def ask(self, model: str, messages: Sequence[Mapping[str, str]], timeout_s: float) -> str:
        snapshot = self._snapshot()
        route = snapshot.find_route(model)
        if route is None or not route.targets:
            raise LookupError(f"no route for the judge's model {model!r}")
        body = _encode({"model": model, "messages": list(messages), "temperature": 0})
        request = parse_chat_request(body, 64)
        target = route.targets[0]
        backend = snapshot.backends[target.backend]
        translation = find_translation("chat", backend.provider)
        call = translation.translate_request(request, target, backend, [])
        timeouts = Timeouts(timeout_s, timeout_s, timeout_s, timeout_s)
        response = await self._upstream.send(backend.endpoint, call.method, call.path, call.headers, call.body, timeouts)
        try:
            if response.status != _SUCCESS:
                raise LookupError(f"the judge's backend answered {response.status}")
            reply = translation.translate_reply(await response.read_all(LONGEST_ANSWER), request)
        finally:
            response.abort()
        choices = _reply_decoder.decode(reply.body).choices
        return (choices[0].message.content or "") if choices else ""
