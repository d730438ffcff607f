"""What the domain of items stores and refuses."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from apikeys.public import Workspace, create_workspace
from items import domain
from items.errors import ItemChanged, ItemError, ItemMissing
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
    item = domain.save_item(Item(workspace=acme, title="Write"))

    domain.delete_item(acme.pk, item.pk)

    assert not Item.objects.exists()


def test_delete_item_leaves_another_workspaces_item(acme):
    item = domain.save_item(Item(workspace=acme, title="Write"))
    other = create_workspace("other", "Other")

    with pytest.raises(ItemMissing):
        domain.delete_item(other.pk, item.pk)

    assert Item.objects.exists()


def test_every_change_raises_the_version(acme):
    item = domain.create_items(acme.pk, [{"title": "Write"}])[0]

    domain.change_item(acme.pk, domain.Change(item.pk, {"title": "a"}))
    domain.change_items(acme.pk, [domain.Change(item.pk, {"title": "b"})])
    domain.save_item(Item.objects.get())

    assert Item.objects.values_list("title", "version").get() == ("b", 4)


def test_a_version_that_was_not_seen_is_never_written_over(acme):
    item = domain.create_items(acme.pk, [{"title": "Write"}])[0]
    old = frozenset({7})

    with pytest.raises(ItemChanged):
        domain.change_item(acme.pk, domain.Change(item.pk, {"title": "a"}, old))
    with pytest.raises(ItemChanged):
        domain.delete_item(acme.pk, item.pk, old)
    with pytest.raises(ItemChanged):
        domain.save_item(Item.objects.get(), seen=old)
    with pytest.raises(domain.ChangesRefused) as refused:
        domain.change_items(acme.pk, [domain.Change(item.pk, {"title": "a"}, old)])

    assert (refused.value.missing, refused.value.changed) == ([], [0])
    assert Item.objects.values_list("title", "version").get() == ("Write", 1)


@pytest.mark.parametrize(
    "values", [{"title": ""}, {"status": "lost"}, {"tags": ["y" * 65]}, {"tags": ["a,b"]}, {"description": "x" * 20_001}]
)
def test_no_writer_takes_wrong_values(acme, values):
    item = domain.create_items(acme.pk, [{"title": "Write"}])[0]
    before = Item.objects.values().get()

    with pytest.raises(ValidationError):
        domain.create_items(acme.pk, [{"title": "fine"}, {"title": "x"} | values])
    with pytest.raises(ValidationError):
        domain.change_item(acme.pk, domain.Change(item.pk, values))
    with pytest.raises(ValidationError):
        domain.change_items(acme.pk, [domain.Change(item.pk, values)])

    assert Item.objects.values().get() == before


def test_nobody_writes_what_is_not_theirs_to_write(acme):
    item = domain.create_items(acme.pk, [{"title": "Write"}])[0]

    for name in ("version", "workspace_id", "id", "created_at"):
        with pytest.raises(ItemError):
            domain.change_item(acme.pk, domain.Change(item.pk, {name: None}))


def test_every_write_says_at_its_end_that_answers_are_out_of_date(acme, monkeypatch):
    noted = []
    monkeypatch.setattr(domain, "note_change", lambda workspace_id, resource: noted.append((workspace_id, resource, _titles())))

    item = domain.create_items(acme.pk, [{"title": "a"}])[0]
    domain.change_item(acme.pk, domain.Change(item.pk, {"title": "b"}))
    domain.change_items(acme.pk, [domain.Change(item.pk, {"title": "c"})])
    domain.save_item(Item.objects.get())
    domain.delete_item(acme.pk, item.pk)

    assert noted == [(acme.pk, "items", titles) for titles in (["a"], ["b"], ["c"], ["c"], [])]


def test_a_deleted_account_is_taken_off_its_items_as_a_change(acme, monkeypatch):
    erin, frank = User.objects.create_user("erin"), User.objects.create_user("frank")
    domain.create_items(acme.pk, [{"title": name, "assignee_id": who.pk} for name, who in (("a", erin), ("b", frank))])
    noted = []
    monkeypatch.setattr(domain, "note_change", lambda workspace_id, resource: noted.append(workspace_id))

    erin.delete()

    assert list(Item.objects.order_by("title").values_list("title", "assignee", "version")) == [("a", None, 2), ("b", frank.pk, 1)]
    assert noted == [acme.pk]


def test_a_new_name_makes_answers_out_of_date_and_nothing_else_does(acme, monkeypatch):
    erin = User.objects.create_user("erin")
    domain.create_items(acme.pk, [{"title": "a", "assignee_id": erin.pk}])
    noted = []
    monkeypatch.setattr(domain, "note_change", lambda workspace_id, resource: noted.append(workspace_id))

    erin.save()
    erin.save(update_fields=["last_login"])
    assert noted == []
    erin.username = "erin2"
    erin.save()

    assert noted == [acme.pk]
    assert Item.objects.get().version == 1


def _titles() -> list[str]:
    return list(Item.objects.values_list("title", flat=True))
