"""
The only writers of backends, routes, prices and configuration revisions.

Rules: each write is a transaction that ends in at most one new revision (`common.publishing`); several writes in one `publishing`
block share theirs. A published revision is never changed.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import ProtectedError

from common.aead import DecryptionError
from common.errors import DomainError
from common.publishing import publishing
from common.secret import Secret
from proxy.choices import PriceSource
from proxy.configuration.diff import render
from proxy.configuration.export import build_document
from proxy.credentials import key_ring
from proxy.models import Backend, ConfigurationRevision, Price, Route, Target
from proxy.signals import revision_published

_PUBLISH_LOCK: Final = 0x6777_7265  # "gwre": any fixed number that nothing else of ours locks
_REASON_MAX_LENGTH: Final = 500


class ConfigurationError(DomainError):
    """A write that the domain refuses; its text says what to change."""


class Keep(enum.Enum):
    """The type of KEEP."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP
"""Leave the stored credential as it is."""


@dataclass(frozen=True, slots=True)
class TargetDraft:
    """A target as someone wants it: which backend, the model's name there, its share of the traffic."""

    backend: Backend
    upstream_model: str
    weight: int = 1


# --- backends -------------------------------------------------------------------------------------------------------------------


def save_backend(backend: Backend, *, credential: Secret | Keep | None = KEEP) -> Backend:
    """
    Store a new or changed backend; a `Secret` becomes its credential, None removes it.

    Errors: ValidationError.
    Guarantee: a credential is sealed before it is stored; giving the same one again changes nothing.
    """
    with publishing(f"Save backend {backend.name}"):
        backend.full_clean()
        stored = Backend.objects.select_for_update().filter(pk=backend.pk).first()
        backend.credential_sealed = stored.credential_sealed if stored else None
        if credential is not KEEP and not _is_sealed_already(backend, credential):
            backend.set_credential(credential)
        backend.save()
    return backend


def _is_sealed_already(backend: Backend, credential: Secret | None) -> bool:
    """Sealing twice gives two texts: a credential is sealed anew only when it, or the key that encrypts, is another."""
    if backend.credential_sealed is None or credential is None:
        return False
    try:
        return backend.get_credential() == credential and key_ring().is_primary(bytes(backend.credential_sealed))
    except DecryptionError:
        return False


def delete_backend(backend: Backend) -> None:
    """Delete a backend with its own prices. Errors: ConfigurationError while a route sends to it."""
    with publishing(f"Delete backend {backend.name}"):
        try:
            backend.delete()
        except ProtectedError as error:
            models = ", ".join(sorted(Route.objects.filter(targets__backend=backend).values_list("model", flat=True).distinct()))
            raise ConfigurationError(f"Backend {backend.name} is a target of the routes {models}. Take it off them first.") from error


# --- routes ---------------------------------------------------------------------------------------------------------------------


def save_route(route: Route, targets: Sequence[TargetDraft]) -> Route:
    """
    Store a new or changed route with exactly these targets; one that stays keeps its row.

    Errors: ValidationError, also without a target, with the same one twice, or when no weight is above 0.
    """
    with publishing(f"Save route {route.model}"):
        route.full_clean()
        check_targets(targets)
        route.save()
        _replace_targets(route, targets)
    return route


def check_targets(targets: Sequence[TargetDraft]) -> None:
    """Errors: ValidationError unless a route can have these targets."""
    places = {(target.backend.pk, target.upstream_model) for target in targets}
    if len(places) < len(targets):
        raise ValidationError("Each target stands once in a route: raise its weight instead.")
    if not any(target.weight > 0 for target in targets):
        raise ValidationError("A route needs at least one target with a weight above 0.")


def _replace_targets(route: Route, drafts: Sequence[TargetDraft]) -> None:
    stored = {(target.backend_id, target.upstream_model): target for target in route.targets.select_for_update()}
    for draft in drafts:
        target = stored.pop((draft.backend.pk, draft.upstream_model), None) or Target(route=route)
        target.backend, target.upstream_model, target.weight = draft.backend, draft.upstream_model, draft.weight
        target.full_clean()
        target.save()
    route.targets.filter(pk__in=[target.pk for target in stored.values()]).delete()


def delete_route(route: Route) -> None:
    """Delete a route with its targets."""
    with publishing(f"Delete route {route.model}"):
        route.delete()


# --- prices ---------------------------------------------------------------------------------------------------------------------


def save_price(price: Price) -> Price:
    """Store a new or changed operator's price. Errors: ValidationError; ConfigurationError for one of the published list."""
    with publishing(f"Save price {price}"):
        _check_is_operators(price)
        price.full_clean()
        price.save()
    return price


def delete_price(price: Price) -> None:
    """Delete an operator's price. Errors: ConfigurationError for one of the published list."""
    with publishing(f"Delete price {price}"):
        _check_is_operators(price)
        price.delete()


def _check_is_operators(price: Price) -> None:
    is_listed = Price.objects.filter(pk=price.pk, source=PriceSource.SNAPSHOT).exists()
    if is_listed or price.source != PriceSource.OPERATOR:
        raise ConfigurationError("Published list prices come with the product. Add an operator's price: it wins over the list.")


# --- revisions ------------------------------------------------------------------------------------------------------------------


def publish_revision(actor: Any, reason: str) -> ConfigurationRevision | None:
    """
    Store the configuration as it is now as the next revision, None where it equals the last one.

    Cost: the queries of `build_document` and three more.
    Guarantee: numbers rise by one, without gaps, in the order of commits, because publishing is one at a time until the commit.
    """
    with transaction.atomic():
        _wait_for_turn()
        last = ConfigurationRevision.objects.order_by("-number").first()
        document = json.loads(json.dumps(build_document()))  # as it will be read back, so that equal means equal
        if last is not None and last.document == document:
            return None
        revision = ConfigurationRevision.objects.create(
            number=last.number + 1 if last else 1,
            actor=actor if getattr(actor, "pk", None) else None,
            reason=reason[:_REASON_MAX_LENGTH],
            diff=render(last.document if last else None, document),
            document=document,
        )
        transaction.on_commit(partial(revision_published.send_robust, sender=ConfigurationRevision, number=revision.number))
    return revision


def _wait_for_turn() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_PUBLISH_LOCK])
