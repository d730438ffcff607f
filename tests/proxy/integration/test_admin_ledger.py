"""The ledger in the console: to look at, and to correct with a reason by whoever may."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apikeys.models import ApiKey
from common.ids import create_uuid7, timestamp
from proxy.adapters.usage_store import store_records
from proxy.ledger import LedgerError, adjust
from proxy.models import LedgerEntry
from tests.gatewaysite.integration.admin_help import MARKS, read_form
from tests.proxy.integration.rows_help import make_key, make_workspace
from tests.proxy.spool_help import ended

pytestmark = MARKS

_LIST = "/admin/proxy/ledgerentry/"
_ADJUST = f"{_LIST}adjust/"


@pytest.fixture
def api_key() -> ApiKey:
    return make_key().api_key


def _stored(api_key: ApiKey, **changes: object):
    line = ended(workspace_id=str(api_key.workspace_id), key_id=str(api_key.pk), reserved_nano_usd=2_000_000, **changes)
    store_records([line])
    return line


def _listed(client, **query: object) -> list[tuple[str, int]]:
    page = client.get(_LIST, query)
    return sorted((row.kind, row.spent_nano_usd) for row in page.context["cl"].result_list)


def _messages(page) -> list[str]:
    return [str(message) for message in page.context["messages"]]


# --- to look at -------------------------------------------------------------------------------------------------------------------


def test_the_list_shows_what_was_held_and_spent(admin_client, api_key):
    line = _stored(api_key, cost_nano_usd=1_500_000)

    page = admin_client.get(_LIST).content.decode()

    assert "$0.0015" in page
    assert "-$0.002" in page
    assert f"/admin/proxy/usagerecord/{line.request_id}/change/" in page


def test_the_list_is_filtered_by_time_kind_model_key_and_request(admin_client, api_key):
    line = _stored(api_key)
    old = _stored(api_key, request_id=str(uuid.UUID(int=create_uuid7().int - (3 * 86_400_000 << 80))), cost_nano_usd=9)
    other = _stored(make_key("other").api_key, model="claude", cost_nano_usd=5)

    assert _listed(admin_client) == [("reserve", 0), ("reserve", 0), ("settle", 5), ("settle", 7)]
    assert _listed(admin_client, kind__exact="settle", span="any") == [("settle", 5), ("settle", 7), ("settle", 9)]
    assert _listed(admin_client, model="claude") == [("reserve", 0), ("settle", 5)]
    assert _listed(admin_client, key__id__exact=other.key_id) == [("reserve", 0), ("settle", 5)]
    assert _listed(admin_client, request_id=line.request_id) == [("reserve", 0), ("settle", 7)]
    assert _listed(admin_client, request_id=old.request_id, span="any") == [("reserve", 0), ("settle", 9)]
    assert _listed(admin_client, request_id="nonsense") == []
    assert _listed(admin_client, request_id="ffffffff-ffff-ffff-ffff-ffffffffffff") == []


def test_movements_of_a_request_are_read_from_one_partition(admin_client, api_key):
    line = _stored(api_key)

    with CaptureQueriesContext(connection) as queries:
        admin_client.get(_LIST, {"request_id": line.request_id, "span": "any"})

    (on_ledger,) = [query["sql"] for query in queries if 'FROM "proxy_ledgerentry"' in query["sql"]]
    assert '"proxy_ledgerentry"."ts" = ' in on_ledger


def test_rows_are_neither_changed_nor_deleted_whatever_the_permissions(admin_client, api_key):
    _stored(api_key)
    row = LedgerEntry.objects.get(kind="settle")

    posted = [
        admin_client.post(f"{_LIST}{path}", {"post": "yes"}).status_code for path in ("add/", f"{row.pk}/delete/", f"{row.pk}/change/")
    ]
    admin_client.post(_LIST, {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})

    assert posted == [403, 403, 403]
    assert LedgerEntry.objects.count() == 2


# --- corrections ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("amount", "nano_usd"), [("0.25", 250_000_000), ("-0.000001", -1000), ("$3", 3_000_000_000)])
def test_a_correction_of_a_request_is_one_more_row_with_its_key_and_reason(amount, nano_usd, admin_client, api_key):
    line = _stored(api_key)
    form = read_form(admin_client.get(_ADJUST, {"request_id": line.request_id}))

    answer = admin_client.post(_ADJUST, form | {"amount": amount, "reason": " The invoice of October. "})

    row = LedgerEntry.objects.get(kind="adjust")
    assert (answer.status_code, answer["location"]) == (302, f"{_LIST}?request_id={line.request_id}&span=any")
    assert (row.workspace, row.key, row.model) == (api_key.workspace, api_key, "gpt")
    assert (row.spent_nano_usd, row.reserved_nano_usd, row.reason) == (nano_usd, 0, "The invoice of October.")
    assert (str(row.request_id), row.ts) == (line.request_id, timestamp(row.request_id))
    assert "The invoice of October." in LogEntry.objects.get().change_message
    assert LogEntry.objects.get().user.username == "admin"


def test_a_correction_may_be_of_a_key_as_a_whole(admin_client, api_key):
    admin_client.post(_ADJUST, {"key": api_key.pk, "model": "gpt", "amount": "1", "reason": "credit"})

    row = LedgerEntry.objects.get()
    assert (row.key, row.workspace, row.model, row.kind) == (api_key, api_key.workspace, "gpt", "adjust")
    assert dt.timedelta(0) <= dt.datetime.now(dt.UTC) - row.ts < dt.timedelta(minutes=1)


def test_corrections_of_one_request_add_up(admin_client, api_key):
    line = _stored(api_key)
    for amount in ("1", "1", "-0.5"):
        admin_client.post(_ADJUST, {"request_id": line.request_id, "amount": amount, "reason": "again"})

    assert sorted(row.spent_nano_usd for row in LedgerEntry.objects.filter(kind="adjust")) == [-500_000_000, 10**9, 10**9]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"reason": "  "}, "reason"),
        ({"reason": "x" * 201}, "reason"),
        ({"amount": ""}, "amount"),
        ({"amount": "much"}, "amount"),
        ({"amount": "--1"}, "amount"),
        ({"request_id": "nonsense"}, "request_id"),
        ({"request_id": str(uuid.uuid4())}, "request_id"),
        ({"request_id": "ffffffff-ffff-ffff-ffff-ffffffffffff"}, "request_id"),
        ({"request_id": ""}, "__all__"),
    ],
)
def test_a_correction_that_lacks_something_is_refused_at_its_field(changes, field, admin_client, api_key):
    line = _stored(api_key)
    values = {"request_id": line.request_id, "amount": "1", "reason": "because"}

    page = admin_client.post(_ADJUST, values | changes)

    assert page.status_code == 200
    assert list(page.context["form"].errors) == [field]
    assert not LedgerEntry.objects.filter(kind="adjust").exists()


@pytest.mark.parametrize("amount", ["0", "2000000"])
def test_what_the_ledger_refuses_is_told_on_the_page(amount, admin_client, api_key):
    line = _stored(api_key)

    page = admin_client.post(_ADJUST, {"request_id": line.request_id, "amount": amount, "reason": "because"}, follow=True)

    assert _messages(page) == ["A correction is an amount other than 0, of a million dollars at most."]
    assert not LedgerEntry.objects.filter(kind="adjust").exists()


@pytest.mark.parametrize(("permissions", "status"), [(["view_ledgerentry"], 403), (["view_ledgerentry", "add_ledgerentry"], 200)])
def test_only_whoever_may_add_rows_may_correct(permissions, status, client, api_key):
    charlie = User.objects.create_user("charlie", password="pw", is_staff=True)
    charlie.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(charlie)
    line = _stored(api_key)

    pages = [client.get(_ADJUST), client.post(_ADJUST, {"request_id": line.request_id, "amount": "", "reason": "mine"})]
    listed = client.get(_LIST)

    assert [page.status_code for page in pages] == [status, status]
    assert (listed.status_code, "Add a correction" in listed.content.decode()) == (200, status == 200)


def test_a_correction_of_another_workspaces_key_is_refused(api_key):
    line = _stored(api_key)
    other = make_key("other", make_workspace("other")).api_key

    with pytest.raises(LedgerError, match="not one of the workspace"):
        adjust(api_key.workspace, other, "gpt", 5, "why")
    with pytest.raises(LedgerError, match="was not made with"):
        adjust(other.workspace, other, "gpt", 5, "why", uuid.UUID(line.request_id))
