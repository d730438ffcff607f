"""Lists of models as OpenAI's and Anthropic's SDKs read them."""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import msgspec

_encoder = msgspec.json.Encoder()
_PAGE_MAX_COUNT = 1000
_PAGE_COUNT = 20  # Anthropic's own default


class ModelName(NamedTuple):
    """`created_at_s` is unix time."""

    id: str
    created_at_s: int


class Page(NamedTuple):
    """Which part of Anthropic's list is asked for."""

    limit_count: int = _PAGE_COUNT
    after_id: str = ""
    before_id: str = ""


def parse_page(query: str) -> Page:
    """Errors: ValueError for a limit that is no number from 1 to 1000."""
    values = parse_qs(query)
    limit = values.get("limit", [str(_PAGE_COUNT)])[0]
    if not limit.isdecimal() or not 1 <= int(limit[:6]) <= _PAGE_MAX_COUNT:
        raise ValueError(f"'limit' is a number from 1 to {_PAGE_MAX_COUNT}.")
    return Page(int(limit), values.get("after_id", [""])[0], values.get("before_id", [""])[0])


def dump_models(models: list[ModelName]) -> bytes:
    return _encoder.encode({"object": "list", "data": [_model(model) for model in models]})


def dump_model(model: ModelName) -> bytes:
    return _encoder.encode(_model(model))


def _model(model: ModelName) -> dict[str, Any]:
    return {"id": model.id, "object": "model", "created": model.created_at_s, "owned_by": "gatewaysite"}


def dump_anthropic_models(models: list[ModelName], page: Page) -> bytes:
    """Return one page of a list sorted by id."""
    found = [model for model in models if model.id > page.after_id and (not page.before_id or model.id < page.before_id)]
    shown = found[-page.limit_count :] if page.before_id else found[: page.limit_count]
    body = {
        "data": [_anthropic_model(model) for model in shown],
        "has_more": len(found) > len(shown),
        "first_id": shown[0].id if shown else None,
        "last_id": shown[-1].id if shown else None,
    }
    return _encoder.encode(body)


def dump_anthropic_model(model: ModelName) -> bytes:
    return _encoder.encode(_anthropic_model(model))


def _anthropic_model(model: ModelName) -> dict[str, Any]:
    created_at = dt.datetime.fromtimestamp(model.created_at_s, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"type": "model", "id": model.id, "display_name": model.id, "created_at": created_at}
