"""What may be asked of usage, and what is answered."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from common.rest.orders import Order, PageQuery
from common.rest.queries import ChoicesField, SpanQuery
from proxy.choices import LedgerKind, Outcome
from proxy.usage_report import GROUPS, TOKENS

_ERROR_CODE = r"^[a-z_]{1,64}$"
_WHOSE = "Of people only: whose usage. A key reads that of its own workspace."


class _ScopeQuery(SpanQuery):
    workspace = serializers.SlugField(required=False, help_text=_WHOSE)
    key = serializers.CharField(required=False, max_length=200, help_text="The id or the name of an API key.")
    model = serializers.CharField(required=False, max_length=200)


class UsageQuery(_ScopeQuery):
    group_by = ChoicesField(GROUPS, required=False)
    tag = serializers.CharField(required=False, max_length=129, help_text="`name=value` or `name`, as it was sent.")
    limit = serializers.IntegerField(min_value=1, max_value=10_000, default=1000)


RECORDS_NEWEST_FIRST = Order("-ts", "ts", is_time=True, id="request_id")
LEDGER_NEWEST_FIRST = Order("-ts", "ts", is_time=True)


class RecordsQuery(PageQuery, _ScopeQuery):
    order = RECORDS_NEWEST_FIRST
    outcome = serializers.ChoiceField(choices=Outcome.choices, required=False)
    status = serializers.IntegerField(min_value=100, max_value=599, required=False)
    error = serializers.RegexField(_ERROR_CODE, required=False, help_text="An error code, such as rate_limit_exceeded.")


class LedgerQuery(PageQuery, _ScopeQuery):
    order = LEDGER_NEWEST_FIRST
    kind = serializers.ChoiceField(choices=LedgerKind.choices, required=False)
    request = serializers.UUIDField(required=False, help_text="The movements of one request, whenever it was.")


class _SumsOut(serializers.Serializer[Any]):
    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        names = ("key_id", "key_name", "model", "day", "hour", "tag", "backend", "outcome")
        groups = {name: serializers.CharField(required=False, help_text="Where it was grouped by.") for name in names}
        tokens = {name: serializers.IntegerField(required=False) for name in TOKENS}
        return {**groups, **super().get_fields(), **tokens}

    requests_count = serializers.IntegerField()
    cost_nano_usd = serializers.IntegerField()
    cost_usd = serializers.CharField(help_text="Dollars with nine places.")


class UsageOut(serializers.Serializer[Any]):
    object = serializers.CharField(help_text="`list`")
    data = _SumsOut(many=True)  # type: ignore[assignment]  # a field, which DRF takes out of the class
    since = serializers.DateTimeField(help_text="What was added up begins here: `from`, or a little before.")
    until = serializers.DateTimeField()
    has_more = serializers.BooleanField(help_text="There are more groups than `limit`.")


class PageOut(serializers.Serializer[Any]):
    object = serializers.CharField(help_text="`list`")
    data = serializers.ListField(child=serializers.DictField())  # type: ignore[assignment]  # as above
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
