"""The graph that we build says what sentence-transformers says, and is a file that others can read."""

from __future__ import annotations

import hashlib

import numpy as np
import onnx
import pytest

from ragcache.embeddings.catalog import MODEL_FILE, TOKENIZER_FILE
from ragcache.embeddings.files import get_built
from ragcache.embeddings.minilm import make_session
from ragcache.embeddings.minilm_graph import build_minilm
from ragcache.embeddings.onnx_file import Graph, Port
from ragcache.embeddings.safetensors import read_safetensors
from ragcache.embeddings.tokenizing import Tokenizer
from tests.ragcache.embedding_help import minilm, need_weights
from tests.ragcache.embedding_reference import TEXTS, read_reference

REFERENCE = read_reference()


@pytest.fixture(scope="module")
def weights():
    return read_safetensors(need_weights())


def vectors_of(session, texts):
    tokenizer = Tokenizer(need_weights().parent / TOKENIZER_FILE, 256, has_special_tokens=True)
    return [session.run(["vector"], {"ids": np.array([tokenizer.read(text).ids], np.int64)})[0][0] for text in texts]


def test_reference_holds_the_texts_that_are_written_beside_it():
    assert [text for text, _ in REFERENCE] == list(TEXTS)
    assert all(vector.shape == (384,) and abs(float(vector @ vector) - 1) < 1e-5 for _, vector in REFERENCE)


def test_graph_before_quantising_equals_sentence_transformers(weights):
    session = make_session(build_minilm(weights, is_quantised=False))

    vectors = vectors_of(session, TEXTS)

    differences = [float(np.abs(ours - theirs).max()) for ours, (_, theirs) in zip(vectors, REFERENCE, strict=True)]
    assert max(differences) < 1e-5  # a thousandth is asked for; this is rounding


def test_built_file_is_near_the_reference():
    """int8 turns a vector by some degrees; what must not happen is that it turns one by many."""
    model = minilm()

    similarities = [float(model.embed_one(text) @ vector) for text, vector in REFERENCE]

    assert min(similarities) > 0.97
    assert sum(similarities) / len(similarities) > 0.99


def test_quantised_graph_has_the_same_bytes_on_each_build(weights):
    built = build_minilm(weights, is_quantised=True)

    assert hashlib.sha256(built).hexdigest() == hashlib.sha256(build_minilm(weights, is_quantised=True)).hexdigest()
    assert built == get_built(need_weights().parents[1], "all-minilm-l6-v2").path(MODEL_FILE).read_bytes()


def test_quantised_graph_is_the_one_that_cuts_are_calibrated_on(weights):
    """Another digest is another model: a new recipe in the catalog, and cuts and weights of the verifier made again."""
    digest = hashlib.sha256(build_minilm(weights, is_quantised=True)).hexdigest()

    assert digest == "2fe3236f1b6acf1cbf0a927981830781d9a12166bb99b6018b24173d723254e4"


@pytest.mark.parametrize("is_quantised", [False, True])
def test_graph_passes_the_checker_of_onnx(weights, is_quantised):
    model = onnx.load_from_string(build_minilm(weights, is_quantised=is_quantised))

    onnx.checker.check_model(model, full_check=True)

    assert [(each.domain, each.version) for each in model.opset_import] == [("", 17)]
    assert [each.name for each in model.graph.input] == ["ids"]
    assert [each.name for each in model.graph.output] == ["vector", "token_vectors"]


def test_fp32_graph_does_not_mind_what_is_embedded_beside_a_text(weights):
    session = make_session(build_minilm(weights, is_quantised=False))
    ids = np.array([[101, 2129, 2079, 1045, 102], [101, 7592, 2088, 999, 102]], np.int64)

    together = session.run(["vector"], {"ids": ids})[0]

    alone = np.concatenate([session.run(["vector"], {"ids": row[None]})[0] for row in ids])
    assert np.abs(together - alone).max() < 1e-5


def test_file_with_every_kind_of_attribute_and_number_is_read_by_onnx():
    graph = Graph("small")
    graph.constant("scalar", np.array(2.5, np.float32))
    graph.constant("matrix", np.arange(300, dtype=np.int64).reshape(150, 2) - 150)
    graph.add("Softmax", "x", outputs=["y"], axis=-1)
    graph.add("LayerNormalization", "x", "x", "x", outputs=["z"], epsilon=1e-12)
    graph.add("Transpose", "x", outputs=["t"], perm=[1, 0])

    model = onnx.load_from_string(graph.dump([Port("x", "float32", ("rows", 200))], [Port("y", "float32", ("rows", 200))]))

    assert onnx.numpy_helper.to_array(model.graph.initializer[0]).tolist() == 2.5
    assert onnx.numpy_helper.to_array(model.graph.initializer[1]).tolist() == (np.arange(300).reshape(150, 2) - 150).tolist()
    assert [onnx.helper.get_attribute_value(node.attribute[0]) for node in model.graph.node] == [-1, pytest.approx(1e-12), [1, 0]]
    shape = model.graph.input[0].type.tensor_type.shape.dim
    assert (shape[0].dim_param, shape[1].dim_value) == ("rows", 200)


def test_two_constants_of_one_name_are_refused_unless_they_are_equal():
    graph = Graph("small")

    assert graph.constant("a", np.array([1], np.int64)) == graph.constant("a", np.array([1], np.int64))
    with pytest.raises(ValueError, match="name a"):
        graph.constant("a", np.array([2], np.int64))
