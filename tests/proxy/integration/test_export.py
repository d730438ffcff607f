"""`manage.py export`, and the document that every revision keeps."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

import proxy
from apikeys.public import ApiKey, revoke_key
from proxy.configuration.apply import apply_document
from proxy.configuration.export import build_document
from proxy.configuration.format import parse_document, read_credentials
from proxy.configuration.write import export_yaml
from proxy.models import Backend, ConfigurationRevision
from proxy.prices.load import load_list_prices
from tests.proxy.integration.test_apply import FULL

pytestmark = pytest.mark.django_db

BENCH = Path(proxy.__file__).parent.parent / "bench" / "bench.yaml"


def apply(text, **options):
    document = parse_document(text)
    return apply_document(document, read_credentials(document, {"SOME_KEY": "sk-secret"}), **options)


def test_export_applied_is_nothing_to_change_also_with_prune():
    apply(FULL)

    text = export_yaml()

    assert apply(text).diff == ""
    assert apply(text, is_pruning=True).diff == ""


def test_export_makes_the_same_configuration_elsewhere():
    apply(FULL)
    text, before = export_yaml(), build_document()
    Backend.objects.all().update(credential_sealed=None)
    expected = build_document()
    sections = ("backends", "routes", "services", "limits", "prices", "word_lists", "guardrails", "api_keys")
    apply("\n".join(f"{section}: []" for section in sections), is_pruning=True)
    ApiKey.objects.all().delete()
    apply("workspaces: []", is_pruning=True)

    applied = apply(text)

    assert build_document() == expected != before
    assert len(applied.created_keys) == 1


def test_export_has_no_secret_and_says_how_to_give_one():
    created = apply(FULL).created_keys[0]

    text = export_yaml()

    assert "sk-secret" not in text
    assert created.secret.reveal() not in text
    assert "credential:" not in "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    assert '# Credentials are left out, and apply keeps the stored ones. To set one, add: credential: "${NAME_OF_A_VARIABLE}"' in text


def test_export_leaves_out_defaults():
    apply(FULL)

    exported = yaml.safe_load(export_yaml())

    assert exported["workspaces"] == [{"slug": "acme", "name": "Acme"}]
    assert exported["backends"][0] == {"name": "main", "provider": "openai", "base_url": "http://127.0.0.1:9100/v1", "idle_timeout_s": 30.0}
    assert exported["backends"][2] == {
        "name": "west",
        "provider": "azure",
        "base_url": "https://eu.openai.azure.com",
        "api_version": "2024-10-21",
        "min_stream_bytes_per_s": 20,
    }
    assert exported["routes"] == [
        {
            "model": "eu/*",
            "aliases": ["eu-large", "eu-small"],
            "output_cap_tokens": 1000,
            "cache": {"exact_ttl_s": 300, "sampled": True},
            "coalesce": True,
            "on_unpriced": "deny",
            "targets": [{"backend": "west", "upstream_model": "*"}],
        },
        {
            "model": "gpt",
            "targets": [{"backend": "main", "upstream_model": "gpt", "weight": 3}, {"backend": "spare", "upstream_model": "g"}],
        },
    ]
    assert exported["services"][0] == {"path": "/infer", "upstream": "http://127.0.0.1:8081", "cache_get_ttl_s": 60}
    assert exported["limits"][2] == {"name": "each", "scope": "key", "amount": 10, "mode": "shadow"}
    assert exported["limits"][3] == {
        "name": "money",
        "scope": "key",
        "unit": "cost",
        "amount_usd": "5",
        "window_s": 86_400,
        "burst_usd": "0.5",
    }
    assert exported["prices"][1] == {
        "provider": "openai",
        "upstream_model": "gpt*",
        "input_usd_per_mtok": "0.15",
        "output_usd_per_mtok": "0.6",
    }


def test_export_of_an_empty_installation_can_be_applied():
    assert parse_document(export_yaml()) == parse_document("")


def test_export_leaves_out_revoked_keys():
    apply(FULL)
    revoke_key(ApiKey.objects.get())

    text = export_yaml()

    assert "api_keys:" not in text
    assert apply(text, is_pruning=True).diff == ""


def test_export_quotes_what_yaml_would_take_for_something_else():
    apply("workspaces: [{slug: no, name: '1e3'}, {slug: 'true', name: 2026-01-31}]")

    assert apply(export_yaml()).diff == ""


def test_export_command_writes_what_apply_reads():
    apply(FULL)
    out = io.StringIO()

    call_command("export", stdout=out)

    assert out.getvalue() == export_yaml()


def test_build_document_is_json_and_shows_only_a_fingerprint_of_a_credential():
    apply(FULL)

    document = build_document()

    main, spare, _ = document["backends"]
    sealed = bytes(Backend.objects.get(name="main").credential_sealed)
    assert json.loads(json.dumps(document)) == document
    assert main["credential_fingerprint"] == hashlib.sha256(sealed).hexdigest()[:12]
    assert spare["credential_fingerprint"] is None


def test_build_document_is_what_the_revision_keeps():
    apply(FULL)

    assert ConfigurationRevision.objects.get().document == build_document()


def test_build_document_queries_do_not_grow():
    apply(FULL)
    counts = []
    for number in (1, 2, 3):
        apply(
            f"backends: [{{name: b{number}, provider: openai, base_url: http://b/v1}}]\n"
            f"routes: [{{model: m{number}, targets: [{{backend: b{number}, upstream_model: u}}]}}]\n"
            f"limits: [{{name: l{number}, scope: workspace, amount: 1, workspace: acme}}]\n"
        )
        with CaptureQueriesContext(connection) as queries:
            build_document()
        counts.append(len(queries))

    assert counts == [12, 12, 12]


def test_build_document_names_the_list_prices():
    before = build_document()["price_list_version"]
    loaded = load_list_prices()

    assert before is None
    assert build_document()["price_list_version"] == loaded.version


def test_bench_file_covers_every_scope_and_can_be_applied():
    apply(BENCH.read_text())

    document = build_document()

    assert {limit["scope"] for limit in document["limits"]} == {"global", "ip", "workspace", "key"}
    assert apply(BENCH.read_text()).diff == ""


def test_the_example_of_the_documentation_can_be_applied_exported_and_applied_again():
    page = (Path(proxy.__file__).parent.parent / "docs" / "howto" / "add-a-provider.md").read_text()
    document = parse_document(page.partition("```yaml\n")[2].partition("```")[0])

    apply_document(document, read_credentials(document, {"OPENAI_API_KEY": "sk-1", "AZURE_OPENAI_API_KEY": "sk-2"}))

    assert apply(export_yaml(), is_pruning=True).diff == ""
