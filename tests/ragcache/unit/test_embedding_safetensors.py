"""Files of tensors: what is read, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ragcache.embeddings.safetensors import read_safetensors
from ragcache.errors import ModelDamaged


def dump(head: object, body: bytes) -> bytes:
    written = json.dumps(head).encode()
    return len(written).to_bytes(8, "little") + written + body


def test_tensors_are_views_of_the_file(tmp_path):
    path = tmp_path / "tensors"
    head = {
        "__metadata__": {"format": "pt"},
        "half": {"dtype": "F16", "shape": [2, 2], "data_offsets": [0, 8]},
        "single": {"dtype": "F32", "shape": [3], "data_offsets": [8, 20]},
    }
    path.write_bytes(dump(head, np.array([1, 2, 3, 4], "<f2").tobytes() + np.array([5, 6, 7], "<f4").tobytes()))

    tensors = read_safetensors(path)

    assert {name: tensor.tolist() for name, tensor in tensors.items()} == {"half": [[1, 2], [3, 4]], "single": [5, 6, 7]}
    assert not any(tensor.flags.writeable for tensor in tensors.values())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x05",
        b"\xff" * 64,
        dump({"a": {"dtype": "F32"}}, b""),
        dump({"a": {"dtype": "I4", "shape": [1], "data_offsets": [0, 4]}}, b"\0" * 4),
        dump({"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 4]}}, b"\0" * 4),
        dump({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, b"\0" * 4),
        dump([1], b""),
        (8).to_bytes(8, "little") + b"not json",
    ],
)
def test_other_files_are_damaged(tmp_path, content):
    path = tmp_path / "tensors"
    path.write_bytes(content)

    with pytest.raises(ModelDamaged, match="no safetensors file"):
        read_safetensors(path)


def test_file_that_is_not_there_is_damaged(tmp_path):
    with pytest.raises(ModelDamaged):
        read_safetensors(tmp_path / "nowhere")
