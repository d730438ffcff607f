"""Policies, their versions, word lists, and the keys that name a policy. New tables only. Before deploy."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import common.ids


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("apikeys", "0002_limits_of_every_kind"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Policy",
            fields=[
                ("id", models.UUIDField(default=common.ids.create_uuid7, editable=False, primary_key=True, serialize=False)),
                ("name", models.SlugField(max_length=63, unique=True)),
                ("description", models.TextField(blank=True)),
                (
                    "mode",
                    models.CharField(
                        choices=[("enforce", "Enforce"), ("shadow", "Shadow"), ("off", "Off")], default="shadow", max_length=16
                    ),
                ),
                ("draft", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "verbose_name_plural": "policies",
                "permissions": [("publish_policy", "Can publish policies")],
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="WordList",
            fields=[
                ("id", models.UUIDField(default=common.ids.create_uuid7, editable=False, primary_key=True, serialize=False)),
                ("name", models.SlugField(max_length=63, unique=True)),
                ("words", django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=500), default=list, size=None)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="KeyPolicy",
            fields=[
                ("id", models.UUIDField(default=common.ids.create_uuid7, editable=False, primary_key=True, serialize=False)),
                (
                    "api_key",
                    models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name="key_policy", to="apikeys.apikey"),
                ),
                (
                    "policy",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="key_policies", to="guardrails.policy"),
                ),
            ],
            options={
                "verbose_name": "policy of a key",
                "verbose_name_plural": "policies of keys",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="PolicyVersion",
            fields=[
                ("id", models.UUIDField(default=common.ids.create_uuid7, editable=False, primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField()),
                ("source", models.JSONField()),
                ("document", models.JSONField()),
                ("digest", models.CharField(max_length=64)),
                (
                    "workspace_ids",
                    django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), blank=True, default=list, size=None),
                ),
                ("key_ids", django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), blank=True, default=list, size=None)),
                ("published_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("note", models.CharField(blank=True, max_length=500)),
                ("policy", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="versions", to="guardrails.policy")),
                (
                    "published_by",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "verbose_name": "version of a policy",
                "verbose_name_plural": "versions of policies",
                "ordering": ["-id"],
            },
        ),
        migrations.AddField(
            model_name="policy",
            name="published",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="+",
                to="guardrails.policyversion",
            ),
        ),
        migrations.AddConstraint(
            model_name="policyversion",
            constraint=models.UniqueConstraint(fields=("policy", "number"), name="policy_version_number"),
        ),
    ]
