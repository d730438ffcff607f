#!/usr/bin/env python3
"""
`make bench-streams`: a thousand streams at once through a fresh installation, over WebSockets and over SSE, and what a socket weighs.

    sockets.py [ws] [sse] [idle] [--streams 1000] [--workers 1] [--seconds 10] [--rate N] [--per-socket 1]

    ws, sse   10 (20) chunks a second each: what was added to the gap between two chunks, CPU of the workers a chunk; a chunk that is
              missing, doubled, changed or out of order is a fault and fails the run; `direct` is the same without the gateway, that is
              what the machine itself adds
    idle      memory of the workers for each open WebSocket after one message, without and with compression

The upstream and the clients are one process each and share the machine with the workers, so the figures are upper bounds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop
from percore import HERE, Figures, cpu_s, pss_mb
from run import ROOT, children_of, free_port, wait_until_ready
from streams_load import Plan, Reading, open_sockets, read_streams

RATES = {"ws": 10, "sse": 20}
RAMP_S = 3.0
_CONFIGURATION = """
workspaces: [{slug: bench, name: Bench}]
backends: [{name: paced, provider: openai_compatible, base_url: "http://127.0.0.1:%d/v1", credential: up}]
routes:
  - {model: paced, targets: [{backend: paced, upstream_model: "paced-%d"}]}
limits:
  - {name: global, scope: global, unit: requests, amount: 1000000, window_s: 1, burst: 1000000, mode: enforce}
  - {name: per-ip, scope: ip, unit: requests, amount: 1000000, window_s: 1, burst: 1000000, mode: enforce}
"""


@contextmanager
def upstream() -> Iterator[int]:
    port = free_port()
    process = subprocess.Popen([sys.executable, str(HERE / "streams_load.py"), "upstream", str(port)])
    try:
        wait_until_open(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def wait_until_open(port: int, within_s: float = 10) -> None:
    ends_at = time.monotonic() + within_s
    while time.monotonic() < ends_at:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("bench: the upstream did not start")


@contextmanager
def gateway(upstream_port: int, rate: int, workers_count: int, **environ: str) -> Iterator[tuple[int, str, list[int]]]:
    """A fresh installation: its port, a key and its workers' pids."""
    with tempfile.TemporaryDirectory(prefix="gw-bench-") as folder:
        port = free_port()
        env = os.environ | {"GATEWAY_DATA_DIR": folder} | environ
        manage = [sys.executable, str(ROOT / "manage.py")]
        options = ["--port", str(port), "--workers", str(workers_count), "--no-simulator", "--data-dir", folder]
        up = subprocess.Popen([*manage, "up", *options], env=env, cwd=ROOT, stdout=subprocess.DEVNULL)
        try:
            wait_until_ready(f"http://127.0.0.1:{port}", up)
            configuration = (_CONFIGURATION % (upstream_port, rate)).encode()
            subprocess.run([*manage, "apply", "-"], env=env, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, input=configuration)
            create = [*manage, "create_key", "--workspace", "bench", "--name", "bench", "--json"]
            key = json.loads(subprocess.run(create, env=env, cwd=ROOT, check=True, capture_output=True, text=True).stdout)["api_key"]
            time.sleep(1.5)  # the workers have the new revision
            yield port, key, find_workers(up.pid)
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait(timeout=60)


def find_workers(root_pid: int) -> list[int]:
    for child in children_of(root_pid):
        if b"gunicorn" in Path(f"/proc/{child}/cmdline").read_bytes() and (workers := children_of(child)):
            return workers
    raise SystemExit("bench: no worker found")


def percentile_ms(values_ns: list[int], share: float) -> float:
    ordered = sorted(values_ns)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] / 1e6, 2) if ordered else 0.0


def describe(reading: Reading, used_s: float) -> Figures:
    gaps = [abs(gap) for gap in reading.added_gaps_ns]
    return {
        "completed": reading.completed_count,
        "faults": len(reading.faults),
        "chunks": reading.chunks_count,
        "added_gap_p50_ms": percentile_ms(gaps, 0.5),
        "added_gap_p99_ms": percentile_ms(gaps, 0.99),
        "added_gap_max_ms": percentile_ms(gaps, 1.0),
        "delay_p50_ms": percentile_ms(reading.delays_ns, 0.5),
        "delay_p99_ms": percentile_ms(reading.delays_ns, 0.99),
        "cpu_us_per_chunk": round(used_s / max(reading.chunks_count, 1) * 1e6, 1),
    }


def measure_streams(mode: str, plan: Plan, workers: list[int]) -> Figures:
    before = cpu_s(workers)
    reading = uvloop.run(read_streams(plan, mode))
    for fault in reading.faults[:3]:
        print(f"fault: {fault}", file=sys.stderr)
    return describe(reading, cpu_s(workers) - before)


async def weigh_sockets(port: int, key: str, workers: list[int], count: int, *, has_deflate: bool) -> float:
    """Return the KB that each of `count` idle sockets takes; some were open before, so that nothing is made for the first time."""
    for client in await open_sockets(port, key, 20, has_deflate=has_deflate):
        client.transport.close()
    await asyncio.sleep(1)
    before = sum(map(pss_mb, workers))
    clients = await open_sockets(port, key, count, has_deflate=has_deflate)
    if any(client.is_deflated != has_deflate for client in clients):
        raise SystemExit("bench: the server compresses otherwise than it was told")
    await asyncio.sleep(1)
    grown_mb = sum(map(pss_mb, workers)) - before
    for client in clients:
        client.transport.close()
    return round(grown_mb * 1024 / count, 1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modes", nargs="*", choices=["ws", "sse", "idle", []], default=["ws", "sse", "idle"])
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rate", type=int, default=0, help="chunks a second of each stream")
    parser.add_argument("--per-socket", type=int, default=1)
    args = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    is_faulty = False
    with upstream() as upstream_port:
        for mode in [mode for mode in args.modes if mode in RATES]:
            rate = args.rate or RATES[mode]
            direct = measure_streams("sse", Plan(upstream_port, "", f"paced-{rate}", args.streams, rate * args.seconds, RAMP_S), [])
            print(f"direct {json.dumps(direct)}", flush=True)
            with gateway(upstream_port, rate, args.workers) as (port, key, workers):
                plan = Plan(port, key, "paced", args.streams, rate * args.seconds, RAMP_S, args.per_socket)
                figures = measure_streams(mode, plan, workers)
            is_faulty = is_faulty or bool(figures["faults"]) or figures["completed"] != args.streams
            print(f"{mode:6} {json.dumps(figures)}", flush=True)
        for has_deflate in [False, True] if "idle" in args.modes else []:
            with gateway(upstream_port, 1, args.workers, GATEWAY_WS_DEFLATE=str(has_deflate)) as (port, key, workers):
                kb = uvloop.run(weigh_sockets(port, key, workers, args.streams, has_deflate=has_deflate))
            print(f"idle   {json.dumps({'deflate': has_deflate, 'kb_per_socket': kb})}", flush=True)
    return 1 if is_faulty else 0


if __name__ == "__main__":
    raise SystemExit(main())
