#!/usr/bin/env python3
"""
`make bench-rest`: the REST API of a fresh installation with 100,000 items, made in SQL.

    rest.py [--rounds 3] [--seconds 5] [--items 100000]

One worker on core 0, everything else on core 1: kept answers (`hit`, with one connection `hit_alone`), answers that are never kept
(`get`), writes (`post`), the smallest view through the door (`door`) and through Django's own ASGI handler (`console`). Then two workers
on both cores, with PostgreSQL and the load beside them: 80 % GET and 20 % POST of one hot URL (`mix`) and of a Zipf choice of 500
(`mix_zipf`), and reading without writes (`read_hot`, `read_zipf`), with the share of each `x-cache-status`. Prints each round and the
medians. `cpu_us` is what the workers used for a request: it holds where the load generator is the limit.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from percore import HERE, Figures, cpu_s
from run import ROOT, children_of, find_worker, free_port, step_back, wait_until_ready

LIMITS = ("bench-requests", "bench-concurrency")
URLS = 500
_ITEMS = """
INSERT INTO items_item (id, workspace_id, title, description, category, priority, status, tags, version, created_at, updated_at)
SELECT uuidv7(), (SELECT id FROM apikeys_workspace WHERE slug = 'bench'), 'Item ' || n, repeat('Some words about what is to be done. ', 2),
       'category-' || mod(n, 50), (array['low','medium','high','critical'])[1 + mod(n, 4)],
       (array['new','in_progress','review','done','archived'])[1 + mod(n, 5)], array['tag-' || mod(n, 20), 'tag-' || mod(n, 7)], 1,
       now() - n * interval '1 minute', now() - n * interval '1 minute'
FROM generate_series(1, %s) n
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk is told; see rest.lua."""

    connections: int
    path: str = "/api/items"
    writes_percent: int = 0
    urls_count: int = 1
    is_counting: bool = False
    headers: str = ""
    has_key: bool = True


@dataclass(frozen=True, slots=True)
class Site:
    """A running installation."""

    url: str
    key: str
    workers: tuple[int, ...]
    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        return os.environ | {"GATEWAY_DATA_DIR": str(self.folder)}


@contextmanager
def installation(workers_count: int, items_count: int, *, is_pinned: bool) -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="gw-bench-") as folder:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        env = os.environ | {"GATEWAY_DATA_DIR": folder}
        manage = [sys.executable, str(ROOT / "manage.py")]
        command = [*manage, "up", "--port", str(port), "--workers", str(workers_count), "--no-simulator", "--data-dir", folder]
        up = subprocess.Popen(["taskset", "-c", "1", *command] if is_pinned else command, env=env, cwd=ROOT, stdout=subprocess.DEVNULL)
        try:
            wait_until_ready(url, up)
            subprocess.run([*manage, "apply", str(HERE / "bench.yaml")], env=env, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
            key = _create_key(manage, env)
            _fill(Path(folder), items_count)
            workers = tuple(children_of(_parent_of(find_worker(up.pid))))
            if is_pinned:
                step_back(up.pid)
                for pid in workers:
                    subprocess.run(["taskset", "-acp", "0", str(pid)], check=True, capture_output=True)
            yield Site(url, key, workers, Path(folder))
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait(timeout=60)


def _parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def _create_key(manage: list[str], env: dict[str, str]) -> str:
    create = [*manage, "create_key", "--workspace", "bench", "--name", "rest", "--json"]
    for limit in LIMITS:
        create += ["--limit", limit]
    key: str = json.loads(subprocess.run(create, env=env, cwd=ROOT, check=True, capture_output=True, text=True).stdout)["api_key"]
    return key


def _fill(folder: Path, items_count: int) -> None:
    sys.path.insert(0, str(ROOT))
    from gatewaysite.services.paths import DataDir  # here: the folder of this script is no package of the product's

    parts = DataDir(folder).database_url_parts()
    with psycopg.connect(host=parts["host"], user=parts["user"], dbname=parts["name"], autocommit=True) as connection:
        connection.execute(_ITEMS, [items_count])
        connection.execute("VACUUM ANALYZE items_item")


def drive(site: Site, load: Load, seconds: int, *, is_pinned: bool) -> Figures:
    env = os.environ | {
        "BENCH_KEY": site.key if load.has_key else "",
        "BENCH_WRITES": str(load.writes_percent),
        "BENCH_URLS": str(load.urls_count),
        "BENCH_PATH": load.path,
        "BENCH_HEADERS": load.headers,
    }
    if load.is_counting:
        env["BENCH_COUNT"] = "1"
    pinned = ["taskset", "-c", "1"] if is_pinned else []
    options = ["-t1", f"-c{load.connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(HERE / "rest.lua")]
    before = cpu_s(list(site.workers))
    output = subprocess.run([*pinned, "wrk", *options, site.url], env=env, capture_output=True, text=True, check=True).stdout
    spent_s = cpu_s(list(site.workers)) - before
    requests, micros, p50, p95, p99, errors, *counts = map(
        int, next(row for row in output.splitlines() if row.startswith("BENCH ")).split()[1:]
    )
    figures: Figures = {
        "rps": round(requests / micros * 1e6),
        "p50_ms": p50 / 1e3,
        "p95_ms": p95 / 1e3,
        "p99_ms": p99 / 1e3,
        "cpu_us": round(spent_s / max(requests, 1) * 1e6),
        "errors": errors,
    }
    gets = sum(counts[:4])
    if load.is_counting and gets:
        names = ("hit", "miss", "stale", "bypass")
        figures |= {f"{name}_ratio": round(count / gets, 3) for name, count in zip(names, counts[:4], strict=True)}
    return figures


ALONE = {
    "hit": Load(32),
    "hit_alone": Load(1),
    "get": Load(1, headers="cache-control=no-store"),
    "post": Load(1, writes_percent=100),
    "door": Load(8, path="/api/nothing"),
    "console": Load(8, path="/api/nothing", has_key=False),
}
TOGETHER = {
    "mix": Load(32, writes_percent=20, is_counting=True),
    "mix_zipf": Load(32, writes_percent=20, urls_count=URLS, is_counting=True),
    "read_hot": Load(32, is_counting=True),
    "read_zipf": Load(32, urls_count=URLS, is_counting=True),
}


def measure(loads: dict[str, Load], workers_count: int, args: argparse.Namespace, *, is_pinned: bool) -> dict[str, list[Figures]]:
    results: dict[str, list[Figures]] = {name: [] for name in loads}
    with installation(workers_count, args.items, is_pinned=is_pinned) as site:
        for load in loads.values():
            drive(site, load, 1, is_pinned=is_pinned)  # warm
        for _ in range(args.rounds):
            for name, load in loads.items():
                results[name].append(drive(site, load, args.seconds, is_pinned=is_pinned))
                print(f"{name:10} {json.dumps(results[name][-1])}", flush=True)
    return results


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--items", type=int, default=100_000)
    args = parser.parse_args()
    results = measure(ALONE, 1, args, is_pinned=True) | measure(TOGETHER, 2, args, is_pinned=False)
    medians = {name: {field: statistics.median(each[field] for each in rounds) for field in rounds[0]} for name, rounds in results.items()}
    print("\nmedians")
    for name, figures in medians.items():
        print(f"{name:10} {json.dumps(figures)}")
    ratio = statistics.median(door["rps"] / console["rps"] for door, console in zip(results["door"], results["console"], strict=True))
    print(f"door to console: {ratio:.2f}")
    answered = {name: figures for name, figures in medians.items() if name not in {"door", "console"}}  # which are 404s on purpose
    return 1 if any(figures["errors"] for figures in answered.values()) else 0


if __name__ == "__main__":
    raise SystemExit(main())
