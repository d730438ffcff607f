"""Chat requests and answers to providers that speak the dialect: what changes on the way, and that nothing else does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from common.secret import Secret
from proxy.errors import UpstreamBroken
from proxy.ports import Endpoint, Timeouts
from proxy.snapshot import Backend, Target
from proxy.translators.direct_chat import DIRECT
from proxy.translators.translation import TranslatedReply, UpstreamCall
from proxy.translators.vendors import VENDORS
from proxy.wire.model_request import ModelRequest
from proxy.wire.openai import parse_chat_request
from proxy.wire.usage import Usage
from tests.proxy.chat_help import answer
from tests.proxy.provider_help import SECRET, create_backend
from tests.proxy.recorded import recorded_exchanges

MINIMAL: dict[str, Any] = {"model": "gpt", "messages": [{"role": "user", "content": "Hello!"}]}
OPENAI = create_backend("openai")


def _parse(body: Any) -> ModelRequest:
    return parse_chat_request(body if isinstance(body, bytes) else json.dumps(body).encode(), 64)


def _call(body: Any, upstream_model: str = "gpt", backend: Backend = OPENAI) -> UpstreamCall:
    return DIRECT.translate_request(_parse(body), Target("main", upstream_model), backend, [(b"openai-organization", b"org")])


def _sent(body: Any, upstream_model: str = "gpt", vendor: str = "") -> dict[str, Any]:
    """Return what an upstream gets for a request."""
    backend = create_backend("openai_compatible", vendor=vendor)
    sent: dict[str, Any] = json.loads(_call(body, upstream_model, backend).body)
    return sent


# --- the call ---------------------------------------------------------------------------------------------------------------------


def test_a_call_carries_the_backend_s_credential_and_the_headers_that_may_cross():
    call = _call(MINIMAL)

    assert (call.method, call.path) == ("POST", "/chat/completions")
    assert call.headers == [
        (b"content-type", b"application/json"),
        (b"accept", b"application/json"),
        (b"openai-organization", b"org"),
        (b"authorization", b"Bearer " + SECRET.encode()),
    ]


def test_a_stream_is_asked_for_as_events():
    assert (b"accept", b"text/event-stream") in _call(MINIMAL | {"stream": True}).headers


def test_a_backend_without_a_credential_gets_none():
    assert all(name != b"authorization" for name, _ in _call(MINIMAL, backend=create_backend("openai_compatible", "")).headers)


@pytest.mark.parametrize(
    ("base", "api_version", "path"),
    [
        ("", "2024-10-21", "/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21"),
        ("/openai", "2024-10-21", "/deployments/my%20gpt/chat/completions?api-version=2024-10-21"),
        ("/openai/v1", "", "/chat/completions"),
    ],
)
def test_azure_has_paths_and_a_header_of_its_own(base, api_version, path):
    endpoint = Endpoint("https", "my.openai.azure.com", 443, base)
    call = _call(MINIMAL, "my gpt", Backend("a", "azure", endpoint, Timeouts(), Secret("key"), api_version=api_version))

    assert call.path == path
    assert (b"api-key", b"key") in call.headers
    assert json.loads(call.body)["model"] == "my gpt"


# --- the body ---------------------------------------------------------------------------------------------------------------------


def test_every_field_passes_as_it_was_written():
    extra = {
        "temperature": 0.30000000000000004,
        "seed": 2**80,
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        "logit_bias": {"50256": -100},
        "response_format": {"type": "json_object"},
        "metadata": {"ü": "🔑"},
        "invented_by_nobody": [None, True, {"deep": [1.0, 1e-7]}],
    }

    assert _sent(MINIMAL | extra) == MINIMAL | extra


def test_numbers_keep_their_spelling():
    body = b'{"model":"gpt","messages":[{"role":"user"}],"a":1.0,"b":1e5,"c":123456789012345678901234567890,"d":-0}'

    sent = _call(body).body

    assert all(part in sent for part in (b'"a":1.0', b'"b":1e5', b'"c":123456789012345678901234567890', b'"d":-0'))


def test_the_upstream_gets_its_own_name_of_the_model():
    assert _sent(MINIMAL, 'org/model-7b "x"') == MINIMAL | {"model": 'org/model-7b "x"'}


@pytest.mark.parametrize("spelling", [b'"model"', b'"mod\\u0065l"', b'"\\u006dodel"'])
def test_of_a_repeated_name_the_last_value_is_checked_and_sent(spelling):
    body = b'{"model":"allowed","messages":[{"role":"user"}],' + spelling + b':"forbidden"}'

    assert _parse(body).model == "forbidden"
    sent = _call(body, "forbidden").body
    assert json.loads(sent)["model"] == "forbidden"
    assert sent.count(b"model") == 1
    assert b"allowed" not in sent


def test_a_stream_always_asks_the_upstream_for_usage():
    assert _sent(MINIMAL | {"stream": True})["stream_options"] == {"include_usage": True}
    assert _sent(MINIMAL | {"stream": True, "stream_options": None})["stream_options"] == {"include_usage": True}
    assert _sent(MINIMAL | {"stream": True, "stream_options": {"include_usage": False}})["stream_options"] == {"include_usage": True}
    assert _sent(MINIMAL | {"stream": True, "stream_options": {"include_usage": True}})["stream_options"] == {"include_usage": True}


def test_other_stream_options_stay():
    options = {"include_obfuscation": False, "future": [1]}

    assert _sent(MINIMAL | {"stream": True, "stream_options": options})["stream_options"] == options | {"include_usage": True}


def test_a_whole_answer_asks_for_nothing_more():
    assert _sent(MINIMAL) == MINIMAL


# --- vendors ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vendor", "fields", "changed"),
    [
        ("", {"max_completion_tokens": 5}, {"max_completion_tokens": 5}),
        ("unheard-of", {"max_completion_tokens": 5, "seed": 1}, {"max_completion_tokens": 5, "seed": 1}),
        ("groq", {"max_completion_tokens": 5, "seed": 1}, {"max_completion_tokens": 5, "seed": 1}),
        ("deepseek", {"max_completion_tokens": 5}, {"max_tokens": 5}),
        ("deepseek", {"max_tokens": 9}, {"max_tokens": 9}),
        ("deepseek", {"max_completion_tokens": 5, "max_tokens": 9}, {"max_tokens": 5}),
        ("deepseek", {"max_completion_tokens": None, "max_tokens": 9}, {"max_tokens": 9}),
        ("vllm", {"max_completion_tokens": 5, "top_k": 3}, {"max_tokens": 5, "top_k": 3}),
        ("mistral", {"seed": 7, "max_completion_tokens": 5}, {"random_seed": 7, "max_tokens": 5}),
        ("mistral", {"tool_choice": "required"}, {"tool_choice": "any"}),
        ("mistral", {"tool_choice": "auto"}, {"tool_choice": "auto"}),
        ("mistral", {"tool_choice": {"type": "function", "function": {"name": "required"}}}, None),
        ("mistral", {"user": "u", "safety_identifier": "s", "store": False, "metadata": {"a": "b"}}, {"metadata": {"a": "b"}}),
        ("mistral", {"logit_bias": {"1": 2}}, {"logit_bias": {"1": 2}}),
    ],
)
def test_a_vendor_is_spoken_to_in_its_words(vendor, fields, changed):
    assert _sent(MINIMAL | fields, vendor=vendor) == MINIMAL | (fields if changed is None else changed)


def test_a_vendor_that_refuses_stream_options_gets_none():
    assert _sent(MINIMAL | {"stream": True}, vendor="mistral") == MINIMAL | {"stream": True}
    assert _sent(MINIMAL | {"stream": True, "stream_options": {"include_usage": True}}, vendor="mistral") == MINIMAL | {"stream": True}


@pytest.mark.parametrize("vendor", sorted(VENDORS))
def test_what_no_vendor_changes_passes_to_all_of_them(vendor):
    extra = {"temperature": 0.5, "tools": [], "response_format": {"type": "json_object"}, "unheard_of": 1}

    assert _sent(MINIMAL | extra, vendor=vendor) == MINIMAL | extra


# --- answers ----------------------------------------------------------------------------------------------------------------------


def test_an_answer_passes_untouched_and_is_counted():
    body = b'{ "unheard_of": 1.0, ' + answer(usage={"prompt_tokens": 5, "completion_tokens": 3})[1:]

    assert DIRECT.translate_reply(body, _parse(MINIMAL)) == TranslatedReply(body, Usage(5, 3))


def test_an_error_inside_of_a_200_is_the_provider_s():
    with pytest.raises(UpstreamBroken, match=r"\(rate_limit\): slow down"):
        DIRECT.translate_reply(b'{"error": {"message": "slow down", "code": 429}}', _parse(MINIMAL))


def test_every_recorded_answer_passes_untouched():
    counted = {}
    for exchange in recorded_exchanges():
        if not exchange["path"].endswith("/chat/completions") or exchange["status"] != 200 or not isinstance(exchange["response"], dict):
            continue
        body = json.dumps(exchange["response"]).encode()
        reply = DIRECT.translate_reply(body, _parse(MINIMAL))
        given = exchange["response"]["usage"]
        assert reply.body is body
        assert reply.usage is not None
        assert (reply.usage.input_tokens, reply.usage.output_tokens) == (given["prompt_tokens"], given["completion_tokens"])
        counted[exchange["name"]] = reply.usage
    assert len(counted) > 80
    assert counted["test_deepseek_deferred_capability_with_thinking#0"] == Usage(51, 56, cache_read_tokens=512, reasoning_tokens=60)
    assert counted["test_audio_as_binary_content_input#0"].audio_input_tokens == 44
    assert counted["test_tool_choice_matrix[required-mistral]#0"] == Usage(1, 12, cache_read_tokens=69)


@pytest.mark.parametrize("provider", ["openai", "azure", "openai_compatible", "simulator"])
def test_every_recorded_request_is_sent_as_it_was(provider):
    for exchange in recorded_exchanges():
        if exchange["path"].endswith("/chat/completions"):
            sent = json.loads(_call(exchange["request"], exchange["request"]["model"], create_backend(provider)).body)
            asked = {"stream_options": {"include_usage": True}} if exchange["request"].get("stream") else {}
            assert sent == exchange["request"] | asked
