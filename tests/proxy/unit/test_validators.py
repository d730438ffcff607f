"""Checks on single values of the configuration."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.urls import get_resolver

from proxy.endpoints import MODEL_ENDPOINTS
from proxy.operations import PATHS
from proxy.service_headers import FORBIDDEN
from proxy.validators import (
    RESERVED_PATHS,
    check_header_names,
    check_provider_address,
    check_route_names,
    check_service_path,
    check_upstream_model,
    origin_of,
)


@pytest.mark.parametrize("path", ["/infer", "/team/infer", "/v1-beta", "/v10", "/a.b_c~d", "/x:y@z", "/apis", "/healthy"])
def test_a_service_may_answer_at_a_path_of_its_own(path):
    check_service_path(path)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("", "begins with a slash"),
        ("infer", "begins with a slash"),
        ("/", "above the gateway's own paths"),
        ("/infer/", "does not end with one"),
        ("//infer", "single slashes"),
        ("/a//b", "single slashes"),
        ("/a/../v1", "no `.` or `..`"),
        ("/./v1", "no `.` or `..`"),
        ("/a?b=c", "no query"),
        ("/a#b", "segments"),
        ("/a b", "segments"),
        ("/a%2fb", "nothing percent-encoded"),
        ("/a\\b", "segments"),
        ("/a\n", "segments"),
        ("/größe", "segments"),
        ("/a*", "segments"),
        ("/v1", "/v1 and all below it is the gateway's own"),
        ("/v1/chat/completions", "/v1 and all below it"),
        ("/ws/v1/stream", "/ws and all below it"),
        ("/metrics/x", "/metrics and all below it"),
    ],
)
def test_a_path_that_cannot_be_a_services_is_refused_with_the_reason(path, said):
    with pytest.raises(ValidationError) as caught:
        check_service_path(path)

    assert said in caught.value.messages[0]


@pytest.mark.parametrize("path", RESERVED_PATHS)
def test_every_reserved_path_is_refused(path):
    for mine in (path, f"{path}/more"):
        with pytest.raises(ValidationError):
            check_service_path(mine)


def test_every_path_that_the_gateway_answers_itself_is_reserved():
    urls = {f"/{pattern.pattern}".rstrip("/") for pattern in get_resolver().url_patterns} - {""}
    answered = urls | set(PATHS) | set(MODEL_ENDPOINTS)

    assert {f"/{path.split('/')[1]}" for path in answered} <= set(RESERVED_PATHS)


@pytest.mark.parametrize(
    "name",
    [
        *sorted(FORBIDDEN),
        "api-key",
        "x-goog-api-key",
        "x-gateway-tags",
        "x-forwarded-port",
        "access-control-allow-origin",
        "",
        "a b",
        "a:b",
        "ä",
    ],
)
def test_a_header_that_never_crosses_is_refused(name):
    with pytest.raises(ValidationError):
        check_header_names(["x-fine", name])


def test_other_headers_cross():
    check_header_names(["x-team", "accept-language", "x_y"])


# --- backends -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "url", "api_version"),
    [
        ("openai", "https://api.openai.com/v1", ""),
        ("openai", "https://eu.api.openai.com/v1/", ""),
        ("anthropic", "https://api.anthropic.com/v1", ""),
        ("gemini", "https://generativelanguage.googleapis.com/v1beta", ""),
        ("gemini", "http://127.0.0.1:8081/v1beta", ""),
        ("gemini", "http://proxy.example/google", ""),
        ("ollama", "http://127.0.0.1:11434", ""),
        ("ollama", "https://gpu.example/ollama/", ""),
        ("azure", "https://x.openai.azure.com", "2024-10-21"),
        ("azure", "https://x.openai.azure.com/openai", "2024-10-21"),
        ("azure", "https://x.openai.azure.com/openai/v1/", ""),
        ("openai_compatible", "https://generativelanguage.googleapis.com/v1beta/openai", ""),
        ("openai_compatible", "http://127.0.0.1:11434/v1", ""),
        ("simulator", "http://127.0.0.1:8081/v1", ""),
    ],
)
def test_an_address_that_a_provider_may_be_at_is_accepted(provider, url, api_version):
    check_provider_address(provider, url, api_version)


@pytest.mark.parametrize(
    ("provider", "url", "field"),
    [
        ("azure", "https://x.openai.azure.com", "api_version"),
        ("azure", "https://x.openai.azure.com/openai/deployments/gpt", "base_url"),
        ("gemini", "https://generativelanguage.googleapis.com/v1beta/openai", "base_url"),
        ("gemini", "https://generativelanguage.googleapis.com", "base_url"),
        ("ollama", "http://127.0.0.1:11434/v1", "base_url"),
        ("ollama", "http://127.0.0.1:11434/api/", "base_url"),
        ("openai", "https://api.openai.com", "base_url"),
        ("anthropic", "https://api.anthropic.com", "base_url"),
    ],
)
def test_an_address_that_a_provider_is_surely_not_at_is_refused_at_the_field(provider, url, field):
    with pytest.raises(ValidationError) as caught:
        check_provider_address(provider, url, "")

    assert list(caught.value.message_dict) == [field]


@pytest.mark.parametrize("other", ["https://api.example.com/v2", "https://API.example.com:443/v1"])
def test_the_same_server_has_the_same_origin(other):
    assert origin_of(other) == origin_of("https://api.example.com/v1")


@pytest.mark.parametrize("other", ["http://api.example.com/v1", "https://api.example.com:8443/v1", "https://example.com/v1"])
def test_another_server_has_another_origin(other):
    assert origin_of(other) != origin_of("https://api.example.com/v1")


# --- routes ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("model", "aliases"), [("gpt-4o", []), ("openai/*", ["any"]), ("*", []), ("m", ["a/b", "c:d"])])
def test_names_that_a_request_can_carry_are_accepted(model, aliases):
    check_route_names(model, aliases)


@pytest.mark.parametrize(
    ("model", "aliases", "field"),
    [
        ("a*b", [], "model"),
        ("**", [], "model"),
        (" m", [], "model"),
        ("service:/infer", [], "model"),
        ("m", [""], "aliases"),
        ("m", ["a*"], "aliases"),
        ("m", ["m"], "aliases"),
        ("m", ["service:/infer"], "aliases"),
    ],
)
def test_names_that_no_request_can_carry_are_refused_at_the_field(model, aliases, field):
    with pytest.raises(ValidationError) as caught:
        check_route_names(model, aliases)

    assert list(caught.value.message_dict) == [field]


@pytest.mark.parametrize(("model", "upstream_model"), [("m", "u"), ("a/*", "*"), ("a/*", "x-*-y"), ("a/*", "fixed")])
def test_an_upstream_model_may_have_one_star_where_the_route_has_one(model, upstream_model):
    check_upstream_model(model, upstream_model)


@pytest.mark.parametrize(("model", "upstream_model"), [("m", "*"), ("m", "u-*"), ("a/*", "*-*")])
def test_a_star_that_nothing_fills_in_is_refused(model, upstream_model):
    with pytest.raises(ValidationError):
        check_upstream_model(model, upstream_model)
