"""What a client of `/v1/embeddings` reads of a local model."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ragcache.embeddings import answers
from ragcache.embeddings.answers import EmbeddingsAsked, answer_embeddings
from ragcache.errors import TextRefused
from tests.ragcache.embedding_help import ToldEmbedder, minilm, static


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as threads:
        yield threads


async def test_answer_has_the_shape_of_openai(executor):
    asked = EmbeddingsAsked("told", ("one two", "three"))

    answer = await answer_embeddings(asked, ToldEmbedder(), executor)

    assert json.loads(answer.body) == {
        "object": "list",
        "data": [
            {"object": "embedding", "index": 0, "embedding": [0.0, 1.0, 0.0]},
            {"object": "embedding", "index": 1, "embedding": [0.0, 1.0, 0.0]},
        ],
        "model": "told",
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    }
    assert answer.input_tokens == 3


async def test_numbers_and_base64_say_the_same(executor):
    text = ("Where is my parcel?",)

    numbers = json.loads((await answer_embeddings(EmbeddingsAsked("m", text), minilm(), executor)).body)
    encoded = json.loads((await answer_embeddings(EmbeddingsAsked("m", text, is_base64=True), minilm(), executor)).body)

    decoded = np.frombuffer(base64.b64decode(encoded["data"][0]["embedding"]), "<f4")
    assert np.array_equal(decoded, minilm().embed_one(text[0]))
    assert np.abs(decoded - np.array(numbers["data"][0]["embedding"])).max() < 1e-7


async def test_texts_of_several_turns_keep_their_order_and_their_own_vectors(executor):
    texts = tuple(f"Question {number} " + "about parcels " * (number % 7 * 20) for number in range(30))

    answer = await answer_embeddings(EmbeddingsAsked("m", texts, is_base64=True), static(), executor)

    data = json.loads(answer.body)["data"]
    assert [row["index"] for row in data] == list(range(30))
    vectors = np.stack([np.frombuffer(base64.b64decode(row["embedding"]), "<f4") for row in data])
    assert np.array_equal(vectors, static().embed(texts))
    assert answer.input_tokens == sum(map(static().count_tokens, texts))


@pytest.mark.parametrize("dimensions", [64, 128, 256])
async def test_static_vectors_are_cut_to_lengths_that_they_were_trained_for(executor, dimensions):
    asked = EmbeddingsAsked("m", ("Where is my parcel?",), dimensions)

    vector = json.loads((await answer_embeddings(asked, static(), executor)).body)["data"][0]["embedding"]

    start = static().embed_one("Where is my parcel?")[:dimensions]
    assert vector == pytest.approx((start / np.linalg.norm(start)).tolist(), abs=1e-6)


@pytest.mark.parametrize(("embedder", "dimensions", "allowed"), [(minilm, 128, "384"), (static, 100, "64, 128, 256")])
async def test_other_lengths_are_refused(executor, embedder, dimensions, allowed):
    with pytest.raises(TextRefused, match=rf"dimensions': this model's are {allowed}\.") as refused:
        await answer_embeddings(EmbeddingsAsked("m", ("a",), dimensions), embedder(), executor)

    assert refused.value.param == "dimensions"


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (("fine", ""), r"input\[1\]' is an empty text"),
        (("one two three four five",), r"input\[0\]' has more than the 4 tokens"),
        (("a",) * 2_049, "2049 texts; at most 2048"),
    ],
)
async def test_texts_that_cannot_be_embedded_whole_are_refused(executor, texts, message):
    with pytest.raises(TextRefused, match=message) as refused:
        await answer_embeddings(EmbeddingsAsked("m", texts), ToldEmbedder(), executor)

    assert refused.value.param == "input"


async def test_refusal_names_the_text_of_a_later_turn(executor):
    texts = (*("x" * 500 for _ in range(9)), "")

    with pytest.raises(TextRefused, match=r"input\[9\]'"):
        await answer_embeddings(EmbeddingsAsked("m", texts), ToldEmbedder(), executor)


async def test_requests_with_too_many_tokens_are_refused(executor, monkeypatch):
    monkeypatch.setattr(answers, "MAX_REQUEST_TOKENS", 5)

    with pytest.raises(TextRefused, match="more than 5 tokens"):
        await answer_embeddings(EmbeddingsAsked("m", ("one two three",) * 2), ToldEmbedder(), executor)


async def test_caller_that_leaves_ends_the_work(executor):
    loop = asyncio.get_running_loop()
    begun = asyncio.Event()
    embedder = ToldEmbedder(lambda: loop.call_soon_threadsafe(begun.set))
    task = asyncio.create_task(answer_embeddings(EmbeddingsAsked("m", ("x" * 3_000,) * 1_000), embedder, executor))

    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    executor.shutdown()

    assert len(embedder.seen) < 1_000
