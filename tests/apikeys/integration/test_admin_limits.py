"""Limits in the console: dollars for costs, whole units for the rest, said in words in the list."""

from __future__ import annotations

import pytest
from django.urls import reverse

from apikeys import domain
from apikeys.admin.limits import describe_allowance, describe_subject
from apikeys.models import Limit
from tests.gatewaysite.integration.admin_help import MARKS, read_form

pytestmark = MARKS

_ADD = "/admin/apikeys/limit/add/"


def _post(admin_client, **values):
    return admin_client.post(_ADD, read_form(admin_client.get(_ADD)) | {"name": "some", "scope": "key"} | values)


def _errors(page):
    return page.context["adminform"].form.errors


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"amount": 150, "burst": 300}, "150 requests per second, 300 at once"),
        ({"amount": 60, "window_s": 60, "unit": "tokens"}, "60 tokens per minute"),
        ({"amount": 1_000_000, "window_s": 90, "unit": "input_tokens"}, "1,000,000 input tokens per 90 s"),
        ({"amount": 5 * 10**9, "unit": "cost", "calendar": "day"}, "$5.00 per day (calendar)"),
        ({"amount": 1_234_500_000_000, "unit": "cost", "window_s": 86_400, "burst": 10**8}, "$1,234.50 per day, $0.10 at once"),
        ({"amount": 10, "unit": "concurrency"}, "10 requests in flight"),
    ],
)
def test_the_list_says_what_may_pass_in_words(values, text):
    assert describe_allowance(Limit(name="l", scope="key", **values)) == text


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"scope": "key"}, "API key"),
        ({"scope": "tag", "tag": "team"}, "Tag team"),
        ({"scope": "end_user", "is_per_model": True}, "End user and model"),
    ],
)
def test_the_list_says_what_has_a_counter_of_its_own(values, text):
    assert describe_subject(Limit(name="l", amount=1, **values)) == text


@pytest.mark.parametrize("text", ["5", "$5", "5.00", "5.0"])
def test_a_cost_is_written_in_dollars_and_kept_in_nano_dollars(text, admin_client):
    answer = _post(admin_client, unit="cost", amount=text, burst="0.5")

    limit = Limit.objects.get()
    form = read_form(admin_client.get(reverse("admin:apikeys_limit_change", args=[limit.pk])))
    assert answer.status_code == 302
    assert (limit.amount, limit.burst) == (5_000_000_000, 500_000_000)
    assert (form["amount"], form["burst"]) == ("5", "0.5")


def test_other_units_are_whole_numbers_which_may_have_commas(admin_client):
    _post(admin_client, unit="tokens", amount="1,000,000")

    assert (Limit.objects.get().amount, Limit.objects.get().burst) == (1_000_000, None)


@pytest.mark.parametrize(
    ("unit", "amount"),
    [
        ("requests", "0.5"),
        ("requests", "$5"),
        ("requests", "-1"),
        ("requests", "0"),
        ("requests", "9" * 30),
        ("requests", ""),
        ("cost", "free"),
        ("cost", "0"),
        ("cost", "-1"),
        ("cost", "0.0000000001"),
    ],
)
def test_an_amount_that_cannot_bind_is_refused_at_its_field(unit, amount, admin_client):
    assert list(_errors(_post(admin_client, unit=unit, amount=amount))) == ["amount"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"calendar": "day", "window_s": "60"}, "window_s"),
        ({"calendar": "day", "burst": "60"}, "burst"),
        ({"unit": "concurrency", "calendar": "day"}, "calendar"),
        ({"scope": "tag"}, "tag"),
        ({"model": "a*b"}, "model"),
    ],
)
def test_what_the_domain_refuses_is_shown_at_its_field(values, field, admin_client):
    assert list(_errors(_post(admin_client, amount="5", **values))) == [field]


def test_a_page_saved_as_it_stands_changes_nothing(admin_client):
    limit = domain.save_limit(Limit(name="l", scope="tag", tag="team", unit="cost", amount=123, calendar="month", is_per_model=True))
    url = reverse("admin:apikeys_limit_change", args=[limit.pk])

    answer = admin_client.post(url, read_form(admin_client.get(url)))

    assert answer.status_code == 302
    assert list(Limit.objects.values()) == [{field.attname: getattr(limit, field.attname) for field in Limit._meta.concrete_fields}]
