"""
Trains a model of this package from the committed rows: `python -m guardrails.learned.train injection|toxicity [--loso]`.

Guarantee: the same rows give the same weights file. `--loso` writes nothing: it trains without each source in turn and prints what the
model says of that source, which is the figure to develop by; figures on rows that were trained on flatter.
Needs numpy, a development requirement.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from guardrails.learned.hashing import read
from guardrails.learned.learning import Teaching, learn
from guardrails.learned.model import WEIGHTS_FOLDER, LinearModel
from guardrails.learned.own_rows import own_rows
from guardrails.learned.rows import Row, injection_rows
from guardrails.learned.toxicity_rows import toxicity_rows

FALSE_RATIO = 0.01


@dataclass(frozen=True, slots=True)
class Task:
    rows: Callable[[], list[Row]]
    own: Callable[[], list[Row]] = list
    teaching: Teaching = field(default_factory=Teaching)


_INJECTION = Teaching(penalty=2e-6, class_penalty=0.5, rounds=1)
"""What did best on sources that were left out."""

TASKS = {"injection": Task(injection_rows, lambda: list(own_rows()), _INJECTION), "toxicity": Task(toxicity_rows)}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m guardrails.learned.train", description="Train a model from the committed rows.")
    parser.add_argument("name", choices=sorted(TASKS))
    parser.add_argument("--loso", action="store_true", help="print figures with each source left out, and write nothing")
    options = parser.parse_args(arguments)
    task = TASKS[options.name]
    if options.loso:
        leave_one_out(task)
        return 0
    rows = [*task.rows(), *task.own()]
    path = WEIGHTS_FOLDER / f"{options.name}.bin"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(learn(rows, task.teaching).dump())
    say(f"{path.name}: {len(rows)} rows, {path.stat().st_size} bytes")
    return 0


def leave_one_out(task: Task) -> None:
    rows, own = task.rows(), task.own()
    say(f"{'without':14} {'rows':>6} {'recall at 0.5':>14} {'false at 0.5':>13} {'recall at 1 % false':>20}")
    for source in sorted({row.source for row in rows}):
        model = learn([*(row for row in rows if row.source != source), *own], task.teaching)
        left_out = [row for row in rows if row.source == source]
        positive, negative = scores(model, left_out, True), scores(model, left_out, False)
        cut = sorted(negative)[int(len(negative) * (1 - FALSE_RATIO))] if negative else None
        at_cut = share(positive, cut) if cut is not None else "-"
        say(f"{source:14} {len(left_out):6} {share(positive, 0.5):>14} {share(negative, 0.5):>13} {at_cut:>20}")


def scores(model: LinearModel, rows: Sequence[Row], is_positive: bool) -> list[float]:
    return [model.best_window(read(row.text)).score for row in rows if row.is_positive is is_positive]


def share(values: Sequence[float], cut: float) -> str:
    return f"{sum(value > cut for value in values) / len(values):.3f}" if values else "-"


def say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
