"""What each op on tiles and index values computes, for many programs at once.

A value of P programs is an array with a leading axis of size P, or of size 1 where all programs have the same: a tile
`6x16` is [P, 6, 16], an index is [P]. Floats arrive as float64; the caller rounds the result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import Operation

from neuralc.dialects import arith, kernel, scalar
from neuralc.dialects.interp.kernel_memory import storage_dtype
from neuralc.dialects.interp.numerics import Array, Numerics
from neuralc.dialects.kernel.tiles import as_tile
from neuralc.dialects.syntax import to_literal

TileSemantics = Callable[..., Array]
"""`f(op, numerics, *operands)` gives the result before rounding."""


def _splat(op: kernel.SplatOp, numerics: Numerics, source: Array | None = None) -> Array:
    tile = as_tile(op.result.type)
    dtype = storage_dtype(tile.element_type, numerics)
    if source is None:
        value = np.asarray(to_literal(op.value) if op.value is not None else 0).astype(dtype)
        return np.broadcast_to(value, (1, *tile.shape))
    lead = source.astype(dtype).reshape(-1, *[1] * tile.rank)
    return np.broadcast_to(lead, (lead.shape[0], *tile.shape))


def _iota(op: kernel.IotaOp, numerics: Numerics, start: Array | None = None) -> Array:
    (size,) = as_tile(op.result.type).shape
    counted = np.arange(size)[None, :]
    return counted if start is None else start[:, None] + counted


def _map(op: kernel.MapOp, numerics: Numerics, *operands: Array) -> Array:
    return np.asarray(scalar.lookup(op.literal("fn")).evaluate(*operands))


def _broadcast(op: kernel.BroadcastOp, numerics: Numerics, source: Array) -> Array:
    tile, dims = as_tile(op.result.type), op.literal("dims")
    shape = [1] * tile.rank
    for axis, dim in enumerate(dims):
        shape[dim] = source.shape[axis + 1]
    return np.broadcast_to(source.reshape(source.shape[0], *shape), (source.shape[0], *tile.shape))


def _reshape(op: kernel.ReshapeOp, numerics: Numerics, source: Array) -> Array:
    return source.reshape(source.shape[0], *as_tile(op.result.type).shape)


def _transpose(op: kernel.TransposeOp, numerics: Numerics, source: Array) -> Array:
    return source.transpose(0, *(axis + 1 for axis in op.literal("perm")))


def _convert(op: kernel.ConvertOp, numerics: Numerics, source: Array) -> Array:
    return scalar.convert(source, storage_dtype(as_tile(op.result.type).element_type, numerics))


REDUCTIONS: dict[str, Callable[..., Any]] = {
    "add": np.add.reduce,
    "mul": np.multiply.reduce,
    "maximum": np.maximum.reduce,
    "minimum": np.minimum.reduce,
    "and": np.logical_and.reduce,
    "or": np.logical_or.reduce,
}


def _reduce(op: kernel.ReduceOp, numerics: Numerics, source: Array) -> Array:
    return np.asarray(REDUCTIONS[op.literal("kind")](source, axis=op.literal("axis") + 1))


def _dot(op: kernel.DotOp, numerics: Numerics, lhs: Array, rhs: Array, acc: Array) -> Array:
    if np.issubdtype(lhs.dtype, np.integer):
        lhs, rhs = lhs.astype(acc.dtype), rhs.astype(acc.dtype)
    # numpy calls a matrix product per program; one column times one row is faster as a plain product.
    product = lhs * rhs if lhs.shape[2] == 1 else np.matmul(lhs, rhs)
    return np.asarray(product + acc)


TILES: dict[type[Operation], TileSemantics] = {
    kernel.BroadcastOp: _broadcast,
    kernel.ConvertOp: _convert,
    kernel.DotOp: _dot,
    kernel.IotaOp: _iota,
    kernel.MapOp: _map,
    kernel.ReduceOp: _reduce,
    kernel.ReshapeOp: _reshape,
    kernel.SplatOp: _splat,
    kernel.TransposeOp: _transpose,
}


def _unsigned(function: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    """An operation of 64-bit numbers read without a sign: `minui(-1, 5)` is 5."""

    def apply(lhs: Array, rhs: Array) -> Array:
        return function(lhs.astype(np.uint64), rhs.astype(np.uint64)).astype(np.int64)

    return apply


def _truncating(lhs: Array, rhs: Array) -> Array:
    return np.asarray(scalar.lookup("div").evaluate(lhs, rhs))


INDICES: dict[type[Operation], Callable[[Array, Array], Array]] = {
    arith.AddiOp: np.add,
    arith.SubiOp: np.subtract,
    arith.MuliOp: np.multiply,
    arith.DivUIOp: _unsigned(np.floor_divide),
    arith.DivSIOp: _truncating,
    arith.FloorDivSIOp: np.floor_divide,
    arith.CeilDivSIOp: lambda lhs, rhs: np.asarray(-(-lhs // rhs)),
    arith.CeilDivUIOp: lambda lhs, rhs: np.asarray(-(-lhs // rhs)),
    arith.RemUIOp: _unsigned(np.remainder),
    arith.RemSIOp: np.fmod,
    arith.MinUIOp: _unsigned(np.minimum),
    arith.MaxUIOp: _unsigned(np.maximum),
    arith.MinSIOp: np.minimum,
    arith.MaxSIOp: np.maximum,
}
"""The arithmetic of addresses, on index values."""


def constant_index(op: arith.ConstantOp) -> Array:
    """The value of an `arith.constant` on index, as one for all programs."""
    value = op.value
    return np.array([value.value.data if isinstance(value, IntegerAttr) else 0], np.int64)
