"""Backends, routes, prices and revisions in the console."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from common.publishing import publishing
from common.secret import Secret
from proxy import domain
from proxy.models import Backend, ConfigurationRevision, Price, Route, Service
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


def test_the_list_says_which_routes_have_a_target_without_a_price(admin_client):
    backend, local = _backend(), domain.save_backend(Backend(name="local", provider="ollama", base_url="http://localhost:11434"))
    domain.save_price(Price(provider="openai", upstream_model="a", input_nano_usd_per_mtok=1, output_nano_usd_per_mtok=1))
    domain.save_route(Route(model="priced"), [domain.TargetDraft(backend, "a")])
    domain.save_route(Route(model="half"), [domain.TargetDraft(backend, "a"), domain.TargetDraft(backend, "b")])
    domain.save_route(Route(model="free"), [domain.TargetDraft(local, "b")])

    page = admin_client.get(_url("route", "changelist"))

    listed = page.context["cl"]
    labels = {route.model: listed.model_admin.price_label(route) for route in listed.result_list}
    assert labels == {"priced": "known", "half": "no price", "free": "known"}
    assert page.content.decode().count("no price") == 1


@pytest.mark.parametrize("routes_count", [1, 3])
def test_the_list_of_routes_asks_once_for_all_prices(routes_count, admin_client):
    backend = _backend()
    for number in range(routes_count):
        domain.save_route(Route(model=f"m{number}"), [domain.TargetDraft(backend, "a")])

    with CaptureQueriesContext(connection) as queries:
        admin_client.get(_url("route", "changelist"))

    assert sum('FROM "proxy_price"' in query["sql"] for query in queries) == 1


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


def test_each_class_of_usage_may_have_a_price_of_its_own(admin_client):
    url = _url("price", "add")
    classes = ("cached_input", "cache_write_5m", "cache_write_1h", "reasoning", "audio_input", "audio_output")
    rates = {f"{name}_nano_usd_per_mtok": str(number) for number, name in enumerate(("input", "output", *classes))}

    admin_client.post(url, read_form(admin_client.get(url)) | {"provider": "openai", "upstream_model": "gpt-4o"} | rates)

    price = Price.objects.get()
    assert [getattr(price, name) for name in rates] == [number * 10**9 for number in range(8)]


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
    assert "as input, the same" in looked.content.decode()
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


# --- what the domain refuses beyond single values -------------------------------------------------------------------------------


def test_an_address_of_another_server_wants_the_credential_again(admin_client):
    backend = domain.save_backend(Backend(name="b", provider="openai", base_url="https://api.example.com/v1"), credential=Secret("sk-1"))
    url = _url("backend", "change", backend.pk)
    moved = read_form(admin_client.get(url)) | {"base_url": "https://new.example/v1"}

    refused = admin_client.post(url, moved)
    kept = Backend.objects.get().base_url
    answer = admin_client.post(url, moved | {"credential": "sk-2"})

    assert list(_errors(refused)) == ["base_url"]
    assert (kept, answer.status_code) == ("https://api.example.com/v1", 302)
    assert (Backend.objects.get().base_url, Backend.objects.get().get_credential()) == ("https://new.example/v1", Secret("sk-2"))


def test_what_azure_lacks_is_said_at_its_field(admin_client):
    url = _url("backend", "add")
    values = {"name": "a", "provider": "azure", "base_url": "https://x.openai.azure.com"}

    page = admin_client.post(url, read_form(admin_client.get(url)) | values)

    assert list(_errors(page)) == ["api_version"]


def test_a_route_is_written_with_its_aliases_cache_and_budget(admin_client):
    backend, url = _backend(), _url("route", "add")
    values = {
        "model": "gpt/*",
        "aliases": "b\na",
        "exact_cache_ttl_s": 60,
        "is_coalesced": "on",
        "output_cap_tokens": 9,
        "on_unpriced": "deny",
    }

    answer = admin_client.post(url, read_form(admin_client.get(url)) | values | _target(0, backend, "*"))

    route = Route.objects.get()
    assert answer.status_code == 302
    assert (route.aliases, route.exact_cache_ttl_s, route.is_coalesced, route.is_sampled_cacheable) == (["a", "b"], 60, True, False)
    assert (route.output_cap_tokens, route.on_unpriced, _targets(route)) == (9, "deny", {("*", 1)})


def test_a_name_that_another_route_has_is_refused_at_its_field(admin_client):
    backend, url = _backend(), _url("route", "add")
    domain.save_route(Route(model="gpt", aliases=["fast"]), [domain.TargetDraft(backend, "u")])

    page = admin_client.post(url, read_form(admin_client.get(url)) | {"model": "m", "aliases": "fast"} | _target(0, backend, "u"))

    assert list(_errors(page)) == ["aliases"]


def test_a_star_that_nothing_fills_in_is_refused_at_the_targets(admin_client):
    backend, url = _backend(), _url("route", "add")

    page = admin_client.post(url, read_form(admin_client.get(url)) | {"model": "m"} | _target(0, backend, "*"))

    assert "only a route whose model ends in" in page.content.decode()
    assert not Route.objects.exists()


# --- services -------------------------------------------------------------------------------------------------------------------


def test_a_service_is_added_changed_and_deleted_with_a_revision_each(admin_client):
    add = _url("service", "add")
    values = {"path": "/infer", "upstream_url": "http://127.0.0.1:8081", "cache_get_ttl_s": 60, "request_headers": "X-Team\nx-a"}

    admin_client.post(add, read_form(admin_client.get(add)) | values)
    service = Service.objects.get()
    change = _url("service", "change", service.pk)
    unchanged = admin_client.post(change, read_form(admin_client.get(change)))
    admin_client.post(change, read_form(admin_client.get(change)) | {"is_prefix_stripped": "on"})
    listed = admin_client.get(_url("service", "changelist")).content.decode()
    admin_client.post(_url("service", "delete", service.pk), {"post": "yes"})

    assert (service.request_headers, service.cache_get_ttl_s, unchanged.status_code) == (["x-a", "x-team"], 60, 302)
    assert "60 s" in listed
    assert list(ConfigurationRevision.objects.order_by("number").values_list("diff", flat=True)) == [
        "+ service /infer",
        "~ service /infer: strip_prefix no -> yes",
        "- service /infer",
    ]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"path": "/admin/x"}, "path"),
        ({"path": "/a b"}, "path"),
        ({"upstream_url": "127.0.0.1"}, "upstream_url"),
        ({"request_headers": "Cookie"}, "request_headers"),
        ({"response_headers": "x y"}, "response_headers"),
    ],
)
def test_a_service_that_cannot_be_served_is_refused_at_its_field(values, field, admin_client):
    url = _url("service", "add")

    page = admin_client.post(url, read_form(admin_client.get(url)) | {"path": "/i", "upstream_url": "http://x"} | values)

    assert list(_errors(page)) == [field]
    assert not Service.objects.exists()
