"""
Take away what a file does not name.

Rules: only in sections that the file has. What something else still needs is never taken away in silence: it is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from apikeys.public import ApiKey, Limit, Workspace, delete_limit, delete_workspace, revoke_key
from common.errors import DomainError
from guardrails.public import WordList, delete_policy, delete_word_list
from proxy.choices import PriceSource
from proxy.configuration.diff import SECTIONS
from proxy.configuration.export import api_key_fields, price_fields, published_policies, unrevoked_api_keys
from proxy.configuration.format import Document, DocumentError
from proxy.domain import delete_backend, delete_price, delete_route, delete_service
from proxy.models import Backend, Price, Route, Service


def prune(document: Document) -> None:
    """
    Delete, and for API keys revoke, what the sections of `document` do not name, save routes; users of a thing come before the thing.

    Errors: DocumentError for a backend that a route sends to, a limit that an API key names, a workspace that has API keys,
    a policy that an API key names, a word list that a policy names.
    """
    steps: Sequence[tuple[str, Callable[[], Iterable[Any]], Callable[[Any], str], Callable[[Any], None]]] = (
        ("api_keys", unrevoked_api_keys, lambda row: _identify("api_keys", api_key_fields(row)), revoke_key),
        ("guardrails", published_policies, lambda row: row.name, delete_policy),
        ("word_lists", WordList.objects.all, lambda row: row.name, delete_word_list),
        ("prices", _operator_prices, lambda row: _identify("prices", price_fields(row)), delete_price),
        ("services", Service.objects.all, lambda row: row.path, delete_service),
        ("backends", Backend.objects.all, lambda row: row.name, delete_backend),
        ("limits", Limit.objects.all, lambda row: row.name, _delete_limit),
        ("workspaces", Workspace.objects.all, lambda row: row.slug, delete_workspace),
    )
    for step in steps:
        _prune_section(document, *step)


def prune_routes(document: Document) -> None:
    """Delete the routes that the document, if it has that section, does not name."""
    _prune_section(document, "routes", Route.objects.all, lambda row: row.model, delete_route)


def _prune_section(
    document: Document,
    section: str,
    stored: Callable[[], Iterable[Any]],
    name_of: Callable[[Any], str],
    remove: Callable[[Any], None],
) -> None:
    if not document.has(section):
        return
    named = {_identify(section, entry.fields()) for entry in document.entries(section)}
    for row in stored():
        if name_of(row) not in named:
            _remove(section, name_of(row), row, remove)


def _identify(section: str, fields: Any) -> str:
    return next(each for each in SECTIONS if each.key == section).identify(fields)


def _remove(section: str, name: str, row: Any, remove: Callable[[Any], None]) -> None:
    try:
        remove(row)
    except DomainError as error:
        raise DocumentError(f"{name} is not named there and cannot be deleted. {error}", f"$.{section}") from error


def _operator_prices() -> Iterable[Price]:
    return Price.objects.filter(source=PriceSource.OPERATOR).select_related("backend")


def _delete_limit(limit: Limit) -> None:
    users = [str(key) for key in ApiKey.objects.filter(limits=limit, revoked_at=None).order_by("name")]
    if users:
        raise DocumentError(f"API keys name it: {', '.join(users)}. Take it off them first.")
    delete_limit(limit)
