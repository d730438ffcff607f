"""`manage.py bootstrap`: what `up` does to a database before it serves, for installations that bring their own stores."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from gatewaysite import bootstrap
from gatewaysite.services.paths import DataDir


class Command(BaseCommand):
    help = "Bring the database to this version and make what a first start needs: tables, list prices, limits, the first admin."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="Where the gateway will be reached; kept in bootstrap.json.")

    def handle(self, *args: Any, **options: Any) -> None:
        data_dir = DataDir(settings.GATEWAY_DATA_DIR)
        data_dir.create()
        made = bootstrap.run(data_dir, base_url=options["url"], simulator_url=None, environ=os.environ)
        for note in made.notes:
            self.stdout.write(note)
        if made.admin_password is None and made.api_key is None:
            self.stdout.write("The installation is up to date.")
        else:
            self.stdout.write(f"The first admin and API key are in {data_dir.bootstrap_file}, which only you can read.")
