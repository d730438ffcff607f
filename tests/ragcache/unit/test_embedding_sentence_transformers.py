"""Models that sentence-transformers loads, behind the same port: with `make install-dev ML=1` the package itself, without it a sentence."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from ragcache.embeddings.catalog import SENTENCE_TRANSFORMERS, TOKENIZER_FILE
from ragcache.embeddings.local import LocalModels
from ragcache.embeddings.ports import Embedder
from ragcache.errors import ModelMissing
from tests.ragcache.embedding_help import need_weights
from tests.ragcache.embedding_reference import read_reference

IS_INSTALLED = importlib.util.find_spec("sentence_transformers") is not None
needs_package = pytest.mark.skipif(not IS_INSTALLED, reason="`make install-dev ML=1` installs sentence-transformers")
# torch and transformers warn of what other versions of each other will do.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(300)]

CONFIG = {
    "architectures": ["BertModel"],
    "hidden_act": "gelu",
    "hidden_size": 384,
    "intermediate_size": 1536,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 512,
    "model_type": "bert",
    "num_attention_heads": 12,
    "num_hidden_layers": 6,
    "pad_token_id": 0,
    "type_vocab_size": 2,
    "vocab_size": 30522,
}
MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
]


def write_model(folder: Path) -> Path:
    """Lay the published weights out as the package wants them."""
    weights = need_weights()
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "model.safetensors").symlink_to(weights)
    (folder / "tokenizer.json").symlink_to(weights.parent / TOKENIZER_FILE)
    for name, content in {
        "config.json": CONFIG,
        "modules.json": MODULES,
        "sentence_bert_config.json": {"max_seq_length": 256, "do_lower_case": False},
        "tokenizer_config.json": {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 512},
        "1_Pooling/config.json": {"word_embedding_dimension": 384, "pooling_mode_mean_tokens": True},
    }.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Embedder:
    folder = write_model(tmp_path_factory.mktemp("sentence") / "minilm")
    return LocalModels(folder.parent).get(f"{SENTENCE_TRANSFORMERS}{folder}")


@needs_package
def test_package_gives_the_reference_that_our_graph_is_held_to(model):
    texts, expected = zip(*read_reference(), strict=True)

    assert max(float(np.abs(model.embed_one(text) - vector).max()) for text, vector in zip(texts, expected, strict=True)) < 1e-5


@needs_package
def test_port_is_kept(model):
    vectors = model.embed(["Where is my parcel?", "a\ud800b", ""])

    assert (vectors.dtype, vectors.shape) == (np.float32, (3, 384))
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-5
    assert np.abs(vectors[0] - model.embed_one("Where is my parcel?")).max() < 1e-5
    assert model.embed([]).shape == (0, 384)
    assert (model.dimensions, model.max_tokens) == (384, 256)
    assert model.count_tokens("Where is my parcel?") == 7
    assert model.count_tokens("parcel " * 300) == 302


@needs_package
def test_id_names_the_weights_wherever_they_lie(model, tmp_path):
    again = LocalModels(tmp_path).get(f"{SENTENCE_TRANSFORMERS}{write_model(tmp_path / 'minilm')}")

    assert again.id == model.id
    assert model.id.startswith("sentence-transformers:minilm@")


@needs_package
def test_folder_or_device_that_is_not_there_is_missing(tmp_path):
    with pytest.raises(ModelMissing, match="cannot load"):
        LocalModels(tmp_path).get(f"{SENTENCE_TRANSFORMERS}{tmp_path / 'nothing'}")
    with pytest.raises(ModelMissing, match="'nowhere'"):
        LocalModels(tmp_path).get(f"{SENTENCE_TRANSFORMERS}{write_model(tmp_path / 'minilm')}", device="nowhere")


@pytest.mark.skipif(IS_INSTALLED, reason="sentence-transformers is installed")
def test_package_that_is_not_installed_says_how_it_is(tmp_path):
    with pytest.raises(ModelMissing, match="make install ML=1"):
        LocalModels(tmp_path).get(f"{SENTENCE_TRANSFORMERS}{tmp_path}")
