"""The plain HTTP service: `/infer` to put behind a cached route, and `/logs`, `/metrics`, `/healthz` to see what arrived."""

from __future__ import annotations

import datetime as dt
from itertools import count
from typing import Any

import msgspec

from proxy.simulator.behaviour import Behaviour, get_behaviour
from proxy.simulator.errors import ProviderError, invalid_request
from proxy.simulator.exchange import Request
from proxy.simulator.journal import Journal
from proxy.simulator.openai import FAILURE_BODY, error_object
from proxy.simulator.reply import JsonReply, Reply
from proxy.simulator.text import Dice, count_tokens, write_tokens
from proxy.simulator.wire import JSON_HEADERS, dump, retry_after

_INFERENCE = Behaviour(first_token_s=0.05)
_LABELS = ("positive", "neutral", "negative")
_METRICS_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


def render_error(error: ProviderError) -> JsonReply:
    return JsonReply(dump(error_object(error)), error.status, (*JSON_HEADERS, *retry_after(error)), model=error.model)


class Service:
    """The endpoints that need to know what happened before; `journal` is what they show."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._serials = count(1)

    def infer(self, request: Request) -> Reply:
        """
        GET /infer?input=..., POST /infer

        The result follows from the input; `serial` and `served_at` are new each time, so a cached answer can be told from a fresh one.
        A `model` in the query or the body chooses a behaviour, as everywhere.
        """
        given = dict(request.query) if request.method == "GET" else _read_body(request)
        model = str(given.get("model") or "infer")
        text = str(given.get("input") or given.get("prompt") or given.get("q") or given)
        dice = Dice(text)
        body = {
            "model": model,
            "input": text,
            "label": dice.pick(_LABELS),
            "score": round(0.5 + dice.below(5000) / 10_000, 4),
            "output": "".join(write_tokens(text, text)),
            "input_tokens": count_tokens(text),
            "serial": next(self._serials),
            "served_at": dt.datetime.now(dt.UTC).isoformat(),
        }
        return JsonReply(dump(body), behaviour=get_behaviour(model, _INFERENCE), model=model, error_body=FAILURE_BODY)

    def logs(self, request: Request) -> Reply:
        """GET /logs?limit=N: the last requests, the oldest first"""
        entries = self._journal.entries()
        limit = request.query.get("limit", "")
        if limit and not limit.isdecimal():
            raise invalid_request("limit must be a whole number.", param="limit")
        shown = entries[max(len(entries) - int(limit), 0) :] if limit else entries
        return JsonReply(dump({"requests": [entry.as_json() for entry in shown]}))

    def clear_logs(self, _request: Request) -> Reply:
        """DELETE /logs"""
        return JsonReply(dump({"cleared": self._journal.clear()}))

    def metrics(self, _request: Request) -> Reply:
        """GET /metrics"""
        return JsonReply(self._journal.metrics_text().encode(), headers=((b"content-type", _METRICS_TYPE),))


def healthz(_request: Request) -> Reply:
    """GET /healthz"""
    return JsonReply(b'{"status":"ok"}')


def _read_body(request: Request) -> dict[str, Any]:
    """Return a JSON object as it is, and anything else as the input itself."""
    try:
        given = msgspec.json.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if b"json" in request.headers.get(b"content-type", b""):
            raise invalid_request("The request body is not valid JSON.") from error
        return {"input": request.body.decode("utf-8", "replace")}
    return given if isinstance(given, dict) else {"input": given}
