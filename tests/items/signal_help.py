"""What the tests of signals share: a workspace with channels, programs that send to it, signals as they are sent."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from typing import Any

from django.http import HttpResponse
from django.utils import timezone

from apikeys.public import Workspace
from items import signal_store
from items.signal_rows import Span, check_texts
from items.signal_store import Stored, store_signals
from tests.rest_help import Program, make_program

PERMISSIONS = ["signals_read", "signals_write"]
NDJSON = "application/x-ndjson"
_numbers = itertools.count(1)


def make_sender(workspace: Workspace, name: str = "alice", channels: tuple[str, ...] = ("momentum",)) -> Program:
    """Return a program that may do everything with the workspace's signals, which has these channels."""
    for channel in channels:
        signal_store.create_channel(workspace.pk, channel)
    return make_program(workspace, name, permissions=list(PERMISSIONS))


def a_signal(**fields: Any) -> dict[str, Any]:
    """Return a signal with an external id that no other has; None takes a field out."""
    values = {"channel": "momentum", "symbol": "BTC-USD", "action": "buy", "external_id": f"e-{next(_numbers)}"} | fields
    return {name: value for name, value in values.items() if value is not None}


def ago(**span: float) -> str:
    return (timezone.now() - dt.timedelta(**span)).isoformat()


def store(workspace: Workspace, *signals: dict[str, Any]) -> Stored:
    """Store signals without the REST API in between."""
    texts = [(place, json.dumps(signal, default=str).encode()) for place, signal in enumerate(signals)]
    checked = check_texts(texts, Span(timezone.now(), dt.timedelta(days=90)))
    assert not checked.wrong, checked.wrong
    return store_signals(workspace.pk, checked.rows)


def stream(program: Program, *lines: str | bytes | dict[str, Any], content_type: str = NDJSON) -> HttpResponse:
    texts = [line if isinstance(line, bytes) else (line if isinstance(line, str) else json.dumps(line)).encode() for line in lines]
    return program.client.post("/api/signals/stream", b"\n".join(texts), content_type=content_type, headers=program.headers)


def rows_of(answer: HttpResponse) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.content
    rows: list[dict[str, Any]] = answer.json()["data"]
    return rows
