"""
The only writer of channels and signals.

Signals come as JSON that PostgreSQL takes apart: one statement stores the keys of what was not known yet, the signals, the newest one of
each symbol, and a note of each hour that was summed up already.

Rules: one transaction each, its last act to say that answers about signals are out of date. Whoever stores signals holds a share of
`_LOCK` until the end of the transaction, so that the rollup (`signal_hours.py`) can wait for all that it must count.
Source: docs/design/0015-signals.md
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from django.db import IntegrityError, connections, transaction

from common.databases import database_of
from common.rest.freshness import note_change
from items.announcements import announce_signals
from items.errors import ChannelExists, ChannelInUse, ChannelMissing, ChannelsRefused, Refusal
from items.models import Channel, Signal, SignalKey
from items.signal_rows import SignalRow, dump_rows

RESOURCE: Final = "signals"
"""What answers about signals are called where they are kept."""
LOCK: Final = 0x67777369
"""Of transactions: shared by all who store signals, held alone by the rollup for the moment in which it says what is late from now on."""

# The lock is taken by a statement before the one that reads the horizon, which then sees what the rollup committed.
_CHANNELS: Final = f"""
SELECT name, is_active, pg_advisory_xact_lock_shared({LOCK})
FROM items_channel WHERE workspace_id = %(workspace_id)s AND name = ANY(%(names)s)
ORDER BY id FOR KEY SHARE
"""
# Two writers of the same keys or symbols wait for each other only in the order of these, which is why each part is sorted.
_STORE: Final = """
WITH batch AS MATERIALIZED (
    SELECT sent.*, channel.id AS channel_id
    FROM ROWS FROM (
        json_to_recordset(%(rows)s)
        AS (i uuid, t timestamptz, c varchar, s varchar, a varchar, p numeric, f double precision, e varchar, d jsonb)
    ) WITH ORDINALITY AS sent (id, ts, channel, symbol, action, price, confidence, external_id, payload, place)
    JOIN items_channel channel ON channel.workspace_id = %(workspace_id)s::uuid AND channel.name = sent.channel
), keys AS (
    INSERT INTO items_signalkey (channel_id, external_id, signal_id, ts)
    SELECT DISTINCT ON (channel_id, external_id) channel_id, external_id, id, ts
    FROM batch
    WHERE external_id <> ''
    ORDER BY channel_id, external_id, place
    ON CONFLICT DO NOTHING
    RETURNING signal_id
), stored AS (
    INSERT INTO items_signal (id, ts, workspace_id, channel_id, symbol, action, price, confidence, external_id, payload, created_at)
    SELECT id, ts, %(workspace_id)s::uuid, channel_id, symbol, action, price, confidence, external_id, payload, now()
    FROM batch
    WHERE external_id = '' OR id IN (SELECT signal_id FROM keys)
    RETURNING id, ts, symbol
), latest AS (
    INSERT INTO items_latestsignal AS latest (id, workspace_id, symbol, signal_id, ts)
    SELECT DISTINCT ON (symbol) id, %(workspace_id)s::uuid, symbol, id, ts FROM stored ORDER BY symbol, ts DESC, id DESC
    ON CONFLICT (workspace_id, symbol) DO UPDATE SET signal_id = excluded.signal_id, ts = excluded.ts
    WHERE (excluded.ts, excluded.signal_id) > (latest.ts, latest.signal_id)
), late AS (
    INSERT INTO items_latesignalhour (workspace_id, bucket)
    SELECT %(workspace_id)s::uuid, bucket
    FROM (SELECT DISTINCT date_trunc('hour', ts, 'UTC') AS bucket FROM stored WHERE ts < (SELECT horizon FROM items_signalhorizon)) hours
    WHERE NOT EXISTS (
        SELECT FROM items_latesignalhour noted
        WHERE noted.workspace_id = %(workspace_id)s::uuid AND noted.bucket = hours.bucket AND NOT noted.is_taken
    )
)
SELECT place FROM batch WHERE id NOT IN (SELECT id FROM stored)
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of signals, by their places: those whose external id was known already, and those whose channel takes none."""

    accepted_count: int
    duplicates: tuple[int, ...]
    refused: Mapping[int, Refusal]


@contextmanager
def _writing(workspace_id: uuid.UUID) -> Iterator[str]:
    alias = database_of(workspace_id)
    with transaction.atomic(using=alias):
        yield alias
        note_change(workspace_id, RESOURCE)


def store_signals(workspace_id: uuid.UUID, rows: Mapping[int, SignalRow], *, is_partial: bool = False) -> Stored:
    """
    Store signals, all or none; with `is_partial` all but those whose channel takes none.

    Errors: ChannelsRefused, unless `is_partial`.
    Cost: two queries, whatever the number of signals; 25 us a signal in thousands.
    Guarantee: of one (channel, external id) one signal is stored, however often and by how many at once it is sent: the first.
    """
    if not rows:
        return Stored(0, (), {})
    with _writing(workspace_id) as alias, connections[alias].cursor() as cursor:
        names = {row.channel for row in rows.values()}
        cursor.execute(_CHANNELS, {"workspace_id": workspace_id, "names": list(names)})
        is_active = {name: active for name, active, _ in cursor.fetchall()}
        refused = _refused(rows, names, is_active)
        if refused and not is_partial:
            raise ChannelsRefused(refused)
        places = [place for place in rows if place not in refused]
        if not places:
            return Stored(0, (), refused)
        cursor.execute(_STORE, {"workspace_id": workspace_id, "rows": dump_rows([rows[place] for place in places])})
        duplicates = tuple(sorted(places[ordinal - 1] for (ordinal,) in cursor.fetchall()))
    known = frozenset(duplicates)
    news = [rows[place] for place in places if place not in known]
    # Here, so that it comes after the version is known to all: who hears of a signal may ask for it.
    transaction.on_commit(partial(announce_signals, workspace_id, news), using=alias)
    return Stored(len(places) - len(duplicates), duplicates, refused)


def _refused(rows: Mapping[int, SignalRow], names: set[str], is_active: Mapping[str, bool]) -> dict[int, Refusal]:
    wrong: dict[str, Refusal] = {name: "inactive" if name in is_active else "unknown" for name in names if not is_active.get(name)}
    return {place: wrong[row.channel] for place, row in rows.items() if row.channel in wrong} if wrong else {}


def find_stored(workspace_id: uuid.UUID, channel: str, external_id: str) -> tuple[uuid.UUID, dt.datetime] | None:
    """Return id and time of the signal of a channel that has this external id. Cost: two queries on small tables."""
    alias = database_of(workspace_id)
    channels = Channel.objects.using(alias).filter(workspace_id=workspace_id, name=channel)
    keys = SignalKey.objects.using(alias).filter(channel__in=list(channels.values_list("pk", flat=True)), external_id=external_id)
    return keys.values_list("signal_id", "ts").first()


# --- channels ---------------------------------------------------------------------------------------------------------------------


def create_channel(workspace_id: uuid.UUID, name: str, *, description: str = "", is_active: bool = True) -> Channel:
    """Errors: ChannelExists; ValidationError."""
    channel = Channel(workspace_id=workspace_id, name=name, description=description, is_active=is_active)
    return _save(channel, is_new=True)


def change_channel(workspace_id: uuid.UUID, channel_id: uuid.UUID, **changes: str | bool) -> Channel:
    """Change the name, the description or whether it is active. Errors: ChannelMissing, ChannelExists; ValidationError."""
    with transaction.atomic(using=database_of(workspace_id)):
        channel = _get_locked(workspace_id, channel_id)
        for name, value in changes.items():
            setattr(channel, name, value)
        return _save(channel, is_new=False)


def delete_channel(workspace_id: uuid.UUID, channel_id: uuid.UUID) -> None:
    """
    Delete a channel that has no signals (any more).

    Errors: ChannelMissing, ChannelInUse. Guarantee: no signal is left without its channel: who stores one holds the channel meanwhile.
    """
    with _writing(workspace_id) as alias:
        channel = _get_locked(workspace_id, channel_id)
        if Signal.objects.using(alias).filter(channel_id=channel_id).exists():
            raise ChannelInUse
        SignalKey.objects.using(alias).filter(channel_id=channel_id).delete()
        channel.delete()


def _get_locked(workspace_id: uuid.UUID, channel_id: uuid.UUID) -> Channel:
    channels = Channel.objects.using(database_of(workspace_id)).filter(workspace_id=workspace_id, pk=channel_id)
    channel = channels.select_for_update().first()
    if channel is None:
        raise ChannelMissing
    return channel


def _save(channel: Channel, *, is_new: bool) -> Channel:
    channel.clean_fields(exclude=("workspace",))
    try:
        with _writing(channel.workspace_id) as alias:
            channel.save(using=alias, force_insert=is_new)
    except IntegrityError as error:
        raise ChannelExists(channel.name) from error
    return channel
