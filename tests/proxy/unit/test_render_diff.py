from __future__ import annotations

from proxy.configuration.diff import render

LIMIT = {"name": "global", "scope": "global", "amount": 150, "burst": None, "mode": "enforce"}
BACKEND = {"name": "x", "base_url": "http://x/v1", "connect_timeout_s": 2.0, "is_active": True, "credential_fingerprint": None}
ROUTE = {"model": "gpt-4o", "targets": [{"backend": "x", "upstream_model": "gpt-4o", "weight": 1}]}


def document(**sections):
    return {"workspaces": [], "backends": [], "routes": [], "limits": [], "prices": [], "price_list_version": None} | sections


def test_render_equal_documents_is_empty():
    assert render(document(limits=[LIMIT]), document(limits=[LIMIT])) == ""


def test_render_first_document_shows_everything_as_new():
    new = document(limits=[LIMIT], routes=[ROUTE], backends=[BACKEND], price_list_version="aaaa")

    assert render(None, new).splitlines() == ["+ backend x", "+ route gpt-4o", "+ limit global", "~ price list none -> aaaa"]


def test_render_added_removed_and_changed():
    old = document(backends=[BACKEND], limits=[LIMIT])
    new = document(routes=[ROUTE], limits=[LIMIT | {"amount": 200, "burst": 300}])

    assert render(old, new).splitlines() == ["- backend x", "+ route gpt-4o", "~ limit global: amount 150 -> 200, burst none -> 300"]


def test_render_changed_targets_and_flags_are_readable():
    target = {"backend": "y", "upstream_model": "gpt-4o", "weight": 3}
    old = document(backends=[BACKEND], routes=[ROUTE])
    new = document(backends=[BACKEND | {"is_active": False, "connect_timeout_s": 2.5}], routes=[ROUTE | {"targets": [target]}])

    assert render(old, new).splitlines() == [
        "~ backend x: connect_timeout_s 2 -> 2.5, is_active yes -> no",
        "~ route gpt-4o: targets [x/gpt-4o x1] -> [y/gpt-4o x3]",
    ]


def test_render_credential_says_that_and_not_what_changed():
    with_one, with_other = BACKEND | {"credential_fingerprint": "abc"}, BACKEND | {"credential_fingerprint": "def"}

    assert render(document(backends=[BACKEND]), document(backends=[with_one])) == "~ backend x: credential set"
    assert render(document(backends=[with_one]), document(backends=[with_other])) == "~ backend x: credential changed"
    assert render(document(backends=[with_one]), document(backends=[BACKEND])) == "~ backend x: credential removed"


def test_render_price_is_told_apart_by_list_model_backend_and_beginning():
    price = {
        "provider": "openai",
        "upstream_model": "m",
        "backend": None,
        "effective_at": "2026-01-01T00:00:00Z",
        "input_usd_per_mtok": "1",
    }
    old, new = document(prices=[price]), document(prices=[price | {"input_usd_per_mtok": "2"}, price | {"backend": "x"}])

    assert render(old, new).splitlines() == [
        "+ price openai/m at x from 2026-01-01T00:00:00Z",
        "~ price openai/m from 2026-01-01T00:00:00Z: input_usd_per_mtok 1 -> 2",
    ]


def test_render_field_that_an_older_version_did_not_know_is_shown():
    assert render(document(limits=[LIMIT]), document(limits=[LIMIT | {"model": "m"}])) == "~ limit global: model none -> m"


def test_render_section_that_an_older_version_did_not_have_is_all_new():
    old = document()
    del old["limits"]

    assert render(old, document(limits=[LIMIT])) == "+ limit global"


def test_render_groups_of_fields_say_what_changed_in_them():
    cached = ROUTE | {"cache": {"exact_ttl_s": 300, "sampled": False}}
    sampled = ROUTE | {"cache": {"exact_ttl_s": 300, "sampled": True}}

    assert render(document(routes=[cached]), document(routes=[sampled])) == "~ route gpt-4o: cache.sampled no -> yes"
    assert render(document(routes=[ROUTE]), document(routes=[cached])) == (
        "~ route gpt-4o: cache.exact_ttl_s none -> 300, cache.sampled none -> no"
    )
