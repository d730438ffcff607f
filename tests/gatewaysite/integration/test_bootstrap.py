"""What a start makes of a database, and what a later one leaves alone."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from msgspec.structs import replace

import gatewaysite
from apikeys.public import ApiKey, Limit, Workspace, create_workspace, delete_limit, revoke_key, save_key, save_limit
from common.publishing import publishing
from common.secret import Secret
from gatewaysite import bootstrap
from gatewaysite.first_rows import SIMULATED_MODELS
from gatewaysite.services.paths import DataDir
from guardrails.public import change_draft, create_policy, delete_policy, find_policy, find_published, list_published, publish
from proxy.domain import TargetDraft, delete_backend, delete_price, delete_route, delete_service, save_backend, save_route, save_service
from proxy.models import Backend, ConfigurationRevision, Price, Route, Service, Target
from proxy.prices.stored import prices_for_targets
from tests.guardrails.policy_help import document

pytestmark = pytest.mark.django_db

SIMULATOR = "http://127.0.0.1:8081"


@pytest.fixture
def data_dir(tmp_path):
    return DataDir(tmp_path)


@pytest.fixture
def start(data_dir):
    def run(environ=None, *, simulator_url=SIMULATOR):
        return bootstrap.run(data_dir, base_url="http://127.0.0.1:8000", simulator_url=simulator_url, environ=environ or {})

    return run


def _prices(targets):
    return [found.prices for found in prices_for_targets(targets).values()]


def revisions():
    return ConfigurationRevision.objects.count()


# --- the first start ------------------------------------------------------------------------------------------------------------


def test_first_start_makes_a_way_in(start):
    first = start()

    assert authenticate(username=first.admin_user, password=first.admin_password).is_superuser
    assert first.api_key.startswith("gw_live_")
    assert (first.admin_user, first.demo_model, first.notes) == ("admin", "sim-chat", ())
    assert ApiKey.objects.get().workspace.slug == "default"


def test_first_start_is_one_revision(start):
    start()

    revision = ConfigurationRevision.objects.get()
    assert revision.reason == "First start"
    assert {"+ workspace default", "+ limit global", "+ limit per-ip", "+ backend simulator", "+ route sim-chat"} <= set(
        revision.diff.splitlines()
    )


def test_first_start_publishes_the_default_policy_enforced_for_everybody(start):
    start()

    (policy,) = list_published()
    assert (policy.name, policy.version, policy.workspace_ids, policy.key_ids, policy.models) == ("default", 1, (), (), ())
    assert find_published("default")[0].mode == "enforce"


def test_start_of_an_installation_that_answers_calls_already_has_the_default_policy_in_shadow(start):
    create_workspace("acme", "Acme")

    started = start()

    assert find_published("default")[0].mode == "shadow"
    assert any("in shadow" in note for note in started.notes)


def test_second_start_respects_a_deleted_and_an_edited_policy(start):
    start()
    policy = find_policy("default")
    change_draft(policy, replace(find_published("default")[0], message="No."))
    publish(policy)
    start()
    edited = find_published("default")[0].message
    delete_policy(find_policy("default"))

    start()

    assert (edited, find_policy("default")) == ("No.", None)


def test_start_leaves_a_draft_of_the_same_name_alone(start):
    create_policy(document("default"))

    start()

    assert list_published() == []


def test_first_start_limits_are_those_of_the_design(start):
    start()

    assert {(limit.name, limit.scope, limit.amount, limit.window_s, limit.burst, limit.mode) for limit in Limit.objects.all()} == {
        ("global", "global", 150, 1, 300, "enforce"),
        ("per-ip", "ip", 20, 1, 40, "enforce"),
    }


def test_first_start_simulator_has_routes_and_a_price(start):
    start()

    backend = Backend.objects.get()
    assert (backend.name, backend.provider, backend.base_url) == ("simulator", "simulator", "http://127.0.0.1:8081/v1")
    assert set(Route.objects.values_list("model", flat=True)) == set(SIMULATED_MODELS)
    targets = list(backend.targets.select_related("backend"))
    found = {(prices[0].input_nano_usd_per_mtok, prices[0].output_nano_usd_per_mtok) for prices in _prices(targets)}
    assert found == {(150_000_000, 600_000_000)}


def test_first_start_knows_every_model_of_the_simulator(start):
    start()

    reference = (Path(gatewaysite.__file__).parent.parent / "docs" / "reference" / "simulator.md").read_text()
    models = reference.partition("## Models")[2].partition("## Words")[0]
    rows = [line.split("|")[1] for line in models.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall("`(sim-[a-z0-9-]+)`", row)} == set(SIMULATED_MODELS)


def test_first_start_simulator_answers_at_a_service(start):
    start()

    service = Service.objects.get()
    assert (service.path, service.upstream_url, service.cache_get_ttl_s) == ("/infer", SIMULATOR, 60)


def test_first_start_without_simulator_makes_none(start):
    first = start(simulator_url=None)

    assert (Backend.objects.count(), Route.objects.count(), Service.objects.count()) == (0, 0, 0)
    assert first.api_key is not None


def test_first_start_keeps_password_and_key_in_a_private_file(start, data_dir):
    first = start()

    assert json.loads(data_dir.bootstrap_file.read_text()) == {
        "base_url": "http://127.0.0.1:8000",
        "admin_user": "admin",
        "admin_password": first.admin_password,
        "api_key": first.api_key,
    }
    assert stat.S_IMODE(data_dir.bootstrap_file.stat().st_mode) == 0o600


def test_first_start_that_cannot_keep_the_password_makes_nothing(start, data_dir, monkeypatch):
    def fail(*arguments):
        raise OSError("disk full")

    monkeypatch.setattr("gatewaysite.bootstrap.refresh_welcome", fail)

    with pytest.raises(OSError, match="disk full"):
        start()

    assert (get_user_model().objects.count(), Workspace.objects.count(), revisions()) == (0, 0, 0)


def test_first_start_applies_missing_migrations(start):
    call_command("migrate", "items", "0004_signals", verbosity=0)
    assert "items_signalhour" not in connection.introspection.table_names()

    start()

    assert "items_signalhour" in connection.introspection.table_names()


def test_first_start_after_an_apply_keeps_what_is_there(start):
    with publishing("Before"):
        create_workspace("default", "Ours")
        save_limit(Limit(name="global", scope="global", amount=7))

    first = start()

    assert Workspace.objects.get().name == "Ours"
    assert Limit.objects.get(name="global").amount == 7
    assert first.api_key is not None


def test_first_start_where_people_are_already_makes_no_admin(start):
    get_user_model().objects.create_superuser("root", password="x")

    first = start()

    assert (first.admin_user, first.admin_password) == ("root", None)
    assert get_user_model().objects.count() == 1


# --- later starts ---------------------------------------------------------------------------------------------------------------


def test_second_start_makes_nothing_and_publishes_nothing(start, data_dir):
    start()
    kept = data_dir.bootstrap_file.read_text()

    second = start()

    assert (second.admin_user, second.admin_password, second.api_key, second.demo_model) == ("admin", None, None, "sim-chat")
    assert (get_user_model().objects.count(), ApiKey.objects.count(), revisions()) == (1, 1, 1)
    assert data_dir.bootstrap_file.read_text() == kept


def test_second_start_queries_do_not_grow_with_the_routes(start):
    start()
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            start()
        counts.append(len(queries))
        start({"OPENAI_API_KEY": "sk-1"})

    assert counts[0] == counts[1]


def test_second_start_respects_deletions(start):
    start()
    for limit in Limit.objects.all():
        delete_limit(limit)
    delete_route(Route.objects.get(model="sim-slow"))
    delete_price(Price.objects.get(provider="simulator"))
    number = revisions()

    start()

    assert Limit.objects.count() == 0
    assert not Route.objects.filter(model="sim-slow").exists()
    assert not Price.objects.filter(provider="simulator").exists()
    assert revisions() == number


def test_second_start_respects_a_deleted_simulator(start):
    start()
    for route in Route.objects.all():
        delete_route(route)
    delete_backend(Backend.objects.get())

    start(simulator_url="http://127.0.0.1:9999")

    assert (Backend.objects.count(), Route.objects.count()) == (0, 0)


def test_second_start_respects_edits(start):
    start()
    limit = Limit.objects.get(name="global")
    limit.amount = 7
    save_limit(limit)
    key = ApiKey.objects.get()
    key.name = "renamed"
    save_key(key)
    revoke_key(key)
    backend = Backend.objects.get()
    backend.idle_timeout_s = 5
    save_backend(backend)

    second = start()

    assert Limit.objects.get(name="global").amount == 7
    assert (ApiKey.objects.count(), second.api_key) == (1, None)
    assert Backend.objects.get().idle_timeout_s == 5


def test_second_start_respects_a_deleted_admin(start):
    start()
    users = get_user_model().objects
    users.create_superuser("alice", password="x")
    users.get(username="admin").delete()

    second = start()

    assert (second.admin_user, second.admin_password) == ("alice", None)
    assert users.count() == 1


def test_second_start_follows_the_simulators_port(start):
    start()

    start(simulator_url="http://127.0.0.1:9999")

    assert Backend.objects.get().base_url == "http://127.0.0.1:9999/v1"
    last = ConfigurationRevision.objects.get(number=2)
    assert (last.reason, last.diff.splitlines()) == (
        "Start of the installation",
        [
            "~ backend simulator: base_url http://127.0.0.1:8081/v1 -> http://127.0.0.1:9999/v1",
            "~ service /infer: upstream http://127.0.0.1:8081 -> http://127.0.0.1:9999",
        ],
    )


def test_second_start_service_follows_the_simulators_port_unless_it_leads_elsewhere(start):
    start()
    start(simulator_url="http://127.0.0.1:9999")
    followed = Service.objects.get()
    url, followed.upstream_url = followed.upstream_url, "http://127.0.0.1:7"
    save_service(followed)

    start(simulator_url="http://127.0.0.1:8888")

    assert (url, Service.objects.get().upstream_url) == ("http://127.0.0.1:9999", "http://127.0.0.1:7")


def test_second_start_respects_a_deleted_service(start):
    start()
    delete_service(Service.objects.get())

    start(simulator_url="http://127.0.0.1:9999")

    assert not Service.objects.exists()


def test_second_start_without_simulator_leaves_its_rows_alone(start):
    start()

    start(simulator_url=None)

    assert Backend.objects.get().base_url == "http://127.0.0.1:8081/v1"
    assert revisions() == 1


def test_later_start_with_a_simulator_makes_it(start):
    start(simulator_url=None)

    start()

    assert (Backend.objects.get().name, revisions()) == ("simulator", 2)


def test_later_start_makes_routes_that_a_newer_version_simulates(start, monkeypatch):
    start()
    monkeypatch.setattr("gatewaysite.first_rows.SIMULATED_MODELS", (*SIMULATED_MODELS, "sim-new"))

    start()

    assert Route.objects.get(model="sim-new").targets.get().backend.name == "simulator"


# --- the environment ------------------------------------------------------------------------------------------------------------


def test_environment_key_becomes_a_backend_with_routes_and_prices(start):
    first = start({"OPENAI_API_KEY": "sk-1"})

    backend = Backend.objects.get(name="openai")
    target = Route.objects.get(model="gpt-4o-mini").targets.select_related("backend").get()
    assert (backend.provider, backend.get_credential()) == ("openai", Secret("sk-1"))
    assert target.backend == backend
    (prices,) = _prices([target])
    assert (prices[-1].input_nano_usd_per_mtok, prices[-1].cached_input_nano_usd_per_mtok) == (150_000_000, 75_000_000)
    assert prices[-1].output_nano_usd_per_mtok == 600_000_000
    assert "gpt-4o-mini" in first.notes[0]
    assert revisions() == 1


def test_environment_key_added_later_is_one_revision(start):
    start()

    second = start({"ANTHROPIC_API_KEY": "sk-a", "GEMINI_API_KEY": "sk-g"})

    assert {backend.name: backend.price_provider for backend in Backend.objects.exclude(name="simulator")} == {
        "anthropic": "",
        "gemini": "google",
    }
    wildcards = Target.objects.filter(route__model__endswith="*").values_list("route__model", "backend__provider", "upstream_model")
    assert set(wildcards) == {("anthropic/*", "anthropic", "*"), ("gemini/*", "gemini", "*")}
    assert (revisions(), len(second.notes)) == (2, 2)


def test_environment_changed_key_changes_the_credential_once(start):
    start({"OPENAI_API_KEY": "sk-1"})

    notes = [start({"OPENAI_API_KEY": "sk-2"}).notes for _ in range(2)]

    assert Backend.objects.get(name="openai").get_credential() == Secret("sk-2")
    assert ConfigurationRevision.objects.get(number=2).diff == "~ backend openai: credential changed"
    assert (revisions(), notes) == (2, [(), ()])


def test_environment_key_never_goes_to_another_address(start):
    start({"OPENAI_API_KEY": "sk-1"})
    backend = Backend.objects.get(name="openai")
    backend.base_url = "https://elsewhere.example/v1"
    save_backend(backend, credential=Secret("sk-elsewhere"))

    start({"OPENAI_API_KEY": "sk-2"})

    assert Backend.objects.get(name="openai").get_credential() == Secret("sk-elsewhere")


def test_environment_deleted_routes_and_missing_key_are_left_alone(start):
    start({"OPENAI_API_KEY": "sk-1"})
    delete_route(Route.objects.get(model="gpt-4o"))
    number = revisions()

    start({"OPENAI_API_KEY": "sk-1"})
    start()

    assert not Route.objects.filter(model="gpt-4o").exists()
    assert Backend.objects.get(name="openai").get_credential() == Secret("sk-1")
    assert revisions() == number


def test_environment_ollama_is_a_backend_with_a_wildcard_route_that_follows_its_address(start):
    first = start({"OLLAMA_HOST": "0.0.0.0"})  # noqa: S104  # parsed, not bound
    start({"OLLAMA_HOST": "127.0.0.1:9"})

    backend = Backend.objects.get(name="ollama")
    assert (backend.provider, backend.base_url) == ("ollama", "http://127.0.0.1:9")
    assert [(target.route.model, target.upstream_model) for target in backend.targets.all()] == [("ollama/*", "*")]
    assert "ollama/MODEL" in first.notes[0]


def test_environment_address_is_not_followed_with_a_credential_that_was_given_for_another(start):
    start({"OLLAMA_HOST": "10.0.0.1"})
    save_backend(Backend.objects.get(name="ollama"), credential=Secret("for 10.0.0.1"))

    second = start({"OLLAMA_HOST": "10.0.0.2"})

    assert Backend.objects.get(name="ollama").base_url == "http://10.0.0.1:11434"
    assert "does not follow to http://10.0.0.2:11434" in second.notes[0]


def test_environment_name_that_is_another_routes_alias_is_left_to_it(start):
    start()
    route = Route.objects.get(model="sim-chat")
    route.aliases = ["gpt-4o"]
    save_route(route, [TargetDraft(Backend.objects.get(name="simulator"), "sim-chat")])

    start({"OPENAI_API_KEY": "sk-1"})

    assert not Route.objects.filter(model="gpt-4o").exists()
    assert Route.objects.filter(model="gpt-4o-mini").exists()


def test_environment_demo_model_without_simulator_is_one_that_answers(start):
    first = start({"OPENAI_API_KEY": "sk-1"}, simulator_url=None)

    assert Route.objects.filter(model=first.demo_model, targets__backend__name="openai").exists()
