"""API keys in the console."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.contrib.messages import get_messages
from django.urls import reverse
from django.utils import timezone

from apikeys import domain
from apikeys.hotpath import is_well_formed
from apikeys.models import ApiKey, ApiKeySecret, Limit, Workspace, default_permissions
from proxy.domain import TargetDraft, save_backend, save_route
from proxy.models import Backend, Route
from tests.gatewaysite.integration.admin_help import MARKS, read_form

pytestmark = MARKS

_LIST = "/admin/apikeys/apikey/"
_ADD = f"{_LIST}add/"


@pytest.fixture
def acme() -> Workspace:
    return domain.create_workspace("acme", "Acme")


@pytest.fixture
def api_key(acme) -> ApiKey:
    return domain.create_key(acme, "ci", allowed_models=["gpt-4o"]).api_key


def _page(api_key: ApiKey, name: str) -> str:
    return reverse(f"admin:apikeys_apikey_{name}", args=[api_key.pk])


def _names(page) -> list[str]:
    return [row.name for row in page.context["cl"].result_list]


def _sign_in_bob(client, *permissions: str) -> None:
    bob = User.objects.create_user("bob", password="pw", is_staff=True)
    bob.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(bob)


def test_creating_a_key_shows_it_with_programs_that_work_as_pasted(admin_client, acme):
    backend = save_backend(Backend(name="b", provider="openai", base_url="https://api.example.com/v1"))
    save_route(Route(model="gpt-4o"), [TargetDraft(backend, "gpt-4o")])
    form = read_form(admin_client.get(_ADD)) | {"workspace": acme.pk, "name": "ci", "allowed_models": "claude-*\ngpt-*"}

    page = admin_client.post(_ADD, form, headers={"host": "gateway.example.com"})

    secret = page.context["secret"]
    curl, python = (snippet.text for snippet in page.context["snippets"])
    assert is_well_formed(secret.encode())
    assert curl.startswith("curl http://gateway.example.com/v1/chat/completions")
    assert 'base_url="http://gateway.example.com/v1"' in python
    assert all(secret in text and "gpt-4o" in text for text in (curl, python))
    assert ApiKey.objects.get().allowed_models == ["claude-*", "gpt-*"]


def test_creating_a_key_twice_with_one_name_makes_one_key(admin_client, acme, api_key):
    page = admin_client.post(_ADD, read_form(admin_client.get(_ADD)) | {"workspace": acme.pk, "name": "ci"})

    assert page.status_code == 200
    assert page.context["adminform"].form.errors
    assert ApiKey.objects.get() == api_key


@pytest.mark.parametrize(
    ("field", "text"), [("allowed_models", "gpt-*-mini"), ("allowed_networks", "10.0.0.1/8"), ("allowed_networks", "home")]
)
def test_a_wrong_entry_of_an_allow_list_is_refused_at_its_field(field, text, admin_client, acme):
    page = admin_client.post(_ADD, read_form(admin_client.get(_ADD)) | {"workspace": acme.pk, "name": "ci", field: text})

    assert list(page.context["adminform"].form.errors) == [field]
    assert not ApiKey.objects.exists()


def test_changing_a_key_stores_its_lists_and_limits(admin_client, api_key):
    limit = domain.save_limit(Limit(name="slow", scope="key", amount=1))
    url = _page(api_key, "change")
    form = read_form(admin_client.get(url))

    answer = admin_client.post(url, form | {"name": "build", "allowed_networks": "10.0.0.0/8, 2001:db8::/32", "limits": [limit.pk]})

    stored = ApiKey.objects.get()
    assert answer.status_code == 302
    assert (stored.name, stored.allowed_models, stored.allowed_networks) == ("build", ["gpt-4o"], ["10.0.0.0/8", "2001:db8::/32"])
    assert list(stored.limits.all()) == [limit]


def test_a_limit_of_another_scope_cannot_be_chosen(admin_client, api_key):
    everywhere = domain.save_limit(Limit(name="global", scope="global", amount=1))
    url = _page(api_key, "change")

    page = admin_client.post(url, read_form(admin_client.get(url)) | {"limits": [everywhere.pk]})

    assert list(page.context["adminform"].form.errors) == ["limits"]


def test_the_workspace_of_a_key_stays(admin_client, api_key):
    other = domain.create_workspace("other", "Other")
    url = _page(api_key, "change")

    admin_client.post(url, read_form(admin_client.get(url)) | {"workspace": other.pk})

    assert ApiKey.objects.get().workspace.slug == "acme"


def test_rotating_asks_first_and_then_shows_the_new_secret(admin_client, api_key):
    url = _page(api_key, "rotate")

    asked = admin_client.get(url)
    secrets_when_asked = ApiKeySecret.objects.count()
    shown = admin_client.post(url, {"overlap": "7d"})

    earlier, newest = ApiKeySecret.objects.order_by("created_at")
    assert (asked.status_code, secrets_when_asked) == (200, 1)
    assert newest.public_id in shown.context["secret"]
    assert dt.timedelta(days=6) < earlier.expires_at - timezone.now() <= dt.timedelta(days=7)
    assert LogEntry.objects.get().change_message == "Rotated the secret; the earlier one ends after 7 days."


@pytest.mark.parametrize("overlap", ["", "1y"])
def test_rotating_with_an_overlap_that_is_not_offered_asks_again(overlap, admin_client, api_key):
    page = admin_client.post(_page(api_key, "rotate"), {"overlap": overlap})

    assert (page.status_code, list(page.context["form"].errors)) == (200, ["overlap"])
    assert ApiKeySecret.objects.count() == 1


def test_revoking_asks_first_and_then_ends_the_key(admin_client, api_key):
    url = _page(api_key, "revoke")

    asked = admin_client.get(url)
    is_active_when_asked = ApiKey.objects.active().exists()
    answer = admin_client.post(url)

    assert (asked.status_code, is_active_when_asked) == (200, True)
    assert (answer.status_code, ApiKey.objects.active().exists()) == (302, False)
    assert LogEntry.objects.get().change_message == "Revoked."


def test_a_revoked_key_offers_neither_and_refuses_to_be_rotated(admin_client, api_key):
    domain.revoke_key(api_key)

    page = admin_client.get(_page(api_key, "change")).content.decode()
    refused = admin_client.post(_page(api_key, "rotate"), {"overlap": "0"})

    assert _page(api_key, "rotate") not in page
    assert _page(api_key, "revoke") not in page
    assert refused.status_code == 302
    assert [str(message) for message in get_messages(refused.wsgi_request)] == ["The key is revoked for good. Create another one."]
    assert ApiKeySecret.objects.count() == 1


@pytest.mark.parametrize("name", ["rotate", "revoke"])
def test_a_key_that_does_not_exist_is_not_found(name, admin_client):
    assert admin_client.post(reverse(f"admin:apikeys_apikey_{name}", args=["nonsense"])).status_code == 404


@pytest.mark.parametrize(("name", "values"), [("rotate", {"overlap": "0"}), ("revoke", {}), ("change", {"name": "x"})])
def test_bob_who_may_only_look_changes_nothing(name, values, client, api_key):
    _sign_in_bob(client, "view_apikey")

    looked = client.get(_page(api_key, "change"))
    answer = client.post(_page(api_key, name), values)

    assert (looked.status_code, answer.status_code) == (200, 403)
    assert _page(api_key, "rotate") not in looked.content.decode()
    assert (ApiKey.objects.active().count(), ApiKeySecret.objects.count()) == (1, 1)


def test_bob_who_may_look_sees_the_secrets_without_what_they_are_made_of(client, api_key):
    _sign_in_bob(client, "view_apikey")

    page = client.get(_page(api_key, "change")).content.decode()

    secret = ApiKeySecret.objects.get()
    assert secret.public_id in page
    assert bytes(secret.digest).hex() not in page


def test_a_key_is_never_deleted(admin_client, api_key):
    alone = admin_client.post(_page(api_key, "delete"), {"post": "yes"})
    admin_client.post(_LIST, {"action": "delete_selected", "_selected_action": [api_key.pk], "post": "yes"})

    assert alone.status_code == 403
    assert ApiKey.objects.exists()


def test_the_list_tells_what_holds_of_each_key_and_filters_by_it(admin_client, acme, api_key):
    domain.create_key(acme, "late", expires_at=timezone.now() - dt.timedelta(days=1))
    domain.revoke_key(domain.create_key(acme, "gone").api_key)

    found = {status: _names(admin_client.get(f"{_LIST}?status={status}")) for status in ("active", "expired", "revoked")}
    page = re.sub(r"\s+", " ", admin_client.get(_LIST).content.decode())

    assert found == {"active": ["ci"], "expired": ["late"], "revoked": ["gone"]}
    assert all(f"> {status} <" in page for status in ("active", "expired", "revoked"))


def test_a_key_of_an_inactive_workspace_is_not_called_active(admin_client, acme, api_key):
    acme.is_active = False
    domain.save_workspace(acme)

    page = admin_client.get(_LIST)

    assert "workspace inactive" in page.content.decode()
    assert _names(admin_client.get(f"{_LIST}?status=active")) == []


@pytest.mark.parametrize("form", ["{}", "gw_live_{}", "gw_live_{}_"])
def test_a_key_is_found_by_its_readable_part(form, admin_client, acme, api_key):
    domain.create_key(acme, "other")
    public_id = api_key.secrets.get().public_id

    assert _names(admin_client.get(_LIST, {"q": form.format(public_id)})) == ["ci"]


def test_a_key_is_given_permissions_and_keeps_them_on_a_page_saved_as_it_stands(admin_client, acme):
    form = read_form(admin_client.get(_ADD))
    admin_client.post(_ADD, form | {"workspace": acme.pk, "name": "manager", "permissions": ["keys", "inference"]})
    key = ApiKey.objects.get()

    admin_client.post(_page(key, "change"), read_form(admin_client.get(_page(key, "change"))))

    key.refresh_from_db()
    assert form["permissions"] == default_permissions()
    assert sorted(key.permissions) == ["inference", "keys"]


def test_a_key_that_may_do_nothing_is_refused_at_the_field(admin_client, acme):
    page = admin_client.post(_ADD, read_form(admin_client.get(_ADD)) | {"workspace": acme.pk, "name": "ci", "permissions": []})

    assert list(page.context["adminform"].form.errors) == ["permissions"]


def test_programs_for_a_new_key_name_no_wildcard(admin_client, acme):
    backend = save_backend(Backend(name="b", provider="openai", base_url="https://api.example.com/v1"))
    save_route(Route(model="a/*"), [TargetDraft(backend, "*")])
    save_route(Route(model="gpt-4o"), [TargetDraft(backend, "gpt-4o")])

    page = admin_client.post(_ADD, read_form(admin_client.get(_ADD)) | {"workspace": acme.pk, "name": "ci"})

    assert all("gpt-4o" in snippet.text and "a/*" not in snippet.text for snippet in page.context["snippets"])
