"""`manage.py apply` and what it leaves."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from apikeys.models import default_permissions
from apikeys.public import ApiKey, Limit, Workspace, create_key, revoke_key
from common.secret import Secret
from proxy.configuration.apply import apply_document
from proxy.configuration.format import DocumentError, parse_document, read_credentials
from proxy.models import Backend, ConfigurationRevision, Price, Route, Service

pytestmark = pytest.mark.django_db

FULL = """
workspaces: [{slug: acme, name: Acme}]
backends:
  - {name: main, provider: openai, base_url: "http://127.0.0.1:9100/v1", credential: "${SOME_KEY}", idle_timeout_s: 30}
  - {name: spare, provider: openai_compatible, base_url: "https://spare.example/v1", price_provider: groq}
  - {name: west, provider: azure, base_url: "https://eu.openai.azure.com", api_version: 2024-10-21, min_stream_bytes_per_s: 20}
routes:
  - {model: gpt, targets: [{backend: spare, upstream_model: g}, {backend: main, upstream_model: gpt, weight: 3}]}
  - {model: "eu/*", aliases: [eu-small, eu-large], targets: [{backend: west, upstream_model: "*"}], output_cap_tokens: 1000,
     cache: {exact_ttl_s: 300, sampled: true}, coalesce: true, on_unpriced: deny}
services:
  - {path: /infer, upstream: "http://127.0.0.1:8081", strip_prefix: false, cache_get_ttl_s: 60}
  - {path: /team/search, upstream: "http://127.0.0.1:8082/base", strip_prefix: true, request_headers: [X-Team],
     response_headers: [x-b, x-a], body_limit_bytes: 1000, is_active: false,
     connect_timeout_s: 1, first_byte_timeout_s: 2, idle_timeout_s: 3, total_timeout_s: 4}
limits:
  - {name: all, scope: global, unit: requests, amount: 150, window_s: 1, burst: 300, mode: enforce}
  - {name: acme-gpt, scope: workspace, amount: 5, workspace: acme, model: gpt}
  - {name: each, scope: key, amount: 10, mode: shadow}
  - {name: money, scope: key, unit: cost, amount_usd: 5, window_s: 86400, burst_usd: 0.5}
  - {name: month, scope: tag, tag: team, unit: cost, amount_usd: "100", calendar: month, workspace: acme}
  - {name: slots, scope: end_user, unit: concurrency, amount: 3, model: "gpt*", is_per_model: true}
prices:
  - {provider: openai, upstream_model: "gpt*", input_usd_per_mtok: 0.15, output_usd_per_mtok: "0.6"}
  - {provider: groq, upstream_model: g, backend: spare, effective_at: 2026-01-01T00:00:00Z,
     input_usd_per_mtok: 1, cached_input_usd_per_mtok: 0, output_usd_per_mtok: 2, cache_write_5m_usd_per_mtok: 1.25,
     cache_write_1h_usd_per_mtok: 2, reasoning_usd_per_mtok: 3, audio_input_usd_per_mtok: "32", audio_output_usd_per_mtok: 0}
word_lists:
  - {name: animals, words: [zebra, lion]}
guardrails:
  - {name: strict, description: Words we avoid, scope: {workspaces: [acme], keys: [acme/ci], models: ["gpt*"]},
     mode: shadow, message: "No.", rules: [
       {name: words, detector: keywords, phase: both, action: redact, fail_mode: closed, parameters: {lists: [animals]},
        exceptions: {literals: [lion]}, severity: high},
       {detector: limits, fail_mode: open, parameters: {max_characters: 1000}}],
     tests: [{text: a zebra, expect: redact, rule: words}]}
api_keys:
  - {name: ci, workspace: acme, models: ["gpt*"], networks: [10.0.0.0/8], limits: [each, money], policy: strict,
     permissions: [usage, inference, keys], expires_at: 2099-01-01T00:00:00Z}
"""
_ROUTES = "backends: [{name: b, provider: openai, base_url: http://x}]\nroutes: [%s]"


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
        "+ backend west",
        "+ route eu/*",
        "+ route gpt",
        "+ service /infer",
        "+ service /team/search",
        "+ limit acme-gpt",
        "+ limit all",
        "+ limit each",
        "+ limit money",
        "+ limit month",
        "+ limit slots",
        "+ price groq/g at spare from 2026-01-01T00:00:00Z",
        "+ price openai/gpt* from 1970-01-01T00:00:00Z",
        "+ word list animals",
        "+ policy strict",
        "+ API key acme/ci",
    ]
    assert (applied.revision, revisions()) == (1, 1)
    assert Backend.objects.get(name="main").get_credential() == Secret("sk-1")
    assert {(target.backend.name, target.weight) for target in Route.objects.get(model="gpt").targets.all()} == {("main", 3), ("spare", 1)}
    listed, special = Price.objects.get(upstream_model="gpt*"), Price.objects.get(upstream_model="g")
    assert (listed.input_nano_usd_per_mtok, listed.cache_write_5m_nano_usd_per_mtok) == (150_000_000, None)
    assert (special.cache_write_5m_nano_usd_per_mtok, special.cache_write_1h_nano_usd_per_mtok) == (1_250_000_000, 2_000_000_000)
    assert (special.reasoning_nano_usd_per_mtok, special.audio_input_nano_usd_per_mtok) == (3_000_000_000, 32_000_000_000)
    assert special.audio_output_nano_usd_per_mtok == 0
    (created,) = applied.created_keys
    assert created.secret.reveal().startswith("gw_live_")
    assert [limit.name for limit in ApiKey.objects.get().limits.all()] == ["each", "money"]
    assert ApiKey.objects.get().permissions == ["inference", "keys", "usage"]


def test_apply_keeps_every_field_of_routes_services_and_limits():
    apply(FULL)

    wildcard, search = Route.objects.get(model="eu/*"), Service.objects.get(path="/team/search")
    assert (wildcard.aliases, wildcard.output_cap_tokens, wildcard.exact_cache_ttl_s) == (["eu-large", "eu-small"], 1000, 300)
    assert (wildcard.is_sampled_cacheable, wildcard.is_coalesced, wildcard.on_unpriced) == (True, True, "deny")
    assert (search.upstream_url, search.is_prefix_stripped, search.is_active) == ("http://127.0.0.1:8082/base", True, False)
    assert (search.request_headers, search.response_headers, search.body_limit_bytes) == (["x-team"], ["x-a", "x-b"], 1000)
    assert (search.connect_timeout_s, search.first_byte_timeout_s, search.idle_timeout_s, search.total_timeout_s) == (1, 2, 3, 4)
    assert Service.objects.get(path="/infer").cache_get_ttl_s == 60
    money, month, slots = (Limit.objects.get(name=name) for name in ("money", "month", "slots"))
    assert (money.amount, money.burst, money.window_s, money.calendar) == (5_000_000_000, 500_000_000, 86_400, "")
    assert (month.amount, month.calendar, month.tag, month.workspace.slug) == (100_000_000_000, "month", "team", "acme")
    assert (slots.unit, slots.amount, slots.model, slots.is_per_model) == ("concurrency", 3, "gpt*", True)
    azure = Backend.objects.get(name="west")
    assert (azure.api_version, azure.min_stream_bytes_per_s) == ("2024-10-21", 20)


def test_apply_shows_what_changed_in_the_words_of_the_format():
    apply(FULL)

    applied = apply(
        "routes: [{model: eu/*, targets: [{backend: west, upstream_model: '*'}], output_cap_tokens: 1000,\n"
        "  coalesce: true, on_unpriced: deny}]\n"
        "services: [{path: /infer, upstream: 'http://127.0.0.1:9', cache_get_ttl_s: 60}]\n"
        "limits: [{name: money, scope: key, unit: cost, amount_usd: 7.50, calendar: day}]"
    )

    assert applied.diff.splitlines() == [
        "~ route eu/*: aliases [eu-large, eu-small] -> none, cache.exact_ttl_s 300 -> 0, cache.sampled yes -> no",
        "~ service /infer: upstream http://127.0.0.1:8081 -> http://127.0.0.1:9",
        "~ limit money: amount_usd 5 -> 7.5, window_s 86400 -> 1, calendar none -> day, burst_usd 0.5 -> none",
    ]


def test_apply_a_limit_may_change_between_dollars_and_units():
    apply(FULL)

    apply("limits: [{name: money, scope: key, amount: 9}]")
    counted = Limit.objects.get(name="money").amount
    apply("limits: [{name: money, scope: key, unit: cost, amount_usd: 9}]")

    assert (counted, Limit.objects.get(name="money").amount) == (9, 9_000_000_000)


def test_apply_routes_of_one_file_may_hand_their_names_to_each_other():
    route = "{model: %s, aliases: [%s], targets: [{backend: main, upstream_model: u}]}"
    apply(FULL)
    apply(f"routes: [{route % ('a', 'x')}, {route % ('b', 'y')}]")

    apply(f"routes: [{route % ('a', 'y')}, {route % ('b', 'x')}]")

    assert dict(Route.objects.filter(model__in=["a", "b"]).values_list("model", "aliases")) == {"a": ["y"], "b": ["x"]}


def test_apply_the_name_of_a_pruned_route_is_free_for_another():
    apply(FULL)

    applied = apply("routes: [{model: new, aliases: [gpt], targets: [{backend: main, upstream_model: u}]}]", is_pruning=True)

    assert applied.diff.splitlines() == ["- route eu/*", "- route gpt", "+ route new"]


def test_apply_does_not_send_a_stored_credential_to_another_server():
    apply(FULL)
    moved = "backends: [{name: main, provider: openai, base_url: 'https://evil.example/v1'%s}]"

    assert refusal(moved % "").startswith("$.backends[0]: base_url: This address is another server's")
    assert apply(moved % ", credential: '${SOME_KEY}'").diff.startswith("~ backend main: base_url http://127.0.0.1:9100/v1 -> https://evil")


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
    assert (Limit.objects.count(), Backend.objects.count(), applied.revision) == (6, 3, 2)


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

    applied = apply("api_keys: [{name: ci, workspace: acme, policy: strict, is_keepalive_enabled: false}]")

    assert applied.diff.startswith("~ API key acme/ci: models [gpt*] -> none, networks [10.0.0.0/8] -> none, limits [each, money] -> none")
    assert f"permissions [inference, keys, usage] -> [{', '.join(sorted(default_permissions()))}]" in applied.diff
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
        ("backends: [{name: b, provider: azure, base_url: http://x}]", "$.backends[0]: api_version: Azure wants one"),
        ("limits: [{name: l, scope: tag, amount: 1}]", "$.limits[0]: tag: Write `name`"),
        ("limits: [{name: l, scope: ip, amount: 1, calendar: day, window_s: 60}]", "$.limits[0]: window_s: A limit per calendar day"),
        ("limits: [{name: l, scope: key, unit: cost, amount_usd: 0}]", "$.limits[0]: amount: "),
        ("services: [{path: /ok, upstream: http://x}, {path: /v1/x, upstream: http://x}]", "$.services[1]: path: /v1 and all below it"),
        ("services: [{path: /a, upstream: http://x, request_headers: [Cookie]}]", "$.services[0]: request_headers: cookie never crosses"),
        (
            _ROUTES % "{model: m, targets: [{backend: b, upstream_model: '*'}]}",
            "$.routes[0]: The upstream model * has a `*`",
        ),
        (
            _ROUTES % "{model: m, targets: [&t {backend: b, upstream_model: u}]}, {model: n, aliases: [m], targets: [*t]}",
            "$.routes[1]: aliases: The route m has the name m already.",
        ),
        (
            "workspaces: [{slug: w}]\napi_keys: [{name: k, workspace: w, permissions: []}]",
            "$.api_keys[0]: permissions: A key may do at least",
        ),
    ],
)
def test_apply_refused_file_names_the_place_and_changes_nothing(text, message):
    assert message in refusal(text)
    assert (Workspace.objects.count(), revisions()) == (0, 0)


# --- pruning --------------------------------------------------------------------------------------------------------------------


def test_prune_touches_only_sections_of_the_file():
    apply(FULL)

    applied = apply(
        "prices: []\nservices: []\n"
        "limits: [{name: all, scope: global, amount: 150, burst: 300}, {name: each, scope: key, amount: 10, mode: shadow},\n"
        "  {name: money, scope: key, unit: cost, amount_usd: 5, window_s: 86400, burst_usd: 0.5}]",
        is_pruning=True,
    )

    assert applied.diff.splitlines() == [
        "- service /infer",
        "- service /team/search",
        "- limit acme-gpt",
        "- limit month",
        "- limit slots",
        "- price groq/g at spare from 2026-01-01T00:00:00Z",
        "- price openai/gpt* from 1970-01-01T00:00:00Z",
    ]
    assert (Backend.objects.count(), Route.objects.count(), applied.revision) == (3, 2, 2)


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
