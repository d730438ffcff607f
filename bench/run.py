#!/usr/bin/env python3
"""
`make bench`: a fresh installation with everything on, one worker on one core, measured beside nginx in the same run.

Prints a line for each of three rounds and their medians: JSON with 32 connections (every prompt another one, so the exact cache misses),
the same under the default guardrail policy without and with its models, the same with one prompt (it hits), JSON with one connection
(added latency), streams with 256 without and with the policy, and the worker's memory. Takes five minutes. Figures of one machine
compare with those of the same run only; read the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from percore import HERE, NGINX_URL, Figures, environment, measure, missing_tools, pin, pss_mb, upstreams, wrk

ROOT = HERE.parent
LIMITS = ("bench-requests", "bench-tokens", "bench-cost", "bench-concurrency")
MODELS = frozenset({"injection", "jailbreak", "toxicity"})
"""Detectors with a learned part."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(url: str, process: subprocess.Popen[bytes], within_s: float = 90) -> None:
    ends_at = time.monotonic() + within_s
    while time.monotonic() < ends_at and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=1):  # noqa: S310  # our own address
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("bench: the gateway did not start")


def children_of(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def descendants_of(pid: int) -> list[int]:
    found = []
    for child in children_of(pid):
        found += [child, *descendants_of(child)]
    return found


def step_back(root_pid: int) -> None:
    """
    Let everything of the installation that no request waits for give way: it shares core 1 with the load generator and the upstreams
    here, and has cores of its own elsewhere. Otherwise the slowest requests are those for which nginx or wrk had to wait.
    """
    for pid in [root_pid, *descendants_of(root_pid)]:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        if b"gunicorn" not in command and b"valkey-server" not in command:
            for thread in Path(f"/proc/{pid}/task").iterdir():
                os.sched_setscheduler(int(thread.name), os.SCHED_IDLE, os.sched_param(0))


def find_worker(root_pid: int) -> int:
    """Return the pid of gunicorn's only worker below `manage.py up`."""
    for child in children_of(root_pid):
        if b"gunicorn" in Path(f"/proc/{child}/cmdline").read_bytes() and (workers := children_of(child)):
            return workers[0]
    raise SystemExit("bench: no worker found")


def write_policies(path: Path) -> None:
    """
    Write a configuration that takes the default policy out of force and attaches it to keys instead: `rules` without the rules that have
    models, `models` with all.
    """
    sys.path.insert(0, str(ROOT))
    from guardrails.default_policy import default_policy  # here: the folder of this script is no package of the product's

    shipped = msgspec.to_builtins(default_policy())
    rules, attached = shipped["rules"], {"is_attached_only": True}
    policies = [
        {"name": "default", "mode": "off", "rules": rules},
        {"name": "rules", "scope": attached, "rules": [rule for rule in rules if rule["detector"] not in MODELS]},
        {"name": "models", "scope": attached, "rules": rules},
    ]
    path.write_text(json.dumps({"guardrails": policies}))


def create_key(manage: list[str], env: dict[str, str], name: str, *more: str) -> str:
    create = [*manage, "create_key", "--workspace", "bench", "--name", name, "--json", *more]
    for limit in LIMITS:
        create += ["--limit", limit]
    key: str = json.loads(subprocess.run(create, env=env, cwd=ROOT, check=True, capture_output=True, text=True).stdout)["api_key"]
    return key


@contextmanager
def gateway() -> Iterator[tuple[str, str, int]]:
    """As `guarded_gateway`, with one key that no policy holds for."""
    with guarded_gateway() as (url, keys, worker):
        yield url, keys["none"], worker


@contextmanager
def guarded_gateway() -> Iterator[tuple[str, dict[str, str], int]]:
    """A fresh installation in a folder of its own: its URL, keys by the guardrails that hold for them, and its worker's pid."""
    with tempfile.TemporaryDirectory(prefix="gw-bench-") as folder:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        env = os.environ | {"GATEWAY_DATA_DIR": folder}
        manage = [sys.executable, str(ROOT / "manage.py")]
        up = subprocess.Popen(
            ["taskset", "-c", "1", *manage, "up", "--port", str(port), "--workers", "1", "--no-simulator", "--data-dir", folder],
            env=env,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        try:
            wait_until_ready(url, up)
            subprocess.run([*manage, "apply", str(HERE / "bench.yaml")], env=env, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
            policies = Path(folder) / "policies.yaml"
            write_policies(policies)
            subprocess.run([*manage, "apply", str(policies)], env=env, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
            keys = {"none": create_key(manage, env, "none")}
            keys |= {name: create_key(manage, env, name, "--policy", name) for name in ("rules", "models")}
            time.sleep(5)  # the worker has the new revision, and its policies are compiled
            step_back(up.pid)
            yield url, keys, find_worker(up.pid)
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait(timeout=60)


def added_latency(url: str, key: str, seconds: int) -> Figures:
    """One connection: what the gateway adds to the upstream, p50 against p50 and p99 as it is."""
    env = environment(key, is_stream=False)
    direct = wrk("http://127.0.0.1:9100/v1/chat/completions", 1, 2, env)
    proxied = wrk(url, 1, seconds, env)
    nginx = wrk(NGINX_URL, 1, 2, env)
    return {
        "added_p50_ms": round(proxied["p50_ms"] - direct["p50_ms"], 3),
        "p99_ms": proxied["p99_ms"],
        "nginx_added_p50_ms": round(nginx["p50_ms"] - direct["p50_ms"], 3),
        "errors": proxied["errors"],
    }


def median(rounds: list[Figures]) -> Figures:
    return {name: statistics.median(figures[name] for figures in rounds) for name in rounds[0]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=6)
    args = parser.parse_args()
    if missing := missing_tools():
        print(f"bench: missing {', '.join(missing)}; run `make ci-deps`", file=sys.stderr)
        return 2
    names = ("json", "json_rules", "json_models", "exact_hit", "one_connection", "stream", "stream_rules")
    results: dict[str, list[Figures]] = {name: [] for name in names}
    with guarded_gateway() as (base_url, keys, worker), upstreams():
        key = keys["none"]
        url = f"{base_url}/v1/chat/completions"
        pin([worker])
        for _ in range(args.rounds):
            results["json"].append(measure(url, [worker], environment(key, is_stream=False), 32, args.seconds))
            for name in ("rules", "models"):
                results[f"json_{name}"].append(measure(url, [worker], environment(keys[name], is_stream=False), 32, args.seconds))
            results["exact_hit"].append(measure(url, [worker], environment(key, is_stream=False, is_same=True), 32, args.seconds))
            results["one_connection"].append(added_latency(url, key, args.seconds // 2))
            results["stream"].append(measure(url, [worker], environment(key, is_stream=True), 256, args.seconds))
            results["stream_rules"].append(measure(url, [worker], environment(keys["rules"], is_stream=True), 256, args.seconds))
            for name, rounds in results.items():
                print(f"{name:15} {json.dumps(rounds[-1])}", flush=True)
        memory_mb = pss_mb(worker)
    print("\nmedians")
    for name, rounds in results.items():
        print(f"{name:15} {json.dumps(median(rounds))}")
    print(f"{'memory':15} {json.dumps({'worker_pss_mb': round(memory_mb, 1)})}")
    return 1 if any(figures["errors"] for rounds in results.values() for figures in rounds) else 0


if __name__ == "__main__":
    raise SystemExit(main())
