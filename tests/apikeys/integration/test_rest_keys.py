"""Keys over REST: made, changed, rotated and revoked by whoever may, and never beyond their own rights."""

from __future__ import annotations

import datetime as dt
import json
import uuid

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from apikeys import domain
from apikeys.hotpath import digest_key
from apikeys.models import ApiKey, Limit, Workspace, default_permissions
from apikeys.principals import find_principal
from tests.proxy.integration.query_count import counted_queries
from tests.rest_help import Program, check_error, check_refused, make_program

pytestmark = pytest.mark.django_db

_DAY = dt.timedelta(days=1)


@pytest.fixture
def acme() -> Workspace:
    return domain.create_workspace("acme", "Acme")


@pytest.fixture
def alice(acme) -> Program:
    """Manages the keys of acme, bound by nothing."""
    return make_program(acme, "alice")


@pytest.fixture
def charlie() -> Program:
    """May do everything in a workspace of his own."""
    return make_program(domain.create_workspace("other", "Other"), "charlie")


@pytest.fixture
def limits() -> list[Limit]:
    return [domain.save_limit(Limit(name=name, scope="key", amount=1)) for name in ("small", "large")]


def _opens(secret: str) -> str | None:
    principal = find_principal(digest_key(settings.GATEWAY_KEY_PEPPER.encode(), secret.encode()))
    return principal.key_id if principal else None


def _path(key: ApiKey, what: str = "") -> str:
    return f"/api/keys/{key.pk}{what}"


# --- making -----------------------------------------------------------------------------------------------------------------------


def test_a_created_key_has_what_was_asked_for_and_shows_its_secret_once(alice, limits):
    ends_at = (timezone.now() + _DAY).replace(microsecond=0)
    wanted = {
        "name": "ci",
        "allowed_models": ["gpt-*"],
        "allowed_networks": ["10.0.0.0/8"],
        "permissions": ["inference"],
        "limits": ["small"],
        "expires_at": ends_at.isoformat(),
        "is_keepalive_enabled": False,
    }

    made = alice.post("/api/keys", wanted)

    assert made.status_code == 201, made.content
    shown = made.json()
    assert {name: shown[name] for name in wanted} == wanted | {"expires_at": ends_at.isoformat().replace("+00:00", "Z")}
    assert (shown["object"], shown["workspace"], shown["status"]) == ("api_key", "acme", "active")
    assert _opens(shown["api_key"]) == shown["id"]
    assert made.headers["cache-control"] == "no-store"
    read = alice.get(f"/api/keys/{shown['id']}").json()
    assert read == {name: value for name, value in shown.items() if name != "api_key"}
    assert shown["api_key"] not in json.dumps(read)


def test_a_key_is_made_with_the_usual_permissions_that_its_maker_has_unless_told_otherwise(acme, alice):
    chief = make_program(acme, "chief", permissions=[*default_permissions(), "keys"])

    assert chief.post("/api/keys", {"name": "all"}).json()["permissions"] == default_permissions()
    assert alice.post("/api/keys", {"name": "some"}).json()["permissions"] == ["inference", "usage"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "ci", "modles": []}, "modles"),
        ({"name": "ci", "allowed_models": ["a*b"]}, "allowed_models"),
        ({"name": "ci", "allowed_models": "gpt"}, "allowed_models"),
        ({"name": "ci", "allowed_networks": ["10.0.0.1/8"]}, "allowed_networks"),
        ({"name": "ci", "permissions": ["root"]}, "permissions.0"),
        ({"name": "ci", "limits": ["none"]}, "limits"),
        ({"name": "ci", "expires_at": "soon"}, "expires_at"),
        ({"name": "ci", "workspace": "other"}, "workspace"),
        ({"name": "alice"}, None),
    ],
)
def test_what_cannot_be_is_refused_with_the_field_at_fault(alice, charlie, body, param):
    count = ApiKey.objects.count()

    check_error(alice.post("/api/keys", body), 400, "invalid_request_error", "invalid_request", param)

    assert ApiKey.objects.count() == count


def test_a_limit_of_another_scope_is_none_for_a_key(alice):
    domain.save_limit(Limit(name="global-one", scope="global", amount=1))

    check_error(
        alice.post("/api/keys", {"name": "ci", "limits": ["global-one"]}), 400, "invalid_request_error", "invalid_request", "limits"
    )


# --- least privilege ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def bounded(acme, limits) -> Program:
    """Manages keys, with a bound of every kind."""
    return make_program(
        acme,
        "bounded",
        permissions=["usage", "keys"],
        allowed_models=["gpt-4*"],
        allowed_networks=["127.0.0.0/8"],
        expires_at=timezone.now() + _DAY,
        limits=(limits[0],),
    )


def _within(**changes) -> dict:
    """Return a body for a key that `bounded` may make."""
    return {
        "name": "made",
        "permissions": ["usage"],
        "allowed_models": ["gpt-4o"],
        "allowed_networks": ["127.0.0.1"],
        "expires_at": (timezone.now() + _DAY / 2).isoformat(),
    } | changes


_BEYOND = [
    ({"permissions": ["inference"]}, "permissions"),
    ({"allowed_models": []}, "allowed_models"),
    ({"allowed_models": ["*"]}, "allowed_models"),
    ({"allowed_models": ["gpt-4o", "claude"]}, "allowed_models"),
    ({"allowed_networks": []}, "allowed_networks"),
    ({"allowed_networks": ["0.0.0.0/0"]}, "allowed_networks"),
    ({"expires_at": None}, "expires_at"),
    ({"expires_at": "2190-01-01T00:00:00Z"}, "expires_at"),
]


def test_a_bounded_key_makes_keys_within_its_rights_and_its_limits_come_along(bounded, limits):
    made = bounded.post("/api/keys", _within(limits=["large"]))

    assert made.status_code == 201, made.content
    assert made.json()["limits"] == ["large", "small"]


@pytest.mark.parametrize(("changes", "param"), _BEYOND)
def test_nobody_makes_a_key_with_rights_that_theirs_lacks(bounded, changes, param):
    check_refused(bounded.post("/api/keys", _within(**changes)), param)

    assert not ApiKey.objects.filter(name="made").exists()


@pytest.mark.parametrize(("changes", "param"), _BEYOND)
def test_nobody_widens_a_key_beyond_their_own_rights(bounded, changes, param):
    made = bounded.post("/api/keys", _within()).json()

    check_refused(bounded.patch(f"/api/keys/{made['id']}", **changes), param)

    assert bounded.get(f"/api/keys/{made['id']}").json()["allowed_models"] == ["gpt-4o"]


def test_taking_limits_off_leaves_those_of_the_caller_on(bounded):
    made = bounded.post("/api/keys", _within(limits=["large"])).json()

    changed = bounded.patch(f"/api/keys/{made['id']}", limits=[])

    assert changed.json()["limits"] == ["small"]


_MORE = [
    {"permissions": ["inference"]},
    {"allowed_models": []},
    {"allowed_networks": []},
    {"expires_at": None},
    {"limits": ()},
]


@pytest.mark.parametrize("more", _MORE, ids=[next(iter(more)) for more in _MORE])
@pytest.mark.parametrize("what", ["change", "rotate", "revoke"])
def test_a_key_with_more_rights_cannot_be_touched(acme, bounded, limits, more, what):
    values = {
        "permissions": ["usage"],
        "allowed_models": ["gpt-4o"],
        "allowed_networks": ["127.0.0.1"],
        "expires_at": timezone.now() + _DAY / 2,
        "limits": (limits[0],),
    }
    strong = make_program(acme, "strong", **(values | more))
    acts = {
        "change": lambda: bounded.patch(_path(strong.key), name="taken"),
        "rotate": lambda: bounded.post(_path(strong.key, "/rotate")),
        "revoke": lambda: bounded.post(_path(strong.key, "/revoke")),
    }

    check_refused(acts[what](), next(iter(more)))

    strong.key.refresh_from_db()
    assert (strong.key.name, strong.key.revoked_at, strong.key.secrets.count()) == ("strong", None, 1)


def test_a_key_that_was_rotated_away_cannot_get_itself_a_new_secret(acme):
    alice = make_program(acme, "alice")
    domain.rotate_key(alice.key, overlap=_DAY)

    check_refused(alice.post(_path(alice.key, "/rotate")), "expires_at")
    check_refused(alice.post("/api/keys", {"name": "heir"}), "expires_at")


# --- another workspace --------------------------------------------------------------------------------------------------------------


def test_keys_of_another_workspace_do_not_exist(alice, charlie):
    unknown = uuid.uuid4()
    for method, suffix in ((charlie.get, ""), (charlie.patch, ""), (charlie.post, "/rotate"), (charlie.post, "/revoke")):
        message = check_error(method(_path(alice.key, suffix)), 404, "invalid_request_error", "not_found")
        other = check_error(method(f"/api/keys/{unknown}{suffix}"), 404, "invalid_request_error", "not_found")
        assert message.replace(str(alice.key.pk), "") == other.replace(str(unknown), "")

    alice.key.refresh_from_db()
    assert (alice.key.revoked_at, alice.key.secrets.count()) == (None, 1)
    assert [row["name"] for row in charlie.get("/api/keys").json()["data"]] == ["charlie"]
    assert charlie.get("/api/keys", {"workspace": "acme"}).json()["data"] == []
    assert [row["name"] for row in alice.get("/api/keys").json()["data"]] == ["alice"]


def test_without_the_permission_a_key_sees_and_makes_none(acme):
    bob = make_program(acme, "bob", permissions=["inference", "usage"])

    for answer in (
        bob.get("/api/keys"),
        bob.get(_path(bob.key)),
        bob.post("/api/keys", {"name": "x"}),
        bob.post(_path(bob.key, "/revoke")),
    ):
        check_refused(answer)
    check_refused(bob.patch(_path(bob.key), nonsense=1))
    assert ApiKey.objects.count() == 1


# --- changing, rotating, revoking ---------------------------------------------------------------------------------------------------


def test_a_change_leaves_alone_what_it_does_not_name(alice, limits):
    made = alice.post("/api/keys", {"name": "ci", "allowed_models": ["gpt"], "limits": ["small"]}).json()

    changed = alice.patch(f"/api/keys/{made['id']}", name="build", is_keepalive_enabled=False)

    assert changed.status_code == 200, changed.content
    assert changed.json() == {name: value for name, value in made.items() if name != "api_key"} | {
        "name": "build",
        "is_keepalive_enabled": False,
    }


def test_a_key_may_narrow_itself_and_not_widen_itself_again(alice):
    assert alice.patch(_path(alice.key), allowed_models=["gpt"]).status_code == 200

    check_refused(alice.patch(_path(alice.key), allowed_models=[]), "allowed_models")


@pytest.mark.parametrize(("overlap_s", "opens"), [(0, False), (3600, True)])
def test_rotation_gives_a_new_secret_and_ends_the_old_one_after_the_overlap(alice, overlap_s, opens):
    made = alice.post("/api/keys", {"name": "ci"}).json()

    rotated = alice.post(f"/api/keys/{made['id']}/rotate", {"overlap_s": overlap_s}).json()

    assert _opens(rotated["api_key"]) == made["id"]
    assert (_opens(made["api_key"]) is not None) == opens
    assert len(rotated["secrets"]) == 1 + opens


@pytest.mark.parametrize("overlap_s", [-1, 10**9, "x", None])
def test_an_overlap_that_cannot_be_is_refused(alice, overlap_s):
    made = alice.post("/api/keys", {"name": "ci"}).json()

    answer = alice.post(f"/api/keys/{made['id']}/rotate", {"overlap_s": overlap_s})

    check_error(answer, 400, "invalid_request_error", "invalid_request", "overlap_s")


def test_a_revoked_key_opens_nothing_and_is_not_rotated_back(alice):
    made = alice.post("/api/keys", {"name": "ci"}).json()

    revoked = alice.post(f"/api/keys/{made['id']}/revoke")

    assert (revoked.status_code, revoked.json()["status"], revoked.json()["secrets"]) == (200, "revoked", [])
    assert _opens(made["api_key"]) is None
    assert alice.post(f"/api/keys/{made['id']}/revoke").json() == revoked.json()
    check_error(alice.post(f"/api/keys/{made['id']}/rotate"), 400, "invalid_request_error", "invalid_request")


def test_a_key_may_revoke_itself(alice):
    assert alice.post(_path(alice.key, "/revoke")).status_code == 200

    check_error(alice.get("/api/keys"), 401, "authentication_error", "invalid_api_key")


# --- lists --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 3])
def test_a_page_of_keys_costs_the_same_queries_however_many_there_are(alice, limits, count):
    for number in range(count):
        domain.create_key(alice.key.workspace, f"k{number}", limits=limits)

    with counted_queries() as queries:
        page = alice.get("/api/keys")

    assert len(page.json()["data"]) == count + 1
    assert len(queries) == 6, queries


def test_pages_go_through_all_keys_newest_first_and_back(alice):
    for number in range(5):
        domain.create_key(alice.key.workspace, f"k{number}")

    first = alice.get("/api/keys", {"limit": 2}).json()
    second = alice.get(first["next"]).json()
    third = alice.get(second["next"]).json()
    back = alice.get(third["previous"]).json()

    names = [[row["name"] for row in page["data"]] for page in (first, second, third, back)]
    assert names == [["k4", "k3"], ["k2", "k1"], ["k0", "alice"], ["k2", "k1"]]
    assert (first["previous"], third["next"]) == (None, None)
    assert alice.get(back["previous"]).json() == first | {"previous": None}


def test_keys_are_found_by_status_and_name(alice):
    domain.create_key(alice.key.workspace, "old", expires_at=timezone.now() - _DAY)
    domain.revoke_key(domain.create_key(alice.key.workspace, "gone").api_key)

    found = {
        status: [row["name"] for row in alice.get("/api/keys", {"status": status}).json()["data"]]
        for status in ("active", "expired", "revoked")
    }

    assert found == {"active": ["alice"], "expired": ["old"], "revoked": ["gone"]}
    assert [row["status"] for row in alice.get("/api/keys", {"name": "old"}).json()["data"]] == ["expired"]


# --- people -------------------------------------------------------------------------------------------------------------------------


def _person(*permissions: str, is_staff: bool = True) -> Client:
    user = User.objects.create_user("dana", password="x", is_staff=is_staff)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def test_a_person_may_do_what_the_console_lets_them(alice, charlie):
    dana = _person("view_apikey", "add_apikey")

    assert {row["name"] for row in dana.get("/api/keys").json()["data"]} == {"alice", "charlie"}
    assert [row["name"] for row in dana.get("/api/keys", {"workspace": "acme"}).json()["data"]] == ["alice"]
    made = dana.post("/api/keys", {"name": "ci", "workspace": "acme", "permissions": ["keys"]}, content_type="application/json")
    assert (made.status_code, made.json()["workspace"]) == (201, "acme")
    check_refused(dana.post(_path(alice.key, "/revoke"), {}, content_type="application/json"))
    assert [entry.change_message for entry in LogEntry.objects.all()] == ["Created over REST."]


@pytest.mark.parametrize("body", [{"name": "ci"}, {"name": "ci", "workspace": "none"}])
def test_a_person_names_a_workspace_that_exists(body):
    answer = _person("add_apikey").post("/api/keys", body, content_type="application/json")

    check_error(answer, 400, "invalid_request_error", "invalid_request", "workspace")


def test_a_person_without_the_permission_or_who_is_no_staff_gets_nothing(alice):
    check_refused(_person("add_limit").get("/api/keys"))
    User.objects.all().delete()
    check_refused(_person("view_apikey", is_staff=False).get("/api/keys"))


def test_a_session_writes_only_with_the_token_against_forged_requests(alice):
    dana = _person("change_apikey")
    strict = Client(enforce_csrf_checks=True, raise_request_exception=False)
    strict.cookies = dana.cookies

    check_refused(strict.post(_path(alice.key, "/revoke"), {}, content_type="application/json"))

    assert dana.post(_path(alice.key, "/revoke"), {}, content_type="application/json").status_code == 200
