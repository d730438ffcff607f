"""`manage.py apply FILE`: make the configuration what a file says."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from proxy.configuration.apply import Applied, apply_document
from proxy.configuration.format import DocumentError, parse_document, read_credentials


class Command(BaseCommand):
    help = "Make the configuration what FILE says: shows what changes, publishes one revision. What the file does not name stays."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="A YAML file; - reads standard input.")
        parser.add_argument("--dry-run", action="store_true", help="Show what would change and change nothing.")
        parser.add_argument(
            "--prune", action="store_true", help="In the sections that the file has, delete what it does not name; revoke such API keys."
        )
        parser.add_argument("--json", action="store_true", help="Write one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            document = parse_document(_read(options["file"]))
            applied = apply_document(
                document,
                read_credentials(document),
                is_pruning=options["prune"],
                is_dry_run=options["dry_run"],
                reason=f"Apply {'standard input' if options['file'] == '-' else Path(options['file']).name}",
            )
        except DocumentError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(_dump(applied) if options["json"] else _describe(applied, is_dry_run=options["dry_run"]))


def _read(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{file} is no UTF-8 text: {error.reason} at byte {error.start}") from error


def _describe(applied: Applied, *, is_dry_run: bool) -> str:
    if not applied.diff:
        return "Nothing to change."
    lines = [applied.diff, ""]
    if is_dry_run:
        return "\n".join([*lines, "Nothing was changed: this was a dry run."])
    lines.append(f"Published revision {applied.revision}." if applied.revision else "Done; API keys need no new revision.")
    if applied.created_keys:
        lines += ["", "New API keys; they are shown this once:"]
        lines += [f"  {key.api_key.workspace.slug}/{key.api_key.name}  {key.secret.reveal()}" for key in applied.created_keys]
    return "\n".join(lines)


def _dump(applied: Applied) -> str:
    keys = [
        {"id": str(key.api_key.pk), "workspace": key.api_key.workspace.slug, "name": key.api_key.name, "api_key": key.secret.reveal()}
        for key in applied.created_keys
    ]
    return json.dumps({"diff": applied.diff.splitlines(), "revision": applied.revision, "api_keys": keys})
