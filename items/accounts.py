"""
What becomes of items when an account is renamed or deleted, wherever that is done.

Items name their assignee, so an answer that was kept is out of date then. No constraint leads from items to accounts, which may live in
another database: Django alone would leave the items of shards as they are, and raise no version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models.signals import post_save, pre_delete, pre_save
from django.dispatch import receiver

from items import domain

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_IS_RENAMED = "_items_is_renamed"


@receiver(pre_delete, sender=settings.AUTH_USER_MODEL)
def unassign(instance: User, **_: Any) -> None:
    domain.unassign(instance.pk)


@receiver(pre_save, sender=settings.AUTH_USER_MODEL)
def notice_new_name(instance: User, raw: bool, update_fields: frozenset[str] | None, **_: Any) -> None:
    """Cost: one query, none when somebody signs in."""
    if raw or instance._state.adding or (update_fields is not None and "username" not in update_fields):  # noqa: SLF001  # Django's public name
        return
    earlier = type(instance).objects.filter(pk=instance.pk).values_list("username", flat=True).first()
    setattr(instance, _IS_RENAMED, earlier not in {None, instance.username})


@receiver(post_save, sender=settings.AUTH_USER_MODEL)
def tell_new_name(instance: User, **_: Any) -> None:
    if instance.__dict__.pop(_IS_RENAMED, False):
        domain.note_renamed(instance.pk)
