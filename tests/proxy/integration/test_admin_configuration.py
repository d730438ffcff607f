"""Backends, routes, prices and revisions in the console."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone

from common.publishing import publishing
from common.secret import Secret
from proxy import domain
from proxy.models import Backend, ConfigurationRevision, Price, Route
from tests.gatewaysite.integration.admin_help import MARKS, read_form

pytestmark = MARKS


def _backend(name: str = "openai", credential: Secret | None = None) -> Backend:
    return domain.save_backend(Backend(name=name, provider="openai", base_url="https://api.example.com/v1"), credential=credential)


def _url(model: str, page: str, *args: Any) -> str:
    return reverse(f"admin:proxy_{model}_{page}", args=args)


def _errors(page: Any) -> dict[str, list[str]]:
    return dict(page.context["adminform"].form.errors)


# --- backends -------------------------------------------------------------------------------------------------------------------


def test_a_backend_keeps_its_credential_when_the_box_stays_empty(admin_client):
    url = _url("backend", "change", _backend(credential=Secret("sk-1")).pk)

    admin_client.post(url, read_form(admin_client.get(url)) | {"total_timeout_s": 9})

    stored = Backend.objects.get()
    assert (stored.total_timeout_s, stored.get_credential()) == (9, Secret("sk-1"))


def test_a_written_credential_replaces_the_stored_one(admin_client):
    url = _url("backend", "change", _backend(credential=Secret("sk-1")).pk)

    admin_client.post(url, read_form(admin_client.get(url)) | {"credential": " sk-2 "})

    assert Backend.objects.get().get_credential() == Secret("sk-2")


def test_a_stored_credential_is_removed_by_its_switch(admin_client):
    url = _url("backend", "change", _backend(credential=Secret("sk-1")).pk)

    admin_client.post(url, read_form(admin_client.get(url)) | {"is_credential_cleared": "on"})

    assert Backend.objects.get().get_credential() is None


def test_writing_and_removing_a_credential_at_once_is_refused(admin_client):
    url = _url("backend", "change", _backend(credential=Secret("sk-1")).pk)

    page = admin_client.post(url, read_form(admin_client.get(url)) | {"is_credential_cleared": "on", "credential": "sk-2"})

    assert list(_errors(page)) == ["is_credential_cleared"]
    assert Backend.objects.get().get_credential() == Secret("sk-1")


def test_a_backend_that_a_route_sends_to_is_not_deleted(admin_client):
    backend = _backend()
    domain.save_route(Route(model="gpt-4o"), [domain.TargetDraft(backend, "gpt-4o")])

    answer = admin_client.post(_url("backend", "delete", backend.pk), {"post": "yes"})

    assert answer.status_code == 200
    assert Backend.objects.exists()


# --- routes ---------------------------------------------------------------------------------------------------------------------


def _target(number: int, backend: Backend, upstream_model: str, weight: int = 1) -> dict[str, Any]:
    values = {"backend": backend.pk, "upstream_model": upstream_model, "weight": weight}
    return {f"targets-{number}-{name}": value for name, value in values.items()}


def _targets(route: Route) -> set[tuple[str, int]]:
    return set(route.targets.values_list("upstream_model", "weight"))


def test_a_route_is_stored_with_its_targets(admin_client):
    backend, url = _backend(), _url("route", "add")
    targets = _target(0, backend, "a") | _target(1, backend, "b", 3) | {"targets-TOTAL_FORMS": 2}

    answer = admin_client.post(url, read_form(admin_client.get(url)) | {"model": "m"} | targets)

    assert answer.status_code == 302
    assert _targets(Route.objects.get()) == {("a", 1), ("b", 3)}


def test_targets_are_changed_added_and_taken_off_in_one_save(admin_client):
    backend = _backend()
    route = domain.save_route(Route(model="m"), [domain.TargetDraft(backend, "a"), domain.TargetDraft(backend, "b")])
    url = _url("route", "change", route.pk)
    form = read_form(admin_client.get(url))
    of_a, of_b = (0, 1) if form["targets-0-upstream_model"] == "a" else (1, 0)
    changes = {f"targets-{of_a}-weight": 7, f"targets-{of_b}-DELETE": "on", "targets-TOTAL_FORMS": 3} | _target(2, backend, "c")

    answer = admin_client.post(url, form | changes)

    assert answer.status_code == 302
    assert _targets(route) == {("a", 7), ("c", 1)}


@pytest.mark.parametrize(
    ("weights", "said"),
    [({}, "This field is required."), ({"a": 0}, "weight above 0"), ({"a": 1, "b": -1}, "greater than or equal to 0")],
)
def test_targets_that_cannot_be_chosen_are_refused_on_the_page(weights, said, admin_client):
    backend, url = _backend(), _url("route", "add")
    form = read_form(admin_client.get(url)) | {"model": "m", "targets-TOTAL_FORMS": max(len(weights), 1)}
    for number, (name, weight) in enumerate(weights.items()):
        form |= _target(number, backend, name, weight)

    page = admin_client.post(url, form)

    assert page.status_code == 200
    assert said in page.content.decode()
    assert not Route.objects.exists()


def test_the_same_target_twice_is_refused_on_the_page(admin_client):
    backend, url = _backend(), _url("route", "add")
    targets = _target(0, backend, "a") | _target(1, backend, "a") | {"targets-TOTAL_FORMS": 2}

    page = admin_client.post(url, read_form(admin_client.get(url)) | {"model": "m"} | targets)

    assert page.status_code == 200
    assert not Route.objects.exists()


@pytest.mark.parametrize(("permission", "status", "weight"), [("view_route", 403, 1), ("change_route", 302, 5)])
def test_whoever_may_change_a_route_may_change_its_targets(permission, status, weight, client):
    route = domain.save_route(Route(model="m"), [domain.TargetDraft(_backend(), "a")])
    bob = User.objects.create_user("bob", password="pw", is_staff=True)
    bob.user_permissions.add(Permission.objects.get(codename=permission))
    client.force_login(bob)
    url = _url("route", "change", route.pk)

    page = client.get(url)
    answer = client.post(url, read_form(page) | {"targets-0-weight": 5})

    assert "openai" in page.content.decode()
    assert (answer.status_code, _targets(route)) == (status, {("a", weight)})


# --- prices ---------------------------------------------------------------------------------------------------------------------


def test_a_price_is_written_in_dollars_and_kept_in_nano_dollars(admin_client):
    url = _url("price", "add")
    values = {"provider": "openai", "upstream_model": "gpt-4o", "input_nano_usd_per_mtok": "0.15", "output_nano_usd_per_mtok": "$0.6"}

    answer = admin_client.post(url, read_form(admin_client.get(url)) | values)

    price = Price.objects.get()
    form = read_form(admin_client.get(_url("price", "change", price.pk)))
    assert answer.status_code == 302
    assert (price.input_nano_usd_per_mtok, price.cached_input_nano_usd_per_mtok) == (150_000_000, None)
    assert (price.output_nano_usd_per_mtok, price.source) == (600_000_000, "operator")
    assert [form[f"{name}_nano_usd_per_mtok"] for name in ("input", "cached_input", "output")] == ["0.15", "", "0.6"]


@pytest.mark.parametrize("text", ["", "free", "-1", "0.0000000001", "NaN", "1e400"])
def test_an_amount_that_cannot_be_kept_is_refused_at_its_field(text, admin_client):
    url = _url("price", "add")
    values = {"provider": "openai", "upstream_model": "gpt-4o", "input_nano_usd_per_mtok": text, "output_nano_usd_per_mtok": "1"}

    page = admin_client.post(url, read_form(admin_client.get(url)) | values)

    assert list(_errors(page)) == ["input_nano_usd_per_mtok"]


def test_a_second_price_from_the_same_moment_is_refused_on_the_page(admin_client):
    at = timezone.now().replace(microsecond=0) + dt.timedelta(hours=1)
    domain.save_price(Price(provider="p", upstream_model="m", effective_at=at, input_nano_usd_per_mtok=1, output_nano_usd_per_mtok=1))
    url = _url("price", "add")
    moment = {"effective_at_0": f"{at:%Y-%m-%d}", "effective_at_1": f"{at:%H:%M:%S}"}
    values = {"provider": "p", "upstream_model": "m", "input_nano_usd_per_mtok": "1", "output_nano_usd_per_mtok": "1"}

    page = admin_client.post(url, read_form(admin_client.get(url)) | values | moment)

    assert list(_errors(page)) == ["effective_at"]


def test_a_published_list_price_is_only_to_look_at(admin_client):
    listed = Price.objects.create(
        provider="p", upstream_model="m", source="snapshot", input_nano_usd_per_mtok=2_500_000_000, output_nano_usd_per_mtok=1
    )
    url = _url("price", "change", listed.pk)
    selected = {"action": "delete_selected", "_selected_action": [listed.pk], "post": "yes"}

    looked = admin_client.get(url)
    posts = [admin_client.post(page, {"post": "yes"}).status_code for page in (url, _url("price", "delete", listed.pk))]
    admin_client.post(_url("price", "changelist"), selected)

    assert "$2.5" in looked.content.decode()
    assert posts == [403, 403]
    assert Price.objects.get() == listed


# --- revisions ------------------------------------------------------------------------------------------------------------------


def test_a_revision_shows_who_when_why_and_what(admin_client):
    alice = User.objects.create(username="alice")
    with publishing("First day", actor=alice):
        _backend()
    revision = ConfigurationRevision.objects.get()

    page = admin_client.get(_url("configurationrevision", "change", 1)).content.decode()

    assert all(text in page for text in ("First day", "alice", '<span class="gw-diff-added">+ backend openai</span>'))
    assert dt.timedelta(0) <= timezone.now() - revision.published_at < dt.timedelta(minutes=5)


def test_revisions_are_neither_added_nor_changed_nor_deleted(admin_client):
    _backend()
    pages = [_url("configurationrevision", "add"), _url("configurationrevision", "delete", 1), _url("configurationrevision", "change", 1)]

    posted = [admin_client.post(page, {"post": "yes", "reason": "x"}).status_code for page in pages]
    selected = {"action": "delete_selected", "_selected_action": [1], "post": "yes"}
    admin_client.post(_url("configurationrevision", "changelist"), selected)

    assert posted == [403, 403, 403]
    assert ConfigurationRevision.objects.get().reason == "Save backend openai"
