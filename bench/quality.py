#!/usr/bin/env python3
"""
The goals of the guardrails, G1 to G20, as they are reached on the development data and on this machine: `make quality`.

    quality.py [--only G1,G13] [--rows 200] [--pairs 1000] [--extra FILE ...] [--extra-data FILE ...]

Rules: one process at a time; what is missed is printed as missed. Rows that rules or models were made from can show a miss and no more: give
rows of your own with --extra, or leave sources out (`python -m guardrails.learned.train injection --loso`). A run takes two minutes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from quality_figures import Figure, describe, say
from quality_finds import attack_figures, pii_figures, secret_figures, structure_figures, word_figures
from quality_speed import speed_figures, stream_figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="GOALS", help="some goals, with commas")
    parser.add_argument("--rows", type=int, default=200, metavar="N", help="rows of each source for G12 and G13")
    parser.add_argument("--pairs", type=int, default=1000, metavar="N", help="texts and cuts for G6; the goal is 20000")
    parser.add_argument("--extra", type=Path, nargs="*", default=[], metavar="FILE", help="labelled rows that nobody trained on")
    parser.add_argument("--extra-data", type=Path, nargs="*", default=[], metavar="FILE", help="the same, as text of tools and documents")
    options = parser.parse_args()
    parts: dict[str, tuple[str, Callable[[], Iterator[Figure]]]] = {
        "speed": ("G1 G2 G3 G7 G8", lambda: speed_figures(60)),
        "streams": ("G4 G5 G6", lambda: stream_figures(options.pairs)),
        "personal data": ("G9 G10", pii_figures),
        "secrets": ("G11", secret_figures),
        "attacks": ("G12 G13 G14 G15", lambda: attack_figures(options.rows, options.extra, options.extra_data)),
        "words": ("G16 G17", word_figures),
        "structure": ("G18 G19 G20", lambda: structure_figures(1000)),
    }
    wanted = set(filter(None, options.only.split(",")))
    figures: list[Figure] = []
    for name, (goals, measure) in parts.items():
        if wanted and wanted.isdisjoint(goals.split()):
            continue
        say(f"measuring {name} ...")
        figures += [each for each in measure() if not wanted or each.goal in wanted]
    sys.stdout.write(describe(sorted(figures, key=lambda each: int(each.goal[1:]))) + "\n")
    missed = sum(each.is_held is False for each in figures)
    sys.stdout.write(
        f"\n{sum(each.is_held is True for each in figures)} held, {missed} missed, {sum(each.is_held is None for each in figures)} told.\n"
    )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
