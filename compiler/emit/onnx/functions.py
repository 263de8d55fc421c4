"""graph.func and graph.call: local functions of the model, written once however often they are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import onnx
from onnx import helper
from xdsl.ir import Operation, SSAValue

from neuralc.dialects.graph import CallOp, FunctionLike, ReturnOp
from neuralc.dialects.types import element_of, shape_of
from neuralc.emit.layouts import permuted
from neuralc.emit.onnx.layouts import OnnxLayouts
from neuralc.emit.onnx.lowering import lower
from neuralc.emit.onnx.sizes import Sized, Sizes
from neuralc.emit.onnx.values import Values
from neuralc.emit.onnx.writer import Opset, Scope, Writer
from neuralc.emit.refusals import Refusals

VERSION = 1
"""Of the model's own domain."""


@dataclass
class Functions:
    """The functions of a model, in the order in which they were first called."""

    table: Mapping[str, Operation]
    layouts: OnnxLayouts
    refusals: Refusals
    opset: Opset
    domain: str
    written: dict[str, onnx.FunctionProto] = field(default_factory=dict)

    def block(self, values: Values, function: FunctionLike) -> ReturnOp:
        """Write all ops of a model or function; gives its end, whose operands nobody has asked for yet."""
        for op in function.block.ops:
            if isinstance(op, ReturnOp):
                return op
            lower(values, op)
        raise ValueError(f"{function.name} has no end")

    def call(self, values: Values, op: CallOp) -> None:
        """A node of the operator that the function is."""
        callee = op.callee.root_reference.data
        if callee not in self.written:
            self.written[callee] = self._function(callee, self.layouts.callee(op))
        operands = [values.operand(op, index) for index in range(len(op.operands))]
        names = [values.result_name(result) for result in op.results]
        elements = [element_of(result.type) for result in op.results]
        values.writer.node(callee, operands, elements, names, domain=self.domain)
        values.names.update(zip(op.results, names, strict=True))

    def values(self, scope: Scope, arguments: Sequence[SSAValue], names: Sequence[str]) -> Values:
        """The values of a graph or function with these arguments."""
        writer = Writer(scope)
        inputs: list[Sized] = []
        for argument, name in zip(arguments, names, strict=True):
            scope.elements[name] = element_of(argument.type)
            inputs.append(Sized(name, permuted(shape_of(argument.type), self.layouts.orders[argument])))
        values = Values(writer, self.layouts, self.refusals, Sizes(writer, inputs), self.call)
        values.names.update(zip(arguments, names, strict=True))
        return values

    def _function(self, name: str, function: FunctionLike) -> onnx.FunctionProto:
        scope = Scope(self.opset)
        inputs = [scope.names.claim(argument.name_hint or "value") for argument in function.arguments]
        values = self.values(scope, function.arguments, inputs)
        end = self.block(values, function)
        outputs: list[str] = []
        for index, value in enumerate(end.operands):
            made = values.operand(end, index)
            plain = made in inputs or made in outputs or values.is_constant(made)
            outputs.append(values.write("Identity", made, element=element_of(value.type)) if plain else made)
        nodes = values.writer.nodes
        imports = [helper.make_opsetid("", self.opset.version)]
        if any(node.domain == self.domain for node in nodes):
            imports.append(helper.make_opsetid(self.domain, VERSION))
        return helper.make_function(self.domain, name, inputs, outputs, nodes, imports)
