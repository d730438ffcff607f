"""Callers that go on whatever happens to the installation, and remember how each of their requests ended."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from tests.http_talk import CHAT, PATIENCE_S, bearer, chat, parse_events, send, wait_for
from tests.installation import Installation


class Ending(Enum):
    """How a request ended for its caller."""

    ANSWERED = "answered"  # the whole answer, or a stream up to its end mark
    BROKEN = "broken"  # the head came, the rest did not
    REFUSED = "refused"  # a whole error
    FAILED = "failed"  # no answer: refused, reset or closed before the head


@dataclass(frozen=True, slots=True)
class Sent:
    """One request as its caller saw it; `request_id` is empty where no head came."""

    ending: Ending
    request_id: str
    status: int


@dataclass
class Load:
    """
    `callers_count` threads that send one request after the other with `pause_s` between them, until stopped or `requests_count` are sent.

    They take turns through `bodies`. Each keeps its connection for as long as it lives.
    """

    installation: Installation
    key: str
    bodies: Sequence[dict[str, Any]]
    callers_count: int = 8
    pause_s: float = 0.05
    requests_count: int | None = None
    sent: list[Sent] = field(default_factory=list)
    _begun_count: int = 0
    _stopping: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Load:
        self._threads = [threading.Thread(target=self._call_on, name=f"caller-{number}") for number in range(self.callers_count)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self.join()

    def join(self) -> None:
        """Wait until every caller has what it waits for."""
        for thread in self._threads:
            thread.join()

    @property
    def is_done(self) -> bool:
        return not any(thread.is_alive() for thread in self._threads)

    def count(self, ending: Ending) -> int:
        return sum(each.ending is ending for each in self.sent)

    def ids(self, ending: Ending) -> set[str]:
        return {each.request_id for each in self.sent if each.ending is ending}

    def wait_for_answers(self, more_count: int) -> None:
        """Wait until so many further requests were answered."""
        wanted = self.count(Ending.ANSWERED) + more_count
        wait_for(lambda: self.count(Ending.ANSWERED) >= wanted or self.is_done)

    def _next_body(self) -> dict[str, Any] | None:
        with self._lock:
            if self._stopping.is_set() or self._begun_count == self.requests_count:
                return None
            self._begun_count += 1
            return self.bodies[self._begun_count % len(self.bodies)]

    def _call_on(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.installation.port, timeout=PATIENCE_S)
        while (body := self._next_body()) is not None:
            self.sent.append(self._call(connection, body))
            self._stopping.wait(self.pause_s)
        connection.close()

    def _call(self, connection: http.client.HTTPConnection, body: dict[str, Any]) -> Sent:
        request_id, status = "", 0
        try:
            answer = send(connection, "POST", CHAT, body, bearer(self.key))
            request_id, status = answer.headers["x-request-id"] or "", answer.status
            text = answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return Sent(Ending.BROKEN if status == 200 else Ending.FAILED, request_id, status)
        if status != 200:
            return Sent(Ending.REFUSED, request_id, status)
        is_whole = not body.get("stream") or _is_whole_stream(text)
        return Sent(Ending.ANSWERED if is_whole else Ending.BROKEN, request_id, status)


def _is_whole_stream(text: bytes) -> bool:
    events = list(parse_events(text))
    return bool(events) and events[-1] == "[DONE]" and not any("error" in event for event in events[:-1])


MIXED = (
    chat("sim-fast"),
    chat("sim-fast", stream=True),
    chat("sim-chat", "Answer in 30 words.", stream=True),
    chat("sim-fast", "Answer in 200 words.", stream=True, stream_options={"include_usage": True}),
    chat("sim-chat", "Answer in 10 words."),
)


@dataclass(frozen=True, slots=True)
class Account:
    """What the callers saw, beside what was recorded of them."""

    endings: Counter[str]
    outcomes: Counter[str]
    rows_count: int
    duplicates_count: int
    missing_count: int
    rollup_count: int

    def __str__(self) -> str:
        endings = " ".join(f"{ending.value}={self.endings[ending.value]}" for ending in Ending)
        outcomes = " ".join(f"{name}={count}" for name, count in sorted(self.outcomes.items()))
        return f"{endings} | rows={self.rows_count} duplicates={self.duplicates_count} missing={self.missing_count} | {outcomes}"


def check_account(load: Load, *, within_s: float = PATIENCE_S) -> Account:
    """
    Compare the usage records of the load's key with what its callers saw, once everything is shipped.

    Errors: AssertionError unless every answered request has exactly one record that says so, every one that broke off has exactly one,
    and the sums in the rollups are those of the records.
    """
    answered, known = load.ids(Ending.ANSWERED), load.ids(Ending.ANSWERED) | load.ids(Ending.BROKEN)

    def is_shipped() -> bool:
        rows = load.installation.records_of(load.key)
        return known <= {str(row["request_id"]) for row in rows} and _rollup_count(load) == len(rows)

    with suppress(AssertionError):  # what is missing is said below
        wait_for(is_shipped, within_s=within_s, every_s=0.25)
    rows = load.installation.records_of(load.key)
    ids = [str(row["request_id"]) for row in rows]
    account = Account(
        endings=Counter(each.ending.value for each in load.sent),
        outcomes=Counter(row["outcome"] for row in rows),
        rows_count=len(rows),
        duplicates_count=len(ids) - len(set(ids)),
        missing_count=len(known - set(ids)),
        rollup_count=_rollup_count(load),
    )
    assert account.duplicates_count == 0, account
    assert account.missing_count == 0, account
    assert {str(row["request_id"]) for row in rows if row["outcome"] == "ok"} >= answered, account
    assert len(rows) <= len(load.sent), account
    assert account.rollup_count == len(rows), account
    return account


def _rollup_count(load: Load) -> int:
    rows = load.installation.sql(
        "SELECT coalesce(sum(requests_count), 0)::int AS count FROM proxy_usagerollup r"
        " JOIN apikeys_apikeysecret s ON s.api_key_id = r.key_id WHERE s.public_id = %s AND period = 'day'",
        [load.key.split("_")[2]],
    )
    return int(rows[0]["count"])
