"""
What every endpoint of `/api` is asked with by the tests that go over all of them. A route that is not in here fails them.

Rows are made for one workspace at a time, alike in nothing that an endpoint looks up.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from apikeys.models import ApiKey
from apikeys.public import add_key
from common.ids import create_uuid7
from items import domain as items
from proxy.adapters.usage_store import store_records
from proxy.models import LedgerEntry
from tests.proxy.spool_help import ended
from tests.rest_help import Program

Adder = Callable[[Program, int], dict[str, Any]]
"""Stores one row of a program's workspace; returns the parameters of paths that lead to it. Its texts hold the program's name."""


def add_api_key(program: Program, number: int) -> dict[str, Any]:
    key = ApiKey(workspace=program.key.workspace, name=f"{program.key.name}-{number}", permissions=["usage"])
    return {"key_id": add_key(key).api_key.pk}


def add_usage(program: Program, number: int) -> dict[str, Any]:
    key_id = add_api_key(program, 1000 + number)["key_id"]
    request_id, name = str(create_uuid7()), f"{program.key.name}-{number}"
    store_records([ended(request_id=request_id, workspace_id=str(program.key.workspace_id), key_id=str(key_id), model=name)])
    return {"request_id": uuid.UUID(request_id)}


def add_ledger_entry(program: Program, number: int) -> dict[str, Any]:
    key_id = add_api_key(program, 2000 + number)["key_id"]
    values = {
        "id": create_uuid7(),
        "request_id": create_uuid7(),
        "ts": timezone.now(),
        "workspace_id": program.key.workspace_id,
        "key_id": key_id,
        "kind": "adjust",
    }
    LedgerEntry.objects.create(**values, model=f"{program.key.name}-{number}")
    return {}


def add_item(program: Program, number: int) -> dict[str, Any]:
    name = f"{program.key.name}-{number}"
    fields = {"title": name, "category": name, "tags": [name], "assignee_id": User.objects.create_user(f"of-{name}").pk}
    return {"item_id": items.create_items(program.key.workspace_id, [fields])[0].pk}


def add_channel(program: Program, number: int) -> dict[str, Any]:
    """A channel without signals."""
    made = program.post("/api/signals/channels", {"name": f"{program.key.name}-{number}"})
    assert made.status_code == 201, made.content
    return {"channel": uuid.UUID(made.json()["id"])}


def add_signal(program: Program, number: int) -> dict[str, Any]:
    add_channel(program, 1000 + number)
    name = f"{program.key.name}-{1000 + number}"
    stored = program.post("/api/signals", {"channel": name, "symbol": name, "action": "buy", "payload": {"of": name}})
    assert stored.status_code == 201, stored.content
    return {"signal_id": uuid.UUID(stored.json()["id"])}


ADDERS: dict[str, Adder] = {
    "key": add_api_key,
    "usage": add_usage,
    "ledger": add_ledger_entry,
    "item": add_item,
    "channel": add_channel,
    "signal": add_signal,
}
OWN_CHANNEL = "own"
"""A channel of whoever asks, for endpoints that make something of `Makes`."""


@dataclass(frozen=True)
class Shows:
    """Answers with rows of the caller's workspace: those that an adder made."""

    rows: str
    query: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Makes:
    """Stores or computes something for the caller alone, out of a body. A person names the workspace in the body, or else in the query."""

    body: Any
    content_type: str = "application/json"
    names_workspace_in_body: bool = False


@dataclass(frozen=True)
class Reaches:
    """Leads to rows by their ids, in the path or (told the ids) in the body. What is not the caller's is a 404."""

    body: Callable[[dict[str, Any]], Any] = lambda ids: None


@dataclass(frozen=True)
class Public:
    """Shows no rows of anybody."""


def _of(**body: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda ids: body


_SIGNAL = {"channel": OWN_CHANNEL, "symbol": "MADE", "action": "buy"}

TABLE: dict[tuple[str, str], Shows | Makes | Reaches | Public] = {
    ("schema", "GET"): Public(),
    ("docs", "GET"): Public(),
    ("keys", "GET"): Shows("key"),
    ("keys", "POST"): Makes({"name": "made"}, names_workspace_in_body=True),
    ("key", "GET"): Reaches(),
    ("key", "PATCH"): Reaches(_of(name="mine")),
    ("key-rotate", "POST"): Reaches(_of()),
    ("key-revoke", "POST"): Reaches(_of()),
    ("usage", "GET"): Shows("usage", (("group_by", "key,model"),)),
    ("usage-records", "GET"): Shows("usage"),
    ("ledger", "GET"): Shows("ledger"),
    ("request", "GET"): Reaches(),
    ("guardrails-check", "POST"): Makes({"text": "hello"}),
    ("items", "GET"): Shows("item"),
    ("items", "POST"): Makes({"title": "made"}, names_workspace_in_body=True),
    ("items-bulk", "POST"): Makes({"items": [{"title": "made"}]}, names_workspace_in_body=True),
    ("items-bulk", "PATCH"): Reaches(lambda ids: {"items": [{"id": str(ids["item_id"]), "title": "mine"}]}),
    ("items-stats", "GET"): Shows("item"),
    ("items-export", "GET"): Shows("item"),
    ("item", "GET"): Reaches(),
    ("item", "PUT"): Reaches(_of(title="mine")),
    ("item", "PATCH"): Reaches(_of(title="mine")),
    ("item", "DELETE"): Reaches(),
    ("signals", "GET"): Shows("signal"),
    ("signals", "POST"): Makes(_SIGNAL),
    ("signals-bulk", "POST"): Makes({"signals": [_SIGNAL]}),
    ("signals-stream", "POST"): Makes(_SIGNAL, "application/x-ndjson"),
    ("signals-latest", "GET"): Shows("signal"),
    ("signals-hourly", "GET"): Shows("signal"),
    ("signal", "GET"): Reaches(),
    ("channels", "GET"): Shows("channel"),
    ("channels", "POST"): Makes({"name": "made"}, names_workspace_in_body=True),
    ("channel", "PATCH"): Reaches(_of(description="mine")),
    ("channel", "DELETE"): Reaches(),
}
