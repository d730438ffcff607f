"""`manage.py apply` and what it leaves."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from apikeys.public import ApiKey, Limit, Workspace, create_key, revoke_key
from common.secret import Secret
from proxy.configuration.apply import apply_document
from proxy.configuration.format import DocumentError, parse_document, read_credentials
from proxy.models import Backend, ConfigurationRevision, Price, Route

pytestmark = pytest.mark.django_db

FULL = """
workspaces: [{slug: acme, name: Acme}]
backends:
  - {name: main, provider: openai, base_url: "http://127.0.0.1:9100/v1", credential: "${SOME_KEY}", idle_timeout_s: 30}
  - {name: spare, provider: openai_compatible, base_url: "https://spare.example/v1", price_provider: groq}
routes:
  - {model: gpt, targets: [{backend: spare, upstream_model: g}, {backend: main, upstream_model: gpt, weight: 3}]}
limits:
  - {name: all, scope: global, unit: requests, amount: 150, window_s: 1, burst: 300, mode: enforce}
  - {name: acme-gpt, scope: workspace, amount: 5, workspace: acme, model: gpt}
  - {name: each, scope: key, amount: 10, mode: shadow}
prices:
  - {provider: openai, upstream_model: "gpt*", input_usd_per_mtok: 0.15, output_usd_per_mtok: "0.6"}
  - {provider: groq, upstream_model: g, backend: spare, effective_at: 2026-01-01T00:00:00Z,
     input_usd_per_mtok: 1, cached_input_usd_per_mtok: 0, output_usd_per_mtok: 2}
api_keys:
  - {name: ci, workspace: acme, models: ["gpt*"], networks: [10.0.0.0/8], limits: [each], expires_at: 2099-01-01T00:00:00Z}
"""


def apply(text, *, environ=None, **options):
    document = parse_document(text)
    return apply_document(document, read_credentials(document, environ or {"SOME_KEY": "sk-1"}), **options)


def refusal(text, **options):
    with pytest.raises(DocumentError) as error:
        apply(text, **options)
    return str(error.value)


def revisions():
    return ConfigurationRevision.objects.count()


def test_apply_makes_everything_in_one_revision():
    applied = apply(FULL)

    assert applied.diff.splitlines() == [
        "+ workspace acme",
        "+ backend main",
        "+ backend spare",
        "+ route gpt",
        "+ limit acme-gpt",
        "+ limit all",
        "+ limit each",
        "+ price groq/g at spare from 2026-01-01T00:00:00Z",
        "+ price openai/gpt* from 1970-01-01T00:00:00Z",
        "+ API key acme/ci",
    ]
    assert (applied.revision, revisions()) == (1, 1)
    assert Backend.objects.get(name="main").get_credential() == Secret("sk-1")
    assert {(target.backend.name, target.weight) for target in Route.objects.get().targets.all()} == {("main", 3), ("spare", 1)}
    assert Price.objects.get(upstream_model="gpt*").input_nano_usd_per_mtok == 150_000_000
    (created,) = applied.created_keys
    assert created.secret.reveal().startswith("gw_live_")
    assert [limit.name for limit in ApiKey.objects.get().limits.all()] == ["each"]


def test_apply_again_changes_nothing():
    apply(FULL)
    updated_at = Backend.objects.get(name="main").updated_at

    again = apply(FULL)

    assert (again.diff, again.revision, again.created_keys) == ("", None, ())
    assert revisions() == 1
    assert Backend.objects.get(name="main").updated_at == updated_at


def test_apply_is_additive():
    apply(FULL)

    applied = apply("limits: [{name: all, scope: global, amount: 200, burst: 300}]")

    assert applied.diff == "~ limit all: amount 150 -> 200"
    assert (Limit.objects.count(), Backend.objects.count(), applied.revision) == (3, 2, 2)


def test_apply_entry_replaces_the_whole_object_save_the_credential():
    apply(FULL)

    applied = apply("backends: [{name: main, provider: openai, base_url: 'http://127.0.0.1:9100/v1'}]")

    assert applied.diff == "~ backend main: idle_timeout_s 30 -> 60"
    assert Backend.objects.get(name="main").get_credential() == Secret("sk-1")


def test_apply_changed_credential_is_one_revision_and_shows_no_secret():
    apply(FULL)

    applied = apply(FULL, environ={"SOME_KEY": "sk-2"})

    assert (applied.diff, applied.revision) == ("~ backend main: credential changed", 2)
    assert Backend.objects.get(name="main").get_credential() == Secret("sk-2")
    assert "sk-" not in json.dumps(list(ConfigurationRevision.objects.values_list("document", "diff")))


def test_apply_null_credential_removes_it():
    apply(FULL)

    applied = apply(
        "backends: [{name: main, provider: openai, base_url: 'http://127.0.0.1:9100/v1', idle_timeout_s: 30, credential: null}]"
    )

    assert applied.diff == "~ backend main: credential removed"
    assert Backend.objects.get(name="main").get_credential() is None


def test_apply_dry_run_shows_the_diff_and_changes_nothing():
    apply(FULL)

    shown = apply(FULL.replace("amount: 150", "amount: 7") + "  - {name: new, workspace: acme}\n", is_dry_run=True)

    assert shown.diff.splitlines() == ["~ limit all: amount 150 -> 7", "+ API key acme/new"]
    assert (shown.revision, shown.created_keys) == (None, ())
    assert (Limit.objects.get(name="all").amount, ApiKey.objects.count(), revisions()) == (150, 1, 1)


def test_apply_changed_key_needs_no_revision_and_keeps_its_secret():
    apply(FULL)
    secret_ids = list(ApiKey.objects.get().secrets.values_list("pk", flat=True))

    applied = apply("api_keys: [{name: ci, workspace: acme, is_keepalive_enabled: false}]")

    assert applied.diff.startswith("~ API key acme/ci: models [gpt*] -> none, networks [10.0.0.0/8] -> none, limits [each] -> none")
    assert (applied.revision, applied.created_keys) == (None, ())
    key = ApiKey.objects.get()
    assert (key.is_keepalive_enabled, key.expires_at, list(key.secrets.values_list("pk", flat=True))) == (False, None, secret_ids)


def test_apply_revoked_key_is_refused():
    apply(FULL)
    revoke_key(ApiKey.objects.get())

    assert refusal("api_keys: [{name: ci, workspace: acme}]").startswith("$.api_keys[0]: This API key was revoked for good.")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("routes: [{model: m, targets: [{backend: no, upstream_model: u}]}]", "$.routes[0].targets[0].backend: backend no does not exist"),
        ("limits: [{name: l, scope: workspace, amount: 1, workspace: no}]", "$.limits[0]: workspace no does not exist"),
        ("api_keys: [{name: k, workspace: no}]", "$.api_keys[0]: workspace no does not exist"),
        ("workspaces: [{slug: w}]\napi_keys: [{name: k, workspace: w, limits: [no]}]", "$.api_keys[0]: limit no does not exist"),
        (
            "workspaces: [{slug: w}]\napi_keys: [{name: k, workspace: w, networks: [10.0.0.1/8]}]",
            "$.api_keys[0]: allowed_networks:",
        ),
        (
            "workspaces: [{slug: w}]\nlimits: [{name: g, scope: global, amount: 1}]\napi_keys: [{name: k, workspace: w, limits: [g]}]",
            "$.api_keys[0]: A key can only name limits of scope API key",
        ),
        ("backends: [{name: b, provider: openai, base_url: ftp://x}]", "$.backends[0]: base_url: Write a full address"),
        ("backends: [{name: 'not a slug', provider: openai, base_url: http://x}]", "$.backends[0]: name: "),
        ("backends: [{name: b, provider: openai, base_url: http://x, connect_timeout_s: 0}]", "$.backends[0]: connect_timeout_s: "),
        (
            "prices: [{provider: p, upstream_model: m, backend: no, input_usd_per_mtok: 1, output_usd_per_mtok: 1}]",
            "backend no does not exist",
        ),
        ("workspaces: [{slug: x}]\nlimits: [{name: l, scope: ip, amount: 99999999999999999999}]", "$.limits[0]: "),
    ],
)
def test_apply_refused_file_names_the_place_and_changes_nothing(text, message):
    assert message in refusal(text)
    assert (Workspace.objects.count(), revisions()) == (0, 0)


# --- pruning --------------------------------------------------------------------------------------------------------------------


def test_prune_touches_only_sections_of_the_file():
    apply(FULL)

    applied = apply(
        "prices: []\nlimits: [{name: all, scope: global, amount: 150, burst: 300}, {name: each, scope: key, amount: 10, mode: shadow}]",
        is_pruning=True,
    )

    assert applied.diff.splitlines() == [
        "- limit acme-gpt",
        "- price groq/g at spare from 2026-01-01T00:00:00Z",
        "- price openai/gpt* from 1970-01-01T00:00:00Z",
    ]
    assert (Backend.objects.count(), Route.objects.count(), applied.revision) == (2, 1, 2)


def test_prune_of_the_same_file_is_nothing():
    apply(FULL)

    assert apply(FULL, is_pruning=True).diff == ""


def test_prune_removes_users_before_what_they_use():
    apply(FULL)

    applied = apply("backends: []\nroutes: []\nlimits: []\nprices: []\napi_keys: []", is_pruning=True)

    assert "- backend main" in applied.diff
    assert "- API key acme/ci" in applied.diff
    assert (Backend.objects.count(), Route.objects.count(), Limit.objects.count(), Price.objects.count()) == (0, 0, 0, 0)
    assert ApiKey.objects.get().revoked_at is not None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("backends: []", "$.backends: main is not named there and cannot be deleted. Backend main is a target of the routes gpt."),
        ("limits: []", "$.limits: each is not named there and cannot be deleted. API keys name it: ci."),
        ("workspaces: []", "$.workspaces: acme is not named there and cannot be deleted. Workspace acme has API keys"),
    ],
)
def test_prune_of_what_is_needed_is_refused_as_a_whole(text, message):
    apply(FULL)

    assert refusal("prices: []\n" + text, is_pruning=True).startswith(message)
    assert (Price.objects.count(), revisions()) == (2, 1)


def test_prune_without_the_flag_deletes_nothing():
    apply(FULL)

    assert apply("backends: []\nroutes: []\nlimits: []\nprices: []\napi_keys: []\nworkspaces: []").diff == ""


# --- the command ----------------------------------------------------------------------------------------------------------------


def run(*arguments, stdin=None, monkeypatch=None):
    if stdin is not None:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
    out = io.StringIO()
    call_command("apply", *arguments, stdout=out)
    return out.getvalue()


def test_apply_command_shows_diff_revision_and_new_secrets_once(tmp_path, monkeypatch):
    monkeypatch.setenv("SOME_KEY", "sk-1")
    file = tmp_path / "site.yaml"
    file.write_text(FULL)

    first, second = run(str(file)), run(str(file))

    assert "+ route gpt\n" in first
    assert "Published revision 1." in first
    assert first.count("gw_live_") == 1
    assert "acme/ci  gw_live_" in first
    assert second == "Nothing to change.\n"
    assert ConfigurationRevision.objects.get().reason == "Apply site.yaml"


def test_apply_command_json_from_stdin(monkeypatch):
    monkeypatch.setenv("SOME_KEY", "sk-1")

    first = json.loads(run("-", "--json", stdin=FULL, monkeypatch=monkeypatch))
    second = json.loads(run("-", "--json", stdin=FULL, monkeypatch=monkeypatch))

    (key,) = first["api_keys"]
    assert first["revision"] == 1
    assert first["diff"][0] == "+ workspace acme"
    assert key == {"id": str(ApiKey.objects.get().pk), "workspace": "acme", "name": "ci", "api_key": key["api_key"]}
    assert second == {"diff": [], "revision": None, "api_keys": []}


def test_apply_command_dry_run_says_so(monkeypatch):
    monkeypatch.setenv("SOME_KEY", "sk-1")

    shown = run("-", "--dry-run", stdin=FULL, monkeypatch=monkeypatch)

    assert shown.endswith("Nothing was changed: this was a dry run.\n")
    assert "gw_live_" not in shown
    assert Workspace.objects.count() == 0


@pytest.mark.parametrize(
    ("content", "message"), [(None, "cannot be read: No such file"), (b"\xff\xfe", "is no UTF-8 text"), (b"x: 1", "unknown field `x`")]
)
def test_apply_command_bad_file_is_an_error_for_people(tmp_path, content, message):
    file = tmp_path / "site.yaml"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(CommandError, match=message):
        run(str(file))


def test_apply_keys_of_another_workspace_are_told_apart():
    apply(FULL)
    other = Workspace.objects.create(slug="other", name="Other")
    create_key(other, "ci")

    assert apply(FULL).diff == ""
    assert "~ API key other/ci" in apply("api_keys: [{name: ci, workspace: other, models: [x]}]").diff
