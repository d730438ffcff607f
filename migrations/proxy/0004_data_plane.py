"""
Providers, limits, caches and money of the whole data plane: new columns with defaults, which PostgreSQL adds without rewriting, and
tables of their own. Before deploy.
"""

import common.ids
import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import proxy.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("apikeys", "0002_limits_of_every_kind"),
        ("proxy", "0003_usage_classes"),
    ]

    operations = [
        migrations.CreateModel(
            name="Service",
            fields=[
                ("id", models.UUIDField(default=common.ids.create_uuid7, editable=False, primary_key=True, serialize=False)),
                ("path", models.CharField(help_text="Such as /infer; our own paths are reserved.", max_length=200, unique=True)),
                ("upstream_url", models.CharField(max_length=500, validators=[proxy.validators.check_base_url])),
                ("is_prefix_stripped", models.BooleanField(default=False, help_text="Take the path off before the upstream sees it.")),
                (
                    "cache_get_ttl_s",
                    models.PositiveIntegerField(default=0, help_text="Seconds a GET may be answered from the cache; 0: never."),
                ),
                (
                    "request_headers",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100),
                        blank=True,
                        default=list,
                        help_text="More headers that may cross to it.",
                        size=None,
                    ),
                ),
                (
                    "response_headers",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100),
                        blank=True,
                        default=list,
                        help_text="More headers that may come back.",
                        size=None,
                    ),
                ),
                ("body_limit_bytes", models.PositiveBigIntegerField(default=33554432)),
                (
                    "connect_timeout_s",
                    models.FloatField(
                        default=2,
                        validators=[django.core.validators.MinValueValidator(0.1), django.core.validators.MaxValueValidator(3600)],
                    ),
                ),
                (
                    "first_byte_timeout_s",
                    models.FloatField(
                        default=30,
                        validators=[django.core.validators.MinValueValidator(0.1), django.core.validators.MaxValueValidator(3600)],
                    ),
                ),
                (
                    "idle_timeout_s",
                    models.FloatField(
                        default=60,
                        validators=[django.core.validators.MinValueValidator(0.1), django.core.validators.MaxValueValidator(3600)],
                    ),
                ),
                (
                    "total_timeout_s",
                    models.FloatField(
                        default=600,
                        validators=[django.core.validators.MinValueValidator(0.1), django.core.validators.MaxValueValidator(3600)],
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "ordering": ["path"],
            },
        ),
        migrations.AddField(
            model_name="backend",
            name="api_version",
            field=models.CharField(blank=True, help_text="Azure's, such as 2024-10-21. Empty for its /openai/v1 API.", max_length=32),
        ),
        migrations.AddField(
            model_name="backend",
            name="min_stream_bytes_per_s",
            field=models.PositiveIntegerField(
                default=0,
                help_text="A stream slower than this before its first content falls back; 0: only the first token timeout counts.",
            ),
        ),
        migrations.AddField(
            model_name="price",
            name="audio_input_nano_usd_per_mtok",
            field=models.PositiveBigIntegerField(blank=True, help_text="Empty: the price of other input.", null=True),
        ),
        migrations.AddField(
            model_name="price",
            name="audio_output_nano_usd_per_mtok",
            field=models.PositiveBigIntegerField(blank=True, help_text="Empty: the price of other output.", null=True),
        ),
        migrations.AddField(
            model_name="price",
            name="cache_write_1h_nano_usd_per_mtok",
            field=models.PositiveBigIntegerField(blank=True, help_text="Empty: that of 5 minutes.", null=True),
        ),
        migrations.AddField(
            model_name="price",
            name="cache_write_5m_nano_usd_per_mtok",
            field=models.PositiveBigIntegerField(blank=True, help_text="Empty: the price of other input.", null=True),
        ),
        migrations.AddField(
            model_name="price",
            name="reasoning_nano_usd_per_mtok",
            field=models.PositiveBigIntegerField(blank=True, help_text="Empty: the price of other output.", null=True),
        ),
        migrations.AddField(
            model_name="route",
            name="aliases",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=200),
                blank=True,
                default=list,
                help_text="Other names for the same route.",
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="route",
            name="exact_cache_ttl_s",
            field=models.PositiveIntegerField(default=0, help_text="Seconds an answer may be given again; 0: never."),
        ),
        migrations.AddField(
            model_name="route",
            name="is_coalesced",
            field=models.BooleanField(default=False, help_text="Identical requests in flight share one upstream call."),
        ),
        migrations.AddField(
            model_name="route",
            name="is_sampled_cacheable",
            field=models.BooleanField(default=False, help_text="Also cache answers to requests with a temperature above 0."),
        ),
        migrations.AddField(
            model_name="route",
            name="on_unpriced",
            field=models.CharField(choices=[("allow", "Allow and alert"), ("deny", "Refuse")], default="allow", max_length=8),
        ),
        migrations.AddField(
            model_name="route",
            name="output_cap_tokens",
            field=models.PositiveIntegerField(
                default=4096,
                help_text="What is reserved for an answer when the request sets no maximum.",
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
        migrations.AddField(
            model_name="usagerecord",
            name="audio_input_tokens",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="usagerecord",
            name="audio_output_tokens",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="usagerecord",
            name="cache",
            field=models.CharField(blank=True, help_text="HIT, MISS, COALESCED, BYPASS ...; empty: no cache was asked.", max_length=16),
        ),
        migrations.AddField(
            model_name="usagerecord",
            name="cache_write_1h_tokens",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="usagerecord",
            name="cache_write_5m_tokens",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="usagerecord",
            name="decision",
            field=models.JSONField(help_text="What was decided for this request: limits, candidates, attempts, price.", null=True),
        ),
        migrations.AddField(
            model_name="usagerecord",
            name="end_user",
            field=models.CharField(blank=True, max_length=128),
        ),
        migrations.AddField(
            model_name="usagerecord",
            name="endpoint",
            field=models.CharField(default="chat", max_length=32),
        ),
        migrations.AddField(
            model_name="usagerecord",
            name="price_effective_at",
            field=models.DateTimeField(help_text="Which version of the price was used; empty: unpriced.", null=True),
        ),
        migrations.AddField(
            model_name="usagerecord",
            name="reasoning_tokens",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="usagerecord",
            name="reserved_nano_usd",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="usagerecord",
            name="tags",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=129), blank=True, default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="usagerollup",
            name="audio_input_tokens",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="usagerollup",
            name="audio_output_tokens",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="usagerollup",
            name="cache_write_1h_tokens",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="usagerollup",
            name="cache_write_5m_tokens",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="usagerollup",
            name="reasoning_tokens",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AlterField(
            model_name="backend",
            name="base_url",
            field=models.CharField(
                help_text="Up to and with /v1, such as https://api.openai.com/v1; Gemini's up to /v1beta, Ollama's and Azure's the server's root.",
                max_length=500,
                validators=[proxy.validators.check_base_url],
            ),
        ),
        migrations.AlterField(
            model_name="backend",
            name="provider",
            field=models.CharField(
                choices=[
                    ("openai", "OpenAI"),
                    ("azure", "Azure OpenAI"),
                    ("anthropic", "Anthropic"),
                    ("gemini", "Google Gemini"),
                    ("ollama", "Ollama"),
                    ("openai_compatible", "OpenAI compatible"),
                    ("simulator", "Simulator"),
                ],
                max_length=32,
            ),
        ),
        migrations.AlterField(
            model_name="usagerecord",
            name="outcome",
            field=models.CharField(
                choices=[
                    ("ok", "Answered"),
                    ("error", "Failed"),
                    ("cancelled", "Client left"),
                    ("interrupted", "Gateway process died"),
                    ("refused", "Refused by the gateway"),
                ],
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="usagerecord",
            name="output_tokens",
            field=models.PositiveIntegerField(default=0, help_text="All output, reasoning included."),
        ),
        migrations.AlterField(
            model_name="usagerecord",
            name="usage_source",
            field=models.CharField(
                choices=[
                    ("provider", "Provider"),
                    ("partial", "Provider, completed by an estimate"),
                    ("estimate", "Estimate"),
                    ("none", "Nothing used"),
                ],
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="usagerollup",
            name="cache_read_tokens",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AlterField(
            model_name="usagerollup",
            name="outcome",
            field=models.CharField(
                choices=[
                    ("ok", "Answered"),
                    ("error", "Failed"),
                    ("cancelled", "Client left"),
                    ("interrupted", "Gateway process died"),
                    ("refused", "Refused by the gateway"),
                ],
                max_length=16,
            ),
        ),
        migrations.CreateModel(
            name="UsageTagRollup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("starts_at", models.DateTimeField()),
                ("tag", models.CharField(max_length=129)),
                ("model", models.CharField(max_length=200)),
                ("requests_count", models.BigIntegerField()),
                ("input_tokens", models.BigIntegerField()),
                ("output_tokens", models.BigIntegerField()),
                ("cost_nano_usd", models.BigIntegerField()),
                (
                    "key",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="apikeys.apikey",
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="apikeys.workspace",
                    ),
                ),
            ],
            options={
                "ordering": ["-starts_at"],
                "constraints": [
                    models.UniqueConstraint(fields=("starts_at", "workspace", "key", "tag", "model"), name="usage_tag_rollup_key")
                ],
            },
        ),
    ]
