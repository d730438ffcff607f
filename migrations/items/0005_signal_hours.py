"""
Signals by the hour, and TimescaleDB for those who have it and want it (GATEWAY_TIMESCALE).

The SQL stands in `items/signal_storage.py`, which `manage.py signal_storage` uses to go from one way to the other: both must make the same.
An empty table is moved at once; one with signals is copied. Before deploy.
"""

from django.conf import settings
from django.db import migrations

from items.signal_storage import choose_storage, drop_hours_of, hours_of, is_timescale_available, move, storage_of


def create(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        storage = choose_storage(settings.GATEWAY_TIMESCALE, is_available=is_timescale_available(cursor))
        for statement in hours_of("native"):
            cursor.execute(statement)
        if storage == "timescaledb":
            move(cursor, storage, settings.GATEWAY_SIGNAL_RETENTION_DAYS)


def drop(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        if storage_of(cursor) == "timescaledb":
            move(cursor, "native", settings.GATEWAY_SIGNAL_RETENTION_DAYS)
        for statement in drop_hours_of("native"):
            cursor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("items", "0004_signals")]

    operations = [migrations.RunPython(create, drop)]
