"""What the simulator has seen: the last requests, and counters as Prometheus text."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

KEPT_COUNT = 200
_MAX_LABEL_CHARS = 100
_MAX_MODELS = 100  # label values that clients may make up; further names count as `other`


@dataclass(slots=True)
class Entry:
    """One request; `status` and `duration_ms` stay None while it is being answered, `status` also when no answer was begun."""

    method: str
    path: str
    header_names: tuple[str, ...] = ()
    model: str | None = None
    status: int | None = None
    is_stream: bool = False
    is_disconnected: bool = False
    duration_ms: float | None = None
    at: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))
    started_s: float = field(default_factory=time.perf_counter)

    def as_json(self) -> dict[str, Any]:
        return {
            "at": self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "method": self.method,
            "path": self.path,
            "model": self.model,
            "status": self.status,
            "duration_ms": self.duration_ms,
            "stream": self.is_stream,
            "disconnected": self.is_disconnected,
            "headers": self.header_names,
        }


class Journal:
    """
    The last 200 requests, the oldest first, and the counters.

    Cost: bounded in memory; at most 100 model names become labels.
    """

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT_COUNT)
        self._requests: Counter[tuple[str, str]] = Counter()
        self._models: set[str] = set()
        self._disconnects = 0
        self._active_requests = 0
        self._active_streams = 0

    def open(self, method: str, path: str, header_names: tuple[str, ...] = ()) -> Entry:
        entry = Entry(method, path, header_names)
        self._entries.append(entry)
        self._active_requests += 1
        return entry

    def begin_stream(self, entry: Entry) -> None:
        entry.is_stream = True
        self._active_streams += 1

    def close(self, entry: Entry, status: int | None, *, is_disconnected: bool) -> None:
        entry.status = status
        entry.is_disconnected = is_disconnected
        entry.duration_ms = round((time.perf_counter() - entry.started_s) * 1000, 3)
        self._active_requests -= 1
        self._active_streams -= entry.is_stream
        self._disconnects += is_disconnected
        self._requests[self._label(entry.model), "none" if status is None else str(status)] += 1

    def entries(self) -> list[Entry]:
        return list(self._entries)

    def clear(self) -> int:
        """Forget the requests that `/logs` shows and return how many; the counters go on, as Prometheus expects."""
        count = len(self._entries)
        self._entries.clear()
        return count

    def metrics_text(self) -> str:
        return "\n".join((*self._metric_lines(), ""))

    def _metric_lines(self) -> Iterator[str]:
        yield "# HELP simulator_requests_total Requests answered, by model and status (`none`: no answer was begun)."
        yield "# TYPE simulator_requests_total counter"
        for (model, status), count in sorted(self._requests.items()):
            yield f'simulator_requests_total{{model="{_escape(model)}",status="{status}"}} {count}'
        yield "# HELP simulator_disconnects_total Requests whose client left before the answer was complete."
        yield "# TYPE simulator_disconnects_total counter"
        yield f"simulator_disconnects_total {self._disconnects}"
        yield "# HELP simulator_active_requests Requests being answered now."
        yield "# TYPE simulator_active_requests gauge"
        yield f"simulator_active_requests {self._active_requests}"
        yield "# HELP simulator_active_streams Streams being sent now."
        yield "# TYPE simulator_active_streams gauge"
        yield f"simulator_active_streams {self._active_streams}"

    def _label(self, model: str | None) -> str:
        if model is None:
            return ""
        if len(self._models) < _MAX_MODELS and len(model) <= _MAX_LABEL_CHARS:
            self._models.add(model)
        return model if model in self._models else "other"


def _escape(label: str) -> str:
    return label.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
