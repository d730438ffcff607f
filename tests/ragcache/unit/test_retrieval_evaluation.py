from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from math import log2
from pathlib import Path

import numpy as np
import pytest

from ragcache.evaluation.retrieval import BadCollection, load_collection, measure_retrieval, ndcg_at, recall_at
from ragcache.evaluation.retrieval_searches import build_searches
from ragcache.retrieval.lexical import LexicalIndex, Passage
from ragcache.retrieval.ranking import Hit


def write_lines(path: Path, rows: Sequence[dict[str, object]]) -> Path:
    data = "\n".join(json.dumps(row) for row in rows).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


DOCUMENTS = [{"_id": "d1", "title": "Wings", "text": "About flow."}, {"_id": "d2", "title": "Plates", "text": "Plates in shock waves."}]


def test_ndcg_and_recall_are_as_defined() -> None:
    gains = {"a": 3.0, "b": 1.0}

    assert ndcg_at(["a", "b"], gains) == 1
    assert ndcg_at(["x", "b", "a"], gains) == pytest.approx((1 / log2(3) + 3 / 2) / (3 + 1 / log2(3)))
    assert ndcg_at(["x", "a"], gains, cut=1) == 0
    assert recall_at(["x", "b", "a"], gains, cut=2) == 0.5
    with pytest.raises(ValueError, match="relevant"):
        ndcg_at(["a"], {})


def test_a_collection_with_a_table_of_judgements_is_measured(tmp_path: Path) -> None:
    corpus = write_lines(tmp_path / "corpus.jsonl.gz", DOCUMENTS)
    questions = write_lines(tmp_path / "queries.jsonl", [{"_id": "q1", "text": "wings"}, {"_id": "q2", "text": "wings"}, {"_id": "q3"}])
    table = tmp_path / "qrels.tsv"
    table.write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td2\t1\nq2\td1\t0\n")

    collection = load_collection(corpus, questions, table)
    index = LexicalIndex()
    index.add(Passage(each.id, each.id, each.whole_text) for each in collection.documents)
    report = measure_retrieval(collection, index.search)

    assert [each.whole_text for each in collection.documents] == ["Wings About flow.", "Plates in shock waves."]
    assert (report.question_count, report.ndcg, report.recall) == (2, 0.5, 0.5)
    assert [(row.id, row.ndcg) for row in report.rows] == [("q1", 1.0), ("q2", 0.0)]
    assert 0 < report.p50_ms <= report.p95_ms


def test_grades_may_count_downwards(tmp_path: Path) -> None:
    corpus = write_lines(tmp_path / "corpus.jsonl", DOCUMENTS)
    questions = write_lines(tmp_path / "queries.jsonl", [{"_id": "q", "text": "x", "qrels": {"d1": 1, "d2": 5}}])

    collection = load_collection(corpus, questions, worst_grade=5)

    assert collection.questions[0].gains == {"d1": 4.0}
    assert measure_retrieval(collection, lambda *_: [Hit("d1", 1.0)]).ndcg == 1


@pytest.mark.parametrize(
    ("corpus", "judgements", "message"),
    [
        ("{", None, "corpus.jsonl, line 1"),
        ('{"title": "no id"}', None, "an object with an `_id`"),
        ('{"_id": "d"}', "q\td\tx\nq\td\tx", "line 2"),
        ('{"_id": "d"}', "q\td\t0\n", "no question with a relevant one"),
    ],
)
def test_files_that_are_no_collection_say_so(tmp_path: Path, corpus: str, judgements: str | None, message: str) -> None:
    (tmp_path / "corpus.jsonl").write_text(corpus)
    questions = write_lines(tmp_path / "queries.jsonl", [{"_id": "q", "text": "x", "qrels": {"d": 1}}])
    table = tmp_path / "qrels.tsv"
    table.write_text(judgements or "")

    with pytest.raises(BadCollection, match=message):
        load_collection(tmp_path / "corpus.jsonl", questions, table if judgements is not None else None)


class WordEmbedder:
    """A fake model with a dimension for each of a few words."""

    id = "words"
    dimensions = 3
    max_tokens = 100

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        return np.stack([self.embed_one(each) for each in texts])

    def embed_one(self, text: str) -> np.ndarray:
        vector = np.array([word in text.lower() for word in ("wing", "plate", "flow")], dtype=np.float32)
        return vector / max(1.0, float(np.linalg.norm(vector)))

    def count_tokens(self, text: str) -> int:
        return len(text.split())


def test_all_searches_of_a_collection_are_compared(tmp_path: Path) -> None:
    corpus = write_lines(tmp_path / "corpus.jsonl", DOCUMENTS)
    questions = write_lines(tmp_path / "queries.jsonl", [{"_id": "q", "text": "shock on plates", "qrels": {"d2": 1}}])
    collection = load_collection(corpus, questions)

    searches = build_searches(collection, WordEmbedder())

    assert list(searches) == ["bm25", "vectors", "rank fusion", "score fusion", "hybrid"]
    assert {name: measure_retrieval(collection, search).ndcg for name, search in searches.items()} == dict.fromkeys(searches, 1.0)
