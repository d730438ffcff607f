"""`manage.py load_prices`: put the published list prices that ship with the product into the table."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from proxy.prices.load import load_list_prices


class Command(BaseCommand):
    help = "Make the list prices in the database those that ship with this version. `manage.py up` does it by itself."

    def handle(self, *args: Any, **options: Any) -> None:
        loaded = load_list_prices()
        done = "loaded" if loaded.is_changed else "there already"
        self.stdout.write(f"{loaded.prices_count} list prices, version {loaded.version}: {done}.")
