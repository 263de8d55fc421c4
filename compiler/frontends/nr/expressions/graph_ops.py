"""Functions that are an op of the graph level each, for what neither numpy nor a layer has: what imported models need.

Values are the operands of the op, by position; its properties are named: `scatter_nd(x, places, new, kind='add')`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter, Signature
from typing import Any

from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import OptionalDef, VariadicDef, VarOperandDef, VerificationContext
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim
from neuralc.dialects.syntax import PlainOp, to_attribute
from neuralc.dialects.types import DimsAttr, ShapeError, element_of, element_type_of, shape_of, tensor_type
from neuralc.frontends.nr.expressions.builder import Builder
from neuralc.frontends.nr.expressions.values import Element, Value, described, sizes_of, tensor_of

OPS: Mapping[str, type[PlainOp]] = {
    "arg_max_pool": graph.ArgMaxPoolOp,
    "average_pool": graph.AveragePoolOp,
    "bitcast": graph.BitcastOp,
    "conv": graph.ConvOp,
    "conv_transpose": graph.ConvTransposeOp,
    "deform_conv": graph.DeformConvOp,
    "dequantize": graph.DequantizeOp,
    "fold": graph.FoldOp,
    "gather_elements": graph.GatherElementsOp,
    "gather_nd": graph.GatherNdOp,
    "grid_sample": graph.GridSampleOp,
    "gru": graph.GruOp,
    "linalg.det": graph.DetOp,
    "lrn": graph.LrnOp,
    "lstm": graph.LstmOp,
    "max_pool": graph.MaxPoolOp,
    "max_roi_pool": graph.MaxRoiPoolOp,
    "quantize": graph.QuantizeOp,
    "resize": graph.ResizeOp,
    "reverse_sequence": graph.ReverseSequenceOp,
    "rnn": graph.RnnOp,
    "roi_align": graph.RoiAlignOp,
    "scatter_elements": graph.ScatterElementsOp,
    "scatter_nd": graph.ScatterNdOp,
    "top_k": graph.TopKOp,
}

RESULTS: Mapping[type[PlainOp], str] = {graph.ResizeOp: "sizes", graph.BitcastOp: "type"}
"""What says the result of ops that choose it themselves: its sizes, or its element type."""


@dataclass(frozen=True)
class OpFunction:
    """The function that writes an op."""

    name: str
    op: type[PlainOp]

    @property
    def __signature__(self) -> Signature:
        """Operands by position; what the result is and properties by name."""
        parameters = [Parameter("b", Parameter.POSITIONAL_ONLY), Parameter("operands", Parameter.VAR_POSITIONAL)]
        parameters += [Parameter(RESULTS[self.op], Parameter.KEYWORD_ONLY)] if self.op in RESULTS else []
        declared = self.op.get_irdl_definition().properties
        needed = [name for name, each in declared.items() if not self._may_lack(name, each)]
        parameters += [Parameter(name, Parameter.KEYWORD_ONLY) for name in needed]
        return Signature([
            *parameters,
            *(
                Parameter(name, Parameter.KEYWORD_ONLY, default=self.op.DEFAULTS.get(name))
                for name in declared if name not in needed
            ),
        ])  # fmt: skip

    def _may_lack(self, name: str, declared: object) -> bool:
        return name in self.op.DEFAULTS or isinstance(declared, OptionalDef)

    def __call__(self, b: Builder, *operands: Value, **properties: Value) -> Value:
        op, given = self.op, dict(properties)
        values = [tensor_of(operand, "an operand") for operand in operands]
        _check_operands(self.name, op, len(values))
        result = _result(values[0], RESULTS[op], given.pop(RESULTS[op])) if op in RESULTS else None
        made = op.of(*values, result=result, **{key: _property(op, key, value) for key, value in given.items()})
        try:
            made.verify_()
        except VerifyException as problem:
            raise ShapeError(str(problem)) from None
        found = b.site.add_all(made)
        return found[0] if len(found) == 1 else found


def _check_operands(name: str, op: type[PlainOp], count: int) -> None:
    """Raises ShapeError where there are too few or too many."""
    operands = [each for _, each in op.get_irdl_definition().operands]
    needed = sum(not isinstance(each, OptionalDef | VariadicDef) for each in operands)
    most = None if any(isinstance(each, VarOperandDef) for each in operands) else len(operands)
    if count < needed or (most is not None and count > most):
        raise ShapeError(f"`{name}` is of {needed} values{'' if most == needed else ' or more'}, not of {count}")


def _result(x: SSAValue, what: str, value: Value) -> Attribute:
    if what == "sizes":
        return tensor_type(sizes_of(value, "sizes"), element_of(x.type))
    if not isinstance(value, Element):
        raise ShapeError(f"`type` is a type such as float32, not {described(value)}")
    return tensor_type(shape_of(x.type), element_type_of(value.dtype))


def _property(op: type[PlainOp], name: str, value: Value) -> Attribute:
    """A property as the op has it. Raises ShapeError for a value of another kind."""
    declared = op.get_irdl_definition().properties[name]
    try:
        attribute = _attribute(op, name, value)
        declared.constr.verify(attribute, VerificationContext())
    except (VerifyException, TypeError, ValueError):
        raise ShapeError(f"`{name}` is not {described(value)}") from None
    return attribute


def _attribute(op: type[PlainOp], name: str, value: Any) -> Attribute:
    usual = {**op.DEFAULTS, **op.KINDS}.get(name)
    if _is_dims(op, name):
        return DimsAttr(tuple(as_dim(size) for size in sizes_of(value, name)))
    if isinstance(usual, bool) and not isinstance(value, bool):
        raise TypeError
    if isinstance(usual, float) and isinstance(value, int):
        return to_attribute(float(value))
    if isinstance(value, tuple) and name in ("scales", "roi"):
        return to_attribute(tuple(map(float, value)))
    if not isinstance(value, bool | int | float | str | tuple):
        raise TypeError
    return to_attribute(value)


def _is_dims(op: type[PlainOp], name: str) -> bool:
    try:
        op.get_irdl_definition().properties[name].constr.verify(DimsAttr(()), VerificationContext())
    except VerifyException:
        return False
    return True


GRAPH_OPS: Mapping[str, Callable[..., Value]] = {name: OpFunction(name, op) for name, op in OPS.items()}
"""By the names of the ops."""
