"""What may be asked of signals and channels, and what is shown. Lists go from `values()` to JSON; the serializers describe the same."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from django.conf import settings
from django.utils import timezone
from rest_framework import serializers

from common.databases import database_to_read
from common.rest.orders import Order, PageQuery
from common.rest.queries import ChoicesField, MomentField, SpanQuery, StrictSerializer, TextField
from items.choices import Action
from items.models import Channel
from items.rest.items_queries import WordsField, WorkspaceQuery
from items.signal_hourly import GROUPS
from items.signal_rows import EXTERNAL_ID_MAX_LENGTH, MANY_MAX_COUNT, plain_price, read_symbol

COLUMNS: Final = (
    "id",
    "ts",
    "channel_id",
    "symbol",
    "action",
    "price",
    "confidence",
    "external_id",
    "payload",
    "created_at",
)
NEWEST_FIRST: Final = Order("-timestamp", "ts", is_time=True)
BY_NAME: Final = Order("name", "name")
_FILTER_MAX_COUNT: Final = 100
_HOUR_WORD: Final = "hour"
_HOURS_SPAN_MAX: Final = dt.timedelta(days=90)
_HOUR: Final = dt.timedelta(hours=1)

Row = dict[str, Any]


class SymbolsField(WordsField):
    def to_internal_value(self, data: Any) -> list[str]:
        symbols = [read_symbol(word) for word in super().to_internal_value(data)]
        if None in symbols:
            raise serializers.ValidationError("Write symbols such as BTC-USD, with commas between.")
        return list(dict.fromkeys(symbol for symbol in symbols if symbol is not None))


class _Chosen(WorkspaceQuery):
    symbol = SymbolsField(required=False, max_count=_FILTER_MAX_COUNT, help_text="Several with commas.")
    channel = WordsField(required=False, max_count=_FILTER_MAX_COUNT, help_text="Names of channels, with commas between.")
    action = ChoicesField(tuple(Action.values), required=False, help_text="Several with commas.")


class SignalQuery(PageQuery, _Chosen):
    order = NEWEST_FIRST
    external_id = TextField(
        required=False, max_length=EXTERNAL_ID_MAX_LENGTH, help_text="The channel's own id of a signal; with `channel`."
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        ends = {
            "from": MomentField(required=False, help_text="Then or later. Without it: as long as signals are kept."),
            "to": MomentField(required=False, help_text="Earlier. Without it: all, a few minutes of the future included."),
        }
        return ends | super().get_fields()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "from" in attrs and "to" in attrs and attrs["from"] >= attrs["to"]:
            raise serializers.ValidationError({"from": ["The time it begins must be before the time it ends."]})
        if "external_id" in attrs and len(attrs.get("channel", ())) != 1:
            raise serializers.ValidationError({"channel": ["Name the channel whose id it is."]})
        return super().validate(attrs)


class LatestQuery(PageQuery, WorkspaceQuery):
    order = NEWEST_FIRST
    symbols = SymbolsField(required=False, max_count=_FILTER_MAX_COUNT, help_text="Only these, with commas between.")


class HourlyQuery(SpanQuery, _Chosen):
    group_by = ChoicesField(
        (_HOUR_WORD, *GROUPS), required=False, help_text=f"Beside the hour: {', '.join(GROUPS)} (all without it); `hour`: nothing else."
    )
    limit = serializers.IntegerField(min_value=1, max_value=10_000, default=1000)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        checked: dict[str, Any] = super().validate(attrs)
        if checked["to"] - checked["from"] > _HOURS_SPAN_MAX + _HOUR:  # `90d` is taken a moment after `now`
            raise serializers.ValidationError({"from": [f"Ask for {_HOURS_SPAN_MAX.days} days at most."]})
        checked["group_by"] = tuple(name for name in GROUPS if name in checked["group_by"]) if checked.get("group_by") else GROUPS
        return checked


class ChannelQuery(PageQuery, WorkspaceQuery):
    order = BY_NAME


def find_channels(workspace_id: uuid.UUID, query: dict[str, Any]) -> tuple[uuid.UUID, ...] | None:
    """
    Return the ids of the channels that a query names, None where it names none.

    Errors: ValidationError for an unknown one. Cost: one query where any is named.
    """
    if "channel" not in query:
        return None
    channels = Channel.objects.using(database_to_read(workspace_id)).filter(workspace_id=workspace_id, name__in=query["channel"])
    found = dict(channels.values_list("name", "pk"))
    if missing := [name for name in query["channel"] if name not in found]:
        raise serializers.ValidationError({"channel": [f"There is no channel {missing[0][:63]!r}."]})
    return tuple(found.values())


def name_channels(workspace_id: uuid.UUID, channel_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Cost: one query, none without ids."""
    wanted = set(channel_ids)
    if not wanted:
        return {}
    channels = Channel.objects.using(database_to_read(workspace_id)).filter(workspace_id=workspace_id, pk__in=wanted)
    return dict(channels.values_list("pk", "name"))


# --- what comes in ----------------------------------------------------------------------------------------------------------------


class NewSignal(StrictSerializer):
    """Describes what `signal_rows.py` reads."""

    channel = serializers.SlugField(max_length=63, help_text="The name of a channel that exists and is active.")
    symbol = serializers.RegexField(r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,31}$", help_text="Stored in capitals.")
    action = serializers.ChoiceField(choices=Action.values)
    price = serializers.DecimalField(max_digits=24, decimal_places=8, min_value=Decimal(0), required=False, allow_null=True)
    confidence = serializers.FloatField(min_value=0, max_value=1, required=False, allow_null=True)
    timestamp = serializers.DateTimeField(required=False, allow_null=True, help_text="ISO 8601 or unix seconds; now without it.")
    payload = serializers.DictField(required=False, allow_null=True, help_text="A JSON object of at most 16 KiB.")
    external_id = serializers.CharField(
        max_length=EXTERNAL_ID_MAX_LENGTH,
        required=False,
        allow_null=True,
        help_text="The channel's own id: a repeat of it is no new signal.",
    )


class NewSignals(StrictSerializer):
    signals = serializers.ListField(child=NewSignal(), allow_empty=False, max_length=MANY_MAX_COUNT)


class ChannelChanges(StrictSerializer):
    name = serializers.SlugField(max_length=63, required=False)
    description = TextField(max_length=200, required=False, allow_blank=True)
    is_active = serializers.BooleanField(required=False, help_text="An inactive channel takes no signals; what it took stays.")


class NewChannel(ChannelChanges):
    name = serializers.SlugField(max_length=63)
    workspace = serializers.SlugField(required=False, help_text="Of people only, who have to name one: its slug.")


# --- what goes out ----------------------------------------------------------------------------------------------------------------


class SignalOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    object = serializers.CharField(help_text="`signal`")
    channel = serializers.CharField(allow_null=True, help_text="Null where the channel is gone.")
    symbol = serializers.CharField()
    action = serializers.ChoiceField(choices=Action.values)
    price = serializers.CharField(allow_null=True)
    confidence = serializers.FloatField(allow_null=True)
    timestamp = serializers.DateTimeField(help_text="When it was given.")
    external_id = serializers.CharField(allow_null=True)
    payload = serializers.DictField(allow_null=True)
    created_at = serializers.DateTimeField(help_text="When it arrived.")


class StoredSignalOut(SignalOut):
    is_duplicate = serializers.BooleanField(help_text="It was stored before, and is as it was.")


class StoredSignalsOut(serializers.Serializer[Any]):
    object = serializers.CharField(help_text="`signal_batch`")
    accepted_count = serializers.IntegerField()
    duplicates_count = serializers.IntegerField()
    duplicates = serializers.ListField(child=serializers.IntegerField(), help_text="Which of the list, from 0, were stored before.")


class LineErrorOut(serializers.Serializer[Any]):
    line = serializers.IntegerField(help_text="From 1.")
    param = serializers.CharField(allow_null=True)
    message = serializers.CharField()


class StreamOut(serializers.Serializer[Any]):
    object = serializers.CharField(help_text="`signal_stream`")
    lines_count = serializers.IntegerField(help_text="Lines up to this one were stored or refused; none after it was.")
    accepted_count = serializers.IntegerField()
    duplicates_count = serializers.IntegerField()
    errors_count = serializers.IntegerField()
    errors = LineErrorOut(many=True, help_text="The first 100.")  # type: ignore[assignment]  # a field, which DRF takes out of the class
    is_complete = serializers.BooleanField(help_text="All of the body was read.")


class SignalPageOut(serializers.Serializer[Any]):
    object = serializers.CharField(help_text="`list`")
    data = SignalOut(many=True)  # type: ignore[assignment]  # as above
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class HourOut(serializers.Serializer[Any]):
    bucket = serializers.DateTimeField(help_text="The hour's beginning.")
    symbol = serializers.CharField(required=False)
    channel = serializers.CharField(required=False, allow_null=True)
    action = serializers.CharField(required=False)
    signal_count = serializers.IntegerField()
    avg_confidence = serializers.FloatField(allow_null=True, help_text="Of those that have one.")


class HoursOut(serializers.Serializer[Any]):
    object = serializers.CharField(help_text="`list`")
    data = HourOut(many=True)  # type: ignore[assignment]  # as above
    since = serializers.DateTimeField(help_text="The first hour: `from`, or a little before.")
    until = serializers.DateTimeField()
    has_more = serializers.BooleanField(help_text="There are more rows than `limit`, of earlier hours.")


class ChannelOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    object = serializers.CharField(help_text="`channel`")
    name = serializers.CharField()
    description = serializers.CharField()
    is_active = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class ChannelPageOut(serializers.Serializer[Any]):
    object = serializers.CharField(help_text="`list`")
    data = ChannelOut(many=True)  # type: ignore[assignment]  # as above
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


def describe_signals(workspace_id: uuid.UUID, rows: list[Row]) -> list[Row]:
    """Cost: one query."""
    names = name_channels(workspace_id, {row["channel_id"] for row in rows})
    return [describe_signal(row, names.get(row["channel_id"])) for row in rows]


def describe_signal(row: Row, channel: str | None) -> Row:
    price = row["price"]
    return {
        "id": row["id"],
        "object": "signal",
        "channel": channel,
        "symbol": row["symbol"],
        "action": row["action"],
        "price": None if price is None else plain_price(price),
        "confidence": row["confidence"],
        "timestamp": row["ts"],
        "external_id": row["external_id"] or None,
        "payload": row["payload"],
        "created_at": row["created_at"],
    }


def describe_channel(row: Row) -> Row:
    return {"id": row["id"], "object": "channel"} | {name: row[name] for name in ("name", "description", "is_active", "created_at")}


def first_moment() -> dt.datetime:
    """Return the time before which no signal is kept."""
    return timezone.now() - dt.timedelta(days=settings.GATEWAY_SIGNAL_RETENTION_DAYS + 1)
