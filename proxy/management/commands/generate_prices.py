"""`manage.py generate_prices`: write the published list prices that ship with the product anew."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Write proxy/prices/list_prices.json from the installed genai-prices (a development package)."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="Write nothing; fail when the file is not what would be written.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            # Not at the top: the package is not installed where the product only runs.
            from proxy.prices.generate import PATH, generate
        except ModuleNotFoundError as error:
            raise CommandError(f"{error.name} is missing: pip install -r requirements-dev.txt") from error
        text = generate()
        if options["check"]:
            if not PATH.exists() or PATH.read_text(encoding="utf-8") != text:
                raise CommandError(f"{PATH} is out of date: manage.py generate_prices writes it")
        else:
            PATH.write_text(text, encoding="utf-8")
            self.stdout.write(f"Wrote {PATH} ({len(text.encode()) // 1024} KB).")
