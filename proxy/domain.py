"""
The only writers of backends, routes, services, prices and configuration revisions.

Rules: each write is a transaction that ends in at most one new revision (`common.publishing`); several writes in one `publishing`
block share theirs. A published revision is never changed.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import ProtectedError, Q

from common.aead import DecryptionError
from common.errors import DomainError
from common.publishing import publishing
from common.secret import Secret
from proxy.choices import PriceSource
from proxy.configuration.diff import render
from proxy.configuration.export import build_document
from proxy.credentials import key_ring
from proxy.models import Backend, ConfigurationRevision, Price, Route, Service, Target
from proxy.signals import revision_published
from proxy.validators import (
    check_header_names,
    check_provider_address,
    check_route_names,
    check_service_path,
    check_upstream_model,
    origin_of,
)

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

    Errors: ValidationError, see `check_backend`.
    Guarantee: a credential is sealed before it is stored; giving the same one again changes nothing. A stored credential is never sent
    to another scheme, host or port than it was given for.
    """
    with publishing(f"Save backend {backend.name}"):
        check_backend(backend, credential=credential)
        stored = Backend.objects.select_for_update().filter(pk=backend.pk).first()
        backend.credential_sealed = stored.credential_sealed if stored else None
        if credential is not KEEP and not _is_sealed_already(backend, credential):
            backend.set_credential(credential)
        backend.save()
    return backend


def check_backend(backend: Backend, *, credential: Secret | Keep | None = KEEP) -> None:
    """
    Errors: ValidationError, at the field, for an address that the provider is not at, or one elsewhere without the credential for it:
    whoever may change addresses but has not the credential must not have it sent to a place of their choice.

    Cost: at most three queries.
    """
    backend.full_clean()
    check_provider_address(backend.provider, backend.base_url, backend.api_version)
    if credential is not KEEP:
        return
    sealed = Backend.objects.filter(pk=backend.pk, credential_sealed__isnull=False)
    stored_url = sealed.values_list("base_url", flat=True).first()
    if stored_url is not None and origin_of(stored_url) != origin_of(backend.base_url):
        raise ValidationError(
            {
                "base_url": "This address is another server's, and the stored credential was given for the one before. "
                "Give the credential again, or remove it."
            }
        )


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

    Errors: ValidationError, see `check_route` and `check_targets`.
    """
    with publishing(f"Save route {route.model}"):
        check_route(route)
        check_targets(route.model, targets)
        route.save()
        _replace_targets(route, targets)
    return route


def check_route(route: Route) -> None:
    """
    Errors: ValidationError, at the field, unless each name of the route is one that a request can carry and no other route has.

    Cost: at most two queries. Aliases are put into their order, each once.
    """
    route.aliases = sorted({alias.strip() for alias in route.aliases})
    check_route_names(route.model, route.aliases)
    route.full_clean()
    names = [route.model, *route.aliases]
    for other in Route.objects.exclude(pk=route.pk).filter(Q(model__in=names) | Q(aliases__overlap=names)):
        taken = sorted(set(names) & {other.model, *other.aliases})
        field = "model" if route.model in taken else "aliases"
        raise ValidationError({field: f"The route {other.model} has the name {', '.join(taken)} already."})


def give_up_aliases(route: Route, names: Collection[str]) -> None:
    """Take these names off a stored route, so that another one can have them."""
    with publishing(f"Save route {route.model}"):
        route.aliases = [alias for alias in route.aliases if alias not in names]
        route.save(update_fields=["aliases", "updated_at"])


def check_targets(model: str, targets: Sequence[TargetDraft]) -> None:
    """Errors: ValidationError unless a route for `model` can have these targets: at least one that gets traffic, and none twice."""
    for target in targets:
        check_upstream_model(model, target.upstream_model)
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


# --- services -------------------------------------------------------------------------------------------------------------------


def save_service(service: Service) -> Service:
    """Store a new or changed service. Errors: ValidationError, see `check_service`."""
    with publishing(f"Save service {service.path}"):
        check_service(service)
        service.save()
    return service


def check_service(service: Service) -> None:
    """
    Errors: ValidationError, at the field, for a path that is ours or another service's, and for headers that never cross.

    Cost: one query. Names of headers are put into small letters and their order, each once.
    """
    for field, check in _SERVICE_CHECKS.items():
        if field != "path":
            setattr(service, field, sorted({name.strip().lower() for name in getattr(service, field)}))
        try:
            check(getattr(service, field))
        except ValidationError as error:
            raise ValidationError({field: error.messages}) from error
    service.full_clean()


_SERVICE_CHECKS: Final[dict[str, Callable[[Any], None]]] = {
    "path": check_service_path,
    "request_headers": check_header_names,
    "response_headers": check_header_names,
}


def delete_service(service: Service) -> None:
    """Delete a service; its path is nobody's from the next revision on."""
    with publishing(f"Delete service {service.path}"):
        service.delete()


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
        wait_for_turn()
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


def wait_for_turn() -> None:
    """Hold back whoever else publishes until the transaction ends. A second call in it costs a round trip and changes nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_PUBLISH_LOCK])
