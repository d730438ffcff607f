#!/usr/bin/env python3
"""
`make bench-signals`: signals over REST in a fresh installation with a million of them, made in SQL.

    signals.py [--rounds 3] [--signals 1000000]

One worker on core 0, everything else on core 1, one connection, answers never kept: a page of one symbol and of all, the newest of each
symbol, sums by the hour over 30 days, and bulk ingest of 10,000 signals at once, all with ids of their own. Prints each round and the
medians. Units: milliseconds, rows a second.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from percore import Figures
from rest import Site, installation
from run import ROOT

_REQUESTS = 200
_BULKS = 10
_BULK_ROWS = 10_000
_DAYS = 30
_CHANNELS = 10
_SYMBOLS = 200
_FILL = """
INSERT INTO items_signal (id, ts, workspace_id, channel_id, symbol, action, price, confidence, external_id, payload, created_at)
SELECT uuidv7(ts - now()), ts, workspace_id, channels[1 + mod(n, %(channels)s)], 'SYM' || mod(n / 7, %(symbols)s),
       (array['buy','sell','hold','close'])[1 + mod(n / 3, 4)], mod(n, 100000) / 100.0, mod(n, 100) / 100.0, '',
       jsonb_build_object('number', n), ts
FROM (SELECT workspace_id, array_agg(id) AS channels FROM items_channel GROUP BY workspace_id) AS owned,
     (SELECT n, now() - n * interval '%(days)s days' / %(count)s AS ts FROM generate_series(1, %(count)s) n) AS numbers
"""
_LATEST = """
INSERT INTO items_latestsignal (id, workspace_id, symbol, signal_id, ts)
SELECT DISTINCT ON (workspace_id, symbol) gen_random_uuid(), workspace_id, symbol, id, ts FROM items_signal
ORDER BY workspace_id, symbol, ts DESC
"""
_DAY = """
CREATE TABLE IF NOT EXISTS items_signal_{0:%Y%m%d} PARTITION OF items_signal FOR VALUES FROM ('{0:%Y-%m-%d}') TO ('{1:%Y-%m-%d}')
"""
_QUERIES: dict[str, Callable[[int], str]] = {
    "one_symbol": lambda n: f"/api/signals?symbol=SYM{n % _SYMBOLS}",
    "all": lambda n: f"/api/signals?limit={20 + n % 30}",
    "latest": lambda n: f"/api/signals/latest?limit={50 + n % 50}",
    "hourly_one_symbol": lambda n: f"/api/signals/hourly?from=30d&group_by=hour&symbol=SYM{n % _SYMBOLS}",
    "hourly_all": lambda n: f"/api/signals/hourly?from=30d&group_by=hour&limit={900 + n % 100}",
    "hourly_by_symbol": lambda n: f"/api/signals/hourly?from=30d&group_by=symbol&symbol=SYM{n % _SYMBOLS}",
}


class Talk:
    """One connection to an installation."""

    def __init__(self, site: Site) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(site.url).netloc, timeout=60)
        self._headers = {"authorization": f"Bearer {site.key}", "content-type": "application/json", "cache-control": "no-store"}

    def ask(self, method: str, path: str, body: bytes | None = None) -> float:
        """Return how many seconds the answer took. Errors: RuntimeError for one that is no success."""
        began_at = time.perf_counter()
        self._connection.request(method, path, body, self._headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{path}: {answer.status} {text[:300]!r}")
        return time.perf_counter() - began_at


def fill(site: Site, talk: Talk, folder: Path, count: int) -> None:
    for number in range(_CHANNELS):
        talk.ask("POST", "/api/signals/channels", json.dumps({"name": f"channel-{number}"}).encode())
    from gatewaysite.services.paths import DataDir  # here: the folder of this script is no package of the product's

    parts = DataDir(folder).database_url_parts()
    with psycopg.connect(host=parts["host"], user=parts["user"], dbname=parts["name"], autocommit=True) as connection:
        days = connection.execute("SELECT day::date, day::date + 1 FROM generate_series(now() - interval '31 days', now(), '1 day') day")
        for day, following in days.fetchall():
            connection.execute(_DAY.format(day, following))
        connection.execute(_FILL % {"channels": _CHANNELS, "symbols": _SYMBOLS, "days": _DAYS, "count": count})
        connection.execute(_LATEST)
        connection.execute("VACUUM ANALYZE items_signal, items_latestsignal")
        env = site.environ
        subprocess.run([sys.executable, str(ROOT / "manage.py"), "signal_storage", "--roll-up-anew"], env=env, cwd=ROOT, check=True)
        connection.execute("VACUUM ANALYZE items_signalhour, items_signalchannelhour")  # as autovacuum does within a minute


def measure_reads(talk: Talk, path_of: Callable[[int], str]) -> Figures:
    for number in range(5):
        talk.ask("GET", path_of(number))
    numbers = random.sample(range(10_000), _REQUESTS)
    spent = sorted(talk.ask("GET", path_of(number)) * 1e3 for number in numbers)
    return {"p50_ms": round(statistics.median(spent), 2), "p95_ms": round(spent[int(_REQUESTS * 0.95)], 2), "max_ms": round(spent[-1], 2)}


def measure_bulk(talk: Talk, run: int) -> Figures:
    bodies = [_bulk(run * _BULKS + number) for number in range(_BULKS)]
    spent_s = sum(talk.ask("POST", "/api/signals/bulk", body) for body in bodies)
    return {"rows_per_s": round(_BULKS * _BULK_ROWS / spent_s)}


def _bulk(number: int) -> bytes:
    rows = [
        {
            "channel": f"channel-{row % _CHANNELS}",
            "symbol": f"SYM{row % _SYMBOLS}",
            "action": "buy",
            "price": "101.25",
            "confidence": 0.5,
            "external_id": f"{number}-{row}",
            "payload": {"number": row},
        }
        for row in range(_BULK_ROWS)
    ]
    return json.dumps({"signals": rows}).encode()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--signals", type=int, default=1_000_000)
    args = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    results: dict[str, list[Figures]] = {name: [] for name in (*_QUERIES, "bulk")}
    with installation(1, 0, is_pinned=True) as site:
        talk = Talk(site)
        fill(site, talk, site.folder, args.signals)
        for run in range(args.rounds):
            for name, path_of in _QUERIES.items():
                results[name].append(measure_reads(talk, path_of))
                print(f"{name:18} {json.dumps(results[name][-1])}", flush=True)
            results["bulk"].append(measure_bulk(talk, run))
            print(f"{'bulk':18} {json.dumps(results['bulk'][-1])}", flush=True)
    print("\nmedians")
    for name, rounds in results.items():
        print(f"{name:18} {json.dumps({figure: statistics.median(each[figure] for each in rounds) for figure in rounds[0]})}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
