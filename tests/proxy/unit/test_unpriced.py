"""The alarm for targets without a price: each request is counted, the log is not flooded."""

from __future__ import annotations

import structlog
from prometheus_client import REGISTRY

from proxy.tally import flush
from proxy.testing import ManualClock
from proxy.unpriced import UnpricedAlarm


def _counted(model: str) -> float:
    flush()
    return REGISTRY.get_sample_value("unpriced_requests_total", {"model": model, "backend": "main"}) or 0.0


def test_every_request_without_a_price_is_counted():
    alarm, before = UnpricedAlarm(), _counted("counted")

    for _ in range(3):
        alarm.note("counted", "main")

    assert _counted("counted") - before == 3


def test_it_is_logged_once_an_hour_for_each_model_and_backend():
    clock = ManualClock()
    alarm = UnpricedAlarm(clock)

    with structlog.testing.capture_logs() as logs:
        for model, backend, passes_s in [("a", "x", 0), ("a", "x", 3599), ("b", "x", 0), ("a", "y", 0), ("a", "x", 1), ("a", "x", 0)]:
            clock.advance(passes_s)
            alarm.note(model, backend)

    assert [(entry["event"], entry["log_level"], entry["model"], entry["backend"]) for entry in logs] == [
        ("model_unpriced", "warning", "a", "x"),
        ("model_unpriced", "warning", "b", "x"),
        ("model_unpriced", "warning", "a", "y"),
        ("model_unpriced", "warning", "a", "x"),
    ]


def test_what_it_remembers_is_bounded(monkeypatch):
    monkeypatch.setattr("proxy.unpriced._KNOWN_MAX_COUNT", 3)
    alarm = UnpricedAlarm()

    for number in range(10):
        alarm.note(f"model {number}", "main")

    assert len(alarm._told_at) <= 3
