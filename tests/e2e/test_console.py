"""The console of a real installation, by the password that `up` printed: what an admin sees and does, and what callers notice of it."""

from __future__ import annotations

import re
from urllib.parse import urljoin

import pytest

from tests.console_talk import Console, Page
from tests.http_talk import CHAT, PROMPTLY_S, bearer, chat, read, send, wait_for
from tests.installation import Installation
from tests.shared_installation import CREDENTIAL

_SECRET = re.compile(r"gw_live_[0-9A-Za-z]{10}_[0-9A-Za-z]{32}_[0-9A-Za-z]{6}")


def _create_key(installation: Installation, console: Console, name: str) -> Page:
    [workspace] = installation.sql("SELECT id FROM apikeys_workspace WHERE slug = 'acme'")
    page = console.get("/admin/apikeys/apikey/add/")
    return console.submit(page, workspace=str(workspace["id"]), name=name)


def _key_id(installation: Installation, name: str) -> str:
    [row] = installation.sql("SELECT id FROM apikeys_apikey WHERE name = %s", [name])
    return str(row["id"])


def _statuses(installation: Installation, key: str) -> set[int]:
    """Ask every worker with this key."""
    with installation.connections() as connections:
        return {read(send(each, "POST", CHAT, chat(), bearer(key))).status for each in connections.values()}


def test_the_printed_password_signs_in_and_another_does_not(installation: Installation) -> None:
    stranger, admin = Console(installation.base_url), Console(installation.base_url)

    refused = stranger.sign_in("admin", "password")
    welcomed = admin.sign_in(installation.bootstrap["admin_user"], installation.bootstrap["admin_password"])

    assert refused.path == "/admin/login/"
    assert "password" in refused.fields
    assert (welcomed.path, welcomed.status) == ("/admin/", 200)
    assert stranger.get("/admin/proxy/usagerecord/").path == "/admin/login/"


def test_the_console_keeps_its_cookies_to_itself(installation: Installation) -> None:
    console = Console(installation.base_url)

    console.sign_in(installation.bootstrap["admin_user"], installation.bootstrap["admin_password"])

    [session] = [cookie for cookie in console.cookies if cookie.name == "sessionid"]
    assert session.has_nonstandard_attr("HttpOnly")
    page = console.get("/admin/")
    assert page.headers["x-frame-options"] == "DENY"
    assert "default-src 'self'" in page.headers["content-security-policy"]


def test_its_styles_and_scripts_are_served(console: Console) -> None:
    text = console.get("/admin/").text

    paths = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', text))
    assert paths
    assert {path: console.get(path).status for path in paths} == dict.fromkeys(paths, 200)


@pytest.mark.parametrize(
    "path",
    [
        "apikeys/workspace",
        "apikeys/apikey",
        "apikeys/limit",
        "items/item",
        "proxy/backend",
        "proxy/route",
        "proxy/price",
        "proxy/configurationrevision",
        "proxy/usagerecord",
        "auth/user",
    ],
)
def test_every_list_opens(console: Console, path: str) -> None:
    assert console.get(f"/admin/{path}/").status == 200


def test_a_request_is_seen_with_its_usage(installation: Installation, console: Console, keys: dict[str, str]) -> None:
    reply = installation.post(CHAT, chat(), keys["everything"])
    record = installation.record_of(reply.request_id)

    listed = console.get("/admin/proxy/usagerecord/")
    shown = console.get(f"/admin/proxy/usagerecord/{reply.request_id}/change/")

    assert f"/admin/proxy/usagerecord/{reply.request_id}/change/" in listed.text
    assert shown.status == 200
    assert reply.request_id in shown.text
    assert f"{record['output_tokens']}" in shown.text
    assert reply.headers["x-gateway-cost-usd"].rstrip("0") in shown.text


def test_a_new_key_is_shown_once_and_works_at_once(installation: Installation, console: Console) -> None:
    made = _create_key(installation, console, "made-in-the-console")

    [secret] = set(_SECRET.findall(made.text))
    assert "no-store" in made.headers["cache-control"]
    assert _statuses(installation, secret) == {200}
    later = console.get(f"/admin/apikeys/apikey/{_key_id(installation, 'made-in-the-console')}/change/")
    assert later.status == 200
    assert secret.split("_")[2] in later.text
    assert secret.split("_")[3] not in later.text
    assert secret.split("_")[3] not in console.get("/admin/apikeys/apikey/").text


def test_a_revoked_key_is_refused_by_every_worker_at_once(installation: Installation, console: Console) -> None:
    [secret] = set(_SECRET.findall(_create_key(installation, console, "to-be-revoked").text))
    assert _statuses(installation, secret) == {200}
    page = console.get(f"/admin/apikeys/apikey/{_key_id(installation, 'to-be-revoked')}/change/")
    [link] = set(re.findall(r'href="([^"]*revoke[^"]*)"', page.text))
    question = console.get(urljoin(page.url, link))

    console.submit(question)

    wait_for(lambda: _statuses(installation, secret) == {401}, within_s=PROMPTLY_S)


def test_a_rotated_key_keeps_its_old_secret_for_as_long_as_chosen(installation: Installation, console: Console) -> None:
    [first] = set(_SECRET.findall(_create_key(installation, console, "to-be-rotated").text))
    page = console.get(f"/admin/apikeys/apikey/{_key_id(installation, 'to-be-rotated')}/change/")
    [link] = set(re.findall(r'href="([^"]*rotate[^"]*)"', page.text))

    [second] = set(_SECRET.findall(console.submit(console.get(urljoin(page.url, link)), overlap="1h").text))
    assert _statuses(installation, first) == _statuses(installation, second) == {200}

    [third] = set(_SECRET.findall(console.submit(console.get(urljoin(page.url, link)), overlap="0").text))
    wait_for(lambda: _statuses(installation, second) == {401}, within_s=PROMPTLY_S)
    assert _statuses(installation, third) == {200}


def test_a_limit_changed_in_the_console_reaches_every_worker_at_once(installation: Installation, console: Console) -> None:
    key = installation.apply(
        "{limits: [{name: by-hand, scope: key, amount: 1, window_s: 3600, burst: 1}],"
        " api_keys: [{name: limited-by-hand, workspace: acme, limits: [by-hand]}]}"
    )["limited-by-hand"]
    wait_for(lambda: 429 in _statuses(installation, key))
    [limit] = installation.sql("SELECT id FROM apikeys_limit WHERE name = 'by-hand'")
    revisions = _revisions(installation)

    console.submit(console.get(f"/admin/apikeys/limit/{limit['id']}/change/"), amount="1000", window_s="1", burst="1000")

    wait_for(lambda: min(_revisions(installation)) > max(revisions), within_s=PROMPTLY_S)
    wait_for(lambda: _statuses(installation, key) == {200}, within_s=PROMPTLY_S)


def _revisions(installation: Installation) -> set[int]:
    with installation.connections() as connections:
        return {int(read(send(each, "GET", "/v1/models")).headers["x-gateway-revision"]) for each in connections.values()}


def test_a_backends_credential_is_never_shown_again(installation: Installation, console: Console) -> None:
    [backend] = installation.sql("SELECT id, credential_sealed FROM proxy_backend WHERE name = 'guarded'")

    page = console.get(f"/admin/proxy/backend/{backend['id']}/change/")

    assert page.status == 200
    assert CREDENTIAL not in page.text
    assert CREDENTIAL.encode() not in bytes(backend["credential_sealed"])
