"""`manage.py index_report`: tell how indexes are used, or print them as SQL."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connections

from common.databases import written_databases
from gatewaysite.index_report.report import BIG_ROWS_COUNT, make_report
from gatewaysite.index_report.scripts import write_script
from gatewaysite.index_report.tables import describe


class Command(BaseCommand):
    help = "Tell how indexes are used; exit with 1 when one is missing or broken, or a list reads a big table through."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="Write one JSON object.")
        parser.add_argument(
            "--sql", choices=("create", "drop"), nargs="?", const="create", help="Only print the indexes as SQL that may be run again."
        )
        parser.add_argument("--database", choices=written_databases(), help="Only this database. Without it all, for --sql the first.")
        parser.add_argument(
            "--rows", type=int, default=BIG_ROWS_COUNT, metavar="N", help="Which tables are big. Default: %(default)s rows."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        databases = (options["database"],) if options["database"] else written_databases()
        if options["sql"]:
            self.stdout.write(write_script(connections[databases[0]], is_drop=options["sql"] == "drop"), ending="")
            return
        report = make_report(databases, min_rows_count=options["rows"])
        self.stdout.write(json.dumps(report.as_dict(), default=str, indent=1) if options["json"] else describe(report))
        if report.faults:
            self.stderr.write(f"{len(report.faults)} faults.")
            sys.exit(1)
