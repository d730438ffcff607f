"""What must never be seen: secrets of keys, their digests, credentials of backends; on no page and in no log of changes."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.contrib.sessions.models import Session
from django.urls import reverse

from apikeys.models import ApiKey, ApiKeySecret, Workspace
from apikeys.public import create_workspace
from common.aead import KeyRing
from common.secret import Secret
from proxy import domain
from proxy.models import Backend
from tests.gatewaysite.integration.admin_help import MARKS, read_form

pytestmark = MARKS

_CREDENTIAL = "sk-not-for-anyones-eyes"
_REGISTERED = [model._meta.label_lower.split(".") for model in admin.site._registry]


@pytest.fixture
def acme() -> Workspace:
    return create_workspace("acme", "Acme")


def _create_key(admin_client, workspace) -> tuple[str, object]:
    url = reverse("admin:apikeys_apikey_add")
    form = read_form(admin_client.get(url)) | {"workspace": workspace.pk, "name": "ci"}
    answer = admin_client.post(url, form)
    return re.search(r"gw_live_\w{50}", answer.content.decode())[0], answer


def _pages_of_everything(admin_client) -> str:
    texts = []
    for app, model in _REGISTERED:
        name = f"admin:{app}_{model}"
        texts.append(admin_client.get(reverse(f"{name}_changelist")).content.decode())
        for row in apps.get_model(app, model)._base_manager.all():
            texts += [admin_client.get(reverse(f"{name}_{page}", args=[row.pk])).content.decode() for page in ("change", "history")]
    return "\n".join(texts)


def _everything_kept() -> str:
    log = [str(entry.__dict__) for entry in LogEntry.objects.all()]
    return "\n".join([*log, *(str(session.get_decoded()) for session in Session.objects.all())])


def test_a_new_key_is_shown_in_the_answer_to_its_creation_and_never_again(admin_client, acme):
    secret, answer = _create_key(admin_client, acme)
    digest = bytes(ApiKeySecret.objects.get().digest)

    assert (answer.status_code, "no-store" in answer["cache-control"]) == (200, True)
    shown_later = _pages_of_everything(admin_client) + _everything_kept()
    middle = secret.split("_")[3]
    assert middle not in shown_later
    assert digest.hex() not in shown_later
    assert str(digest) not in shown_later
    assert [message for message in get_messages(answer.wsgi_request) if middle in str(message)] == []


def test_a_rotated_secret_is_shown_once_and_is_in_no_address(admin_client, acme):
    first, _ = _create_key(admin_client, acme)
    url = reverse("admin:apikeys_apikey_rotate", args=[ApiKey.objects.get().pk])

    answer = admin_client.post(url, {"overlap": "1h"})

    second = re.search(r"gw_live_\w{50}", answer.content.decode())[0]
    assert second != first
    assert answer.status_code == 200  # no redirect that could carry it
    assert second.split("_")[3] not in _pages_of_everything(admin_client) + _everything_kept() + unquote(answer.request["PATH_INFO"])


def test_a_credential_is_on_no_page_and_in_no_log(admin_client):
    url = reverse("admin:proxy_backend_add")
    values = {"name": "openai", "provider": "openai", "base_url": "https://api.example.com/v1", "credential": _CREDENTIAL}

    answer = admin_client.post(url, read_form(admin_client.get(url)) | values)

    backend = Backend.objects.get()
    assert (answer.status_code, backend.get_credential()) == (302, Secret(_CREDENTIAL))
    seen = _pages_of_everything(admin_client) + _everything_kept()
    assert _CREDENTIAL not in seen
    assert bytes(backend.credential_sealed).hex() not in seen


def test_a_form_that_is_refused_does_not_give_the_credential_back(admin_client):
    url = reverse("admin:proxy_backend_add")

    answer = admin_client.post(url, read_form(admin_client.get(url)) | {"name": "", "credential": _CREDENTIAL})

    assert answer.status_code == 200
    assert _CREDENTIAL not in answer.content.decode()


def test_the_page_of_a_backend_says_that_a_credential_is_set_and_under_which_key(admin_client):
    backend = domain.save_backend(
        Backend(name="openai", provider="openai", base_url="https://api.example.com/v1"), credential=Secret(_CREDENTIAL)
    )

    page = admin_client.get(reverse("admin:proxy_backend_change", args=[backend.pk])).content.decode()

    assert f"Set, encrypted with key {KeyRing.key_id(bytes(backend.credential_sealed))}" in page
