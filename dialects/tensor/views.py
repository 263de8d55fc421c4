"""Ops that compute nothing: the same values seen or laid out another way.

| op               | meaning |
|------------------|---------|
| tensor.fill      | one number everywhere |
| tensor.reshape   | the same values in row-major order under the result's shape |
| tensor.transpose | result dim i is operand dim perm[i] |
| tensor.pad       | `low` and `high` places of `value` around each dim |
| tensor.window    | sliding windows: dim d becomes its positions; the window dims follow the last windowed one |
| tensor.pack      | the last dim in panels: [.., n] -> [ceil(n / panel), .., panel], zeros behind the end |
| tensor.unpack    | undoes tensor.pack |

All but pad and pack are free on the kernel level: they become shapes and strides of a reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from xdsl.dialects.builtin import IntegerAttr, TensorType
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, operand_def, opt_prop_def, prop_def, result_def, traits_def
from xdsl.traits import ConstantLike, Pure
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects.common import Reshape, Transpose
from neuralc.dialects.dims import as_dim, simplest
from neuralc.dialects.graph.shapes import window_extent
from neuralc.dialects.syntax import NUMBER, IntsAttr, PlainOp
from neuralc.dialects.types import ShapeError, element_of, format_shape, shape_of, tensor_type


@irdl_op_definition
class FillOp(PlainOp):
    """`tensor.fill 1.0 -> type`."""

    name = "tensor.fill"
    value = prop_def(NUMBER)
    result = result_def(TensorType)
    traits = traits_def(Pure(), ConstantLike())
    HEAD: ClassVar = "value"
    NUMBERS: ClassVar = ("value",)


@irdl_op_definition
class ReshapeOp(Reshape):
    """Row-major reshape to the result type."""

    name = "tensor.reshape"


@irdl_op_definition
class TransposeOp(Transpose):
    """Result dim i is operand dim perm[i]."""

    name = "tensor.transpose"


@irdl_op_definition
class PadOp(PlainOp):
    """`value` around the operand: low[d] places before dim d, high[d] behind it.

    No reader looks at what is around it along the dims in `unread`: a kernel need not write that.
    """

    name = "tensor.pad"
    x = operand_def(TensorType)
    low = prop_def(IntsAttr)
    high = prop_def(IntsAttr)
    value = prop_def(NUMBER)
    unread = opt_prop_def(IntsAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    NUMBERS: ClassVar = ("value",)

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        shape, low, high = shape_of(types[0]), properties["low"], properties["high"]
        if len(low) != len(shape) or len(high) != len(shape) or min((0, *low, *high)) < 0:
            raise ShapeError(f"low {list(low)} and high {list(high)} have one entry of at least 0 per dim")
        unread = properties.get("unread") or ()
        if any(not 0 <= dim < len(shape) for dim in unread):
            raise ShapeError(f"unread {list(unread)} are dims of the operand")
        padded = [simplest(as_dim(size) + a + b) for size, a, b in zip(shape, low, high, strict=True)]
        return tensor_type(padded, element_of(types[0]))


@irdl_op_definition
class WindowOp(PlainOp):
    """Windows of `sizes` over `dims`: [N, H, W, C] by dims [1, 2] becomes [N, OH, OW, KH, KW, C]."""

    name = "tensor.window"
    x = operand_def(TensorType)
    dims = prop_def(IntsAttr)
    sizes = prop_def(IntsAttr)
    strides = prop_def(IntsAttr)
    dilations = prop_def(IntsAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        shape = list(shape_of(types[0]))
        dims, sizes = properties["dims"], properties["sizes"]
        strides, dilations = properties["strides"], properties["dilations"]
        if not len(dims) == len(sizes) == len(strides) == len(dilations) or not dims:
            raise ShapeError("dims, sizes, strides and dilations have one entry per windowed dim")
        if list(dims) != sorted(set(dims)) or not 0 <= dims[0] <= dims[-1] < len(shape):
            raise ShapeError(f"dims {list(dims)} are ascending dims of the operand")
        if min(*sizes, *strides, *dilations) < 1:
            raise ShapeError("sizes, strides and dilations are at least 1")
        for dim, size, stride, dilation in zip(dims, sizes, strides, dilations, strict=True):
            shape[dim] = window_extent(shape[dim], size, stride, dilation, 0, 0)
        shape[dims[-1] + 1 : dims[-1] + 1] = sizes
        return tensor_type(shape, element_of(types[0]))


@irdl_op_definition
class PackOp(PlainOp):
    """The last dim in panels, outermost: a dot then reads its right side front to back."""

    name = "tensor.pack"
    x = operand_def(TensorType)
    panel = prop_def(IntegerAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    MOVES: ClassVar = True

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        shape, panel = shape_of(types[0]), properties["panel"]
        if not shape or panel < 1:
            raise ShapeError("pack splits the last dim into panels of at least 1")
        return tensor_type([simplest(as_dim(shape[-1]).ceildiv(panel)), *shape[:-1], panel], element_of(types[0]))


@irdl_op_definition
class UnpackOp(PlainOp):
    """Undoes tensor.pack: the result type gives the size of the last dim."""

    name = "tensor.unpack"
    x = operand_def(TensorType)
    result = result_def(TensorType)
    traits = traits_def(Pure())

    def verify_(self) -> None:
        packed, plain = shape_of(self.x.type), shape_of(self.result.type)
        if not plain or len(packed) != len(plain) + 1:
            raise VerifyException(f"cannot unpack {format_shape(packed)} to {format_shape(plain)}")
        expected = (simplest(as_dim(plain[-1]).ceildiv(packed[-1])), *plain[:-1], packed[-1])
        if packed != expected or element_of(self.x.type) != element_of(self.result.type):
            raise VerifyException(
                f"{format_shape(plain)} packs to {format_shape(expected)}, not {format_shape(packed)}"
            )
