"""Element types of StableHLO, by how MLIR writes them, as types of the IR."""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.dialects.builtin import IntegerType, Signedness, bf16, f16, f32, f64, i1, i8, i16, i32, i64
from xdsl.ir import Attribute

ELEMENTS: Mapping[str, Attribute] = {
    "i1": i1, "i8": i8, "i16": i16, "i32": i32, "i64": i64, "bf16": bf16, "f16": f16, "f32": f32, "f64": f64,
    **{f"ui{width}": IntegerType(width, Signedness.UNSIGNED) for width in (8, 16, 32, 64)},
}  # fmt: skip
"""How MLIR writes an element type -> the type here. Complex numbers and what is smaller than a byte are not there."""
