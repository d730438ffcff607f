"""`manage.py check_ledger`: tell whether usage records, ledger and rollups add up."""

from __future__ import annotations

import datetime as dt
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from proxy.ledger_check import check_ledger, odd_requests


class Command(BaseCommand):
    help = "Compare the sums of usage records, ledger and rollups, by day and API key; print what differs and exit with 1."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--since",
            type=dt.date.fromisoformat,
            metavar="YYYY-MM-DD",
            help="First day to check, in UTC; yesterday unless given.",
        )

    def handle(self, *args: Any, since: dt.date | None = None, **options: Any) -> None:
        found = check_ledger(since)
        for mismatch in found:
            self.stdout.write(str(mismatch))
            for odd in odd_requests(mismatch):
                self.stdout.write(
                    f"  request {odd.request_id}: recorded {odd.cost_nano_usd}, spent {odd.spent_nano_usd}, still held {odd.held_nano_usd}"
                )
        if found:
            self.stderr.write(f"{len(found)} sums do not add up.")
            sys.exit(1)
        self.stdout.write("Everything adds up.")
