"""Graph ops that read or write where other values say.

| op                     | result | source |
|------------------------|--------|--------|
| graph.gather           | whole slices of x along an axis, by number | ONNX Gather 13, numpy.take |
| graph.gather_elements  | one value each, along an axis | ONNX GatherElements 13, numpy.take_along_axis |
| graph.gather_nd        | slices of x at index vectors | ONNX GatherND 13 |
| graph.scatter_elements | x with values set or combined along an axis | ONNX ScatterElements 18 |
| graph.scatter_nd       | x with slices set or combined at index vectors | ONNX ScatterND 18 |
| graph.reverse_sequence | x with the first places of each sequence in reverse | ONNX ReverseSequence 10 |

An index is an i32 or i64; a negative one counts from the end; one outside the dim is an error of the run (E0910).
Updates are applied in row-major order of the indices: of two that set one place, the later wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from xdsl.dialects.builtin import IntegerAttr, StringAttr, TensorType, i1, i32, i64
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def, traits_def
from xdsl.traits import Pure

from neuralc.dialects.common import SCATTERS
from neuralc.dialects.graph.shapes import is_larger, normalize_axis
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import Shape, ShapeError, element_of, format_shape, shape_of, tensor_type


def _index_shape(op: str, type_: Attribute) -> Shape:
    """The shape of an operand that holds indices. Raises ShapeError where its elements are not i32 or i64."""
    if element_of(type_) not in (i32, i64):
        raise ShapeError(f"{op}: indices are i32 or i64, got {element_of(type_)}")
    return shape_of(type_)


def _check_along_axis(op: str, x: Shape, indices: Shape, axis: int) -> None:
    """Indices of one value each have the rank of x, and no dim but `axis` is longer."""
    if len(indices) != len(x):
        raise ShapeError(f"{op}: indices {format_shape(indices)} have another rank than {format_shape(x)}")
    if any(is_larger(n, size) for i, (n, size) in enumerate(zip(indices, x, strict=True)) if i != axis):
        raise ShapeError(f"{op}: indices {format_shape(indices)} are larger than {format_shape(x)} beside axis {axis}")


def _check_updates(op: str, kind: str, types: Sequence[Attribute], shape: Shape) -> None:
    if kind not in SCATTERS:
        raise ShapeError(f"{op} kind is one of {', '.join(SCATTERS)}, not {kind}")
    if kind != "set" and element_of(types[0]) == i1:
        raise ShapeError(f"{op}: i1 has no {kind}")
    if shape_of(types[2]) != shape:
        raise ShapeError(f"{op}: updates are {format_shape(shape)}, got {format_shape(shape_of(types[2]))}")
    if element_of(types[2]) != element_of(types[0]):
        raise ShapeError(f"{op}: updates of {element_of(types[2])} for a tensor of {element_of(types[0])}")


def _vector_length(op: str, x: Shape, indices: Shape, batch_dims: int = 0) -> int:
    """How many dims an index vector, the last dim of `indices`, chooses of x. Raises ShapeError."""
    length = indices[-1] if indices else None
    if not isinstance(length, int) or not 0 <= length <= len(x) - batch_dims:
        raise ShapeError(f"{op}: the last dim of the indices {format_shape(indices)} counts dims of {format_shape(x)}")
    return length


@irdl_op_definition
class GatherOp(PlainOp):
    """result[a.., i.., b..] = x[a.., indices[i..], b..]; the dims of the indices take the place of `axis`."""

    name = "graph.gather"
    x = operand_def(TensorType)
    indices = operand_def(TensorType)
    axis = prop_def(IntegerAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {"axis": 0}

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        x, indices = shape_of(types[0]), _index_shape("gather", types[1])
        axis = normalize_axis(properties["axis"], len(x))
        return tensor_type((*x[:axis], *indices, *x[axis + 1 :]), element_of(types[0]))


@irdl_op_definition
class GatherElementsOp(PlainOp):
    """result[a.., i, b..] = x[a.., indices[a.., i, b..], b..], of the shape of the indices."""

    name = "graph.gather_elements"
    x = operand_def(TensorType)
    indices = operand_def(TensorType)
    axis = prop_def(IntegerAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {"axis": 0}

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        x, indices = shape_of(types[0]), _index_shape("gather_elements", types[1])
        _check_along_axis("gather_elements", x, indices, normalize_axis(properties["axis"], len(x)))
        return tensor_type(indices, element_of(types[0]))


@irdl_op_definition
class GatherNdOp(PlainOp):
    """result[b.., i.., c..] = x[b.., *indices[b.., i.., :], c..] with `batch_dims` dims b that both operands have."""

    name = "graph.gather_nd"
    x = operand_def(TensorType)
    indices = operand_def(TensorType)
    batch_dims = prop_def(IntegerAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {"batch_dims": 0}

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        x, indices, batch = shape_of(types[0]), _index_shape("gather_nd", types[1]), properties["batch_dims"]
        if not 0 <= batch < max(len(indices), 1) or x[:batch] != indices[:batch]:
            raise ShapeError(f"{format_shape(x)} and indices {format_shape(indices)} have no {batch} common first dims")
        length = _vector_length("gather_nd", x, indices, batch)
        return tensor_type((*indices[:-1], *x[batch + length :]), element_of(types[0]))


@irdl_op_definition
class ScatterElementsOp(PlainOp):
    """A copy of x; [a.., indices[a.., i, b..], b..] becomes, or is combined by `kind` with, updates[a.., i, b..]."""

    name = "graph.scatter_elements"
    x = operand_def(TensorType)
    indices = operand_def(TensorType)
    updates = operand_def(TensorType)
    axis = prop_def(IntegerAttr)
    kind = prop_def(StringAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {"axis": 0, "kind": "set"}

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        x, indices = shape_of(types[0]), _index_shape("scatter_elements", types[1])
        _check_along_axis("scatter_elements", x, indices, normalize_axis(properties["axis"], len(x)))
        _check_updates("scatter_elements", properties["kind"], types, indices)
        return types[0]


@irdl_op_definition
class ScatterNdOp(PlainOp):
    """A copy of x; [*indices[i.., :], c..] becomes, or is combined by `kind` with, updates[i.., c..]."""

    name = "graph.scatter_nd"
    x = operand_def(TensorType)
    indices = operand_def(TensorType)
    updates = operand_def(TensorType)
    kind = prop_def(StringAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {"kind": "set"}

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        x, indices = shape_of(types[0]), _index_shape("scatter_nd", types[1])
        length = _vector_length("scatter_nd", x, indices)
        _check_updates("scatter_nd", properties["kind"], types, (*indices[:-1], *x[length:]))
        return types[0]


@irdl_op_definition
class ReverseSequenceOp(PlainOp):
    """The first lengths[b] places along `time_axis` of batch entry b in reverse order, the others as they are.

    A length is from 0 to the size of the time axis; one outside is an error of the run (E0910).
    """

    name = "graph.reverse_sequence"
    x = operand_def(TensorType)
    lengths = operand_def(TensorType)
    batch_axis = prop_def(IntegerAttr)
    time_axis = prop_def(IntegerAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {"batch_axis": 1, "time_axis": 0}

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        x, lengths = shape_of(types[0]), _index_shape("reverse_sequence", types[1])
        batch, time = (normalize_axis(properties[name], len(x)) for name in ("batch_axis", "time_axis"))
        if batch == time:
            raise ShapeError(f"axis {batch} is both the batch and the time")
        if lengths != (x[batch],):
            raise ShapeError(f"lengths are {format_shape(lengths)}, the batch has {x[batch]} entries")
        return types[0]
