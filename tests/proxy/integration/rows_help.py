"""Rows of a small installation, made by the domain as the console makes them."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from apikeys.public import CreatedKey, Limit, Workspace, create_key, create_workspace, save_limit
from common.secret import Secret
from proxy.domain import TargetDraft, save_backend, save_price, save_route
from proxy.models import Backend, Price, Route


def make_backend(name: str = "main", **fields) -> Backend:
    credential = fields.pop("credential", Secret("sk-theirs"))
    return save_backend(Backend(name=name, **({"provider": "openai", "base_url": "http://127.0.0.1:9/v1"} | fields)), credential=credential)


def make_route(model: str = "gpt", *backends: Backend, **fields) -> Route:
    targets = [TargetDraft(backend, f"{model}-upstream") for backend in backends or (make_backend(f"for-{model}"),)]
    return save_route(Route(model=model, **fields), targets)


def make_limit(name: str = "small", **fields) -> Limit:
    return save_limit(Limit(name=name, **({"scope": "key", "unit": "requests", "amount": 10, "window_s": 60} | fields)))


def make_price(model: str, backend: Backend | None = None, **fields) -> Price:
    wanted = {
        "input_nano_usd_per_mtok": 1_000_000,
        "output_nano_usd_per_mtok": 3_000_000,
        "effective_at": timezone.now() - dt.timedelta(days=1),
    }
    return save_price(Price(provider="openai", upstream_model=model, backend=backend, **(wanted | fields)))


def make_key(name: str = "ci", workspace: Workspace | None = None, **options) -> CreatedKey:
    return create_key(workspace or make_workspace(), name, **options)


def make_workspace(slug: str = "acme") -> Workspace:
    return Workspace.objects.filter(slug=slug).first() or create_workspace(slug, slug.title())
