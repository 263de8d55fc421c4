"""Element types: their numbers in ONNX (TensorProto.DataType), their names there, and their types in the IR."""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.dialects.builtin import IntegerType, Signedness, bf16, f16, f32, f64, i1, i8, i16, i32, i64
from xdsl.ir import Attribute


def _unsigned(width: int) -> Attribute:
    return IntegerType(width, Signedness.UNSIGNED)


ELEMENTS: Mapping[int, Attribute] = {
    1: f32, 2: _unsigned(8), 3: i8, 4: _unsigned(16), 5: i16, 6: i32, 7: i64, 9: i1, 10: f16, 11: f64,
    12: _unsigned(32), 13: _unsigned(64), 16: bf16,
}  # fmt: skip
"""TensorProto.DataType -> element type."""

NUMBERS: Mapping[Attribute, int] = {element: number for number, element in ELEMENTS.items()}

NAMES: Mapping[int, str] = {
    0: "undefined", 1: "float", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "string",
    9: "bool", 10: "float16", 11: "double", 12: "uint32", 13: "uint64", 14: "complex64", 15: "complex128",
    16: "bfloat16", 17: "float8e4m3fn", 18: "float8e4m3fnuz", 19: "float8e5m2", 20: "float8e5m2fnuz", 21: "uint4",
    22: "int4", 23: "float4e2m1", 24: "float8e8m0", 25: "uint2", 26: "int2",
}  # fmt: skip


def name_of(number: int) -> str:
    """The name of an ONNX data type, for messages."""
    return NAMES.get(number, f"data type {number}")
