"""Who may call the REST API, and what every refusal and failure of it looks like."""

from __future__ import annotations

import datetime as dt
import importlib
from contextlib import closing

import pytest
import structlog
from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError, connection
from django.test import Client
from django.utils import timezone
from psycopg_pool import PoolTimeout

from apikeys import domain
from apikeys.hotpath import create_key_text
from apikeys.models import Workspace
from gatewaysite.rest import urls
from proxy.rest import views
from tests.rest_help import Program, check_error, make_program

pytestmark = pytest.mark.django_db

_DAY = dt.timedelta(days=1)


@pytest.fixture
def acme() -> Workspace:
    return domain.create_workspace("acme", "Acme")


@pytest.fixture
def alice(acme) -> Program:
    return make_program(acme, "alice")


@pytest.fixture
def anyone() -> Client:
    return Client(raise_request_exception=False)


def _check_401(answer) -> None:
    check_error(answer, 401, "authentication_error", "invalid_api_key")
    assert answer.headers["x-should-retry"] == "false"
    assert answer.headers["www-authenticate"].startswith("Bearer")


# --- keys ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer "])
def test_a_key_is_taken_as_bearer_and_as_x_api_key(alice, anyone, scheme):
    secret = alice.created.secret.reveal()

    assert anyone.get("/api/keys", headers={"authorization": scheme + secret}).status_code == 200
    assert anyone.get("/api/keys", headers={"x-api-key": secret}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer "},
        {"authorization": "Bearer nonsense"},
        {"authorization": "Basic YTpi"},
        {"x-api-key": "gw_live_x"},
        {"authorization": f"Bearer {create_key_text()[0]}"},
        {"authorization": "Bearer \u00e9\u20ac"},
    ],
)
def test_no_key_and_a_wrong_key_have_one_answer(anyone, headers):
    _check_401(anyone.get("/api/usage", headers=headers))


def test_a_key_that_holds_no_more_is_a_wrong_one(acme, alice):
    expired = make_program(acme, "expired", expires_at=timezone.now() - _DAY)
    revoked = make_program(acme, "revoked")
    domain.revoke_key(revoked.key)
    rotated = make_program(acme, "rotated")
    domain.rotate_key(rotated.key, overlap=dt.timedelta(0))

    for program in (expired, revoked, rotated):
        _check_401(program.get("/api/usage"))
    acme.is_active = False
    domain.save_workspace(acme)
    _check_401(alice.get("/api/usage"))


def test_a_key_is_refused_from_outside_its_networks(acme):
    far = make_program(acme, "far", allowed_networks=["192.0.2.0/24"])
    near = make_program(acme, "near", allowed_networks=["127.0.0.0/8"])

    check_error(far.get("/api/usage"), 403, "permission_error", "ip_not_allowed")
    assert near.get("/api/usage").status_code == 200


def test_a_forwarded_address_counts_only_from_a_trusted_proxy(acme, monkeypatch):
    far = make_program(acme, "far", allowed_networks=["192.0.2.0/24"])
    forwarded = {"x-forwarded-for": "10.9.9.9, 192.0.2.7"}

    check_error(far.get("/api/usage", **forwarded), 403, "permission_error", "ip_not_allowed")
    monkeypatch.setenv("GATEWAY_TRUSTED_PROXIES", "127.0.0.0/8")
    assert far.get("/api/usage", **forwarded).status_code == 200


def test_a_wrong_key_decides_whoever_is_signed_in(admin_client):
    assert admin_client.get("/api/usage").status_code == 200

    _check_401(admin_client.get("/api/usage", headers={"x-api-key": "wrong"}))


def test_somebody_signed_in_who_is_no_staff_gets_nothing(client):
    client.force_login(User.objects.create_user("erin"))

    check_error(client.get("/api/usage"), 403, "permission_error", "permission_missing")


# --- errors -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/none", "/api/keys/", "/api/keys/none", "/api/usage/none/at/all"])
@pytest.mark.parametrize("method", ["get", "post", "delete", "options"])
def test_a_path_that_does_not_exist_is_a_404_in_the_contracts_shape(anyone, path, method):
    check_error(getattr(anyone, method)(path), 404, "invalid_request_error", "not_found")


@pytest.mark.parametrize("method", ["put", "delete", "options"])
def test_a_method_that_a_path_does_not_have_is_a_405_that_names_those_it_has(alice, method):
    answer = getattr(alice.client, method)("/api/keys", headers=alice.headers)

    check_error(answer, 405, "invalid_request_error", "method_not_allowed")
    assert answer.headers["allow"] == "GET, POST, HEAD"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"1", b'{"name": "\xff"', b"[" * 100_000, b'{"a":' * 50_000, b'{"name": NaN}'],
)
def test_a_body_that_is_no_json_object_is_a_400(alice, body):
    answer = alice.client.post("/api/keys", body, content_type="application/json", headers=alice.headers)

    check_error(answer, 400, "invalid_request_error", "invalid_request", None if body else "name")


@pytest.mark.parametrize("text", [b"\xff", b"a\xc3", b"\\ud800", b"\xed\xa0\x80"])
def test_a_text_that_is_no_unicode_is_a_400_that_names_it(alice, text):
    for body, param in ((b'{"name": "%s"}', "name"), (b'{"name": "ci", "permissions": ["usage", "%s"]}', "permissions.1")):
        answer = alice.client.post("/api/keys", body % text, content_type="application/json", headers=alice.headers)
        check_error(answer, 400, "invalid_request_error", "invalid_request", param)


def test_a_parameter_that_is_no_unicode_or_sent_twice_is_a_400_that_names_it(alice):
    for query in ("model=%ff", "model=%ed%a0%80", "model=a&model=b"):
        check_error(
            alice.client.get(f"/api/usage?{query}", headers=alice.headers), 400, "invalid_request_error", "invalid_request", "model"
        )


def test_more_parameters_than_are_read_are_a_400(alice):
    query = "&".join(f"a{number}=1" for number in range(1001))

    check_error(alice.client.get(f"/api/usage?{query}", headers=alice.headers), 400, "invalid_request_error", "invalid_request")


def test_another_type_of_body_is_a_415(alice):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = alice.client.post("/api/keys", b"name=ci", content_type=kind, headers=alice.headers)
        check_error(answer, 415, "invalid_request_error", "unsupported_media_type")


def test_a_body_that_is_too_large_is_a_413(alice):
    answer = alice.client.post("/api/keys", b" " * 1024 * 1024 + b"{}", content_type="application/json", headers=alice.headers)

    check_error(answer, 413, "invalid_request_error", "request_too_large")


def test_an_answer_in_a_format_that_there_is_not_is_a_406(alice):
    check_error(alice.get("/api/keys", accept="text/csv"), 406, "invalid_request_error", "not_acceptable")


def test_errors_are_json_also_where_csv_was_asked_for(alice):
    answer = alice.get("/api/usage", {"nonsense": 1}, accept="text/csv")

    check_error(answer, 400, "invalid_request_error", "invalid_request", "nonsense")


@pytest.mark.parametrize("failure", [OperationalError("gone"), InterfaceError("closed"), PoolTimeout("none left")])
def test_a_database_that_is_away_is_a_503_and_never_a_401(alice, monkeypatch, failure):
    def fail(*arguments, **options):
        raise failure

    monkeypatch.setattr("gatewaysite.rest.authentication.find_principal", fail)
    keyed = alice.get("/api/usage")

    for answer in (keyed, _signed_in_without_database(monkeypatch, fail)):
        message = check_error(answer, 503, "api_error", "store_unavailable")
        assert "gone" not in message
        assert answer.headers["retry-after"] == "1"


def _signed_in_without_database(monkeypatch, fail):
    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.load", fail)
    client = Client(raise_request_exception=False)
    client.cookies["sessionid"] = "anything"
    return client.get("/api/usage")


def test_a_bug_is_a_500_that_tells_nothing_and_is_logged_with_the_requests_id(alice, monkeypatch):
    def fail(*arguments, **options):
        raise RuntimeError("the secret is 42")

    monkeypatch.setattr(views, "sum_usage", fail)

    with structlog.testing.capture_logs() as logged:
        answer = alice.get("/api/usage")

    message = check_error(answer, 500, "api_error", "internal_error")
    assert "42" not in message
    assert [(entry["event"], entry["request_id"]) for entry in logged] == [("rest_request_failed", answer.headers["x-request-id"])]


def test_a_query_that_takes_too_long_says_to_ask_for_less(alice, monkeypatch):
    def sleep(*arguments, **options):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 1")
            cursor.execute("SELECT pg_sleep(1)")

    monkeypatch.setattr(views, "sum_usage", sleep)

    check_error(alice.get("/api/usage"), 503, "api_error", "overloaded")


# --- the description ----------------------------------------------------------------------------------------------------------------


def test_the_description_names_both_planes_and_asks_no_database(anyone, django_assert_num_queries):
    with django_assert_num_queries(0):
        described = anyone.get("/api/schema").json()

    assert {"/api/keys", "/api/usage", "/v1/chat/completions", "/v1/requests/{request_id}"} <= set(described["paths"])
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            assert operation["responses"]["default"]["content"], (path, method)


def test_the_page_to_read_it_loads_nothing_from_elsewhere_and_no_inline_script(anyone):
    page = anyone.get("/api/docs")
    text = page.content.decode()

    assert page.status_code == 200
    assert "http://" not in text
    assert "https://" not in text
    assert text.count("<script ") == text.count("<script") == text.count("<script src=") == 3
    script = anyone.get("/api/docs", {"script": ""})
    assert script.headers["content-type"].startswith("application/javascript")
    assert "/api/schema" in script.content.decode()
    with closing(anyone.get("/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js")) as bundle:
        assert bundle.status_code == 200


def test_the_description_can_be_switched_off(monkeypatch):
    with monkeypatch.context() as environment:
        environment.setenv("GATEWAY_API_DOCS", "false")
        names = {getattr(pattern, "name", None) for pattern in importlib.reload(urls).urlpatterns}
    assert not names & {"schema", "docs"}
    assert {"schema", "docs"} <= {getattr(pattern, "name", None) for pattern in importlib.reload(urls).urlpatterns}
