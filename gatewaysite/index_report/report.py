"""The whole report: facts, what follows from them, and the lists with their plans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from django.db import connections

from common.databases import PRIMARY, replica_databases
from gatewaysite.index_report.catalog import Catalog, read_catalog
from gatewaysite.index_report.declared import declared_indexes
from gatewaysite.index_report.findings import Finding, find_all
from gatewaysite.index_report.lists import LISTS, List, questions
from gatewaysite.index_report.plans import ListPlan, examine

BIG_ROWS_COUNT: Final = 1_000_000
"""From so many rows on a list that reads a table through is a fault."""


@dataclass(frozen=True, slots=True)
class DatabaseReport:
    """One database: `alias` is Django's name of it."""

    alias: str
    catalog: Catalog
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Report:
    databases: tuple[DatabaseReport, ...]
    lists: tuple[ListPlan, ...]

    @property
    def faults(self) -> list[str]:
        """What makes the command fail."""
        findings = [f"{finding.subject}: {finding.message}" for part in self.databases for finding in part.findings if finding.is_fault]
        return findings + [line for plan in self.lists for line in _faults_of(plan)]

    def as_dict(self) -> dict[str, Any]:
        return {
            "databases": [asdict(part) for part in self.databases],
            "lists": [asdict(plan) for plan in self.lists],
            "faults": self.faults,
        }


def _faults_of(plan: ListPlan) -> list[str]:
    if plan.status != 200:
        return [f"{plan.name}: it answered {plan.status}, so nothing is known of its plan."]
    return [f"{plan.name}: it reads all {scan.rows_count:,} rows of {scan.table}." for scan in plan.scans]


def make_report(aliases: Sequence[str], *, min_rows_count: int = BIG_ROWS_COUNT, lists: Sequence[List] = LISTS) -> Report:
    """
    Return what is known of these databases, and of the lists that are answered from them.

    Cost: four queries for each database; each list is asked for twice.
    """
    declared = declared_indexes()
    catalogs = {alias: read_catalog(connections[alias]) for alias in aliases}
    parts = [DatabaseReport(alias, catalog, tuple(find_all(catalog, declared))) for alias, catalog in catalogs.items()]
    if PRIMARY in catalogs:
        catalogs |= dict.fromkeys(replica_databases(), catalogs[PRIMARY])  # a replica that answers has the same rows and indexes
    plans = [plan for question in questions(lists) for plan in examine(question, catalogs, min_rows_count)]
    return Report(tuple(parts), tuple(plans))
