"""How kernel types look in LLVM: element types in registers and in memory, and tiles as grids of vectors.

A tile of shape [.., n] with lanes v is a grid of shape [.., n / v] of `<v x T>`, row-major; with v1 the grid has the
shape of the tile and holds scalars. `i1` lives in memory as a byte, as numpy's bool does; `bf16` is its
bits everywhere.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from llvmlite import ir
from numpy.typing import NDArray
from xdsl.dialects.builtin import BFloat16Type, Float16Type, Float32Type, Float64Type, IntegerType, Signedness, i1
from xdsl.ir import Attribute

from neuralc.dialects.kernel.types import TileType
from neuralc.dialects.types import element_bytes

Value: TypeAlias = Any
"""An LLVM value; llvmlite has no type stubs."""
Grid: TypeAlias = NDArray[Any]
"""The LLVM values of a tile, in an array of objects."""

I1, I8, I16, I32, I64 = (ir.IntType(width) for width in (1, 8, 16, 32, 64))
POINTER = ir.PointerType()


class BFloatType(ir.IntType):  # type: ignore[misc]
    """The 16 bits of a bf16: LLVM sees an integer, and `constant` writes the bits of a number."""

    def __new__(cls) -> BFloatType:
        type_ = object.__new__(cls)  # llvmlite's own gives the one i16 there is
        type_.width = 16
        return type_


BFLOAT = BFloatType()

_FLOATS: dict[type[Attribute], Any] = {
    Float16Type: ir.HalfType(),
    BFloat16Type: BFLOAT,
    Float32Type: ir.FloatType(),
    Float64Type: ir.DoubleType(),
}


def element(element_type: Attribute) -> Any:
    """The LLVM type of one element in a register."""
    if isinstance(element_type, IntegerType):
        return ir.IntType(element_type.width.data)
    return _FLOATS[type(element_type)]


def vector(element_type: Attribute, lanes: int) -> Any:
    """`<lanes x T>`, or T where there is one lane."""
    return with_lanes(element(element_type), lanes)


def with_lanes(type_: Any, lanes: int) -> Any:
    return ir.VectorType(type_, lanes) if lanes > 1 else type_


def lanes_of(value: Value) -> int:
    """How many lanes an LLVM value has; 1 for a scalar."""
    return value.type.count if isinstance(value.type, ir.VectorType) else 1


def scalar_of(type_: Any) -> Any:
    return type_.element if isinstance(type_, ir.VectorType) else type_


def in_memory(element_type: Attribute) -> Any:
    """The LLVM type of one element in memory: as in a register, but a byte for i1."""
    return I8 if element_type == i1 else element(element_type)


def from_memory(builder: Any, element_type: Attribute, value: Value) -> Value:
    """What was loaded, as it is in a register."""
    if element_type != i1:
        return value
    zero = ir.Constant(I8, 0) if not isinstance(value.type, ir.VectorType) else ir.Constant(value.type, None)
    return builder.icmp_unsigned("!=", value, zero)


def to_memory(builder: Any, element_type: Attribute, value: Value) -> Value:
    """What is in a register, as it is stored."""
    return builder.zext(value, with_lanes(I8, lanes_of(value))) if element_type == i1 else value


def alignment(element_type: Attribute) -> int:
    """The alignment every element has, in bytes."""
    return element_bytes(element_type)


def is_signed(element_type: Attribute) -> bool:
    """Whether an integer type counts below zero; i1 does not."""
    return (
        isinstance(element_type, IntegerType)
        and element_type.width.data > 1
        and element_type.signedness.data is not Signedness.UNSIGNED
    )


def lanes(tile: TileType) -> int:
    return max(1, tile.lanes)


def grid_shape(tile: TileType) -> tuple[int, ...]:
    """The shape of the grid of vectors that holds a tile."""
    return (*tile.shape[:-1], tile.shape[-1] // lanes(tile)) if tile.shape else ()


def vector_of(tile: TileType) -> Any:
    """The LLVM type of one vector of a tile."""
    return vector(tile.element_type, lanes(tile))


def empty_grid(tile: TileType) -> Grid:
    return np.empty(grid_shape(tile), dtype=np.object_)


def suffix(type_: Any) -> str:
    """The part of an intrinsic's name that tells its type: `v8f32`."""
    if isinstance(type_, ir.VectorType):
        return f"v{type_.count}{suffix(type_.element)}"
    if isinstance(type_, ir.PointerType):
        return "p0"
    return str(type_.intrinsic_name)
