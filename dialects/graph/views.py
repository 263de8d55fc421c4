"""Graph ops that move or summarise values without weights.

| op              | meaning |
|-----------------|---------|
| graph.reshape   | the same values in row-major order under another shape, which the result type gives |
| graph.transpose | dims in another order: result dim i is operand dim perm[i] |
| graph.reduce    | sum, mean, maximum or minimum over axes (GlobalAveragePooling2D is a mean) |
| graph.constant  | one value everywhere |
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from xdsl.dialects.builtin import IntegerAttr, StringAttr, TensorType
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def, traits_def
from xdsl.traits import ConstantLike, Pure

from neuralc.dialects.common import Reshape, Transpose
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.syntax import NUMBER, IntsAttr, PlainOp
from neuralc.dialects.types import ShapeError, element_of, is_float, shape_of, tensor_type

REDUCTIONS = ("sum", "mean", "maximum", "minimum")


@irdl_op_definition
class ReshapeOp(Reshape):
    """Row-major reshape to the result type (ONNX Reshape with a known shape, Keras Flatten)."""

    name = "graph.reshape"


@irdl_op_definition
class TransposeOp(Transpose):
    """Result dim i is operand dim perm[i]."""

    name = "graph.transpose"


@irdl_op_definition
class ReduceOp(PlainOp):
    """`kind` (sum, mean, maximum, minimum) over `axes`, which are dropped or kept with size 1."""

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
        shape, element = shape_of(types[0]), element_of(types[0])
        if properties["kind"] not in REDUCTIONS:
            raise ShapeError(f"reduce kind is one of {', '.join(REDUCTIONS)}, not {properties['kind']}")
        if properties["kind"] == "mean" and not is_float(element):
            raise ShapeError(f"a mean needs floats, got {element}")
        axes = {normalize_axis(axis, len(shape)) for axis in properties["axes"]}
        if len(axes) != len(properties["axes"]):
            raise ShapeError(f"axes {list(properties['axes'])} name one dim twice")
        kept = [1 if i in axes else size for i, size in enumerate(shape) if properties["keepdims"] or i not in axes]
        return tensor_type(kept, element)


@irdl_op_definition
class ConstantOp(PlainOp):
    """The number `value` at every place of the result type."""

    name = "graph.constant"
    value = prop_def(NUMBER)
    result = result_def(TensorType)
    traits = traits_def(Pure(), ConstantLike())
    NUMBERS: ClassVar = ("value",)
