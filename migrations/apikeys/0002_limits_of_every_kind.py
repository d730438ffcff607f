"""Limits in every unit, window and scope; what a key may do. New columns with defaults. Before deploy."""

import apikeys.models
import django.contrib.postgres.fields
import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("apikeys", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="apikey",
            name="permissions",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("inference", "Call models and services"),
                        ("usage", "Read the workspace's usage"),
                        ("keys", "Manage the workspace's API keys"),
                    ],
                    max_length=32,
                ),
                blank=True,
                default=apikeys.models.default_permissions,
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="limit",
            name="calendar",
            field=models.CharField(
                blank=True,
                choices=[("minute", "Minute"), ("hour", "Hour"), ("day", "Day"), ("week", "Week"), ("month", "Month")],
                help_text="Instead of a rolling window: one that begins with the clock, in UTC.",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="limit",
            name="is_per_model",
            field=models.BooleanField(default=False, help_text="Each model has a counter of its own."),
        ),
        migrations.AddField(
            model_name="limit",
            name="tag",
            field=models.CharField(
                blank=True, help_text="For scope tag: `team` counts each value apart, `team=search` only that one.", max_length=129
            ),
        ),
        migrations.AlterField(
            model_name="limit",
            name="model",
            field=models.CharField(
                blank=True,
                help_text="Empty: every model; `*` at the end matches any ending; a service is `service:/its/path`.",
                max_length=200,
            ),
        ),
        migrations.AlterField(
            model_name="limit",
            name="scope",
            field=models.CharField(
                choices=[
                    ("global", "Installation"),
                    ("ip", "IP address"),
                    ("workspace", "Workspace"),
                    ("key", "API key"),
                    ("end_user", "End user"),
                    ("tag", "Tag"),
                ],
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="limit",
            name="unit",
            field=models.CharField(
                choices=[
                    ("requests", "Requests"),
                    ("tokens", "Tokens"),
                    ("input_tokens", "Input tokens"),
                    ("output_tokens", "Output tokens"),
                    ("cost", "Cost"),
                    ("concurrency", "Requests in flight"),
                ],
                default="requests",
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="limit",
            name="window_s",
            field=models.PositiveIntegerField(
                default=1, help_text="Seconds of a rolling window.", validators=[django.core.validators.MinValueValidator(1)]
            ),
        ),
    ]
