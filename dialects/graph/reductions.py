"""Ops along axes: reductions, where the extreme stands, running sums, the largest values in order.

| op               | meaning |
|------------------|---------|
| graph.reduce     | sum, mean, prod, maximum, minimum, all or any over axes (GlobalAveragePooling2D is a mean) |
| graph.arg_reduce | the position of the largest or smallest value along an axis |
| graph.cumulate   | running sum or product along an axis |
| graph.top_k      | the k largest or smallest values along an axis in order, and their positions |
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from xdsl.dialects.builtin import IntegerAttr, StringAttr, TensorType, i64
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def, traits_def
from xdsl.traits import Pure

from neuralc.dialects.graph.elementwise import accept
from neuralc.dialects.graph.shapes import normalize_axis, top_k_types
from neuralc.dialects.syntax import IntsAttr, PlainOp
from neuralc.dialects.types import DimsAttr, ShapeError, shape_of, tensor_type

REDUCTIONS = {
    "sum": "numbers",
    "mean": "floats",
    "prod": "numbers",
    "maximum": "numbers",
    "minimum": "numbers",
    "all": "truth values",
    "any": "truth values",
}
"""Kinds of graph.reduce, and what each takes."""

COMBINATION = {
    "sum": "add",
    "mean": "add",
    "prod": "mul",
    "maximum": "maximum",
    "minimum": "minimum",
    "all": "and",
    "any": "or",
}
"""The function of the scalar table that a kind of graph.reduce or graph.cumulate applies again and again."""

ARGUMENTS = ("max", "min")
CUMULATED = ("sum", "prod")


@irdl_op_definition
class ReduceOp(PlainOp):
    """`kind` (see REDUCTIONS) over `axes`, which are dropped or kept with size 1.

    NaN wins a maximum and a minimum. Of no values the result is what changes nothing: 0, 1, -inf, inf, true, false; a
    mean is NaN."""

    name = "graph.reduce"
    x = operand_def(TensorType)
    kind = prop_def(StringAttr)
    axes = prop_def(IntsAttr)
    keepdims = prop_def(IntegerAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {"keepdims": False}

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        shape, kind = shape_of(types[0]), properties["kind"]
        if kind not in REDUCTIONS:
            raise ShapeError(f"reduce kind is one of {', '.join(REDUCTIONS)}, not {kind}")
        element = accept(f"{cls.name} {kind}", REDUCTIONS[kind], types)
        axes = {normalize_axis(axis, len(shape)) for axis in properties["axes"]}
        if len(axes) != len(properties["axes"]):
            raise ShapeError(f"axes {list(properties['axes'])} name one dim twice")
        kept = [1 if i in axes else size for i, size in enumerate(shape) if properties["keepdims"] or i not in axes]
        return tensor_type(kept, element)


@irdl_op_definition
class ArgReduceOp(PlainOp):
    """The position along `axis` of the largest (`max`) or smallest (`min`) value, the first or `last` of equal ones.

    NaN counts as the extreme: the first (or last) NaN is found (numpy.argmax; ONNX ArgMax, select_last_index)."""

    name = "graph.arg_reduce"
    x = operand_def(TensorType)
    kind = prop_def(StringAttr)
    axis = prop_def(IntegerAttr)
    keepdims = prop_def(IntegerAttr)
    last = prop_def(IntegerAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {"keepdims": False, "last": False}

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        if properties["kind"] not in ARGUMENTS:
            raise ShapeError(f"arg_reduce kind is one of {', '.join(ARGUMENTS)}, not {properties['kind']}")
        accept(cls.name, "numbers", types)
        shape = shape_of(types[0])
        axis = normalize_axis(properties["axis"], len(shape))
        if shape[axis] == 0:
            raise ShapeError(f"{cls.name}: axis {axis} of size 0 has no largest value")
        kept = (1,) if properties["keepdims"] else ()
        return tensor_type((*shape[:axis], *kept, *shape[axis + 1 :]), i64)


@irdl_op_definition
class CumulateOp(PlainOp):
    """Running `kind` (sum, prod) along `axis`: y[i] = x[0] + .. + x[i] (ONNX CumSum, CumProd).

    `exclusive` leaves out x[i] itself, `reverse` runs from the end."""

    name = "graph.cumulate"
    x = operand_def(TensorType)
    kind = prop_def(StringAttr)
    axis = prop_def(IntegerAttr)
    exclusive = prop_def(IntegerAttr)
    reverse = prop_def(IntegerAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {"exclusive": False, "reverse": False}

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        if properties["kind"] not in CUMULATED:
            raise ShapeError(f"cumulate kind is one of {', '.join(CUMULATED)}, not {properties['kind']}")
        accept(cls.name, "numbers", types)
        normalize_axis(properties["axis"], len(shape_of(types[0])))
        return types[0]


@irdl_op_definition
class TopKOp(PlainOp):
    """The `k` largest (or smallest) values along `axis` in order, and their positions (ONNX TopK, sorted).

    Equal values keep their order; NaN counts as larger than any number. `k` is one size, at most that of the dim."""

    name = "graph.top_k"
    x = operand_def(TensorType)
    k = prop_def(DimsAttr)
    axis = prop_def(IntegerAttr)
    largest = prop_def(IntegerAttr)
    values = result_def(TensorType)
    positions = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {"axis": -1, "largest": True}

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Sequence[Attribute]:
        accept(cls.name, "numbers", types)
        if len(properties["k"].data) != 1:
            raise ShapeError(f"k is one size, got {len(properties['k'].data)}")
        axis = normalize_axis(properties["axis"], len(shape_of(types[0])))
        return top_k_types(types[0], properties["k"].data[0], axis)
