"""Items in the console."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from apikeys.public import Workspace, create_workspace
from items import domain
from items.models import Item
from tests.gatewaysite.integration.admin_help import MARKS, read_form

pytestmark = MARKS

_LIST = "/admin/items/item/"


@pytest.fixture
def acme() -> Workspace:
    return create_workspace("acme", "Acme")


def _titles(client, **query: object) -> set[str]:
    return {item.title for item in client.get(_LIST, query).context["cl"].result_list}


def test_an_item_is_added_changed_and_deleted(admin_client, acme):
    add = f"{_LIST}add/"
    admin_client.post(add, read_form(admin_client.get(add)) | {"workspace": acme.pk, "title": "Write", "tags": "legal, urgent"})
    item = Item.objects.get()
    change = reverse("admin:items_item_change", args=[item.pk])
    admin_client.post(change, read_form(admin_client.get(change)) | {"status": "done", "tags": "legal"})
    changed = Item.objects.get()
    admin_client.post(reverse("admin:items_item_delete", args=[item.pk]), {"post": "yes"})

    assert (item.status, item.tags) == ("new", ["legal", "urgent"])
    assert (changed.status, changed.tags) == ("done", ["legal"])
    assert not Item.objects.exists()


def test_several_items_are_deleted_at_once(admin_client, acme):
    items = [domain.save_item(Item(workspace=acme, title=title)) for title in ("a", "b", "c")]

    admin_client.post(_LIST, {"action": "delete_selected", "_selected_action": [items[0].pk, items[2].pk], "post": "yes"})

    assert [item.title for item in Item.objects.all()] == ["b"]


def test_the_workspace_of_an_item_stays(admin_client, acme):
    item = domain.save_item(Item(workspace=acme, title="Write"))
    url = reverse("admin:items_item_change", args=[item.pk])

    admin_client.post(url, read_form(admin_client.get(url)) | {"workspace": create_workspace("other", "Other").pk})

    assert Item.objects.get().workspace == acme


def test_of_two_people_on_one_page_the_second_is_told(admin_client, acme):
    item = domain.save_item(Item(workspace=acme, title="Write"))
    url = reverse("admin:items_item_change", args=[item.pk])
    seen_by_both = read_form(admin_client.get(url))

    admin_client.post(url, seen_by_both | {"title": "First"})
    refused = admin_client.post(url, seen_by_both | {"title": "Second"}, follow=True)

    assert "Somebody changed this item meanwhile" in refused.content.decode()
    assert Item.objects.values_list("title", "version").get() == ("First", 2)
    admin_client.post(url, read_form(admin_client.get(url)) | {"title": "Second"})
    assert Item.objects.values_list("title", "version").get() == ("Second", 3)


def test_tags_and_texts_are_checked_in_the_console_as_over_rest(admin_client, acme):
    add = f"{_LIST}add/"
    for wrong in ({"tags": "\n".join(map(str, range(51)))}, {"description": "x" * 20_001}, {"category": "a,b"}):
        admin_client.post(add, read_form(admin_client.get(add)) | {"workspace": acme.pk, "title": "Write"} | wrong)

    assert not Item.objects.exists()


def test_the_list_is_filtered_and_searched(admin_client, acme):
    alice = User.objects.create(username="alice")
    other = create_workspace("other", "Other")
    domain.save_item(Item(workspace=acme, title="Write", status="review", priority="high", assignee=alice))
    domain.save_item(Item(workspace=other, title="Read"))

    assert _titles(admin_client) == {"Write", "Read"}
    for query in ({"workspace__id__exact": acme.pk}, {"status__exact": "review"}, {"priority__exact": "high"}, {"q": "writ"}):
        assert _titles(admin_client, **query) == {"Write"}
    assert _titles(admin_client, assignee__id__exact=alice.pk) == {"Write"}


def test_the_list_says_what_is_late(admin_client, acme):
    yesterday = timezone.now() - dt.timedelta(days=1)
    domain.save_item(Item(workspace=acme, title="Write", due_at=yesterday))
    is_late_while_open = "(late)" in admin_client.get(_LIST).content.decode()
    Item.objects.update(status="done")

    assert (is_late_while_open, "(late)" in admin_client.get(_LIST).content.decode()) == (True, False)
