"""OpenAI's embeddings to Gemini and Ollama."""

from __future__ import annotations

from array import array
from base64 import b64decode
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import BadRequest, GatewayError, Untranslatable, UpstreamBroken
from proxy.snapshot import Target
from proxy.translators import gemini_embeddings, ollama_embeddings
from proxy.translators.translation import Translation
from proxy.wire.embeddings import parse_embeddings_request
from proxy.wire.model_request import ModelRequest
from proxy.wire.upstream_error import UpstreamErrorDetail
from proxy.wire.usage import Usage
from tests.proxy.pieces import unhurried
from tests.proxy.provider_help import SECRET, create_backend, like

GEMINI, OLLAMA = gemini_embeddings.TRANSLATION, ollama_embeddings.TRANSLATION
BOTH = pytest.mark.parametrize(("translation", "provider"), [(GEMINI, "gemini"), (OLLAMA, "ollama")])
VECTORS = [[0.5, -1.25], [0.1, 1e-3]]
GEMINI_ANSWER = {"embeddings": [{"values": vector} for vector in VECTORS]}
OLLAMA_ANSWER = {"model": "x", "embeddings": VECTORS, "total_duration": 5, "prompt_eval_count": 9}


def request(**fields: Any) -> ModelRequest:
    return parse_embeddings_request(msgspec.json.encode({"model": "embedder", "input": ["a", "b"]} | fields), 64)


def translate(translation: Translation, provider: str, asked: ModelRequest) -> Any:
    passed = [(b"openai-organization", b"ours")]
    return translation.translate_request(asked, Target(provider, "upstream-embedder"), create_backend(provider), passed)


def body_of(translation: Translation, provider: str, **fields: Any) -> Any:
    return msgspec.json.decode(translate(translation, provider, request(**fields)).body)


# --- requests -----------------------------------------------------------------------------------------------------------------------


def test_gemini_is_asked_in_one_batch():
    call = translate(GEMINI, "gemini", request(dimensions=256, user="alice", encoding_format=None))

    assert call.path == "/models/upstream-embedder:batchEmbedContents"
    assert call.headers == [(b"content-type", b"application/json"), (b"accept", b"application/json"), (b"x-goog-api-key", SECRET.encode())]
    assert msgspec.json.decode(call.body) == {
        "requests": [
            {"model": "models/upstream-embedder", "outputDimensionality": 256, "content": {"parts": [{"text": text}]}} for text in "ab"
        ]
    }


def test_ollama_is_asked_not_to_cut_what_does_not_fit():
    call = translate(OLLAMA, "ollama", request(dimensions=256))

    assert call.path == "/api/embed"
    assert (b"authorization", b"Bearer " + SECRET.encode()) in call.headers
    assert msgspec.json.decode(call.body) == {"model": "upstream-embedder", "input": ["a", "b"], "truncate": False, "dimensions": 256}


def test_one_text_is_a_batch_of_one_of_the_models_own_length():
    assert body_of(OLLAMA, "ollama", input="a") == {"model": "upstream-embedder", "input": ["a"], "truncate": False}
    assert body_of(GEMINI, "gemini", input="a") == {
        "requests": [{"model": "models/upstream-embedder", "content": {"parts": [{"text": "a"}]}}]
    }


@BOTH
@pytest.mark.parametrize(
    ("fields", "param"),
    [({"input": [1, 2]}, "input"), ({"input": [[1, 2], [3]]}, "input"), ({"input_type": "query"}, "input_type")],
)
def test_what_has_no_translation_is_refused_by_its_name(translation, provider, fields, param):
    with pytest.raises(Untranslatable) as refused:
        translate(translation, provider, request(**fields))

    assert refused.value.param == param


@BOTH
def test_unknown_encoding_is_a_bad_request(translation, provider):
    with pytest.raises(BadRequest) as refused:
        translate(translation, provider, request(encoding_format="int8"))

    assert refused.value.param == "encoding_format"


@BOTH
def test_embeddings_do_not_stream(translation, provider):
    with pytest.raises(Untranslatable):
        translation.begin_stream(request())


# --- answers ------------------------------------------------------------------------------------------------------------------------


def data(*embeddings: Any) -> list[dict[str, Any]]:
    return [{"object": "embedding", "index": at, "embedding": embedding} for at, embedding in enumerate(embeddings)]


def test_gemini_counts_nothing():
    reply = GEMINI.translate_reply(msgspec.json.encode(GEMINI_ANSWER), request())

    assert reply.usage is None
    assert msgspec.json.decode(reply.body) == {
        "object": "list",
        "data": data(*VECTORS),
        "model": "embedder",
        "usage": {"prompt_tokens": 0, "total_tokens": 0},
    }


def test_ollama_counts_what_it_read():
    reply = OLLAMA.translate_reply(msgspec.json.encode(OLLAMA_ANSWER), request(encoding_format="float"))

    assert reply.usage == Usage(fresh_input_tokens=9)
    assert msgspec.json.decode(reply.body) == {
        "object": "list",
        "data": data(*VECTORS),
        "model": "embedder",
        "usage": {"prompt_tokens": 9, "total_tokens": 9},
    }


@pytest.mark.parametrize(("translation", "answer"), [(GEMINI, GEMINI_ANSWER), (OLLAMA, OLLAMA_ANSWER)])
def test_base64_holds_little_endian_float32(translation, answer):
    reply = translation.translate_reply(msgspec.json.encode(answer), request(encoding_format="base64"))

    first, second = (b64decode(item["embedding"]) for item in msgspec.json.decode(reply.body)["data"])
    assert first == bytes.fromhex("0000003f0000a0bf")
    assert array("f", second).tolist() == pytest.approx(VECTORS[1])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b'{"embeddings": [{"values": [1]}]}',
        b'{"embeddings": [[1]]}',
        b'{"embeddings": [{"values": [1]}, {"values": [1, 2]}]}',
        b'{"embeddings": [[1], [1, 2]]}',
        b'{"embeddings": [{"values": []}, {"values": []}]}',
        b'{"embeddings": [[], []]}',
        b'{"embeddings": [{"values": ["1"]}, {"values": [1]}]}',
    ],
)
@BOTH
def test_other_vectors_than_were_asked_for_are_no_answer(translation, provider, body):
    with pytest.raises(ValueError):
        translation.translate_reply(body, request())


@pytest.mark.parametrize(("translation", "error"), [(GEMINI, {"code": 500, "message": "broken"}), (OLLAMA, "broken")])
def test_an_error_in_the_place_of_an_answer_is_raised(translation, error):
    with pytest.raises(UpstreamBroken, match="broken"):
        translation.translate_reply(msgspec.json.encode({"error": error}), request())


def test_errors_are_read_in_the_providers_dialect():
    assert OLLAMA.parse_error(404, b'{"error": "no such model"}') == UpstreamErrorDetail("no such model", error_class="not_found")
    assert GEMINI.parse_error(404, b'{"error": {"message": "no such model", "status": "NOT_FOUND"}}') == UpstreamErrorDetail(
        "no such model", code="NOT_FOUND", error_class="not_found"
    )


@unhurried
@given(st.sampled_from([GEMINI, OLLAMA]), like(GEMINI_ANSWER) | like(OLLAMA_ANSWER), st.sampled_from(["float", "base64"]))
def test_any_body_is_an_answer_or_an_error_we_know(translation, body, encoding):
    try:
        reply = translation.translate_reply(msgspec.json.encode(body), request(encoding_format=encoding))
    except (GatewayError, ValueError):
        return

    assert len(msgspec.json.decode(reply.body)["data"]) == 2
