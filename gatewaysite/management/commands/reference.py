"""`manage.py reference`: write docs/reference again."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from gatewaysite.reference import PAGES


class Command(BaseCommand):
    help = "Write the pages of docs/reference that are made from the code."

    def handle(self, *args: Any, **options: Any) -> None:
        folder = settings.BASE_DIR / "docs" / "reference"
        folder.mkdir(parents=True, exist_ok=True)
        for name, page in PAGES.items():
            (folder / name).write_text(page(), encoding="utf-8")
