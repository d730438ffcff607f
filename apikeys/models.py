"""
Who may call: workspaces (tenants), API keys with their secrets, and limits.

Rules: `domain.py` is the only writer. A secret itself is never stored, only its digest.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone

from apikeys.choices import CalendarWindow, LimitMode, LimitScope, LimitUnit, Permission
from apikeys.querysets import ApiKeyQuerySet, ApiKeySecretQuerySet
from apikeys.validators import check_network
from common.models import IdentifiedModel


class Workspace(IdentifiedModel):
    """A tenant: everything a request touches belongs to exactly one."""

    slug = models.SlugField(unique=True, max_length=63)
    name = models.CharField(max_length=200)
    is_active = models.BooleanField(default=True, help_text="An inactive workspace's keys are refused.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.name


def default_permissions() -> list[str]:
    """Return what a key may do unless told otherwise: everything in its workspace but manage keys."""
    return [permission.value for permission in Permission if permission is not Permission.KEYS]


class Limit(IdentifiedModel):
    """
    A ceiling on how much may pass in a window: a rolling one, refilled evenly with a burst on top, or one of the calendar.

    A limit of scope `key` binds the keys that name it; the other scopes bind every request, or only those of `workspace` and `model`.
    Units: `amount` and `burst` are requests, tokens, nano-dollars or requests in flight, by `unit`.
    """

    name = models.SlugField(unique=True, max_length=63)
    scope = models.CharField(max_length=16, choices=LimitScope.choices)
    unit = models.CharField(max_length=16, choices=LimitUnit.choices, default=LimitUnit.REQUESTS)
    amount = models.PositiveBigIntegerField(validators=[MinValueValidator(1)], help_text="Units per window.")
    window_s = models.PositiveIntegerField(default=1, validators=[MinValueValidator(1)], help_text="Seconds of a rolling window.")
    calendar = models.CharField(
        max_length=8,
        blank=True,
        choices=CalendarWindow.choices,
        help_text="Instead of a rolling window: one that begins with the clock, in UTC.",
    )
    burst = models.PositiveBigIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="Units that may come at once; empty: as many as the amount."
    )
    mode = models.CharField(max_length=16, choices=LimitMode.choices, default=LimitMode.ENFORCE)
    workspace = models.ForeignKey(
        Workspace,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        db_index=False,
        related_name="limits",
        help_text="Empty: every workspace.",
    )
    model = models.CharField(
        max_length=200, blank=True, help_text="Empty: every model; `*` at the end matches any ending; a service is `service:/its/path`."
    )
    is_per_model = models.BooleanField(default=False, help_text="Each model has a counter of its own.")
    tag = models.CharField(
        max_length=129, blank=True, help_text="For scope tag: `team` counts each value apart, `team=search` only that one."
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=models.Q(amount__gte=1, window_s__gte=1), name="limit_amount_and_window_positive"),
        ]
        indexes = [models.Index(fields=["workspace"], name="idx_limits_workspace")]  # the limits that go with a workspace

    def __str__(self) -> str:
        return self.name


class ApiKey(IdentifiedModel):
    """
    What a consumer calls with. Its identity (limits, usage, permissions) stays the same while its secrets rotate.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, db_index=False, related_name="api_keys")
    name = models.CharField(max_length=200)
    allowed_models = ArrayField(
        models.CharField(max_length=200),
        default=list,
        blank=True,
        help_text="Models it may use; `*` at the end matches any ending. Empty: all.",
    )
    allowed_networks = ArrayField(
        models.CharField(max_length=43, validators=[check_network]),
        default=list,
        blank=True,
        help_text="Networks it may be used from, such as 10.0.0.0/8. Empty: any.",
    )
    permissions = ArrayField(models.CharField(max_length=32, choices=Permission.choices), default=default_permissions, blank=True)
    limits = models.ManyToManyField(Limit, blank=True, related_name="api_keys", limit_choices_to={"scope": LimitScope.KEY})
    is_keepalive_enabled = models.BooleanField(default=True, help_text="Send comments on a silent stream so that proxies keep it open.")
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = "API key"
        constraints = [models.UniqueConstraint(fields=["workspace", "name"], name="api_key_name_in_workspace")]
        indexes = [models.Index(fields=["workspace", "-id"], name="idx_api_keys_workspace")]  # a workspace's keys, the newest first

    def __str__(self) -> str:
        return self.name

    def find_status(self) -> str:
        """Return what holds of the key now: active, revoked, expired, workspace inactive. Reads its workspace."""
        if self.revoked_at:
            return "revoked"
        if self.expires_at and self.expires_at <= timezone.now():
            return "expired"
        return "active" if self.workspace.is_active else "workspace inactive"


class ApiKeySecret(IdentifiedModel):
    """One secret of an API key, as the HMAC-SHA256 digest that a presented key is looked up by."""

    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, db_index=False, related_name="secrets")
    public_id = models.CharField(max_length=16, unique=True, help_text="The readable part of the key, for support.")
    digest = models.BinaryField(max_length=32, unique=True)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="End of the overlap after a rotation.")
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ApiKeySecretQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = "API key secret"
        indexes = [
            models.Index(
                fields=["digest"],
                include=["api_key", "expires_at"],
                name="idx_api_keys_hash_active",
                condition=models.Q(revoked_at__isnull=True),
            ),  # whose a presented key is, when no worker remembers it
            models.Index(fields=["api_key", "-created_at", "-id"], name="idx_api_key_secrets_key"),  # a key's secrets, the newest first
        ]

    def __str__(self) -> str:
        return f"gw_live_{self.public_id}_…"


class KeyChange(models.Model):
    """
    A feed of what changed about keys, read by every worker so that it forgets what it remembered.

    Guarantee: `number` rises in the order of commits, because its counter row is locked until the transaction ends; a reader
    that has seen n never misses a smaller one.
    """

    number = models.BigIntegerField(primary_key=True)
    subject = models.CharField(max_length=64, help_text="`key:<id>` or `workspace:<id>`.")
    changed_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["number"]
        indexes = [models.Index(fields=["changed_at"], name="idx_key_changes_changed_at")]  # what is old enough to be forgotten

    def __str__(self) -> str:
        return f"{self.number} {self.subject}"


class KeyChangeCounter(models.Model):
    """The single row that hands out the numbers of the feed."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    value = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="key_change_counter_single_row")]

    def __str__(self) -> str:
        return str(self.value)
