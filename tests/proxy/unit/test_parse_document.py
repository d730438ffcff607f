from __future__ import annotations

import pytest

from common.secret import Secret
from proxy.configuration.format import DocumentError, parse_document, read_credentials

BACKEND = "name: b, provider: openai, base_url: http://b/v1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("backends: [{name: b, provider: opena, base_url: x}]", "$.backends[0].provider: Invalid enum value 'opena'. Allowed: openai,"),
        (
            "routes: [{model: m, fallbacks: [x], targets: []}]",
            "$.routes[0]: Object contains unknown field `fallbacks`. Allowed: model, targets",
        ),
        ("routes: [{model: m, targets: []}]", "$.routes[0].targets: Expected `array` of length >= 1"),
        (
            "routes: [{model: m, targets: [{backend: b, upstream_model: u, weight: -1}]}]",
            "$.routes[0].targets[0].weight: Expected `int` >= 0",
        ),
        (
            "guards: []",
            (
                "$: Object contains unknown field `guards`. Allowed: workspaces, backends, routes, services, limits, prices, "
                "word_lists, guardrails, api_keys"
            ),
        ),
        ("services: [{path: /i}]", "$.services[0]: Object missing required field `upstream`"),
        ("services: [{path: /i, upstream: http://u}, {path: /i, upstream: http://u}]", "$.services[1]: service /i stands at $.services[0]"),
        ("routes: [{model: m, targets: [{backend: b, upstream_model: u}], cache: {ttl: 1}}]", "$.routes[0].cache: Object contains unknown"),
        ("limits: [{name: l, scope: global, unit: miles, amount: 1}]", "$.limits[0].unit: Invalid enum value 'miles'. Allowed: requests"),
        (
            "limits: [{name: l, scope: global, amount: 1, calendar: decade}]",
            "$.limits[0].calendar: Invalid enum value 'decade'. Allowed: minute",
        ),
        ("limits: [{name: l, scope: global}]", "$.limits[0]: a limit of unit requests needs `amount`"),
        ("limits: [{name: l, scope: key, unit: cost}]", "$.limits[0]: a limit of unit cost needs `amount_usd`"),
        ("limits: [{name: l, scope: key, unit: cost, amount: 5}]", "$.limits[0]: a limit of unit cost has `amount_usd`, not `amount`"),
        (
            "limits: [{name: l, scope: key, unit: cost, amount_usd: 5, burst: 1}]",
            "$.limits[0]: a limit of unit cost has `burst_usd`, not `burst`",
        ),
        ("limits: [{name: l, scope: key, amount_usd: 5}]", "$.limits[0]: a limit of unit requests has `amount`, not `amount_usd`"),
        ("limits: [{name: l, scope: key, unit: cost, amount_usd: much}]", "$.limits[0]: 'much' is no amount of dollars"),
        (
            "limits: [{name: l, scope: key, unit: cost, amount_usd: true}]",
            "$.limits[0].amount_usd: Expected `int | float | str | null`, got `bool`",
        ),
        (
            "api_keys: [{name: k, workspace: w, permissions: [root]}]",
            "$.api_keys[0].permissions[0]: Invalid enum value 'root'. Allowed: inference",
        ),
        ("limits: [{name: l, scope: global, amount: 0}]", "$.limits[0].amount: Expected `int` >= 1"),
        ("limits: [{name: l, amount: 1}]", "$.limits[0]: Object missing required field `scope`"),
        ("limits:", "$.limits: Expected `array`, got `null`"),
        ("[]", "$: Expected `object`, got `array`"),
        ("api_keys: [{name: k, workspace: w, expires_at: 2026-01-31}]", "$.api_keys[0].expires_at: Invalid RFC3339"),
        ("api_keys: [{name: k, workspace: w, expires_at: '2026-01-31T00:00:00'}]", "Write it like 2026-01-31T00:00:00Z"),
        (
            "prices: [{provider: p, upstream_model: m, input_usd_per_mtok: cheap, output_usd_per_mtok: 1}]",
            "$.prices[0]: 'cheap' is no amount",
        ),
        ("workspaces: [{slug: a}]\nlimits: []\nworkspaces: []", "the key 'workspaces' comes twice"),
        ("workspaces: [{slug: a}, {slug: b}, {slug: a}]", "$.workspaces[2]: workspace a stands at $.workspaces[0] already"),
        ("backends: [", "This is no YAML"),
        ("a: 1\n---\nb: 2", "This is no YAML"),
        ("x: !!python/object/apply:os.getpid []", "This is no YAML"),
    ],
)
def test_parse_document_error_names_place_and_what_is_allowed(text, message):
    with pytest.raises(DocumentError) as error:
        parse_document(text)

    assert message in str(error.value)


def test_parse_document_empty_file_has_no_section():
    document = parse_document("# nothing\n")

    assert not any(document.has(section) for section in document.__struct_fields__)


def test_parse_document_empty_section_is_there():
    assert parse_document("limits: []").has("limits")


def test_parse_document_fills_defaults():
    fields = parse_document(f"backends: [{{{BACKEND}}}]").entries("backends")[0].fields()

    assert fields == {
        "name": "b",
        "provider": "openai",
        "base_url": "http://b/v1",
        "price_provider": "",
        "api_version": "",
        "min_stream_bytes_per_s": 0,
        "connect_timeout_s": 2,
        "first_token_timeout_s": 30,
        "idle_timeout_s": 60,
        "total_timeout_s": 600,
        "on_disconnect": "cancel",
        "is_active": True,
    }


def test_parse_document_price_numbers_and_texts_are_the_same_amounts():
    text = "prices: [{provider: p, upstream_model: m, input_usd_per_mtok: %s, output_usd_per_mtok: %s}]"

    as_numbers, as_texts = (parse_document(text % amounts).entries("prices")[0].fields() for amounts in [(0.15, 2), ("'0.150'", "'2'")])

    assert as_numbers == as_texts
    assert (as_numbers["input_usd_per_mtok"], as_numbers["output_usd_per_mtok"]) == ("0.15", "2")
    assert as_numbers["effective_at"] == "1970-01-01T00:00:00Z"


def test_parse_document_a_price_may_have_one_for_each_class_of_usage():
    price = "provider: p, upstream_model: m, input_usd_per_mtok: 1, output_usd_per_mtok: 2"
    classes = ("cached_input", "cache_write_5m", "cache_write_1h", "reasoning", "audio_input", "audio_output")
    given = ", ".join(f"{name}_usd_per_mtok: {number}.50" for number, name in enumerate(classes))

    without, having = (parse_document(f"prices: [{{{text}}}]").entries("prices")[0].fields() for text in (price, f"{price}, {given}"))

    assert {name: without[f"{name}_usd_per_mtok"] for name in classes} == dict.fromkeys(classes)
    assert {name: having[f"{name}_usd_per_mtok"] for name in classes} == {name: f"{number}.5" for number, name in enumerate(classes)}


@pytest.mark.parametrize("amount", ["5", "5.0", "'5.00'", "5.000"])
def test_parse_document_dollars_of_a_limit_are_the_same_however_written(amount):
    limit = parse_document(f"limits: [{{name: l, scope: key, unit: cost, amount_usd: {amount}, burst_usd: 0.50}}]").entries("limits")[0]

    fields = limit.fields()

    assert (fields["amount_usd"], fields["burst_usd"], fields["amount"], fields["burst"]) == ("5", "0.5", None, None)


def test_parse_document_lists_of_names_are_compared_whatever_their_order():
    text = (
        "routes: [{model: m, aliases: [%s], targets: [{backend: b, upstream_model: u}]}]\n"
        "services: [{path: /i, upstream: http://u, request_headers: [%s]}]\n"
        "api_keys: [{name: k, workspace: w, permissions: [%s]}]"
    )

    one, other = (
        [parse_document(text % words).entries(section)[0].fields() for section in ("routes", "services", "api_keys")]
        for words in [("a, b", "x-a, X-B", "usage, inference"), ("b, a, b", "X-b, X-A, x-b", "inference, usage, usage")]
    )

    assert one == other


def test_parse_document_star_among_models_means_all():
    assert parse_document('api_keys: [{name: k, workspace: w, models: ["*"]}]').entries("api_keys")[0].fields()["models"] == []


def test_parse_document_targets_are_compared_whatever_their_order():
    text = "routes: [{model: m, targets: [%s]}]"
    one, other = "{backend: a, upstream_model: u}", "{backend: b, upstream_model: u}"

    first, second = (parse_document(text % ", ".join(pair)).entries("routes")[0].fields() for pair in [(one, other), (other, one)])

    assert first == second


def test_read_credentials_takes_variables_texts_and_null():
    document = parse_document(
        "backends:\n"
        "  - {name: a, provider: openai, base_url: http://b/v1, credential: '${SOME_KEY}'}\n"
        "  - {name: b, provider: openai, base_url: http://b/v1, credential: plain-$-text}\n"
        "  - {name: c, provider: openai, base_url: http://b/v1, credential: null}\n"
        "  - {name: d, provider: openai, base_url: http://b/v1}\n"
    )

    credentials = read_credentials(document, {"SOME_KEY": "sk-1\n"})

    assert credentials == {"a": Secret("sk-1"), "b": Secret("plain-$-text"), "c": None}


@pytest.mark.parametrize("environ", [{}, {"SOME_KEY": " "}])
def test_read_credentials_missing_variable_is_named(environ):
    document = parse_document(f"backends: [{{{BACKEND}, credential: '${{SOME_KEY}}'}}]")

    with pytest.raises(DocumentError, match=r"^\$\.backends\[0\]\.credential: The environment variable SOME_KEY is not set"):
        read_credentials(document, environ)
