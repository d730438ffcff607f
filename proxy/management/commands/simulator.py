"""`manage.py simulator`: a provider to develop, demonstrate and test against."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from proxy.simulator.__main__ import add_arguments
from proxy.simulator.server import serve


class Command(BaseCommand):
    help = "Run a provider to develop, demonstrate and test against: OpenAI, Anthropic and Ollama shapes, and /infer."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            serve(options["host"], options["port"], options["require_key"])
        except OSError as error:
            raise CommandError(f"cannot listen on {options['host']}:{options['port']}: {error.strerror or error}") from error
