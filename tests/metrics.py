"""Reads what an installation counts."""

from __future__ import annotations

import re

from tests.installation import Installation

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]

_SAMPLE = re.compile(r"^(?P<name>[a-z_]+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def read_metrics(installation: Installation) -> Series:
    """Return every sample of `/metrics`, by name and labels."""
    reply = installation.get("/metrics")
    assert reply.status == 200
    assert reply.headers["content-type"].startswith("text/plain")
    samples: Series = {}
    for line in reply.body.decode().splitlines():
        if not line.startswith("#"):
            sample = _SAMPLE.match(line)
            assert sample, line
            samples[sample["name"], frozenset(_LABEL.findall(sample["labels"] or ""))] = float(sample["value"])
    return samples


def sum_of(samples: Series, name: str, **labels: str) -> float:
    """Return the sum of the samples of that name that have these labels and any others."""
    wanted = set(labels.items())
    return sum(value for (sample, found), value in samples.items() if sample == name and wanted <= found)


def answered_count(installation: Installation, *, route: str = "/v1/chat/completions", status: str = "200") -> float:
    """Return how many requests all workers together have answered so."""
    return sum_of(read_metrics(installation), "http_requests_total", route=route, status_code=status)
