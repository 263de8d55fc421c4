"""Ops that place, order or accumulate whole tensors along a dim.

| op                | meaning |
|-------------------|---------|
| tensor.slice      | every `strides[d]`-th place of dim d from `starts[d]` on; the result type says how many. A view |
| tensor.concat     | operands one behind the other along a dim |
| tensor.scatter    | a copy of x in which slices at given indices are set, or combined with updates, in order |
| tensor.cumulate   | running add, mul, maximum or minimum along a dim |
| tensor.top_k      | the k largest (or smallest) values along a dim in order, and where they stood |

    %r = tensor.scatter "set" %x, %indices, %updates {checked = true} -> tensor<10x4xf32>

ONNX ScatterND: indices [b.., k], updates [b.., x.shape[k:]..]; x[indices[b, :]] = updates[b], for b in row-major order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from xdsl.dialects.builtin import IntegerAttr, StringAttr, TensorType, i64
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def, traits_def, var_operand_def
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects import scalar
from neuralc.dialects.common import CUMULATIONS, SCATTERS
from neuralc.dialects.dims import as_dim
from neuralc.dialects.graph.shapes import concat_type, top_k_types
from neuralc.dialects.syntax import IntsAttr, PlainOp
from neuralc.dialects.types import DimsAttr, ShapeError, element_of, format_shape, shape_of


@irdl_op_definition
class SliceOp(PlainOp):
    """result[i, ..] = x[starts[0] + i * strides[0], ..]; the result type gives the sizes."""

    name = "tensor.slice"
    x = operand_def(TensorType)
    starts = prop_def(DimsAttr)
    strides = prop_def(IntsAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    MOVES: ClassVar = True

    def verify_(self) -> None:
        shape, sizes = shape_of(self.x.type), shape_of(self.result.type)
        starts, strides = self.starts.data, self.literal("strides")
        if not len(shape) == len(sizes) == len(starts) == len(strides):
            raise VerifyException("a slice has a start, a stride and a size for each dim")
        if element_of(self.x.type) != element_of(self.result.type):
            raise VerifyException("a slice keeps the element type")
        for size, start, stride, count in zip(shape, starts, strides, sizes, strict=True):
            if stride < 1 or (start.is_static and start.value < 0):
                raise VerifyException("a slice starts at 0 or behind it and has strides of at least 1")
            past = start + (as_dim(count) - 1) * stride + 1 - as_dim(size)
            if count != 0 and past.is_static and past.value > 0:
                raise VerifyException(f"the slice of {format_shape(shape)} reaches {past.value} places past a dim")


@irdl_op_definition
class ConcatOp(PlainOp):
    """The operands one behind the other along `dim`."""

    name = "tensor.concat"
    xs = var_operand_def(TensorType)
    dim = prop_def(IntegerAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    MOVES: ClassVar = True

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        return concat_type(types, properties["dim"])


@irdl_op_definition
class ScatterOp(PlainOp):
    """x with slices at `indices` set to (or combined by `kind` with) `updates`; negative indices are not counted back.

    `checked`: an index outside is an error of the run; otherwise the maker knows that all are inside."""

    name = "tensor.scatter"
    kind = prop_def(StringAttr)
    x = operand_def(TensorType)
    indices = operand_def(TensorType)
    updates = operand_def(TensorType)
    checked = prop_def(IntegerAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    HEAD: ClassVar = "kind"
    DEFAULTS: ClassVar = {"checked": False}

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        if properties["kind"] not in SCATTERS:
            raise ShapeError(f"scatter is one of {', '.join(SCATTERS)}, not {properties['kind']}")
        x, indices, updates = (shape_of(type_) for type_ in types)
        if not indices or not isinstance(indices[-1], int) or indices[-1] > len(x) or element_of(types[1]) != i64:
            raise ShapeError(f"indices of {format_shape(x)} are i64 [.., up to {len(x)}], got {format_shape(indices)}")
        if updates != (*indices[:-1], *x[indices[-1] :]) or element_of(types[2]) != element_of(types[0]):
            raise ShapeError(
                f"updates are {format_shape((*indices[:-1], *x[indices[-1] :]))}, got {format_shape(updates)}"
            )
        return types[0]


@irdl_op_definition
class CumulateOp(PlainOp):
    """result[i] = x[0] (kind) .. (kind) x[i] along `dim`; `exclusive` leaves out x[i], `reverse` starts at the end."""

    name = "tensor.cumulate"
    kind = prop_def(StringAttr)
    x = operand_def(TensorType)
    dim = prop_def(IntegerAttr)
    exclusive = prop_def(IntegerAttr)
    reverse = prop_def(IntegerAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    HEAD: ClassVar = "kind"
    DEFAULTS: ClassVar = {"exclusive": False, "reverse": False}

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        if properties["kind"] not in CUMULATIONS:
            raise ShapeError(f"cumulate is one of {', '.join(CUMULATIONS)}, not {properties['kind']}")
        scalar.identity(properties["kind"], element_of(types[0]))
        if not 0 <= properties["dim"] < len(shape_of(types[0])):
            raise ShapeError(f"dim {properties['dim']} is outside a rank of {len(shape_of(types[0]))}")
        return types[0]


@irdl_op_definition
class TopKOp(PlainOp):
    """The `k` first values along `dim` in descending (`largest`) or ascending order, and their positions as i64.

    Equal values keep their order; NaN counts as larger than any number. With k the size of the dim this is a sort."""

    name = "tensor.top_k"
    x = operand_def(TensorType)
    k = prop_def(DimsAttr)
    dim = prop_def(IntegerAttr)
    largest = prop_def(IntegerAttr)
    values = result_def(TensorType)
    positions = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {"largest": True}

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Sequence[Attribute]:
        return top_k_types(types[0], properties["k"].data[0], properties["dim"])
