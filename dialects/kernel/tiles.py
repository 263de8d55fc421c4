"""Ops on tiles: arithmetic in registers, without memory.

| op               | meaning |
|------------------|---------|
| kernel.splat     | one number, or one index value, everywhere |
| kernel.iota      | start, start + 1, .. along a 1-D integer tile |
| kernel.map       | a scalar function (dialects/scalar.py), element by element |
| kernel.broadcast | source dim d becomes result dim dims[d]; the others repeat |
| kernel.reshape   | the same values in row-major order under another shape |
| kernel.transpose | result dim i is source dim perm[i] |
| kernel.convert   | another element type, or other lanes |
| kernel.reduce    | a reduction over one axis, which is dropped |
| kernel.dot       | lhs[m, k] . rhs[k, n] + acc[m, n], with its precision |
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from xdsl.dialects.builtin import IndexType, IntegerAttr, IntegerType, StringAttr
from xdsl.ir import Attribute
from xdsl.irdl import (
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects import scalar
from neuralc.dialects.kernel.types import TileType
from neuralc.dialects.syntax import NUMBER, IntsAttr, PlainOp
from neuralc.dialects.types import ShapeError, is_float

PRECISIONS = ("ieee", "tf32")


def as_tile(type_: Attribute) -> TileType:
    if not isinstance(type_, TileType):
        raise ShapeError(f"expected a tile, got {type_}")
    return type_


@irdl_op_definition
class SplatOp(PlainOp):
    """`kernel.splat 0.0 -> tile` or `kernel.splat %index -> tile` of integers."""

    name = "kernel.splat"
    value = opt_prop_def(NUMBER)
    source = opt_operand_def(IndexType())
    result = result_def(TileType)
    traits = traits_def(Pure())
    HEAD: ClassVar = "value"
    NUMBERS: ClassVar = ("value",)

    def verify_(self) -> None:
        if (self.value is None) == (self.source is None):
            raise VerifyException("splat takes a number or an index value")
        if self.source is not None and not isinstance(as_tile(self.result.type).element_type, IntegerType):
            raise VerifyException("an index value fills an integer tile")


@irdl_op_definition
class IotaOp(PlainOp):
    """`kernel.iota %start -> !kernel.tile<128xi32>`: consecutive integers; start is 0 without an operand."""

    name = "kernel.iota"
    start = opt_operand_def(IndexType())
    result = result_def(TileType)
    traits = traits_def(Pure())

    def verify_(self) -> None:
        type_ = as_tile(self.result.type)
        if type_.rank != 1 or not isinstance(type_.element_type, IntegerType):
            raise VerifyException(f"iota makes a 1-D integer tile, not {type_}")


@irdl_op_definition
class MapOp(PlainOp):
    """`kernel.map add %a, %b -> tile`: a function of the scalar table on tiles of one shape and one lane count.

    A product may fuse into the sum that takes it, which then sees it before it is rounded. Not so with `rounded`: every
    user sees the same value. Softmax needs it, where a largest x * c is subtracted from each x * c.
    """

    name = "kernel.map"
    fn = prop_def(StringAttr)
    args = var_operand_def(TileType)
    rounded = prop_def(IntegerAttr)
    result = result_def(TileType)
    traits = traits_def(Pure())
    HEAD: ClassVar = "fn"
    DEFAULTS: ClassVar = {"rounded": False}

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute | None:
        tiles = [as_tile(type_) for type_ in types]
        if not tiles or any((tile.shape, tile.lanes) != (tiles[0].shape, tiles[0].lanes) for tile in tiles):
            raise ShapeError(f"map {properties['fn']} needs tiles of one shape, got {', '.join(map(str, types))}")
        function = scalar.lookup(properties["fn"])
        if function.kind == "convert":
            raise ShapeError("changing the element type is kernel.convert")
        return tiles[0].with_element(function.result_type([tile.element_type for tile in tiles]))


@irdl_op_definition
class BroadcastOp(PlainOp):
    """`kernel.broadcast %t {dims = [1]} -> tile`: source dim d becomes result dim dims[d]."""

    name = "kernel.broadcast"
    source = operand_def(TileType)
    dims = prop_def(IntsAttr)
    result = result_def(TileType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {"dims": ()}

    def verify_(self) -> None:
        source, result, dims = as_tile(self.source.type), as_tile(self.result.type), self.literal("dims")
        if len(dims) != source.rank or list(dims) != sorted(set(dims)) or any(not 0 <= d < result.rank for d in dims):
            raise VerifyException(f"dims {list(dims)} do not place {source} in {result}")
        if any(source.shape[i] != result.shape[d] for i, d in enumerate(dims)):
            raise VerifyException(f"{source} does not broadcast to {result} by dims {list(dims)}")
        if source.element_type != result.element_type:
            raise VerifyException("broadcast keeps the element type")
        keeps_last = bool(dims) and dims[-1] == result.rank - 1
        if result.lanes > 1 and source.lanes != (result.lanes if keeps_last else 1):
            wanted = result.lanes if keeps_last else 1
            raise VerifyException(f"to make {result}, the source of this broadcast has v{wanted}, not v{source.lanes}")


@irdl_op_definition
class ReshapeOp(PlainOp):
    """The same values in row-major order; on a CPU the last dim and its lanes stay as they are."""

    name = "kernel.reshape"
    source = operand_def(TileType)
    result = result_def(TileType)
    traits = traits_def(Pure())

    def verify_(self) -> None:
        source, result = as_tile(self.source.type), as_tile(self.result.type)
        if math.prod(source.shape) != math.prod(result.shape) or source.element_type != result.element_type:
            raise VerifyException(f"cannot reshape {source} to {result}")
        if source.lanes != result.lanes or (source.lanes > 1 and source.shape[-1] != result.shape[-1]):
            raise VerifyException("a reshape keeps vectors as they are")


@irdl_op_definition
class TransposeOp(PlainOp):
    """Result dim i is source dim perm[i]."""

    name = "kernel.transpose"
    source = operand_def(TileType)
    perm = prop_def(IntsAttr)
    result = result_def(TileType)
    traits = traits_def(Pure())

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        source, perm = as_tile(types[0]), properties["perm"]
        if sorted(perm) != list(range(source.rank)):
            raise ShapeError(f"perm {list(perm)} is not an order of {source.rank} dims")
        if source.lanes > 1 and perm[-1] != source.rank - 1:
            raise ShapeError("a transpose cannot move the vector dim")
        return source.with_shape([source.shape[axis] for axis in perm])


@irdl_op_definition
class ConvertOp(PlainOp):
    """Another element type (rounding and saturation of the scalar table), or the same values with other lanes."""

    name = "kernel.convert"
    source = operand_def(TileType)
    result = result_def(TileType)
    traits = traits_def(Pure())

    def verify_(self) -> None:
        source, result = as_tile(self.source.type), as_tile(self.result.type)
        if source.shape != result.shape:
            raise VerifyException(f"convert keeps the shape: {source} to {result}")
        if source.lanes != result.lanes and source.element_type != result.element_type:
            raise VerifyException("convert changes the element type or the lanes, not both")


@irdl_op_definition
class ReduceOp(PlainOp):
    """`kernel.reduce maximum %t {axis = 1} -> tile`: add, mul, maximum, minimum; the order is not specified."""

    name = "kernel.reduce"
    kind = prop_def(StringAttr)
    source = operand_def(TileType)
    axis = prop_def(IntegerAttr)
    result = result_def(TileType)
    traits = traits_def(Pure())
    HEAD: ClassVar = "kind"

    def verify_(self) -> None:
        source, result, axis = as_tile(self.source.type), as_tile(self.result.type), self.literal("axis")
        try:
            scalar.identity(self.literal("kind"), source.element_type)
        except ShapeError as problem:
            raise VerifyException(str(problem)) from problem
        if not 0 <= axis < source.rank or result.shape != source.shape[:axis] + source.shape[axis + 1 :]:
            raise VerifyException(f"reducing axis {axis} of {source} does not give {result}")
        lanes = source.lanes if axis != source.rank - 1 else min(source.lanes, 1)
        if result.element_type != source.element_type or result.lanes != lanes:
            raise VerifyException(f"reducing axis {axis} of {source} gives v{lanes} of the same type, not {result}")


@irdl_op_definition
class DotOp(PlainOp):
    """lhs[m, k] . rhs[k, n] + acc[m, n]; `precision` says what an fp32 product may be computed in.

    On a CPU the lhs is scalars (v1) and the rhs has the lanes of the accumulator: no other form has one obvious code.
    """

    name = "kernel.dot"
    lhs = operand_def(TileType)
    rhs = operand_def(TileType)
    acc = operand_def(TileType)
    precision = prop_def(StringAttr)
    result = result_def(TileType)
    traits = traits_def(Pure())

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        lhs, rhs, acc = (as_tile(type_) for type_ in types)
        if properties["precision"] not in PRECISIONS:
            raise ShapeError(f"precision is one of {', '.join(PRECISIONS)}, not {properties['precision']}")
        if (lhs.rank, rhs.rank, acc.rank) != (2, 2, 2) or (*lhs.shape, rhs.shape[1]) != (
            acc.shape[0],
            rhs.shape[0],
            acc.shape[1],
        ):
            raise ShapeError(f"dot of {lhs} and {rhs} does not accumulate into {acc}")
        if lhs.element_type != rhs.element_type or is_float(lhs.element_type) != is_float(acc.element_type):
            raise ShapeError(f"dot of {lhs.element_type} and {rhs.element_type} into {acc.element_type}")
        if (lhs.lanes, rhs.lanes) != ((1, acc.lanes) if acc.lanes else (0, 0)):
            raise ShapeError("with lanes, the lhs of a dot is v1 and its rhs has the lanes of the accumulator")
        return acc
