#!/usr/bin/env python3
"""
What one core of a gateway does, next to nginx, in one run.

    percore.py --url http://127.0.0.1:8000/v1/chat/completions --key KEY --pid PID [--pid PID ...] [--stream]

The processes given (the gateway's single worker) are pinned to core 0; the upstreams, nginx and wrk run on core 1. The model must be
routed to http://127.0.0.1:9100/v1 (JSON) or http://127.0.0.1:9110/v1 (stream). Needs wrk and nginx (Debian: wrk, nginx-light).
Prints one JSON object. Streams: the upstream and wrk share one core and end near 80,000 chunks/s, so read the CPU figure there.
One run is noisy: `run.py` quotes the median of three.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHUNKS_COUNT = 64
NGINX_URL = "http://127.0.0.1:9101/v1/chat/completions"
Figures = dict[str, float]


def wrk(url: str, connections: int, seconds: int, env: dict[str, str]) -> Figures:
    command = [
        "taskset",
        "-c",
        "1",
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{seconds}s",
        "--timeout",
        "10s",
        "-s",
        str(HERE / "chat.lua"),
        url,
    ]
    output = subprocess.run(command, env=os.environ | env, capture_output=True, text=True, check=True).stdout
    line = next(row for row in output.splitlines() if row.startswith("BENCH "))
    requests, micros, p50, p99, status, socket, timeout = map(int, line.split()[1:])
    errors = status + socket + timeout
    return {"rps": requests / micros * 1e6, "requests": requests, "p50_ms": p50 / 1e3, "p99_ms": p99 / 1e3, "errors": errors}


def cpu_s(pids: list[int]) -> float:
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def pss_mb(pid: int) -> float:
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(row for row in rows if row.startswith("Pss:")).split()[1]) / 1024


@contextmanager
def upstreams() -> Iterator[None]:
    """The static upstream, the nginx proxy in front of it, and the streaming upstream, all on core 1."""
    folder = tempfile.mkdtemp(prefix="percore-")
    nginx = ["taskset", "-c", "1", "nginx", "-p", folder, "-c", str(HERE / "nginx.conf")]
    subprocess.run(nginx, check=True, capture_output=True)
    sse = subprocess.Popen(["taskset", "-c", "1", sys.executable, str(HERE / "sse_upstream.py")])
    try:
        time.sleep(0.5)
        yield
    finally:
        sse.terminate()
        sse.wait()
        subprocess.run([*nginx, "-s", "stop"], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)


def pin(pids: list[int]) -> None:
    for pid in pids:
        subprocess.run(["taskset", "-acp", "0", str(pid)], check=True, capture_output=True)


def environment(
    key: str, *, is_stream: bool, model: str = "", prompt_bytes: int = 1024, is_same: bool = False, headers: str = ""
) -> dict[str, str]:
    env = {
        "BENCH_KEY": key,
        "BENCH_MODEL": model or ("bench-sse" if is_stream else "bench-json"),
        "BENCH_BYTES": str(prompt_bytes),
        "BENCH_HEADERS": headers,
    }
    return env | ({"BENCH_STREAM": "1"} if is_stream else {}) | ({"BENCH_SAME": "1"} if is_same else {})


def measure(url: str, pids: list[int], env: dict[str, str], connections: int, seconds: int) -> Figures:
    """Drive the gateway, then (not for streams) nginx; both over the same upstream, right after each other."""
    is_stream = "BENCH_STREAM" in env
    wrk(url, connections, 2, env)  # warm
    before = cpu_s(pids)
    figures = wrk(url, connections, seconds, env)
    figures["cpu_us_per_request"] = round((cpu_s(pids) - before) / max(figures["requests"], 1) * 1e6, 1)
    if is_stream:
        figures["chunks_per_s"] = round(figures["rps"] * CHUNKS_COUNT)
        figures["cpu_us_per_chunk"] = round(figures["cpu_us_per_request"] / CHUNKS_COUNT, 2)
    else:
        nginx = wrk(NGINX_URL, connections, 3, env)
        figures["nginx_rps"], figures["nginx_p50_ms"] = round(nginx["rps"]), nginx["p50_ms"]
        figures["ratio_to_nginx"] = round(figures["rps"] / nginx["rps"], 4)
    figures["rps"] = round(figures["rps"], 1)
    return figures


def missing_tools() -> list[str]:
    return [tool for tool in ("wrk", "nginx", "taskset") if not shutil.which(tool)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--key", default="sk-bench")
    parser.add_argument("--pid", type=int, action="append", required=True)
    parser.add_argument("--model", default="")
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--connections", type=int)
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--bytes", type=int, default=1024)
    parser.add_argument("--same", action="store_true", help="one prompt for all")
    parser.add_argument("--headers", default="", help="name=value;name=value")
    args = parser.parse_args()
    if missing := missing_tools():
        print(f"percore: missing {', '.join(missing)} (Debian: wrk, nginx-light, util-linux)", file=sys.stderr)
        return 2
    env = environment(args.key, is_stream=args.stream, model=args.model, prompt_bytes=args.bytes, is_same=args.same, headers=args.headers)
    pin(args.pid)
    with upstreams():
        print(json.dumps(measure(args.url, args.pid, env, args.connections or (256 if args.stream else 32), args.seconds)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
