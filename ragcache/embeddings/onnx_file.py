"""
Writes an ONNX model: the dozen messages of its protobuf format that a graph of ours needs.

Rules: pure; the same graph gives the same bytes. Tests read the files with the `onnx` package and have its checker judge them; the
product does without it, because a file of 23 MB that is written once is no reason for 30 MB of packages.
Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

OPSET = 17
_IR_VERSION = 8
_PRODUCER = b"gatewaysite"
_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7}
_VARINT, _BYTES, _FIXED32 = 0, 2, 5
_ATTRIBUTE_FLOAT, _ATTRIBUTE_INT, _ATTRIBUTE_INTS = 1, 2, 7

Attribute = int | float | Sequence[int]
Shape = Sequence[str | int]


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of a graph; a dimension that is a string may have any length."""

    name: str
    type: str
    shape: Shape


@dataclass(slots=True)
class Graph:
    """A graph that is being written: operators in the order in which they run, and the constants that they read."""

    name: str
    _nodes: list[bytes] = field(default_factory=list)
    _constants: dict[str, bytes] = field(default_factory=dict)
    _count: int = 0

    def constant(self, name: str, values: NDArray[np.generic]) -> str:
        """
        Add an array and return its name. A 0-d array stays a scalar.

        Errors: ValueError for a name that other values have.
        """
        raw = values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
        dims = b"".join(_integer(1, length) for length in values.shape)
        written = _message(5, dims + _integer(2, _TYPES[values.dtype.name]) + _text(8, name) + _bytes(9, raw))
        if self._constants.setdefault(name, written) != written:
            raise ValueError(f"two constants have the name {name}")
        return name

    def add(self, operator: str, *inputs: str, outputs: Sequence[str] | int, **attributes: Attribute) -> tuple[str, ...]:
        """Add an operator and return the names of its outputs, which are made up where only their number is given."""
        return self._add(operator, inputs, outputs, attributes)

    def one(self, operator: str, *inputs: str, **attributes: Attribute) -> str:
        """Add an operator with one output and return its name."""
        return self._add(operator, inputs, 1, attributes)[0]

    def dump(self, inputs: Sequence[Port], outputs: Sequence[Port]) -> bytes:
        """Return the bytes of the model file."""
        graph = b"".join(self._nodes) + _text(2, self.name) + b"".join(self._constants.values())
        graph += b"".join(_message(11, _port(port)) for port in inputs) + b"".join(_message(12, _port(port)) for port in outputs)
        opset = _message(8, _text(1, "") + _integer(2, OPSET))
        return _integer(1, _IR_VERSION) + _bytes(2, _PRODUCER) + _message(7, graph) + opset

    def _add(
        self, operator: str, inputs: Sequence[str], outputs: Sequence[str] | int, attributes: Mapping[str, Attribute]
    ) -> tuple[str, ...]:
        self._count += 1
        names = tuple(f"{operator}_{self._count}_{at}" for at in range(outputs)) if isinstance(outputs, int) else tuple(outputs)
        node = b"".join(_text(1, name) for name in inputs) + b"".join(_text(2, name) for name in names)
        node += _text(3, f"{operator}_{self._count}") + _text(4, operator) + _attributes(attributes)
        self._nodes.append(_message(1, node))
        return names


def _attributes(attributes: Mapping[str, Attribute]) -> bytes:
    return b"".join(_message(5, _text(1, name) + _attribute(value)) for name, value in sorted(attributes.items()))


def _attribute(value: Attribute) -> bytes:
    if isinstance(value, int):
        return _integer(3, value) + _integer(20, _ATTRIBUTE_INT)
    if isinstance(value, float):
        return _key(2, _FIXED32) + struct.pack("<f", value) + _integer(20, _ATTRIBUTE_FLOAT)
    return b"".join(_integer(8, each) for each in value) + _integer(20, _ATTRIBUTE_INTS)


def _port(port: Port) -> bytes:
    dims = b"".join(_message(1, _integer(1, each) if isinstance(each, int) else _text(2, each)) for each in port.shape)
    return _text(1, port.name) + _message(2, _message(1, _integer(1, _TYPES[port.type]) + _message(2, dims)))


def _integer(number: int, value: int) -> bytes:
    return _key(number, _VARINT) + _varint(value & 0xFFFF_FFFF_FFFF_FFFF)  # a negative one is its two's complement


def _text(number: int, text: str) -> bytes:
    return _bytes(number, text.encode())


def _bytes(number: int, value: bytes) -> bytes:
    return _key(number, _BYTES) + _varint(len(value)) + value


_message = _bytes


def _key(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)
