"""Backends, routes and prices: what their domain stores and refuses."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from common.aead import KeyRing
from common.secret import Secret
from proxy import credentials, domain
from proxy.models import Backend, ConfigurationRevision, Price, Route, Target

pytestmark = pytest.mark.django_db

_BASE_URL = "https://api.example.com/v1"


def _save_backend(name: str = "openai", credential: Secret | None = None) -> Backend:
    return domain.save_backend(Backend(name=name, provider="openai", base_url=_BASE_URL), credential=credential)


def _price(**values: object) -> Price:
    return Price(**{"provider": "openai", "upstream_model": "gpt-4o", "input_nano_usd_per_mtok": 1, "output_nano_usd_per_mtok": 2} | values)


def test_save_backend_stores_the_credential_sealed_for_its_row():
    backend = _save_backend(credential=Secret("sk-very-secret"))

    stored = Backend.objects.get()
    assert stored.get_credential() == Secret("sk-very-secret")
    assert b"sk-very-secret" not in bytes(stored.credential_sealed)
    assert stored == backend


def test_save_backend_keeps_the_credential_unless_told_otherwise():
    backend = _save_backend(credential=Secret("sk-1"))
    sealed = bytes(Backend.objects.get().credential_sealed)
    backend.total_timeout_s = 30

    domain.save_backend(backend)

    assert bytes(Backend.objects.get().credential_sealed) == sealed


def test_save_backend_with_an_old_copy_keeps_a_newer_credential():
    backend = _save_backend(credential=Secret("sk-1"))
    old_copy = Backend.objects.get()
    domain.save_backend(backend, credential=Secret("sk-2"))

    domain.save_backend(old_copy)

    assert Backend.objects.get().get_credential() == Secret("sk-2")


def test_save_backend_replaces_and_removes_the_credential():
    backend = _save_backend(credential=Secret("sk-1"))

    domain.save_backend(backend, credential=Secret("sk-2"))
    replaced = Backend.objects.get().get_credential()
    domain.save_backend(backend, credential=None)

    assert (replaced, Backend.objects.get().get_credential()) == (Secret("sk-2"), None)


def test_save_backend_with_the_same_credential_publishes_nothing():
    backend = _save_backend(credential=Secret("sk-1"))

    domain.save_backend(backend, credential=Secret("sk-1"))

    assert ConfigurationRevision.objects.count() == 1


def test_save_backend_with_the_same_credential_seals_it_anew_when_another_key_encrypts(monkeypatch):
    backend = _save_backend(credential=Secret("sk-1"))
    old_ring = credentials.key_ring()
    both = KeyRing({"k2": b"2" * 32})
    both._ciphers |= old_ring._ciphers
    monkeypatch.setattr(credentials, "key_ring", lambda: both)
    monkeypatch.setattr(domain, "key_ring", lambda: both)

    domain.save_backend(backend, credential=Secret("sk-1"))

    assert KeyRing.key_id(bytes(Backend.objects.get().credential_sealed)) == "k2"
    assert Backend.objects.get().get_credential() == Secret("sk-1")


def test_save_backend_replaces_a_credential_that_can_no_longer_be_read():
    backend = _save_backend(credential=Secret("sk-1"))
    Backend.objects.update(credential_sealed=b"\x02k0damaged")

    domain.save_backend(backend, credential=Secret("sk-2"))

    assert Backend.objects.get().get_credential() == Secret("sk-2")


@pytest.mark.parametrize(
    "values", [{"base_url": "ftp://example.com"}, {"base_url": "https://user:pw@example.com/v1"}, {"provider": "none"}]
)
def test_save_backend_refuses_what_cannot_be_called(values):
    with pytest.raises(ValidationError):
        domain.save_backend(Backend(**{"name": "b", "provider": "openai", "base_url": _BASE_URL} | values))


def test_delete_backend_refuses_while_a_route_sends_to_it_and_names_the_route():
    backend = _save_backend()
    domain.save_route(Route(model="gpt-4o"), [domain.TargetDraft(backend, "gpt-4o")])

    with pytest.raises(domain.ConfigurationError, match="gpt-4o"):
        domain.delete_backend(backend)

    assert Backend.objects.exists()


def test_delete_backend_takes_its_prices_along():
    backend = _save_backend()
    domain.save_price(_price(backend=backend))

    domain.delete_backend(backend)

    assert not Price.objects.exists()


def test_save_route_stores_exactly_its_targets_and_keeps_the_rows_that_stay():
    first, second = _save_backend("first"), _save_backend("second")
    route = domain.save_route(Route(model="m"), [domain.TargetDraft(first, "a"), domain.TargetDraft(first, "b")])
    kept = Target.objects.get(upstream_model="a")

    domain.save_route(route, [domain.TargetDraft(first, "a", weight=9), domain.TargetDraft(second, "c")])

    stored = {(target.backend.name, target.upstream_model, target.weight) for target in route.targets.select_related("backend")}
    assert stored == {("first", "a", 9), ("second", "c", 1)}
    assert Target.objects.get(upstream_model="a") == kept


@pytest.mark.parametrize(
    "drafts",
    [
        pytest.param([], id="none"),
        pytest.param([("a", 0)], id="no weight"),
        pytest.param([("a", 1), ("a", 2)], id="twice"),
        pytest.param([("", 1)], id="no upstream model"),
    ],
)
def test_save_route_refuses_targets_that_cannot_be_chosen(drafts):
    backend = _save_backend()

    with pytest.raises(ValidationError):
        domain.save_route(Route(model="m"), [domain.TargetDraft(backend, name, weight) for name, weight in drafts])

    assert not Route.objects.exists()


def test_delete_route_takes_its_targets_along():
    route = domain.save_route(Route(model="m"), [domain.TargetDraft(_save_backend(), "a")])

    domain.delete_route(route)

    assert not Target.objects.exists()


def test_save_price_refuses_a_second_one_from_the_same_moment():
    now = timezone.now()
    domain.save_price(_price(effective_at=now))

    with pytest.raises(ValidationError):
        domain.save_price(_price(effective_at=now))


@pytest.mark.parametrize("write", [domain.save_price, domain.delete_price])
def test_a_published_list_price_is_neither_changed_nor_deleted(write):
    listed = _price(source="snapshot")
    listed.save()
    listed.source = "operator"  # saying so does not make it one

    with pytest.raises(domain.ConfigurationError):
        write(listed)

    assert Price.objects.get().source == "snapshot"
