"""
Guardrail policies: what admins edit, the versions that were published, shared word lists, and the keys that name a policy.

Rules: `domain.py` is the only writer. A version is never changed; what workers run is the version that its policy points to.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from common.models import IdentifiedModel
from guardrails.choices import PolicyMode
from guardrails.errors import PolicyError


class WordList(IdentifiedModel):
    """Words that several rules share. A version of a policy holds the words as they were when it was published."""

    name = models.SlugField(unique=True, max_length=63)
    words = ArrayField(models.CharField(max_length=500), default=list)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Policy(IdentifiedModel):
    """
    A policy under its name. `draft` is a `PolicyDocument` as JSON, without its name and mode, as an admin last left it.

    `published` is the version in force; None: the policy holds nowhere.
    """

    name = models.SlugField(unique=True, max_length=63)
    description = models.TextField(blank=True)
    mode = models.CharField(max_length=16, choices=PolicyMode.choices, default=PolicyMode.SHADOW)
    draft = models.JSONField(default=dict)
    published = models.ForeignKey(
        "PolicyVersion", null=True, blank=True, editable=False, on_delete=models.RESTRICT, db_index=False, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "policies"
        permissions = [("publish_policy", "Can publish policies")]
        indexes = [models.Index(fields=["published"], name="idx_policies_published")]  # whether a version is in force, before it goes

    def __str__(self) -> str:
        return self.name


class PolicyVersion(IdentifiedModel):
    """
    A policy as it was published. `document` has the words of its lists in it, `source` their names.

    `digest` is the SHA-256 of the document's canonical JSON. `workspace_ids` and `key_ids` are whom the scope named when it was published:
    a key that is renamed later stays covered.
    """

    policy = models.ForeignKey(Policy, on_delete=models.CASCADE, db_index=False, related_name="versions")
    number = models.PositiveIntegerField()
    source = models.JSONField()
    document = models.JSONField()
    digest = models.CharField(max_length=64)
    workspace_ids = ArrayField(models.UUIDField(), default=list, blank=True)
    key_ids = ArrayField(models.UUIDField(), default=list, blank=True)
    published_at = models.DateTimeField(default=timezone.now)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = "version of a policy"
        verbose_name_plural = "versions of policies"
        constraints = [models.UniqueConstraint(fields=["policy", "number"], name="policy_version_number")]
        indexes = [models.Index(fields=["published_by"], name="idx_policy_versions_publisher")]  # what an account published, before it goes

    def __str__(self) -> str:
        return f"{self.policy.name} {self.number}"

    def save(self, *args: Any, **options: Any) -> None:
        """Errors: PolicyError for a version that is stored already."""
        if not self._state.adding:
            raise PolicyError("A published version is never changed. Publish another one.")
        super().save(*args, **options)


class KeyPolicy(IdentifiedModel):
    """The policy that an API key names."""

    api_key = models.OneToOneField("apikeys.ApiKey", on_delete=models.CASCADE, related_name="key_policy")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, db_index=False, related_name="key_policies")

    class Meta:
        ordering = ["-id"]
        verbose_name = "policy of a key"
        verbose_name_plural = "policies of keys"
        indexes = [models.Index(fields=["policy"], name="idx_key_policies_policy")]  # the keys that name a policy

    def __str__(self) -> str:
        return f"{self.policy} of {self.api_key}"
