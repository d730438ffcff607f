"""The figures of embedding models: what is computed, and how it is said."""

from __future__ import annotations

import gzip
import json

import pytest

from ragcache.embeddings.catalog import MINILM, WORDLLAMA
from ragcache.evaluation import embeddings
from ragcache.evaluation.embeddings import main, rank_correlation
from tests.ragcache.embedding_help import need_models

PAIRS = (
    ("How do I reset my password?", "How can I change my password?", 5),
    ("Where is my parcel?", "Where is the parcel?", 4),
    ("Where is my parcel?", "How much is a parcel?", 2),
    ("Who won the match?", "How do I cook rice?", 0),
)


@pytest.fixture
def quick(monkeypatch) -> None:
    monkeypatch.setattr(embeddings, "_RUNS_S", 0.0)


@pytest.mark.parametrize(
    ("values", "scores", "expected"),
    [([1, 2, 3], [10, 20, 90], 1.0), ([1, 2, 3], [3, 2, 1], -1.0), ([1, 1, 2, 3], [1, 2, 3, 4], 0.9487), ([1, 2, 3, 4], [1, 3, 2, 4], 0.8)],
)
def test_rank_correlation_is_spearmans(values, scores, expected):
    assert rank_correlation(values, scores) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("is_zipped", [False, True])
def test_figures_of_both_models_as_json(tmp_path, capsys, quick, is_zipped):
    path = tmp_path / ("pairs.jsonl.gz" if is_zipped else "pairs.jsonl")
    written = "".join(json.dumps({"a": a, "b": b, "score": score}) + "\n" for a, b, score in PAIRS).encode()
    path.write_bytes(gzip.compress(written) if is_zipped else written)

    assert main(["--models-dir", str(need_models()), "--pairs", str(path), "--json"]) == 0

    figures = json.loads(capsys.readouterr().out)
    assert [each["id"].partition("@")[0] for each in figures] == [MINILM, WORDLLAMA]
    assert [at["tokens"] for at in figures[0]["latencies"]] == [6, 12, 32, 128]
    assert all(at["least_ms"] <= at["p50_ms"] <= at["p99_ms"] for each in figures for at in each["latencies"])
    assert [each["pairs_count"] for each in figures] == [4, 4]
    assert figures[0]["spearman"] > 0.5


def test_figures_of_one_model_in_words(capsys, quick):
    assert main(["--models-dir", str(need_models()), "--model", WORDLLAMA]) == 0

    out = capsys.readouterr().out
    assert out.startswith(f"{WORDLLAMA}@")
    assert "Spearman" not in out
    assert out.count("p99") == 4


@pytest.mark.parametrize("arguments", [["--model", "other"], ["--pairs", "/nowhere/pairs.jsonl"]])
def test_what_is_not_there_is_said_in_a_sentence(capsys, arguments):
    assert main(["--models-dir", str(need_models()), *arguments]) == 1

    told = capsys.readouterr()
    assert told.out == ""
    assert told.err
