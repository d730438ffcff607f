"""Every list of the console, whichever app it belongs to: what it costs and who may see it."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.gatewaysite.integration.admin_help import MARKS, make_family, make_row

pytestmark = MARKS

# Queries of the second request for a list: session, user, the rows, and what is named beside each.
# A new admin needs its line here: write down what it costs and make sure that it is not paid by row.
QUERIES_COUNT = {
    "apikeys.ApiKey": 3,
    "apikeys.Limit": 4,
    "apikeys.Workspace": 4,
    "auth.Group": 4,
    "auth.User": 5,
    "guardrails.KeyPolicy": 4,
    "guardrails.Policy": 4,
    "guardrails.PolicyVersion": 3,
    "guardrails.WordList": 4,
    "items.Channel": 3,
    "items.Item": 3,
    "items.Signal": 3,
    "proxy.Backend": 4,
    "proxy.ConfigurationRevision": 3,
    "proxy.LedgerEntry": 3,
    "proxy.Price": 4,
    "proxy.Route": 7,
    "proxy.Service": 4,
    "proxy.UsageRecord": 3,
}
REGISTERED = sorted(model._meta.label for model in admin.site._registry)


def _url(label: str, page: str = "changelist", *args: object) -> str:
    app, model = label.lower().split(".")
    return reverse(f"admin:{app}_{model}_{page}", args=args)


def _count_queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


@pytest.mark.parametrize("label", REGISTERED)
def test_list_costs_the_same_for_one_row_and_three(label, admin_client):
    model = apps.get_model(label)
    make_family(model)
    _count_queries(admin_client, _url(label))

    one = _count_queries(admin_client, _url(label))
    make_family(model)
    make_family(model)
    three = _count_queries(admin_client, _url(label))

    assert (one, three) == (QUERIES_COUNT[label], QUERIES_COUNT[label])


@pytest.mark.parametrize("label", REGISTERED)
def test_list_and_page_of_a_row_open_for_an_administrator(label, admin_client):
    row = make_row(apps.get_model(label))

    pages = [
        admin_client.get(_url(label)),
        admin_client.get(_url(label, "change", row.pk)),
        admin_client.get(_url(label, "history", row.pk)),
    ]

    assert [page.status_code for page in pages] == [200, 200, 200]


@pytest.mark.parametrize("label", REGISTERED)
def test_staff_without_permission_sees_nothing(label, client):
    row = make_row(apps.get_model(label))
    charlie = User.objects.create_user("charlie", password="pw", is_staff=True)
    client.force_login(charlie)

    pages = [("changelist",), ("add",), ("change", row.pk), ("delete", row.pk), ("history", row.pk)]
    answers = [client.get(_url(label, *page)).status_code for page in pages]
    posts = [client.post(_url(label, *page)).status_code for page in pages]
    overview = client.get(reverse("admin:index")).content.decode()

    assert (answers, posts) == ([403] * 5, [403] * 5)
    assert _url(label) not in overview


@pytest.mark.parametrize("label", REGISTERED)
def test_someone_who_is_not_staff_is_sent_to_sign_in(label, client):
    client.force_login(User.objects.create_user("dora", password="pw"))

    answer = client.get(_url(label))

    assert (answer.status_code, answer["location"].partition("?")[0]) == (302, reverse("admin:login"))


@pytest.mark.parametrize("label", REGISTERED)
def test_a_page_of_an_identifier_that_does_not_exist_leads_back(label, admin_client):
    answers = [admin_client.get(_url(label, "change", pk)).status_code for pk in ("0", "nonsense")]

    assert answers == [302, 302]
