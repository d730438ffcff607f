"""What the domain of items stores and refuses."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from apikeys.public import Workspace, create_workspace
from items import domain
from items.errors import ItemError
from items.models import Item

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Workspace:
    return create_workspace("acme", "Acme")


def test_save_item_stores_a_new_and_a_changed_item(acme):
    item = domain.save_item(Item(workspace=acme, title="Write", tags=["legal"]))
    item.status = "done"

    domain.save_item(item)

    assert list(Item.objects.values_list("title", "status", "tags")) == [("Write", "done", ["legal"])]


@pytest.mark.parametrize("values", [{"title": ""}, {"title": "x", "status": "lost"}, {"title": "x", "tags": ["y" * 65]}])
def test_save_item_refuses_wrong_values(acme, values):
    with pytest.raises(ValidationError):
        domain.save_item(Item(workspace=acme, **values))

    assert not Item.objects.exists()


def test_save_item_refuses_to_move_it_to_another_workspace(acme):
    item = domain.save_item(Item(workspace=acme, title="Write"))
    item.workspace = create_workspace("other", "Other")

    with pytest.raises(ItemError):
        domain.save_item(item)

    assert Item.objects.get().workspace == acme


def test_delete_item_removes_it(acme):
    domain.delete_item(domain.save_item(Item(workspace=acme, title="Write")))

    assert not Item.objects.exists()
