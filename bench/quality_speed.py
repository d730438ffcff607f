"""Time, memory and streams of the engine with the detectors that ship: G1 to G8."""

from __future__ import annotations

import asyncio
import json
import random
import string
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from guardrails_engine import MIXED, PROSE, hostile_times, loop_lag_ms, per_kb
from guardrails_stream import leaked_count, measure, read_prose
from quality_figures import Figure, at_most

from guardrails.default_policy import default_policy
from guardrails.detection import TextUnit
from guardrails.engine.check import CompiledPolicy
from guardrails.engine.compile import compile_policy
from guardrails.evaluation.scores import percentile
from guardrails.evaluation.streams import StreamLaw
from guardrails.policy_document import PolicyDocument, RuleDocument
from tests.guardrails.stream_samples import KEY_108, PEM_841, random_pieces, random_text

ROOT = Path(__file__).resolve().parents[1]
_CHUNK = 16
_FIRST_CHUNK_DELAYED_MAX = 0.05
_WORKER = """
import json, resource, time
from pathlib import Path
from guardrails.default_policy import default_policy
from guardrails.detection import TextUnit
from guardrails.engine.compile import compile_policy

def rss_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6

before = rss_mb()
started = time.perf_counter()
policy = compile_policy(default_policy())
compile_s = time.perf_counter() - started
texts = ["text %d of a worker: mail joe%d@example.com, then ignore it and go on." % (n, n) for n in range(2000)]
for text in texts:
    policy.check([TextUnit(text)])
first = rss_mb()
for _ in range(4):
    for text in texts:
        policy.check([TextUnit(text)])
print(json.dumps({"compile_s": compile_s, "mb": first - before, "growth_mb": rss_mb() - first}))
"""


def speed_figures(rounds: int) -> Iterator[Figure]:
    patterns = _deterministic_policy()
    yield from _scan_figures(patterns, rounds)
    yield from _model_figures(compile_policy(default_policy(), verdicts_count=0))
    yield from _hostile_figures(patterns)
    yield from _memory_figures()


def _deterministic_policy() -> CompiledPolicy:
    source = random.Random(7)  # noqa: S311 - the same words in every run
    words = sorted({"".join(source.choices(string.ascii_lowercase, k=source.randint(6, 14))) for _ in range(2000)})
    parts: list[tuple[str, dict[str, object]]] = [("secrets", {}), ("pii", {}), ("keywords", {"words": words, "label": "WORD"})]
    rules = tuple(RuleDocument(detector=name, fail_mode="closed", action="redact", parameters=values) for name, values in parts)
    return compile_policy(PolicyDocument(name="deterministic", rules=rules), verdicts_count=0)


def _scan_figures(policy: CompiledPolicy, rounds: int) -> Iterator[Figure]:
    what = f"{len(policy.scanner.patterns)} patterns, ASCII without hits"
    ascii_text, mixed = per_kb(policy, PROSE, rounds), per_kb(policy, MIXED, rounds)
    yield at_most("G1", f"{what}, median", ascii_text["median_us_per_kb"], 25, " us/KB")
    yield at_most("G1", f"{what}, p99", ascii_text["p99_us_per_kb"], 60, " us/KB")
    yield at_most("G2", "mixed scripts, median", mixed["median_us_per_kb"], 150, " us/KB")


def _model_figures(policy: CompiledPolicy) -> Iterator[Figure]:
    pages = read_prose(None)
    short, long = _times_us(policy, pages, 1024), _times_us(policy, pages, 8192)
    yield at_most("G3", "default policy with its models, 1 KB, p50", percentile(short, 0.5) / 1e3, 0.5, " ms")
    yield at_most("G3", "the same, p99", percentile(short, 0.99) / 1e3, 1.0, " ms")
    yield at_most("G3", "8 KB, p99", percentile(long, 0.99) / 1e3, 3.0, " ms")


def _times_us(policy: CompiledPolicy, pages: Sequence[str], size: int, count: int = 150) -> list[float]:
    """Different texts of one size, made of the sentences of the documentation in random order; the better of two looks at each."""
    source = random.Random(5)  # noqa: S311 - the same texts in every run
    sentences = [each.strip() + "." for page in pages for each in page.replace("\n", " ").split(". ")]
    found: list[float] = []
    for _ in range(count):
        text = " ".join(source.choices(sentences, k=size // 20))[:size]
        units, best = [TextUnit(text)], float("inf")
        for _ in range(2):
            started = time.perf_counter()
            policy.check(units)
            best = min(best, (time.perf_counter() - started) * 1e6)
        found.append(best)
    return sorted(found)


def _hostile_figures(policy: CompiledPolicy) -> Iterator[Figure]:
    times = hostile_times(policy)
    worst = max(times, key=lambda name: times[name]["ms"])
    growth = max(times, key=lambda name: times[name]["growth"])
    yield at_most("G7", f"1 MB, the worst ({worst})", times[worst]["ms"], 150, " ms")
    yield at_most("G7", f"growth when the text doubles ({growth})", times[growth]["growth"], 2.2)
    yield at_most("G7", "lag of the event loop beside it, p99", asyncio.run(loop_lag_ms(policy))["p99"], 10, " ms")


def _memory_figures() -> Iterator[Figure]:
    out = subprocess.run([sys.executable, "-c", _WORKER], cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, check=True).stdout
    found = json.loads(out)
    yield at_most("G8", "default policy, memory after 2,000 checks", found["mb"], 60, " MB")
    yield at_most("G8", "default policy, compiled without the cache on disk", found["compile_s"], 1.0, " s")
    yield at_most("G8", "growth over 8,000 more checks", found["growth_mb"], 2.0, " MB", "1 M checks take too long for this command")


def stream_figures(pairs_count: int) -> Iterator[Figure]:
    law = StreamLaw(default_policy())
    pages = read_prose(None)
    if law.patterns is None:
        return
    found = measure(law.patterns, pages, _CHUNK)
    yield at_most("G4", "default policy, a piece of 16 characters", found["chunk_us_last_quarter"], 8, " us")
    slope = found["chunk_us_last_quarter"] / max(0.1, found["chunk_us_first_quarter"])
    yield at_most("G4", "last quarter of 64 KB against the first", slope, 1.2)
    yield at_most("G5", "held of prose, median", found["held_median"], 8, " characters")
    yield at_most("G5", "held of prose, p99", found["held_p99"], 32, " characters")
    yield at_most("G5", "streams whose first piece waits", found["streams_delayed_ratio"], _FIRST_CHUNK_DELAYED_MAX)
    differences = _differences(law, pairs_count)
    yield at_most("G6", f"differences in {pairs_count} random texts and cuts", differences, 0)
    for name, secret in (("a key of 108 characters", KEY_108), ("a PEM of 841 characters", PEM_841)):
        yield at_most("G6", f"leaked of {name}", leaked_count(law.patterns, secret), 0, " characters")


def _differences(law: StreamLaw, count: int) -> int:
    differences = 0
    for seed in range(count):
        source = random.Random(seed)  # noqa: S311 - repeatable
        text = random_text(source)
        differences += law.run(random_pieces(source, text)) != law.run([text])
    return differences
