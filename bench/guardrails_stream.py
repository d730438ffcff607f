#!/usr/bin/env python3
"""
What guardrails cost a stream, and how much of it they hold back.

    PYTHONPATH=. bench/guardrails_stream.py [--prose FILE.jsonl.gz|FILE.txt] [--chunk 16] [--engine hyperscan|re2] [--json]

Rules: the sample patterns of the tests, 220 rules of the shape of secrets, 40 of the shape of numbers, 2,000 words. Text: rows of the
file, or the repository's documentation. Prints CPU per piece over 64 KB at its start and at its end, characters held after each piece of
prose, and in how many streams the first piece let nothing out. One process, one thread; a run takes some seconds.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import resource
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from guardrails.engine.stream import TextStream
from guardrails.engine.stream_policy import StreamPolicy, StreamRule
from guardrails.patterns import Pattern
from tests.guardrails.stream_samples import KEY_108, PEM_841, RULES, keyword

ROOT = Path(__file__).resolve().parents[1]
STREAM_CHARACTERS = 64 << 10


def read_prose(path: Path | None) -> list[str]:
    if path is None:
        pages = [each.read_text(encoding="utf-8") for each in sorted(ROOT.glob("docs/**/*.md"))]
        return [row.strip() for page in pages for row in page.split("\n\n") if len(row) > 80 and "|" not in row and "`" not in row]
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8") as rows:
            return [json.loads(row)["text"] for row in rows]
    return [row for row in path.read_text(encoding="utf-8").split("\n\n") if row.strip()]


def many_rules(source: random.Random) -> list[StreamRule]:
    patterns: list[Pattern] = []
    for index in range(180):
        opener = "".join(source.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(source.randint(2, 5))) + source.choice("_-.")
        body = source.choice(("[A-Za-z0-9]{%d}", "[a-f0-9]{%d}", "[A-Za-z0-9_-]{20,%d}", "[A-Z0-9]{%d}")) % source.choice((24, 32, 40, 64))
        patterns.append(Pattern(f"secret {index}", "SECRET", opener.replace(".", r"\.") + body, is_word=True))
    for index in range(40):
        vendor = "".join(source.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(6))
        expression = vendor + r"[a-z0-9_ .\-]{0,20}(?:=|:|=>)[\s\"']{0,4}([a-zA-Z0-9_\-]{32,64})"
        patterns.append(Pattern(f"vendor {index}", "SECRET", expression, is_caseless=True, group=1))
    for index in range(40):
        shape = source.choice((r"\d{%d}", r"[A-Z]{2}\d{%d}", r"\d{2}[ -]\d{%d}", r"\d{3}\.\d{%d}-\d{2}")) % (6 + index % 5)
        patterns.append(Pattern(f"number {index}", "ID", shape, is_word=True, is_valid=lambda candidate: "passport" in candidate.left))
    for _ in range(2000):
        word = "".join(source.choice("bcdfglmnprstv") + source.choice("aeiou") for _ in range(source.randint(3, 5)))
        patterns.append(keyword(word))
    return [StreamRule(each, "redact", each.name) for each in patterns]


def pieces_of(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def cost_us(policy: StreamPolicy, text: str, size: int) -> tuple[float, float, float]:
    """Return the mean cost of a piece in the first and the last quarter, and the 99th percentile of all."""
    pieces = pieces_of(text, size)
    quarter = len(pieces) // 4
    firsts, lasts, p99s = [], [], []
    for _ in range(5):
        stream = TextStream(policy)
        feed, clock = stream.feed, time.perf_counter_ns
        elapsed = []
        for piece in pieces:
            started = clock()
            feed(piece)
            elapsed.append(clock() - started)
        stream.close()
        firsts.append(statistics.fmean(elapsed[:quarter]) / 1e3)
        lasts.append(statistics.fmean(elapsed[-quarter:]) / 1e3)
        p99s.append(sorted(elapsed)[len(elapsed) * 99 // 100] / 1e3)
    return min(firsts), min(lasts), min(p99s)


def held_counts(policy: StreamPolicy, texts: Sequence[str], size: int) -> tuple[list[int], float]:
    """Return how much was held after each piece, and the share of streams whose first piece let nothing out."""
    held: list[int] = []
    delayed = 0
    for text in texts:
        stream = TextStream(policy)
        for index, piece in enumerate(pieces_of(text, size)):
            sent = stream.feed(piece)
            held.append(stream.held_count)
            delayed += index == 0 and not sent
        stream.close()
    return sorted(held), delayed / len(texts)


def leaked_count(policy: StreamPolicy, secret: str) -> int:
    """Return the most characters of the secret that any cut lets out: in two pieces, at every place, and character by character."""
    text = f"The key is {secret} and that is all."
    worst = 0
    for cut in range(len(text)):
        stream = TextStream(policy)
        sent = stream.feed(text[:cut]) + stream.feed(text[cut:]) + stream.close()
        worst = max(worst, sum(secret[at : at + 12] in sent for at in range(len(secret) - 11)))
    return worst


def measure(policy: StreamPolicy, texts: list[str], size: int) -> dict[str, float]:
    long_text = " ".join(texts)[:STREAM_CHARACTERS]
    cost_us(policy, long_text, size)
    first, last, p99 = cost_us(policy, long_text, size)
    held, delayed = held_counts(policy, texts[:2000], size)
    return {
        "chunk_us_first_quarter": round(first, 2),
        "chunk_us_last_quarter": round(last, 2),
        "chunk_us_p99": round(p99, 2),
        "held_median": held[len(held) // 2],
        "held_p95": held[len(held) * 95 // 100],
        "held_p99": held[len(held) * 99 // 100],
        "held_max": held[-1],
        "streams_delayed_ratio": round(delayed, 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prose", type=Path)
    parser.add_argument("--chunk", type=int, default=16, help="characters in a piece")
    parser.add_argument("--engine", choices=("hyperscan", "re2"))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    texts = read_prose(options.prose)
    source = random.Random(7)  # noqa: S311 - the same rules in every run
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    policy = StreamPolicy([*RULES, *many_rules(source)], engine=options.engine)
    compile_s = time.perf_counter() - started
    report: dict[str, dict[str, float]] = {"rules": measure(policy, texts, options.chunk)}
    report["rules"]["compile_s"] = round(compile_s, 3)
    report["rules"]["memory_mb"] = round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb) / 1024, 1)
    sample = StreamPolicy(RULES, engine=options.engine)
    report["sample rules"] = measure(sample, texts, options.chunk)
    words = StreamPolicy([StreamRule(keyword("zyxwvut"), "redact", "never")], engine=options.engine)
    report["a word that never occurs"] = measure(words, texts, options.chunk)
    report["no rules"] = measure(StreamPolicy([], engine=options.engine), texts, options.chunk)
    blob = "".join(source.choice("ABCDEFGHabcdefgh0123456789+/") for _ in range(100 << 10))
    first, last, p99 = cost_us(policy, blob, options.chunk)
    report["100 KB of base64"] = {
        "chunk_us_first_quarter": round(first, 2),
        "chunk_us_last_quarter": round(last, 2),
        "chunk_us_p99": round(p99, 2),
    }
    report["leaked characters"] = {"108-character key": leaked_count(policy, KEY_108), "841-character PEM": leaked_count(policy, PEM_841)}
    if options.json:
        print(json.dumps(report))
        return
    for name, figures in report.items():
        print(name)
        for each, value in figures.items():
            print(f"  {each:26} {value}")


if __name__ == "__main__":
    main()
