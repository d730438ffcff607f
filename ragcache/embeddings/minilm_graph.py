"""
The graph of all-MiniLM-L6-v2, from its weights: a BERT of six layers, the mean over its tokens, and their normalisation.

Rules: no padding and no mask. A batch holds texts of one length, and what an int8 graph says of a text depends on its batch: one scale is
taken for the whole input of a multiplication. So batches are of one where vectors are compared.
Quantised are the multiplications with weights (int8 per channel, inputs uint8 per call) and the table of words (int8 per word); what is
added, normalised and attended to stays float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragcache.embeddings.onnx_file import Graph, Port

LAYERS, HEADS, WIDTH = 6, 12, 384
HEAD_WIDTH = WIDTH // HEADS
_EPSILON = 1e-12
_INT8_LIMIT = 127.0

Floats = NDArray[np.float32]


def build_minilm(weights: Mapping[str, NDArray[Any]], *, is_quantised: bool) -> bytes:
    """
    Return the model as the bytes of an ONNX file.

    Shapes: input `ids` int64 (batch, tokens), special tokens included; outputs `vector` float32 (batch, 384), rows L2-normalised, and
    `token_vectors` float32 (batch, tokens, 384), which are not.
    Errors: KeyError when a tensor of BERT is missing. Cost: half a second, and 200 MB. Guarantee: the same weights give the same bytes.
    """
    return _Builder(Graph("all-minilm-l6-v2"), weights, is_quantised).build()


@dataclass(frozen=True, slots=True)
class _Builder:
    graph: Graph
    weights: Mapping[str, NDArray[Any]]
    is_quantised: bool

    def build(self) -> bytes:
        state = self._embed_words()
        for layer in range(LAYERS):
            prefix = f"encoder.layer.{layer}."
            state = self._attend(state, prefix)
            state = self._feed_forward(state, prefix)
        graph = self.graph
        graph.add("Identity", state, outputs=["token_vectors"])
        mean = graph.one("ReduceMean", state, axes=[1], keepdims=0)
        length = graph.one("ReduceL2", mean, axes=[1], keepdims=1)
        graph.add("Div", mean, length, outputs=["vector"])
        return graph.dump(
            [Port("ids", "int64", ("batch", "tokens"))],
            [Port("vector", "float32", ("batch", WIDTH)), Port("token_vectors", "float32", ("batch", "tokens", WIDTH))],
        )

    def _embed_words(self) -> str:
        graph = self.graph
        words = self._look_up("words", self.weights["embeddings.word_embeddings.weight"])
        # Every text is of type 0, so its row is a part of all positions.
        table = self.weights["embeddings.position_embeddings.weight"] + self.weights["embeddings.token_type_embeddings.weight"][0]
        graph.constant("axis_0", np.array([0], np.int64))
        tokens_count = graph.one("Slice", graph.one("Shape", "ids"), self._numbers("one", 1), self._numbers("two", 2), "axis_0")
        positions = graph.one("Slice", graph.constant("positions", table), self._numbers("zero", 0), tokens_count, "axis_0")
        return self._normalise(graph.one("Add", words, positions), "embeddings.LayerNorm")

    def _look_up(self, name: str, table: Floats) -> str:
        graph = self.graph
        if not self.is_quantised:
            return graph.one("Gather", graph.constant(name, table), "ids")
        quantised, scales = _quantise(table.T)
        rows = graph.one("Cast", graph.one("Gather", graph.constant(f"{name}_int8", np.ascontiguousarray(quantised.T)), "ids"), to=1)
        return graph.one("Mul", rows, graph.one("Gather", graph.constant(f"{name}_scale", scales[:, None]), "ids"))

    def _attend(self, state: str, prefix: str) -> str:
        graph = self.graph
        projected = self._project(state, f"{prefix}qkv", *self._query_key_value(f"{prefix}attention.self."))
        heads = [graph.one("Reshape", part, self._numbers("heads", 0, 0, HEADS, HEAD_WIDTH)) for part in self._split(projected)]
        query, value = (graph.one("Transpose", part, perm=[0, 2, 1, 3]) for part in (heads[0], heads[2]))
        key = graph.one("Transpose", heads[1], perm=[0, 2, 3, 1])
        shares = graph.one("Softmax", graph.one("MatMul", query, key), axis=-1)
        mixed = graph.one("Transpose", graph.one("MatMul", shares, value), perm=[0, 2, 1, 3])
        joined = graph.one("Reshape", mixed, self._numbers("joined", 0, 0, WIDTH))
        return self._add_and_normalise(state, self._dense(joined, f"{prefix}attention.output.dense"), f"{prefix}attention.output.LayerNorm")

    def _query_key_value(self, prefix: str) -> tuple[Floats, Floats]:
        """One multiplication instead of three; the scale of the scores is a part of the query's weights."""
        scale = np.float32(1 / np.sqrt(HEAD_WIDTH))
        parts = [(self.weights[f"{prefix}{name}.weight"].T, self.weights[f"{prefix}{name}.bias"]) for name in ("query", "key", "value")]
        parts[0] = (parts[0][0] * scale, parts[0][1] * scale)
        return np.concatenate([weight for weight, _ in parts], axis=1), np.concatenate([bias for _, bias in parts])

    def _split(self, projected: str) -> tuple[str, ...]:
        return self.graph.add("Split", projected, self._numbers("thirds", WIDTH, WIDTH, WIDTH), outputs=3, axis=2)

    def _feed_forward(self, state: str, prefix: str) -> str:
        wide = self._gelu(self._dense(state, f"{prefix}intermediate.dense"))
        return self._add_and_normalise(state, self._dense(wide, f"{prefix}output.dense"), f"{prefix}output.LayerNorm")

    def _gelu(self, state: str) -> str:
        graph = self.graph
        inner = graph.one("Erf", graph.one("Div", state, self._scalar("root_of_two", np.sqrt(2))))
        product = graph.one("Mul", state, graph.one("Add", inner, self._scalar("one_float", 1)))
        return graph.one("Mul", product, self._scalar("half", 0.5))

    def _dense(self, state: str, name: str) -> str:
        return self._project(state, name, self.weights[f"{name}.weight"].T, self.weights[f"{name}.bias"])

    def _project(self, state: str, name: str, weight: Floats, bias: Floats) -> str:
        graph = self.graph
        if not self.is_quantised:
            product = graph.one("MatMul", state, graph.constant(f"{name}.weight", np.ascontiguousarray(weight)))
            return graph.one("Add", product, graph.constant(f"{name}.bias", bias))
        # In this very order onnxruntime makes one operator of the five.
        quantised, scales = _quantise(weight)
        values, scale, zero = graph.add("DynamicQuantizeLinear", state, outputs=3)
        zeros = graph.constant(f"{name}.zero", np.zeros(len(scales), np.int8))
        product = graph.one("MatMulInteger", values, graph.constant(f"{name}.int8", quantised), zero, zeros)
        both_scales = graph.one("Mul", scale, graph.constant(f"{name}.scale", scales))
        product = graph.one("Mul", graph.one("Cast", product, to=1), both_scales)
        return graph.one("Add", product, graph.constant(f"{name}.bias", bias))

    def _add_and_normalise(self, state: str, change: str, name: str) -> str:
        return self._normalise(self.graph.one("Add", change, state), name)

    def _normalise(self, state: str, name: str) -> str:
        graph = self.graph
        weight, bias = (graph.constant(f"{name}.{part}", self.weights[f"{name}.{part}"]) for part in ("weight", "bias"))
        return graph.one("LayerNormalization", state, weight, bias, axis=-1, epsilon=_EPSILON)

    def _numbers(self, name: str, *values: int) -> str:
        return self.graph.constant(name, np.array(values, np.int64))

    def _scalar(self, name: str, value: float) -> str:
        return self.graph.constant(name, np.array(value, np.float32))


def _quantise(weight: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Return `weight` (inputs, outputs) as int8 with a scale for each output: symmetric, so that no offset is subtracted."""
    scales = np.maximum(np.abs(weight).max(axis=0), np.float32(1e-12)) / np.float32(_INT8_LIMIT)
    return np.ascontiguousarray(np.rint(weight / scales).astype(np.int8)), scales.astype(np.float32)
