#!/usr/bin/env python3
"""
What the guardrail engine costs: 220 patterns like secrets, 60 like personal data, 2,000 words, one policy.

    guardrails_engine.py [--engine hyperscan|re2] [--rounds 200]

Prints one JSON object: compile time and memory, median and p99 microseconds per KB at 1-8 KB without hits and with a few, ASCII and mixed
Unicode, the time of hostile 1 MB texts and how it grows when they double, and how long an event loop waits beside them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import statistics
import string
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from guardrails.detection import AnyDetector, PatternDetector, TextUnit
from guardrails.engine import compile as compiler
from guardrails.engine.check import CompiledPolicy
from guardrails.engine.off_loop import check_in_thread
from guardrails.patterns import Pattern
from guardrails.policy_document import PolicyDocument, RuleDocument

ALPHANUMERIC = string.ascii_lowercase + string.digits
PROSE = (
    "The quarterly report shows that revenue grew in most regions while costs stayed level. Please summarise the main risks, name the "
    "teams that own them, and propose two steps for each. Version 2.4.1 of the tool was released on 3 May; 1200 people use it daily. "
)
MIXED = (
    "Der Bericht für März zeigt, dass die Erlöse in den meisten Regionen gestiegen sind. 売上は増加しました。Выручка выросла на 12 %. "
    "La société a dépassé ses objectifs — bravo à tous! 😀 Τα έσοδα αυξήθηκαν. "
)


def secrets(rng: random.Random) -> tuple[Pattern, ...]:
    found = []
    for number in range(220):
        prefix = "".join(rng.choices(string.ascii_lowercase, k=rng.randint(3, 6)))
        length = rng.randint(16, 60)
        if number % 3 == 0:
            expression, trigger = rf"\b{prefix}_[A-Za-z0-9]{{{length}}}\b", rf"{prefix}_[A-Za-z0-9]{{4}}"
            found.append(Pattern(f"secret{number}", "SECRET", expression, (trigger,)))
        else:
            expression = rf"{prefix}[a-z0-9_ .-]{{0,20}}[=:][ \"']{{0,3}}([A-Za-z0-9/+_-]{{{length}}})"
            found.append(Pattern(f"secret{number}", "SECRET", expression, (prefix,), group=1, is_caseless=True))
    return tuple(found)


def personal(rng: random.Random) -> tuple[Pattern, ...]:
    shapes = [
        (r"[a-z0-9._%+-]{1,64}@[a-z0-9.-]{1,190}\.[a-z]{2,24}", (r"[a-z0-9]@[a-z0-9]",)),
        (r"\b\d{3}-\d\d-\d{4}\b", ()),
        (r"\b(?:\d[ -]?){12,18}\d\b", (r"\d[ -]?\d[ -]?\d[ -]?\d[ -]?\d[ -]?\d[ -]?\d[ -]?\d[ -]?\d",)),
        (r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}\b", (r"[A-Z]{2}\d{2} ?[A-Z0-9]{4}",)),
        (r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b", (r"\d\.\d{1,3}\.\d",)),
    ]
    found = [Pattern(f"pii{number}", f"PII{number}", expression, triggers) for number, (expression, triggers) in enumerate(shapes)]
    for number in range(len(shapes), 60):
        letters = "".join(rng.choices(string.ascii_uppercase, k=2))
        found.append(Pattern(f"pii{number}", f"PII{number}", rf"\b{letters}[ -]?\d{{{rng.randint(6, 9)}}}[A-Z]?\b"))
    return tuple(found)


def words(rng: random.Random) -> tuple[Pattern, ...]:
    made = {"".join(rng.choices(string.ascii_lowercase, k=rng.randint(6, 14))) for _ in range(2000)}
    return tuple(Pattern(f"word-{each}", "WORD", each, is_caseless=True, is_word=True) for each in sorted(made))


def build(engine: str | None, folder: Path | None = None) -> CompiledPolicy:
    rng = random.Random(7)  # noqa: S311 - made-up rules
    detectors: dict[str, AnyDetector] = {
        "secrets": PatternDetector(secrets(rng)),
        "pii": PatternDetector(personal(rng)),
        "keywords": PatternDetector(words(rng)),
    }
    compiler.__dict__["build_detector"] = lambda name, parameters: detectors[name]  # made-up detectors in the place of ours
    rules = tuple(RuleDocument(detector=each, fail_mode="closed", action="redact") for each in detectors)
    return compiler.compile_policy(PolicyDocument(name="bench", rules=rules), cache_folder=folder, engine=engine)  # type: ignore[arg-type]


def timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def per_kb(policy: CompiledPolicy, piece: str, rounds: int, tail: str = "") -> dict[str, float]:
    rng, found = random.Random(3), []  # noqa: S311 - sizes of texts
    for number in range(rounds):
        size = 1024 * rng.randint(1, 8)
        text = (f"{number} " + piece * (size // len(piece) + 1))[: size - len(tail)] + tail
        units = [TextUnit(text)]
        size_kb = len(text.encode()) / 1024
        elapsed_us = min(timed(lambda units=units: policy.check(units)) for _ in range(3)) * 1e6  # type: ignore[misc]
        found.append(elapsed_us / size_kb)
    found.sort()
    return {"median_us_per_kb": round(statistics.median(found), 2), "p99_us_per_kb": round(found[int(len(found) * 0.99) - 1], 2)}


def hostile(policy: CompiledPolicy) -> dict[str, str]:
    everything = " ".join(each.triggers[0] if each.triggers else each.expression for each in policy.scanner.patterns[:60])
    literals = " ".join(each.expression for each in policy.scanner.patterns if each.label == "WORD")
    return {
        "digits": "1234567890",
        "emails": "joe@example.com ",
        "at signs": "a@a",
        "letters": "a",
        "dots": "1.1.1.1.",
        "triggers": everything + " ",
        "all words": literals + " ",
        "zero width": "\u200b",
        "accents": "é1@é ",
        "base64": "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=",
    }


def hostile_times(policy: CompiledPolicy) -> dict[str, dict[str, float]]:
    found = {}
    for name, piece in hostile(policy).items():
        whole = [[TextUnit((piece * (size // len(piece) + 1))[:size])] for size in (1 << 19, 1 << 20)]
        half_s, full_s = (min(timed(lambda units=units: policy.check(units)) for _ in range(2)) for units in whole)  # type: ignore[misc]
        found[name] = {"ms": round(full_s * 1e3, 1), "growth": round(full_s / half_s, 2)}
    return found


async def loop_lag_ms(policy: CompiledPolicy) -> dict[str, float]:
    """How late a timer of 1 ms fires while hostile texts are looked at in the thread."""
    lags: list[float] = []

    async def tick() -> None:
        while True:
            started = time.perf_counter()
            await asyncio.sleep(0.001)
            lags.append((time.perf_counter() - started - 0.001) * 1e3)

    ticking = asyncio.create_task(tick())
    for piece in hostile(policy).values():
        await check_in_thread([policy], [TextUnit((piece * ((1 << 20) // len(piece) + 1))[: 1 << 20])])
    ticking.cancel()
    lags.sort()
    return {"p50": round(statistics.median(lags), 2), "p99": round(lags[int(len(lags) * 0.99) - 1], 2), "max": round(lags[-1], 2)}


def rss_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=["hyperscan", "re2"])
    parser.add_argument("--rounds", type=int, default=200)
    options = parser.parse_args()
    before_mb = rss_mb()
    with tempfile.TemporaryDirectory() as folder:
        compile_s = timed(lambda: build(options.engine, Path(folder)))
        load_s = timed(lambda: build(options.engine, Path(folder)))
    policy = build(options.engine)
    compiled_mb = rss_mb() - before_mb
    short = [TextUnit((PROSE * 5)[:1024])]
    report = {
        "engine": policy.scanner.database.engine,
        "patterns": len(policy.scanner.patterns),
        "compile_s": round(compile_s, 3),
        "load_s": round(load_s, 3),
        "compiled_mb": round(compiled_mb, 1),
        "check_1kb_us": round(statistics.median(timed(lambda: policy.check(short)) for _ in range(options.rounds * 10)) * 1e6, 2),
        "ascii": per_kb(policy, PROSE, options.rounds),
        "ascii_with_hits": per_kb(policy, PROSE, options.rounds, " joe@example.com 123-45-6789 10.1.2.3"),
        "mixed": per_kb(policy, MIXED, options.rounds),
        "hostile_1mb": hostile_times(policy),
        "loop_lag_ms": asyncio.run(loop_lag_ms(policy)),
    }
    report["after_hostile_mb"] = round(rss_mb() - before_mb, 1)
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
