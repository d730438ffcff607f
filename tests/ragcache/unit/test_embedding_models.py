"""What every embedding model promises, and what only one does."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ragcache.embeddings.catalog import MINILM, WORDLLAMA
from ragcache.embeddings.health import Health, check_health
from ragcache.embeddings.local import LocalModels
from ragcache.errors import ModelMissing
from tests.ragcache.embedding_help import minilm, models, static

BOTH = pytest.mark.parametrize("name", [MINILM, WORDLLAMA])


@BOTH
def test_vectors_are_float32_of_length_one(name):
    model = models().get(name)

    vectors = model.embed(["Where is my parcel?", "a", "漢字 и 😀", "x" * 5_000])

    assert vectors.dtype == np.float32
    assert vectors.shape == (4, model.dimensions)
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-5


@BOTH
def test_no_texts_have_no_vectors(name):
    model = models().get(name)

    assert model.embed([]).shape == (0, model.dimensions)


@BOTH
def test_text_has_the_same_vector_alone_and_beside_others(name):
    model = models().get(name)
    texts = ["Where is my parcel?", "word " * 100, "a"]

    together = model.embed(texts)

    assert all(np.array_equal(row, model.embed_one(text)) for row, text in zip(together, texts, strict=True))


@BOTH
def test_threads_get_the_vectors_that_one_gets(name):
    model = models().get(name)
    texts = [f"Question number {number} about parcels" for number in range(24)]
    expected = model.embed(texts)

    with ThreadPoolExecutor(4) as executor:
        vectors = list(executor.map(model.embed_one, texts))

    assert np.array_equal(np.stack(vectors), expected)


@BOTH
def test_paraphrase_is_nearer_than_another_question(name):
    asked, same, other = models().get(name).embed(["How can I reset my password?", "How do I change my password?", "Who won the match?"])

    assert float(asked @ same) > float(asked @ other) + 0.3


@BOTH
@pytest.mark.parametrize("text", ["a\ud800b", "\udfff", "null\x00byte", "\u202e right to left"])
def test_text_that_has_no_utf_8_or_no_letters_has_a_vector(name, text):
    assert np.isfinite(models().get(name).embed_one(text)).all()


@BOTH
def test_what_lies_behind_the_limit_is_not_read(name):
    model = models().get(name)
    start = "parcel " * model.max_tokens

    assert np.array_equal(model.embed_one(start), model.embed_one(start + "and a refund " * 50))


@BOTH
def test_tokens_are_counted_beyond_the_limit(name):
    model = models().get(name)

    assert 4 <= model.count_tokens("Where is my parcel?") <= 8
    assert model.count_tokens("parcel " * (model.max_tokens + 50)) > model.max_tokens
    assert model.count_tokens(" \n" * 300_000) > model.max_tokens


def test_minilm_reads_on_behind_a_word_that_is_longer_than_what_it_looked_at_first():
    start = "short words " * 125

    vector = minilm().embed_one(start + "y" * 5_000 + " end")

    assert np.array_equal(vector, minilm().embed_one(start + "y" * 200 + " end"))
    assert not np.array_equal(vector, minilm().embed_one(start + "y" * 200))


def test_minilm_of_an_empty_text_has_a_vector():
    assert np.linalg.norm(minilm().embed_one("")) == pytest.approx(1, abs=1e-5)


def test_static_vector_of_an_empty_text_is_zeros():
    assert not static().embed_one("").any()


def test_static_vector_is_the_direction_of_the_mean():
    one, two, both = static().embed(["parcel", "refund", "parcel refund"])

    assert float(both @ one) > 0.6
    assert float(both @ two) > 0.6


def test_token_vectors_belong_to_the_words_of_the_text():
    text = "Where is Żabka's parcel?"

    found = minilm().embed_tokens(text)

    assert [text[start:end].lower() for start, end in found.spans][-2:] == ["parcel", "?"]
    assert found.tokens[0] == "where"
    assert found.vectors.shape == (len(found.tokens), 384)
    assert len(found.spans) == len(found.tokens)
    assert np.abs(np.linalg.norm(found.vectors, axis=1) - 1).max() < 1e-5
    assert np.array_equal(found.vector, minilm().embed_one(text))


def test_token_vectors_are_near_between_texts_that_use_a_word_alike():
    first, second = (minilm().embed_tokens(text) for text in ("the bank of the river", "the bank of the stream"))
    money = minilm().embed_tokens("the bank lent me money")

    alike = float(first.vectors[1] @ second.vectors[1])

    assert alike > float(first.vectors[1] @ money.vectors[1]) + 0.1


@pytest.mark.parametrize("text", ["", " "])
def test_text_without_words_has_no_token_vectors(text):
    assert minilm().embed_tokens(text).vectors.shape == (0, 384)


def test_token_vectors_end_at_the_limit():
    found = minilm().embed_tokens("parcel " * 400)

    assert len(found.tokens) == len(found.spans) == len(found.vectors) == 254


def test_model_is_loaded_once_whoever_asks():
    fresh = LocalModels(models()._folder)
    barrier = threading.Barrier(4)

    def get(_):
        barrier.wait(timeout=30)
        return fresh.get(WORDLLAMA)

    with ThreadPoolExecutor(4) as executor:
        found = list(executor.map(get, range(4)))

    assert len({id(model) for model in found}) == 1


def test_ids_name_the_model_and_its_bytes():
    assert minilm().id.startswith(f"{MINILM}@")
    assert len(minilm().id) == len(MINILM) + 13
    assert minilm().id != static().id


def test_models_that_are_not_built_are_missing(tmp_path):
    empty = LocalModels(tmp_path)

    assert empty.names() == ()
    with pytest.raises(ModelMissing, match="build_models"):
        empty.get(MINILM)
    with pytest.raises(ModelMissing, match="no local model 'ada'"):
        empty.get("ada")


def test_this_machine_gives_the_known_vector():
    """Where this fails, the processor adds int8 products in another way, and cuts of the cache do not hold on it."""
    assert check_health(minilm()).similarity > 0.998


@pytest.mark.parametrize(("similarity", "latency_ms", "is_fit"), [(1.0, 2.0, True), (0.99, 2.0, False), (1.0, 30.0, False)])
def test_machine_that_is_slow_or_says_something_else_is_not_fit(similarity, latency_ms, is_fit):
    assert Health(similarity, latency_ms).is_fit is is_fit
