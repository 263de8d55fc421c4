"""Cuts the large tensors out of an ONNX file before protobuf reads it: a parsed model would hold a second copy of them.

A protobuf message is a row of fields, each a key (number and wire type) and a value. The messages that can hold tensors
are walked; where a tensor has its bytes in one piece, a ticket of a few bytes takes their place and the piece stays in
the file, which is mapped. What is left is an ordinary ONNX model of some kilobytes.

https://protobuf.dev/programming-guides/encoding, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from neuralc.grammar.diagnostics import NeuralcError, error

SMALL = 1024
"""Bytes up to which a message is taken as it is."""

MAX_DEPTH = 64
"""Graphs within graphs that are walked; protobuf itself refuses more than 100 messages in one another."""

MAX_FIELDS = 1 << 18
"""Fields of one message: a quarter of a million nodes."""

Message: TypeAlias = str

FIELDS: Mapping[Message, Mapping[int, Message]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
"""Which fields of a message hold messages that can hold tensors."""

RAW_DATA, FLOAT_DATA, DOUBLE_DATA = 9, 4, 10
CONTENTS = (RAW_DATA, FLOAT_DATA, DOUBLE_DATA)
"""Fields of a tensor that are its values as little-endian bytes (packed floats are no different from raw ones)."""

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


@dataclass
class Pieces:
    """The parts of a file that were cut out, by ticket."""

    data: memoryview
    places: list[tuple[int, int]] = field(default_factory=list)
    secret: bytes = field(default_factory=lambda: os.urandom(16))
    """Begins every ticket of this reading: no bytes of a model can pass for one."""

    def issue(self, start: int, end: int) -> bytes:
        self.places.append((start, end))
        return self.secret + (len(self.places) - 1).to_bytes(8, "little")

    def find(self, raw: bytes) -> memoryview | None:
        """The piece that a ticket stands for; None for bytes that are no ticket."""
        if len(raw) != 24 or not raw.startswith(self.secret):
            return None
        start, end = self.places[int.from_bytes(raw[16:], "little")]
        return self.data[start:end]


def cut(data: memoryview) -> tuple[bytes, Pieces]:
    """A model without its large tensors, and those. Raises NeuralcError E0610 for what is no protobuf message."""
    pieces = Pieces(data)
    return b"".join(_Walk(data, pieces).message("model", 0, len(data), 0)), pieces


@dataclass(frozen=True)
class _Walk:
    data: memoryview
    pieces: Pieces

    def message(self, kind: Message, start: int, end: int, depth: int) -> list[bytes | memoryview]:
        """The message as pieces of bytes."""
        out: list[bytes | memoryview] = []
        copied = start  # everything before is in `out`
        position, count = start, 0
        while position < end:
            count += 1
            if count > MAX_FIELDS:
                raise malformed(f"a {kind} of more than {MAX_FIELDS} fields")
            begin = position
            key, position = self.varint(position, end)
            number, wire_type = key >> 3, key & 7
            if wire_type != BYTES:
                position = self.skip(wire_type, position, end)
                continue
            length, position = self.varint(position, end)
            if length > end - position:
                raise malformed(f"a part of {length} bytes is announced where {end - position} are left")
            inner = FIELDS[kind].get(number)
            new: list[bytes | memoryview] | None = None
            if kind == "tensor" and number in CONTENTS and length > SMALL:
                ticket = self.pieces.issue(position, position + length)
                new, number = [ticket], RAW_DATA
            elif inner is not None and length > SMALL and depth < MAX_DEPTH:
                new = self.message(inner, position, position + length, depth + 1)
            position += length
            if new is not None:
                size = sum(map(len, new))
                out += [self.data[copied:begin], encode(number << 3 | BYTES), encode(size), *new]
                copied = position
        out.append(self.data[copied:end])
        return out

    def skip(self, wire_type: int, position: int, end: int) -> int:
        if wire_type == VARINT:
            return self.varint(position, end)[1]
        width = {FIXED64: 8, FIXED32: 4}.get(wire_type)
        if width is None:
            raise malformed(f"a field has wire type {wire_type}")
        if position + width > end:
            raise malformed("it ends within a number")
        return position + width

    def varint(self, position: int, end: int) -> tuple[int, int]:
        value = shift = 0
        while position < end and shift < 70:
            byte = self.data[position]
            position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, position
            shift += 7
        raise malformed("it ends within a number" if shift < 70 else "a number has more than 64 bits")


def encode(value: int) -> bytes:
    """A number as a varint."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def malformed(reason: str) -> NeuralcError:
    return error("E0610", "this is not a whole ONNX model", note=reason, help="export it again, or copy it whole")
