"""`manage.py export`: the configuration in the apply format."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from proxy.configuration.write import export_yaml


class Command(BaseCommand):
    help = "Write the configuration in the format that `manage.py apply` reads, without secrets."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(export_yaml(), ending="")
