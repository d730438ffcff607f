"""
The console side of the data plane: where calls go, what they cost, what was used, and every published configuration.

Rules: `domain.py` is the only writer of configuration, `adapters/usage_store.py` of usage. The data plane reads none of these
tables on a warm request; it reads the `Snapshot` built from them.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from common.models import IdentifiedModel
from common.secret import Secret
from proxy.choices import LedgerKind, OnDisconnect, OnUnpriced, Outcome, PriceSource, Provider, RollupPeriod, Selection, UsageSource
from proxy.credentials import open_credential, seal_credential
from proxy.querysets import UsageRecordQuerySet
from proxy.validators import check_base_url

_SECONDS = [MinValueValidator(0.1), MaxValueValidator(3600)]


class Backend(IdentifiedModel):
    """An endpoint of a provider with the credential to call it."""

    name = models.SlugField(unique=True, max_length=63)
    provider = models.CharField(max_length=32, choices=Provider.choices)
    base_url = models.CharField(
        max_length=500,
        validators=[check_base_url],
        help_text="Up to and with /v1, such as https://api.openai.com/v1; Gemini's up to /v1beta, Ollama's and Azure's the server's root.",
    )
    api_version = models.CharField(max_length=32, blank=True, help_text="Azure's, such as 2024-10-21. Empty for its /openai/v1 API.")
    credential_sealed = models.BinaryField(null=True, editable=False)
    price_provider = models.CharField(
        max_length=64, blank=True, help_text="Whose list prices apply, such as groq or openai. Empty: those of the provider."
    )
    connect_timeout_s = models.FloatField(default=2, validators=_SECONDS)
    first_token_timeout_s = models.FloatField(default=30, validators=_SECONDS)
    idle_timeout_s = models.FloatField(default=60, validators=_SECONDS)
    total_timeout_s = models.FloatField(default=600, validators=_SECONDS)
    min_stream_bytes_per_s = models.PositiveIntegerField(
        default=0, help_text="A stream slower than this before its first content falls back; 0: only the first token timeout counts."
    )
    on_disconnect = models.CharField(max_length=16, choices=OnDisconnect.choices, default=OnDisconnect.CANCEL)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def set_credential(self, credential: Secret | None) -> None:
        """Seal the credential for this row; None removes it. The caller saves."""
        self.credential_sealed = seal_credential(self.pk, credential) if credential else None

    def get_credential(self) -> Secret | None:
        """Errors: DecryptionError when the key it was sealed with is gone."""
        return open_credential(self.pk, bytes(self.credential_sealed)) if self.credential_sealed else None


class Route(IdentifiedModel):
    """
    The name a client asks for, and where requests for it may go.

    A `model` that ends in `*` takes every name with that beginning which no other route has; a target whose upstream model is `*`
    then gets what the star stood for.
    """

    model = models.CharField(unique=True, max_length=200)
    aliases = ArrayField(models.CharField(max_length=200), default=list, blank=True, help_text="Other names for the same route.")
    selection = models.CharField(max_length=16, choices=Selection.choices, default=Selection.WEIGHTED)
    output_cap_tokens = models.PositiveIntegerField(
        default=4096, validators=[MinValueValidator(1)], help_text="What is reserved for an answer when the request sets no maximum."
    )
    exact_cache_ttl_s = models.PositiveIntegerField(default=0, help_text="Seconds an answer may be given again; 0: never.")
    is_sampled_cacheable = models.BooleanField(default=False, help_text="Also cache answers to requests with a temperature above 0.")
    is_coalesced = models.BooleanField(default=False, help_text="Identical requests in flight share one upstream call.")
    on_unpriced = models.CharField(max_length=8, choices=OnUnpriced.choices, default=OnUnpriced.ALLOW)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["model"]

    def __str__(self) -> str:
        return self.model


class Target(IdentifiedModel):
    """One place a route may send to: a backend and the name of the model there."""

    route = models.ForeignKey(Route, on_delete=models.CASCADE, db_index=False, related_name="targets")
    backend = models.ForeignKey(Backend, on_delete=models.PROTECT, db_index=False, related_name="targets")
    upstream_model = models.CharField(max_length=200)
    weight = models.PositiveIntegerField(default=1, help_text="Share of the traffic; 0 sends none.")

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["route", "backend", "upstream_model"], name="target_once_per_route")]
        indexes = [models.Index(fields=["backend"], name="idx_targets_backend")]  # the routes that lead to a backend

    def __str__(self) -> str:
        return f"{self.backend} · {self.upstream_model}"


class Price(IdentifiedModel):
    """
    What a model costs from a moment on, in nano-dollars per million tokens (a tenth of a cent per million is 1,000,000).

    The most specific and then the latest that has begun wins: an operator's price for the backend, an operator's, the list price.
    """

    provider = models.CharField(max_length=64, help_text="Whose price list, such as openai or groq.")
    upstream_model = models.CharField(max_length=200)
    backend = models.ForeignKey(
        Backend, null=True, blank=True, on_delete=models.CASCADE, db_index=False, related_name="prices", help_text="Empty: every backend."
    )
    source = models.CharField(max_length=16, choices=PriceSource.choices, default=PriceSource.OPERATOR)
    effective_at = models.DateTimeField(default=timezone.now)
    input_nano_usd_per_mtok = models.PositiveBigIntegerField()
    cached_input_nano_usd_per_mtok = models.PositiveBigIntegerField(null=True, blank=True, help_text="Empty: the price of other input.")
    output_nano_usd_per_mtok = models.PositiveBigIntegerField()
    cache_write_5m_nano_usd_per_mtok = models.PositiveBigIntegerField(null=True, blank=True, help_text="Empty: the price of other input.")
    cache_write_1h_nano_usd_per_mtok = models.PositiveBigIntegerField(null=True, blank=True, help_text="Empty: that of 5 minutes.")
    reasoning_nano_usd_per_mtok = models.PositiveBigIntegerField(null=True, blank=True, help_text="Empty: the price of other output.")
    audio_input_nano_usd_per_mtok = models.PositiveBigIntegerField(null=True, blank=True, help_text="Empty: the price of other input.")
    audio_output_nano_usd_per_mtok = models.PositiveBigIntegerField(null=True, blank=True, help_text="Empty: the price of other output.")

    class Meta:
        ordering = ["provider", "upstream_model", "-effective_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "upstream_model", "backend", "source", "effective_at"],
                nulls_distinct=False,
                name="price_once_per_moment",
            )
        ]
        indexes = [models.Index(fields=["backend"], name="idx_prices_backend")]  # the prices that hold for one backend alone

    def __str__(self) -> str:
        return f"{self.provider} · {self.upstream_model}"


class ConfigurationRevision(models.Model):
    """What the configuration was from one publish on: who changed what, when and why. Never changed, never deleted."""

    number = models.BigIntegerField(primary_key=True)
    published_at = models.DateTimeField(auto_now_add=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="+")
    reason = models.CharField(max_length=500)
    diff = models.TextField(blank=True, help_text="What changed against the revision before.")
    document = models.JSONField(help_text="The whole configuration in the apply format, without secrets.")

    class Meta:
        ordering = ["-number"]
        indexes = [models.Index(fields=["actor"], name="idx_revisions_actor")]  # what an account published, before it goes

    def __str__(self) -> str:
        return f"Revision {self.number}"


class UsageRecord(models.Model):
    """
    One request that reached a backend, settled once. Partitioned by day of `ts`; append-only.

    PostgreSQL's key is (ts, request_id); Django sees `request_id`, from whose UUIDv7 `ts` is derived.
    """

    request_id = models.UUIDField(primary_key=True, editable=False)
    ts = models.DateTimeField()
    workspace = models.ForeignKey("apikeys.Workspace", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    key = models.ForeignKey("apikeys.ApiKey", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    model = models.CharField(max_length=200)
    backend = models.CharField(max_length=63, blank=True)
    provider = models.CharField(max_length=32, blank=True)
    upstream_model = models.CharField(max_length=200, blank=True)
    status = models.PositiveSmallIntegerField(help_text="HTTP status; 499: the client left.")
    outcome = models.CharField(max_length=16, choices=Outcome.choices)
    error_code = models.CharField(max_length=64, blank=True)
    is_stream = models.BooleanField()
    input_tokens = models.PositiveIntegerField(default=0)
    cache_read_tokens = models.PositiveIntegerField(default=0)
    cache_write_5m_tokens = models.PositiveIntegerField(default=0)
    cache_write_1h_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0, help_text="All output, reasoning included.")
    reasoning_tokens = models.PositiveIntegerField(default=0)
    audio_input_tokens = models.PositiveIntegerField(default=0)
    audio_output_tokens = models.PositiveIntegerField(default=0)
    cost_nano_usd = models.PositiveBigIntegerField(default=0)
    reserved_nano_usd = models.PositiveBigIntegerField(default=0)
    price_effective_at = models.DateTimeField(null=True, help_text="Which version of the price was used; empty: unpriced.")
    usage_source = models.CharField(max_length=16, choices=UsageSource.choices)
    attempts_count = models.PositiveSmallIntegerField(default=0)
    latency_ms = models.FloatField(default=0)
    first_token_ms = models.FloatField(null=True)
    revision = models.BigIntegerField()
    endpoint = models.CharField(max_length=32, default="chat")
    cache = models.CharField(max_length=16, blank=True, help_text="HIT, MISS, COALESCED, BYPASS ...; empty: no cache was asked.")
    end_user = models.CharField(max_length=128, blank=True)
    tags = ArrayField(models.CharField(max_length=129), default=list, blank=True)
    decision = models.JSONField(null=True, help_text="What was decided for this request: limits, candidates, attempts, price.")

    objects = UsageRecordQuerySet.as_manager()

    class Meta:
        ordering = ["-ts", "-request_id"]
        indexes = [
            models.Index(fields=["workspace", "-ts"], name="idx_request_log_created_at"),  # one tenant's usage
            models.Index(fields=["key", "-ts"], name="idx_request_log_key_created_at"),  # one key's usage
            models.Index(
                fields=["workspace", "-ts"], name="idx_request_log_failures", condition=~models.Q(outcome=Outcome.OK)
            ),  # what failed in a workspace: few rows among many that did not
        ]

    def __str__(self) -> str:
        return str(self.request_id)


class LedgerEntry(models.Model):
    """
    One movement of money for a request. Append-only, partitioned by day of `ts`; nothing is ever updated.

    A request's rows add up: `reserved_nano_usd` to 0 once it is settled, `spent_nano_usd` to its cost.
    PostgreSQL's key is (ts, id); `id` follows from the request, the kind and a number, so that writing a row again changes nothing.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    ts = models.DateTimeField(help_text="When the request began: all its rows lie in one partition.")
    request_id = models.UUIDField()
    kind = models.CharField(max_length=8, choices=LedgerKind.choices)
    workspace = models.ForeignKey("apikeys.Workspace", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    key = models.ForeignKey("apikeys.ApiKey", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    model = models.CharField(max_length=200)
    reserved_nano_usd = models.BigIntegerField(default=0)
    spent_nano_usd = models.BigIntegerField(default=0)
    tokens = models.BigIntegerField(default=0, help_text="Tokens that were settled; reserved ones are in the reserve row.")
    price_effective_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-ts", "-id"]
        verbose_name_plural = "ledger entries"
        indexes = [
            models.Index(fields=["workspace", "-ts"], name="idx_ledger_created_at"),  # one tenant's movements
            models.Index(fields=["key", "-ts"], name="idx_ledger_key_created_at"),  # what a key spent since a moment
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.request_id}"


class Service(IdentifiedModel):
    """A plain HTTP upstream below a path of ours. In limits, allow-lists and usage it is the model `service:<path>`."""

    path = models.CharField(unique=True, max_length=200, help_text="Such as /infer; our own paths are reserved.")
    upstream_url = models.CharField(max_length=500, validators=[check_base_url])
    is_prefix_stripped = models.BooleanField(default=False, help_text="Take the path off before the upstream sees it.")
    cache_get_ttl_s = models.PositiveIntegerField(default=0, help_text="Seconds a GET may be answered from the cache; 0: never.")
    request_headers = ArrayField(models.CharField(max_length=100), default=list, blank=True, help_text="More headers that may cross to it.")
    response_headers = ArrayField(models.CharField(max_length=100), default=list, blank=True, help_text="More headers that may come back.")
    body_limit_bytes = models.PositiveBigIntegerField(default=32 * 1024 * 1024)
    connect_timeout_s = models.FloatField(default=2, validators=_SECONDS)
    first_byte_timeout_s = models.FloatField(default=30, validators=_SECONDS)
    idle_timeout_s = models.FloatField(default=60, validators=_SECONDS)
    total_timeout_s = models.FloatField(default=600, validators=_SECONDS)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["path"]

    def __str__(self) -> str:
        return self.path


class UsageTagRollup(models.Model):
    """Sums of usage records by tag and day. Written with the records, in one transaction."""

    starts_at = models.DateTimeField()
    workspace = models.ForeignKey("apikeys.Workspace", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    key = models.ForeignKey("apikeys.ApiKey", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    tag = models.CharField(max_length=129)
    model = models.CharField(max_length=200)
    requests_count = models.BigIntegerField()
    input_tokens = models.BigIntegerField()
    output_tokens = models.BigIntegerField()
    cost_nano_usd = models.BigIntegerField()

    class Meta:
        ordering = ["-starts_at"]
        constraints = [models.UniqueConstraint(fields=["starts_at", "workspace", "key", "tag", "model"], name="usage_tag_rollup_key")]
        indexes = [models.Index(fields=["workspace", "-starts_at"], name="idx_tag_rollups_workspace")]  # a workspace's usage by tag

    def __str__(self) -> str:
        return f"{self.tag} {self.starts_at:%Y-%m-%d}"


class UsageRollup(models.Model):
    """Sums of usage records per minute, hour and day; what every chart and headroom reads. Written with the records, in one transaction."""

    period = models.CharField(max_length=8, choices=RollupPeriod.choices)
    starts_at = models.DateTimeField()
    workspace = models.ForeignKey("apikeys.Workspace", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    key = models.ForeignKey("apikeys.ApiKey", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    model = models.CharField(max_length=200)
    backend = models.CharField(max_length=63, blank=True)
    outcome = models.CharField(max_length=16, choices=Outcome.choices)
    requests_count = models.BigIntegerField()
    input_tokens = models.BigIntegerField()
    output_tokens = models.BigIntegerField()
    cache_read_tokens = models.BigIntegerField(default=0)
    cache_write_5m_tokens = models.BigIntegerField(default=0)
    cache_write_1h_tokens = models.BigIntegerField(default=0)
    reasoning_tokens = models.BigIntegerField(default=0)
    audio_input_tokens = models.BigIntegerField(default=0)
    audio_output_tokens = models.BigIntegerField(default=0)
    cost_nano_usd = models.BigIntegerField()
    latency_ms_sum = models.FloatField()

    class Meta:
        ordering = ["-starts_at"]
        indexes = [
            models.Index(fields=["key", "period", "-starts_at"], name="idx_usage_rollups_key"),  # one key's chart
            models.Index(fields=["workspace", "period", "-starts_at"], name="idx_usage_rollups_workspace"),  # a workspace's chart
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["period", "starts_at", "workspace", "key", "model", "backend", "outcome"], name="usage_rollup_key"
            )
        ]

    def __str__(self) -> str:
        return f"{self.period} {self.starts_at:%Y-%m-%d %H:%M}"


class MaintenanceLease(models.Model):
    """Who leads the background work, until when. A row and not a session lock, so that it works behind a transaction pooler."""

    name = models.CharField(primary_key=True, max_length=63)
    holder = models.UUIDField(default=uuid.uuid4)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
