"""What a guardrail policy did to the recorded requests: counted in requests, bounded, and shown to whoever may see both."""

from __future__ import annotations

import datetime as dt
import json
import uuid

import msgspec
import psycopg
import pytest
from django.contrib.auth.models import Permission, User
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from common.ids import create_uuid7
from guardrails import domain
from guardrails.models import Policy, PolicyVersion
from proxy import guardrail_report
from proxy.adapters.usage_store import store_records
from proxy.guardrail_report import report_policy
from tests.gatewaysite.integration.admin_help import MARKS
from tests.guardrails.policy_help import document, scope
from tests.proxy.integration.rows_help import make_key
from tests.proxy.spool_help import ended

pytestmark = MARKS

_DAY = dt.timedelta(days=1)


@pytest.fixture
def api_key():
    return make_key().api_key


@pytest.fixture
def policy() -> Policy:
    return _published(document("strict", mode="shadow"))


def _published(written) -> Policy:
    policy = domain.create_policy(written)
    domain.publish(policy)
    PolicyVersion.objects.update(published_at=timezone.now() - 10 * _DAY)
    return policy


def _verdict(rule: str = "words", **changes) -> dict:
    values = {
        "policy": "strict",
        "version": "1",
        "rule": rule,
        "detector": "keywords",
        "phase": "request",
        "action": "block",
        "mode": "shadow",
        "result": "hit",
        "findings": 1,
        "labels": ["WORD"],
        "score": 1.0,
        "samples": [{"path": "messages[0].content", "start": 2, "end": 7, "text": "z***a"}],
    }
    return values | changes


def _store(api_key, *verdicts: dict, age: dt.timedelta = dt.timedelta(0), is_guarded: bool = True, **changes) -> str:
    request_id = str(uuid.UUID(int=create_uuid7().int - (int(age.total_seconds() * 1000) << 80)))
    decision: dict = {"stages_ms": {"guard": 0.2} if is_guarded else {"reserve": 0.1}}
    if verdicts:
        decision["verdicts"] = list(verdicts)
    raw = msgspec.Raw(json.dumps(decision).encode())
    store_records([ended(request_id=request_id, workspace_id=str(api_key.workspace_id), key_id=str(api_key.pk), decision=raw, **changes)])
    return request_id


def _report(policy: Policy, span: dt.timedelta = _DAY):
    return report_policy(Policy.objects.select_related("published").get(pk=policy.pk), timezone.now() - span)


def _url(name: str = "strict", span: str = "24h") -> str:
    return f"/admin/proxy/usagerecord/guardrails/{name}/?span={span}"


# --- what is counted -------------------------------------------------------------------------------------------------------------


def test_requests_are_counted_once_however_much_is_noted_of_each(policy, api_key):
    _store(api_key)
    _store(api_key, _verdict(), _verdict(phase="response"), _verdict("cards", action="redact", labels=["CARD"]))
    _store(api_key, _verdict("mail", action="log", labels=["EMAIL", "PHONE"]), _verdict("words", policy="other"))

    report = _report(policy)

    assert report.requests_count == 3
    assert report.counts == {"noted": 2, "hit": 2, "would_block": 1}
    assert [(rule.name, dict(rule.counts), sorted(rule.labels)) for rule in report.rules] == [
        ("words", {"noted": 1, "hit": 1, "would_block": 1}, [("WORD", 1)]),
        ("cards", {"noted": 1, "hit": 1, "would_redact": 1}, [("CARD", 1)]),
        ("mail", {"noted": 1, "hit": 1}, [("EMAIL", 1), ("PHONE", 1)]),
    ]


@pytest.mark.parametrize(
    ("changes", "effects"),
    [
        ({"mode": "enforce"}, {"hit", "blocked"}),
        ({"mode": "enforce", "action": "redact"}, {"hit", "redacted"}),
        ({"mode": "enforce", "action": "tokenise"}, {"hit", "redacted"}),
        ({"action": "redact", "samples": [{"path": "a", "start": 0, "end": 0, "text": ""}]}, {"hit", "would_block"}),
        ({"mode": "enforce", "action": "retry"}, {"hit", "blocked"}),
        ({"mode": "enforce", "action": "retry", "phase": "response"}, {"hit"}),
        ({"mode": "enforce", "action": "route", "phase": "response"}, {"hit", "blocked"}),
        ({"mode": "enforce", "action": "route"}, {"hit"}),
        ({"mode": "enforce", "result": "timeout"}, {"failed", "blocked"}),
        ({"mode": "enforce", "result": "error", "findings": 0, "degraded": True, "samples": []}, {"failed", "unchecked"}),
    ],
)
def test_what_a_verdict_comes_to_follows_from_its_action_mode_phase_and_result(changes, effects, policy, api_key):
    _store(api_key, _verdict(**changes))

    assert _report(policy).counts == dict.fromkeys({"noted", *effects}, 1)


def test_of_a_request_that_was_blocked_nothing_counts_as_redacted(policy, api_key):
    _store(api_key, _verdict(mode="enforce"), _verdict("cards", mode="enforce", action="redact"))

    assert _report(policy).counts == {"noted": 1, "hit": 1, "blocked": 1}


def test_a_rule_that_read_parts_of_a_text_and_found_nothing_has_no_effect(policy, api_key):
    _store(api_key, _verdict(result="pass", findings=0, partial=True, samples=[], labels=[]))

    report = _report(policy)

    assert (report.requests_count, report.counts, report.rules) == (1, {}, [])


def test_only_requests_that_the_policy_looked_at_make_up_its_rate(api_key):
    other = make_key("other").api_key
    policy = _published(document("strict", scope=scope(keys=["acme/ci"], models=["gpt*"], routes=["/v1/chat/completions"])))
    _store(api_key, endpoint="chat")
    _store(api_key, endpoint="messages")
    _store(api_key, model="claude")
    _store(other)
    _store(api_key, is_guarded=False, outcome="refused", status=429)
    _store(api_key, _verdict(), is_guarded=False, outcome="refused", status=400)

    assert _report(policy).requests_count == 2


def test_a_key_that_names_the_policy_is_covered_besides(api_key):
    policy = _published(document("strict", scope=scope(is_attached_only=True)))
    _store(api_key)
    before = _report(policy).requests_count
    domain.attach_policy(api_key, policy)

    assert (before, _report(policy).requests_count) == (0, 1)


def test_records_before_the_span_do_not_count(policy, api_key):
    _store(api_key, _verdict(), age=dt.timedelta(hours=2))

    assert _report(policy, dt.timedelta(hours=1)).requests_count == 0
    assert _report(policy, dt.timedelta(hours=3)).requests_count == 1


def test_requests_before_the_policy_was_published_do_not_thin_its_rate(policy, api_key):
    PolicyVersion.objects.update(published_at=timezone.now() - dt.timedelta(hours=1))
    _store(api_key, age=dt.timedelta(hours=2))
    _store(api_key, _verdict())
    _store(api_key)

    report = _report(policy)

    assert (report.requests_count, [version.requests_count for version in report.versions]) == (2, [2])


def test_each_version_has_its_own_counts_and_the_requests_of_its_time(policy, api_key):
    hour = dt.timedelta(hours=1)
    domain.promote(policy)
    PolicyVersion.objects.filter(number=2).update(published_at=timezone.now() - 2 * hour)
    for age in (5, 3):  # the later one after the last note of version 1, before version 2
        _store(api_key, age=age * hour)
    _store(api_key, _verdict(), age=4 * hour)
    _store(api_key, _verdict(version="2", mode="enforce"), age=hour)
    for _ in range(3):
        _store(api_key)

    second, first = _report(policy).versions

    assert (second.number, second.mode, second.requests_count, dict(second.counts)) == (
        "2",
        "enforce",
        4,
        {"noted": 1, "hit": 1, "blocked": 1},
    )
    assert (first.number, first.mode, first.requests_count, dict(first.counts)) == (
        "1",
        "shadow",
        3,
        {"noted": 1, "hit": 1, "would_block": 1},
    )


# --- samples, bounds -------------------------------------------------------------------------------------------------------------


def test_the_latest_samples_are_shown_and_no_rule_takes_all_the_room(policy, api_key):
    _store(api_key, _verdict("rare"), age=dt.timedelta(minutes=5))
    ids = [_store(api_key, _verdict(), age=dt.timedelta(seconds=60 - at)) for at in range(8)]

    samples = _report(policy).samples

    assert [(sample.rule, str(sample.request_id)) for sample in samples[:5]] == [("words", each) for each in reversed(ids[3:])]
    assert [(sample.rule, sample.text, sample.phase, sample.path) for sample in samples[5:]] == [
        ("rare", "z***a", "request", "messages[0].content")
    ]


@pytest.mark.parametrize(("rows_count", "expected", "is_partial"), [(4, 4, True), (6, 5, False)])
def test_reading_ends_at_a_number_of_records_and_says_so(rows_count, expected, is_partial, policy, api_key, monkeypatch):
    monkeypatch.setattr(guardrail_report, "_PAGE_ROWS_COUNT", 2)
    monkeypatch.setattr(guardrail_report, "ROWS_MAX_COUNT", rows_count)
    ids = [_store(api_key, _verdict(), age=dt.timedelta(minutes=at)) for at in range(5)]

    report = _report(policy)

    assert (report.counts["noted"], report.is_partial) == (expected, is_partial)
    assert [str(sample.request_id) for sample in report.samples] == ids[:expected]
    assert (report.since > timezone.now() - _DAY / 2) == is_partial


def test_records_of_one_millisecond_are_read_once_each_across_pages(policy, api_key, monkeypatch):
    monkeypatch.setattr(guardrail_report, "_PAGE_ROWS_COUNT", 2)
    base = create_uuid7().int & ~0xFFFF
    decision = msgspec.Raw(json.dumps({"verdicts": [_verdict()]}).encode())
    ids = [str(uuid.UUID(int=base + at)) for at in range(5)]
    owner = {"workspace_id": str(api_key.workspace_id), "key_id": str(api_key.pk)}
    store_records([ended(request_id=each, decision=decision, **owner) for each in ids])

    assert [str(sample.request_id) for sample in _report(policy).samples] == ids[::-1]


def test_a_page_of_records_is_read_in_the_order_of_the_partitions_key(policy, api_key):
    _store(api_key)

    with CaptureQueriesContext(connection) as queries:
        _report(policy)

    (on_records,) = [query["sql"] for query in queries if 'FROM "proxy_usagerecord"' in query["sql"]]
    with connection.cursor() as cursor:
        for way in ("seqscan", "bitmapscan", "sort"):  # what is quicker on so few rows
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"EXPLAIN {on_records}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Scan Backward" in plan
    assert "->  Sort" not in plan


@pytest.mark.django_db(transaction=True)
def test_records_that_take_too_long_are_an_answer_and_not_a_wait(policy, api_key, admin_client, monkeypatch):
    monkeypatch.setattr(guardrail_report, "_TIMEOUT_MS", 50)
    parameters = {name: value for name, value in connection.get_connection_params().items() if name in {"host", "port", "user", "dbname"}}
    with psycopg.connect(**parameters, password=connection.settings_dict["PASSWORD"]) as other:
        other.execute("LOCK TABLE proxy_usagerecord IN ACCESS EXCLUSIVE MODE")

        with pytest.raises(OperationalError):
            _report(policy)
        page = admin_client.get(_url())

    assert (page.status_code, "took too long to read" in page.content.decode()) == (200, True)


# --- the page --------------------------------------------------------------------------------------------------------------------


def test_the_page_costs_the_same_for_one_record_and_three(policy, api_key, admin_client):
    counts = []
    for more in (1, 2):
        for _ in range(more):
            _store(api_key, _verdict())
        with CaptureQueriesContext(connection) as queries:
            assert admin_client.get(_url()).status_code == 200
        counts.append(len(queries))

    # Session, user, the policy, its keys and versions; a savepoint, the timeout and its end around the one page of records.
    assert counts == [9, 9]


def test_the_page_shows_rates_rules_and_masked_samples_that_lead_to_their_request(policy, api_key, admin_client):
    request_id = _store(api_key, _verdict("<words>"))
    for _ in range(3):
        _store(api_key)

    page = admin_client.get(_url()).content.decode()

    for shown in ("25.00%", "&lt;words&gt;", "WORD 1", "z***a", f"/admin/proxy/usagerecord/{request_id}/change/", "mode shadow"):
        assert shown in page
    assert 'id="versions"' not in page
    assert 'id="partial"' not in page


@pytest.mark.parametrize("span", ["1h", "24h", "7d", "nonsense", ""])
def test_a_page_without_records_opens_for_each_span(span, policy, admin_client):
    page = admin_client.get(_url(span=span))

    assert (page.status_code, page.context["span"]) == (200, span if span in {"1h", "7d"} else "24h")


def test_a_policy_that_is_not_in_force_has_a_page_and_one_that_is_not_has_none(policy, api_key, admin_client):
    _store(api_key, _verdict())
    domain.unpublish(policy)

    page = admin_client.get(_url())

    assert (page.status_code, page.context["report"].counts["would_block"]) == (200, 1)
    assert "not in force" in page.content.decode()
    assert admin_client.get(_url("nobody")).status_code == 404


def test_one_click_on_the_page_promotes_a_policy_in_shadow(policy, admin_client):
    promote = reverse("admin:guardrails_policy_promote", args=[policy.pk])
    before = admin_client.get(_url()).content.decode()

    answer = admin_client.post(promote)

    assert f'action="{promote}"' in before
    assert answer.status_code == 302
    assert domain.source_of(Policy.objects.get().published).mode == "enforce"
    assert f'action="{promote}"' not in admin_client.get(_url()).content.decode()


def test_the_page_of_the_policy_leads_here(policy, admin_client):
    report = reverse("admin:guardrails_policy_report", args=[policy.pk])

    assert report in admin_client.get(reverse("admin:guardrails_policy_change", args=[policy.pk])).content.decode()
    assert admin_client.get(report)["location"] == "/admin/proxy/usagerecord/guardrails/strict/"


@pytest.mark.parametrize(
    ("permissions", "status", "may_promote"),
    [
        ([], 403, False),
        (["view_usagerecord"], 403, False),
        (["view_policy", "publish_policy"], 403, False),
        (["view_usagerecord", "view_policy"], 200, False),
        (["view_usagerecord", "view_policy", "publish_policy"], 200, True),
    ],
)
def test_only_whoever_may_see_records_and_policies_sees_it(permissions, status, may_promote, policy, api_key, client):
    charlie = User.objects.create_user("charlie", password="pw", is_staff=True)
    charlie.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(charlie)
    _store(api_key, _verdict())

    page = client.get(_url())
    shown = page.content.decode()

    assert (page.status_code, "z***a" in shown) == (status, status == 200)
    assert ("Promote to enforce" in shown) == may_promote
    assert client.get(reverse("admin:guardrails_policy_report", args=[policy.pk])).status_code == (302 if status == 200 else 403)


def test_whoever_is_not_logged_in_is_sent_to_the_login(policy, client):
    assert client.get(_url())["location"].startswith("/admin/login/")
