"""
Indexes of foreign keys get names of ours; that of a version's policy goes, because `policy_version_number` begins with it. Nothing waits.

The names that Django gave are the same everywhere. Before deploy.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

RENAMED = {
    "guardrails_policy_published_id_9abf7952": "idx_policies_published",
    "guardrails_policyversion_published_by_id_f42bc120": "idx_policy_versions_publisher",
    "guardrails_keypolicy_policy_id_1988dba8": "idx_key_policies_policy",
}


class Migration(migrations.Migration):
    dependencies = [
        ("guardrails", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                *(migrations.RunSQL(f"ALTER INDEX {old} RENAME TO {new}", f"ALTER INDEX {new} RENAME TO {old}") for old, new in RENAMED.items()),
                migrations.RunSQL(
                    "DROP INDEX guardrails_policyversion_policy_id_44fed779",
                    "CREATE INDEX guardrails_policyversion_policy_id_44fed779 ON guardrails_policyversion (policy_id)",
                ),
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="policy",
                    name="published",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="guardrails.policyversion",
                    ),
                ),
                migrations.AlterField(
                    model_name="policyversion",
                    name="policy",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="versions",
                        to="guardrails.policy",
                    ),
                ),
                migrations.AlterField(
                    model_name="policyversion",
                    name="published_by",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                migrations.AlterField(
                    model_name="keypolicy",
                    name="policy",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="key_policies",
                        to="guardrails.policy",
                    ),
                ),
                migrations.AddIndex(
                    model_name="policy",
                    index=models.Index(fields=["published"], name="idx_policies_published"),
                ),
                migrations.AddIndex(
                    model_name="policyversion",
                    index=models.Index(fields=["published_by"], name="idx_policy_versions_publisher"),
                ),
                migrations.AddIndex(
                    model_name="keypolicy",
                    index=models.Index(fields=["policy"], name="idx_key_policies_policy"),
                ),
            ],
        ),
    ]
