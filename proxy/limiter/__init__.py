"""
Limits: how much may pass in a window, or be in flight, counted in Redis for all workers and leased to each in small batches.

    ports.py          what is needed of the outside: the shared counter, the books
    bucket.py         what all buckets have in common; one is one counter of one limit, as this worker sees it
    window_bucket.py  requests, tokens and money in a rolling window or one of the calendar
    slot_bucket.py    requests in flight
    local_share.py    what holds while the shared counter is away
    limiter.py        all buckets of a worker, taken from together
    reservation.py    what a request holds back until it is settled
    wording.py        what a refused caller is told

Guarantee: never more than the limit passes, whatever the number of workers, save for what the last request admitted takes beyond it. All
limits of a request are charged or none. While the shared counter is away each worker enforces its share of what was left.
Source: docs/design/0003-limits.md
"""

from proxy.limiter.bucket import LEASE_IDLE_S, ONE_REQUEST, Bucket, Counts
from proxy.limiter.limiter import Limiter, Refusal, counter_key
from proxy.limiter.ports import (
    SLOTS_EXPIRE_S,
    Ask,
    CounterUnavailable,
    Grant,
    SharedCounter,
    SlotGrant,
    SpendHistory,
    Subject,
    Unknown,
    WindowShape,
)
from proxy.limiter.reservation import Plan, Reservation, count_units
from proxy.limiter.slot_bucket import RENEW_S, SlotBucket
from proxy.limiter.window_bucket import WindowBucket

__all__ = [
    "LEASE_IDLE_S",
    "ONE_REQUEST",
    "RENEW_S",
    "SLOTS_EXPIRE_S",
    "Ask",
    "Bucket",
    "CounterUnavailable",
    "Counts",
    "Grant",
    "Limiter",
    "Plan",
    "Refusal",
    "Reservation",
    "SharedCounter",
    "SlotBucket",
    "SlotGrant",
    "SpendHistory",
    "Subject",
    "Unknown",
    "WindowBucket",
    "WindowShape",
    "count_units",
    "counter_key",
]
