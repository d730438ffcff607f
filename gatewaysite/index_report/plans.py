"""
Asks for lists as their callers do, and looks at how PostgreSQL answers: which queries, how long, and whether it reads a big table through.

Rules: views are called with a caller that is made up for it, so that no key is needed and no limit counts; they read, and nothing is
written.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from django.db import connections
from django.urls import resolve
from rest_framework.test import APIRequestFactory, force_authenticate

from gatewaysite.index_report.catalog import Catalog
from gatewaysite.index_report.lists import Question

_SMALL_PART: Final = 100
"""A partition with fewer rows than this part of a big table is read as quickly as its index."""


@dataclass(frozen=True, slots=True)
class Query:
    """What was sent to a database."""

    alias: str
    sql: str
    params: Any


@dataclass(frozen=True, slots=True)
class Answer:
    """What a list answered: its status, in which time, with which queries, and the path of the next page."""

    status: int
    duration_ms: float
    queries: tuple[Query, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class SequentialScan:
    """A table, or a partition of it, that a plan reads from one end to the other."""

    table: str
    rows_count: int
    sql: str


@dataclass(frozen=True, slots=True)
class ListPlan:
    """One list with what was found out about it."""

    name: str
    status: int
    duration_ms: float
    queries_count: int
    scans: tuple[SequentialScan, ...]

    @property
    def is_fault(self) -> bool:
        return self.status != 200 or bool(self.scans)


def examine(question: Question, catalogs: Mapping[str, Catalog], min_rows_count: int) -> list[ListPlan]:
    """
    Ask for a list's first two pages and explain every query of them.

    Cost: two calls of the view, and as many EXPLAIN as they have queries.
    """
    first = ask(question)
    found = [_judge(question.name, first, catalogs, min_rows_count)]
    if first.next is not None:
        second = ask(Question(first.next, question.caller))
        found.append(_judge(f"{question.name}, page 2", second, catalogs, min_rows_count))
    return found


def ask(question: Question) -> Answer:
    """Call the view that a path leads to."""
    path = question.path
    request = APIRequestFactory().get(path)
    force_authenticate(request, user=question.caller)
    match = resolve(urlsplit(path).path)
    with _listening() as queries:
        began = time.perf_counter()
        response = match.func(request, *match.args, **match.kwargs)
        response.render()
        duration_ms = (time.perf_counter() - began) * 1000
    body: Any = json.loads(response.content) if response.status_code == 200 else {}
    return Answer(response.status_code, duration_ms, tuple(queries), body.get("next"))


@contextmanager
def _listening() -> Iterator[list[Query]]:
    """Yield a list that gets every query of every database."""
    queries: list[Query] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Mapping[str, Any]) -> Any:
        queries.append(Query(context["connection"].alias, sql, params))
        return execute(sql, params, many, context)

    with ExitStack() as stack:
        for alias in connections:
            stack.enter_context(connections[alias].execute_wrapper(note))
        yield queries


def _judge(name: str, answer: Answer, catalogs: Mapping[str, Catalog], min_rows_count: int) -> ListPlan:
    scans = [scan for query in answer.queries for scan in _scans_of(query, catalogs.get(query.alias), min_rows_count)]
    return ListPlan(name, answer.status, answer.duration_ms, len(answer.queries), tuple(scans))


def _scans_of(query: Query, catalog: Catalog | None, min_rows_count: int) -> Iterator[SequentialScan]:
    if catalog is None or not query.sql.lstrip("( ").upper().startswith(("SELECT", "WITH")):
        return
    with connections[query.alias].cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {query.sql}", query.params)
        found = cursor.fetchone()[0]
    plan = found if isinstance(found, list) else json.loads(found)
    for table in _read_through(plan[0]["Plan"]):
        rows_count = big_rows_of(catalog, table, min_rows_count)
        if rows_count:
            yield SequentialScan(table, rows_count, query.sql)


def _read_through(node: Mapping[str, Any]) -> Iterator[str]:
    """Yield the tables and partitions that a plan reads from one end to the other."""
    if node["Node Type"] == "Seq Scan":
        yield node["Relation Name"]
    below: Sequence[Mapping[str, Any]] = node.get("Plans", ())
    for child in below:
        yield from _read_through(child)


def big_rows_of(catalog: Catalog, table: str, min_rows_count: int) -> int:
    """Return how many rows a table or partition has, 0 where so few that reading them all is right."""
    facts = next((facts for facts in catalog.tables if facts.name == table), None)
    if facts is None:
        return 0
    is_big = facts.rows_count >= min_rows_count
    is_part_of_big = facts.rows_count * _SMALL_PART >= min_rows_count and catalog.rows_of(facts.root) >= min_rows_count
    return facts.rows_count if is_big or is_part_of_big else 0
