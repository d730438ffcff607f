"""The console and revisions: one request that changes configuration is one revision, whatever it touches."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from apikeys.models import Limit, Workspace
from apikeys.public import create_key, create_workspace, save_limit
from proxy import domain
from proxy.models import Backend, ConfigurationRevision, Price, Route
from tests.gatewaysite.integration.admin_help import MARKS, make_row, read_form

pytestmark = MARKS

_BASE_URL = "https://api.example.com/v1"
_PRICE = {"upstream_model": "m", "provider": "p", "input_nano_usd_per_mtok": "0.15", "output_nano_usd_per_mtok": "0.6"}


def _target(backend: Backend) -> dict[str, Any]:
    return {"targets-0-backend": backend.pk, "targets-0-upstream_model": "up", "targets-0-weight": 1, "targets-TOTAL_FORMS": 1}


ADDED = {
    "apikeys.workspace": lambda: {"slug": "acme", "name": "Acme", "is_active": "on"},
    "apikeys.limit": lambda: {"name": "slow", "scope": "key", "amount": 5, "window_s": 1},
    "proxy.backend": lambda: {"name": "b", "provider": "openai", "base_url": _BASE_URL, "credential": "sk-1"},
    "proxy.route": lambda: {"model": "gpt-4o"} | _target(_backend("first")),
    "proxy.price": lambda: _PRICE,
}


def _backend(name: str = "b") -> Backend:
    return domain.save_backend(Backend(name=name, provider="openai", base_url=_BASE_URL))


def _stored(label: str) -> Any:
    """Store two rows of one kind through the domain and return the first."""
    first, _second = _TWO_STORED[label]()
    return first


def _store_routes() -> list[Route]:
    backend = _backend()
    return [domain.save_route(Route(model=name), [domain.TargetDraft(backend, "up")]) for name in ("m", "n")]


def _store_price(upstream_model: str) -> Price:
    nanos = {"input_nano_usd_per_mtok": 150_000_000, "output_nano_usd_per_mtok": 600_000_000}
    return domain.save_price(Price(provider="p", upstream_model=upstream_model, **nanos))


_TWO_STORED = {
    "apikeys.workspace": lambda: [create_workspace("acme", "Acme"), create_workspace("other", "Other")],
    "apikeys.limit": lambda: [save_limit(Limit(name=name, scope="key", amount=1)) for name in ("a", "b")],
    "proxy.backend": lambda: [_backend("b"), _backend("c")],
    "proxy.route": _store_routes,
    "proxy.price": lambda: [_store_price("m"), _store_price("n")],
}


def _url(label: str, page: str, *args: Any) -> str:
    return reverse(f"admin:{label.replace('.', '_')}_{page}", args=args)


def _latest() -> tuple[int, str, str]:
    revision = ConfigurationRevision.objects.select_related("actor").first()
    return (revision.number, revision.reason, str(revision.actor)) if revision else (0, "", "")


def _said(answer: HttpResponse) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


@pytest.mark.parametrize("label", ADDED)
def test_adding_publishes_one_revision_by_whoever_did_it(label, admin_client):
    values = ADDED[label]()
    before = _latest()[0]

    answer = admin_client.post(_url(label, "add"), read_form(admin_client.get(_url(label, "add"))) | values)

    assert answer.status_code == 302
    assert _latest() == (before + 1, f"Add {label.split('.')[1]}", "admin")


@pytest.mark.parametrize("label", ADDED)
def test_saving_what_did_not_change_publishes_nothing(label, admin_client):
    url = _url(label, "change", _stored(label).pk)
    before = _latest()

    answer = admin_client.post(url, read_form(admin_client.get(url)))

    assert (answer.status_code, _latest()) == (302, before)


@pytest.mark.parametrize(
    ("label", "change"),
    [
        ("apikeys.workspace", {"name": "Another"}),
        ("apikeys.limit", {"amount": 9}),
        ("proxy.backend", {"total_timeout_s": 9}),
        ("proxy.route", {"targets-0-weight": 9}),
        ("proxy.price", {"output_nano_usd_per_mtok": "0.7"}),
    ],
)
def test_a_change_publishes_one_revision_with_the_reason_given(label, change, admin_client):
    url = _url(label, "change", _stored(label).pk)
    before = _latest()[0]

    answer = admin_client.post(url, read_form(admin_client.get(url)) | change | {"_reason": "Asked for by finance"})

    assert answer.status_code == 302
    assert _latest() == (before + 1, "Asked for by finance", "admin")


@pytest.mark.parametrize("label", ADDED)
def test_deleting_publishes_one_revision(label, admin_client):
    row = _stored(label)
    before, name = _latest()[0], str(row)

    answer = admin_client.post(_url(label, "delete", row.pk), {"post": "yes"})

    if label == "proxy.backend":
        assert not Backend.objects.filter(pk=row.pk).exists()
    assert answer.status_code == 302
    assert _latest() == (before + 1, f"Delete {label.split('.')[1]} {name}", "admin")


@pytest.mark.parametrize("label", ADDED)
def test_deleting_several_at_once_publishes_one_revision(label, admin_client):
    model = type(_stored(label))
    before = _latest()[0]
    selected = {"action": "delete_selected", "_selected_action": list(model.objects.values_list("pk", flat=True))}

    asked = admin_client.post(_url(label, "changelist"), selected)
    number_when_asked = _latest()[0]
    admin_client.post(_url(label, "changelist"), selected | {"post": "yes"})

    assert (asked.status_code, number_when_asked) == (200, before)
    assert (model.objects.count(), _latest()[0]) == (0, before + 1)


def test_what_the_domain_refuses_is_said_on_the_page_and_nothing_is_stored(admin_client):
    acme = create_workspace("acme", "Acme")
    create_key(acme, "ci")
    before = _latest()

    alone = admin_client.post(_url("apikeys.workspace", "delete", acme.pk), {"post": "yes"})
    selected = {"action": "delete_selected", "_selected_action": [acme.pk], "post": "yes"}
    together = admin_client.post(_url("apikeys.workspace", "changelist"), selected)

    assert (alone.status_code, together.status_code) == (200, 200)  # Django's own page lists what stands in the way
    assert (Workspace.objects.count(), _latest()) == (1, before)


def test_a_refusal_of_the_domain_becomes_a_message(admin_client, monkeypatch):
    backend = _backend()

    def refuse(*args: object) -> None:
        raise domain.ConfigurationError("Not like this.")

    monkeypatch.setattr(domain, "delete_backend", refuse)
    answer = admin_client.post(_url("proxy.backend", "delete", backend.pk), {"post": "yes"})

    assert (answer.status_code, _said(answer)) == (302, ["Not like this."])
    assert Backend.objects.exists()


def test_a_limit_that_cannot_bind_is_refused_at_its_field(admin_client):
    acme = make_row(Workspace)
    url = _url("apikeys.limit", "add")

    page = admin_client.post(url, read_form(admin_client.get(url)) | {"name": "x", "scope": "ip", "amount": 1, "workspace": acme.pk})

    assert page.context["adminform"].form.errors == {"workspace": ["Only a limit of scope workspace, end user or tag can name one."]}
    assert not Limit.objects.exists()


def test_looking_publishes_nothing(admin_client: Client):
    row = _stored("proxy.route")
    before = _latest()

    for page in (_url("proxy.route", "changelist"), _url("proxy.route", "change", row.pk), _url("proxy.route", "delete", row.pk)):
        assert admin_client.get(page).status_code == 200

    assert _latest() == before
