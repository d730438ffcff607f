"""
How well the detectors of prompt injection and jailbreaks do: `python -m guardrails.learned.evaluate FILE... [--trust data] [--evasions]`.

Prints recall and false alarms of every source at the one default threshold, recall where 1 % of all harmless rows are flagged, what is
still caught in disguise, and the time. Files are JSON lines, gzipped or not, with `text` and `label`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from guardrails.detection import TextUnit, Trust
from guardrails.engine.check import CompiledPolicy
from guardrails.engine.compile import compile_policy
from guardrails.evasions import EVASIONS
from guardrails.learned.train import say
from guardrails.policy_document import PolicyDocument, RuleDocument

THRESHOLD = 0.5
DATA_THRESHOLD = 0.4
_FALSE_RATIO = 0.01
_EVASION_ROWS = 60
_GROUPS = ("source", "kind", "category", "group")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m guardrails.learned.evaluate")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--trust", choices=("user", "data"), default="user", help="who wrote the texts")
    parser.add_argument("--by", choices=("file", *_GROUPS), default="file", help="what to tell apart")
    parser.add_argument("--evasions", action="store_true", help="disguise what is caught, and look again")
    options = parser.parse_args(arguments)
    policy = make_policy()
    rows = [(_name(path, row, options.by), row["text"], bool(row["label"])) for path in options.files for row in _read(path)]
    scores = [score(policy, text, options.trust) for _, text, _ in rows]
    cut = DATA_THRESHOLD if options.trust == "data" else THRESHOLD
    harmless = sorted(value for value, row in zip(scores, rows, strict=True) if not row[2])
    strict = max(harmless[int(len(harmless) * (1 - _FALSE_RATIO))], 0.0) if harmless else cut
    say(
        f"{'set':40} {'attacks':>8} {'recall':>7} {'at 1 %':>7} {'harmless':>9} {'false':>7}   (threshold {cut}, 1 % false at {strict:.3f})"
    )
    for name in sorted({row[0] for row in rows}):
        mine = [(value, row[2]) for value, row in zip(scores, rows, strict=True) if row[0] == name]
        bad, good = [value for value, label in mine if label], [value for value, label in mine if not label]
        say(f"{name:40} {len(bad):8} {_share(bad, cut):>7} {_share(bad, strict):>7} {len(good):9} {_share(good, cut):>7}")
    if options.evasions:
        caught = [row[1] for value, row in zip(scores, rows, strict=True) if row[2] and value >= cut]
        report_evasions(policy, caught[:: max(1, len(caught) // _EVASION_ROWS)], options.trust, cut)
    report_times(policy, [row[1] for row in rows])
    return 0


def make_policy() -> CompiledPolicy:
    """Return a policy of the two detectors that reports every score."""
    rules = tuple(RuleDocument(detector=each, fail_mode="open", action="block", threshold=0.0) for each in ("injection", "jailbreak"))
    return compile_policy(PolicyDocument(name="evaluation", rules=rules))


def score(policy: CompiledPolicy, text: str, trust: Trust) -> float:
    inspection = policy.check([TextUnit(text, trust=trust)])
    return max((finding.score for finding in inspection.findings), default=0.0)


def report_evasions(policy: CompiledPolicy, caught: Sequence[str], trust: Trust, cut: float) -> None:
    shares: list[float] = []
    for name, transform in EVASIONS.items():
        found = sum(score(policy, transform(text), trust) >= cut for text in caught)
        shares.append(found / len(caught))
        say(f"  {name:24} {shares[-1]:.2f}")
    say(f"  {'mean of ' + str(len(shares)):24} {sum(shares) / len(shares):.3f} of {len(caught)} attacks caught in plain form")


def report_times(policy: CompiledPolicy, texts: Sequence[str]) -> None:
    joined = "\n".join(text for text in texts if text.isascii())
    for size in (1_000, 8_000):
        times: list[float] = []
        for index in range(min(200, len(joined) // size)):
            unit = TextUnit(joined[index * size : (index + 1) * size])
            started = time.perf_counter()
            policy.check([unit])
            times.append((time.perf_counter() - started) * 1e6)
        if times:
            times.sort()
            say(f"{size:6} characters: p50 {times[len(times) // 2]:.0f} us, p99 {times[int(len(times) * 0.99)]:.0f} us of {len(times)}")


def _read(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _name(path: Path, row: dict[str, Any], by: str) -> str:
    return path.name.split(".")[0] if by == "file" else f"{path.name.split('.')[0]}/{row.get(by, '')}"[:40]


def _share(values: Sequence[float], cut: float) -> str:
    return f"{sum(value >= cut for value in values) / len(values):.3f}" if values else "-"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
