"""`manage.py evaluate WHAT ...`: measure a part of the gateway on labelled data."""

from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any, TextIO

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from guardrails.default_policy import default_policy
from guardrails.errors import BadRule
from guardrails.evaluation.documents import ENDINGS, read_documents
from guardrails.evaluation.evaluate import Candidate, evaluate
from guardrails.evaluation.gates import BadGate, Gate, parse_gate
from guardrails.evaluation.judge import Judged
from guardrails.evaluation.report import as_line
from guardrails.evaluation.rows import BadRow, read_rows
from guardrails.evaluation.tables import describe

_POLICY = "A published policy, draft:NAME, or a .yaml or .json file; without it the policy that ships."


class GatesMissed(CommandError):
    """A gate was missed: the report was written, and the process ends with 1."""


class Command(BaseCommand):
    help = "Measure a part of the gateway on labelled data."
    requires_system_checks = ()  # a policy from a file needs no database

    def add_arguments(self, parser: ArgumentParser) -> None:
        parts = parser.add_subparsers(dest="part", required=True, metavar="guardrails")
        _add_guardrails(parts.add_parser("guardrails", help="Precision, recall, speed and the streaming law of a policy."))

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = _evaluate_guardrails(options)
        except (BadRule, BadRow, BadGate) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(report, indent=1) if options["json"] else describe(report))
        missed = [gate["gate"] for gate in report["gates"] if not gate["is_held"]]
        if missed:
            raise GatesMissed(f"Missed: {', '.join(missed)}.")


def _add_guardrails(parser: ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="JSON lines (or .jsonl.gz): `text`, `label` (1 or 0).")
    parser.add_argument("--policy", metavar="POLICY", help=_POLICY)
    parser.add_argument("--version", type=int, dest="number", metavar="N", help="Not the version in force but this one.")
    parser.add_argument("--compare", metavar="POLICY", help="Another policy on the same rows; NAME@N is a version of a published one.")
    parser.add_argument("--law", type=int, default=200, metavar="N", help="Texts to cut up for the streaming law. Default: %(default)s.")
    parser.add_argument("--gate", type=_gate, action="append", default=[], help="Such as recall>=0.85 or injection.fpr<=0.02.")
    parser.add_argument("--out", type=Path, metavar="FILE", help="Write a line of JSON for each row: verdict, findings, scores.")
    parser.add_argument("--json", action="store_true", help="Write one JSON object.")


def _gate(text: str) -> Gate:
    try:
        return parse_gate(text)
    except BadGate as error:
        raise ArgumentTypeError(str(error)) from error


def _evaluate_guardrails(options: dict[str, Any]) -> dict[str, Any]:
    candidate = _find_candidate(options["policy"], options["number"])
    other = _find_candidate(*_split(options["compare"])) if options["compare"] else None
    rows = list(read_rows(options["files"]))
    if not rows:
        raise CommandError("The files hold no rows.")
    measured = {"law_texts_count": max(0, options["law"]), "gates": options["gate"], "cache_folder": settings.GATEWAY_AUTOMATA_FOLDER}
    if options["out"] is None:
        return evaluate(candidate, rows, other, **measured)
    try:
        with options["out"].open("w", encoding="utf-8") as out:
            return evaluate(candidate, rows, other, **measured, on_row=lambda judged: _write(out, judged))
    except OSError as error:
        raise CommandError(f"{options['out']} cannot be written: {error.strerror}") from error


def _write(out: TextIO, judged: Judged) -> None:
    out.write(json.dumps(as_line(judged)) + "\n")


def _split(text: str) -> tuple[str, int | None]:
    name, _, number = text.rpartition("@")
    return (name, int(number)) if name and number.isdigit() else (text, None)


def _find_candidate(policy: str | None, number: int | None) -> Candidate:
    """Errors: BadRule, CommandError."""
    if policy is None:
        if number is not None:
            raise CommandError("--version needs --policy NAME, the published policy that it is a version of.")
        return Candidate(default_policy())
    if policy.endswith(ENDINGS):
        documents = read_documents(Path(policy))
        if len(documents) != 1:
            raise CommandError(f"{policy} holds {len(documents)} policies. Give a file with one.")
        return Candidate(documents[0])
    return _find_stored(policy, number)


def _find_stored(policy: str, number: int | None) -> Candidate:
    from guardrails.public import PolicyError, get_draft, get_version  # only here is a database needed

    try:
        if policy.startswith("draft:"):
            return Candidate(get_draft(policy.removeprefix("draft:")), "draft")
        document, version = get_version(policy, number)
    except PolicyError as error:
        raise CommandError(str(error)) from error
    return Candidate(document, str(version))
