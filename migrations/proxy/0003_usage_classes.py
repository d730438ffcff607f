"""Usage in classes that do not overlap: what was `cached_input_tokens` is `cache_read_tokens` now. Before deploy; both names cannot be."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("proxy", "0002_usage_record")]

    operations = [
        migrations.RenameField("usagerecord", "cached_input_tokens", "cache_read_tokens"),
        migrations.RenameField("usagerollup", "cached_input_tokens", "cache_read_tokens"),
        migrations.RunSQL(
            "UPDATE proxy_usagerecord SET usage_source = 'provider' WHERE usage_source = 'upstream'",
            "UPDATE proxy_usagerecord SET usage_source = 'upstream' WHERE usage_source = 'provider'",
        ),
    ]
