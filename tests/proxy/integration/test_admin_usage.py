"""Usage records in the console: append-only, found in one partition, listed without counting."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apikeys.models import ApiKey
from apikeys.public import create_key, create_workspace
from common.ids import create_uuid7, timestamp
from proxy.models import UsageRecord
from tests.gatewaysite.integration.admin_help import MARKS

pytestmark = MARKS

_LIST = "/admin/proxy/usagerecord/"


@pytest.fixture
def api_key() -> ApiKey:
    return create_key(create_workspace("acme", "Acme"), "ci").api_key


def _record(api_key: ApiKey, age: dt.timedelta = dt.timedelta(0), **values: object) -> UsageRecord:
    request_id = uuid.UUID(int=create_uuid7().int - (int(age.total_seconds() * 1000) << 80))
    defaults = {"model": "gpt-4o", "status": 200, "outcome": "ok", "is_stream": False, "usage_source": "provider", "revision": 1}
    return UsageRecord.objects.create(
        request_id=request_id, ts=timestamp(request_id), workspace=api_key.workspace, key=api_key, **(defaults | values)
    )


def _page_of(record: UsageRecord, name: str = "change") -> str:
    return reverse(f"admin:proxy_usagerecord_{name}", args=[record.pk])


def _listed(client, **query: object) -> set[uuid.UUID]:
    return {row.pk for row in client.get(_LIST, query).context["cl"].result_list}


def test_a_record_is_found_by_its_time_and_id_and_shown_with_its_cost(admin_client, api_key):
    record = _record(api_key, cost_nano_usd=1_234_567, input_tokens=12_345)

    with CaptureQueriesContext(connection) as queries:
        page = admin_client.get(_page_of(record)).content.decode()

    found_by = [query["sql"] for query in queries if 'FROM "proxy_usagerecord"' in query["sql"]]
    assert len(found_by) == 1
    assert '"proxy_usagerecord"."ts" = ' in found_by[0]
    assert "$0.001234567" in page
    assert "unpriced" in page
    assert 'name="_save"' not in page


@pytest.mark.parametrize(
    "object_id",
    [
        "nonsense",
        "0",
        "9276c347-f52e-4d03-bca6-0f2a2c6f1ac2",
        "01a1fde1-abed-766f-b7a2-a29d2416c75b",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ],
)
def test_an_id_that_names_no_record_leads_back(object_id, admin_client):
    assert admin_client.get(f"{_LIST}{object_id}/change/").status_code == 302


def test_records_are_neither_added_nor_changed_nor_deleted(admin_client, api_key):
    record = _record(api_key)
    pages = [f"{_LIST}add/", _page_of(record, "delete")]

    looked = [admin_client.get(page).status_code for page in pages]
    posted = [admin_client.post(page, {"post": "yes", "model": "x"}).status_code for page in (*pages, _page_of(record))]
    admin_client.post(_LIST, {"action": "delete_selected", "_selected_action": [record.pk], "post": "yes"})

    assert (looked, posted) == ([403, 403], [403, 403, 403])
    assert UsageRecord.objects.get().model == "gpt-4o"


def test_the_list_reads_one_page_and_counts_nothing(admin_client, api_key):
    for _ in range(51):
        _record(api_key)

    with CaptureQueriesContext(connection) as queries:
        first = admin_client.get(f"{_LIST}?_facets=True").context["cl"]
    on_records = [query["sql"] for query in queries if '"proxy_usagerecord"' in query["sql"]]
    second = admin_client.get(_LIST, {"p": 2}).context["cl"]

    assert len(on_records) == 1
    assert on_records[0].endswith("LIMIT 51")
    assert (first.result_count, first.has_next) == (50, True)
    assert (second.result_count, second.has_next) == (1, False)
    assert {row.pk for row in first.result_list} | {row.pk for row in second.result_list} == set(
        UsageRecord.objects.values_list("pk", flat=True)
    )


@pytest.mark.parametrize("page", ["0", "-3", "nonsense", "99999999"])
def test_a_page_that_does_not_exist_is_an_answer(page, admin_client, api_key):
    _record(api_key)

    assert admin_client.get(_LIST, {"p": page}).status_code == 200


def test_the_list_keeps_the_order_of_its_index_whatever_is_asked(admin_client, api_key):
    old, new = _record(api_key, dt.timedelta(hours=2), model="a"), _record(api_key, model="b")

    page = admin_client.get(_LIST, {"o": "-6.5"})

    assert [row.pk for row in page.context["cl"].result_list] == [new.pk, old.pk]


def test_the_list_shows_the_past_day_unless_asked_for_more(admin_client, api_key):
    now, week_old = _record(api_key).pk, _record(api_key, dt.timedelta(days=6)).pk
    months_old = _record(api_key, dt.timedelta(days=60)).pk

    assert _listed(admin_client) == {now}
    assert _listed(admin_client, span="1h") == {now}
    assert _listed(admin_client, span="7d") == {now, week_old}
    assert _listed(admin_client, span="any") == {now, week_old, months_old}


def test_the_list_is_filtered_by_model_outcome_status_key_and_workspace(admin_client, api_key):
    other_key = create_key(create_workspace("other", "Other"), "ci").api_key
    ok = _record(api_key).pk
    failed = _record(other_key, model="claude", status=502, outcome="error").pk

    assert _listed(admin_client) == {ok, failed}
    assert _listed(admin_client, model="gpt-4o") == {ok}
    assert _listed(admin_client, model="gpt") == set()
    assert _listed(admin_client, outcome__exact="error") == {failed}
    assert _listed(admin_client, status_class="5") == {failed}
    assert _listed(admin_client, key__id__exact=api_key.pk) == {ok}
    assert _listed(admin_client, workspace__id__exact=other_key.workspace_id) == {failed}


def test_the_filters_ask_for_no_values_in_use(admin_client, api_key):
    _record(api_key)

    with CaptureQueriesContext(connection) as queries:
        admin_client.get(_LIST)

    assert not [query["sql"] for query in queries if "DISTINCT" in query["sql"]]


def test_a_page_of_a_key_leads_to_its_requests(admin_client, api_key):
    record = _record(api_key)
    page = admin_client.get(reverse("admin:apikeys_apikey_change", args=[api_key.pk])).content.decode()

    address = f"{_LIST}?key__id__exact={api_key.pk}"

    assert f'href="{address}"' in page
    assert [row.pk for row in admin_client.get(address).context["cl"].result_list] == [record.pk]


def test_records_of_a_day_without_a_partition_are_shown_too(admin_client, api_key):
    record = _record(api_key, dt.timedelta(days=400))

    assert timezone.now() - record.ts > dt.timedelta(days=399)
    assert admin_client.get(_page_of(record)).status_code == 200


def test_the_page_of_a_record_shows_every_class_of_usage_and_what_was_decided(admin_client, api_key):
    record = _record(
        api_key,
        cache_write_5m_tokens=101,
        cache_write_1h_tokens=102,
        reasoning_tokens=103,
        audio_input_tokens=104,
        audio_output_tokens=105,
        reserved_nano_usd=5_000_000,
        price_effective_at=dt.datetime.fromtimestamp(0, dt.UTC),
        end_user="eve",
        tags=["team=search", "env=prod"],
        decision={"attempts": [{"backend": "<main>"}]},
    )

    page = admin_client.get(_page_of(record)).content.decode()

    for shown in ("101", "102", "103", "104", "105", "$0.005", "always", "eve", "team=search, env=prod", "&lt;main&gt;"):
        assert shown in page
    assert f"/admin/proxy/ledgerentry/?request_id={record.pk}" in page
