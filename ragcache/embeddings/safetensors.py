"""Reads a safetensors file: eight bytes say how long the JSON is that says where each tensor lies. Nothing is copied."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from ragcache.errors import ModelDamaged

_TYPES = {"F32": "<f4", "F16": "<f2", "I64": "<i8"}
_MAX_HEADER_BYTES = 1_000_000


class _Tensor(msgspec.Struct):
    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]


def read_safetensors(path: Path) -> dict[str, NDArray[np.generic]]:
    """
    Return the tensors of a file as read-only views of it: pages are read when they are used, and shared by all processes.

    Errors: ModelDamaged for a file that is not in this format or holds a type of tensor that no model of ours has.
    """
    try:
        data = np.memmap(path, dtype=np.uint8, mode="r")
        length = int.from_bytes(data[:8].tobytes(), "little")
        if not 0 < length <= _MAX_HEADER_BYTES:
            raise ValueError("its head is too long")
        head = msgspec.json.decode(data[8 : 8 + length].tobytes(), type=dict[str, msgspec.Raw])
        body = data[8 + length :]
        return {name: _view(body, msgspec.json.decode(raw, type=_Tensor)) for name, raw in head.items() if name != "__metadata__"}
    except (OSError, ValueError, KeyError, msgspec.DecodeError) as error:
        raise ModelDamaged(f"{path} is no safetensors file: {error}") from error


def _view(body: NDArray[np.uint8], tensor: _Tensor) -> NDArray[np.generic]:
    start, end = tensor.data_offsets
    return body[start:end].view(_TYPES[tensor.dtype]).reshape(tensor.shape)
