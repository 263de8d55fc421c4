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
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects.dims import product
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.syntax import NUMBER, IntsAttr, PlainOp
from neuralc.dialects.types import ShapeError, element_of, format_shape, is_float, shape_of, tensor_type

REDUCTIONS = ("sum", "mean", "maximum", "minimum")


@irdl_op_definition
class ReshapeOp(PlainOp):
    """Row-major reshape to the result type (ONNX Reshape with a known shape, Keras Flatten)."""

    name = "graph.reshape"
    x = operand_def(TensorType)
    result = result_def(TensorType)
    traits = traits_def(Pure())

    def verify_(self) -> None:
        before, after = shape_of(self.x.type), shape_of(self.result.type)
        if product(before) != product(after) or element_of(self.x.type) != element_of(self.result.type):
            raise VerifyException(f"cannot reshape {format_shape(before)} to {format_shape(after)}")


@irdl_op_definition
class TransposeOp(PlainOp):
    """Result dim i is operand dim perm[i] (numpy.transpose)."""

    name = "graph.transpose"
    x = operand_def(TensorType)
    perm = prop_def(IntsAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        shape, perm = shape_of(types[0]), properties["perm"]
        if sorted(perm) != list(range(len(shape))):
            raise ShapeError(f"perm {list(perm)} is not an order of {len(shape)} dims")
        return tensor_type([shape[axis] for axis in perm], element_of(types[0]))


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
