"""Graph ops that move values without changing them, constants, and sizes.

| op              | meaning |
|-----------------|---------|
| graph.reshape   | the same values in row-major order under another shape, which the result type gives |
| graph.transpose | dims in another order: result dim i is operand dim perm[i] |
| graph.constant  | one value everywhere |
| graph.slice     | every step-th place of each dim, from a start on; the result type says how many |
| graph.concat    | operands one behind the other along an axis |
| graph.expand    | the same values repeated along dims of size 1 (numpy.broadcast_to) |
| graph.pad       | places around each dim: a constant, or mirrored, repeated or wrapped values |
| graph.iota      | 0, 1, 2, .. |
| graph.size      | a size of the program as a value |
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from xdsl.dialects.builtin import IntegerAttr, StringAttr, TensorType, i64
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def, traits_def, var_operand_def
from xdsl.traits import ConstantLike, Pure
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects.common import Reshape, Transpose
from neuralc.dialects.dims import as_dim, simplest
from neuralc.dialects.graph.shapes import concat_type, is_larger, normalize_axis
from neuralc.dialects.syntax import NUMBER, IntsAttr, PlainOp
from neuralc.dialects.types import (
    DimAttr,
    DimsAttr,
    ShapeError,
    element_of,
    format_shape,
    shape_of,
    tensor_type,
)

PADDINGS = ("constant", "reflect", "edge", "wrap")


@irdl_op_definition
class ReshapeOp(Reshape):
    """Row-major reshape to the result type (ONNX Reshape with a known shape, Keras Flatten)."""

    name = "graph.reshape"


@irdl_op_definition
class TransposeOp(Transpose):
    """Result dim i is operand dim perm[i]."""

    name = "graph.transpose"


@irdl_op_definition
class ConstantOp(PlainOp):
    """The number `value` at every place of the result type."""

    name = "graph.constant"
    value = prop_def(NUMBER)
    result = result_def(TensorType)
    traits = traits_def(Pure(), ConstantLike())
    NUMBERS: ClassVar = ("value",)


@irdl_op_definition
class SliceOp(PlainOp):
    """result[i, ..] = x[starts[0] + i * steps[0], ..] (ONNX Slice 13, numpy indexing with bounds resolved).

    `starts` are the places of the first elements, counted from the front; a step may be negative, never 0. The result
    type gives the sizes: what a front end computes from `ends` by its own rule of clamping.
    """

    name = "graph.slice"
    x = operand_def(TensorType)
    starts = prop_def(DimsAttr)
    steps = prop_def(IntsAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())

    def verify_(self) -> None:
        shape, sizes = shape_of(self.x.type), shape_of(self.result.type)
        starts, steps = self.starts.data, self.literal("steps")
        if not len(shape) == len(sizes) == len(starts) == len(steps):
            raise VerifyException("a slice has a start, a step and a size for each dim")
        if element_of(self.x.type) != element_of(self.result.type):
            raise VerifyException("a slice keeps the element type")
        for axis, (size, start, step, count) in enumerate(zip(shape, starts, steps, sizes, strict=True)):
            if step == 0:
                raise VerifyException(f"the step along axis {axis} is 0")
            if count == 0:
                continue
            last = start + (as_dim(count) - 1) * step
            for place in (start, last):
                if is_larger(0, place) or is_larger(place + 1, size):
                    raise VerifyException(f"the slice of {format_shape(shape)} reads place {place} along axis {axis}")


@irdl_op_definition
class ConcatOp(PlainOp):
    """The operands one behind the other along `axis` (ONNX Concat 13, numpy.concatenate)."""

    name = "graph.concat"
    xs = var_operand_def(TensorType)
    axis = prop_def(IntegerAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        if not types:
            raise ShapeError("nothing to join")
        return concat_type(types, normalize_axis(properties["axis"], len(shape_of(types[0]))))


@irdl_op_definition
class ExpandOp(PlainOp):
    """x broadcast to the result type: dims of size 1 repeat, new dims stand in front (numpy.broadcast_to).

    ONNX Expand 13 broadcasts in both directions; the result type is the shape after that.
    """

    name = "graph.expand"
    x = operand_def(TensorType)
    result = result_def(TensorType)
    traits = traits_def(Pure())

    def verify_(self) -> None:
        before, after = shape_of(self.x.type), shape_of(self.result.type)
        fits = len(before) <= len(after) and all(a in (1, b) for a, b in zip(before[::-1], after[::-1], strict=False))
        if not fits or element_of(self.x.type) != element_of(self.result.type):
            raise VerifyException(f"cannot expand {format_shape(before)} to {format_shape(after)}")


@irdl_op_definition
class PadOp(PlainOp):
    """`low[d]` places before dim d and `high[d]` behind it (ONNX Pad 19, numpy.pad; cropping is a slice).

    mode: constant (`value` there), edge (the nearest value), reflect (mirrored at the first and last value, which do
    not repeat; a pad longer than the dim goes back and forth), wrap (the values begin anew).
    """

    name = "graph.pad"
    x = operand_def(TensorType)
    low = prop_def(IntsAttr)
    high = prop_def(IntsAttr)
    mode = prop_def(StringAttr)
    value = prop_def(NUMBER)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {"mode": "constant", "value": 0.0}
    NUMBERS: ClassVar = ("value",)

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        shape, low, high, mode = shape_of(types[0]), properties["low"], properties["high"], properties["mode"]
        if mode not in PADDINGS:
            raise ShapeError(f"pad mode is one of {', '.join(PADDINGS)}, not {mode}")
        if len(low) != len(shape) or len(high) != len(shape) or min((0, *low, *high)) < 0:
            raise ShapeError(f"low {list(low)} and high {list(high)} have one entry of at least 0 per dim")
        if mode != "constant" and any(n == 0 and a + b for n, a, b in zip(shape, low, high, strict=True)):
            raise ShapeError(f"a dim of size 0 has no values to pad with: {format_shape(shape)}")
        padded = [simplest(as_dim(size) + a + b) for size, a, b in zip(shape, low, high, strict=True)]
        return tensor_type(padded, element_of(types[0]))


@irdl_op_definition
class IotaOp(PlainOp):
    """0, 1, 2, .. as i64, as many as the result type says (ONNX Range 11 is start + delta * iota)."""

    name = "graph.iota"
    result = result_def(TensorType)
    traits = traits_def(Pure())

    def verify_(self) -> None:
        if len(shape_of(self.result.type)) != 1 or element_of(self.result.type) != i64:
            raise VerifyException(f"iota gives one dim of i64, not {self.result.type}")


@irdl_op_definition
class SizeOp(PlainOp):
    """The value of a size expression, rank 0 i64: one entry of ONNX Shape 21."""

    name = "graph.size"
    dim = prop_def(DimAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        return tensor_type((), i64)
