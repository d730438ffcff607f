"""
How good a search is on a labelled collection: nDCG@10, recall@100 and the time that a question takes.

Collections lie in files as BEIR's do: documents (`_id`, `title`, `text`), questions (`_id`, `text`), and judgements, either a table of
(`query-id`, `corpus-id`, `score`) or a `qrels` object in each question. All may be gzipped.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log2
from pathlib import Path
from statistics import fmean, quantiles
from time import perf_counter
from typing import Any, Final, TextIO, TypeAlias

from ragcache.retrieval.ranking import Hit

NDCG_CUT: Final = 10
RECALL_CUT: Final = 100

Search: TypeAlias = Callable[[str, int], Sequence[Hit]]


class BadCollection(ValueError):
    """Files that are no collection. The text names the file and what is wrong."""


@dataclass(frozen=True, slots=True)
class LabelledDocument:
    id: str
    title: str
    text: str

    @property
    def whole_text(self) -> str:
        """Title and text, the title once where the text begins with it."""
        return self.text if self.text.startswith(self.title) else f"{self.title} {self.text}"


@dataclass(frozen=True, slots=True)
class LabelledQuestion:
    """A question with the gain of each relevant document: greater than 0, the more the better."""

    id: str
    text: str
    gains: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class LabelledCollection:
    """`questions` are those with at least one relevant document: the others say nothing."""

    documents: tuple[LabelledDocument, ...]
    questions: tuple[LabelledQuestion, ...]


@dataclass(frozen=True, slots=True)
class QuestionScore:
    """One row of a report."""

    id: str
    ndcg: float
    recall: float
    took_ms: float


@dataclass(frozen=True, slots=True)
class RetrievalReport:
    """The figures of a search over a collection, means over its questions; `rows` has each of them."""

    question_count: int
    ndcg: float
    recall: float
    p50_ms: float
    p95_ms: float
    rows: tuple[QuestionScore, ...]


def load_collection(corpus: Path, questions: Path, judgements: Path | None = None, *, worst_grade: int | None = None) -> LabelledCollection:
    """
    Return a collection. With `worst_grade` judgements count downwards, as Cranfield's do: the gain is `worst_grade - grade`.

    Errors: BadCollection; OSError.
    """
    rows = list(_json_lines(questions))
    gains = _read_judgements(judgements) if judgements else {_text(row, "_id"): row.get("qrels", {}) for row in rows}
    found = (
        LabelledQuestion(_text(row, "_id"), _text(row, "text"), _relevant(gains.get(_text(row, "_id"), {}), worst_grade)) for row in rows
    )
    documents = (LabelledDocument(_text(row, "_id"), _text(row, "title"), _text(row, "text")) for row in _json_lines(corpus))
    collection = LabelledCollection(tuple(documents), tuple(each for each in found if each.gains))
    if not collection.documents or not collection.questions:
        raise BadCollection(f"{corpus} and {questions} hold no document, or no question with a relevant one.")
    return collection


def measure_retrieval(collection: LabelledCollection, search: Search) -> RetrievalReport:
    """Ask a search all questions, one after the other, and return its figures."""
    rows = tuple(_score(question, search) for question in collection.questions)
    times = [row.took_ms for row in rows]
    cuts = quantiles(times, n=20, method="inclusive") if len(times) > 1 else times * 19
    return RetrievalReport(len(rows), fmean(row.ndcg for row in rows), fmean(row.recall for row in rows), cuts[9], cuts[18], rows)


def ndcg_at(ids: Sequence[str], gains: Mapping[str, float], cut: int = NDCG_CUT) -> float:
    """Return the normalised discounted cumulative gain of a ranking, 0..1. Errors: ValueError without a gain."""
    best = _discounted(sorted(gains.values(), reverse=True)[:cut])
    if not best:
        raise ValueError("A question without a relevant document has no nDCG.")
    return _discounted([gains.get(each, 0.0) for each in ids[:cut]]) / best


def recall_at(ids: Sequence[str], gains: Mapping[str, float], cut: int = RECALL_CUT) -> float:
    """Return the share of relevant documents among the first `cut`, 0..1."""
    return len(gains.keys() & set(ids[:cut])) / len(gains)


def _discounted(gains: Sequence[float]) -> float:
    return sum(gain / log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def _score(question: LabelledQuestion, search: Search) -> QuestionScore:
    begun = perf_counter()
    hits = search(question.text, RECALL_CUT)
    took_ms = (perf_counter() - begun) * 1000
    ids = [hit.id for hit in hits]
    return QuestionScore(question.id, ndcg_at(ids, question.gains), recall_at(ids, question.gains), took_ms)


def _relevant(grades: Mapping[str, int], worst_grade: int | None) -> dict[str, float]:
    gains = {each: float(grade if worst_grade is None else worst_grade - grade) for each, grade in grades.items()}
    return {each: gain for each, gain in gains.items() if gain > 0}


def _read_judgements(path: Path) -> dict[str, dict[str, int]]:
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    with _opened(path) as file:
        for number, row in enumerate(csv.reader(file, delimiter="\t"), start=1):
            if number == 1 and not row[-1].lstrip("-").isdigit():
                continue
            if len(row) < 3 or not row[-1].lstrip("-").isdigit():
                raise BadCollection(f"{path}, line {number}: expected a question's id, a document's id and a whole number.")
            found[row[0]][row[-2]] = int(row[-1])
    return found


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    with _opened(path) as file:
        for number, line in enumerate(file, start=1):
            try:
                row = json.loads(line)
            except ValueError as error:
                raise BadCollection(f"{path}, line {number}: {error}") from error
            if not isinstance(row, dict) or "_id" not in row:
                raise BadCollection(f"{path}, line {number}: expected an object with an `_id`.")
            yield row


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value)


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")
