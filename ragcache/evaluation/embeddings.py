"""
How good, fast and large the embedding models are: `python -m ragcache.evaluation.embeddings [--pairs FILE] [--model NAME]... [--json]`.

Latency is that of `embed_one`, tokenising included, for texts of 6, 12, 32 and 128 tokens; memory is what the process grew by; quality is
Spearman's correlation of cosines with scores that people gave (rows with `a`, `b`, `score`, such as STS-B).
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from ragcache.embeddings.catalog import BY_NAME
from ragcache.embeddings.local import LocalModels
from ragcache.embeddings.ports import Embedder
from ragcache.errors import EmbeddingError

TOKENS_COUNTS = (6, 12, 32, 128)
_TEXT = "how long does it take until a refund for the parcel that came back is on my account and whom can i ask about it "
_RUNS_S = 1.0
_LEAST_RUNS_COUNT = 30


class Pair(msgspec.Struct):
    """A row of the file of pairs."""

    a: str
    b: str
    score: float


@dataclass(frozen=True, slots=True)
class Latency:
    tokens: int
    least_ms: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Figures:
    """`spearman` is None without pairs; `memory_bytes` is resident memory, shared pages of files included."""

    id: str
    dimensions: int
    load_s: float
    memory_bytes: int
    latencies: tuple[Latency, ...]
    pairs_count: int
    spearman: float | None


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m ragcache.evaluation.embeddings", description="Measure the embedding models.")
    parser.add_argument("--models-dir", type=Path, default=_default_folder(), help="default: %(default)s")
    parser.add_argument("--model", action="append", metavar="NAME", help="default: all of the catalog")
    parser.add_argument("--device", default="cpu", help="torch's, for sentence-transformers: models")
    parser.add_argument("--pairs", type=Path, metavar="FILE", help="JSON lines, gzipped or not, with `a`, `b` and `score`")
    parser.add_argument("--json", action="store_true", help="write one JSON object")
    options = parser.parse_args(arguments)
    try:
        pairs = read_pairs(options.pairs) if options.pairs else []
        models = LocalModels(options.models_dir)
        figures = [measure(models, name, options.device, pairs) for name in options.model or BY_NAME]
    except (EmbeddingError, OSError, msgspec.DecodeError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps([asdict(each) for each in figures], indent=1) + "\n" if options.json else describe(figures))
    return 0


def measure(models: LocalModels, name: str, device: str, pairs: Sequence[Pair]) -> Figures:
    """Load one model and measure it. Errors: ModelMissing, ModelDamaged. Cost: a second for each length, and the pairs."""
    before_bytes, started = _resident_bytes(), time.perf_counter()
    embedder = models.get(name, device=device)
    embedder.embed_one(_TEXT)
    load_s, memory_bytes = time.perf_counter() - started, _resident_bytes() - before_bytes
    latencies = tuple(measure_latency(embedder, count) for count in TOKENS_COUNTS)
    spearman = rank_correlation(_cosines(embedder, pairs), [pair.score for pair in pairs]) if pairs else None
    return Figures(embedder.id, embedder.dimensions, load_s, memory_bytes, latencies, len(pairs), spearman)


def measure_latency(embedder: Embedder, tokens_count: int) -> Latency:
    """Embed a text of about so many tokens for a second."""
    text = _text_of(embedder, tokens_count)
    times_ms: list[float] = []
    until = time.perf_counter() + _RUNS_S
    while time.perf_counter() < until or len(times_ms) < _LEAST_RUNS_COUNT:
        started = time.perf_counter()
        embedder.embed_one(text)
        times_ms.append((time.perf_counter() - started) * 1e3)
    times_ms.sort()
    return Latency(embedder.count_tokens(text), times_ms[0], times_ms[len(times_ms) // 2], times_ms[int(len(times_ms) * 0.99)])


def rank_correlation(values: Sequence[float], scores: Sequence[float]) -> float:
    """Return Spearman's coefficient; equal values share the mean of their ranks."""
    import numpy as np  # the module may be imported without it

    return float(np.corrcoef(_ranks(values), _ranks(scores))[0, 1])


def read_pairs(path: Path) -> list[Pair]:
    """Errors: OSError, msgspec.DecodeError."""
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
        return [msgspec.json.decode(line, type=Pair) for line in lines if line.strip()]


def describe(figures: Iterable[Figures]) -> str:
    lines: list[str] = []
    for each in figures:
        quality = f", Spearman {each.spearman:.4f} of {each.pairs_count} pairs" if each.spearman is not None else ""
        lines.append(
            f"{each.id}: {each.dimensions} dimensions, loads in {each.load_s:.2f} s, {each.memory_bytes / 1e6:.0f} MB{quality}\n"
            + "".join(
                f"  {at.tokens:4} tokens: least {at.least_ms:.3f} ms, p50 {at.p50_ms:.3f}, p99 {at.p99_ms:.3f}\n" for at in each.latencies
            )
        )
    return "".join(lines)


def _text_of(embedder: Embedder, tokens_count: int) -> str:
    words = (_TEXT * (1 + tokens_count // 20)).split()
    kept = next((at for at in range(1, len(words)) if embedder.count_tokens(" ".join(words[:at])) >= tokens_count), len(words))
    return " ".join(words[:kept])


def _cosines(embedder: Embedder, pairs: Sequence[Pair]) -> list[float]:
    return [float(embedder.embed_one(pair.a) @ embedder.embed_one(pair.b)) for pair in pairs]


def _ranks(values: Sequence[float]) -> list[float]:
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    start = 0
    for end in range(1, len(order) + 1):
        if end == len(order) or values[order[end]] != values[order[start]]:
            for at in order[start:end]:
                ranks[at] = (start + end - 1) / 2
            start = end
    return ranks


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _default_folder() -> Path:
    named = os.environ.get("GATEWAY_MODELS_DIR")
    return Path(named) if named else Path(os.environ.get("GATEWAY_DATA_DIR") or "var") / "models"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
