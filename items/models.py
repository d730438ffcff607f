"""
What a workspace's people work on beside inference: items; and what tells them to act: signals that arrive over channels.

Rules: `domain.py` and `signal_store.py` are the only writers; nothing ever leaves its workspace. Rows of one workspace may live in a
database of their own (a shard), where no workspaces and no accounts are: no constraint leads there, and no query joins them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Case, Q, Value, When

from common.models import IdentifiedModel
from items.choices import PRIORITY_RANKS, Action, Priority, Status
from items.querysets import ItemQuerySet
from items.validators import check_category, check_description, check_tags

_CHECKS: dict[str, Callable[[Any], None]] = {"category": check_category, "description": check_description, "tags": check_tags}


class Item(IdentifiedModel):
    """One piece of work. `version` rises with every change: whoever changes an item says which version they saw."""

    workspace = models.ForeignKey("apikeys.Workspace", on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="items")
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    category = models.CharField(max_length=64, blank=True)
    priority = models.CharField(max_length=16, choices=Priority.choices, default=Priority.MEDIUM)
    priority_rank = models.GeneratedField(
        expression=Case(*(When(priority=word.value, then=Value(rank)) for word, rank in PRIORITY_RANKS.items()), default=Value(0)),
        output_field=models.SmallIntegerField(),
        db_persist=True,
    )
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.NEW)
    tags = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        db_constraint=False,
        db_index=False,
        related_name="assigned_items",
    )
    due_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    search = models.GeneratedField(
        expression=SearchVector("title", weight="A", config="english") + SearchVector("description", weight="B", config="english"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = ItemQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["workspace", "-created_at", "-id"], name="idx_items_created_at"),  # the list
            models.Index(fields=["workspace", "-updated_at", "-id"], name="idx_items_updated_at"),  # what changed last
            models.Index(fields=["workspace", "category"], name="idx_items_category"),  # how many are in each category
            models.Index(
                fields=["workspace", "category", "-created_at", "-id"], name="idx_items_category_created_at"
            ),  # the list of one category
            models.Index(fields=["workspace", "-priority_rank", "-id"], name="idx_items_priority"),  # the most urgent first
            models.Index(fields=["workspace", "status", "-created_at", "-id"], name="idx_items_status"),  # the list of one status
            models.Index(
                fields=["workspace", "status", "-priority_rank", "-id"], name="idx_items_status_priority"
            ),  # the most urgent of one status: a board's column
            models.Index(
                fields=["workspace", "assignee", "-created_at"], name="idx_items_assignee", condition=Q(assignee__isnull=False)
            ),  # what somebody has to do
            models.Index(fields=["workspace", "due_at", "id"], name="idx_items_due_at"),  # what is due first; without a day: last
            models.Index(fields=["workspace", "title", "id"], name="idx_items_title"),  # the list by title
            GinIndex(fields=["workspace", "tags"], name="idx_items_tags"),  # any or all of some tags
            GinIndex(fields=["workspace", "search"], name="idx_items_search"),  # words in title and description
        ]

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        """Errors: ValidationError for texts that a field's own length does not bound, and that could not be filtered by."""
        complaints: dict[str, ValidationError] = {}
        for name, check in _CHECKS.items():
            try:
                check(getattr(self, name))
            except ValidationError as error:
                complaints[name] = error
        if complaints:
            raise ValidationError(complaints)


class Channel(IdentifiedModel):
    """Where signals of a workspace come from: a strategy, a bot, a provider's feed."""

    workspace = models.ForeignKey(
        "apikeys.Workspace", on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="channels"
    )
    name = models.SlugField(max_length=63, db_index=False)
    description = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField(default=True, help_text="An inactive channel takes no signals; what it took stays.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="channel_name_in_workspace"),  # found by its name
        ]

    def __str__(self) -> str:
        return self.name


class Signal(models.Model):
    """
    One signal of a channel. `ts` is when it was given, to the microsecond; `id` carries the same time in milliseconds.

    Guarantee: one row for each (channel, external id), kept by `SignalKey`. PostgreSQL's key is (ts, id): the table is partitioned by `ts`.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    ts = models.DateTimeField(help_text="When the signal was given.")
    workspace = models.ForeignKey("apikeys.Workspace", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    channel = models.ForeignKey(Channel, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="signals")
    symbol = models.CharField(max_length=32)
    action = models.CharField(max_length=8, choices=Action.choices)
    price = models.DecimalField(max_digits=24, decimal_places=8, null=True)
    confidence = models.FloatField(null=True, help_text="From 0 to 1.")
    external_id = models.CharField(max_length=200, blank=True, help_text="The channel's own id of it; a repeat of it is no new signal.")
    payload = models.JSONField(null=True, help_text="What the source sent.")
    created_at = models.DateTimeField(help_text="When it arrived.")

    class Meta:
        ordering = ["-ts", "-id"]
        indexes = [
            models.Index(fields=["workspace", "-ts", "-id"], name="idx_signals_timestamp"),  # the list
            models.Index(fields=["workspace", "symbol", "-ts"], name="idx_signals_symbol"),  # a workspace's signals of one symbol
            models.Index(fields=["workspace", "action", "-ts"], name="idx_signals_action"),  # a workspace's signals of one action
            models.Index(fields=["symbol", "-ts"], name="idx_signals_symbol_timestamp"),  # one symbol in all workspaces: the console
            models.Index(fields=["channel", "-ts"], name="idx_signals_channel_timestamp"),  # one channel's signals
            models.Index(fields=["channel", "symbol", "-ts"], name="idx_signals_channel"),  # one channel's signals of one symbol
            BrinIndex(fields=["ts"], name="idx_signals_timestamp_brin"),  # how many in a span of hours
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.symbol}"


class SignalKey(models.Model):
    """
    What a channel sent already. It is not partitioned: a unique index of a partitioned table must hold the partition's column.

    PostgreSQL's key is (channel_id, external_id); rows go with the signals they belong to.
    """

    signal_id = models.UUIDField(primary_key=True, editable=False)
    ts = models.DateTimeField()
    channel = models.ForeignKey(Channel, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    external_id = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "external_id"], name="signal_key_of_channel")]
        indexes = [models.Index(fields=["ts"], name="idx_signal_keys_timestamp")]  # what retention deletes


class LatestSignal(IdentifiedModel):
    """The newest signal of each symbol in a workspace: asking the signals themselves takes 300 times as long."""

    workspace = models.ForeignKey("apikeys.Workspace", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    symbol = models.CharField(max_length=32)
    signal_id = models.UUIDField()
    ts = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "symbol"], name="latest_signal_of_symbol")]
        indexes = [
            models.Index(fields=["workspace", "-ts"], name="idx_latest_signals_timestamp"),  # the symbols that moved last
        ]
