"""
Whether this processor runs the int8 model as it was calibrated: as fast, and to the same vector.

Two things differ between machines. Without VNNI instructions int8 is several times slower; and older ones add pairs of products in 16 bits,
which can overflow, so the same file gives other vectors. Cuts that were calibrated elsewhere do not hold there.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ragcache.embeddings.local import LocalModels
from ragcache.embeddings.ports import Embedder

PROBE_TEXT: Final = "How long does it take until a refund is on my account?"
KNOWN_ANSWER_FILE: Final = Path(__file__).parent / "known_answer.f32"
"""
The vector of `PROBE_TEXT`, float32 little endian (384), as the built file gives it on a processor with VNNI. A new recipe has a new one:
`python -m ragcache.embeddings.health FOLDER` writes it from a folder of models.
"""

MIN_SIMILARITY: Final = 0.998
MAX_LATENCY_MS: Final = 6.0
_RUNS_COUNT: Final = 5


@dataclass(frozen=True, slots=True)
class Health:
    """`similarity`: of this machine's vector with the known one. `latency_ms`: the quickest of five runs for 16 tokens."""

    similarity: float
    latency_ms: float

    @property
    def is_fit(self) -> bool:
        """Whether look-ups may use the model: if not, only exact answers are found."""
        return self.similarity >= MIN_SIMILARITY and self.latency_ms <= MAX_LATENCY_MS


def check_health(minilm: Embedder) -> Health:
    """Run the model five times. Cost: 10 ms, once in each process."""
    best_s = float("inf")
    for _ in range(_RUNS_COUNT):
        started = time.perf_counter()
        vector = minilm.embed_one(PROBE_TEXT)
        best_s = min(best_s, time.perf_counter() - started)
    known = np.frombuffer(KNOWN_ANSWER_FILE.read_bytes(), "<f4")
    return Health(float(vector @ known), best_s * 1e3)


if __name__ == "__main__":
    KNOWN_ANSWER_FILE.write_bytes(LocalModels(Path(sys.argv[1])).get_minilm().embed_one(PROBE_TEXT).astype("<f4").tobytes())
